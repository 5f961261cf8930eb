"""What runs are done, how often, for how long, and what is kept of what the job returns."""

from __future__ import annotations

import functools
import time
from pathlib import Path

import numpy as np
import pytest

import xpet
from xpet.run.options import Options, check_call, checked_runs, workers_of
from xpet.run.report import RunValues

# Bad options ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"on_error": "ignore"}, "one of 'continue', 'stop', 'raise'"),
        ({"flush_interval": -1}, "number of seconds"),
        ({"flush_interval": "1"}, "number of seconds"),
        ({"retries": -1}, "from 0 to 100"),
        ({"retries": 101}, "from 0 to 100"),
        ({"retries": 1.0}, "from 0 to 100"),
        ({"retries": True}, "from 0 to 100"),
        ({"timeout": 0, "workers": 1}, "more than 0"),
        ({"timeout": float("inf"), "workers": 1}, "more than 0"),
        ({"timeout": "5", "workers": 1}, "more than 0"),
        ({"timeout": 5.0}, "give multiproc=True as well"),
        ({"start_method": "spawn"}, "give multiproc=True as well"),
        ({"progress": "yes"}, "progress is 'yes'; it must be True, False or None"),
        ({"collect": "no"}, "collect is 'no'; it must be True or False"),
        ({"graceful": "yes"}, "graceful_exit is 'yes'"),
        ({"resumable": 2}, "resumable is 2"),
        ({"delete_resume": None}, "delete_resume is None"),
    ],
    ids=str,
)
def test_options_that_cannot_be_are_refused(options, words):
    with pytest.raises(ValueError, match=words):
        Options(**options)


@pytest.mark.parametrize("ncores", [-1, 1.0, True, "2"])
def test_ncores_that_is_no_number_of_processes_is_refused(ncores):
    with pytest.raises(ValueError, match="ncores is"):
        workers_of(True, ncores)


@pytest.mark.parametrize(
    ("runs", "error", "words"),
    [
        ("all", TypeError, "'missing', 'failed' or indices"),
        (5, TypeError, "'missing', 'failed' or indices"),
        ([1.0], TypeError, "'missing', 'failed' or indices"),
        (["run_00000001"], TypeError, "'missing', 'failed' or indices"),
        ([False, True, False, True], TypeError, "'missing', 'failed' or indices"),
        (np.array([False, True, False, True]), TypeError, "'missing', 'failed' or indices"),
        ([-1], ValueError, "counted from 0"),
        ([4], ValueError, "the runs 0 to 3"),
    ],
    ids=str,
)
def test_runs_that_are_none_are_refused(runs, error, words):
    with pytest.raises(error, match=words):
        checked_runs(runs, 4)


@pytest.mark.parametrize("runs", [[3, 1, 1], (3, 1), {1, 3}, np.array([1, 3]), range(1, 4, 2)], ids=str)
def test_indices_may_come_in_any_way(runs):
    assert checked_runs(runs, 4) == [1, 3]


def plain(traj, n=1):
    return n


def takes_runs(traj, runs):
    return runs


def wrapping(function):
    @functools.wraps(function)
    def wrapper(traj, *args):
        return function(traj, "more", *args)

    return wrapper


@pytest.mark.parametrize(
    ("job", "args", "kwargs", "words"),
    [
        (3, (), {}, "not a int"),
        (lambda: None, (), {}, "takes 0 positional|too many positional"),
        (plain, (1, 2), {}, "too many positional"),
        (plain, (), {"m": 1}, "unexpected keyword argument 'm'"),
        (plain, (), {"retries": 1}, "retries is an option of xpet.Environment"),
        (takes_runs, (), {}, "functools.partial"),
    ],
    ids=["none", "no trajectory", "too many", "unknown", "option", "runs"],
)
def test_a_job_that_cannot_be_called_is_refused_before_the_first_run(job, args, kwargs, words):
    with pytest.raises(TypeError, match=words):
        check_call(job, args, kwargs)


async def waits(traj):
    traj.f_add_result("y", 1)


def yields(traj):
    yield traj.f_add_result("y", 1)


async def waits_and_yields(traj):
    yield traj.f_add_result("y", 1)


class Waiting:
    async def __call__(self, traj):
        traj.f_add_result("y", 1)


@pytest.mark.parametrize(
    ("job", "words"),
    [
        (waits, "waits is an async function, of which a call does nothing by itself; .*asyncio.run"),
        (functools.partial(waits), "waits is an async function"),
        (Waiting(), "Waiting is an async function"),
        (Waiting().__call__, "Waiting.__call__ is an async function"),
        (yields, "yields is a generator"),
        (waits_and_yields, "waits_and_yields is a generator"),
    ],
    ids=["async", "partial", "object", "method", "generator", "both"],
)
def test_a_job_of_which_a_call_does_nothing_is_refused(job, words):
    with pytest.raises(TypeError, match=words):
        check_call(job, (), {})
    with pytest.raises(TypeError, match=words):
        xpet.sweep(job, {"traj": [1, 2]}, "memory://nothing", name="nothing")


@pytest.mark.parametrize(
    "job",
    [
        pytest.param(plain, id="function"),
        pytest.param(functools.partial(takes_runs, runs=3), id="partial"),
        pytest.param(wrapping(lambda traj, more: more), id="decorated"),
        pytest.param(print, id="built in"),
    ],
)
def test_jobs_that_can_be_called_are_taken(job):
    check_call(job, (), {})


# Which runs -----------------------------------------------------------------------------------------------------------


def study(store, n=6, **options):
    env = xpet.Environment("study", store=str(store), **options)
    env.traj.f_add_parameter("x", 0)
    env.traj.f_explore({"x": list(range(n))})
    return env


def test_only_the_chosen_runs_are_done(tmp_path):
    env = study(tmp_path / "s.zarr")
    assert env.run(lambda traj: traj.x, runs=[4, 1]) == [(1, 1), (4, 4)]
    assert env.runs().status.tolist() == ["new", "complete", "new", "new", "complete", "new"]
    with pytest.warns(UserWarning, match="runs=1, 4: complete already"):
        assert env.run(lambda traj: traj.x, runs=range(1, 5)) == [(2, 2), (3, 3)]
    assert [run for run, _ in env.run(lambda traj: None)] == [0, 5]


def test_runs_that_only_the_store_has(tmp_path: Path):
    study(tmp_path, 5).run(lambda traj: traj.f_add_result("z", traj.x), runs=[0])
    later = xpet.Environment("study", store=tmp_path, if_exists="continue")
    assert later.run(lambda traj: traj.x, runs=[3]) == [(3, 3)]
    with pytest.raises(ValueError, match="runs has 5, but the trajectory has the runs 0 to 4"):
        xpet.Environment("study", store=tmp_path, if_exists="continue").run(lambda traj: traj.x, runs=[5])


def test_failed_runs_alone_are_done_again(tmp_path):
    def fails_at_two(traj):
        if traj.x == 2:
            raise ValueError("no")
        return traj.x

    env = study(tmp_path / "s.zarr")
    with pytest.warns(UserWarning, match="1 of 4 runs failed"):
        env.run(fails_at_two, runs=range(4))
    again = study(tmp_path / "s.zarr")
    assert again.run(lambda traj: -traj.x, runs="failed") == [(2, -2)]
    assert again.run(lambda traj: -traj.x, runs="failed") == []
    assert again.run(lambda traj: -traj.x) == [(4, -4), (5, -5)]


def test_runs_of_the_jobs_own_go_by_partial(tmp_path):
    env = study(tmp_path / "s.zarr", n=2)
    assert env.run(functools.partial(takes_runs, runs=7), runs=[1]) == [(1, 7)]


# What it returns ------------------------------------------------------------------------------------------------------


def test_values_are_a_sequence_that_keeps_what_is_not_none():
    values = RunValues(np.arange(0, 10, 2), {2: "two", 4: 4.0})
    assert values == [(0, None), (2, "two"), (4, 4.0), (6, None), (8, None)]
    assert values[1] == (2, "two")
    assert values[-1] == (8, None)
    assert values[1:3] == [(2, "two"), (4, 4.0)]
    assert [("a", 1)] + values == [("a", 1), *values]  # noqa: RUF005
    assert values + [(9, 9)] == [*values, (9, 9)]  # noqa: RUF005
    assert type(values[0][0]) is int
    assert values != [(0, None)]
    assert dict(values)[2] == "two"
    assert repr(RunValues(range(1000), {})).endswith("… 900 more]")


def test_without_collecting_nothing_is_returned(tmp_path):
    env = study(tmp_path / "s.zarr", collect=False)
    assert env.run(lambda traj: traj.x) == []
    assert env.runs().status.tolist() == ["complete"] * 6


# How often, how long --------------------------------------------------------------------------------------------------

PLACES = [{}, {"multiproc": True, "ncores": 2}]


def flaky(traj, folder, times):
    """Fail so many times in each run of an odd number."""
    tries = Path(folder) / str(traj.v_idx)
    seen = len(tries.read_text()) if tries.exists() else 0
    if traj.x % 2 and seen < times:
        tries.write_text("x" * (seen + 1))
        raise OSError("no licence")
    traj.f_add_result("tries", seen)
    traj.f_add_result("u", traj.rng.random())


@pytest.mark.parametrize("where", PLACES, ids=["here", "processes"])
def test_failing_runs_are_tried_again(tmp_path, where):
    env = study(tmp_path / "s.zarr", retries=2, seed=1, **where)
    env.run(flaky, str(tmp_path), 2)
    assert env.dataset("flat").tries.values.tolist() == [0, 2, 0, 2, 0, 2]
    table = env.runs()
    assert table.attempt.tolist() == [1, 3, 1, 3, 1, 3]
    other = study(tmp_path / "t.zarr", seed=1)
    other.run(flaky, str(tmp_path), 0)
    assert env.dataset("flat").u.values.tolist() == other.dataset("flat").u.values.tolist()


@pytest.mark.parametrize("where", PLACES, ids=["here", "processes"])
def test_a_run_that_always_fails_is_tried_so_often_only(tmp_path, where):
    env = study(tmp_path / "s.zarr", retries=2, **where)
    with pytest.warns(UserWarning, match=r"3 of 6 runs failed \(runs 1, 3, 5\)"):
        env.run(flaky, str(tmp_path), 99)
    assert [len((tmp_path / str(run)).read_text()) for run in (1, 3, 5)] == [3, 3, 3]
    assert env.runs().status.tolist() == ["complete", "failed"] * 3


def test_runs_that_all_fail_stop_soon_however_often_they_may_be_tried(tmp_path):
    tries = []

    def job(traj):
        tries.append(traj.v_idx)
        raise ValueError("always")

    env = study(tmp_path / "s.zarr", n=1000, retries=2)
    with pytest.warns(UserWarning, match="all failed in the same way"):
        env.run(job)
    assert len(tries) == 3 * len(set(tries)) == 15


def test_runs_may_come_one_by_one(tmp_path):
    env = study(tmp_path / "s.zarr", n=4)
    assert [run for run, _ in env.run(slow, runs=(run for run in (2, 1)))] == [1, 2]


def test_an_error_stops_after_the_last_try(tmp_path):
    env = study(tmp_path / "s.zarr", retries=1, on_error="raise")
    with pytest.raises(xpet.RunFailures, match="no licence"):
        env.run(flaky, str(tmp_path), 99)
    assert len((tmp_path / "1").read_text()) == 2


def slow(traj, folder=None):
    if traj.x == 3 and (folder is None or not (Path(folder) / "slow").exists()):
        if folder is not None:
            (Path(folder) / "slow").touch()
        time.sleep(600)
    traj.f_add_result("z", traj.x)
    return traj.x


def test_a_run_that_takes_too_long_has_failed_and_no_other(tmp_path):
    env = study(tmp_path / "s.zarr", n=8, timeout=3.0, multiproc=True, ncores=2)
    with pytest.warns(UserWarning, match=r"1 of 8 runs failed \(run 3\).*TimeoutError: .*longer than the 3 s"):
        env.run(slow)
    assert env.runs().status.tolist() == ["complete"] * 3 + ["failed"] + ["complete"] * 4


def test_a_run_that_takes_too_long_is_tried_again(tmp_path):
    env = study(tmp_path / "s.zarr", n=8, timeout=3.0, retries=1, multiproc=True, ncores=1)
    assert env.run(slow, str(tmp_path)) == [(run, run) for run in range(8)]
    assert env.dataset("flat").z.values.tolist() == list(range(8))
    assert env.runs().attempt[3] == 2


def stuck(traj):
    """Hold the interpreter, as a library does that never lets other threads go on."""
    if traj.x == 1:
        import ctypes

        # A PyDLL keeps the lock of the interpreter while its function is at work.
        ctypes.PyDLL(None).sleep(600)


def test_a_run_that_lets_no_thread_go_on_is_ended_from_outside(tmp_path, monkeypatch):
    monkeypatch.setattr("xpet.run.processes.STUCK_SECONDS", 0.1)
    monkeypatch.setattr("xpet.run.processes.LONGEST_SECONDS", 0.1)
    env = study(tmp_path / "s.zarr", n=3, timeout=3.0, multiproc=True, ncores=1)
    with pytest.warns(UserWarning, match=r"1 of 3 runs failed \(run 1\).*TimeoutError"):
        env.run(stuck)
    assert env.runs().status.tolist() == ["complete", "failed", "complete"]
