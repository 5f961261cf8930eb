"""Where things are: template -> key, names of dims, lengths of chunks, fill values, plain attributes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from xpet.store.documents import ArrayDoc, Fill, itemsize
from xpet.store.hierarchy import Hierarchy, parent

if TYPE_CHECKING:
    from xpet.values.parts import Array

RUN = "run"
#: runs with numbers and runs with texts of one chunk at most; bytes of a chunk: once to twice this
MAX_NUMBERS, MAX_TEXTS, CHUNK_BYTES = 65_536, 4_096, 2**20
_LARGEST_CHUNK = 2**25
#: attributes that CF decoding acts on, or that Zarr tools own: kept in ours only
_CF = frozenset(
    {"_FillValue", "missing_value", "scale_factor", "add_offset", "valid_min", "valid_max", "valid_range", "_Unsigned"}
    | {"dtype", "calendar", "coordinates", "bounds", "grid_mapping", "cell_measures", "ancillary_variables"}
    | {"_ARRAY_DIMENSIONS", "xpet"}
)


def place_of(template: str) -> tuple[str, str]:
    """The group key and the leaf name of a template: wildcards (``$…``), and ``runs`` before them, are left out.

    >>> place_of('results.runs.$.neuron.V'), place_of('results.neuron.$')
    (('results/neuron', 'V'), ('results', 'neuron'))
    """
    segments = template.split(".")
    kept = [
        segment
        for i, segment in enumerate(segments)
        if segment[0] != "$" and not (segment == "runs" and segments[i + 1 : i + 2] and segments[i + 1][0] == "$")
    ]
    if len(kept) < 2:
        kept.append("value")
    return "/".join(kept[:-1]), kept[-1]


def dotted(key: str) -> str:
    """A key below its branch as a dotted path: the stem of the names of its inner dims."""
    return key.partition("/")[2].replace("/", ".")


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
    """Numbers of an integer dtype that may stand for "not there", the least likely data first."""
    bits = 8 * itemsize(dtype)
    low, high = (0, 2**bits - 1) if dtype.startswith("u") else (-(2 ** (bits - 1)), 2 ** (bits - 1) - 1)
    if low:
        yield low
    yield high
    for step in range(1, 128):
        yield from (low + step, high - step)


def is_integer(dtype: str) -> bool:
    """Whether a zarr data type is one of integers."""
    return dtype.startswith(("int", "uint"))


def plain_attrs(attrs: Mapping[str, Any], comment: str = "") -> dict[str, Any]:
    """What of a user's attributes plain tools may see: nothing that CF decoding would act on."""
    out = {"comment": comment} if comment else {}
    for key, value in attrs.items():
        reference_time = key == "units" and isinstance(value, str) and " since " in value
        if key not in _CF and not reference_time and type(value) in (str, int, float) and value == value:
            out[key] = value
    return out


def related(hierarchy: Hierarchy, group: str) -> Iterator[tuple[str, ArrayDoc]]:
    """The arrays of a group, its ancestors and its descendants: those whose dims xarray aligns."""
    for key, doc in hierarchy.arrays():
        theirs = parent(key)
        if theirs == group or theirs.startswith(f"{group}/") or group.startswith(f"{theirs}/"):
            yield key, doc


def dim_is_free(hierarchy: Hierarchy, key: str, dim: str, size: int, same: Mapping[str, bool]) -> bool:
    """Whether the array at ``key`` may call a dimension ``dim``.

    ``same`` tells of the coordinate arrays called ``dim`` whether they hold the very values wanted; it is empty when no
    coordinate is wanted.
    """
    group = parent(key)
    for other, doc in related(hierarchy, group):
        if other.rpartition("/")[2] == dim and not (doc.dims == (dim,) and same.get(other, False)):
            return False
        if dim in doc.dims:
            coordinate = f"{parent(other)}/{dim}"
            if doc.shape[doc.dims.index(dim)] != size or same.get(coordinate, False) != bool(same):
                return False
    return True


def bool_to_disk(data: Array) -> Array:
    """Bools as the int8 of a column; others unchanged."""
    return data.astype("int8") if data.dtype == bool else data
