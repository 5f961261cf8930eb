"""What a job changes in place in a value that it was given is seen by no other run, on any executor."""

from __future__ import annotations

import numpy as np
import pytest

import xpet

EXECUTORS = [
    pytest.param({}, id="serial"),
    pytest.param({"multiproc": True, "ncores": 1}, id="one worker"),
    pytest.param({"multiproc": True, "ncores": 2}, id="workers"),
]
N = 12


def total(value):
    """A number that tells whether a value was changed."""
    return float(np.sum(list(value.values()) if isinstance(value, dict) else value))


def change(value):
    if isinstance(value, list):
        value.append(1.0)
    elif isinstance(value, dict):
        value["more"] = 1.0
    else:
        value[0] += 1.0


VALUES = {
    "array": np.zeros(3),
    "list": [0.0],
    "dict": {"a": 0.0},
}
UNEXPLORED = ["fixed", "derived", "setting", "past"]


def job(traj):
    """Change everything twice, and tell what was seen each time."""
    for name in ("array", "list"):
        traj.f_add_result(f"varied_{name}", total(traj[f"varied.{name}"]))
        change(traj[f"varied.{name}"])
        traj.f_add_result(f"varied_{name}_changed", total(traj[f"varied.{name}"]))
    for kind in VALUES:
        for branch in UNEXPLORED:
            traj.f_add_result(f"{branch}_{kind}", total(traj[f"{branch}.{kind}"]))
            change(traj[f"{branch}.{kind}"])
            traj.f_add_result(f"{branch}_{kind}_changed", total(traj[f"{branch}.{kind}"]))


def study(**options):
    env = xpet.Environment("study", **options)
    traj = env.traj
    adders = [traj.f_add_parameter, traj.f_add_derived_parameter, traj.f_add_config, traj.f_add_result]
    for branch, add in zip(UNEXPLORED, adders, strict=True):
        for kind, value in VALUES.items():
            add(f"{branch}.{kind}", value)
    traj.f_add_parameter("varied.array", np.zeros(2))
    traj.f_add_parameter("varied.list", [0.0])
    # few distinct values, each of many runs
    arrays, lists = [np.zeros(2), np.ones(2)], [[0.0], [1.0]]
    traj.f_explore({"varied.array": arrays * (N // 2), "varied.list": lists * (N // 2)})
    return env


@pytest.mark.parametrize("options", EXECUTORS)
def test_every_run_sees_the_values_from_before_the_runs(tmp_path, options):
    env = study(store=str(tmp_path / "store.zarr"), **options)
    env.run(job)
    ds = env.dataset("flat")
    assert ds.varied_array.values.tolist() == [0.0, 2.0] * (N // 2)
    assert ds.varied_list.values.tolist() == [0.0, 1.0] * (N // 2)
    for kind in VALUES:
        for branch in UNEXPLORED:
            assert set(ds[f"{branch}_{kind}"].values) == {0.0}, (branch, kind)
            assert set(ds[f"{branch}_{kind}_changed"].values) == {1.0}, (branch, kind)
            assert total(env.traj[f"{branch}.{kind}"]) == 0.0
    assert [total(value) for value in env.traj.f_get("varied.array").f_get_range()] == [0.0, 2.0] * (N // 2)


def test_replay_changes_nothing():
    env = study(store="memory://own-values", overwrite_file=True)
    for _ in range(2):
        assert env.replay(1, lambda traj: (total(traj.varied.array), change(traj.varied.array))[0]) == 2.0
        assert env.replay(1, lambda traj: (total(traj.fixed.array), change(traj.fixed.array))[0]) == 0.0
    assert total(env.traj.f_get("varied.array").f_get_range()[1]) == 2.0
    assert total(env.traj.fixed.array) == 0.0


def greedy(options, weights, start):
    seen = options["n"] + float(weights.sum()) + sum(start)
    options["n"] += 100
    weights += 100
    start.append(100)
    return {"seen": seen}


@pytest.mark.parametrize("ncores", [1, 2])
def test_sweep_passes_every_call_its_own(tmp_path, ncores):
    weights, starts = np.ones(2), [[0], [1], [2]]
    points = [{"options": {"n": 0}, "weights": weights, "start": start} for start in starts * 4]
    ds = xpet.sweep(greedy, points, store=str(tmp_path / "store.zarr"), ncores=ncores, view="flat")
    assert ds.seen.values.tolist() == [2.0, 3.0, 4.0] * 4
    assert (weights.tolist(), starts) == ([1.0, 1.0], [[0], [1], [2]])
