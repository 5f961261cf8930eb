"""The engine `xpet`, through xarray's front door."""

from __future__ import annotations

import pickle
import subprocess
import sys
from importlib.metadata import entry_points
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import xarray as xr
from fixtures_published import TEXT, Column, build, product
from zarr.storage import FsspecStore, LocalStore

from xpet.backend import XpetBackendEntrypoint
from xpet.errors import DataNotInStorageError, ForeignStoreError

if TYPE_CHECKING:
    from conftest import StoreAt

INSTALLED = any(point.name == "xpet" for point in entry_points(group="xarray.backends"))
ENGINES = [
    pytest.param(XpetBackendEntrypoint, id="class"),
    pytest.param(
        "xpet", id="name", marks=pytest.mark.skipif(not INSTALLED, reason="xpet is not installed, only on the path")
    ),
]
POINTS = product(x=[1.0, 2.0, 3.0, 4.0], y=[6.0, 7.0, 8.0])
Z = np.multiply(POINTS["x"], POINTS["y"])


@pytest.fixture
def local(tmp_path: Path) -> Path:
    """A store with the trajectory `Multiplication`."""
    groups = {
        "": {"z": Column(Z, ("run",), {"units": "mV"}), "note": Column(np.array(["a"] * 12, TEXT), ("run",))},
        "neuron": {
            "V": Column(np.zeros((12, 2)), ("run", "time")),
            "time": Column([0.0, 1.0], ("time",), {"units": "ms"}),
        },
    }
    path = tmp_path / "s.zarr"
    build(str(path), "Multiplication", POINTS, groups, axes=[("x", 4), ("y", 3)], constants={"k": 42})
    return path


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("below", ["", "Multiplication"])
def test_open_dataset(local: Path, engine: Any, below: str) -> None:
    with xr.open_dataset(local / below, engine=engine) as ds:
        assert ds.z.sel(x=2.0, y=7.0) == 14.0
        assert ds.encoding["source"] == str(local / "Multiplication")
    with xr.open_dataset(str(local / below), engine=engine, view="flat", trajectory="Multiplication") as ds:
        assert ds.z.dims == ("run",)


@pytest.mark.skipif(not INSTALLED, reason="xpet is not installed, only on the path")
def test_the_engine_is_guessed(local: Path) -> None:
    with xr.open_dataset(local) as ds:
        assert ds.z.dims == ("x", "y")


def test_xarray_options(local: Path) -> None:
    open_it: Any = xr.open_dataset
    assert "z" not in open_it(local, engine=XpetBackendEntrypoint, drop_variables="z")
    assert "x" not in open_it(local, engine=XpetBackendEntrypoint, drop_variables=["x"]).coords
    bare = open_it(local, engine=XpetBackendEntrypoint, create_default_indexes=False)
    assert "time" not in bare.xindexes
    assert open_it(LocalStore(local, read_only=True), engine=XpetBackendEntrypoint).z.sel(x=4.0, y=8.0) == 32.0


@pytest.mark.parametrize("option", [{"veiw": "flat"}, {"decode_times": False}, {"mask_and_scale": False}], ids=str)
@pytest.mark.parametrize("function", [xr.open_dataset, xr.open_datatree, xr.open_groups])
def test_an_option_that_it_does_not_have_is_refused(local: Path, function: Any, option: dict[str, Any]) -> None:
    with pytest.raises(TypeError, match=next(iter(option))):
        function(local, engine=XpetBackendEntrypoint, **option)


def test_chunks(local: Path) -> None:
    pytest.importorskip("dask", reason="dask is not installed")
    ds = xr.open_dataset(local, engine=XpetBackendEntrypoint, chunks={"x": 2})
    assert ds.z.chunks == ((2, 2), (3,))
    np.testing.assert_array_equal(ds.z, np.reshape(Z, (4, 3)))


@pytest.mark.parametrize("engine", ENGINES)
def test_open_datatree(local: Path, engine: Any) -> None:
    tree = xr.open_datatree(local, engine=engine)
    assert {node.path for node in tree.subtree} == {"/", "/parameters", "/results", "/results/neuron", "/runs"}
    assert tree["results/z"].dims == ("x", "y")
    assert tree["results/neuron/V"].dims == ("x", "y", "time")
    assert tree["runs/run_status"].dims == ("run",)
    assert tree["parameters/k"].item() == 42
    assert tree.attrs == {"title": "Multiplication", "how_to_open": "xarray.open_dataset(…)"}
    assert not [node.path for node in tree.subtree for item in node.variables.values() if "xpet" in item.attrs]
    assert "xpet" not in tree["results"].attrs
    np.testing.assert_array_equal(tree["results/z"], np.reshape(Z, (4, 3)))


def test_open_groups(local: Path) -> None:
    groups = xr.open_groups(local, engine=XpetBackendEntrypoint, view="flat", drop_variables="note")
    assert groups["/results"].z.dims == ("run",)
    assert "note" not in groups["/results"]


@pytest.mark.parametrize("engine", ENGINES)
def test_foreign(tmp_path: Path, engine: Any) -> None:
    xr.Dataset({"a": ("x", [1])}).to_zarr(tmp_path / "foreign.zarr", consolidated=False)
    with pytest.raises(ForeignStoreError):
        xr.open_dataset(tmp_path / "foreign.zarr", engine=engine)


def test_claims_only_what_is_ours(local: Path, tmp_path: Path) -> None:
    engine = XpetBackendEntrypoint()
    xr.Dataset({"xpet": ("x", [1])}, attrs={"title": "xpet"}).to_zarr(tmp_path / "foreign.zarr", consolidated=False)
    (tmp_path / "file.nc").write_bytes(b"CDF")
    (tmp_path / "broken").mkdir()
    (tmp_path / "broken" / "zarr.json").write_bytes(b'\xff"xpet"')
    assert engine.guess_can_open(local)
    assert engine.guess_can_open(str(local / "Multiplication"))
    others = [tmp_path / "foreign.zarr", tmp_path / "file.nc", tmp_path / "broken", tmp_path, tmp_path / "nothing"]
    for other in (*others, "s3://bucket/xpet", b"xpet", LocalStore(local), local / "Multiplication" / "results"):
        assert not engine.guess_can_open(other), other


def test_the_module_imports_only_xarray() -> None:
    code = (
        "import sys, xarray; before = set(sys.modules); import xpet.backend; print(*sorted(set(sys.modules) - before))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    new = done.stdout.split()
    assert {name for name in new if not name.startswith("_")} <= {"xpet", "xpet.backend"}


def test_every_kind_of_place(store: StoreAt) -> None:
    options = dict(store.storage_options)
    held: Any = FsspecStore.from_url(store.url, storage_options=options) if "://" in store.url else store.url
    build(held, "Multiplication", POINTS, {"": {"z": Column(Z, ("run",))}}, axes=[("x", 4), ("y", 3)])
    for url in (store.url, f"{store.url}/Multiplication"):
        ds = xr.open_dataset(url, engine=XpetBackendEntrypoint, storage_options=options or None)
        assert ds.z.sel(x=2.0, y=7.0) == 14.0
        assert pickle.loads(pickle.dumps(ds)).identical(ds)
    with pytest.raises(DataNotInStorageError, match=r"'other'.*'Multiplication'"):
        xr.open_dataset(store.url, engine=XpetBackendEntrypoint, trajectory="other", storage_options=options)
