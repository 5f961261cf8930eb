"""Values of Python's own types."""

from __future__ import annotations

import datetime as dt
import decimal
import math
import pathlib
import zoneinfo

from hypothesis import strategies as st

FLOATS = st.sampled_from([0.0, -0.0, math.nan, math.inf, -math.inf, 5e-324, 1e308]) | st.floats()
TEXTS = st.text(st.characters(), max_size=8) | st.sampled_from(["", "\0", "a\0", "\ud83d\ude00", "\udcff", "😀", "__t"])
INTS = st.integers() | st.sampled_from([2**63 - 1, 2**63, -(2**63), -(2**63) - 1, 10**30])
COMPLEXES = st.builds(complex, FLOATS, FLOATS)
SCALARS = st.one_of(st.none(), st.booleans(), INTS, FLOATS, COMPLEXES, TEXTS, st.binary(max_size=8))

#: of times
BERLIN = zoneinfo.ZoneInfo("Europe/Berlin")
ZONES = st.sampled_from(
    [None, dt.UTC, dt.timezone(dt.timedelta(hours=-3, seconds=7)), dt.timezone(dt.timedelta(0), "here"), BERLIN]
)
LIBRARY = st.one_of(
    st.fractions(),
    st.decimals(allow_nan=False),
    st.sampled_from([decimal.Decimal(text) for text in ("1.500", "-0", "1E+5", "Infinity", "NaN", "sNaN")]),
    st.datetimes(timezones=ZONES),
    st.dates(),
    st.times(timezones=st.sampled_from([None, dt.UTC])),
    st.timedeltas(),
    st.uuids(),
    st.builds(range, st.integers(-5, 5), st.integers(), st.integers(1, 3)),
    st.sampled_from(["", ".", "/a/b", "a b/é"]).map(pathlib.PurePosixPath),
    st.sampled_from(["C:\\a", "a/b"]).map(pathlib.PureWindowsPath),
    st.sampled_from(["/a/b", "é"]).map(pathlib.Path),
)
