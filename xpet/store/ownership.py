"""Which keys at a trajectory are xpet's, so that nobody else's are deleted with them."""

from __future__ import annotations

import json
import re
from collections.abc import Container, Iterator, Mapping, Sequence
from typing import NamedTuple

from xpet.errors import CorruptStoreError
from xpet.names import BRANCHES
from xpet.store.chunks import is_encoded
from xpet.store.documents import ArrayDoc, Doc, doc_from_json, dumps
from xpet.store.hierarchy import HIDDEN, NODE_KEY, TABLE, Hierarchy
from xpet.store.place import Place
from xpet.store.snapshot import ROOT

#: what is on its way, and all that is beneath
JOURNAL = f"{HIDDEN}/journal"
_CHUNK = re.compile(r"c(/[0-9]+)*|c(\.[0-9]+)+|[0-9]+(\.[0-9]+)*")
#: there while a trajectory is being deleted
REMOVAL = f"{JOURNAL}/removal"
_SOME = 16
_NODE = re.compile(rf"(.+)/{re.escape(ROOT)}")


class Keys(NamedTuple):
    """The keys at a trajectory: what xpet wrote, data and documents, and what it did not write."""

    data: list[str]
    documents: list[str]
    foreign: list[str]


def keys_of(place: Place, published: Hierarchy | None = None) -> Keys:
    """Sort the keys at a trajectory; ``published`` are its documents, if it has a root.

    Of xpet are the published documents and those that are, byte for byte, as xpet writes them; the chunks of their
    arrays; in a group of xpet what has the key and the form of a chunk, as a writer which died before it wrote the
    document left it; and what is in the journal.
    """
    keys = place.list()
    arrays, others = _nodes(place, keys, published or Hierarchy())
    orphans = [key for key in keys if not _NODE.fullmatch(key) and _may_be_chunk(key, arrays, others)]
    chunks = set(_encoded(place, orphans))
    found = Keys([], [], [])
    for key in keys:
        node = _NODE.fullmatch(key)
        if key == ROOT or (node and (node[1] in arrays or others.get(node[1]))):
            found.documents.append(key)
        elif key.startswith(f"{JOURNAL}/") or (not node and (key in chunks or _is_chunk(key, arrays))):
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


def _is_chunk(key: str, arrays: Container[str]) -> bool:
    """Whether a key is that of a chunk of some array."""
    return any(node in arrays and _CHUNK.fullmatch(chunk) for node, chunk in _cuts(key))


def _may_be_chunk(key: str, arrays: Container[str], others: Mapping[str, bool]) -> bool:
    """Whether a key is one that a chunk could have whose array has no document yet, in a group of xpet."""
    within = False
    for node, chunk in _cuts(key):
        if node in arrays:
            return False
        if node in others:
            within = others[node] and node != HIDDEN
        # Without a document there has been no other layout than the first one.
        elif within and chunk[0] == "c" and _CHUNK.fullmatch(chunk) and NODE_KEY.fullmatch(node):
            return True
    return False


def _cuts(key: str) -> Iterator[tuple[str, str]]:
    parts = key.split("/")
    for i in range(1, len(parts)):
        yield "/".join(parts[:i]), "/".join(parts[i:])


def _encoded(place: Place, keys: Sequence[str]) -> Iterator[str]:
    """Those of some keys under which chunks are, by their bytes; some at a time, as they may be large."""
    for start in range(0, len(keys), _SOME):
        for key, data in place.read_many(keys[start : start + _SOME]).items():
            if is_encoded(data):
                yield key
