"""The labels along one dimension: what can be one, and what chunks and plain tools have of it."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from xpet.errors import CorruptStoreError
from xpet.values.attrs import plain_attrs
from xpet.values.codecs.ndarray import safe_dtype
from xpet.values.codecs.times import cf_attrs, safe_time_dtype
from xpet.values.parts import Coord, is_utf8

if TYPE_CHECKING:
    import numpy as np

    from xpet.values.parts import Array

#: the times that can be labels: in the units that xarray and pandas have
_TIMES = re.compile(r"<[mM]8\[(s|ms|us|ns)\]")
_NAT = -(2**63)


def is_coordinate(values: Array) -> bool:
    """Whether an array can label a dimension: texts that are UTF-8, times, or real numbers, but not long doubles."""
    if values.dtype.kind == "U":
        return is_utf8("".join(values.ravel().tolist()))
    if values.dtype.kind in "mM":
        return bool(_TIMES.fullmatch(values.dtype.str) and cf_attrs(values.view("i8"), values.dtype))
    return values.dtype.kind in "biuf" and values.dtype.itemsize <= 8


def on_disk(values: Array) -> Array:
    """Labels as chunks hold them: texts as objects, times as integers."""
    if values.dtype.kind == "U":
        return values.astype(object)
    return values.view("i8") if values.dtype.kind in "mM" else values


def as_stored(values: Array, dtype: object) -> Array:
    """Labels as they were given, out of what chunks hold; a store is not trusted to name their dtype.

    Raises
    ------
    CorruptStoreError
        If the dtype does not fit them.
    """
    if values.dtype != object:
        if _TIMES.fullmatch(str(dtype)):
            return _as_times(values, safe_time_dtype(dtype))
        return values.astype(safe_dtype(dtype))
    import numpy as np

    width = max(map(len, values.ravel().tolist()), default=0)
    if str(dtype)[:2] not in ("<U", ">U") or not width <= int(str(dtype)[2:]) <= 1024 + 64 * width:
        raise CorruptStoreError(f"the dtype {dtype!r} of a stored coordinate does not fit its texts")
    return values.astype(np.dtype(str(dtype)))


def _as_times(values: Array, dtype: np.dtype[Any]) -> Array:
    if values.dtype.kind not in "imM" or values.dtype.itemsize != 8:
        raise CorruptStoreError(f"a stored coordinate of {values.dtype} is said to be of times, {dtype}")
    return values.astype("i8").view(dtype)


def shown_attrs(coord: Coord) -> dict[str, Any]:
    """What plain tools are to see of a coordinate besides its values."""
    attrs = plain_attrs(coord.attrs)
    if coord.values.dtype.kind in "mM":
        numbers = coord.values.view("i8")
        attrs |= cf_attrs(numbers, coord.values.dtype) | ({"_FillValue": _NAT} if (numbers == _NAT).any() else {})
    return attrs
