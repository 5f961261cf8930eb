"""Frames of Blosc, which the numbers of a chunk are in.

Few numbers are framed here, so that a study with little in it does not import numcodecs, which asks all installed
packages for codecs: they are stored as they are, which is what Blosc itself does with what does not become smaller, and
the fill behind them is told by repeating it. Any Blosc reads these frames as it reads its own.
"""

from __future__ import annotations

import struct
from functools import cache
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np

    from xpet.store.documents import Fill
    from xpet.values.parts import Array

_HEAD, _BLOCK = struct.Struct("<BBBBIII"), struct.Struct("<II")
#: of a head: the bytes that are in it, and those that it is
_SIZES = struct.Struct("<4xI4xI")
#: bytes that are not compressed: with their head they are a block of a disk
_FEW = 4096 - _HEAD.size
#: bytes of fill in which a match of LZ4 has room
_ENOUGH = 64
#: bytes that are copied in less time than numcodecs needs to look at the array that they are to be put into
_COPIED = 2**15
_SHUFFLE = 1
#: of Blosc and of its LZ4, as Blosc 1 writes them
_VERSION, _VERSION_LZ4 = 2, 1
#: LZ4, not split: compressed; stored as it is
_PLAIN, _STORED = 0x30, 0x33


def compress(flat: Array) -> bytes:
    """The frame of a contiguous 1-D array of numbers."""
    if flat.nbytes > _FEW:
        return bytes(_numcodecs().compress(flat, b"lz4", 5, _SHUFFLE))
    return _head(_STORED, flat.itemsize, flat.nbytes, flat.nbytes) + flat.tobytes()


def compress_filled(flat: Array, fill: Fill, length: int) -> bytes:
    """The frame of ``length`` numbers: those of a contiguous 1-D array, and a fill of its dtype behind them."""
    import numpy as np

    size = length * flat.itemsize
    if flat.nbytes > _FEW or size - flat.nbytes < _ENOUGH:
        return compress(np.concatenate([flat, np.full(length - flat.size, fill, flat.dtype)]))
    return _filled(flat.tobytes(), np.asarray(fill, flat.dtype).tobytes(), size)


def _filled(start: bytes, item: bytes, size: int) -> bytes:
    """The frame of one block of some bytes and an item again and again, ``size`` bytes in all."""
    block = _repeated(start, item, size - len(start))
    content = _BLOCK.pack(_HEAD.size + 4, len(block)) + block
    return _head(_PLAIN, len(item), size, len(content)) + content


def _head(flags: int, itemsize: int, size: int, packed: int) -> bytes:
    return _HEAD.pack(_VERSION, _VERSION_LZ4, flags, itemsize, size, size, packed + _HEAD.size)


def _repeated(start: bytes, item: bytes, missing: int) -> bytes:
    """A block of LZ4 of some bytes and, ``missing`` bytes long, an item again and again: once, a match of it, the end.

    Source: the block format of LZ4, whose last match begins 12 bytes before the end at least, and whose last 5 bytes
    are in none.
    """
    last = item * -(-5 // len(item))
    match = missing - len(item) - len(last)
    repeated = _sequence(start + item, 15) + len(item).to_bytes(2, "little") + _rest(match - 4 - 15)
    return repeated + _sequence(last, 0)


def _sequence(literals: bytes, match: int) -> bytes:
    """The token of so many bytes as they are and of a match, and the bytes."""
    n = len(literals)
    return bytes([min(n, 15) << 4 | match]) + (_rest(n - 15) if n >= 15 else b"") + literals


def _rest(length: int) -> bytes:
    """What a length is beyond what its half of a token holds."""
    return b"\xff" * (length // 255) + bytes([length % 255])


def decompress(frame: bytes, shape: tuple[int, ...], dtype: np.dtype[Any], size: int) -> Array:
    """The array, of ``size`` bytes, of a frame that says that it holds as many, and is as long as it says; writable.

    Raises
    ------
    ValueError, RuntimeError
        If it is none that Blosc makes.
    """
    import numpy as np

    # What is made here is known by making it again; what differs in a bit is Blosc's to judge.
    if len(frame) == _HEAD.size + size and frame[: _HEAD.size] == _head(_STORED, dtype.itemsize, size, size):
        return np.ndarray(shape, dtype, bytearray(frame), _HEAD.size)
    few = _few(frame, dtype.itemsize) if frame[2] == _PLAIN else b""
    if few and frame == _filled(few[: -dtype.itemsize], few[-dtype.itemsize :], size):
        numbers = np.frombuffer(few, dtype)
        flat = np.full(size // dtype.itemsize, numbers[-1])
        flat[: len(numbers)] = numbers
        return flat.reshape(shape)
    if size < _COPIED:
        return np.ndarray(shape, dtype, bytearray(_numcodecs().decompress(frame)))
    made = np.empty(shape, dtype)
    _numcodecs().decompress(frame, made)
    return made


@cache
def _numcodecs() -> Any:
    """Blosc, asked for once: the statement takes longer than copying a few kB."""
    from numcodecs import blosc

    return blosc


def _few(frame: bytes, itemsize: int) -> bytes:
    """The numbers that a frame begins with and its first fill, if it may be one of few numbers."""
    at = _HEAD.size + _BLOCK.size
    size = frame[at] >> 4 if len(frame) > at else 0
    if size == 15:
        rest = frame[at + 1 : at + 1 + _FEW // 255 + 2]
        full = len(rest) - len(rest.lstrip(b"\xff"))
        at += full + 1
        size += 255 * full + (rest[full] if full < len(rest) else 0)
    return frame[at + 1 : at + 1 + size] if size % itemsize == 0 else b""


def size_of(frame: bytes) -> int:
    """How many bytes a frame says that it holds.

    Raises
    ------
    ValueError
        If it is not as long as it says.
    """
    size, said = _SIZES.unpack_from(frame) if len(frame) >= _HEAD.size else (0, 0)
    if len(frame) != max(said, _HEAD.size):
        raise ValueError(f"{len(frame)} compressed bytes instead of {said}")
    return int(size)


def is_frame(data: bytes) -> bool:
    """Whether some bytes are a frame by their head."""
    return len(data) >= _HEAD.size and data[0] == _VERSION and int.from_bytes(data[12:16], "little") == len(data)
