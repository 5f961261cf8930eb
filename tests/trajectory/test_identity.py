"""When a trajectory was made."""

from __future__ import annotations

import copy
import pickle
import time
from pathlib import Path
from typing import Any

import xpet


def look(traj: Any) -> float:
    made: float = traj.v_timestamp
    return made


def test_the_time_is_that_of_making_it_whatever_comes_of_it(tmp_path: Path):
    store, before = str(tmp_path / "s.zarr"), time.time()
    env = xpet.Environment("study", store=store, multiproc=True, ncores=1)
    traj, made = env.traj, env.traj.v_timestamp
    assert before <= made <= time.time()
    assert traj.v_time == time.strftime("%Y_%m_%d_%Hh%Mm%Ss", time.localtime(made))
    traj.f_add_parameter("x", 1)
    traj.f_explore({"x": [1, 2]})
    for each in (copy.copy(traj), pickle.loads(pickle.dumps(traj))):
        assert each.v_timestamp == made
    assert [value for _, value in env.run(look)] == [made, made]
    assert traj.v_timestamp == made
    assert xpet.load_trajectory("study", store=store).v_timestamp == made


def test_who_meets_a_stored_trajectory_takes_its_time(tmp_path: Path):
    times = []
    for _ in range(2):
        traj = xpet.Trajectory("study", store=str(tmp_path / "s.zarr"))
        traj.f_add_parameter("x", 1)
        traj.f_store()
        times.append(traj.v_timestamp)
    assert times[0] == times[1]
