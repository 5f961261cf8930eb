"""Values of pandas and SciPy, and an equality that sees every difference; it knows nothing of how they are stored."""

from __future__ import annotations

import datetime as dt
import zoneinfo
from typing import Any

import numpy as np
import pandas as pd
import scipy
import scipy.sparse as sp
from fixtures_values import ATTRS, NUMERIC, TEXTS, identical
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

SCIPY = tuple(map(int, scipy.__version__.split(".")[:2]))

# The equality -------------------------------------------------------------------------------------------------------


def same(a: Any, b: Any) -> bool:
    """Tell whether two values are equal with types, dtypes, kinds of index, frequencies, names and attributes."""
    if type(a) is not type(b):
        return False
    if isinstance(a, pd.DataFrame):
        columns = zip(_columns(a), _columns(b), strict=False)
        return same(a.columns, b.columns) and same(a.index, b.index) and _same_rest(a, b) and all(map(_both, columns))
    if isinstance(a, pd.Series):
        return same(a.index, b.index) and same_label(a.name, b.name) and _same_rest(a, b) and _same_values(a, b)
    if isinstance(a, pd.Index):
        return _same_index(a, b)
    if sp.issparse(a):
        return _same_sparse(a, b)
    return _same_values(a, b) if isinstance(a, pd.api.extensions.ExtensionArray) else same_label(a, b)


def _both(pair: tuple[Any, Any]) -> bool:
    return same(*pair)


def _columns(frame: pd.DataFrame) -> list[Any]:
    return [frame.iloc[:, k].array for k in range(frame.shape[1])]


def _same_rest(a: Any, b: Any) -> bool:
    flags = a.flags.allows_duplicate_labels == b.flags.allows_duplicate_labels
    return flags and identical(dict(a.attrs), dict(b.attrs))


def same_label(a: Any, b: Any) -> bool:
    """Tell whether two labels are: single values of pandas, or anything else."""
    if a is pd.NA or a is pd.NaT:
        return a is b
    if type(a) is type(b) and isinstance(a, tuple | list):
        return len(a) == len(b) and all(map(same_label, a, b))
    if type(a) is type(b) and isinstance(a, pd.Timestamp | pd.Timedelta):
        zones = repr(getattr(a, "tzinfo", None)) == repr(getattr(b, "tzinfo", None))
        return a == b and a.unit == b.unit and zones and getattr(a, "fold", 0) == getattr(b, "fold", 0)
    if type(a) is type(b) and isinstance(a, pd.Interval):
        return same_label(a.left, b.left) and same_label(a.right, b.right) and a.closed == b.closed
    return identical(a, b)


def _same_index(a: Any, b: Any) -> bool:
    if not same_label(list(a.names), list(b.names)) or len(a) != len(b):
        return False
    if isinstance(a, pd.RangeIndex):
        return (a.start, a.stop, a.step) == (b.start, b.stop, b.step)
    if isinstance(a, pd.MultiIndex):
        codes = all(map(identical, map(np.asarray, a.codes), map(np.asarray, b.codes)))
        return codes and all(map(same, a.levels, b.levels)) and a.sortorder == b.sortorder
    return _same_values(a, b) and getattr(a, "freq", None) == getattr(b, "freq", None)


def _same_values(a: Any, b: Any) -> bool:
    if a.dtype != b.dtype or repr(a.dtype) != repr(b.dtype) or len(a) != len(b):
        return False
    if isinstance(a.dtype, pd.CategoricalDtype):
        x, y = pd.Categorical(a), pd.Categorical(b)
        return x.ordered == y.ordered and identical(np.asarray(x.codes), np.asarray(y.codes)) and _same_categories(x, y)
    if repr(getattr(a.dtype, "tz", None)) != repr(getattr(b.dtype, "tz", None)):
        return False
    return all(map(same_label, list(a), list(b)))


def _same_categories(a: Any, b: Any) -> bool:
    return same(a.categories, b.categories)


def _same_sparse(a: Any, b: Any) -> bool:
    if (a.format, a.shape, a.dtype) != (b.format, b.shape, b.dtype):
        return False
    if a.format == "dok":
        keys = list(a.keys()) == list(b.keys())
        return keys and identical(np.array(list(a.values()), a.dtype), np.array(list(b.values()), b.dtype))
    if a.format == "lil":
        rows = [[np.array(row, a.dtype) for row in each.data] for each in (a, b)]
        return list(map(list, a.rows)) == list(map(list, b.rows)) and identical(*rows)
    names = {"coo": ["data"], "dia": ["data", "offsets"]}.get(a.format, ["data", "indices", "indptr"])
    if a.format == "coo":
        same_coords = all(map(identical, a.coords, b.coords))
        return same_coords and identical(a.data, b.data) and a.has_canonical_format == b.has_canonical_format
    state = a.format == "dia" or a.has_sorted_indices == b.has_sorted_indices
    return state and all(identical(getattr(a, name), getattr(b, name)) for name in names)


# Values of pandas ---------------------------------------------------------------------------------------------------

ZONES = st.sampled_from([None, dt.UTC, dt.timezone(dt.timedelta(hours=-3)), zoneinfo.ZoneInfo("Europe/Berlin")])
UNITS = st.sampled_from(["s", "ms", "us", "ns"])
CLOSED = st.sampled_from(["left", "right", "both", "neither"])
#: What fits into every unit.
SECONDS = st.integers(-(2**33), 2**33)
LABELS = st.one_of(st.none(), TEXTS, st.integers(-9, 9), st.tuples(TEXTS, st.integers()), st.sampled_from([1.5, True]))
FREQS = st.sampled_from(["D", "2D", "h", "90s", "MS", "QE", "W-TUE", "B"])
PERIODS = st.sampled_from(["D", "M", "Q-DEC", "Y", "W-SUN", "2h", "min"])
PLAIN = ["?", "i1", "i2", "i4", "i8", "u1", "u2", "u4", "u8", "f4", "f8", "c8", "c16"]
NULLABLE = ["Int8", "Int16", "Int32", "Int64", "UInt8", "UInt16", "UInt32", "UInt64", "Float32", "Float64", "boolean"]
#: What texts become without a word was object before pandas 3, and is pyarrow's where that is.
STRINGS = [each for each in (pd.StringDtype("python"), pd.Series(["a"]).dtype) if isinstance(each, pd.StringDtype)]


def timestamps(unit: str, zone: dt.tzinfo | None = None) -> st.SearchStrategy[Any]:
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
def arrays(draw: st.DrawFn, size: int, kinds: str = "nmstdpico") -> Any:
    """Draw the values of a column; ``kinds`` are the first letters of the kinds below, ``t`` standing for times."""
    kind = draw(st.sampled_from(kinds))
    if kind == "n":
        return draw(hnp.arrays(draw(st.sampled_from(PLAIN)), (size,)))
    if kind == "o":
        return draw(hnp.arrays(object, (size,), elements=st.one_of(LABELS, SINGLE, NUMERIC)))
    if kind == "c":
        categories = draw(arrays(draw(st.integers(0, 3)), "nstdpi").map(_different))
        codes = draw(st.lists(st.integers(-1, len(categories) - 1), min_size=size, max_size=size))
        return pd.Categorical.from_codes(codes, categories=categories, ordered=draw(st.booleans()))
    missing = draw(hnp.arrays("?", (size,)))
    if kind == "m":
        dtype = pd.api.types.pandas_dtype(draw(st.sampled_from(NULLABLE)))
        numbers = draw(hnp.arrays(dtype.numpy_dtype, (size,)))
        return dtype.construct_array_type()(numbers, missing)
    if kind == "s":
        dtype = draw(st.sampled_from(STRINGS))
        texts = draw(hnp.arrays(object, (size,), elements=TEXTS if dtype.storage == "python" else st.text(max_size=8)))
        texts[missing] = dtype.na_value
        return pd.array(texts, dtype=dtype)
    seconds = draw(hnp.arrays("i8", (size,), elements=SECONDS))
    if kind == "p":
        periods = pd.PeriodIndex.from_ordinals(seconds // 2**20, freq=draw(PERIODS)).array.copy()
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
    return pd.Index(draw(arrays(size, "nmstdpic")), name=draw(LABELS))


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
ARRAYS = SIZES.flatmap(lambda size: arrays(size, "mstdpic"))
PANDAS = st.one_of(frames(), series(), SIZES.flatmap(indexes), ARRAYS, SINGLE)

# Values of SciPy ----------------------------------------------------------------------------------------------------

FORMATS = ["csr", "csc", "coo", "bsr", "dia", "lil", "dok"]
#: The first one takes one dimension since SciPy 1.15.
ONE_DIMENSIONAL = ("csr_array", "coo_array", "dok_array")[SCIPY < (1, 15) :]
KINDS = [f"{name}_{kind}" for name in FORMATS for kind in ("matrix", "array")]


@st.composite
def sparse(draw: st.DrawFn) -> Any:
    """Draw a matrix or array, with explicit zeros, duplicates and any order where its format has them."""
    kind = draw(st.sampled_from(KINDS))
    dtype = draw(st.sampled_from(PLAIN))
    shape = draw(st.tuples(st.integers(1, 5), st.integers(1, 5)))
    if kind in ONE_DIMENSIONAL and draw(st.booleans()):
        shape = (shape[0],)
    entries = draw(st.lists(st.tuples(*(st.integers(0, size - 1) for size in shape)), max_size=6))
    data = draw(hnp.arrays(dtype, (len(entries),), elements={"allow_nan": True} if dtype[0] in "fc" else None))
    coords = [np.array([entry[axis] for entry in entries], "i4") for axis in range(len(shape))]
    coo = (sp.coo_matrix if kind.endswith("matrix") else sp.coo_array)((data, tuple(coords)), shape=shape)
    if kind.startswith(("csr", "csc")) and len(shape) == 2:
        return _compressed(kind, coo, draw(st.sampled_from(["i4", "i8"])))
    # What is there twice is added up.
    with np.errstate(all="ignore"):
        if kind.startswith("coo"):
            if draw(st.booleans()):
                coo.sum_duplicates()
            return coo
        return getattr(coo, f"to{kind[:3]}")()


def _compressed(kind: str, coo: Any, dtype: str) -> Any:
    """Make one whose entries are in the order of a COO matrix, duplicates and all."""
    axis = 0 if kind.startswith("csr") else 1
    major = coo.coords[axis]
    order = np.argsort(major, kind="stable")
    indptr = np.searchsorted(major[order], np.arange(coo.shape[axis] + 1))
    made = getattr(sp, kind)((coo.data[order], coo.coords[1 - axis][order], indptr), shape=coo.shape)
    made.indices, made.indptr = made.indices.astype(dtype), made.indptr.astype(dtype)
    return made


SPARSE = sparse()
