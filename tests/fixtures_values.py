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
    if isinstance(a, np.ndarray):
        return a.dtype == b.dtype and a.shape == b.shape and all(map(identical, a.ravel(), b.ravel()))
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
TEXT_ARRAYS = hnp.arrays(st.sampled_from(["<U3", ">U5"]), hnp.array_shapes(min_dims=0, max_dims=2, min_side=0))
NUMPY_SCALARS = st.sampled_from(NUMBERS).flatmap(lambda name: hnp.arrays(name, ())).map(lambda array: array[()])
HASHABLE = st.recursive(
    st.one_of(SCALARS, NUMPY_SCALARS, TEXTS.map(np.str_)), lambda inner: st.tuples(inner, inner), max_leaves=3
).filter(lambda value: value == value)
LEAVES = st.one_of(SCALARS, NUMERIC, TEXT_ARRAYS, NUMPY_SCALARS, TEXTS.map(np.str_))
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
