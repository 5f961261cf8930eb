"""Values of pandas."""

from __future__ import annotations

import datetime as dt
from typing import Any

import numpy as np
import pandas as pd
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from xpet.testing.strategies.arrays import NUMERIC
from xpet.testing.strategies.nested import ATTRS
from xpet.testing.strategies.plain import BERLIN, TEXTS

ZONES = st.sampled_from([None, dt.UTC, dt.timezone(dt.timedelta(hours=-3)), BERLIN])
UNITS: st.SearchStrategy[Any] = st.sampled_from(["s", "ms", "us", "ns"])
CLOSED: st.SearchStrategy[Any] = st.sampled_from(["left", "right", "both", "neither"])
#: What fits into every unit.
SECONDS = st.integers(-(2**33), 2**33)
LABELS = st.one_of(st.none(), TEXTS, st.integers(-9, 9), st.tuples(TEXTS, st.integers()), st.sampled_from([1.5, True]))
FREQS = st.sampled_from(["D", "2D", "h", "90s", "MS", "QE", "W-TUE", "B"])
PERIODS = st.sampled_from(["D", "M", "Q-DEC", "Y", "W-SUN", "2h", "min"])
PLAIN = ["?", "i1", "i2", "i4", "i8", "u1", "u2", "u4", "u8", "f4", "f8", "c8", "c16"]
NULLABLE = ["Int8", "Int16", "Int32", "Int64", "UInt8", "UInt16", "UInt32", "UInt64", "Float32", "Float64", "boolean"]
#: What texts become without a word was object before pandas 3, and is pyarrow's where that is.
STRINGS = [each for each in (pd.StringDtype("python"), pd.Series(["a"]).dtype) if isinstance(each, pd.StringDtype)]


def timestamps(unit: Any, zone: dt.tzinfo | None = None) -> st.SearchStrategy[Any]:
    """Single times in one unit."""
    naive = SECONDS.map(lambda second: pd.Timestamp(np.datetime64(second, "s")).as_unit(unit))
    return naive if zone is None else naive.map(lambda time: time.tz_localize(dt.UTC).tz_convert(zone))


SINGLE = st.one_of(
    st.sampled_from([pd.NA, pd.NaT]),
    st.tuples(UNITS, ZONES).flatmap(lambda given: timestamps(*given)),
    st.tuples(UNITS, SECONDS).map(lambda given: pd.Timedelta(np.timedelta64(given[1], "s")).as_unit(given[0])),
    st.tuples(PERIODS, st.integers(-(2**12), 2**12)).map(lambda given: pd.Period(ordinal=given[1], freq=given[0])),
    st.builds(lambda left, closed: pd.Interval(left, left + 1, closed), st.integers(-9, 9), CLOSED),
    st.builds(lambda left, closed: pd.Interval(left, left + 0.5, closed), st.floats(-9, 9), CLOSED),
    timestamps("us").map(lambda left: pd.Interval(left, left + pd.Timedelta("1D"))),
)


@st.composite
def sparse(draw: st.DrawFn, size: int) -> Any:
    """Draw a sparse array; entries may be equal to its fill value."""
    dense = draw(hnp.arrays(draw(st.sampled_from([*PLAIN, "M8[s]", "m8[ms]"])), (size,)))
    fill = draw(st.sampled_from([None, *dense.tolist()])) if dense.dtype.kind in "iufb" else None
    made: Any = pd.arrays.SparseArray(dense, fill_value=fill, kind=draw(st.sampled_from(["integer", "block"])))
    if made.sp_values.size and dense.dtype.kind in "iufb" and draw(st.booleans()):
        made.sp_values[0] = made.fill_value
    return made


def _plain(size: int) -> st.SearchStrategy[Any]:
    return st.sampled_from(PLAIN).flatmap(lambda dtype: hnp.arrays(dtype, (size,)))


def _objects(size: int) -> st.SearchStrategy[Any]:
    return hnp.arrays(object, (size,), elements=st.one_of(LABELS, SINGLE, NUMERIC))


@st.composite
def arrays(draw: st.DrawFn, size: int, kinds: str = "nmstdpicox") -> Any:
    """Draw the values of a column; ``kinds`` are letters of the kinds below, ``t`` times and ``x`` sparse ones."""
    kind = draw(st.sampled_from(kinds))
    if kind in "xno":
        return draw({"x": sparse(size), "n": _plain(size), "o": _objects(size)}[kind])
    if kind == "c":
        categories = draw(arrays(draw(st.integers(0, 3)), "nstdpi").map(_different))
        codes = draw(st.lists(st.integers(-1, len(categories) - 1), min_size=size, max_size=size))
        return pd.Categorical.from_codes(codes, categories=categories, ordered=draw(st.booleans()))
    missing = draw(hnp.arrays("?", (size,)))
    if kind == "m":
        dtype: Any = pd.api.types.pandas_dtype(draw(st.sampled_from(NULLABLE)))
        numbers = draw(hnp.arrays(dtype.numpy_dtype, (size,)))
        return dtype.construct_array_type()(numbers, missing)
    if kind == "s":
        dtype = draw(st.sampled_from(STRINGS))
        texts = draw(hnp.arrays(object, (size,), elements=TEXTS if dtype.storage == "python" else st.text(max_size=8)))
        texts[missing] = dtype.na_value
        return pd.array(texts, dtype=dtype)
    seconds = draw(hnp.arrays("i8", (size,), elements=SECONDS))
    if kind == "p":
        index: Any = pd.PeriodIndex
        periods = index.from_ordinals(seconds // 2**20, freq=draw(PERIODS)).array.copy()
        periods[missing] = pd.NaT
        return periods
    times = seconds.view("M8[s]").astype(f"M8[{draw(UNITS)}]")
    if kind == "i":
        ends = [np.sort(times[: size + 1]), draw(hnp.arrays("f8", (size,), elements=st.floats(-9, 9)))]
        left = draw(st.sampled_from(ends))
        right = left + (np.timedelta64(5, "s") if left.dtype.kind == "M" else 0.5)
        made = pd.arrays.IntervalArray.from_arrays(left, right, draw(CLOSED))
        made[missing] = np.nan
        return made
    times[missing] = "NaT"
    if kind == "d":
        return pd.array(times - times.dtype.type("1970", np.datetime_data(times.dtype)[0]))
    zone = draw(ZONES)
    return pd.array(times) if zone is None else pd.DatetimeIndex(times).tz_localize("UTC").tz_convert(zone).array


@st.composite
def indexes(draw: st.DrawFn, size: int) -> Any:
    """Draw an index of some kind."""
    kind = draw(st.sampled_from(["any", "any", "range", "multi", "dates", "spans"]))
    if kind == "range":
        start, step = draw(st.integers(-9, 9)), draw(st.sampled_from([1, 2, -3]))
        return pd.RangeIndex(start, start + size * step, step, name=draw(LABELS))
    if kind == "dates":
        start = draw(timestamps(draw(UNITS), draw(ZONES)))
        return pd.date_range(start, periods=size, freq=draw(FREQS), name=draw(LABELS))
    if kind == "spans":
        return pd.timedelta_range("1h", periods=size, freq=draw(st.sampled_from(["2h", "90s"])), name=draw(LABELS))
    if kind == "multi":
        levels = [draw(arrays(3, "nstdp").map(_different)) for _ in range(2)]
        codes = [draw(st.lists(st.integers(-1, len(each) - 1), min_size=size, max_size=size)) for each in levels]
        return pd.MultiIndex(levels, codes, names=[draw(LABELS), draw(LABELS)])
    return pd.Index(draw(arrays(size, "nmstdpicx")), name=draw(LABELS))


def _different(values: Any) -> Any:
    return pd.Index(values).dropna().unique()


@st.composite
def series(draw: st.DrawFn) -> pd.Series:
    """Draw a Series."""
    size = draw(st.integers(0, 4))
    values = draw(arrays(size))
    made = pd.Series(values, draw(indexes(size)), values.dtype, draw(LABELS))
    made.attrs.update(draw(ATTRS))
    return made


@st.composite
def frames(draw: st.DrawFn) -> pd.DataFrame:
    """Draw a DataFrame; labels of columns may repeat."""
    size, width = draw(st.integers(0, 3)), draw(st.integers(0, 4))
    columns = [draw(arrays(size)) for _ in range(width)]
    series = {k: pd.Series(values, dtype=values.dtype) for k, values in enumerate(columns)}
    made = pd.DataFrame(series, pd.RangeIndex(size))
    made.index = draw(indexes(size))
    made.columns = draw(indexes(width))
    made.attrs.update(draw(ATTRS))
    return made


SIZES = st.integers(0, 4)
ARRAYS = SIZES.flatmap(lambda size: arrays(size, "mstdpicx"))
PANDAS = st.one_of(frames(), series(), SIZES.flatmap(indexes), ARRAYS, SINGLE)
