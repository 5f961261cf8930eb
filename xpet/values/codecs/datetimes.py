"""Python's dates, times and spans of time, alone: the integers that they are, with CF units for plain tools."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from xpet.errors import CorruptStoreError
from xpet.values.codecs.structure import codec as structure
from xpet.values.codecs.times import cf_attrs
from xpet.values.parts import Encoded, Part

if TYPE_CHECKING:
    from collections.abc import Mapping

_EPOCH = dt.datetime(1970, 1, 1)
_UTC_EPOCH = _EPOCH.replace(tzinfo=dt.UTC)
_MICROSECOND = dt.timedelta(microseconds=1)


def zone_text(zone: dt.tzinfo | None) -> str | None:
    """A time zone as a text; None for none."""
    return None if zone is None else str(structure.encode(dt.datetime(2000, 1, 1, tzinfo=zone)).part())


def zone_of(text: object) -> dt.tzinfo | None:
    """The time zone of :func:`zone_text`."""
    if text is None:
        return None
    zone: dt.tzinfo | None = structure.decode(Encoded(structure.name, (Part(str(text)),))).tzinfo
    return zone


@dataclass(frozen=True, slots=True)
class Datetimes:
    """``date``, ``datetime``, and ``timedelta`` if it is within 64 bits of microseconds."""

    name: str
    dtype: str

    def encode(self, value: Any) -> Encoded | None:
        """Days or microseconds since 1970, in UTC where there is a zone. What these do not say all of is another's."""
        import numpy as np

        meta = {"zone": zone_text(value.tzinfo)} if self.name == "datetime" else {}
        number = _number(value)
        try:
            if not -(2**63) < number < 2**63 or _differ(self._made(number, meta), value):
                return None
        except OverflowError:
            # In UTC it is another year, which Python does not have.
            return None
        numbers = np.array(number, "int64")
        attrs = cf_attrs(numbers, np.dtype(self.dtype))
        return Encoded(self.name, (Part(numbers, attrs=attrs),), meta={**meta, "cf": bool(attrs)})

    def decode(self, encoded: Encoded) -> Any:
        """The value, with its zone."""
        import numpy as np

        data = np.asarray(encoded.part())
        if data.ndim or data.dtype != np.int64:
            raise CorruptStoreError(f"a stored {self.name} is made of {data.dtype} of {data.ndim} dimensions")
        return self._made(int(data), encoded.meta)

    def _made(self, number: int, meta: Mapping[str, Any]) -> Any:
        if self.name == "date":
            return _EPOCH.date() + dt.timedelta(days=number)
        if self.name == "timedelta":
            return number * _MICROSECOND
        zone = zone_of(meta["zone"])
        return _EPOCH + number * _MICROSECOND if zone is None else (_UTC_EPOCH + number * _MICROSECOND).astimezone(zone)


def _number(value: Any) -> int:
    if isinstance(value, dt.timedelta):
        return value // _MICROSECOND
    if not isinstance(value, dt.datetime):
        return int((value - _EPOCH.date()).days)
    return int((value - (_EPOCH if value.tzinfo is None else _UTC_EPOCH)) // _MICROSECOND)


def _differ(a: Any, b: Any) -> bool:
    """Whether a clock that shows the one does not show the other, as where it is set back or forward."""
    if not isinstance(b, dt.datetime):
        return bool(a != b)
    return (a.replace(tzinfo=None), a.fold) != (b.replace(tzinfo=None), b.fold)


date_codec = Datetimes("date", "M8[D]")
datetime_codec = Datetimes("datetime", "M8[us]")
timedelta_codec = Datetimes("timedelta", "m8[us]")
