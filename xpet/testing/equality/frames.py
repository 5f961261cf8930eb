"""When values of pandas are identical."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from xpet.testing.equality import identical


def same(a: Any, b: Any) -> bool:
    """Tell whether two values of one type are identical."""
    if isinstance(a, pd.DataFrame):
        columns = identical(_columns(a), _columns(b))
        return identical(a.columns, b.columns) and identical(a.index, b.index) and _same_rest(a, b) and columns
    if isinstance(a, pd.Series):
        return identical(a.index, b.index) and identical(a.name, b.name) and _same_rest(a, b) and _same_values(a, b)
    if isinstance(a, pd.Index):
        return _same_index(a, b)
    if isinstance(a, pd.api.extensions.ExtensionArray):
        return _same_values(a, b)
    return a is not pd.NA and a is not pd.NaT and _same_single(a, b)


def _columns(frame: pd.DataFrame) -> list[Any]:
    return [frame.iloc[:, k].array for k in range(frame.shape[1])]


def _same_rest(a: Any, b: Any) -> bool:
    flags: bool = a.flags.allows_duplicate_labels == b.flags.allows_duplicate_labels
    return flags and identical(dict(a.attrs), dict(b.attrs))


def _same_single(a: Any, b: Any) -> bool:
    if isinstance(a, pd.Interval):
        return identical(a.left, b.left) and identical(a.right, b.right) and a.closed == b.closed
    if isinstance(a, pd.Timestamp | pd.Timedelta):
        zones = repr(getattr(a, "tzinfo", None)) == repr(getattr(b, "tzinfo", None))
        return bool(a == b) and a.unit == b.unit and zones and getattr(a, "fold", 0) == getattr(b, "fold", 0)
    return bool(a == b) and repr(a) == repr(b)


def _same_index(a: Any, b: Any) -> bool:
    if not identical(list(a.names), list(b.names)) or len(a) != len(b):
        return False
    if isinstance(a, pd.RangeIndex):
        return (a.start, a.stop, a.step) == (b.start, b.stop, b.step)
    if hasattr(a, "codes") and hasattr(a, "levels"):
        codes = all(map(identical, map(np.asarray, a.codes), map(np.asarray, b.codes)))
        return codes and all(map(identical, a.levels, b.levels)) and a.sortorder == b.sortorder
    return _same_values(a, b) and getattr(a, "freq", None) == getattr(b, "freq", None)


def _same_sparse(a: Any, b: Any) -> bool:
    """Tell whether sparse arrays have the same entries at the same places."""
    x, y = (getattr(each, "array", each) for each in (a, b))
    if x.kind != y.kind or len(x) != len(y) or not identical(x.fill_value, y.fill_value):
        return False
    places = identical(np.asarray(x.sp_index.indices), np.asarray(y.sp_index.indices))
    return places and identical(np.asarray(x.sp_values), np.asarray(y.sp_values))


def _same_values(a: Any, b: Any) -> bool:
    if isinstance(a.dtype, pd.SparseDtype) and isinstance(b.dtype, pd.SparseDtype):
        return _same_sparse(a, b)
    if a.dtype != b.dtype or repr(a.dtype) != repr(b.dtype) or len(a) != len(b):
        return False
    if isinstance(a.dtype, pd.CategoricalDtype):
        x, y = pd.Categorical(a), pd.Categorical(b)
        codes = identical(np.asarray(x.codes), np.asarray(y.codes))
        return x.ordered == y.ordered and codes and identical(x.categories, y.categories)
    if repr(getattr(a.dtype, "tz", None)) != repr(getattr(b.dtype, "tz", None)):
        return False
    if isinstance(a.dtype, np.dtype) and a.dtype.kind not in "mM":
        return identical(np.asarray(a), np.asarray(b))
    return all(map(identical, list(a), list(b)))
