"""Attributes as plain tools may see them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from xpet.values.parts import is_utf8

#: attributes that CF decoding acts on, or that file formats own: kept in ours only
_CF = frozenset(
    {"_FillValue", "missing_value", "scale_factor", "add_offset", "valid_min", "valid_max", "valid_range", "_Unsigned"}
    | {"dtype", "calendar", "coordinates", "bounds", "grid_mapping", "cell_measures", "ancillary_variables"}
    | {"CLASS", "NAME", "REFERENCE_LIST", "DIMENSION_LIST", "xpet"}
)
_ATTRIBUTE = re.compile(r"[A-Za-z][A-Za-z0-9_.@+-]*")
_LONGEST_TEXT = 4096
#: xarray takes numbers with these units for durations, but not with their symbols
_TIME_UNITS = {
    **{"days": "d", "hours": "h", "minutes": "min", "seconds": "s"},
    **{"milliseconds": "ms", "microseconds": "us", "nanoseconds": "ns"},
}


def plain_attrs(attrs: Mapping[str, Any], comment: str = "") -> dict[str, Any]:
    """What of a user's attributes plain tools may see: nothing that CF decoding acts on or netCDF cannot hold."""
    out = {}
    for key, value in {**({"comment": comment} if comment else {}), **attrs}.items():
        if key == "units" and isinstance(value, str):
            value = _TIME_UNITS.get(value, value)
            if " since " in value:
                continue
        if key not in _CF and _ATTRIBUTE.fullmatch(key) and _is_plain(value):
            out[key] = value
    return out


def _is_plain(value: object) -> bool:
    if type(value) is str:
        return len(value) <= _LONGEST_TEXT and "\0" not in value and is_utf8(value)
    if type(value) is int:
        return -(2**63) <= value < 2**63
    return type(value) is float and value - value == 0
