"""Which keys at a trajectory are xpet's, so that nobody else's are deleted with them."""

from __future__ import annotations

import json
import re
from collections.abc import Container, Mapping
from dataclasses import dataclass, field

from xpet.errors import CorruptStoreError
from xpet.names import BRANCHES
from xpet.store.documents import ArrayDoc, Doc, doc_from_json, dumps
from xpet.store.hierarchy import HIDDEN, NODE_KEY, TABLE, Hierarchy
from xpet.store.place import Place
from xpet.store.snapshot import ROOT

#: what is on its way, and all that is beneath
JOURNAL = f"{HIDDEN}/journal"
_CHUNK = re.compile(r"c(/[0-9]+)*|c(\.[0-9]+)+|[0-9]+(\.[0-9]+)*")
#: there while a trajectory is being deleted
REMOVAL = f"{JOURNAL}/removal"
_NODE = re.compile(rf"(.+)/{re.escape(ROOT)}")


@dataclass(frozen=True, slots=True)
class Keys:
    """The keys at a trajectory: what xpet wrote, data and documents, and what it did not write."""

    data: list[str] = field(default_factory=list)
    documents: list[str] = field(default_factory=list)
    foreign: list[str] = field(default_factory=list)


def keys_of(place: Place, published: Hierarchy | None = None) -> Keys:
    """Sort the keys at a trajectory; ``published`` are its documents, if it has a root.

    Of xpet are the published documents and those that are, byte for byte, as xpet writes them; the chunks of their
    arrays, and those that a writer which died before it wrote their document left in a group of xpet; and what is in
    the journal.
    """
    keys = place.list()
    arrays, others = _nodes(place, keys, published or Hierarchy())
    found = Keys()
    for key in keys:
        node = _NODE.fullmatch(key)
        if key == ROOT or (node and (node[1] in arrays or others.get(node[1]))):
            found.documents.append(key)
        elif key.startswith(f"{JOURNAL}/") or (not node and _is_chunk(key, arrays, others)):
            found.data.append(key)
        else:
            found.foreign.append(key)
    return found


def chunks_of(place: Place, node: str) -> list[str]:
    """The keys that an array at a node could have."""
    start = len(node) + 1
    keys = place.list(node)
    return [key for key in keys if key[start:] == ROOT or _CHUNK.fullmatch(key[start:])]


def _nodes(place: Place, keys: list[str], published: Hierarchy) -> tuple[set[str], dict[str, bool]]:
    """The arrays that xpet wrote, and of other nodes whether xpet wrote them."""
    arrays = {key for key, _ in published.arrays()}
    others = dict.fromkeys((*BRANCHES, TABLE, HIDDEN, *(key for key, _ in published.groups())), True)
    nodes = [match[1] for match in map(_NODE.fullmatch, keys) if match and NODE_KEY.fullmatch(match[1])]
    nodes = [node for node in nodes if node not in published]
    for key, data in place.read_many(f"{node}/{ROOT}" for node in nodes).items():
        doc, node = _written(data), key.removesuffix(f"/{ROOT}")
        if isinstance(doc, ArrayDoc):
            arrays.add(node)
        else:
            others[node] = doc is not None
    return arrays, others


def _written(data: bytes) -> Doc | None:
    """The document with these bytes; None if xpet would not write it so."""
    try:
        doc = doc_from_json(json.loads(data), "")
    except (ValueError, RecursionError, AttributeError, CorruptStoreError):
        return None
    return doc if dumps(doc.to_json()) == data else None


def _is_chunk(key: str, arrays: Container[str], others: Mapping[str, bool]) -> bool:
    parts = key.split("/")
    within = False
    for i in range(1, len(parts)):
        node, chunk = "/".join(parts[:i]), "/".join(parts[i:])
        if node in arrays:
            return bool(_CHUNK.fullmatch(chunk))
        if node in others:
            within = others[node] and node != HIDDEN
        # Without a document there has been no other layout than the first one.
        elif within and chunk[0] == "c" and _CHUNK.fullmatch(chunk) and NODE_KEY.fullmatch(node):
            return True
    return False
