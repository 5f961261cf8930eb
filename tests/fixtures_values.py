"""Values of every kind, and an equality that sees every difference; it knows nothing of how values are stored."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import xarray as xr
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

NUMBERS = ["?", "i1", "i2", "i4", "i8", "u1", "u2", "u4", "u8", "f2", "f4", "f8", "c8", "c16"]


def identical(a: Any, b: Any) -> bool:
    """Tell whether two values are equal with types, dtypes, shapes, byte order, signs of zero; NaN equals NaN."""
    if type(a) is not type(b):
        return False
    if isinstance(a, xr.DataArray):
        return _same_data_array(a, b)
    if a is np.ma.masked:
        return b is np.ma.masked
    if isinstance(a, np.ndarray):
        return _same_array(a, b)
    if isinstance(a, np.void):
        same = bytes(a) == bytes(b) if a.dtype.names is None else all(identical(a[n], b[n]) for n in a.dtype.names)
        return a.dtype == b.dtype and same
    if isinstance(a, np.datetime64 | np.timedelta64):
        return a.dtype == b.dtype and bool(a.view("i8") == b.view("i8"))
    if isinstance(a, list | tuple):
        return len(a) == len(b) and all(map(identical, a, b))
    if isinstance(a, dict):
        pairs = zip(a.items(), b.items(), strict=False)
        return len(a) == len(b) and all(identical(x, y) for pair in pairs for x, y in zip(*pair, strict=True))
    if isinstance(a, set | frozenset):
        return len(a) == len(b) and sorted(map(repr, a)) == sorted(map(repr, b))
    if isinstance(a, complex | np.complexfloating):
        return _same_float(a.real, b.real) and _same_float(a.imag, b.imag)
    if isinstance(a, float | np.floating):
        return _same_float(a, b)
    return bool(a == b)


def _same_array(a: Any, b: Any) -> bool:
    if isinstance(a, np.ma.MaskedArray):
        hidden = (a.mask is np.ma.nomask) == (b.mask is np.ma.nomask) and a.hardmask == b.hardmask
        same = identical(a.data, b.data) and identical(np.ma.getmaskarray(a), np.ma.getmaskarray(b))
        return hidden and same and identical(a.view().fill_value, b.view().fill_value)
    if a.dtype != b.dtype or a.dtype.isalignedstruct != b.dtype.isalignedstruct or a.shape != b.shape:
        return False
    return all(map(identical, np.asarray(a).ravel(), np.asarray(b).ravel()))


def _same_float(a: Any, b: Any) -> bool:
    return bool((a != a and b != b) or (a == b and math.copysign(1, a) == math.copysign(1, b)))


def _same_data_array(a: xr.DataArray, b: xr.DataArray) -> bool:
    if not identical(a.values, b.values) or a.dims != b.dims or a.coords.keys() != b.coords.keys():
        return False
    coords = all(
        identical(a[name].values, b[name].values) and identical(dict(a[name].attrs), dict(b[name].attrs))
        for name in a.coords
    )
    return coords and identical(a.name, b.name) and identical(dict(a.attrs), dict(b.attrs))


FLOATS = st.sampled_from([0.0, -0.0, math.nan, math.inf, -math.inf, 5e-324, 1e308]) | st.floats()
TEXTS = st.text(st.characters(), max_size=8) | st.sampled_from(["", "\0", "a\0", "\ud83d\ude00", "\udcff", "😀", "__t"])
INTS = st.integers() | st.sampled_from([2**63 - 1, 2**63, -(2**63), -(2**63) - 1, 10**30])
COMPLEXES = st.builds(complex, FLOATS, FLOATS)
SCALARS = st.one_of(st.none(), st.booleans(), INTS, FLOATS, COMPLEXES, TEXTS, st.binary(max_size=8))
DTYPES = st.sampled_from(NUMBERS).flatmap(lambda name: st.sampled_from([np.dtype(f"<{name}"), np.dtype(f">{name}")]))


def _stride(array: Any) -> Any:
    return np.repeat(array, 2, axis=-1)[..., ::2] if array.ndim else array


NUMERIC = st.one_of(
    hnp.arrays(DTYPES, hnp.array_shapes(min_dims=0, max_dims=3, min_side=0, max_side=3)),
    hnp.arrays(DTYPES, (2, 3)).map(np.asfortranarray),
    hnp.arrays(DTYPES, hnp.array_shapes(max_dims=2, max_side=4)).map(_stride),
)
SHAPES = hnp.array_shapes(min_dims=0, max_dims=2, min_side=0, max_side=3)


def _objects(items: list[Any], columns: int = 1) -> Any:
    array = np.empty(len(items) // columns * columns, object)
    for k in range(len(array)):
        array[k] = items[k]
    return array.reshape(-1, columns) if columns > 1 else array


_STRING_DTYPES = [
    np.dtypes.StringDType(),
    np.dtypes.StringDType(coerce=False),
    np.dtypes.StringDType(na_object=None),
    np.dtypes.StringDType(na_object=math.nan),
    np.dtypes.StringDType(na_object="-"),
]


@st.composite
def _strings(draw: st.DrawFn) -> Any:
    dtype = draw(st.sampled_from(_STRING_DTYPES))
    texts: st.SearchStrategy[Any] = st.text(max_size=4)
    if hasattr(dtype, "na_object"):
        texts |= st.just(dtype.na_object)
    return _objects(draw(st.lists(texts, max_size=4)), draw(st.integers(1, 2))).astype(dtype)


TEXT_ARRAYS = st.one_of(
    hnp.arrays(st.sampled_from(["<U3", ">U5", "<U1"]), SHAPES),
    st.builds(np.array, st.lists(TEXTS, min_size=1, max_size=3)),
    st.lists(st.text(max_size=4), max_size=4).map(_objects),
    _strings(),
)


def _raw(dtype: str) -> st.SearchStrategy[Any]:
    """Arrays of a dtype of which any bytes are values."""
    size = np.dtype(dtype).itemsize
    return SHAPES.flatmap(lambda shape: hnp.arrays("u1", (*shape, size))).map(
        lambda array: np.ndarray(array.shape[:-1], dtype, array.tobytes()).copy()
    )


BYTE_ARRAYS = hnp.arrays(st.sampled_from(["S1", "S4"]), SHAPES) | _raw("V1") | _raw("V3")
_UNITS = ["", *(f"[{unit}]" for unit in ("Y", "M", "W", "D", "h", "m", "25s", "s", "ms", "us", "ns", "ps", "as"))]
TICKS = st.one_of(
    st.sampled_from([-(2**63), 0, 1 - 2**63]), st.integers(-(10**6), 10**6), st.integers(-(2**63), 2**63 - 1)
)
DATETIMES = st.builds(
    lambda ticks, kind, order, unit: ticks.astype(f"{order}i8").view(f"{order}{kind}8{unit}"),
    hnp.arrays("i8", SHAPES, elements=TICKS),
    st.sampled_from("mM"),
    st.sampled_from("<>"),
    st.sampled_from(_UNITS),
)


@np.errstate(invalid="ignore")
def _third(array: Any) -> Any:
    """Numbers that are long doubles, with a few bits more than doubles have."""
    return np.asarray(array.astype("G" if array.dtype.kind == "c" else "g") / 3)


LONG_DOUBLES = hnp.arrays(st.sampled_from(["f4", "c8"]), SHAPES).map(_third)
_FIELDS = [
    np.dtype("i4, >f8"),
    np.dtype("i1, c16, ?", align=True),
    np.dtype([("a", "f4", (2, 1)), ("b", [("c", "<M8[D]"), ("d", "U2")]), ("é b", "S3")]),
    np.dtype([(("Title", "t"), "u2"), ("", "i8")]),
    np.dtype({"names": ["x", "y"], "formats": ["f8", "V2"], "offsets": [8, 2], "itemsize": 40}),
    np.dtype((np.record, [("X", "m8[s]"), ("x", ">U1")])),
    np.dtype([("a", "U0"), ("b", "S0"), ("c", "V0"), ("d", "f8", (0,))]),
]


def _fill(draw: st.DrawFn, array: Any) -> Any:
    for name in array.dtype.names:
        field = array[name]
        if field.dtype.names is not None:
            _fill(draw, field)
        elif field.dtype.kind not in "V" and field.dtype.itemsize:
            field[...] = draw(hnp.arrays(field.dtype, field.shape))
    return array


STRUCTURED = st.composite(lambda draw: _fill(draw, np.zeros(draw(SHAPES), draw(st.sampled_from(_FIELDS)))))()
_ARRAYS = st.one_of(NUMERIC, TEXT_ARRAYS, BYTE_ARRAYS, DATETIMES, LONG_DOUBLES, STRUCTURED)


@st.composite
def _masked(draw: st.DrawFn) -> Any:
    data = draw(_ARRAYS.filter(lambda array: array.dtype.kind not in "OT"))
    mask = draw(st.just(np.ma.nomask) | hnp.arrays("?", data.shape))
    array = np.ma.MaskedArray(data, mask, hard_mask=draw(st.booleans()))
    if data.size and draw(st.booleans()):
        array.fill_value = data.ravel()[0]
    return array


MASKED = _masked()
MATRICES = hnp.arrays(DTYPES, hnp.array_shapes(min_dims=2, max_dims=2)).map(lambda array: array.view(np.matrix))
RECORDS = STRUCTURED.map(lambda array: array.view(np.recarray))
NUMPY_SCALARS = (
    st.sampled_from([*NUMBERS, "q", "Q"]).flatmap(lambda name: hnp.arrays(name, ())).map(lambda array: array[()])
)
OTHER_SCALARS = st.one_of(
    st.one_of(DATETIMES, LONG_DOUBLES, STRUCTURED, RECORDS, BYTE_ARRAYS)
    .filter(lambda array: array.size)
    .map(lambda array: array.ravel()[0]),
    TEXTS.map(np.str_),
    st.binary(max_size=4).map(np.bytes_),
    st.just(np.ma.masked),
)
HASHABLE = st.recursive(
    st.one_of(SCALARS, NUMPY_SCALARS, TEXTS.map(np.str_), TICKS.map(lambda tick: np.datetime64(tick, "ms"))),
    lambda inner: st.tuples(inner, inner),
    max_leaves=3,
).filter(lambda value: value == value)
_SIMPLE = st.one_of(SCALARS, NUMPY_SCALARS, OTHER_SCALARS, _ARRAYS, MASKED, MATRICES, RECORDS)
OBJECTS = st.builds(_objects, st.lists(_SIMPLE, max_size=4), st.integers(1, 2))
LEAVES = _SIMPLE | OBJECTS
NESTED = st.recursive(
    LEAVES,
    lambda inner: st.one_of(
        st.lists(inner, max_size=4),
        st.lists(inner, max_size=4).map(tuple),
        st.dictionaries(TEXTS, inner, max_size=3),
        st.dictionaries(HASHABLE, inner, max_size=3),
    ),
    max_leaves=8,
)
FLAT = st.one_of(*(st.lists(each, min_size=1, max_size=5) for each in (INTS, FLOATS, COMPLEXES, st.booleans())))
SETS = st.one_of(st.sets(HASHABLE, max_size=4), st.frozensets(HASHABLE, max_size=4))


@st.composite
def data_arrays(draw: st.DrawFn) -> xr.DataArray:
    """Draw a DataArray with some coordinates, a name and attributes."""
    array = draw(hnp.arrays(DTYPES, hnp.array_shapes(min_dims=0, max_dims=2, min_side=0, max_side=3)))
    named = st.sampled_from(["time", "x y", "a/b", "run", "..", "x_y", "é"])
    dims = draw(st.lists(named, min_size=array.ndim, max_size=array.ndim, unique=True))
    coords = {}
    for dim, size in zip(dims, array.shape, strict=True):
        dtype = draw(st.sampled_from(["<f8", "i4", "?", "<U3", "f4"]))
        # Texts of a coordinate must be UTF-8; elements of it may repeat or be NaN.
        elements = st.text("abé", max_size=3) if dtype == "<U3" else None
        if draw(st.booleans()):
            coords[dim] = xr.Variable((dim,), draw(hnp.arrays(dtype, (size,), elements=elements)), draw(ATTRS))
    return xr.DataArray(array, coords, dims, draw(st.none() | TEXTS), draw(ATTRS))


ATTRS = st.dictionaries(st.sampled_from(["units", "x y", "_FillValue"]), st.one_of(SCALARS, NUMERIC), max_size=2)
VALUES = st.one_of(NESTED, FLAT, FLAT.map(tuple), SETS, data_arrays())
