"""Large arrays that are the same in every run: one array without the dimension of the runs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from xpet.store.blobs import LARGE
from xpet.store.chunks import read_written, write_whole
from xpet.store.documents import ArrayDoc
from xpet.store.hierarchy import RUN

if TYPE_CHECKING:
    from xpet.store.place import Place
    from xpet.values.parts import Array


def is_constant(doc: ArrayDoc) -> bool:
    """Whether an array of a column is one for all runs."""
    return doc.dims[:1] != (RUN,)


def constant_of(values: Array | list[Any]) -> Array | None:
    """What all values are, if they are large and the same; only large ones come as lists of the same objects."""
    if not isinstance(values, list) or getattr(values[0], "nbytes", 0) < LARGE:
        return None
    first: Array = values[0]
    return first if _all_are(first, values) else None


class Constants:
    """Writes and compares constants; each is read once."""

    def __init__(self, place: Place) -> None:
        self._place = place
        self._known: dict[str, Array] = {}

    def write(self, node: str, doc: ArrayDoc, value: Array) -> None:
        """Write the value of a constant."""
        made = self._known[node] = value.astype(doc.dtype, copy=False)
        write_whole(self._place, node, doc, made)

    def get(self, node: str, doc: ArrayDoc) -> Array:
        """The value of a constant, as it is on disk."""
        if node not in self._known:
            self._known[node] = read_written(self._place, node, doc)
        return self._known[node]

    def hold(self, node: str, doc: ArrayDoc, values: Array | list[Any]) -> bool:
        """Whether all values are that of a constant, byte for byte."""
        return _all_are(self.get(node, doc), list(values))

    def forget(self, node: str) -> None:
        """The array is no constant any more."""
        self._known.pop(node, None)


def _all_are(one: Array, values: list[Any]) -> bool:
    distinct = {id(value): value for value in values}
    return all(value is one or _same(one, value) for value in distinct.values())


def _same(one: Array, other: Array) -> bool:
    import numpy as np

    if one.shape != other.shape:
        return False
    a, b = (np.ascontiguousarray(each, one.dtype).reshape(-1).view(np.uint8) for each in (one, other))
    return bool(np.array_equal(a, b))
