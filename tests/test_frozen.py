"""What an earlier version wrote stays readable: every value and type, by xpet, by plain xarray, and for going on."""

from __future__ import annotations

import shutil
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import xarray as xr
from fixtures_plain import RunPlain

import xpet
from xpet.store.chunks import check_chunk, chunk_index
from xpet.store.place import open_place, resolve
from xpet.store.snapshot import list_trajectories, read_snapshot
from xpet.testing import identical

ARCHIVES = sorted((Path(__file__).parent / "data").glob("frozen-*.zip"))
RUNS, FAILED = range(10), 5
COMPLETE = [run for run in RUNS if run != FAILED]
X = [1.0, 1.0, 2.0, 2.0, 3.0, 3.0, 4.0, 4.0, 0.5, 0.5]
TIME = np.array([0.0, 0.5, 1.0])
WORDS = np.array(["a", "bcd"])

#: path of a parameter and its value
PARAMETERS = {
    "x": 1.0, "mode": "a", "cell.threshold": -50.0, "every.integer": -3, "every.flag": True, "every.text": "µ → ∞",
    "every.number": complex(1, -2), "every.nan": float("nan"), "every.minus0": -0.0, "every.large": 10**30,
    "every.nothing": None, "every.raw": b"\x00\xff", "every.surrogate": "\udcff",
    "every.long": "xpet " * 1000, "every.f4": np.float32(0.1),
    "every.i2": np.int16(-7), "every.true": np.bool_(True), "every.floats": [1.5, float("inf")], "every.pair": (1, 2),
    "every.mixed": [1, "a", None, (2.0,)], "every.empty": [], "every.table": {"k": [1, 2], 3: {"s"}},
    "every.vector": np.arange(3, dtype="<i4"), "every.matrix": np.arange(6, dtype=">f8").reshape(2, 3),
    "every.hollow": np.zeros((2, 0), "u1"), "every.words": WORDS,
    "every.curve": xr.DataArray([1.0, 2.0, 4.0], {"t": ("t", TIME, {"units": "s"})}, ["t"], "curve",
                                {"note": "of the curve"}),
}  # fmt: skip
#: path and item of a result of no run, and its value
OUTSIDE = {("outside", "first"): 1, ("outside", "second"): np.array([True, False])}
#: leaf of a run and item, and its value by run
LEAVES: dict[tuple[str, str], Callable[[int], Any]] = {
    ("derived_parameters.runs.{}.scale", "scale"): lambda run: 10 * run,
    ("results.runs.{}.z", "z"): lambda run: 2 * X[run],
    ("results.runs.{}.i", "i"): lambda run: -(2**63) if run == 8 else run,
    ("results.runs.{}.flag", "flag"): lambda run: X[run] > 2,
    ("results.runs.{}.word", "word"): lambda run: f"run {run}",
    ("results.runs.{}.c", "c"): lambda run: complex(X[run], run),
    ("results.runs.{}.both", "both"): lambda run: [run, run / 2, "text", None][run % 4],
    ("results.runs.{}.X", "X"): lambda run: run + 100,
    ("results.runs.{}.some", "mean"): lambda run: X[run],
    ("results.runs.{}.some", "shape"): lambda run: (run, 2),
    ("results.runs.{}.some", "table"): lambda run: {"run": run, 1: None},
    ("results.runs.{}.some", "large"): lambda run: 10**20 + run,
    ("results.runs.{}.wide", "wide"): lambda run: np.full((2, 3 if run > 3 else 2), run, "i4"),
    ("results.cell.{}.spikes", "spikes"): lambda run: np.arange(run, dtype="f8"),
    ("results.cell.{}.V", "V"): lambda run: xr.DataArray(
        np.full(3, X[run], "f4"), {"time": ("time", TIME, {"units": "ms"})}, ["time"], attrs={"units": "mV"}
    ),
    ("results.cell.{}.W", "W"): lambda run: np.arange(run, dtype="f8") * X[run],
    ("results.cell.{}.matrix", "matrix"): lambda run: np.full((2, 3), run, ">i2"),
}


@pytest.fixture(scope="module", params=ARCHIVES, ids=lambda path: path.stem)
def frozen(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A frozen store, to be read only."""
    store = tmp_path_factory.mktemp("read") / "frozen.zarr"
    with zipfile.ZipFile(request.param) as archive:
        archive.extractall(store)
    return store


@pytest.fixture
def copy(frozen: Path, tmp_path: Path) -> Path:
    """A copy of a frozen store, to be written to."""
    return shutil.copytree(frozen, tmp_path / "frozen.zarr")


def load(store: Path) -> xpet.Trajectory:
    """Load the trajectory that has everything."""
    return xpet.load_trajectory("main", filename=store)


def test_there_are_frozen_stores():
    assert ARCHIVES
    assert all(path.stat().st_size < 200_000 for path in ARCHIVES)


def test_every_chunk_is_within_what_readers_believe(frozen: Path):
    found = 0
    for name in list_trajectories(open_place(resolve(frozen)))[0]:
        snapshot = read_snapshot(open_place(resolve(frozen)), name)
        for node, doc in snapshot.hierarchy.arrays():
            for key in snapshot.place.list(node):
                if chunk_index(doc, key[len(node) + 1 :]) is not None:
                    check_chunk(doc, snapshot.place.read(key) or b"", key)
                    found += doc.dtype == "string"
    assert found > 5


@pytest.mark.parametrize("path", PARAMETERS)
def test_parameters(frozen: Path, path: str):
    assert identical(load(frozen)[f"parameters.{path}"], PARAMETERS[path])


def test_leaves_outside_runs(frozen: Path):
    traj = load(frozen)
    names = {leaf.v_full_name.partition(".")[2] for leaf in traj.f_get("parameters").f_iter_leaves()}
    assert names == set(PARAMETERS)
    assert traj.v_comment == "all layouts and encodings"
    assert traj.v_title == "Frozen"
    for (path, item), value in OUTSIDE.items():
        assert identical(traj.f_get(f"results.{path}").f_get(item), value)
    assert traj.f_get("results.nameless").f_is_empty()
    assert traj.f_get("results.nameless").v_comment == "a result without items"
    assert traj.config.solver.dt == 0.1
    assert traj.derived_parameters.cell.double == 2.0
    assert traj.f_get("parameters.cell").v_comment == "a nested group"
    assert traj.f_get("parameters.cell").v_annotations.f_to_dict() == {"source": "a note on a group"}
    assert traj.f_get("parameters.cell.threshold").v_comment == "with units"
    assert traj.f_get("parameters.cell.threshold").v_annotations.f_to_dict() == {"paper": "a note", "year": 1999}


def test_points(frozen: Path):
    traj = load(frozen)
    assert len(traj) == len(RUNS)
    assert list(traj.f_get("parameters.x").f_get_range()) == X
    assert list(traj.f_get("parameters.mode").f_get_range()) == ["a", "é"] * 5


@pytest.mark.parametrize(("leaf", "item"), LEAVES, ids=lambda name: name.replace("{}", "$"))
def test_leaves_of_runs(frozen: Path, leaf: str, item: str):
    traj = load(frozen)
    for run in COMPLETE:
        found = traj.f_get(leaf.format(f"run_{run:08d}"))
        value = found.f_get() if leaf.startswith("derived") else found.f_get(item)
        assert identical(value, LEAVES[leaf, item](run)), run


def test_what_runs_have_and_say(frozen: Path):
    traj = load(frozen)
    assert list(traj.f_get_from_runs("z", use_indices=True)) == COMPLETE
    odd = traj.f_get_from_runs("odd", fast_access=True, use_indices=True)
    assert identical(odd, {run: np.uint8(run) for run in COMPLETE if run % 2})
    for run in COMPLETE:
        assert traj.f_get(f"results.runs.r_{run}.word").v_comment == f"of run {run % 2}"
        assert traj.f_get(f"results.runs.r_{run}.some").v_annotations.f_to_dict() == {"note": f"note {run}"}
        assert traj.f_get(f"derived_parameters.runs.r_{run}.scale").v_comment == "made in a run"


def test_run_table(frozen: Path):
    table = load(frozen).f_run_table()
    assert table.status.tolist() == ["failed" if run == FAILED else "complete" for run in RUNS]
    assert table.error[FAILED] == "ValueError: x = 3.0 is not to be had"
    assert table.started.dt.floor("D").eq("2026-01-01T00:00:00Z").all()
    assert (table.duration > 0).all()
    assert table.attempt.tolist() == [1] * 10


def test_views(frozen: Path):
    grid = xpet.open(frozen, "main")
    assert (grid.sizes["x"], grid.sizes["mode"]) == (5, 2)
    assert grid.x.values.tolist() == [0.5, 1.0, 2.0, 3.0, 4.0]
    assert grid.z.sel(x=2.0, mode="é").item() == 4.0
    assert np.isnan(grid.z.sel(x=3.0, mode="é"))
    flat = xpet.open(frozen, "main", view="flat")
    assert flat["cell.V"].dims == ("run", "time")


PLAIN = """
import sys
import numpy as np
import xarray as xr
import zarr

where, failed = sys.argv[1], 5
complete = [run for run in range(10) if run != failed]
tree = xr.open_datatree(where, engine="zarr")
assert set(tree.children) == {"parameters", "config", "derived_parameters", "results", "runs"}, tree.children
results = xr.open_dataset(where, group="results", engine="zarr")
cell = xr.open_dataset(where, group="results/cell", engine="zarr")
runs = xr.open_dataset(where, group="runs", engine="zarr")
assert results.attrs["cell.threshold"] == -50.0
assert set(results.coords) == {"run", "run_status", "x", "mode"}
assert results.x.values.tolist() == [1.0, 1.0, 2.0, 2.0, 3.0, 3.0, 4.0, 4.0, 0.5, 0.5]
assert results["mode"].values.tolist() == ["a", "é"] * 5
assert results.run_status.values.tolist() == [2] * 5 + [3] + [2] * 4
assert results.run_status.attrs["flag_meanings"] == "new running complete failed"
done = results.isel(run=complete)
assert done.z.values.tolist() == [2 * x for x in done.x.values]
assert np.isnan(results.z[failed]) and np.isnan(results.i[failed]) and np.isnan(results.flag[failed])
assert done.word.values.tolist() == [f"run {run}" for run in complete]
assert done["both.which"].values.tolist() == [run % 4 for run in complete]
assert done["odd.which"].values.tolist() == [0 if run % 2 else 255 for run in complete]
assert done["X.1"].values.tolist() == [run + 100 for run in complete]
assert done["wide.len"].values.tolist() == [[2, 3 if run > 3 else 2] for run in complete]
for run in complete:
    length = int(cell["spikes.len"][run])
    assert cell.spikes[run].values[:length].tolist() == list(range(run))
    assert np.isnan(cell.spikes[run].values[length:]).all()
    assert cell["cell.W.at"][run].values[:length].tolist() == list(range(run, 2 * run))
assert cell.V.attrs["units"] == "mV" and cell.time.attrs["units"] == "ms" and cell.V.dims == ("run", "time")
assert "Traceback" in runs.run_error.values[failed]
assert runs.run_launch.values.tolist() == [2 if run in (failed, 8, 9) else 1 for run in range(10)]
assert runs.run_started.dtype.kind == "M"
group = zarr.open_group(where, mode="r")
assert group["parameters/every/large"][()] == '{"__t": "int", "v": "0xc9f2c9cd04674edea40000000"}'
assert group["parameters/every/pair"][:].tolist() == [1, 2] and group["parameters/every/integer"][()] == -3
assert group["results/i"][8] == -(2**63) and group["results/i"].dtype == "int64"
print("read")
"""


def test_plain_tools(frozen: Path, plain_python: RunPlain):
    assert plain_python(PLAIN, frozen / "main").split() == ["read"]


def mend(traj: xpet.Trajectory) -> None:
    """The job of the run that failed."""
    for (leaf, item), value in LEAVES.items():
        branch, _, name = leaf.partition(".")
        name = name.removeprefix("runs.{}.").replace("{}", "$")
        if branch == "derived_parameters":
            traj.f_add_derived_parameter(name, value(traj.v_idx))
        elif item == name.rpartition(".")[2]:
            traj.f_add_result(name, value(traj.v_idx))


def test_going_on(copy: Path):
    env = xpet.Environment("main", store=copy)
    for path, value in PARAMETERS.items():
        env.traj.f_add_parameter(path, xpet.label(value, units="mV") if path == "cell.threshold" else value)
    env.traj.f_explore({"x": X, "mode": ["a", "é"] * 5})
    assert env.run(mend) == [(FAILED, None)]
    with xr.open_dataset(copy / "main", group="results", engine="zarr") as ds:
        assert (ds.run_status == 2).all()
        assert ds.i.dtype == np.int64
        assert ds.flag.dtype == bool
        assert ds.z.values.tolist() == [2 * x for x in X]
    traj = load(copy)
    for leaf, item in LEAVES.keys() & {("results.runs.{}.i", "i"), ("results.cell.{}.spikes", "spikes")}:
        for run in RUNS:
            assert identical(traj.f_get(leaf.format(f"r_{run}")).f_get(item), LEAVES[leaf, item](run))
    assert env.run(mend) == []
    # The chunks that were replaced long ago are gone; readers of that time are, too.
    assert not [path for path in (copy / "main" / "results" / "i" / "c").rglob("*") if path.is_file()]


def test_recovery(copy: Path):
    """An expansion that was only announced and a packet that was not closed are of this format too."""
    before = xpet.load_trajectory("interrupted", filename=copy)
    assert len(before) == 3
    assert before.f_run_table().status.tolist() == ["new"] * 3
    before.f_store()
    traj = xpet.load_trajectory("interrupted", filename=copy)
    assert list(traj.f_get("a.k").f_get_range()) == [1, 2, 4, 8]
    assert list(traj.f_get("b.k").f_get_range()) == [True, False, True, False]
    assert list(traj.f_get("shape").f_get_range()) == [(1, 2), (3, 4), (5, 6), (7, 8)]
    assert traj.f_run_table().status.tolist() == ["complete", "failed", "new", "new"]
    z = traj.f_get("results.runs.r_0.z")
    assert identical(z.f_to_dict(), {"z": 0.5, "name": "zero", "array": np.arange(2)})
    assert z.v_comment == "a comment"
    done = xpet.Environment(traj).run(lambda traj: traj.f_add_result("z", 1.0))
    assert [run for run, _ in done] == [1, 2, 3]
    journal = copy / "interrupted" / "_xpet" / "journal"
    assert not [path for kind in ("packet", "expand") for path in (journal / kind).rglob("*") if path.is_file()]
