"""Frames of Blosc: what is stored in them as it is, anybody's Blosc reads."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest
from numcodecs import blosc as theirs

from xpet.store import blosc

DTYPES = ("int8", "bool", "uint16", "float32", "int64", "float64", "complex128")
#: bytes: below and from the 128 on that Blosc compresses, around a block of a disk with the head, beyond
SIZES = (16, 112, 128, 4064, 4080, 4096, 65536)


def _numbers(dtype: str, size: int) -> np.ndarray:
    return np.random.default_rng(size).integers(0, 2, size // np.dtype(dtype).itemsize).astype(dtype)


def _read(frame: bytes, like: np.ndarray) -> np.ndarray:
    return blosc.decompress(frame, like.shape, like.dtype, like.nbytes)


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("dtype", DTYPES)
def test_each_reads_the_others(dtype: str, size: int) -> None:
    numbers = _numbers(dtype, size)
    ours = blosc.compress(numbers)
    made = theirs.compress(numbers, b"lz4", 5, theirs.SHUFFLE)
    assert theirs.decompress(ours) == numbers.tobytes()
    for frame in (ours, made):
        assert blosc.is_frame(frame)
        assert blosc.size_of(frame) == size
        out = _read(frame, numbers)
        assert out.flags.writeable
        assert out.tobytes() == numbers.tobytes()


@pytest.mark.parametrize("size", [size for size in SIZES if size < 128])
@pytest.mark.parametrize("dtype", DTYPES)
def test_the_shortest_are_what_blosc_makes(dtype: str, size: int) -> None:
    numbers = _numbers(dtype, size)
    assert blosc.compress(numbers) == theirs.compress(numbers, b"lz4", 5, theirs.SHUFFLE)


FILLS = {"int8": -128, "bool": False, "uint16": 65535, "float32": np.nan, "int64": -(2**63), "float64": np.nan}


@pytest.mark.parametrize("given", [0, 1, 2, 15, 16, 255, 270, 4080, 5000])
@pytest.mark.parametrize("dtype", [*FILLS, "complex128"])
def test_fill_behind_numbers_is_read_by_any_blosc(dtype: str, given: int) -> None:
    fill = FILLS.get(dtype, complex("nan+nanj"))
    numbers = np.random.default_rng(given).integers(0, 2, given).astype(dtype)
    for missing in (0, 1, 3, 4, 8, 16, 23, 64, 65, 255, 1000, 65536, 2**20):
        whole = np.concatenate([numbers, np.full(missing, fill, dtype)])
        frame = blosc.compress_filled(numbers, fill, len(whole))
        assert blosc.is_frame(frame)
        assert blosc.size_of(frame) == whole.nbytes
        if whole.nbytes:
            assert theirs.decompress(frame) == whole.tobytes(), missing
            assert _read(frame, whole).tobytes() == whole.tobytes(), missing


def test_fill_is_as_small_as_blosc_makes_it() -> None:
    whole = np.concatenate([np.arange(9.0), np.full(65536, np.nan)])
    made = theirs.compress(whole, b"lz4", 5, theirs.SHUFFLE)
    assert len(blosc.compress_filled(np.arange(9.0), np.nan, len(whole))) < 1.1 * len(made)


def test_long_ones_become_smaller() -> None:
    assert len(blosc.compress(np.zeros(10_000))) < 1000


def test_short_ones_fit_in_a_block_of_a_disk() -> None:
    assert {len(blosc.compress(_numbers("int8", size))) <= 4096 for size in range(0, 4081)} == {True}


@pytest.mark.parametrize(
    "frame",
    [b"", b"\2\1\x33", blosc.compress(np.zeros(3))[:-1], blosc.compress(np.zeros(3)) + b"\0"],
    ids=["nothing", "a head cut off", "cut off", "too long"],
)
def test_what_is_not_as_long_as_it_says_is_refused(frame: bytes) -> None:
    assert not blosc.is_frame(frame)
    with pytest.raises(ValueError, match="compressed bytes instead of"):
        blosc.size_of(frame)


def test_what_claims_to_be_stored_and_is_longer_is_refused() -> None:
    frame = bytearray(blosc.compress(np.zeros(3)))
    frame[4:8], frame[12:16] = (64).to_bytes(4, "little"), len(frame).to_bytes(4, "little")
    with pytest.raises(RuntimeError, match="blosc"):
        _read(bytes(frame), np.zeros(8))


def test_a_short_frame_needs_no_numcodecs() -> None:
    code = (
        "import sys, numpy as np; from xpet.store import blosc; x = np.arange(9.0); "
        "y = blosc.decompress(blosc.compress(x), x.shape, x.dtype, x.nbytes); assert (x == y).all(); "
        "filled = blosc.compress_filled(x, np.nan, 10**6); "
        "z = blosc.decompress(filled, (10**6,), x.dtype, 8 * 10**6); assert z[8] == 8; "
        "assert 'numcodecs' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


@pytest.mark.parametrize("length", [9, 3000])
def test_damage_is_judged_as_blosc_judges_it(length: int) -> None:
    whole = blosc.compress_filled(np.arange(9.0), np.nan, length)
    for at in {*range(4), *range(8, 12), *range(16, len(whole))}:
        for bits in (0x01, 0x80, 0xFF):
            _judged_alike(whole[:at] + bytes([whole[at] ^ bits]) + whole[at + 1 :], length)


def _judged_alike(frame: bytes, length: int) -> None:
    theirs_says = np.zeros(length)
    try:
        theirs.decompress(frame, theirs_says)
    except RuntimeError:
        with pytest.raises(RuntimeError):
            _read(frame, theirs_says)
    else:
        assert _read(frame, theirs_says).tobytes() == theirs_says.tobytes()
