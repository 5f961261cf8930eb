"""What is known of runs, and the settings that pypet has for workers and for loading."""

from __future__ import annotations

import time
from typing import Any

import pytest

import xpet

FACTS = ["idx", "name", "timestamp", "finish_timestamp", "time", "runtime", "completed", "status", "error", "launch",
         "parameter_summary"]  # fmt: skip


def work(traj: Any) -> float:
    if traj.x == 2.0:
        raise ValueError("two")
    traj.f_add_result("z", traj.x)
    return traj.x


@pytest.fixture
def env(request: pytest.FixtureRequest) -> xpet.Environment:
    env = xpet.Environment("study", store=f"memory://information-{request.node.name}", overwrite_file=True)
    env.traj.f_add_parameter("x", 1.0)
    env.traj.f_add_parameter("g.y", 1)
    env.traj.f_explore({"x": [1.0, 2.0, 3.0], "y": [1, 2, 3]})
    return env


def test_before_the_runs(env: xpet.Environment):
    traj = env.traj
    known = traj.f_get_run_information()
    assert list(known) == ["run_00000000", "run_00000001", "run_00000002"]
    assert sorted(known["run_00000001"]) == sorted(FACTS)
    assert known["run_00000001"]["parameter_summary"] == "x: 2.0,   y: 2"
    assert (known["run_00000001"]["idx"], known["run_00000001"]["completed"]) == (1, 0)
    assert known["run_00000001"]["timestamp"] is known["run_00000001"]["runtime"] is None
    assert traj.f_get_run_information("run_00000001") == traj.f_get_run_information(1) == known["run_00000001"]
    assert (traj.f_is_completed(), traj.f_is_completed(0), traj.f_is_empty()) == (False, False, False)


@pytest.mark.filterwarnings("ignore:.*failed")
def test_after_the_runs(env: xpet.Environment):
    before = time.time()
    env.run(work)
    after = time.time()
    for traj in (env.traj, xpet.load_trajectory("study", store=env.traj.v_store)):
        done, failed = traj.f_get_run_information("run_00000000"), traj.f_get_run_information(1)
        assert before - 1e-3 <= done["timestamp"] <= done["finish_timestamp"] <= after + 1e-3
        assert done["runtime"].startswith("0:00:0")
        assert (done["completed"], done["status"], done["launch"], done["error"]) == (1, "complete", 1, "")
        assert (failed["completed"], failed["status"]) == (0, "failed")
        assert failed["error"] == "ValueError: two"
        assert (traj.f_is_completed(), traj.f_is_completed(0), traj.f_is_completed("run_00000001")) == (
            False, True, False,
        )  # fmt: skip


@pytest.mark.parametrize("run", ["run_00000009", 9, -1])
@pytest.mark.parametrize("method", ["f_get_run_information", "f_is_completed"])
def test_unknown_run(env: xpet.Environment, method: str, run: str | int):
    with pytest.raises(KeyError, match=str(run)):
        getattr(env.traj, method)(run)


def test_parameters_called_as_facts_are():
    env = xpet.Environment("study", store="memory://information-called", overwrite_file=True)
    env.traj.f_add_parameter("status", "calm")
    env.traj.f_explore({"status": ["calm", "wild"]})
    env.run(lambda traj: None)
    assert env.traj.f_get_run_information(1)["status"] == "complete"


def test_complete_as_a_whole(env: xpet.Environment):
    env.run(lambda traj: None)
    assert env.traj.f_is_completed()


@pytest.mark.parametrize(
    ("add", "empty"),
    [("f_add_config", True), ("f_add_parameter", False), ("f_add_derived_parameter", False), ("f_add_result", False),
     ("f_add_leaf", False)],
)  # fmt: skip
def test_is_empty(add: str, empty: bool):
    traj = xpet.Trajectory("study")
    traj.f_add_parameter_group("group")
    assert traj.f_is_empty()
    getattr(traj, add)("mine.x", 1)
    assert traj.f_is_empty() == empty


def others(traj: Any) -> list[int]:
    return list(traj.f_find_idx("x", lambda x: x > 1.5))


def test_full_copy_brings_the_points_to_workers(tmp_path):
    env = xpet.Environment("study", store=tmp_path, multiproc=True, ncores=2, full_copy=True)
    env.traj.f_add_parameter("x", 1.0)
    env.traj.f_explore({"x": [1.0, 2.0, 3.0]})
    assert env.run(others) == [(0, [1, 2]), (1, [1, 2]), (2, [1, 2])]
    tree = env.traj.without_ranges()
    tree.enter_run(1, [2.0])
    assert (tree.x, others(tree)) == (2.0, [1, 2])
    with pytest.raises(TypeError, match="single run"):
        tree.v_full_copy = False


def test_without_full_copy_they_stay():
    traj = xpet.Trajectory("study")
    traj.f_add_parameter("x", 1.0)
    traj.f_explore({"x": [1.0, 2.0, 3.0]})
    with pytest.raises(TypeError, match="do not travel"):
        others(traj.without_ranges())


def test_auto_load_is_on():
    traj = xpet.Trajectory("study")
    traj.v_auto_load = True
    assert traj.v_auto_load


@pytest.mark.filterwarnings("ignore:.*failed")
def test_the_table_is_read_again_only_when_there_is_another_one(
    env: xpet.Environment, monkeypatch: pytest.MonkeyPatch
):
    env.run(work, runs=[0])
    traj = xpet.load_trajectory("study", store=env.traj.v_store)
    read, tables = type(traj).f_run_table, []
    monkeypatch.setattr(type(traj), "f_run_table", lambda self: tables.append(self) or read(self))
    assert [traj.f_get_run_information(run)["status"] for run in range(3)] == ["complete", "new", "new"]
    assert len(tables) == 1
    env.run(work)
    assert [traj.f_get_run_information(run)["status"] for run in range(3)] == ["complete", "failed", "complete"]
    assert len(tables) == 2
    assert [env.traj.f_is_completed(run) for run in range(3)] == [True, False, True]
