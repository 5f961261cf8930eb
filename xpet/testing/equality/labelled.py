"""When xarray's objects are identical, indexes included; what xarray calls ``encoding`` does not matter."""

from __future__ import annotations

from typing import Any

import pandas as pd
import xarray as xr

from xpet.testing.equality import identical


def same(a: Any, b: Any) -> bool:
    """Tell whether two values of one type are identical."""
    if isinstance(a, xr.indexes.PandasIndex):
        return bool(a.dim == b.dim) and identical(_without_frequency(a.index), _without_frequency(b.index))
    if not isinstance(a, xr.Variable | xr.DataArray | xr.Dataset):
        return bool(a == b)
    if not identical(dict(a.attrs), dict(b.attrs)):
        return False
    if not isinstance(a, xr.Dataset) and a.dims != b.dims:
        return False
    if isinstance(a, xr.Variable):
        return identical(a.data, b.data)
    if isinstance(a, xr.DataArray) and not (identical(a.name, b.name) and identical(a.data, b.data)):
        return False
    if isinstance(a, xr.Dataset) and not _same_variables(a.data_vars, b.data_vars):
        return False
    return _same_variables(a.coords, b.coords) and identical(dict(a.xindexes), dict(b.xindexes))


def _without_frequency(index: Any) -> Any:
    """An index as xarray sees it: it does not say how often its times are, and forgets it at the first chance."""
    if getattr(index, "freq", None) is None or isinstance(index, pd.PeriodIndex):
        return index
    made = index.copy()
    made.freq = None
    return made


def _same_variables(a: Any, b: Any) -> bool:
    return identical(list(a), list(b)) and all(identical(a[name].variable, b[name].variable) for name in a)
