"""What is left out on loading is neither shown nor lost."""

from __future__ import annotations

import pytest

import xpet


@pytest.fixture
def url(tmp_path):
    env = xpet.Environment("study", store=tmp_path / "s.zarr")
    env.traj.f_add_parameter("x", 1.0)
    env.traj.f_explore({"x": [1.0, 2.0]})
    env.run(job)
    return tmp_path / "s.zarr"


def job(traj):
    traj.f_add_derived_parameter("half", traj.x / 2)
    traj.f_add_result("z", traj.x * 2)


def test_results_of_runs(url):
    traj = xpet.load_trajectory("study", store=url, load_results=0)
    assert traj.f_get_from_runs("z") == {}
    assert traj.f_get_from_runs("half", fast_access=True, use_indices=True) == {0: 0.5, 1: 1.0}
    traj.f_refresh()
    assert traj.f_get_from_runs("z") == {}


def test_derived_parameters_of_runs(url):
    traj = xpet.load_trajectory("study", store=url, load_derived_parameters=0)
    assert traj.f_get_from_runs("half") == {}
    assert traj.r_1.z == 4.0


def test_without_parameters_nothing_can_be_run_or_stored(url):
    traj = xpet.load_trajectory("study", store=url, load_parameters=0)
    assert traj.res.r_0.z == 2.0
    with pytest.raises(xpet.StoreError, match="parameters were left out"):
        traj.f_store()
    assert len(xpet.load_trajectory("study", store=url)) == 2


def test_a_store_that_cannot_be_read_is_not_the_same_as_nothing(url, monkeypatch):
    traj = xpet.load_trajectory("study", store=url)

    def broken(self, keys):
        raise xpet.StoreError("no connection")

    monkeypatch.setattr("xpet.store.places.local.LocalPlace.read_many", broken)
    with pytest.raises(xpet.StoreError, match="no connection"):
        traj.f_get_default("results.runs.run_00000001.z", 5)
    assert traj.f_get_default("results.runs.run_00000001.other", 5) == 5


@pytest.mark.parametrize("name", ["results", "res"])
def test_the_branch_itself_is_no_name(name):
    root = xpet.Trajectory("study")
    root.f_add_parameter("x", 1.0)
    root.enter_run(0)
    with pytest.raises(ValueError, match=r"'results'(, which)? is the branch itself"):
        root.f_add_result(name, 1)
    root.leave_run()
