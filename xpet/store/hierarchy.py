"""All documents of a trajectory at once: which keys are taken, what changed, the consolidated whole."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from xpet.errors import CorruptStoreError
from xpet.store.documents import ArrayDoc, Doc, GroupDoc, doc_from_json, dumps
from xpet.store.meta import MARK, Meta

HIDDEN = "_xpet"
#: the group of the run table, and what every group with columns has as the run table does
TABLE, RUN = "runs", "run"
#: what a group says of arrays that are not there any more: by name, the sets of chunks and since when
GONE = "gone"
#: branches that never get columns, so that the names of these are not needed there
_WITHOUT_RUNS = frozenset({"parameters", "config"})
#: A node is a folder, whose name has at most 255 bytes; what belongs to one has its name and a few characters.
_LONGEST_NAME, _CUT = 220, 100
#: what the key of a node looks like
NODE_KEY = re.compile(r"[A-Za-z0-9_$-][A-Za-z0-9_.$-]*(/[A-Za-z0-9_$-][A-Za-z0-9_.$-]*)*")


class Hierarchy:
    """The documents of a trajectory by key, as they will be published next.

    ``changed`` holds the keys whose documents differ from what is stored at the node itself.
    """

    def __init__(self, docs: Mapping[str, Doc] | None = None) -> None:
        self._docs: dict[str, Doc] = {}
        #: keys in lower case, as some file systems know no other
        self._taken: set[str] = set()
        self._with_dim: dict[str, set[str]] = {}
        self._coordinates: dict[str, None] = {}
        self._renamed: dict[str, str] = {}
        #: by group, keys at whose chunks readers of an earlier document may be
        self._gone: dict[str, set[str]] = {}
        for key, doc in (docs or {}).items():
            self._enter(key, doc)
        self.changed: set[str] = set()

    @staticmethod
    def from_root(root: Mapping[str, Any]) -> Hierarchy:
        """The documents of a consolidated root document."""
        nodes = root["consolidated_metadata"]["metadata"]
        for key in nodes:
            if not NODE_KEY.fullmatch(key):
                raise CorruptStoreError(f"{key!r}: not the key of a node that xpet writes")
        return Hierarchy({key: doc_from_json(node, key) for key, node in nodes.items()})

    def __contains__(self, key: str) -> bool:
        return key in self._docs

    def __iter__(self) -> Iterator[str]:
        return iter(self._docs)

    def array(self, key: str) -> ArrayDoc:
        """The document of an array."""
        doc = self._docs.get(key)
        if not isinstance(doc, ArrayDoc):
            raise CorruptStoreError(f"{key}: an array was expected there, and is not among the published ones")
        return doc

    def arrays(self) -> Iterator[tuple[str, ArrayDoc]]:
        """The keys and documents of all arrays."""
        return ((key, doc) for key, doc in self._docs.items() if isinstance(doc, ArrayDoc))

    def groups(self) -> Iterator[tuple[str, GroupDoc]]:
        """The keys and documents of all groups."""
        return ((key, doc) for key, doc in self._docs.items() if isinstance(doc, GroupDoc))

    def group(self, key: str) -> GroupDoc:
        """The document of a group, which comes to be if it is not there."""
        if key not in self._docs:
            self.put(key, GroupDoc())
        doc = self._docs[key]
        assert isinstance(doc, GroupDoc)
        return doc

    def coordinates(self) -> list[str]:
        """The names of the explored coordinates."""
        return list(self._coordinates)

    def put(self, key: str, doc: Doc) -> None:
        """Add or replace a document; the groups above it come to be."""
        above = parent(key)
        if above and above not in self._docs:
            self.put(above, GroupDoc())
        if self._docs.get(key) != doc:
            self._enter(key, doc)
            self.changed.add(key)

    def drop(self, key: str) -> None:
        """Forget an array; what is stored at its node stays there."""
        for dim in self.array(key).dims:
            self._with_dim[dim].discard(key)
        del self._docs[key]
        self._taken.discard(key.lower())
        self.changed.discard(key)
        if parent(key) == TABLE:
            self._coordinates.pop(name_of(key), None)

    def _enter(self, key: str, doc: Doc) -> None:
        for dim in getattr(self._docs.get(key), "dims", ()):
            self._with_dim[dim].discard(key)
        for dim in getattr(doc, "dims", ()):
            self._with_dim.setdefault(dim, set()).add(key)
        self._docs[key] = doc
        self._taken.add(key.lower())
        if parent(key) == TABLE and "parameter" in doc.xpet:
            self._coordinates[name_of(key)] = None
        if isinstance(doc, GroupDoc):
            self._gone[key] = {below(key, name).lower() for name in doc.xpet.get(GONE, ())}
            if "group" in doc.xpet:
                self._renamed[doc.xpet["group"]] = key

    def is_taken(self, key: str, also_gone: bool = True) -> bool:
        """Whether a key is in use, upper and lower case being the same, or kept for what groups with columns have.

        Those of arrays that were there a while ago are in use, but for who lays others out beside their chunks.
        """
        if key.lower() in self._taken or key in (TABLE, HIDDEN):
            return True
        if also_gone and any(key.lower() in gone for gone in self._gone.values()):
            return True
        return key.partition("/")[0] not in _WITHOUT_RUNS and self.is_reserved(name_of(key))

    def is_used(self, name: str) -> bool:
        """Whether something in a branch that may get columns has a name, in upper or lower case."""
        used = (key for key in self._docs if parent(key) and key.partition("/")[0] not in _WITHOUT_RUNS)
        return any(name_of(key).lower() == name.lower() for key in used)

    def is_reserved(self, name: str) -> bool:
        """Whether a name is the runs' own, or a coordinate's, which groups with columns repeat."""
        name = name.lower()
        own = name == RUN or (name.startswith(f"{RUN}_") and "." not in name)
        return own or name in map(str.lower, self._coordinates)

    def free_key(self, group: str, name: str) -> str:
        """``group/name``, or with ``.1``, ``.2``, … behind it if that is taken, be it by a dimension."""
        free = stem = bounded(name)
        k = 0
        while not self.is_free(group, free):
            k += 1
            free = f"{stem}.{k}"
        return below(group, free)

    def is_free(self, group: str, name: str, also_gone: bool = True) -> bool:
        """Whether neither a node in a group nor a dimension has a name, nor a node that is gone."""
        return not (self.is_taken(below(group, name), also_gone) or self.has_dim(group, name))

    def group_key(self, path: str) -> str:
        """The key of the group with a dotted path; where a part of it is taken by something else it is renamed."""
        key = so_far = ""
        for segment in path.split(".") if path else ():
            so_far = f"{so_far}.{segment}" if so_far else segment
            natural = f"{key}/{segment}" if key else segment
            known = self._docs.get(natural)
            if so_far in self._renamed:
                key = self._renamed[so_far]
            elif isinstance(known, GroupDoc) and not known.xpet.get("empty") and natural != TABLE:
                key = natural
            else:
                key = self.free_key(key, segment)
                self.put(key, GroupDoc(xpet={} if key == natural else {"group": so_far}))
        return key

    def has_group(self, group: str, name: str) -> bool:
        """Whether a group called ``name`` is somewhere in a group."""
        prefix = f"{group}/" if group else ""
        return any(key.startswith(prefix) and name_of(key) == name for key, _ in self.groups())

    def related(self, group: str) -> Iterator[tuple[str, ArrayDoc]]:
        """The arrays of a group, its ancestors and its descendants: those whose dims xarray aligns."""
        return ((key, doc) for key, doc in self.arrays() if _is_related(parent(key), group))

    def has_dim(self, group: str, name: str) -> bool:
        """Whether an array around a group has a dimension called ``name``."""
        return any(_is_related(parent(key), group) for key in self._with_dim.get(name, ()))

    def to_json(self, key: str) -> dict[str, Any]:
        """The document of one node as Zarr wants it."""
        return self._docs[key].to_json()

    def root_document(self, meta: Meta, attrs: Mapping[str, Any]) -> bytes:
        """The document of the trajectory with everything beneath consolidated."""
        document = GroupDoc({**attrs, MARK: meta.to_json()}).to_json()
        document["consolidated_metadata"] = {
            "kind": "inline",
            "must_understand": False,
            "metadata": {key: self.to_json(key) for key in self._by_group()},
        }
        return dumps(document)

    def _by_group(self) -> list[str]:
        """The keys, each group's together: zarr loses nodes if others of the same depth lie between them."""
        groups: dict[str, int] = {}
        for key in self._docs:
            groups.setdefault(parent(key), len(groups))
        return sorted(self._docs, key=lambda key: (key.count("/"), groups[parent(key)]))


def _is_related(a: str, b: str) -> bool:
    return a == b or not a or not b or a.startswith(f"{b}/") or b.startswith(f"{a}/")


def bounded(name: str) -> str:
    """A name as it is, or without its middle if no folder could be called so: its end often says what it is."""
    return name if len(name) <= _LONGEST_NAME else f"{name[:_CUT]}..{name[2 - _CUT:]}"


def below(group: str, name: str) -> str:
    """The key of what has a name in a group; the root is ``''``."""
    return f"{group}/{name}" if group else name


def parent(key: str) -> str:
    """The key of the group a node is in; ``''`` for the root."""
    return key.rpartition("/")[0]


def name_of(key: str) -> str:
    """The last segment of a key."""
    return key.rpartition("/")[2]
