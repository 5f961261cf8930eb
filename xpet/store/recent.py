"""The chunks that rows were read from last, decoded, for who reads row after row."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, TypeAlias

from xpet.store.chunks import numpy_dtype, read_chunk, read_row
from xpet.store.documents import ArrayDoc

if TYPE_CHECKING:
    import numpy as np

    from xpet.store.place import Place
    from xpet.values.parts import Array

    #: the number of a chunk, the chunk, and the dtype in memory
    _Kept: TypeAlias = tuple[int, Array, np.dtype[Any]]

#: what is kept takes up to about this many bytes
MOST_BYTES = 2**26


class Recent:
    """Reads rows of arrays, and keeps of each array the last chunk.

    Parameters
    ----------
    place
        The trajectory.
    """

    def __init__(self, place: Place) -> None:
        self._place = place
        self.forget()

    def forget(self) -> None:
        """Read everything anew."""
        self._kept: dict[str, _Kept] = {}
        self._n_bytes = 0

    def row(self, node: str, doc: ArrayDoc, row: int, inner: tuple[int, ...]) -> Array:
        """The same as :func:`read_row`."""
        length = doc.chunks[0]
        if length == 1 or (inner and not _is_one_chunk(doc, inner)):
            return read_row(self._place, node, doc, row, inner)
        number, at = divmod(row, length)
        kept = self._kept.get(node)
        if kept is None or kept[0] != number:
            kept = self._keep(node, number, read_chunk(self._place, node, doc, number), numpy_dtype(doc))
        cut = (slice(at, at + 1), *map(slice, inner))
        # A copy, for who gets it may change it, in native byte order; reshaped, as what is indexed alone is no array.
        return kept[1][cut].reshape(inner).astype(kept[2])

    def _keep(self, node: str, number: int, chunk: Array, dtype: np.dtype[Any]) -> _Kept:
        before = self._kept.get(node)
        self._n_bytes += _size(chunk) - (0 if before is None else _size(before[1]))
        if self._n_bytes > MOST_BYTES:
            self.forget()
            self._n_bytes = _size(chunk)
        kept = self._kept[node] = (number, chunk, dtype)
        return kept


def _size(chunk: Array) -> int:
    """The bytes that a chunk takes, its texts included."""
    return chunk.nbytes + (sum(map(len, chunk.flat)) if chunk.dtype == object else 0)


def _is_one_chunk(doc: ArrayDoc, inner: Sequence[int]) -> bool:
    """Whether a row's items are in one chunk, and that must be there."""
    return all(0 < size <= length for size, length in zip(inner, doc.chunks[1:], strict=True))
