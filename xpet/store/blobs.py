"""Large arrays in packets: runs that have the same one in the same place share one record of it."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterable
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from xpet.store.carried import Cargo
    from xpet.values.parts import Array

#: bytes from which an array is compared with that of the run before
LARGE = 2**16
FRAME = struct.Struct("<II")
HEAD = struct.Struct("<BQB")
BLOB = 5
_MOST = 64


def frame(payload: bytes) -> bytes:
    """A record: the length of what it holds, the checksum, and that."""
    return FRAME.pack(len(payload), zlib.crc32(payload)) + payload


class Blob(NamedTuple):
    """A large array: its number in the packets of a worker, its dtype, shape and bytes."""

    number: int
    dtype: str
    shape: tuple[int, ...]
    data: bytes

    def record(self) -> tuple[bytes, bytes, bytes]:
        """Its record, in pieces: the frame; kind, number, rank and shape; the bytes."""
        shape = struct.pack(f"<{len(self.shape)}Q", *self.shape)
        head = HEAD.pack(BLOB, self.number, len(self.shape)) + shape
        check = zlib.crc32(self.data, zlib.crc32(head))
        return FRAME.pack(len(head) + len(self.data), check), head, self.data


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
        made = self._last[place] = Blob(self.number(), array.dtype.str, array.shape, data)
        return made

    def number(self) -> int:
        """A number that no other array has."""
        self._made += 1
        return self._made

    def missing(self, blobs: Iterable[Blob | Cargo]) -> list[Blob | Cargo]:
        """Those of some arrays that the packet does not hold."""
        return list({blob.number: blob for blob in blobs if blob.number not in self._written}.values())

    def wrote(self, blobs: Iterable[Blob | Cargo]) -> None:
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
