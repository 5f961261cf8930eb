"""xarray objects of every kind, and an equality that sees every difference but that of ``encoding``."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr
from fixtures_values import ATTRS, DTYPES, HASHABLE, TEXTS, identical
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

DIMS = {"time": 3, "x y": 2, "a/b": 1, "run": 2, "..": 0, "é": 3}
#: of coordinates; a NaN among the labels of an index is another matter for pandas than for NumPy
INDEXED = st.sampled_from(["<f8", "i4", "?", "<U3", "f4", ">i8"])


def same_object(a: Any, b: Any) -> bool:
    """Tell whether two xarray objects are equal with types, dtypes, dims, names, attributes, and indexes."""
    if type(a) is not type(b) or not identical(dict(a.attrs), dict(b.attrs)):
        return False
    if not isinstance(a, xr.Dataset) and a.dims != b.dims:
        return False
    if isinstance(a, xr.Variable):
        return _same_data(a.data, b.data)
    if isinstance(a, xr.DataArray) and not (identical(a.name, b.name) and _same_data(a.data, b.data)):
        return False
    if isinstance(a, xr.Dataset) and not _same_variables(a.data_vars, b.data_vars):
        return False
    return _same_variables(a.coords, b.coords) and _same_indexes(a, b)


def _same_variables(a: Any, b: Any) -> bool:
    return list(a) == list(b) and all(same_object(a[name].variable, b[name].variable) for name in a)


def _same_indexes(a: Any, b: Any) -> bool:
    if dict(a.xindexes).keys() != dict(b.xindexes).keys():
        return False
    pairs = [(a.xindexes[name], b.xindexes[name]) for name in a.xindexes]
    return all(type(x) is type(y) and x.dim == y.dim and x.index.equals(y.index) for x, y in pairs)


def _same_data(a: Any, b: Any) -> bool:
    if isinstance(a, np.ndarray) and a.dtype.kind in "mM":
        return a.dtype == b.dtype and identical(a.view("i8"), b.view("i8"))
    if isinstance(a, pd.api.extensions.ExtensionArray):
        return type(a) is type(b) and a.dtype == b.dtype and bool(a.equals(b))
    return identical(a, b)


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
def coordinates(draw: st.DrawFn, dims: tuple[str, ...]) -> xr.Coordinates:
    """Draw coordinates along some dims, with and without index, and of none."""
    found: dict[Any, xr.Variable] = {}
    indexes = {}
    for dim in dims:
        kind = draw(st.sampled_from(["none", "index", "times", "plain"]))
        if kind == "none":
            continue
        if kind == "plain":
            found[dim] = draw(variables((dim,)))
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


OBJECTS = st.one_of(variables(), data_arrays(), datasets())
