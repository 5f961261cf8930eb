"""What is under a URL is found, or named."""

from __future__ import annotations

import inspect
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import fsspec
import numpy as np
import pytest
import xarray as xr
import zarr
from fixtures_published import Column, CountingStore, build, mark
from zarr.core.group import GroupMetadata
from zarr.storage import LocalStore, MemoryStore

from xpet.errors import CorruptStoreError, DataNotInStorageError, ForeignStoreError, StoreError, VersionMismatchError
from xpet.table.locate import locate

Z = {"": {"z": Column([1.0, 2.0], ("run",))}}


def make(store: Any, *names: str, **kwargs: Any) -> None:
    """A store with small trajectories."""
    for name in names:
        build(store, name, {"x": [1.0, 2.0]}, Z, **kwargs)


@pytest.mark.parametrize("as_path", [str, Path, lambda path: f"file://{path}", lambda path: f"{path}/"])
def test_store_and_trajectory(tmp_path: Path, as_path: Any) -> None:
    make(str(tmp_path / "s.zarr"), "study")
    for located in (
        locate(as_path(tmp_path / "s.zarr")),
        locate(as_path(tmp_path / "s.zarr"), trajectory="study"),
        locate(as_path(tmp_path / "s.zarr" / "study")),
        locate(as_path(tmp_path / "s.zarr" / "study"), trajectory="study"),
    ):
        assert located.meta.name == "study"
        assert located.explored == ("x",)
        assert located.url == str(tmp_path / "s.zarr" / "study")


def test_memory_and_store_objects() -> None:
    url = "memory://test-locate/s.zarr"
    make(url, "study")
    try:
        assert locate(url).url == f"{url}/study"
        assert locate(f"{url}/study").meta.n_runs == 2
    finally:
        fsspec.filesystem("memory").rm("/test-locate", recursive=True)
    store = MemoryStore()
    make(store, "study")
    assert locate(store).meta.name == "study"


def test_requests(tmp_path: Path) -> None:
    make(str(tmp_path / "s.zarr"), "study")
    store = CountingStore(LocalStore(tmp_path / "s.zarr", read_only=True))
    locate(store, trajectory="study")
    assert store.taken() == ["study/zarr.json"]
    locate(store)
    assert store.taken() == ["list ", "study/zarr.json", "zarr.json"]
    inner = CountingStore(LocalStore(tmp_path / "s.zarr" / "study", read_only=True))
    locate(inner)
    assert inner.taken() == ["zarr.json"]


def test_several_trajectories(tmp_path: Path) -> None:
    make(str(tmp_path), "b", "a")
    (tmp_path / "notes.txt").write_text("not ours")
    (tmp_path / "other").mkdir()
    with pytest.raises(ValueError, match=r"2 trajectories \('a', 'b'\).*trajectory='a'"):
        locate(tmp_path)
    assert locate(tmp_path, trajectory="b").meta.name == "b"
    with pytest.raises(DataNotInStorageError, match=r"no trajectory 'c'; it holds 'a', 'b'"):
        locate(tmp_path, trajectory="c")
    with pytest.raises(DataNotInStorageError, match=r"no trajectory 'c'; it holds 'a'"):
        locate(tmp_path / "a", trajectory="c")


def test_one_trajectory_beside_foreign_things(tmp_path: Path) -> None:
    make(str(tmp_path), "a")
    (tmp_path / "notes.txt").write_text("not ours")
    zarr.create_group(str(tmp_path / "other"), zarr_format=3)
    assert locate(tmp_path).meta.name == "a"


def test_an_empty_store(tmp_path: Path) -> None:
    zarr.create_group(str(tmp_path), zarr_format=3, attributes={"xpet": json.dumps({"format": "1.0"})})
    with pytest.raises(StoreError, match="holds no trajectory yet"):
        locate(tmp_path)
    with pytest.raises(DataNotInStorageError, match=r"no trajectory 'a'; it holds none"):
        locate(tmp_path, trajectory="a")


def foreign_dataset(path: Path) -> None:
    xr.Dataset({"a": ("x", np.arange(3))}).to_zarr(path, consolidated=False)


def foreign_array(path: Path) -> None:
    zarr.create_array(str(path), shape=(3,), dtype="i4", zarr_format=3)


def foreign_file(path: Path) -> None:
    path.write_text("CDF")


def foreign_folder(path: Path) -> None:
    path.mkdir()
    (path / "a").write_text("b")


def foreign_zarr_2(path: Path) -> None:
    zarr.create_group(str(path), zarr_format=2)


def foreign_mark(path: Path) -> None:
    zarr.create_group(str(path), zarr_format=3, attributes={"xpet": "a person's name"})


def test_a_damaged_document(tmp_path: Path) -> None:
    (tmp_path / "zarr.json").write_text("{")
    with pytest.raises(CorruptStoreError, match=r"zarr\.json: not JSON"):
        locate(tmp_path)


FOREIGN = [foreign_dataset, foreign_array, foreign_file, foreign_folder, foreign_zarr_2, foreign_mark]


@pytest.mark.parametrize("make_it", FOREIGN, ids=lambda make_it: make_it.__name__)
@pytest.mark.parametrize("trajectory", [None, "t"])
def test_foreign(tmp_path: Path, make_it: Any, trajectory: str | None) -> None:
    make_it(tmp_path / "s.zarr")
    with pytest.raises(ForeignStoreError, match=r"s\.zarr was expected to be a trajectory or a store"):
        locate(tmp_path / "s.zarr", trajectory=trajectory)


@pytest.mark.parametrize("url", ["memory://test-nothing/s.zarr", "{}/s.zarr"])
@pytest.mark.parametrize("trajectory", [None, "t"])
def test_missing(tmp_path: Path, url: str, trajectory: str | None) -> None:
    with pytest.raises(FileNotFoundError, match="There is no store and no trajectory at"):
        locate(url.format(tmp_path), trajectory=trajectory)


def test_unknown_protocol() -> None:
    with pytest.raises(StoreError, match="nosuch://"):
        locate("nosuch://bucket/s.zarr")


@pytest.mark.parametrize(
    ("entries", "readable"),
    [
        pytest.param({"format": "1.7", "min_reader": "1.0", "new": [1]}, True, id="newer-minor"),
        pytest.param({"format": "1.7", "min_reader": "1.2"}, False, id="needs-newer-minor"),
        pytest.param({"format": "2.0", "min_reader": "2.0"}, False, id="newer-major"),
        pytest.param({"format": "2.0", "min_reader": "1.0"}, False, id="newer-major-says-readable"),
    ],
)
@pytest.mark.parametrize("trajectory", [None, "study"])
def test_versions(tmp_path: Path, entries: dict[str, Any], readable: bool, trajectory: str | None) -> None:
    space: dict[str, Any] = {"kind": "list", "axes": [], "coordinates": [{"parameter": "parameters.x", "name": "x"}]}
    own = mark(name="study", generation=1, n_runs=2, complete="", space=space, **entries)
    make(str(tmp_path), "study", root={"xpet": own})
    if readable:
        assert locate(tmp_path, trajectory=trajectory).meta.format == "1.7"
        return
    with pytest.raises(VersionMismatchError, match=rf"{entries['format']}.*{entries['min_reader']}.*1\.0"):
        locate(tmp_path, trajectory=trajectory)


def test_a_whole_store_is_not_called_damaged_where_asserts_are_left_out(tmp_path: Path) -> None:
    # zarr issue 4362
    store = str(tmp_path / "s.zarr")
    make(store, "study")
    code = f"from xpet.table.locate import locate; print(locate({store!r}).meta.name)"
    done = subprocess.run([sys.executable, "-O", "-B", "-c", code], capture_output=True, text=True, timeout=60)
    last = (done.stdout + done.stderr).splitlines()[-1]
    if "assert data.pop" in inspect.getsource(GroupMetadata.from_dict):
        assert last.startswith("xpet.errors.StoreError")
        assert "cannot read under `python -O`" in last
        assert "overwrite" not in last
    else:
        assert last == "study"
