"""A value of every codec, as an earlier version wrote it, stays readable by xpet and plain xarray, and for going on."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from fixtures_frozen import (
    ABSENT,
    NOT_EXPLORED,
    PICKLED,
    RUNS,
    STORES,
    VALUES,
    Cell,
    CellCodec,
    load,
    same,
    segment,
    wrong_values,
)
from fixtures_plain import RunPlain

import xpet
from xpet.values import Opaque, registry

DATA = Path(__file__).parent / "data"
ARCHIVES = {name: DATA / f"frozen-0.1-{name}.tar.xz" for name in STORES}


@pytest.fixture(scope="module", params=STORES)
def frozen(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A frozen store, to be read only; it has the name of the trajectory in it."""
    store = tmp_path_factory.mktemp("read") / f"{request.param}.zarr"
    shutil.unpack_archive(ARCHIVES[request.param], store, filter="data")
    return store


@pytest.fixture
def registered() -> Iterator[None]:
    with registry.codecs_apart():
        xpet.register_codec(CellCodec(), Cell)
        if "brian2" not in ABSENT:
            VALUES["brian2"](0)  # imports it, with the warnings of others that come with that
        yield


@pytest.mark.parametrize("archive", ARCHIVES.values(), ids=ARCHIVES)
def test_it_is_small(archive: Path):
    assert archive.stat().st_size < 300_000


def encodings(node: Any) -> Iterator[str]:
    """The names of all encodings that a document speaks of."""
    if isinstance(node, dict):
        if isinstance(node.get("codec"), str):
            yield node["codec"]
        for key, each in node.items():
            yield from encodings(json.loads(each) if key == "xpet" and each[:1] == "{" else each)
    elif isinstance(node, list):
        for each in node:
            yield from encodings(each)


def test_every_codec_is_in_a_frozen_store(tmp_path: Path):
    found: set[str] = set()
    for archive in DATA.glob("frozen-*"):
        safely = {} if archive.suffix == ".zip" else {"filter": "data"}
        shutil.unpack_archive(archive, tmp_path / archive.name, **safely)
        for document in (tmp_path / archive.name).rglob("zarr.json"):
            found |= set(encodings(json.loads(document.read_text(encoding="utf-8"))))
    missing = {name for name in registry._BY_NAME if registry.is_built_in(name)} - found
    assert not missing, "write a new frozen store, with values of these, and keep those that there are"


@pytest.mark.usefixtures("registered")
def test_every_value_comes_back(frozen: Path):
    assert wrong_values(load(frozen, frozen.stem), STORES[frozen.stem]) == []


@pytest.mark.parametrize("frozen", ["values"], indirect=True)
def test_what_nobody_knows_or_trusts_is_a_record(frozen: Path):
    traj = xpet.load_trajectory("values", filename=frozen)
    assert isinstance(traj.f_get("parameters.p.frozen_Cell").f_get(), Opaque)
    assert isinstance(traj.f_get("results.runs.r_1.frozen_Cell").f_get(), Opaque)
    assert not isinstance(traj.f_get("results.runs.r_1.pickle").f_get(), slice)


PLAIN = """
import sys
import numpy as np
import xarray as xr

where = sys.argv[1]
for node in xr.open_datatree(where, engine="zarr").subtree:
    node.to_dataset().load()
runs = xr.open_dataset(where, group="runs", engine="zarr")
results = xr.open_dataset(where, group="results", engine="zarr").load()
if not where.endswith("values"):
    sys.exit(print("read"))
for name in ("datetime", "pandas_Timestamp", "date"):
    assert runs["x." + name].dtype.kind == "M" and results[name].dtype.kind == "M", name
assert runs["x.timedelta"].dtype.kind == "m" and runs["x.far"].dtype.kind == "i"
assert results.bool.values.tolist() == [False, True, False, True]
assert results.numpy_ndarray.dims[0] == "run" and results.constant.dims[:1] != ("run",)
assert np.isnan(results.pandas_masked.values[0, 1])
results.drop_vars([name for name in results.variables if results[name].dtype.kind == "c"]).to_netcdf("values.nc")
print("read")
"""


def test_plain_tools(frozen: Path, plain_python: RunPlain):
    assert plain_python(PLAIN, frozen / frozen.stem).split() == ["read"]


def job(traj: xpet.Trajectory) -> None:
    for name in set(STORES[traj.v_name]) - ABSENT:
        kind: list[Any] = [xpet.PickleResult] if name in PICKLED else []
        traj.f_add_result(*kind, segment(name), VALUES[name](traj.v_idx - len(RUNS)))


@pytest.mark.usefixtures("registered")
def test_going_on(frozen: Path, tmp_path: Path, plain_python: RunPlain):
    name = frozen.stem
    store = shutil.copytree(frozen, tmp_path / "copy.zarr")
    traj = load(store, name)
    explored = [name for name in STORES[name] if name not in NOT_EXPLORED]
    given = {segment(each): traj.f_get(f"parameters.x.{segment(each)}").f_get_range() for each in explored}
    traj.f_expand({f"x.{each}": [values[3], values[0]] for each, values in given.items()})
    done = xpet.Environment(traj).run(job)
    assert [run for run, _ in done] == [4, 5]
    traj = load(store, name)
    for name in STORES[frozen.stem]:
        stored = traj.f_get_from_runs(segment(name), fast_access=True, use_indices=True)
        for run, value in stored.items():
            assert same(value, name, run % len(RUNS)), (name, run)
        assert (5 in stored) == (name not in ABSENT)
    assert plain_python(PLAIN.replace("assert", "lambda:"), store / frozen.stem).split() == ["read"]
