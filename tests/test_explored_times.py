"""Parameters explored with times, from the first line to the plain reader; and times as parameters and results."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd
import pytest
import xarray as xr

import xpet
from xpet.testing import identical

BERLIN = ZoneInfo("Europe/Berlin")
#: explored values that plain tools see as times, and what they see
TIMES: dict[str, tuple[list[Any], list[str]]] = {
    "Timestamp": ([pd.Timestamp("2026-01-01"), pd.Timestamp("2026-01-02")], ["2026-01-01", "2026-01-02"]),
    "Timestamp of ns": (
        [pd.Timestamp("2026-01-01").as_unit("ns"), pd.Timestamp("2026-01-02").as_unit("ns")],
        ["2026-01-01", "2026-01-02"],
    ),
    "Timestamp with zone": (
        [pd.Timestamp("2026-01-01", tz="Europe/Berlin"), pd.Timestamp("2026-07-01", tz="Europe/Berlin")],
        ["2025-12-31T23:00", "2026-06-30T22:00"],
    ),
    "datetime": ([dt.datetime(2026, 1, 1), dt.datetime(1999, 1, 2, 3)], ["2026-01-01", "1999-01-02T03"]),
    "datetime with zone": (
        [dt.datetime(2026, 1, 1, tzinfo=BERLIN), dt.datetime(2026, 10, 25, 2, 30, fold=1, tzinfo=BERLIN)],
        ["2025-12-31T23:00", "2026-10-25T01:30"],
    ),
    "date": ([dt.date(2026, 1, 1), dt.date(2026, 1, 2)], ["2026-01-01", "2026-01-02"]),
    **{
        f"datetime64[{unit}]": (
            [np.datetime64("2026-01-01", unit), np.datetime64("2026-01-02", unit)], ["2026-01-01", "2026-01-02"]
        )
        for unit in ("D", "h", "m", "s", "ms", "us", "ns")
    },
    "Timestamps and NaT": (
        [pd.Timestamp("2026-01-01"), pd.Timestamp("2026-01-02"), pd.NaT], ["2026-01-01", "2026-01-02", "NaT"]
    ),
    "Timestamp with zone and NaT": ([pd.Timestamp("2026-01-01", tz="Europe/Berlin"), pd.NaT], ["2025-12-31T23", "NaT"]),
    "datetime64 and NaT": ([np.datetime64("2026-01-01", "s"), np.datetime64("NaT", "s")], ["2026-01-01", "NaT"]),
}  # fmt: skip
SPANS: dict[str, list[Any]] = {
    "timedelta": [dt.timedelta(seconds=90), dt.timedelta(days=-1)],
    "Timedelta": [pd.Timedelta("90s"), pd.Timedelta("-1D")],
    "timedelta64[s]": [np.timedelta64(90, "s"), np.timedelta64(-86400, "s")],
    "timedelta64[us]": [np.timedelta64(90 * 10**6, "us"), np.timedelta64(-86400 * 10**6, "us")],
    "timedelta64[ns]": [np.timedelta64(90 * 10**9, "ns"), np.timedelta64(-86400 * 10**9, "ns")],
}
#: what xarray cannot hold as times, or what has no one unit: kept, but numbers or texts to plain tools
FAR: dict[str, tuple[list[Any], str]] = {
    "Timestamp": ([pd.Timestamp("2026-01-01").as_unit("s"), pd.Timestamp(np.datetime64("9999-01-01", "s"))], "i"),
    "datetime": ([dt.datetime(2026, 1, 1), dt.datetime(1, 1, 1)], "i"),
    "datetime64": ([np.datetime64("2026-01-01"), np.datetime64("0001-01-01")], "i"),
    "datetime64[Y]": ([np.datetime64("2026"), np.datetime64("0001")], "i"),
    "timedelta": ([dt.timedelta(seconds=1), dt.timedelta.max], "O"),
    "Timestamp and NaT": ([pd.Timestamp(np.datetime64("9999-01-01", "s")), pd.NaT], "i"),
    "nothing but NaT": ([pd.NaT, pd.NaT], "O"),
    "units": ([np.datetime64("2026-01-01"), np.datetime64("2026-01-01T00")], "O"),
    "zones": ([dt.datetime(2026, 1, 1), dt.datetime(2026, 1, 1, tzinfo=BERLIN)], "O"),
    "gap": ([dt.datetime(2026, 1, 1, tzinfo=BERLIN), dt.datetime(2026, 3, 29, 2, 30, tzinfo=BERLIN)], "O"),
}


def job(traj: xpet.Trajectory) -> None:
    if traj.v_idx:
        traj.f_add_result("y", float(traj.v_idx))
    else:
        raise ValueError("half of it")


def study(store: Path, values: list[Any]) -> None:
    """A study of which half is done."""
    env = xpet.Environment("study", store=store)
    env.traj.f_add_parameter("t", values[0])
    env.traj.f_explore({"t": values})
    with pytest.warns(match="failed"):
        env.run(job)


def check_comes_back(store: Path, values: list[Any]) -> None:
    found = xpet.load_trajectory("study", filename=store).f_get("parameters.t").f_get_range()
    assert len(found) == len(values)
    assert all(map(identical, found, values))


@pytest.mark.parametrize(("values", "seen"), TIMES.values(), ids=TIMES)
def test_times_are_times_to_plain_tools(tmp_path: Path, values: list[Any], seen: list[str]):
    store, expected = tmp_path / "a.zarr", np.array(seen, "M8[ns]")
    study(store, values)
    check_comes_back(store, values)
    for group in ("runs", "results"):
        with xr.open_dataset(store / "study", group=group, engine="zarr") as plain:
            assert plain.t.dtype.kind == "M"
            np.testing.assert_array_equal(plain.t.values.astype("M8[ns]"), expected)
            plain.to_netcdf(tmp_path / f"{group}.nc")
        with xr.open_dataset(tmp_path / f"{group}.nc") as again:
            np.testing.assert_array_equal(again.t.values.astype("M8[ns]"), expected)
    seen_by_us = xpet.open(store, "study")
    assert seen_by_us.t.dtype.kind == "M"
    done = expected[1]
    if not np.isnat(done):
        assert seen_by_us.sel(t=str(done)).y.item() == 1.0
        assert np.isnan(seen_by_us.sel(t=str(expected[0])).y.item())


def test_a_day_is_selected_by_its_name(tmp_path: Path):
    study(tmp_path / "a.zarr", TIMES["Timestamp"][0])
    assert xpet.open(tmp_path / "a.zarr").sel(t="2026-01-02").y.item() == 1.0
    assert xpet.open(tmp_path / "a.zarr").sel(t=slice("2026-01-02", None)).y.values.tolist() == [1.0]


@pytest.mark.parametrize("values", SPANS.values(), ids=SPANS)
def test_spans_are_spans_to_plain_tools(tmp_path: Path, values: list[Any]):
    store, expected = tmp_path / "a.zarr", np.array([90, -86400], "m8[s]")
    study(store, values)
    check_comes_back(store, values)
    with xr.open_dataset(store / "study", group="results", engine="zarr") as plain:
        assert plain.t.dtype.kind == "m"
        np.testing.assert_array_equal(plain.t.values, expected)
        plain.to_netcdf(tmp_path / "a.nc")
    assert xpet.open(store).sel(t=expected[1]).y.item() == 1.0


@pytest.mark.parametrize(("values", "kind"), FAR.values(), ids=FAR)
def test_others_are_numbers_or_texts_to_plain_tools(tmp_path: Path, values: list[Any], kind: str):
    store = tmp_path / "a.zarr"
    study(store, values)
    check_comes_back(store, values)
    with xr.open_dataset(store / "study", group="results", engine="zarr") as plain:
        assert plain.t.dtype.kind in (kind, "T")
        plain.to_netcdf(tmp_path / "a.nc")
    assert xpet.open(store).y.notnull().sum() == 1


def expanded(store: Path, values: list[Any], more: list[Any]) -> None:
    traj = xpet.Trajectory("study", filename=store)
    traj.f_add_parameter("t", values[0])
    traj.f_explore({"t": values})
    traj.f_store()
    traj = xpet.load_trajectory("study", filename=store)
    traj.f_expand({"t": more})
    traj.f_store()
    check_comes_back(store, values + more)


STAMP, SPAN = pd.Timestamp("2026-01-01"), pd.Timedelta("90s")


@pytest.mark.parametrize("time", [STAMP, STAMP.tz_localize("Europe/Berlin"), SPAN], ids=str)
def test_a_time_that_is_missing_is_one_to_plain_tools(tmp_path: Path, time: Any):
    expanded(tmp_path / "a.zarr", [pd.NaT, time], [pd.NaT, pd.NaT, time])
    expanded(tmp_path / "b.zarr", [time], [pd.NaT])
    for name, missing in (("a", [True, False, True, True, False]), ("b", [False, True])):
        with xr.open_dataset(tmp_path / f"{name}.zarr" / "study", group="runs", engine="zarr") as plain:
            assert plain.t.dtype.kind == ("m" if time is SPAN else "M")
            assert np.isnat(plain.t.values).tolist() == missing


def test_missing_times_in_a_sweep(tmp_path: Path):
    def late(t: Any, x: int) -> bool:
        return t is pd.NaT

    points = {"t": pd.Series([pd.NaT, STAMP]), "x": [1, 2]}
    found = xpet.sweep(late, points, store=tmp_path / "a.zarr")
    assert found.sizes == {"t": 2, "x": 2}
    assert found.late.sel(t=STAMP).values.tolist() == [False, False]
    assert found.late.values.sum() == 2


@pytest.mark.parametrize("values", [
    [STAMP, SPAN], [STAMP, None], [pd.NaT, STAMP, SPAN], [pd.NaT, 1], [1, pd.NaT], [dt.datetime(2026, 1, 1), pd.NaT],
    [STAMP, np.datetime64("NaT", "s")], [pd.NaT, pd.NA],
], ids=str)  # fmt: skip
def test_other_types_beside_times_are_refused(values: list[Any]):
    traj = xpet.Trajectory("study")
    traj.f_add_parameter("t", values[0])
    with pytest.raises(TypeError, match="cannot be explored with"):
        traj.f_explore({"t": values})


@pytest.mark.parametrize("name", ["Timestamp", "datetime", "datetime64[D]", "datetime with zone"])
def test_more_times(tmp_path: Path, name: str):
    values = TIMES[name][0]
    expanded(tmp_path / "a.zarr", values[:1], values[1:])
    with xr.open_dataset(tmp_path / "a.zarr" / "study", group="runs", engine="zarr") as plain:
        assert plain.t.dtype.kind == "M"


def test_more_times_beside_far_ones_are_numbers_too(tmp_path: Path):
    near, far = FAR["datetime"][0]
    expanded(tmp_path / "a.zarr", [far], [near])


def test_far_times_beside_times_are_refused(tmp_path: Path):
    near, far = FAR["datetime"][0]
    with pytest.raises(xpet.errors.UnsupportedValueError, match="do not go into the array of the stored ones"):
        expanded(tmp_path / "a.zarr", [near], [far])


FAR_RUN: dict[str, tuple[Any, Any]] = {
    **{name: (values[0], values[1]) for name, (values, _) in FAR.items()},
    "DatetimeArray": (pd.array(np.array(["2026"], "M8[s]")), pd.array(np.array(["9999"], "M8[s]"))),
    "DatetimeIndex": (pd.DatetimeIndex(np.array(["2026"], "M8[s]")), pd.DatetimeIndex(np.array(["9999"], "M8[s]"))),
    "TimedeltaArray": (pd.array(np.array([1], "m8[s]")), pd.array(np.array([2**62], "m8[s]"))),
    "Timedelta": (pd.Timedelta(1, "s"), pd.Timedelta(np.timedelta64(2**45, "s"))),
    "Series": (pd.Series(np.array(["2026"], "M8[s]")), pd.Series(np.array(["9999"], "M8[s]"))),
    "index of a frame": tuple(
        pd.DataFrame({"a": [1]}, index=pd.DatetimeIndex(np.array([year], "M8[s]"))) for year in ("2026", "9999")
    ),
    "coordinate": tuple(
        xr.DataArray([1.0], {"time": ("time", np.array([year], "M8[s]"))}, ["time"]) for year in ("2026", "9999")
    ),
    "Dataset": tuple(xr.Dataset({"v": ("time", np.array([year], "M8[s]"))}) for year in ("2026", "9999")),
}


@pytest.mark.parametrize("order", [(0, 1), (1, 0)], ids=["near first", "far first"])
@pytest.mark.parametrize("values", FAR_RUN.values(), ids=FAR_RUN)
def test_one_far_time_leaves_the_others_times(tmp_path: Path, values: tuple[Any, Any], order: tuple[int, int]):
    store = tmp_path / "a.zarr"

    def leave(traj: xpet.Trajectory) -> None:
        traj.f_add_result("v", values[order[traj.v_idx]])

    env = xpet.Environment("study", store=store)
    env.traj.f_add_parameter("far", values[1])
    env.traj.f_add_parameter("x", 0)
    env.traj.f_explore({"x": [0, 1]})
    env.run(leave)
    traj = xpet.load_trajectory("study", filename=store)
    assert identical(traj.f_get("parameters.far").f_get(), values[1])
    for run, which in enumerate(order):
        assert identical(traj.f_get(f"results.runs.r_{run}.v").f_get(), values[which])
    for tree in xr.open_datatree(store / "study", engine="zarr").subtree:
        tree.to_dataset().load()


VALUES = [
    *(dt.date.min, dt.date.max, dt.datetime.min, dt.datetime.max, dt.timedelta.min, dt.timedelta.max),
    *(dt.datetime.min.replace(tzinfo=dt.UTC), dt.datetime.max.replace(tzinfo=BERLIN), dt.timedelta(microseconds=-1)),
    *(dt.datetime(2026, 1, 1, fold=1), dt.datetime(2026, 1, 1, fold=1, tzinfo=BERLIN)),
    dt.datetime(1, 1, 1, tzinfo=BERLIN),
    dt.datetime(2026, 1, 1, 1, 2, 3, 4, tzinfo=dt.timezone(dt.timedelta(seconds=1), "odd")),
]


@pytest.mark.parametrize("value", VALUES, ids=str)
def test_python_times_come_back(value: Any):
    again = xpet.values.decode(xpet.values.encode(value))
    assert identical(again, value)
    assert getattr(again, "fold", 0) == getattr(value, "fold", 0)
