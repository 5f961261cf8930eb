"""Labels around arrays."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import xarray as xr

import xpet
from xpet.errors import UnsupportedValueError
from xpet.values import decode, encode, label, unlabelled

V = np.zeros((2, 3))


def test_the_value_comes_back_without_them():
    made = label(V, ("a", "b"), {"b": label([1, 2, 3], units="ms")}, "mV", {"long_name": "V", "k": np.float64(0.5)})
    encoded = encode(made)
    assert encoded.labels.dims == ("a", "b")
    assert encoded.labels.attrs == {"units": "mV", "long_name": "V", "k": 0.5}
    assert type(encoded.labels.attrs["k"]) is float
    assert encoded.labels.coords["b"].attrs == {"units": "ms"}
    assert unlabelled(made) is V
    np.testing.assert_array_equal(decode(encoded), V)


@pytest.mark.parametrize("value", [["a", "b"], [[1, 2.0], [3, 4]], np.zeros(2, "i4,f8")], ids=str)
def test_what_is_no_array_once_it_is_stored_can_have_attributes_but_no_dims(value: Any):
    names = tuple("ab"[: np.ndim(value)])
    with pytest.raises(UnsupportedValueError, match=r"results\.r of type .* dims \('a'.* would be lost"):
        encode(label(value, names), "results.r")
    assert encode(label(value, attrs={"note": "n"})).labels.attrs == {"note": "n"}


def test_lists_of_numbers_can_have_dims():
    encoded = encode(label([1.0, 2.0], "x", {"x": ["a", "b"]}))
    assert encoded.labels.dims == ("x",)
    assert decode(encoded) == [1.0, 2.0]


@pytest.mark.parametrize(
    "given",
    [
        pd.DataFrame(columns=["a", "bc"]).columns,
        pd.Series(["a", "bc"]),
        np.array(["a", "bc"], object),
        np.array(["a", "bc"], np.dtypes.StringDType()),
    ],
    ids=["Index", "Series", "objects", "StringDType"],
)
def test_texts_of_all_kinds_are_coordinates(given: Any):
    coord = label([1.0, 2.0], "x", {"x": given}).labels.coords["x"]
    assert coord.values.dtype.kind == "U"
    assert coord.values.tolist() == ["a", "bc"]


BAD = {
    "end of a coordinate": (lambda: label([1], "a", {"a": np.array(["\0"], object)}), ValueError, "dtype object"),
    "0-d coordinate": (lambda: label([1], "a", {"a": np.array(None)}), ValueError, r"shape \(\)"),
    "list of coordinates": (lambda: label([1], "a", [[1]]), TypeError, "coords must be a dict, by name, got list"),
    "list of attributes": (lambda: label([1], attrs=["a"]), TypeError, "attrs must be a dict, by name, got list"),
    "no dims": (lambda: label([1], 3), TypeError, "dims must be a name, or a name per dimension, got int"),
    "too few dims": (lambda: label(V, "a"), ValueError, "one name per dimension"),
    "a dim twice": (lambda: label(V, ("a", "a")), ValueError, "repeat"),
    "no name": (lambda: label(V, ("a", "b c")), ValueError, "'b c'"),
    "coordinate of no dim": (lambda: label(V, ("a", "b"), {"c": [1]}), ValueError, "'c'"),
    "length of a coordinate": (lambda: label(V, ("a", "b"), {"b": [1]}), ValueError, "length 3"),
    "objects as coordinate": (lambda: label([1.0], "a", {"a": np.array([None])}), ValueError, "dtype object"),
    "surrogates as coordinate": (lambda: label([1.0], "a", {"a": ["\udcff"]}), ValueError, "UTF-8"),
    "units": (lambda: label(V, units=3), TypeError, "units"),
    "two units": (lambda: label(V, units="mV", attrs={"units": "V"}), ValueError, "'mV', and attrs say 'V'"),
    "attribute": (lambda: label(V, attrs={"a": [1]}), TypeError, "'a'"),
    "twice": (lambda: label(label(V)), TypeError, "already"),
    "DataArray": (lambda: label(xr.DataArray(V)), TypeError, "DataArray"),
}


@pytest.mark.parametrize(("make", "error", "match"), BAD.values(), ids=BAD)
def test_bad(make: Any, error: type[Exception], match: str):
    with pytest.raises(error, match=match):
        make()


STAMP = pd.Timestamp("2026-01-01")
TIMES: dict[str, tuple[Any, str, list[Any]]] = {
    "dates": ([dt.date(2026, 1, 1), dt.date(1999, 5, 6)], "M8[s]", ["2026-01-01", "1999-05-06"]),
    "datetimes": ([dt.datetime(2026, 1, 1, 2, 3, 4, 5)] * 2, "M8[us]", ["2026-01-01T02:03:04.000005"] * 2),
    "Timestamps": ([STAMP.as_unit("s"), STAMP.as_unit("s")], "M8[s]", ["2026-01-01"] * 2),
    "Timestamps of units": ([STAMP.as_unit("s"), pd.Timestamp(1)], "M8[ns]", ["2026", "1970-01-01T00:00:00.000000001"]),
    "Timestamp and NaT": ([pd.NaT, STAMP.as_unit("ms")], "M8[ms]", ["NaT", "2026-01-01"]),
    "Series": (pd.Series([STAMP.as_unit("us"), pd.NaT]), "M8[us]", ["2026-01-01", "NaT"]),
    "date and NaT": ([dt.date(2026, 1, 1), pd.NaT], "M8[s]", ["2026-01-01", "NaT"]),
    "datetime and NaT": ([pd.NaT, dt.datetime(2026, 1, 1)], "M8[us]", ["NaT", "2026-01-01"]),
    "timedelta and NaT": ([dt.timedelta(days=1), pd.NaT], "m8[us]", [86400000000, "NaT"]),
    "timedeltas": ([dt.timedelta(days=1), dt.timedelta(microseconds=-1)], "m8[us]", [86400000000, -1]),
    "Timedeltas": ([pd.Timedelta("1s").as_unit("ms"), pd.NaT], "m8[ms]", [1000, "NaT"]),
}


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize(("given", "dtype", "seen"), TIMES.values(), ids=TIMES)
def test_times_as_coordinates(given: Any, dtype: str, seen: list[Any], tmp_path: Path):
    made = label([1.0, 2.0], "t", {"t": given})
    expected = np.array(seen, dtype)
    values = made.labels.coords["t"].values
    assert values.dtype == np.dtype(dtype)
    np.testing.assert_array_equal(values, expected)

    def leave(x: int) -> Any:
        return label(np.zeros(2) + x, "t", {"t": given})

    xpet.sweep(leave, {"x": [0, 1]}, store=tmp_path / "a.zarr")
    with xr.open_dataset(tmp_path / "a.zarr" / "leave", group="results", engine="zarr") as plain:
        assert plain.leave.dims == ("run", "t")
        np.testing.assert_array_equal(plain.t.values, expected)


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ([STAMP.tz_localize("Europe/Berlin")], "times with a zone, 2026-01-01.*tz_convert"),
        ([dt.datetime(2026, 1, 1, tzinfo=dt.UTC)], "times with a zone"),
        (pd.DatetimeIndex([STAMP], tz="UTC"), "times with a zone"),
        ([dt.date(1, 1, 1)], "has dtype datetime64"),
        ([pd.NaT], "has dtype object"),
    ],
    ids=str,
)
def test_times_that_can_be_no_coordinate(given: Any, told: str):
    with pytest.raises(ValueError, match=f"label: the coordinate 't' {told}|label: the coordinate 't' has {told}"):
        label([1.0], "t", {"t": given})


def test_dates_and_datetimes_are_not_mixed():
    with pytest.raises(ValueError, match="label: the coordinate 't' has dtype object"):
        label([1.0, 2.0], "t", {"t": [dt.date(2026, 1, 1), dt.datetime(2026, 1, 2)]})
