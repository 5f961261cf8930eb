"""Write the frozen store that every later version must be able to read: ``python make_frozen.py frozen-0.1.zip``.

Run once for a version of the format; what it wrote is then kept as it is. The clock, the random numbers and the names
of the machine are replaced, so that the same packages write the same bytes wherever it runs.
"""

from __future__ import annotations

import itertools
import os
import platform
import random
import socket
import sys
import tempfile
import time
import uuid
import warnings
import zipfile
from pathlib import Path

_RANDOM = random.Random(1)
_TIME, _COUNTER = itertools.count(0), itertools.count(0)
time.time = lambda: 1_767_225_600.0 + next(_TIME) / 8  # type: ignore[assignment]
time.perf_counter = lambda: next(_COUNTER) / 1024  # type: ignore[assignment]
uuid.uuid4 = lambda: uuid.UUID(int=_RANDOM.getrandbits(128), version=4)  # type: ignore[assignment]
os.getpid = lambda: 4242  # type: ignore[assignment]
platform.node = socket.gethostname = lambda: "host"  # type: ignore[assignment]
platform.platform = lambda *_: "platform"  # type: ignore[assignment]
ARCHIVE = Path(sys.argv[1]).absolute()
sys.argv[1:] = []
sys.argv[0] = "make_frozen.py"

import numpy as np  # noqa: E402
import xarray as xr  # noqa: E402

import xpet  # noqa: E402
from xpet.store import lease  # noqa: E402
from xpet.store.journal import open_packer  # noqa: E402
from xpet.store.packets import LeafData  # noqa: E402
from xpet.store.place import open_place, resolve  # noqa: E402
from xpet.store.writer import Writer, open_for_writing  # noqa: E402

lease.machine = lambda: "machine"
lease.start_of = lambda pid: "start"

FAILING = 5
TIME = np.array([0.0, 0.5, 1.0])


def add_outside_runs(traj: xpet.Trajectory) -> None:
    """Leaves of every encoding that belong to no run."""
    traj.f_add_parameter("x", 1.0, comment="explored, float")
    traj.f_add_parameter("mode", "a", comment="explored, text")
    cell = traj.f_add_parameter_group("cell", comment="a nested group")
    cell.v_annotations.source = "a note on a group"
    threshold = traj.f_add_parameter("cell.threshold", xpet.label(-50.0, units="mV"), comment="with units")
    threshold.v_annotations.f_set(paper="a note", year=1999)
    values = {
        "integer": -3, "flag": True, "text": "µ → ∞", "number": complex(1, -2), "nan": float("nan"), "minus0": -0.0,
        "large": 10**30, "nothing": None, "raw": b"\x00\xff", "surrogate": "\udcff", "long": "xpet " * 1000,
        "f4": np.float32(0.1), "i2": np.int16(-7), "true": np.bool_(True), "floats": [1.5, float("inf")],
        "pair": (1, 2), "mixed": [1, "a", None, (2.0,)], "empty": [], "table": {"k": [1, 2], 3: {"s"}},
        "vector": np.arange(3, dtype="<i4"), "matrix": np.arange(6, dtype=">f8").reshape(2, 3),
        "hollow": np.zeros((2, 0), "u1"), "words": np.array(["a", "bcd"]),
    }  # fmt: skip
    times = xr.Variable("t", TIME, {"units": "s"})
    values["curve"] = xr.DataArray([1.0, 2.0, 4.0], {"t": times}, ["t"], "curve", {"note": "of the curve"})
    for name, value in values.items():
        traj.f_add_parameter(f"every.{name}", value)
    traj.f_add_config("solver.dt", 0.1, comment="a config")
    traj.f_add_derived_parameter("cell.double", 2.0)
    traj.f_add_result("outside", comment="a result of no run", first=1, second=np.array([True, False]))
    traj.f_add_result("nameless", comment="a result without items")


def job(traj: xpet.Trajectory) -> None:
    """Leave every layout behind: dense, ragged, text, variants, with and without labels."""
    run, x = traj.v_idx, traj.x
    if run == FAILING:
        raise ValueError(f"x = {x} is not to be had")
    traj.f_add_derived_parameter("scale", 10 * run, comment="made in a run")
    traj.f_add_result("z", x * 2, comment="a float")
    # The number that stands for "not there" at first comes as a value in a later launch.
    traj.f_add_result("i", -(2**63) if run == 8 else run, comment="an integer")
    traj.f_add_result("flag", x > 2)
    traj.f_add_result("word", f"run {run}", comment=f"of run {run % 2}")
    traj.f_add_result("c", complex(x, run))
    traj.f_add_result("both", [run, run / 2, "text", None][run % 4])
    traj.f_add_result("X", run + 100, comment="named like a coordinate but for its case")
    if run % 2:
        traj.f_add_result("odd", np.uint8(run))
    some = traj.f_add_result("some", mean=x, shape=(run, 2), table={"run": run, 1: None}, large=10**20 + run)
    some.v_annotations.note = f"note {run}"
    traj.f_add_result("wide", np.full((2, 2 + (run > 3)), run, "i4"))
    spikes = np.arange(run, dtype="f8")
    traj.f_add_result("cell.$.spikes", spikes, comment="another length in every run")
    times = xr.Variable("time", TIME, {"units": "ms"})
    traj.f_add_result("cell.$.V", xr.DataArray(np.full(3, x, "f4"), {"time": times}, attrs={"units": "mV"}))
    traj.f_add_result("cell.$.W", xpet.label(spikes * x, dims="at", coords={"at": spikes + run}, units="mV"))
    matrix = np.full((2, 3), run, ">i2")
    traj.f_add_result("cell.$.matrix", xpet.label(matrix, dims=["row", "time"], coords={"time": TIME}))


def make_main(store: Path) -> None:
    """A product of eight runs, expanded by two; one of them failed."""
    env = xpet.Environment("main", store=store, comment="all layouts and encodings", file_title="Frozen")
    add_outside_runs(env.traj)
    env.traj.f_explore(xpet.cartesian_product({"x": [1.0, 2.0, 3.0, 4.0], "mode": ["a", "é"]}))
    env.run(job)
    env.traj.f_expand(xpet.cartesian_product({"x": [0.5], "mode": ["a", "é"]}))
    env.run(job)


def make_interrupted(store: Path) -> None:
    """A list of points whose writer died: an expansion that was only announced, a packet that was not closed."""
    traj = xpet.Trajectory("interrupted", comment="left unfinished", filename=store)
    traj.f_add_parameter("a.k", 1)
    traj.f_add_parameter("b.k", True)
    traj.f_add_parameter("shape", (1, 2))
    traj.f_explore({"a.k": [1, 2, 4], "b.k": [True, False, True], "shape": [(1, 2), (3, 4), (5, 6)]})
    traj.f_store()
    spec = resolve(store)
    with open_for_writing(open_place(spec), "interrupted") as writer:
        packer = open_packer(spec, "interrupted", writer.attempt)
        packer.begin(0, 0)
        items = {"": 0.5, "name": "zero", "array": np.arange(2)}
        packer.complete(0, [LeafData("results.runs.$.z", "result", "Result", "a comment", items, {})], 1.7e9, 0.25)
        packer.fail(1, "Traceback\nValueError: no\n", 1.7e9, 0.25)
        roll_forward, Writer._roll_forward = Writer._roll_forward, lambda *_: None
        points = {"parameters.a.k": [8], "parameters.b.k": [False], "parameters.shape": [(7, 8)]}
        writer.expand(points, "list", ())
        Writer._roll_forward = roll_forward


def forget(store: Path) -> None:
    """Take out where the store was."""
    for file in store.rglob("zarr.json"):
        text = file.read_text(encoding="utf-8")
        file.write_text(text.replace(str(store), "frozen.zarr"), encoding="utf-8")


def pack(store: Path) -> None:
    """Put the store into the archive, in order and without times."""
    with zipfile.ZipFile(ARCHIVE, "x", zipfile.ZIP_DEFLATED) as archive:
        for file in sorted(path for path in store.rglob("*") if path.is_file()):
            entry = zipfile.ZipInfo(file.relative_to(store).as_posix())
            archive.writestr(entry, file.read_bytes(), zipfile.ZIP_DEFLATED)


def main() -> None:
    """Write the store."""
    with tempfile.TemporaryDirectory() as folder, warnings.catch_warnings(action="ignore"):
        store = Path(folder) / "frozen.zarr"
        make_main(store)
        make_interrupted(store)
        forget(store)
        pack(store)


if __name__ == "__main__":
    # The traceback of the failed run shall not say where this file was.
    job.__code__ = job.__code__.replace(co_filename="make_frozen.py")
    main()
