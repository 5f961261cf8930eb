"""A published store becomes one lazy Dataset, with few requests."""

from __future__ import annotations

import pickle
import time
import tracemalloc
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import xarray as xr
import zarr
from fixtures_published import COMPLETE, FAILED, NEW, TEXT, Column, CountingStore, build, product
from zarr.storage import LocalStore

from xpet.errors import CorruptStoreError
from xpet.table.dataset import open_results

X, Y = [1.0, 2.0, 3.0, 4.0], [6.0, 7.0, 8.0]
POINTS = product(x=X, y=Y)
N = len(POINTS["x"])
TIME = Column(np.linspace(0.0, 1.0, 5), ("time",), {"units": "ms", "long_name": "time"})


def column(values: Any, *dims: str, **attrs: Any) -> Column:
    """A column whose chunks hold one run each."""
    return Column(values, ("run", *dims), attrs, chunks=(1, *np.shape(values)[1:]))


def everything() -> dict[str, dict[str, Column]]:
    """Columns of every layout, in nested groups."""
    z = np.multiply(POINTS["x"], POINTS["y"])
    spikes = np.full((N, 3), np.nan)
    spikes[:, :2] = 0.5
    return {
        "": {
            "z": column(z, comment="I am the product of two values!", units="mV"),
            "V": column(np.arange(N * 5.0).reshape(N, 5), "time"),
            "time": TIME,
            "spikes": column(spikes, "spikes.d0"),
            "spikes.len": column(np.full(N, 2, "i4")),
            "label": column(np.array([f"r{k} ä" for k in range(N)], TEXT)),
            "odd": column(np.arange(N) % 2, dtype="bool"),
            "when": column(np.arange(N), units="days since 2020-01-01", calendar="proleptic_gregorian"),
            "took": column(np.arange(N) * 1.0, units="s"),
            "total": Column(np.int64(7), ()),
        },
        "neuron": {"V": column(np.arange(N * 5.0).reshape(N, 5), "time"), "time": TIME},
        "neuron/soma/deep": {"v": column(z)},
    }


@pytest.fixture
def store(tmp_path: Path) -> CountingStore:
    """A store with one trajectory, `Multiplication`, of 4 by 3 complete runs."""
    constants = {"k": 42, "name": "a"}
    attrs = {"x": {"units": "nA", "long_name": "current"}}
    build(
        str(tmp_path / "s.zarr"), "Multiplication", POINTS, everything(),
        axes=[("x", 4), ("y", 3)], constants=constants, axis_attrs=attrs,
    )  # fmt: skip
    return CountingStore(LocalStore(tmp_path / "s.zarr", read_only=True))


def open_counted(store: CountingStore, **kwargs: Any) -> xr.Dataset:
    """Open and forget the requests of it."""
    dataset = open_results(store, trajectory="Multiplication", **kwargs)
    store.taken()
    return dataset


def test_grid_view(store: CountingStore) -> None:
    ds = open_results(store, trajectory="Multiplication")
    assert dict(ds.sizes) == {"x": 4, "y": 3, "time": 5, "spikes.d0": 3}
    assert set(ds.coords) == {"x", "y", "run", "run_status", "time"}
    assert set(ds.xindexes) == {"x", "y", "time"}
    names = {
        "z",
        "V",
        "spikes",
        "spikes.len",
        "label",
        "odd",
        "when",
        "took",
        "total",
        "neuron.V",
        "neuron.soma.deep.v",
    }
    assert set(ds.data_vars) == names
    assert ds.x.attrs == {"units": "nA", "long_name": "current"}
    assert ds.z.attrs == {"comment": "I am the product of two values!", "units": "mV"}
    assert ds.attrs == {"k": 42, "name": "a"}
    np.testing.assert_array_equal(ds.z, np.outer(X, Y))
    np.testing.assert_array_equal(ds.run, np.arange(N).reshape(4, 3))
    assert ds.odd.dtype == bool
    assert ds.when.dtype.kind == "M"
    assert ds.took.dtype == np.float64
    assert ds.label.sel(x=2.0, y=6.0).item() == "r3 ä"
    assert ds["neuron.V"].dims == ("x", "y", "time")


def test_flat_view(store: CountingStore) -> None:
    ds = open_results(store, trajectory="Multiplication", view="flat")
    assert ds.z.dims == ("run",)
    assert set(ds.coords) == {"run", "x", "y", "run_status", "time"}
    assert set(ds.xindexes) == {"run", "time"}
    np.testing.assert_array_equal(ds.run, np.arange(N))
    np.testing.assert_array_equal(ds.x * ds.y, ds.z)
    assert ds.sel(run=4).x == 2.0


def test_requests(store: CountingStore) -> None:
    document = "Multiplication/zarr.json"
    # xarray looks at the first and the last of a column of times to see how wide they must be.
    looked_at = [f"Multiplication/results/{chunk}" for chunk in ("time/c/0", "when/c/0", "when/c/11")]
    open_results(store, trajectory="Multiplication", view="flat")
    assert store.taken() == [*looked_at, document]
    ds = open_results(store, trajectory="Multiplication")
    axes = [f"Multiplication/results/{axis}/c/{k}" for axis in "xy" for k in range(3)]
    assert store.taken() == sorted([*looked_at, *axes, document])
    _ = repr(ds), ds._repr_html_(), ds.nbytes, ds.z.sel(x=2.0), ds.run.values
    assert store.taken() == []


@pytest.mark.parametrize(
    ("take", "runs"),
    [
        pytest.param(lambda ds: ds.z.sel(x=2.0, y=7.0), [4], id="cell"),
        pytest.param(lambda ds: ds.z.sel(y=8.0), [2, 5, 8, 11], id="line"),
        pytest.param(lambda ds: ds.z.sel(x=[4.0, 1.0], y=slice(6.5, None)), [1, 2, 10, 11], id="outer"),
        pytest.param(lambda ds: ds.z.isel(x=slice(None, None, -1), y=0), [0, 3, 6, 9], id="backwards"),
        pytest.param(lambda ds: ds.z.isel(x=[]), [], id="nothing"),
    ],
)
def test_reads_only_what_it_needs(store: CountingStore, take: Any, runs: list[int]) -> None:
    ds = open_counted(store)
    values = take(ds).values
    assert store.taken() == sorted(f"Multiplication/results/z/c/{run}" for run in runs)
    np.testing.assert_array_equal(values, take(ds.load()).values)


def test_a_loaded_variable_is_kept(store: CountingStore) -> None:
    ds = open_counted(store)
    _ = ds.z.values
    assert len(store.taken()) == N
    _ = ds.z.values
    ds.z[0, 0] = -1.0
    assert store.taken() == []
    assert open_results(store, trajectory="Multiplication").z[0, 0] == 6.0


@pytest.mark.parametrize("view", ["grid", "flat"])
def test_copies_and_pickles(tmp_path: Path, store: CountingStore, view: Any) -> None:
    ds = open_results(tmp_path / "s.zarr" / "Multiplication", view=view)
    again = pickle.loads(pickle.dumps(ds))
    assert "..." in repr(again)
    xr.testing.assert_identical(again.load(), ds.copy(deep=True).load())


@pytest.mark.parametrize("view", ["grid", "flat"])
def test_to_netcdf_and_zarr(tmp_path: Path, store: CountingStore, view: Any) -> None:
    ds = open_results(store, trajectory="Multiplication", view=view)
    ds.to_netcdf(tmp_path / "copy.nc")
    ds.to_zarr(tmp_path / "copy.zarr", consolidated=False)
    ds.load()
    with xr.open_dataset(tmp_path / "copy.nc") as copy:
        xr.testing.assert_equal(copy.drop_vars("label"), ds.drop_vars("label"))
        np.testing.assert_array_equal(copy.label.values.astype(object), ds.label.values.astype(object))
        assert copy.z.attrs["units"] == "mV"
    with xr.open_dataset(tmp_path / "copy.zarr", engine="zarr", consolidated=False) as copy:
        xr.testing.assert_equal(copy, ds)


@pytest.mark.parametrize("view", ["grid", "flat"])
def test_half_finished(tmp_path: Path, view: Any) -> None:
    status = [COMPLETE, FAILED, NEW, COMPLETE]
    points = product(x=[1, 2], y=[1, 2])
    columns = {
        "n": Column([5, -1, -1, 8], ("run",), {"_FillValue": -1}),
        "b": Column(np.array([1, -1, -1, 0], "i1"), ("run",), {"_FillValue": -1}),
        "f": Column([0.5, np.nan, np.nan, np.nan], ("run",)),
        "t": Column(np.array(["a", "", "", ""], TEXT), ("run",)),
        "z.which": Column(np.array([0, 255, 255, 1], "u1"), ("run",)),
    }
    build(str(tmp_path / "s.zarr"), "t", points, {"": columns}, status=status, axes=[("x", 2), ("y", 2)])
    ds = open_results(tmp_path / "s.zarr", view=view)
    np.testing.assert_array_equal(np.ravel(ds.n), [5, np.nan, np.nan, 8])
    np.testing.assert_array_equal(np.ravel(ds.b), [1, np.nan, np.nan, 0])
    np.testing.assert_array_equal(np.ravel(ds.run_status), status)
    np.testing.assert_array_equal(np.ravel(ds["z.which"]), [0, 255, 255, 1])
    assert ds.run_status.dtype == np.uint8
    assert ds.n.where(ds.run_status == COMPLETE).sum() == 13
    ds.to_netcdf(tmp_path / "half.nc")


def test_any_run_order(tmp_path: Path) -> None:
    order = np.random.default_rng(0).permutation(N)
    points = {name: np.array(values)[order] for name, values in POINTS.items()}
    build(str(tmp_path / "s.zarr"), "t", points, {"": {"z": column(points["x"] * points["y"])}})
    ds = open_results(tmp_path / "s.zarr", view="grid")
    np.testing.assert_array_equal(ds.z, np.outer(ds.x, ds.y))
    assert ds.x.values.tolist() == sorted(set(points["x"].tolist()))
    assert ds.sel(x=2.0, y=7.0).z == 14.0


@pytest.mark.parametrize(
    "points",
    [
        pytest.param({"x": [1.0, 2.0, 3.0], "y": [1.0, 2.0, 3.0]}, id="zipped"),
        pytest.param({"x": [1.0, 2.0, 2.0]}, id="duplicate"),
    ],
)
def test_no_product(tmp_path: Path, points: dict[str, list[float]]) -> None:
    build(str(tmp_path / "s.zarr"), "t", points, {"": {"z": Column([1.0, 2.0, 3.0], ("run",))}})
    ds = open_results(tmp_path / "s.zarr")
    assert dict(ds.sizes) == {"run": 3}
    assert ds.x.values.tolist() == points["x"]
    with pytest.raises(ValueError, match=r"cannot be viewed as a grid over x.*view='flat'"):
        open_results(tmp_path / "s.zarr", view="grid")


def test_text_and_odd_axes(tmp_path: Path) -> None:
    points = product(model=["b", "ä", "a"], gain=[np.nan, 0.1, np.inf], on=[True, False])
    points["half"] = np.ones(18, "f2")
    build(str(tmp_path / "s.zarr"), "t", points, {"": {"z": Column(np.arange(18), ("run",))}})
    ds = open_results(tmp_path / "s.zarr")
    assert dict(ds.sizes) == {"model": 3, "gain": 3, "on": 2, "half": 1}
    assert ds.z.sel(model="ä", gain=0.1, on=False).item() == 9
    assert ds.model.values.tolist() == ["b", "ä", "a"]
    assert ds.z.sel(gain=np.nan, model="a").values.ravel().tolist() == [12, 13]
    ds.to_netcdf(tmp_path / "odd.nc", engine="netcdf4")


def test_nothing_stored_yet(tmp_path: Path) -> None:
    status = [NEW] * N
    build(str(tmp_path / "s.zarr"), "t", POINTS, status=status, bare=True)
    ds = open_results(tmp_path / "s.zarr")
    assert dict(ds.sizes) == {"x": 4, "y": 3}
    assert not ds.data_vars
    assert not ds.run_status.any()
    assert open_results(tmp_path / "s.zarr", view="flat").x.dims == ("run",)


@pytest.mark.parametrize("view", [None, "grid", "flat"])
def test_nothing_explored(tmp_path: Path, view: Any) -> None:
    build(str(tmp_path / "s.zarr"), "t", {}, {"": {"z": Column([4.0], ("run",))}})
    ds = open_results(tmp_path / "s.zarr", view=view)
    assert ds.z.dims == ("run",)
    assert ds.z.values.tolist() == [4.0]


def test_array_valued_parameters_are_no_axes(tmp_path: Path) -> None:
    build(str(tmp_path / "s.zarr"), "t", {"x": [1.0, 2.0]}, {})
    group = zarr.open_group(str(tmp_path / "s.zarr" / "t" / "results"), mode="a", use_consolidated=False)
    del group["x"]
    from fixtures_published import publish, write

    write(group, "x", Column(np.eye(2), ("run", "x.d0")), 4)
    publish(str(tmp_path / "s.zarr"), "t")
    assert open_results(tmp_path / "s.zarr").x.dims == ("run", "x.d0")
    with pytest.raises(ValueError, match="one number or text per run"):
        open_results(tmp_path / "s.zarr", view="grid")


def test_a_wrong_view_is_named(store: CountingStore) -> None:
    with pytest.raises(ValueError, match="view='cube' is not a view"):
        open_results(store, trajectory="Multiplication", view="cube")  # type: ignore[arg-type]


def test_a_missing_group_is_named(tmp_path: Path) -> None:
    build(str(tmp_path / "s.zarr"), "t", POINTS, {})
    del zarr.open_group(str(tmp_path / "s.zarr" / "t"), mode="a", use_consolidated=False)["results"]
    from fixtures_published import publish

    publish(str(tmp_path / "s.zarr"), "t")
    with pytest.raises(CorruptStoreError, match="has no group 'results'"):
        open_results(tmp_path / "s.zarr")


@pytest.mark.slow
def test_a_million_runs(tmp_path: Path) -> None:
    n = 1000
    x, y = (a.ravel() for a in np.meshgrid(np.linspace(0, 1, n), np.arange(n), indexing="ij"))
    build(
        str(tmp_path / "s.zarr"), "t", {"x": x, "y": y}, {"": {"z": Column(x * y, ("run",))}},
        axes=[("x", n), ("y", n)], chunk=65536,
    )  # fmt: skip
    tracemalloc.start()
    began = time.perf_counter()
    ds = open_results(tmp_path / "s.zarr" / "t")
    cell = float(ds.z.sel(x=1.0, y=999))
    took = time.perf_counter() - began
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert cell == 999.0
    assert took < 10
    assert peak < 4 * (x.nbytes + y.nbytes)
