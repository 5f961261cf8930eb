"""Every kind of column in every view: arrays of texts and times, ragged ones, what is stored once for all runs."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import xarray as xr
from fixtures_columns import NAME, do, group, leaf, memory, start, to_netcdf

import xpet
from xpet.backend import XpetBackendEntrypoint
from xpet.store.place import Place
from xpet.table.dataset import open_results

BIG = np.arange(20_000.0).reshape(100, 200)
N = 4
DAYS = np.array(["2020-01-01", "2020-01-02", "2020-01-03", "2020-01-04"], "M8[s]")


def left(run: int) -> list[Any]:
    return [
        leaf("results.runs.$.texts", np.array(["a", f"b{run}"], object)),
        leaf("results.runs.$.times", DAYS[[0, run]]),
        leaf("results.runs.$.time", DAYS[run]),
        leaf("results.runs.$.spans", np.array([run, 2], "m8[s]")),
        leaf("results.runs.$.some_texts", np.array(["z"] * run, object)),
        leaf("results.runs.$.some_times", DAYS[:run]),
        leaf("results.sub.$.big", BIG),
        leaf("results.sub.$.bools", np.arange(70_000) % 3 == 0),
        leaf("results.sub.$.many", np.arange(70_000).astype("M8[s]")),
    ]


@pytest.fixture(scope="module", params=[N, N - 1], ids=["all runs", "a run is missing"])
def place(request: pytest.FixtureRequest) -> Place:
    place = memory()
    with start(place, {"x": [1.0, 1.0, 2.0, 2.0], "y": [1, 2, 1, 2]}) as writer:
        do(place, writer, {run: left(run) for run in range(request.param)})
        writer.fold()
    return place


@pytest.fixture(autouse=True)
def _strict() -> Any:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        yield


def check(ds: xr.Dataset, first: dict[str, Any]) -> None:
    """Look at the first three runs; ``first`` selects the one with the number 1."""
    run = ds.isel(first)
    assert run.texts.values.tolist() == ["a", "b1"]
    np.testing.assert_array_equal(run.times.values, DAYS[[0, 1]])
    assert run.time.values == DAYS[1]
    np.testing.assert_array_equal(run.spans.values, np.array([1, 2], "m8[s]"))
    assert run.some_texts.values[:1].tolist() == ["z"]
    assert run.some_times.values[0] == DAYS[0]
    np.testing.assert_array_equal(ds["sub.big"].values, BIG)
    np.testing.assert_array_equal(ds["sub.bools"].values, np.arange(70_000) % 3 == 0)
    assert ds["sub.bools"].dtype == bool
    np.testing.assert_array_equal(ds["sub.many"].values, np.arange(70_000).astype("M8[s]"))


VIEWS = [("flat", {"run": 1}), ("grid", {"x": 0, "y": 1})]


@pytest.mark.parametrize(("view", "first"), VIEWS)
@pytest.mark.parametrize("through", ["lazy", "loaded", "netcdf", "dask"])
def test_every_kind(place: Place, view: Any, first: dict[str, Any], through: str):
    if through == "dask":
        pytest.importorskip("dask", reason="dask is not installed")
    ds = open_results(place.below(NAME).url, view=view)
    check({"lazy": lambda: ds, "loaded": ds.load, "netcdf": lambda: to_netcdf(ds), "dask": ds.chunk}[through](), first)


@pytest.mark.parametrize(("view", "first"), VIEWS)
def test_in_a_tree(place: Place, view: Any, first: dict[str, Any]):
    groups = XpetBackendEntrypoint().open_groups_as_dict(place.below(NAME).url, view=view)
    sub = groups["/results/sub"][["big", "bools", "many"]].rename(big="sub.big", bools="sub.bools", many="sub.many")
    check(groups["/results"].merge(sub), first)


def test_of_some_runs(place: Place):
    flat = open_results(place.below(NAME).url, view="flat")
    assert flat.isel(run=[2, 0]).texts.values.tolist() == [["a", "b2"], ["a", "b0"]]
    np.testing.assert_array_equal(flat.sel(run=slice(1, 2)).times.values, DAYS[[[0, 1], [0, 2]]])
    grid = open_results(place.below(NAME).url, view="grid")
    assert grid.texts.sel(x=2.0, y=1).values.tolist() == ["a", "b2"]
    np.testing.assert_array_equal(grid.time.sel(x=[2.0, 1.0], y=1).values, DAYS[[2, 0]])
    check(open_results(place.below(NAME).url, view="flat", runs=2), {"run": 1})


@pytest.mark.parametrize("path", ["results", "results/sub"])
def test_plain_tools(place: Place, path: str):
    to_netcdf(group(place, path))


BEYOND = 2**53 + 1


@pytest.mark.parametrize("complete", [False, True], ids=["some lack it", "all have it"])
@pytest.mark.parametrize("name", ["n", "k", "u", "a"])
def test_integers_beyond_what_floats_hold(name: str, complete: bool, tmp_path: Path) -> None:
    values = {
        "n": BEYOND,
        "k": np.int64(-BEYOND),
        "u": np.uint64(2**64 - 3),
        "a": np.array([BEYOND, BEYOND + 2]),
    }

    def job(x: float) -> dict[str, Any]:
        return {name: values[name]} if complete or x > 1 else {"other": 1.0}

    with warnings.catch_warnings():
        warnings.simplefilter("error")
        ds = xpet.sweep(job, {"x": [1.0, 2.0]}, tmp_path / "s.zarr", name="big")
        traj = xpet.load_trajectory("big", store=tmp_path / "s.zarr")
    for found in (traj.r_1[name], traj.f_get_from_runs(name, fast_access=True, use_indices=True)[1]):
        assert type(found) is type(values[name])
        assert np.array_equal(found, values[name])
    for each in (ds, xpet.open(tmp_path / "s.zarr", view="flat"), traj.f_dataset()):
        if complete:
            assert each[name].dtype.kind in "iu"
            assert np.array_equal(each[name].values[1], values[name])
        else:
            with pytest.warns(UserWarning, match=rf"results/{name}: integers of 9007199254740992 .* rounded"):
                assert np.isnan(each[name].values[0]).all()
