"""Labels of what is within a value: a Dataset's variables, a DataFrame's columns, DataArrays in dicts, over runs."""

from __future__ import annotations

import datetime as dt
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import xarray as xr
from fixtures_labelled import DAYS, SHOWN, Make, add_all, dataset, large, segment
from fixtures_plain import RunPlain

import xpet
from xpet.errors import UnsupportedValueError
from xpet.testing import identical
from xpet.values import Coord, Encoded, Labels, Part

pytestmark = pytest.mark.filterwarnings("error")
ARCHIVE = Path(__file__).parent / "data/frozen-0.1-labels.tar.xz"


def run(make: Make, path: Path, values: tuple[int, ...] = (0, 1, 2)) -> xr.Dataset:
    """A study whose result z is what ``make`` makes; plain xarray's view of it, after the tree's was checked."""
    env = xpet.Environment("study", store=path)
    env.traj.f_add_parameter("i", 0)
    env.traj.f_explore({"i": list(values)})
    env.run(lambda traj: traj.f_add_result("z", make(traj.i)))
    traj = xpet.load_trajectory("study", store=path)
    for k, value in enumerate(values):
        assert identical(traj.f_get(f"results.runs.run_{k:08d}.z").f_get(), make(value))
    with xr.open_datatree(path / "study", engine="zarr"):
        pass
    with xr.open_dataset(path / "study", group="results", engine="zarr") as plain:
        return plain.load()


@pytest.mark.parametrize(("make", "dims", "coords"), SHOWN.values(), ids=SHOWN)
def test_shown_to_plain_tools(make: Make, dims: dict[str, tuple[str, ...]], coords: dict[str, Any], tmp_path: Path):
    plain = run(make, tmp_path / "s")
    assert {name: plain[name].dims for name in dims} == dims
    for name, values in coords.items():
        assert name in plain.coords
        np.testing.assert_array_equal(plain[name].values, values)
    plain.to_netcdf(tmp_path / "x.nc")


MONTHS = pd.date_range("2020-01-31", periods=3, freq="ME")
#: indexes as pandas gives them to xarray, and what plain tools have of them
INDEXES: dict[str, tuple[Any, Any]] = {
    "range": (pd.RangeIndex(3), [0, 1, 2]),
    "range with bounds": (pd.RangeIndex(7, 0, -3), [7, 4, 1]),
    "times with a frequency": (MONTHS, MONTHS),
    "texts": (pd.Index(["u", "vw", ""], dtype=pd.StringDtype("python", na_value=np.nan)), ["u", "vw", ""]),
    "objects": (pd.Index(["u", "vw", ""], dtype=object), ["u", "vw", ""]),
}


@pytest.mark.parametrize("make", [pd.Series.to_xarray, lambda series: series.to_frame("a").to_xarray()])
@pytest.mark.parametrize(("index", "labels"), INDEXES.values(), ids=INDEXES)
def test_indexes_of_pandas(index: Any, labels: Any, make: Callable[[Any], Any], tmp_path: Path):
    """They come back as what they are, and are labels to plain tools; values of several are one column all the same."""
    plain = run(lambda i: make(pd.Series([i, 1.0, 2.0], index)), tmp_path / "same")
    np.testing.assert_array_equal(plain["index"].values, labels)
    plain = run(lambda i: make(pd.Series(np.arange(3.0 - i % 2), index[: 3 - i % 2])), tmp_path / "shorter")
    name = "z.a" if "z.a" in plain else "z"
    assert plain[name].dims == ("run", "z.index")
    assert plain["z.index"].dims == ("run", "z.index")
    assert plain[name].sum().item() == 3 + 1 + 3
    plain.to_netcdf(tmp_path / "x.nc")


def test_times_of_several_steps_are_one_column(tmp_path: Path):
    def make(i: int) -> xr.DataArray:
        return xr.DataArray([i, 1.0, 2.0], {"t": pd.date_range("2020", periods=3, freq=f"{i + 1}s")})

    plain = run(make, tmp_path)
    assert plain["z"].dims == ("run", "z.t")
    assert plain["z"][:, 0].values.tolist() == [0, 1, 2]
    assert "z.1" not in plain


def test_selecting_by_labels(tmp_path: Path):
    plain = run(dataset, tmp_path / "s")
    assert plain["z.V"].sel(t="2020-01-03").values.tolist() == [0, 1, 2]
    assert plain["z.V"].attrs["units"] == "mV"
    ours = xpet.open(tmp_path / "s")
    assert ours["z.V"].sel(t="2020-01-03", i=2).item() == 2


def test_labels_begin_to_differ_later(tmp_path: Path):
    """The coordinate that the first runs have in common is published before others come."""
    env = xpet.Environment("study", store=tmp_path)
    env.traj.f_add_parameter("i", 0)
    env.traj.f_explore({"i": [0, 1, 2, 3]})

    def make(i: int) -> xr.Dataset:
        size = 2 if i < 2 else i + 1
        t = DAYS[0] + np.arange(size) * np.timedelta64(1 if i < 3 else 2, "D")
        return xr.Dataset({"a": ("t", np.full(size, i)), "b": ("t", np.full(size, 0.5))}, {"t": t})

    for runs in ([0], [1], [2], [3]):
        env.run(lambda traj: traj.f_add_result("z", make(traj.i)), runs=runs)
        with xr.open_dataset(tmp_path / "study", group="results", engine="zarr") as plain:
            plain.load()
        traj = xpet.load_trajectory("study", store=tmp_path)
        for k in range(runs[0] + 1):
            assert identical(traj.f_get(f"results.runs.run_{k:08d}.z").f_get(), make(k))
    assert plain["z.a"].dims == plain["z.b"].dims == plain["z.t"].dims == ("run", "z.t")
    assert plain["z.t"].dtype.kind == "M"
    np.testing.assert_array_equal(plain["z.t"].values[3], DAYS[0] + np.arange(4) * np.timedelta64(2, "D"))


def test_equal_labels_are_stored_once(tmp_path: Path):
    def job(traj: Any) -> None:
        traj.f_add_result("p", dataset(traj.i))
        traj.f_add_result("q", {"deep": {"V": xr.DataArray([1.0, traj.i, 3.0], {"t": DAYS})}})
        traj.f_add_result("other", xr.DataArray([1.0, traj.i], {"t": DAYS[:2]}))

    env = xpet.Environment("study", store=tmp_path)
    env.traj.f_add_parameter("i", 0)
    env.traj.f_explore({"i": [0, 1]})
    env.run(job)
    with xr.open_dataset(tmp_path / "study", group="results", engine="zarr") as plain:
        assert plain["p.V"].dims == plain["q.deep.V"].dims == ("run", "t")
        assert plain["other"].dims == ("run", "other.t")
        assert {str(name) for name in plain.variables if plain[name].dtype.kind == "M"} == {"t", "other.t"}


def test_texts_that_plain_tools_would_confuse_are_no_labels(tmp_path: Path):
    plain = run(lambda i: pd.DataFrame({"a": [1.0, i]}, ["a", "a\0"]), tmp_path / "s")
    assert plain["z.a"].dims == ("run", "index")
    assert "index" not in plain.coords


def test_outside_runs(tmp_path: Path):
    env = xpet.Environment("study", store=tmp_path)
    env.traj.f_add_parameter("p", dataset(3))
    env.traj.f_add_config("q", {"V": xr.DataArray([1.0], {"t": DAYS[:1]})})
    env.traj.f_add_parameter("i", 0)
    env.traj.f_explore({"i": [0]})
    env.run(lambda traj: None)
    traj = xpet.load_trajectory("study", store=tmp_path)
    assert identical(traj.f_get("parameters.p").f_get(), dataset(3))
    assert identical(traj.f_get("config.q").f_get(), {"V": xr.DataArray([1.0], {"t": DAYS[:1]})})
    with xr.open_dataset(tmp_path / "study", group="parameters", engine="zarr") as plain:
        assert plain["p.V"].dims == ("t",)
        np.testing.assert_array_equal(plain["t"].values, DAYS)


def test_explored(tmp_path: Path):
    points = [dataset(0), dataset(1), xr.Dataset({"V": ("t", [1.0])}, {"t": DAYS[:1]}), dataset(1)]
    env = xpet.Environment("study", store=tmp_path)
    env.traj.f_add_parameter("p", points[0])
    env.traj.f_explore({"p": points})
    env.run(lambda traj: traj.f_add_result("z", float(traj.p.V.sum())))
    env.traj.f_expand({"p": [dataset(7)]})
    env.run(lambda traj: traj.f_add_result("z", float(traj.p.V.sum())))
    traj = xpet.load_trajectory("study", store=tmp_path)
    found = traj.f_get("parameters.p").f_get_range()
    assert all(identical(a, b) for a, b in zip(found, [*points, dataset(7)], strict=True))
    xpet.open(tmp_path).load()


def test_label_takes_times():
    labelled = xpet.label(np.zeros(3), dims="t", coords={"t": DAYS})
    np.testing.assert_array_equal(labelled.labels.coords["t"].values, DAYS)
    with pytest.raises(ValueError, match="times down to nanoseconds"):
        xpet.label(np.zeros(1), dims="t", coords={"t": np.array([1], "m8[ps]")})
    with pytest.raises(ValueError, match="of the years 1678 to 2261"):
        xpet.label(np.zeros(1), dims="t", coords={"t": [dt.date(9999, 1, 1)]})


@pytest.mark.parametrize("unit", ["Y", "M", "W", "D", "h", "m"])
def test_label_takes_whole_days(unit: str):
    days = np.array(["2020-01-01", "2021-01-01", "NaT"], f"M8[{unit}]")
    given = xpet.label(np.zeros(3), dims="t", coords={"t": days}).labels.coords["t"].values
    assert given.dtype == "M8[s]"
    np.testing.assert_array_equal(given, days.astype("M8[s]"))


def test_parts_that_disagree_are_refused():
    with pytest.raises(UnsupportedValueError, match="2 and 3 values along 't'"):
        Encoded("wrong", (Part(np.zeros(2)), Part(np.zeros(3), "a", dims=("t",))), labels=Labels(("t",)))
    with pytest.raises(UnsupportedValueError, match="1 values along 'u', and its parts have no such dim"):
        Encoded("wrong", (Part(np.zeros(2)),), labels=Labels(("t",), {"u": Coord(np.zeros(1))}))
    with pytest.raises(UnsupportedValueError, match="has the dims"):
        Encoded("wrong", (Part(1.0), Part(2.0, "a", dims=("t",))))


READ_PLAIN = """
import sys, xarray as xr
results = xr.open_dataset(sys.argv[1], group="results", engine="zarr").load()
xr.open_datatree(sys.argv[1], engine="zarr").load()
print(sorted(map(str, results.coords)))
"""


def test_frozen(tmp_path: Path, plain_python: RunPlain):
    """What an earlier version wrote is read as it was given, and goes on with what the codecs make now."""
    shutil.unpack_archive(ARCHIVE, tmp_path, filter="data")
    store = tmp_path / "labels.zarr"
    coords = plain_python(READ_PLAIN, store / "labels")
    traj = xpet.load_trajectory("labels", store=store)
    for name, (make, _, _) in SHOWN.items():
        leaf = segment(name)
        for k in range(3):
            assert identical(traj.f_get(f"results.runs.run_{k:08d}.{leaf}").f_get(), make(k)), name
        assert identical(traj.f_get(f"parameters.{leaf}").f_get(), make(1)), name
    traj.f_expand({"i": [3]})
    xpet.Environment(traj).run(add_all)
    for name, (make, _, _) in SHOWN.items():
        assert identical(traj.f_get(f"results.runs.run_00000003.{segment(name)}").f_get(), make(3)), name
    assert plain_python(READ_PLAIN, store / "labels") == coords


def test_frozen_chunks_that_wait(tmp_path: Path):
    shutil.unpack_archive(ARCHIVE, tmp_path, filter="data")
    store = tmp_path / "labels.zarr"
    traj = xpet.load_trajectory("waiting", store=store)
    assert not traj.f_is_completed(0)
    done = xpet.Environment(traj).run(lambda traj: traj.f_add_result("z", large(traj.i)), runs="missing")
    assert [run for run, _ in done] == [1]
    traj = xpet.load_trajectory("waiting", store=store)
    assert all(identical(traj.f_get(f"results.runs.run_{k:08d}.z").f_get(), large(k)) for k in (0, 1))
    assert not list(store.glob("waiting/_xpet/journal/chunk/*"))
