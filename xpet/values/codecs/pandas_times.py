"""pandas' times, spans of time and periods, single and in arrays: the integers that they are, and what these count."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from xpet.errors import CorruptStoreError, UnsupportedValueError
from xpet.values.codecs.datetimes import zone_of, zone_text
from xpet.values.compose import compose, decompose, more_of
from xpet.values.parts import Encoded, Part, UnknownCodec

_PYTZ = "pytz:"


def freq_text(freq: Any) -> str | None:
    """A frequency as a text from which it can be made again."""
    if freq is None:
        return None
    text = str(freq.freqstr)
    try:
        if pd.tseries.frequencies.to_offset(text) == freq:
            return text
    except ValueError:
        pass
    raise UnsupportedValueError(
        f"the frequency {freq!r} has no name that says all of it; "
        "store the times without it, see pd.DatetimeIndex(times, freq=None)"
    )


def _period_text(dtype: Any) -> str:
    # That of the offset itself is another one, with which there can be no periods.
    text = str(dtype).removeprefix("period[").removesuffix("]")
    if pd.PeriodDtype(text) != dtype:
        raise UnsupportedValueError(f"the frequency {dtype.freq!r} of periods has no name that says all of it")
    return text


def _zone_text(zone: dt.tzinfo | None) -> str | None:
    if zone is not None and type(zone).__module__.partition(".")[0] == "pytz" and getattr(zone, "zone", None):
        # What pandas before version 3 makes of the name of a zone.
        return _PYTZ + str(zone.zone)  # type: ignore[attr-defined]  # checked above
    return zone_text(zone)


def _zone(text: str | None) -> dt.tzinfo | None:
    if isinstance(text, str) and text.startswith(_PYTZ):
        try:
            import pytz  # type: ignore[import-untyped]  # it has no types
        except ImportError:
            raise UnknownCodec("pandas.times", "its zone is one of pytz's; install pytz") from None
        named: dt.tzinfo = pytz.timezone(text.removeprefix(_PYTZ))
        return named
    return zone_of(text)


@dataclass(frozen=True, slots=True)
class TimeCodec:
    """Times with or without a zone (kind ``M``), and spans of time (kind ``m``): an array, or a single one."""

    name: str
    kind: str
    single: bool

    def encode(self, value: Any) -> Encoded:
        """NumPy's times, in UTC."""
        times = value.asm8 if self.single else value.asi8.view(f"{self.kind}8[{value.unit}]")
        meta: dict[str, Any] = {"zone": _zone_text(value.tz)} if self.kind == "M" else {}
        made = compose(self.name, {"": times}, meta)
        if self.single and self.kind == "M" and value.fold and not self.decode(made).fold:
            # A zone that sets the clock back says it by itself.
            made = compose(self.name, {"": times}, {**meta, "fold": 1})
        return made

    def decode(self, encoded: Encoded) -> Any:
        """The array, or the single one."""
        meta, times = more_of(encoded), decompose(encoded)[""]
        if times.dtype.kind != self.kind or times.ndim != (not self.single):
            raise CorruptStoreError(f"a stored {self.name} is made of {times.dtype} of {times.ndim} dimensions")
        if self.kind == "m":
            return pd.Timedelta(times) if self.single else pd.array(times)
        zone = _zone(meta["zone"])
        made: Any = pd.Timestamp(times) if self.single else pd.DatetimeIndex(times)
        if zone is not None:
            made = made.tz_localize(dt.UTC).tz_convert(zone)
        if not self.single:
            return made.array
        return made.replace(fold=1) if meta.get("fold") == 1 and not made.fold else made


@dataclass(frozen=True, slots=True)
class PeriodCodec:
    """Periods of one frequency: an array, or a single one."""

    name: str
    single: bool

    def encode(self, value: Any) -> Encoded:
        """Their ordinals."""
        ints = np.asarray(value.ordinal if self.single else value.asi8, "int64")
        freq = _period_text(pd.PeriodDtype(value.freq) if self.single else value.dtype)
        part = Part(ints, attrs={"long_name": f"periods of {freq} since 1970"})
        return Encoded(self.name, (part,), meta={"freq": freq})

    def decode(self, encoded: Encoded) -> Any:
        """The array, or the single one."""
        ints, freq = np.asarray(encoded.part()), str(encoded.meta["freq"])
        if ints.dtype.kind != "i" or ints.ndim != (not self.single):
            raise CorruptStoreError(f"a stored {self.name} is made of {ints.dtype} of {ints.ndim} dimensions")
        if self.single:
            return pd.Period(ordinal=int(ints), freq=freq)
        kind: Any = pd.PeriodIndex
        return kind.from_ordinals(ints, freq=freq).array


class MissingCodec:
    """``pd.NA`` and ``pd.NaT``."""

    name = "pandas.missing"

    def encode(self, value: Any) -> Encoded:
        """Its name."""
        return Encoded(self.name, (Part("NA" if value is pd.NA else "NaT"),))

    def decode(self, encoded: Encoded) -> Any:
        """The one that is called so."""
        return {"NA": pd.NA, "NaT": pd.NaT}[str(encoded.part())]


timestamp = TimeCodec("pandas.Timestamp", "M", single=True)
timedelta = TimeCodec("pandas.Timedelta", "m", single=True)
times = TimeCodec("pandas.times", "M", single=False)
spans = TimeCodec("pandas.spans", "m", single=False)
period = PeriodCodec("pandas.Period", single=True)
periods = PeriodCodec("pandas.periods", single=False)
missing = MissingCodec()
