"""All documents of a trajectory at once: which keys are taken, what changed, the consolidated whole."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from xpet.store.documents import ArrayDoc, Doc, GroupDoc, doc_from_json, dumps
from xpet.store.meta import MARK, Meta

HIDDEN = "_xpet"


class Hierarchy:
    """The documents of a trajectory by key, as they will be published next.

    ``changed`` holds the keys whose documents differ from what is stored at the node itself.
    """

    def __init__(self, docs: Mapping[str, Doc] | None = None) -> None:
        self._docs: dict[str, Doc] = dict(docs or {})
        self.changed: set[str] = set()

    @staticmethod
    def from_root(root: Mapping[str, Any]) -> Hierarchy:
        """The documents of a consolidated root document."""
        nodes = root["consolidated_metadata"]["metadata"]
        return Hierarchy({key: doc_from_json(node, key) for key, node in nodes.items()})

    def __contains__(self, key: str) -> bool:
        return key in self._docs

    def __iter__(self) -> Iterator[str]:
        return iter(self._docs)

    def array(self, key: str) -> ArrayDoc:
        """The document of an array."""
        doc = self._docs[key]
        if not isinstance(doc, ArrayDoc):
            raise KeyError(key)
        return doc

    def arrays(self) -> Iterator[tuple[str, ArrayDoc]]:
        """The keys and documents of all arrays."""
        return ((key, doc) for key, doc in self._docs.items() if isinstance(doc, ArrayDoc))

    def groups(self) -> Iterator[tuple[str, GroupDoc]]:
        """The keys and documents of all groups."""
        return ((key, doc) for key, doc in self._docs.items() if isinstance(doc, GroupDoc))

    def put(self, key: str, doc: Doc) -> None:
        """Add or replace a document; the groups above it come to be."""
        above = parent(key)
        if above and above not in self._docs:
            self.put(above, GroupDoc())
        if self._docs.get(key) != doc:
            self._docs[key] = doc
            self.changed.add(key)

    def drop(self, key: str) -> None:
        """Forget a document."""
        del self._docs[key]
        self.changed.discard(key)

    def ensure_group(self, key: str) -> GroupDoc:
        """The document of a group, which comes to be if it is not there."""
        if key not in self._docs:
            self.put(key, GroupDoc())
        doc = self._docs[key]
        assert isinstance(doc, GroupDoc)
        return doc

    def free_key(self, group: str, name: str) -> str:
        """``group/name``, or with ``.1``, ``.2``, … behind it if that is taken; upper and lower case are the same."""
        prefix = f"{group}/" if group else ""
        taken = {key.lower() for key in self._docs}
        key, k = f"{prefix}{name}", 0
        while key.lower() in taken:
            k += 1
            key = f"{prefix}{name}.{k}"
        return key

    def to_json(self, key: str) -> dict[str, Any]:
        """The document of one node as Zarr wants it."""
        return self._docs[key].to_json()

    def root_document(self, meta: Meta, attrs: Mapping[str, Any]) -> bytes:
        """The document of the trajectory with everything beneath consolidated."""
        document = GroupDoc({**attrs, MARK: meta.to_json()}).to_json()
        document["consolidated_metadata"] = {
            "kind": "inline",
            "must_understand": False,
            "metadata": {key: doc.to_json() for key, doc in self._docs.items()},
        }
        return dumps(document)


def parent(key: str) -> str:
    """The key of the group a node is in; ``''`` for the root."""
    return key.rpartition("/")[0]
