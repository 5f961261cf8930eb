"""Large arrays in packets: runs that have the same one in the same place share one record of it."""

from __future__ import annotations

import struct
from collections.abc import Iterable
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from xpet.values.parts import Array

#: bytes from which an array is compared with that of the run before
LARGE = 2**16
HEAD = struct.Struct("<BQB")
BLOB = 5
_MOST = 64


class Blob(NamedTuple):
    """A large array: its number in the packets of a worker, its dtype, shape and bytes."""

    number: int
    dtype: str
    shape: tuple[int, ...]
    data: bytes

    def head(self) -> bytes:
        """What its record holds before the bytes: kind, number, rank, shape."""
        shape = struct.pack(f"<{len(self.shape)}Q", *self.shape)
        return HEAD.pack(BLOB, self.number, len(self.shape)) + shape


class Blobs:
    """The large arrays that a worker last had in each place, and which of them its packet holds."""

    def __init__(self) -> None:
        self._last: dict[tuple[str, str, str], Blob] = {}
        self._made = 0
        self._written: set[int] = set()

    def take(self, place: tuple[str, str, str], array: Array) -> Blob:
        """An array, under the number that it had in this place before if it is the same, byte for byte."""
        data = array.tobytes()
        last = self._last.get(place)
        if last is not None and (last.dtype, last.shape) == (array.dtype.str, array.shape) and last.data == data:
            return last
        if len(self._last) >= _MOST:
            # Names that change from run to run must not fill the memory.
            self._last.clear()
        self._made += 1
        made = self._last[place] = Blob(self._made, array.dtype.str, array.shape, data)
        return made

    def missing(self, blobs: Iterable[Blob]) -> list[Blob]:
        """Those of some arrays that the packet does not hold."""
        return list({blob.number: blob for blob in blobs if blob.number not in self._written}.values())

    def wrote(self, blobs: Iterable[Blob]) -> None:
        """The packet holds these now."""
        self._written.update(blob.number for blob in blobs)

    def renew(self) -> None:
        """What follows is in another packet."""
        self._written.clear()


def number_of(payload: memoryview) -> int:
    """The number of the array in a record."""
    return int(HEAD.unpack_from(payload)[1])


def array_of(payload: memoryview, dtype: str, rank: int) -> Array:
    """The array in a record, read-only."""
    import numpy as np

    _, _, found = HEAD.unpack_from(payload)
    shape = struct.unpack_from(f"<{found}Q", payload, HEAD.size)
    if found != rank:
        raise ValueError(f"a large array of rank {found} instead of {rank}")
    return np.frombuffer(payload, np.dtype(dtype).newbyteorder("<"), offset=HEAD.size + 8 * rank).reshape(shape)
