"""What every executor has to do, whoever made it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor, ThreadPoolExecutor
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import xarray as xr

import xpet

TESTS = Path(__file__).resolve().parents[1]
METHODS = ["spawn"] if sys.platform == "win32" else ["forkserver", "spawn"]
Options = dict[str, Any]


@dataclass(frozen=True)
class Case:
    """An executor: the options that Environment gets, and what is to be expected of it."""

    open: Callable[[], AbstractContextManager[Options]]
    is_here: bool = False
    goes_on: bool = True


@contextmanager
def futures(method: str) -> Iterator[Options]:
    with ProcessPoolExecutor(2, mp_context=get_context(method)) as executor:
        yield {"executor": executor, "ncores": 2}


@contextmanager
def threads() -> Iterator[Options]:
    with ThreadPoolExecutor(2) as executor:
        yield {"executor": executor, "ncores": 2}


@contextmanager
def loky() -> Iterator[Options]:
    pytest.importorskip("loky", reason="needs loky: pip install 'xpet[loky]'")
    yield {"executor": "loky", "ncores": 2}


@contextmanager
def dask() -> Iterator[Options]:
    distributed = pytest.importorskip("distributed", reason="dask.distributed is not installed")
    with (
        distributed.LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=None) as cluster,
        distributed.Client(cluster) as client,
    ):
        yield {"executor": client}


def named(**options: Any) -> Callable[[], AbstractContextManager[Options]]:
    return lambda: nullcontext(options)


CASES = {
    "serial": Case(named(executor="serial"), is_here=True),
    "thread": Case(named(executor="thread", ncores=2), is_here=True),
    **{f"process {method}": Case(named(executor="process", ncores=2, start_method=method)) for method in METHODS},
    "loky": Case(loky),
    "ThreadPoolExecutor": Case(threads, is_here=True),
    **{
        f"ProcessPoolExecutor {method}": Case(lambda method=method: futures(method), goes_on=False)
        for method in METHODS
    },
    "dask": Case(dask),
}
HERE = [name for name, case in CASES.items() if case.is_here]
#: those over futures, and of these those that begin a study at once
FUTURES = [name for name in CASES if name.split()[0] not in ("serial", "process")]
QUICK = [name for name in FUTURES if name not in ("loky", "ProcessPoolExecutor spawn")] if len(METHODS) > 1 else FUTURES
GOES_ON = [name for name in ("process forkserver", "process spawn", "loky", "dask") if name in CASES]
BREAKS = [name for name, case in CASES.items() if not case.goes_on]


@pytest.fixture(scope="module")
def executor(request) -> Iterator[Options]:
    """The options of an executor, which serves all tests of this module that leave it whole."""
    with CASES[request.param].open() as options:
        yield options


def each(names):
    return pytest.mark.parametrize("executor", names, ids=names, indirect=True)


def study(store, n=40, name="study", **options):
    env = xpet.Environment(name, store=str(store), seed=3, **options)
    env.traj.f_add_parameter("x", 0.0)
    env.traj.f_add_parameter("scale", np.array([1.0, 2.0]))
    env.traj.f_explore({"x": [float(run) for run in range(n)]})
    return env


def measure(traj):
    traj.f_add_result("z", traj.x * 3)
    traj.f_add_result("noise", traj.rng.random(2) * traj.scale)
    traj.f_add_result("text", f"x is {traj.x}")
    return os.getpid()


@pytest.fixture(scope="module")
def expected(tmp_path_factory) -> xr.Dataset:
    """What `measure` leaves, done in this process."""
    env = study(tmp_path_factory.mktemp("expected") / "s.zarr")
    env.run(measure)
    return env.dataset("flat").load()


def check_same(found: xr.Dataset, expected: xr.Dataset) -> None:
    xr.testing.assert_identical(found.load(), expected)
    assert all(found[name].values.tobytes() == expected[name].values.tobytes() for name in ("z", "noise"))


@each(CASES)
def test_results_are_the_same_to_the_last_bit_whatever_fails_and_is_done_again(executor, request, tmp_path, expected):
    def job(traj, fails):
        tries = tmp_path / str(traj.v_idx)
        if traj.x in fails and not (traj.x == 17 and tries.exists()):
            tries.touch()
            raise ValueError(f"{traj.x} is bad")
        return measure(traj)

    env = study(tmp_path / "s.zarr", retries=1, **executor)
    with pytest.warns(UserWarning, match=r"1 of 40 runs failed \(run 13\).*ValueError: 13\.0 is bad"):
        returned = env.run(job, fails=[13, 17])
    assert [run for run, _ in returned] == [run for run in range(40) if run != 13]
    is_here = request.node.callspec.params["executor"] in HERE
    assert (os.getpid() in {pid for _, pid in returned}) == is_here
    assert "13.0 is bad" in env.runs().error[13]
    assert len(env.run(job, [])) == 1
    assert env.runs().attempt[17] == 2
    check_same(env.dataset("flat"), expected)


@each(FUTURES)
def test_two_runs_are_done_at_the_same_time(executor, tmp_path):
    folder = tmp_path / "met"
    folder.mkdir()

    def meet(traj):
        import time

        (folder / str(traj.v_idx)).touch()
        end = time.monotonic() + 60
        while len(list(folder.iterdir())) < 2:
            assert time.monotonic() < end
            time.sleep(0.01)
        return os.getpid(), threading.get_ident()

    assert len({where for _, where in study(tmp_path / "s.zarr", n=2, **executor).run(meet)}) == 2


@each(QUICK)
def test_jobs_of_every_kind_travel(executor, tmp_path):
    class Local:
        def __init__(self, value):
            self.value = value

        def __call__(self, traj, factor):
            return factor * traj.x + self.value

    offset = 100
    env = study(tmp_path / "s.zarr", n=3, **executor)
    assert env.run(lambda traj, factor: traj.x * factor + offset, 5) == [(0, 100.0), (1, 105.0), (2, 110.0)]
    again = study(tmp_path / "s.zarr", n=3, name="again", **executor)
    assert again.run(Local(7), factor=2) == [(0, 7.0), (1, 9.0), (2, 11.0)]
    none = study(tmp_path / "s.zarr", n=3, name="none", collect=False, **executor)
    assert none.run(lambda traj: traj.x) == []


def odd_fails(traj):
    if traj.x % 2:
        raise ValueError(f"{traj.x} is odd")
    traj.f_add_result("z", traj.x)


@each(QUICK)
@pytest.mark.parametrize("on_error", ["stop", "raise"])
def test_a_failing_run_may_end_the_study(executor, tmp_path, on_error):
    env = study(tmp_path / "s.zarr", n=1000, on_error=on_error, **executor)
    if on_error == "stop":
        with pytest.warns(UserWarning, match="runs were not begun"):
            env.run(odd_fails)
    else:
        with pytest.raises(xpet.RunFailures, match=r"\d\.0 is odd") as caught:
            env.run(odd_fails)
        assert {type(error) for error in caught.value.exceptions} == {ValueError}
    counts = env.runs().status.value_counts()
    assert 1 <= counts["failed"] <= 2
    assert counts["new"] > 0


@each(QUICK)
def test_runs_that_all_fail_alike_stop_soon(executor, tmp_path):
    env = study(tmp_path / "s.zarr", n=1000, **executor)
    with pytest.warns(UserWarning, match="all failed in the same way"):
        env.run(lambda traj: 1 / 0)
    assert (env.runs().status == "failed").sum() < 10


@each(QUICK)
def test_a_job_that_ends_its_worker_costs_its_run(executor, tmp_path):
    def job(traj):
        if traj.x == 7:
            raise KeyboardInterrupt
        return traj.x

    env = study(tmp_path / "s.zarr", n=20, collect=False, **executor)
    with pytest.warns(UserWarning, match=r"1 of 20 runs failed \(run 7\).*KeyboardInterrupt"):
        env.run(job)
    assert env.runs().status.tolist() == ["complete"] * 7 + ["failed"] + ["complete"] * 12


@each(QUICK)
def test_a_full_disk_ends_the_study(executor, tmp_path, monkeypatch, expected):
    # a file where the packets of workers go
    env = study(tmp_path / "s.zarr", **executor)
    env.traj.f_store()
    packets = tmp_path / "s.zarr" / "study" / "_xpet" / "journal" / "packet"
    packets.parent.mkdir(parents=True, exist_ok=True)
    packets.touch()
    with pytest.raises(OSError, match="packet"):
        env.run(measure)
    packets.unlink()
    env.run(measure)
    check_same(env.dataset("flat"), expected)


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


# A killed worker ------------------------------------------------------------------------------------------------------

no_signals = pytest.mark.skipif(os.name == "nt", reason="there are no such signals")


def killed_once(folder):
    """A job that notes its calls, and whose worker is killed in run 5, the first time."""

    def job(traj):
        with open(folder / "calls", "a") as file:
            file.write(f"{traj.v_idx}\n")
        if traj.x == 5 and not (folder / "killed").exists():
            (folder / "killed").touch()
            os.kill(os.getpid(), signal.SIGKILL)
        return measure(traj)

    return job


@no_signals
@each(GOES_ON)
def test_a_killed_worker_costs_nothing(executor, tmp_path, expected):
    env = study(tmp_path / "s.zarr", collect=False, **executor)
    env.run(killed_once(tmp_path))
    assert (tmp_path / "killed").exists()
    check_same(env.dataset("flat"), expected)


@no_signals
@pytest.mark.parametrize("name", BREAKS)
def test_what_an_executor_did_before_it_broke_is_kept(name, tmp_path, expected):
    job = killed_once(tmp_path)
    with CASES[name].open() as options:
        env = study(tmp_path / "s.zarr", **options)
        with pytest.raises(
            xpet.RunError, match=r"ProcessPoolExecutor.* is broken .*every finished run is kept"
        ) as caught:
            env.run(job)
    assert "it was at runs" in str(caught.value)
    missing = [run for run, status in enumerate(env.runs().status) if status != "complete"]
    assert 5 in missing
    assert len(missing) < 40
    (tmp_path / "calls").unlink()
    again = study(tmp_path / "s.zarr")
    again.run(job)
    assert sorted(map(int, (tmp_path / "calls").read_text().split())) == missing
    check_same(again.dataset("flat"), expected)


@no_signals
@each(["loky"])
def test_a_run_that_kills_every_worker_fails_and_no_other(executor, tmp_path):
    def job(traj):
        if traj.x == 7:
            os.kill(os.getpid(), signal.SIGKILL)
        return traj.x

    env = study(tmp_path / "s.zarr", n=20, collect=False, **executor)
    with pytest.warns(UserWarning, match=r"1 of 20 runs failed \(run 7\).*WorkerDied"):
        env.run(job)
    assert env.runs().status.tolist() == ["complete"] * 7 + ["failed"] + ["complete"] * 12


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
        pytest.importorskip("loky", reason="needs loky: pip install 'xpet[loky]'")
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
    check_same(env.dataset("flat"), expected)


def test_loky_that_is_not_there_is_named(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "loky", None)
    with pytest.raises(ImportError, match=r"pip install 'xpet\[loky\]'"):
        study(tmp_path / "s.zarr", executor="loky").run(measure)


def test_a_sweep_takes_an_executor(tmp_path):
    ds = xpet.sweep(
        lambda x: x * threading.active_count(), {"x": [0.0]}, tmp_path / "s.zarr", name="f", executor="thread"
    )
    assert ds.f.values.tolist() == [0.0]


@pytest.mark.parametrize(
    "options", [{"executor": "thread"}, {"executor": "loky"}], ids=lambda options: options["executor"]
)
def test_an_object_store_takes_what_they_write(options, s3_store, expected):
    if options["executor"] == "loky":
        pytest.importorskip("loky", reason="needs loky: pip install 'xpet[loky]'")
    env = study(s3_store.url, storage_options=s3_store.storage_options, ncores=2, **options)
    env.run(measure)
    check_same(env.dataset("flat"), expected)
