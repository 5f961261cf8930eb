"""What every executor has to do, whoever made it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap
import threading
from collections.abc import Iterator
from concurrent.futures import Future, ProcessPoolExecutor, ThreadPoolExecutor
from contextlib import contextmanager
from multiprocessing import get_context
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pytest
import xarray as xr
from fixtures_processes import finish, start, study_within

import xpet
from xpet.testing import ExecutorContract

TESTS = Path(__file__).resolve().parents[1]
METHODS = ["spawn"] if sys.platform == "win32" else ["forkserver", "spawn"]
NEEDS_LOKY = "needs loky: pip install 'xpet[loky]'"
Options = dict[str, Any]


def measure(traj):
    traj.f_add_result("z", traj.x * 3)
    traj.f_add_result("noise", traj.rng.random(2) * traj.scale)
    return os.getpid()


def study(store, n=40, **options):
    env = xpet.Environment("study", store=str(store), seed=3, **options)
    env.traj.f_add_parameter("x", 0.0)
    env.traj.f_add_parameter("scale", np.array([1.0, 2.0]))
    env.traj.f_explore({"x": [float(run) for run in range(n)]})
    return env


@pytest.fixture(scope="module")
def expected(tmp_path_factory) -> xr.Dataset:
    """What `measure` leaves, done in this process."""
    env = study(tmp_path_factory.mktemp("expected") / "s.zarr")
    env.run(measure)
    return env.dataset("flat").load()


# The contract ---------------------------------------------------------------------------------------------------------


class Named(ExecutorContract):
    """An executor by its name."""

    how: ClassVar[Options]

    @contextmanager
    def opened(self) -> Iterator[Options]:
        yield {"ncores": 2, **self.how}


class Brief:
    """Leaves out what others show of the same code, as each study begins with new processes."""

    test_jobs_of_every_kind_travel = None
    test_a_failing_run_may_end_the_study = None
    test_runs_that_all_fail_alike_stop_soon = None
    test_a_journal_that_cannot_be_written_ends_the_study = None


class TestSerial(Named):
    how: ClassVar = {"executor": "serial"}
    is_here, is_parallel = True, False


class TestThread(Named):
    how: ClassVar = {"executor": "thread"}
    is_here = True


class TestProcess(Brief, Named):
    how: ClassVar = {"executor": "process"}


class TestProcessSpawned(Brief, Named):
    how: ClassVar = {"executor": "process", "start_method": "spawn"}
    test_a_killed_worker_loses_nothing = None


class TestLoky(Brief, Named):
    how: ClassVar = {"executor": "loky"}

    @pytest.fixture(autouse=True)
    def _loky(self):
        pytest.importorskip("loky", reason=NEEDS_LOKY)


class TestThreadPoolExecutor(ExecutorContract):
    is_here = True

    @contextmanager
    def opened(self) -> Iterator[Options]:
        with ThreadPoolExecutor(2) as executor:
            yield {"executor": executor, "ncores": 2}


class TestProcessPoolExecutor(ExecutorContract):
    outlives_its_workers = False
    method = METHODS[0]

    @contextmanager
    def opened(self) -> Iterator[Options]:
        with ProcessPoolExecutor(2, mp_context=get_context(self.method)) as executor:
            yield {"executor": executor, "ncores": 2}


class TestProcessPoolExecutorSpawned(Brief, TestProcessPoolExecutor):
    method = "spawn"


class TestDask(ExecutorContract):
    @contextmanager
    def opened(self) -> Iterator[Options]:
        distributed = pytest.importorskip("distributed", reason="dask.distributed is not installed")
        with (
            distributed.LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=":0") as cluster,
            distributed.Client(cluster) as client,
        ):
            yield {"executor": client}


# Workers that are no use ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("how", [{"executor": "thread"}, {"executor": "process"}, {"executor": "loky"}], ids=str)
def test_a_job_that_ends_its_worker_costs_its_run(how, tmp_path):
    if how["executor"] == "loky":
        pytest.importorskip("loky", reason=NEEDS_LOKY)

    def job(traj):
        if traj.x == 7:
            raise KeyboardInterrupt
        return traj.x

    env = study(tmp_path / "s.zarr", n=20, collect=False, ncores=2, **how)
    with pytest.warns(UserWarning, match=r"1 of 20 runs failed \(run 7\).*KeyboardInterrupt"):
        env.run(job)
    assert env.runs().status.tolist() == ["complete"] * 7 + ["failed"] + ["complete"] * 12


@pytest.mark.skipif(os.name == "nt", reason="there are no such signals")
def test_a_run_that_kills_every_worker_fails_and_no_other(tmp_path):
    pytest.importorskip("loky", reason=NEEDS_LOKY)

    def job(traj):
        if traj.x == 7:
            os.kill(os.getpid(), signal.SIGKILL)
        return traj.x

    env = study(tmp_path / "s.zarr", n=20, collect=False, executor="loky", ncores=2)
    with pytest.warns(UserWarning, match=r"1 of 20 runs failed \(run 7\).*WorkerDied"):
        env.run(job)
    assert env.runs().status.tolist() == ["complete"] * 7 + ["failed"] + ["complete"] * 12


class AnotherMachine:
    """An executor that has another folder in the place of this one."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def submit(self, function, /, *args):
        aside = self._folder.rename(self._folder.with_suffix(".aside"))
        future: Future[Any] = Future()
        try:
            future.set_result(function(*args))
        finally:
            aside.rename(self._folder)
        return future


def test_workers_that_see_other_files_end_the_study(tmp_path):
    env = study(tmp_path / "s.zarr", executor=AnotherMachine(tmp_path / "s.zarr"))
    with pytest.raises(OSError, match=r"does not find the trajectory at .*s.zarr/study; .*shared file system"):
        env.run(measure)
    assert set(env.runs().status) == {"new"}


# Scripts --------------------------------------------------------------------------------------------------------------

SCRIPT = """
import sys
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from dataclasses import dataclass
from multiprocessing import get_context
from fixtures_run import study

print("the script runs as", __name__, flush=True)
FACTOR = 3

@dataclass
class Answer:
    value: float

def job(traj):
    traj.add("z", FACTOR * traj.x)
    return Answer(FACTOR * traj.x)

summary = study(job, FOLDER, n=4, executor=EXECUTOR)
assert all(type(value) is Answer for _, value in summary.values), summary.values
print([value.value for _, value in summary.values])
"""
CALLS = {
    "thread": "'thread'",
    "loky": "'loky'",
    "ThreadPoolExecutor": "ThreadPoolExecutor(2)",
    **{f"ProcessPoolExecutor {method}": f"ProcessPoolExecutor(2, get_context({method!r}))" for method in METHODS},
}


@pytest.mark.parametrize("form", ["file", "standard input"])
@pytest.mark.parametrize("name", CALLS)
def test_a_script_without_a_guard_runs_once(name, form, tmp_path):
    if name == "loky":
        pytest.importorskip("loky", reason=NEEDS_LOKY)
    code = SCRIPT.replace("FOLDER", repr(str(tmp_path / "log"))).replace("EXECUTOR", CALLS[name])
    (tmp_path / "script.py").write_text(textwrap.dedent(code))
    done = subprocess.run(
        [sys.executable, "-W", "error", str(tmp_path / "script.py") if form == "file" else "-"],
        input=None if form == "file" else code,
        env=os.environ | {"PYTHONPATH": os.pathsep.join([str(TESTS), str(TESTS.parent)])},
        capture_output=True,
        text=True,
        timeout=100,
    )
    assert (done.stdout, done.stderr) == ("the script runs as __main__\n[0.0, 3.0, 6.0, 9.0]\n", "")


# What is refused ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("options", "error", "words"),
    [
        ({"executor": "scoop"}, ValueError, "'serial', 'thread', 'process', 'loky'"),
        ({"executor": 3}, TypeError, "executor is 3, which has no method submit"),
        ({"executor": ThreadPoolExecutor}, TypeError, r"the class ThreadPoolExecutor; give an object of it"),
        ({"executor": "serial", "multiproc": True}, ValueError, "executor='serial' has none"),
        ({"executor": "thread", "multiproc": True}, ValueError, "executor='thread' has none"),
        ({"executor": "thread", "start_method": "spawn"}, ValueError, "start_method='spawn' is for worker processes"),
        ({"executor": "loky", "start_method": "spawn"}, ValueError, "start_method='spawn' is for worker processes"),
        ({"executor": "thread", "timeout": 3}, ValueError, "timeout=3 .*executor='process'"),
        ({"executor": "loky", "timeout": 3}, ValueError, "timeout=3 .*executor='process'"),
        ({"executor": "thread", "ncores": -1}, ValueError, "ncores is -1"),
    ],
    ids=str,
)
def test_options_that_contradict_each_other_are_refused(options, error, words):
    with pytest.raises(error, match=words):
        xpet.Environment("refused", store="memory://refused", **options)


def test_a_store_in_memory_is_for_threads_and_no_other_process(expected):
    with pytest.raises(OSError, match=r"lives in this process only.*executor='thread'"):
        study("memory://executors", executor="loky").run(measure)
    env = study("memory://executors", executor="thread")
    env.run(measure)
    xr.testing.assert_identical(env.dataset("flat").load(), expected)


@pytest.mark.skipif(sys.platform == "win32", reason="needs a fork server")
def test_processes_of_loky_may_come_from_a_fork_server(tmp_path):
    pytest.importorskip("loky", reason=NEEDS_LOKY)
    code = """
        import sys
        import xpet
        from loky.backend.context import set_start_method
        set_start_method("forkserver")
        def double(x):
            return 2 * x
        print(xpet.sweep(double, {"x": [1.0, 2.0]}, store=sys.argv[1], executor="loky", ncores=2).double.values)
    """
    assert finish(start(code, str(tmp_path / "s.zarr"))).split() == ["[2.", "4.]"]


def test_loky_that_is_not_there_is_named(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "loky", None)
    with pytest.raises(ImportError, match=r"pip install 'xpet\[loky\]'"):
        study(tmp_path / "s.zarr", executor="loky").run(measure)


@pytest.mark.skipif(os.name == "nt", reason="there are no such signals")
def test_a_worker_of_dask_with_threads_that_dies_does_not_end_the_study(tmp_path, expected):
    distributed = pytest.importorskip("distributed", reason="dask.distributed is not installed")
    dask = pytest.importorskip("dask")

    def job(traj):
        if traj.x == 1:
            os.kill(os.getpid(), signal.SIGKILL)
            signal.pause()
        return measure(traj)

    # what a worker died over xpet tries again itself
    with (
        dask.config.set({"distributed.scheduler.allowed-failures": 0}),
        distributed.LocalCluster(n_workers=1, threads_per_worker=2, dashboard_address=":0") as cluster,
        distributed.Client(cluster) as client,
    ):
        env = study(tmp_path / "s.zarr", executor=client, collect=False)
        with pytest.warns(UserWarning, match="of 40 runs failed .*WorkerDied"):
            env.run(job)
    assert env.runs().status[1] == "failed"
    assert set(env.runs().status) == {"complete", "failed"}
    study(tmp_path / "s.zarr").run(measure)
    assert env.dataset("flat").drop_vars("run_status").identical(expected.drop_vars("run_status"))


@pytest.mark.parametrize("executor", ["process", "loky"])
def test_a_worker_of_loky_may_have_workers_of_its_own(executor, tmp_path):
    loky = pytest.importorskip("loky", reason=NEEDS_LOKY)
    with loky.ProcessPoolExecutor(1) as outer:
        assert outer.submit(study_within, str(tmp_path / "s.zarr"), executor).result() is False


@pytest.mark.parametrize("executor", ["process", "loky", "thread"])
def test_a_daemonic_process_is_told_that_it_may_have_no_workers(executor, tmp_path):
    if executor == "loky":
        pytest.importorskip("loky", reason=NEEDS_LOKY)
    with get_context(METHODS[0]).Pool(1) as outer:
        answer = outer.apply(study_within, (str(tmp_path / "s.zarr"), executor))
    if executor == "thread":
        assert answer is True
    else:
        assert answer.startswith(f"executor='{executor}' starts processes, which this one may not: it is daemonic")


@pytest.mark.parametrize(("executor", "what"), [("process", "xpet.run.processes.start"), ("loky", None)])
def test_processes_that_the_system_does_not_let_start_are_told(executor, what, tmp_path, monkeypatch, expected):
    def refuse(*args):
        raise OSError(24, "Too many open files")

    if what is None:
        loky = pytest.importorskip("loky", reason=NEEDS_LOKY)
        what = f"{loky.ProcessPoolExecutor.__module__}.ProcessPoolExecutor.submit"
    env = study(tmp_path / "s.zarr", executor=executor, ncores=2)
    with monkeypatch.context() as patched:
        patched.setattr(what, refuse)
        with pytest.raises(xpet.RunError, match=r"does not start \(OSError: .*Too many open.* with fewer workers"):
            env.run(measure)
    env.run(measure)
    assert env.dataset("flat").load().identical(expected)


def test_what_an_executor_left_undone_is_counted_and_done_by_the_next_call(tmp_path, expected):
    class Closing:
        """As dask's client and multiprocessing's pools, it raises what it likes once it is closed."""

        def __init__(self):
            self.calls = 0

        def submit(self, function, /, *args):
            self.calls += 1
            if self.calls > 2:
                raise OSError("it is closed")
            future = Future()
            future.set_result(function(*args))
            return future

    env = study(tmp_path / "s.zarr", executor=Closing())
    with pytest.raises(xpet.RunError, match=r"Closing .* takes no blocks of runs \(OSError: it is closed\)") as caught:
        env.run(measure)
    complete = (env.runs().status == "complete").sum()
    assert complete >= 2
    assert caught.value.__notes__ == [
        f"Interrupted: {complete} runs are complete and stored, {40 - complete} are left; running again does only what "
        "is not complete."
    ]
    again = study(tmp_path / "s.zarr")
    assert len(again.run(measure)) == 40 - complete
    assert again.dataset("flat").load().identical(expected)


def test_a_sweep_takes_an_executor(tmp_path):
    ds = xpet.sweep(
        lambda x: x * threading.active_count(), {"x": [0.0]}, tmp_path / "s.zarr", name="f", executor="thread"
    )
    assert ds.f.values.tolist() == [0.0]


@pytest.mark.parametrize(
    "options", [{"executor": "thread"}, {"executor": "loky"}], ids=lambda options: options["executor"]
)
def test_an_object_store_takes_what_they_write(options, bucket_store, expected):
    if options["executor"] == "loky":
        pytest.importorskip("loky", reason=NEEDS_LOKY)
    env = study(bucket_store.url, storage_options=bucket_store.storage_options, ncores=2, **options)
    env.run(measure)
    xr.testing.assert_identical(env.dataset("flat").load(), expected)
