"""Where things are: template -> key, names of dims, lengths of chunks, fill values."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from xpet.store.documents import Fill, itemsize

if TYPE_CHECKING:
    from xpet.values.parts import Array

#: runs with numbers and runs with texts of one chunk at most; bytes of a chunk: once to twice this
MAX_NUMBERS, MAX_TEXTS, CHUNK_BYTES = 65_536, 4_096, 2**20
_LARGEST_CHUNK = 2**25


def place_of(template: str) -> tuple[str, str]:
    """The group's path and the leaf's name of a template: wildcards (``$…``), and ``runs`` before them, are left out.

    >>> place_of('results.runs.$.neuron.V'), place_of('results.neuron.$')
    (('results.neuron', 'V'), ('results', 'neuron'))
    """
    segments = template.split(".")
    kept = [
        segment
        for i, segment in enumerate(segments)
        if segment[:1] != "$" and not (segment == "runs" and segments[i + 1 : i + 2] and segments[i + 1][:1] == "$")
    ]
    if len(kept) < 2:
        kept.append("value")
    return ".".join(kept[:-1]), kept[-1]


def dotted(key: str) -> str:
    """A key below its branch as a dotted path: the stem of the names of its inner dims."""
    return (key.partition("/")[2] or key).replace("/", ".")


def run_chunk(dtype: str, inner: Sequence[int]) -> int:
    """How many runs go into a chunk; depends on the bytes of a run, never on the number of runs."""
    if dtype == "string":
        return max(1, MAX_TEXTS // _product(inner))
    size = _product(inner) * itemsize(dtype)
    if size >= CHUNK_BYTES:
        return 1
    rows = min(MAX_NUMBERS, 2 * CHUNK_BYTES // size)
    return 1 << (rows.bit_length() - 1)


def inner_chunks(dtype: str, inner: Sequence[int], ragged: bool) -> tuple[int, ...]:
    """How the inner dimensions are cut: not at all up to 32 MiB a run; with room to grow where runs differ."""
    chunks = [max(size, 1) for size in inner]
    if ragged:
        chunks = [max(64 if len(chunks) == 1 else 8, 1 << (size - 1).bit_length()) for size in chunks]
    size = 16 if dtype == "string" else itemsize(dtype)
    limit = CHUNK_BYTES if ragged else _LARGEST_CHUNK
    while _product(chunks) * size > limit:
        widest = max(range(len(chunks)), key=chunks.__getitem__)
        chunks[widest] = -(-chunks[widest] // 2)
    return tuple(chunks)


def _product(sizes: Sequence[int]) -> int:
    out = 1
    for size in sizes:
        out *= max(size, 1)
    return out


def dtype_of(values: Array) -> str:
    """The zarr data type of values as chunks hold them."""
    return "string" if values.dtype == object else values.dtype.name


def disk_dtype(dtype: str) -> str:
    """The zarr data type of a column whose values have ``dtype``: bools need a value for "not there"."""
    return "int8" if dtype == "bool" else dtype


def default_fill(dtype: str) -> Fill:
    """The fill of a column: NaN, the empty text, or a number that data rarely holds."""
    if dtype == "string":
        return ""
    if dtype.startswith("float"):
        return float("nan")
    if dtype.startswith("complex"):
        return complex("nan+nanj")
    return next(spare_fills(dtype))


def spare_fills(dtype: str) -> Iterator[int]:
    """Numbers of an integer dtype that may stand for "not there", the least likely data first.

    Plain tools make floats of the data before they look for them, and ints again when they write, so that those of 64
    bits are exact as floats.
    """
    bits = 8 * itemsize(dtype)
    apart = 1 if bits < 64 else 4096
    low, high = (0, 2**bits - 1) if dtype.startswith("u") else (-(2 ** (bits - 1)), 2 ** (bits - 1) - 1)
    high += 1 - apart
    if low:
        yield low
    yield high
    for step in range(1, 128):
        yield from (low + step * apart, high - step * apart)


def is_integer(dtype: str) -> bool:
    """Whether a zarr data type is one of integers."""
    return dtype.startswith(("int", "uint"))
