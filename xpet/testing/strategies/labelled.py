"""xarray's objects of every kind."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from xpet.testing.strategies.arrays import DTYPES
from xpet.testing.strategies.nested import ATTRS, HASHABLE
from xpet.testing.strategies.plain import TEXTS

DIMS = {"time": 3, "x y": 2, "a/b": 1, "run": 2, "..": 0, "é": 3}
#: of coordinates; a NaN among the labels of an index is another matter for pandas than for NumPy
INDEXED = st.sampled_from(["<f8", "i4", "?", "<U3", "f4", ">i8"])


NUMBERS_AND_TEXTS = st.one_of(DTYPES, st.sampled_from(["<U3", ">U2"]).map(np.dtype))


@st.composite
def variables(draw: st.DrawFn, dims: tuple[str, ...] | None = None, most: int = 2) -> xr.Variable:
    """Draw a variable of numbers or texts over some dims."""
    if dims is None:
        dims = tuple(draw(st.lists(st.sampled_from(list(DIMS)), max_size=most, unique=True)))
    array = draw(hnp.arrays(draw(NUMBERS_AND_TEXTS), tuple(DIMS[dim] for dim in dims)))
    return xr.Variable(dims, array, draw(ATTRS))


def _is_name(value: Any) -> bool:
    return value not in DIMS and value is not None and not re.search("(?i)nan|nat", repr(value))


@st.composite
def indexes_of_pandas(draw: st.DrawFn, size: int) -> Any:
    """Draw an index that its labels do not tell all of: a range, times with a frequency, texts of some dtype."""
    kind = draw(st.sampled_from(["range", "bounds", "dates", "spans", "texts"]))
    if kind == "range":
        return pd.RangeIndex(size)
    if kind == "bounds":
        start, step = draw(st.integers(-9, 9)), draw(st.sampled_from([1, 2, -3]))
        return pd.RangeIndex(start, start + size * step - (step == 2), step)
    if kind == "dates":
        freq = draw(st.sampled_from(["D", "ME", "3h", "W-TUE"]))
        return pd.date_range("2020-01-31", periods=size, freq=freq, tz=draw(st.sampled_from([None, "Europe/Berlin"])))
    if kind == "spans":
        return pd.timedelta_range("1h", periods=size, freq=draw(st.sampled_from(["2h", "90s"])))
    texts = draw(st.lists(st.text("abé\0", max_size=3), min_size=size, max_size=size))
    return pd.Index(texts, dtype=draw(st.sampled_from([object, pd.StringDtype("python")])))


@st.composite
def coordinates(draw: st.DrawFn, dims: tuple[Any, ...]) -> xr.Coordinates:
    """Draw coordinates along some dims, with and without index, and of none."""
    found: dict[Any, xr.Variable] = {}
    indexes = {}
    for dim in dims:
        kind = draw(st.sampled_from(["none", "index", "times", "plain", "pandas"]))
        if kind == "none":
            continue
        if kind == "plain":
            found[dim] = draw(variables((dim,)))
            continue
        if kind == "pandas":
            indexes[dim] = index = xr.indexes.PandasIndex(draw(indexes_of_pandas(DIMS[dim])), dim)
            found.update(index.create_variables())
            continue
        if kind == "times":
            values = draw(hnp.arrays(st.sampled_from(["M8[ns]", "M8[s]", "m8[ms]"]), (DIMS[dim],)))
            values = values.view("i8") // 2**11
            values = values.view(draw(st.sampled_from(["M8[ns]", "M8[s]", "m8[ms]"])))
        else:
            values = draw(hnp.arrays(draw(INDEXED), (DIMS[dim],)))
        index = xr.indexes.PandasIndex.from_variables({dim: xr.Variable((dim,), values, draw(ATTRS))}, options={})
        indexes[dim] = index
        found.update(index.create_variables({dim: xr.Variable((dim,), values, draw(ATTRS))}))
    for name in draw(st.lists(HASHABLE.filter(_is_name), max_size=2)):
        own = tuple(draw(st.lists(st.sampled_from(dims), max_size=2, unique=True))) if dims else ()
        found[name] = draw(variables(own))
    return xr.Coordinates(found, indexes)


@st.composite
def data_arrays(draw: st.DrawFn) -> xr.DataArray:
    """Draw a DataArray with coordinates of every kind."""
    variable = draw(variables())
    return xr.DataArray(variable, draw(coordinates(variable.dims)), name=draw(st.none() | TEXTS))


@st.composite
def datasets(draw: st.DrawFn) -> xr.Dataset:
    """Draw a Dataset; names that look alike are likely."""
    names = st.sampled_from(["a", "a b", "a_b", "A", "", "len", "which", "..", 1, "1", "d0", "@a"]) | HASHABLE
    names = names.filter(_is_name)
    data = draw(st.dictionaries(names, variables(), max_size=3))
    dims = tuple({dim for variable in data.values() for dim in variable.dims})
    coords = draw(coordinates(dims))
    return xr.Dataset({name: each for name, each in data.items() if name not in coords}, coords, draw(ATTRS))


@st.composite
def plain_data_arrays(draw: st.DrawFn) -> xr.DataArray:
    """Draw a DataArray of numbers that has, if any, indexes of numbers and texts along its dims."""
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


LABELLED = st.one_of(variables(), data_arrays(), plain_data_arrays(), datasets())
