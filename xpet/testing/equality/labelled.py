"""When xarray's objects are identical, indexes included; what xarray calls ``encoding`` does not matter."""

from __future__ import annotations

from typing import Any

import xarray as xr

from xpet.testing.equality import identical


def same(a: Any, b: Any) -> bool:
    """Tell whether two values of one type are identical."""
    if isinstance(a, xr.indexes.PandasIndex):
        return bool(a.dim == b.dim) and identical(a.index, b.index)
    if not isinstance(a, xr.Variable | xr.DataArray | xr.Dataset):
        return bool(a == b)
    if not identical(dict(a.attrs), dict(b.attrs)):
        return False
    if not isinstance(a, xr.Dataset) and a.dims != b.dims:
        return False
    if isinstance(a, xr.Variable):
        indexes = not isinstance(a, xr.IndexVariable) or identical(a.to_index(), b.to_index())
        return indexes and identical(a.data, b.data)
    if isinstance(a, xr.DataArray) and not (identical(a.name, b.name) and identical(a.data, b.data)):
        return False
    if isinstance(a, xr.Dataset) and not (
        identical(list(a.data_vars), list(b.data_vars)) and _same_variables(a.data_vars, b.data_vars)
    ):
        return False
    # Their order is none to xarray either.
    return _same_variables(a.coords, b.coords) and _same_members(a.xindexes, b.xindexes)


def _same_variables(a: Any, b: Any) -> bool:
    return _same_members({name: a[name].variable for name in a}, {name: b[name].variable for name in b})


def _same_members(a: Any, b: Any) -> bool:
    """Tell whether two mappings are identical but for their order."""
    ours, theirs = sorted(a, key=repr), sorted(b, key=repr)
    return identical(ours, theirs) and all(identical(a[x], b[y]) for x, y in zip(ours, theirs, strict=True))
