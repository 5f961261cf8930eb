"""A name may be a leaf in one run and a group in another; pypet's tree of each run is the measure."""

from __future__ import annotations

import pytest

import xpet


def job(traj):
    if traj.x == 1:
        traj.f_add_result("g.z", 2)
    else:
        traj.f_add_result("g", int(traj.x) + 1)


@pytest.fixture(params=["after the run", "loaded"])
def traj(request, tmp_path):
    env = xpet.Environment("study", store=tmp_path / "s.zarr")
    env.traj.f_add_parameter("x", 0)
    env.traj.f_explore({"x": [0, 1, 2]})
    env.run(job)
    return env.traj if request.param == "after the run" else xpet.load_trajectory("study", store=tmp_path / "s.zarr")


def test_each_run_shows_its_own(traj):
    assert traj.results.runs.run_00000000.g == 1
    assert traj.results.runs.run_00000001.g.z == 2
    assert traj.results.runs.run_00000002.g == 3


def test_all_runs_at_once(traj):
    expected = {
        "results.runs.run_00000000.g": 1,
        "results.runs.run_00000001.g.z": 2,
        "results.runs.run_00000002.g": 3,
    }
    assert traj.f_get_results(fast_access=True) == expected
    assert traj.results.f_to_dict(fast_access=True) == expected
    assert {node.v_full_name: node.v_is_leaf for node in traj.results.runs.f_iter_nodes(max_depth=2)} == {
        "results.runs.run_00000000": False,
        "results.runs.run_00000001": False,
        "results.runs.run_00000002": False,
        "results.runs.run_00000000.g": True,
        "results.runs.run_00000001.g": False,
        "results.runs.run_00000002.g": True,
    }
    found = traj.f_get_from_runs("g", use_indices=True)
    assert [found[run].v_is_leaf for run in (0, 1, 2)] == [True, False, True]
    assert traj.f_get_from_runs("g.z", use_indices=True, fast_access=True) == {1: 2}
