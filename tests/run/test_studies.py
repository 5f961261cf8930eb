"""Whole studies on every executor."""

from __future__ import annotations

import os
import sys
import threading
import time
import traceback
from multiprocessing import connection
from pathlib import Path

import pytest
from fixtures_run import FileJournal, PlainTree, study

from xpet.errors import RunError, RunFailures
from xpet.run.blocks import Block
from xpet.run.job import Job
from xpet.run.pools import Done, open_pool
from xpet.run.ports import PackerSpec
from xpet.run.worker import Task

METHODS = ["spawn"] if sys.platform == "win32" else ["forkserver", "spawn", "fork"]
EXECUTORS = [("serial", None), *(("process", method) for method in METHODS)]
PROCESSES = EXECUTORS[1:]


def ids(pair):
    return " ".join(filter(None, pair))


@pytest.fixture(params=EXECUTORS, ids=ids)
def executor(request):
    name, method = request.param
    if method == "fork" and sys.version_info >= (3, 12) and threading.active_count() > 1:
        pytest.skip("forking a process that has threads warns")
    return {"executor": name, "start_method": method}


@pytest.fixture(params=PROCESSES, ids=ids)
def processes(request):
    name, method = request.param
    return {"executor": name, "start_method": method}


def square(traj):
    traj.add("z", traj.x**2)
    return traj.v_idx if traj.v_idx % 2 else None


def test_results_and_values(executor, tmp_path):
    summary = study(square, tmp_path, n=40, **executor)
    journal = FileJournal(tmp_path)
    assert {r["run"]: r["values"]["z"] for r in journal.records()} == {i: float(i) ** 2 for i in range(40)}
    assert summary.values == [(i, i) for i in range(1, 40, 2)]
    assert (summary.n_complete, summary.failed, summary.n_left, summary.warnings) == (40, [], 0, [])
    here = {record["pid"] for record in journal.records()} == {os.getpid()}
    assert here == (executor["executor"] == "serial")


def test_only_the_runs_that_are_asked_for(executor, tmp_path):
    study(square, tmp_path, n=10, runs=[7, 2, 9], **executor)
    assert {r["run"]: r["values"]["z"] for r in FileJournal(tmp_path).records()} == {7: 49.0, 2: 4.0, 9: 81.0}


def test_closures_with_arguments(executor, tmp_path):
    offset = 100

    def job(traj, factor):
        traj.add("z", traj.x * factor + offset)

    study(job, tmp_path, n=3, args=[5], **executor)
    assert [r["values"]["z"] for r in sorted(FileJournal(tmp_path).records(), key=lambda r: r["run"])] == [
        100,
        105,
        110,
    ]


def test_both_workers_work_at_the_same_time(processes, tmp_path):
    def meet(traj):
        (folder / f"{traj.v_idx}").touch()
        end = time.monotonic() + 20
        while len(list(folder.iterdir())) < 2 and time.monotonic() < end:
            time.sleep(0.01)
        return os.getpid()

    folder = tmp_path / "meet"
    folder.mkdir()
    summary = study(meet, tmp_path / "log", n=2, **processes)
    assert len({pid for _, pid in summary.values} | {os.getpid()}) == 3


# failing


def odd_fails(traj):
    if traj.x % 2:
        raise ValueError(f"{traj.x} is odd")
    traj.add("z", traj.x)


@pytest.mark.parametrize("on_error", ["continue", "stop", "raise"])
def test_on_error(executor, tmp_path, on_error):
    def go():
        return study(odd_fails, tmp_path, n=30, on_error=on_error, **executor)

    if on_error == "raise":
        with pytest.raises(RunFailures, match=r"\d\.0 is odd") as caught:
            go()
        for error in caught.value.exceptions:
            assert type(error) is ValueError
            (note,) = error.__notes__
            assert note.startswith(f"This was run {float(str(error).split()[0]):.0f}")
            where = note if error.__traceback__ is None else "".join(traceback.format_exception(error))
            assert "in odd_fails" in where
    else:
        summary = go()
        assert summary.stopped_because == (None if on_error == "continue" else "error")
        assert "ValueError" in summary.sentence()
    journal = FileJournal(tmp_path)
    failed = sorted(journal.failed())
    assert journal.failed()[failed[0]].rstrip().endswith(f"ValueError: {failed[0]}.0 is odd")
    if on_error == "continue":
        assert failed == list(range(1, 30, 2))
        assert journal.complete() == list(range(0, 30, 2))
    else:
        assert 1 <= len(failed) <= 2
        assert len(failed) + len(journal.complete()) < 30


def test_all_alike(executor, tmp_path):
    summary = study(lambda traj: 1 / 0, tmp_path, n=10, **executor)
    assert summary.stopped_because == "alike"
    assert summary.failed == sorted(FileJournal(tmp_path).failed())
    assert len(summary.failed) < 10


def test_a_full_disk_stops_the_study(executor, tmp_path):
    with pytest.raises(OSError, match="No space left") as caught:
        study(lambda traj: traj.add("z", "full" if traj.v_idx == 20 else 1), tmp_path, n=10**5, **executor)
    assert caught.value.errno == 28
    journal = FileJournal(tmp_path)
    assert journal.failed() == {}
    assert len(journal.complete()) < 10**5


def test_a_value_that_does_not_pickle(processes, tmp_path):
    summary = study(lambda traj: threading.Lock() if traj.x == 1 else traj.x, tmp_path, n=3, **processes)
    assert summary.values == [(0, 0.0), (2, 2.0)]
    assert summary.n_complete == 3
    assert len(summary.warnings) == 1
    assert "run 1 returned" in summary.warnings[0]


def test_a_job_that_does_not_pickle_is_refused_before_anything_starts(processes, tmp_path):
    lock = threading.Lock()
    with pytest.raises(TypeError, match="`lock` of its closure"):
        study(lambda traj: lock.locked(), tmp_path, **processes)


def test_a_job_that_the_workers_cannot_load(processes, tmp_path):
    with pytest.raises(ModuleNotFoundError, match="gone_by_then") as caught:
        study(square, tmp_path, args=[Unloadable()], **processes)
    assert "A worker could not load the job" in caught.value.__notes__[0]


class Unloadable:
    def __reduce__(self):
        return (__import__, ("gone_by_then",))


# dying


def dies(how):
    def job(traj):
        if traj.x in (3.0, 17.0):
            if how == "SIGKILL":
                os.kill(os.getpid(), 9)
            os._exit(7)
        traj.add("z", traj.x)
        return traj.v_idx

    return job


@pytest.mark.parametrize(
    ("how", "reason"),
    [
        pytest.param(
            "SIGKILL", "SIGKILL", marks=pytest.mark.skipif(os.name == "nt", reason="there are no such signals")
        ),
        ("_exit", "exit code 7"),
    ],
)
def test_a_worker_that_dies_costs_only_the_run_it_dies_in(processes, tmp_path, how, reason):
    summary = study(dies(how), tmp_path, n=40, **processes)
    journal = FileJournal(tmp_path)
    assert summary.failed == sorted(journal.failed()) == [3, 17]
    assert journal.complete() == [i for i in range(40) if i not in (3, 17)]
    assert all(reason in error and "worker process died" in error for error in journal.failed().values())
    assert reason in summary.sentence()


def test_a_study_whose_workers_all_die_stops(processes, tmp_path):
    summary = study(lambda traj: os._exit(9), tmp_path, n=1000, **processes)
    assert summary.stopped_because == "alike"
    assert len(summary.failed) < 10


def test_a_crash_that_does_not_repeat_costs_nothing(processes, tmp_path):
    def job(traj):
        if traj.x == 5.0 and not flag.exists():
            flag.touch()
            os._exit(1)
        traj.add("z", traj.x)

    flag = tmp_path / "flag"
    summary = study(job, tmp_path / "log", n=20, **processes)
    assert summary.failed == []
    assert FileJournal(tmp_path / "log").complete() == list(range(20))


def test_workers_that_do_not_come_up_end_the_study(processes, tmp_path):
    # unpickling an argument kills the worker
    with pytest.raises(RunError, match="do not come up"):
        study(square, tmp_path, args=[Deadly()], **processes)


class Deadly:
    def __reduce__(self):
        return (os._exit, (11,))


# workers


def test_workers_import_neither_xarray_nor_zarr_nor_pandas(tmp_path):
    summary = study(lambda traj: sorted(sys.modules), tmp_path, n=1, executor="process", workers=1)
    modules = {name.partition(".")[0] for name in summary.values[0][1]}
    assert not modules & {"xarray", "zarr", "pandas", "dask", "fsspec", "numpy"}


def test_workers_see_the_present_environment_path_and_folder(processes, tmp_path, monkeypatch):
    monkeypatch.setenv("XPET_TEST_OF_NOW", str(tmp_path))
    monkeypatch.delenv("HOME", raising=False)
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.chdir(tmp_path)
    (tmp_path / "beside_the_script.py").write_text("answer = 42")

    def job(traj):
        import beside_the_script

        return beside_the_script.answer, os.environ["XPET_TEST_OF_NOW"], "HOME" in os.environ, os.getcwd()

    summary = study(job, tmp_path / "log", n=1, **processes)
    assert summary.values == [(0, (42, str(tmp_path), False, str(tmp_path)))]


def test_jobs_may_start_processes_of_their_own(processes, tmp_path):
    def job(traj):
        import subprocess

        return int(subprocess.run([sys.executable, "-c", "print(6 * 7)"], capture_output=True, timeout=20).stdout)

    assert study(job, tmp_path, n=2, **processes).values == [(0, 42), (1, 42)]


def task(tmp_path):
    return Task(PlainTree(x=[0.0]), Job(square), PackerSpec("fixtures_run:FilePacker", (str(tmp_path),)))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"executor": "scoop"}, "There is no executor 'scoop'; choose one of 'serial', 'thread', 'process', 'loky'"),
        ({"executor": "process", "workers": 0}, "at least 1, not 0"),
        ({"executor": "process", "start_method": "teleport"}, "start_method is one of"),
    ],
    ids=["name", "workers", "start method"],
)
def test_bad_options(tmp_path, options, message):
    with pytest.raises(ValueError, match=message):
        open_pool(task=task(tmp_path), **options)


def test_a_pool_can_be_closed_twice_and_leaves_no_process(processes, tmp_path):
    import multiprocessing

    pool = open_pool("process", task(tmp_path), 2, processes["start_method"])
    assert len(multiprocessing.active_children()) == 2
    pool.close(5.0)
    pool.close(5.0)
    assert multiprocessing.active_children() == []


def test_a_worker_is_not_late_that_was_not_listened_to(tmp_path, monkeypatch):
    """A fold may take longer than a run may, while the report of a run that was in time waits."""
    pool = open_pool("process", task(tmp_path)._replace(timeout=600.0), 1)
    try:
        pool.submit(Block(0, [0], ([1.0],)))
        while not pool.wait(60.0):
            pass
        pool.submit(Block(1, [1], ([2.0],)))
        pool.submit(Block(2, [2], ([3.0],)))
        assert connection.wait([pool._members[0].reports], 60.0)
        monkeypatch.setattr("xpet.run.processes.monotonic", lambda: time.monotonic() + 10_000)
        outcomes = pool.wait(60.0)
        while len(outcomes) < 2:
            outcomes += pool.wait(60.0)
        assert [type(outcome) for outcome in outcomes] == [Done, Done]
    finally:
        pool.close(5.0)


def test_files_of_the_journal_are_of_few_processes(processes, tmp_path):
    study(square, tmp_path, n=200, **processes)
    assert len({Path(file).name.partition("-")[0] for file in tmp_path.glob("*.log")}) <= 2
