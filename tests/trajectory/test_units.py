"""Parameters with units, in scripts that run again and in trajectories that are loaded."""

from __future__ import annotations

import pytest

import xpet


def environment(url, units="mV", trajectory="units"):
    env = xpet.Environment(trajectory, store=url)
    env.traj.f_add_parameter("x", xpet.label(1.0, units=units))
    env.traj.f_add_parameter("v", xpet.label(1.0, units="mV"))
    env.traj.f_explore({"x": [1.0, 2.0]})
    return env


def job(traj):
    return traj.x * traj.v


def test_a_loaded_trajectory_goes_on(tmp_path):
    environment(tmp_path / "s.zarr").run(job)
    traj = xpet.load_trajectory("units", store=tmp_path / "s.zarr")
    traj.f_expand({"x": [3.0]})
    assert xpet.Environment(traj).run(job) == [(2, 3.0)]


def test_the_same_script_goes_on(tmp_path):
    environment(tmp_path / "s.zarr").run(job)
    assert environment(tmp_path / "s.zarr").run(job) == []


def test_other_units_are_a_difference(tmp_path):
    environment(tmp_path / "s.zarr").run(job)
    with pytest.raises(xpet.TrajectoryExistsError, match=r"parameters\.x has the units 'mV' in the store and 'V' here"):
        environment(tmp_path / "s.zarr", "V").run(job)


def test_a_changed_value_with_units_is_told_as_the_number_it_is(tmp_path):
    def study(value):
        traj = xpet.Trajectory("study", filename=tmp_path / "study.zarr")
        traj.f_add_parameter("R", xpet.label(value, units="MΩ"))
        return traj

    study(100.0).f_store()
    with pytest.raises(xpet.TrajectoryExistsError, match=r"parameters\.R is 100\.0 in the store and 110\.0 here"):
        study(110.0).f_store()
