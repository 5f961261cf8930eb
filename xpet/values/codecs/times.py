"""NumPy's times and time differences: 64-bit integers, with CF units for plain tools."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from xpet.errors import CorruptStoreError
from xpet.values.parts import Encoded, Part

if TYPE_CHECKING:
    import numpy as np

    from xpet.values.parts import Array

_DTYPE = re.compile(r"[<>][mM]8(\[\d{0,9}(Y|M|W|D|h|m|s|ms|us|ns|ps|fs|as)\])?")
#: unit -> its name in CF, its nanoseconds, and the unit in which xarray has a difference of it
_UNITS = {
    "D": ("days", 86_400 * 10**9, "s"),
    "h": ("hours", 3_600 * 10**9, "s"),
    "m": ("minutes", 60 * 10**9, "s"),
    "s": ("seconds", 10**9, "s"),
    "ms": ("milliseconds", 10**6, "ms"),
    "us": ("microseconds", 10**3, "us"),
    "ns": ("nanoseconds", 1, "ns"),
}


def safe_time_dtype(text: object) -> np.dtype[Any]:
    """The dtype of times that ``text`` names; a store is not trusted to name others."""
    import numpy as np

    if not isinstance(text, str) or not _DTYPE.fullmatch(text):
        raise CorruptStoreError(f"the dtype {text!r} of a stored value is not one of times; the store is damaged")
    return np.dtype(text)


class Times:
    """Arrays of ``datetime64`` and ``timedelta64`` of any unit, NaT included."""

    name = "numpy.times"

    def encode(self, value: Any) -> Encoded | None:
        """The numbers. What plain tools cannot read as times, they are to see as numbers, so it is another kind."""
        if value.dtype.kind not in "mM":
            return None
        numbers = value.view(value.dtype.str[0] + "i8").astype("i8", copy=False)
        attrs = cf_attrs(numbers, value.dtype)
        return Encoded(self.name, (Part(numbers, attrs=attrs),), meta={"dtype": value.dtype.str, "cf": bool(attrs)})

    def decode(self, encoded: Encoded) -> Any:
        """The array with its unit and byte order."""
        import numpy as np

        dtype = safe_time_dtype(encoded.meta["dtype"])
        numbers = np.asarray(encoded.part())
        if numbers.dtype != np.int64:
            raise CorruptStoreError(f"stored times are of dtype {numbers.dtype}")
        return numbers.astype(dtype.str[0] + "i8").view(dtype)


def cf_attrs(numbers: Array, dtype: np.dtype[Any]) -> dict[str, str | float]:
    """What plain tools need; nothing if they have no such unit, or fail at such times."""
    import numpy as np

    unit, count = np.datetime_data(dtype)
    if count != 1 or unit not in _UNITS:
        return {}
    name, nanoseconds, shown = _UNITS[unit]
    # Beyond what 64-bit nanoseconds hold, xarray warns or does not open the group at all. NaT is the lowest number.
    most = (2**63 - 1) // nanoseconds
    if ((numbers > most) | ((numbers < -most) & (numbers != -(2**63)))).any():
        return {}
    if dtype.kind == "m":
        return {"units": name, "dtype": f"timedelta64[{shown}]"}
    return {"units": f"{name} since 1970-01-01", "calendar": "proleptic_gregorian"}


def as_numbers(encoded: Encoded) -> Encoded:
    """The encoding of times that plain tools are to see as numbers, so that one column can hold all of them."""
    if len(encoded.parts) > 1 or (meta := without_cf(encoded.meta)) == encoded.meta:
        return encoded
    return encoded._replace(parts=(Part(encoded.part()),), meta=meta)


def without_cf(node: Any) -> Any:
    """The meta of times that plain tools see as numbers."""
    if isinstance(node, dict):
        return {key: False if key == "cf" else without_cf(value) for key, value in node.items()}
    return [without_cf(each) for each in node] if isinstance(node, list) else node


codec = Times()
