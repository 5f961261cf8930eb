"""Studies with large arrays, by every executor and at every kind of place."""

from __future__ import annotations

import gc
import weakref
from typing import Any

import numpy as np
import pytest

from xpet import Environment, load_trajectory
from xpet.store.place import open_place, resolve

N = 6
SIZE = 200_000
MESH = np.arange(SIZE) % 1000


def job(traj: Any) -> None:
    traj.f_add_result("field", np.random.default_rng(traj.v_idx).random(SIZE))
    traj.f_add_result("mesh", MESH)
    traj.f_add_result("counts", np.arange(SIZE) + traj.v_idx, z=float(traj.v_idx))
    traj.f_add_result("spikes", np.ones(SIZE + traj.v_idx) if traj.v_idx % 2 else np.ones(3))


@pytest.mark.parametrize("executor", ["serial", "thread", "process"])
def test_large_arrays(executor: str, store: Any):
    if executor == "process" and store.url.startswith("memory://"):
        pytest.skip("a store in memory is of one process")
    how: dict[str, Any] = {"executor": executor, "ncores": 2} if executor != "serial" else {}
    options = store.storage_options or None
    env = Environment("large", store=store.url, storage_options=options, progress=False, **how)
    env.traj.f_add_parameter("x", 0)
    env.traj.f_explore({"x": list(range(N))})
    env.run(job)
    traj = load_trajectory("large", store=store.url, storage_options=options)
    for run in range(N):
        results = traj.results.runs[f"run_{run:08d}"]
        np.testing.assert_array_equal(results.field, np.random.default_rng(run).random(SIZE))
        np.testing.assert_array_equal(results.counts.counts, np.arange(SIZE) + run)
        np.testing.assert_array_equal(results.mesh, MESH)
        np.testing.assert_array_equal(results.spikes, np.ones(SIZE + run if run % 2 else 3))
    journal = open_place(resolve(store.url, store.storage_options)).list("large/_xpet/journal")
    assert not [key for key in journal if "/chunk/" in key or "/packet/" in key]


def test_the_arrays_of_a_run_go_with_it(monkeypatch: pytest.MonkeyPatch, tmp_path: Any):
    arrays: list[Any] = []
    left: list[int] = []

    def make(traj: Any) -> None:
        left.append(sum(array() is not None for array in arrays))
        made = np.full(SIZE, traj.x)
        arrays.append(weakref.ref(made))
        traj.f_add_result("deep.er.field", made)

    env = Environment("held", store=str(tmp_path / "s.zarr"), progress=False)
    env.traj.f_add_parameter("x", 0.0)
    env.traj.f_explore({"x": [float(run) for run in range(20)]})
    gc.disable()
    monkeypatch.setattr("xpet.run.worker._MOST_HELD", 10 * 8 * SIZE)
    try:
        env.run(make)
    finally:
        gc.enable()
    assert max(left) <= 1
