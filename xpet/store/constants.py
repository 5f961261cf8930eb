"""Large arrays that are the same in every run: one array without the dimension of the runs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from xpet.store.arriving import as_chunks
from xpet.store.blobs import LARGE
from xpet.store.carried import Carried, loaded, same_bytes
from xpet.store.chunks import read_written, write_whole
from xpet.store.documents import ArrayDoc
from xpet.store.hierarchy import RUN

if TYPE_CHECKING:
    from xpet.store.place import Place
    from xpet.values.parts import Array


def is_constant(doc: ArrayDoc) -> bool:
    """Whether an array of a column is one for all runs."""
    return doc.dims[:1] != (RUN,)


def constant_of(values: Array | list[Any]) -> Array | Carried | None:
    """What all values are, if they are large, the same, and numbers."""
    if not isinstance(values, list) or getattr(values[0], "nbytes", 0) < LARGE:
        return None
    first: Array | Carried = values[0]
    if first.dtype == object:
        return None
    return first if _all_are(first, values) else None


class Constants:
    """Writes and compares constants; each is read once."""

    def __init__(self, place: Place) -> None:
        self._place = place
        self._known: dict[str, Array] = {}
        #: where the chunks came from that were taken over as they are
        self._taken: dict[str, str] = {}

    def write(self, node: str, doc: ArrayDoc, value: Array | Carried) -> None:
        """Write the value of a constant."""
        chunks = as_chunks(value, node, doc)
        if isinstance(value, Carried) and chunks is not None:
            self._place.copy_many(chunks)
            self._taken[node] = value.node
            return
        made = self._known[node] = loaded(value).astype(doc.dtype, copy=False)
        write_whole(self._place, node, doc, made)

    def get(self, node: str, doc: ArrayDoc) -> Array:
        """The value of a constant, as it is on disk."""
        if node not in self._known:
            self._known[node] = read_written(self._place, node, doc)
        return self._known[node]

    def hold(self, node: str, doc: ArrayDoc, values: Array | list[Any]) -> bool:
        """Whether all values are that of a constant, byte for byte."""
        taken = self._taken.get(node)
        others = [value for value in values if taken is None or getattr(value, "node", None) != taken]
        return not others or _all_are(self.get(node, doc), others)

    def forget(self, node: str) -> None:
        """The array is no constant any more."""
        self._known.pop(node, None)
        self._taken.pop(node, None)


def _all_are(one: Array | Carried, values: list[Any]) -> bool:
    distinct = {id(value): value for value in values}
    return all(value is one or same_bytes(one, value) for value in distinct.values())
