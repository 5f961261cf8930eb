"""Ctrl-C, and a coordinator that is killed."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from fixtures_run import FileJournal

from xpet.run import loop

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="POSIX signals and process groups")

TESTS = Path(__file__).resolve().parents[1]
SOON = 30.0
"""Half of what a long run takes: far more than an end takes on a busy machine, and no wait for the run."""

# seven quick runs, then long ones
SCRIPT = """
import json, os, sys, threading, time
import cloudpickle
from fixtures_run import FileJournal, study
from xpet.run import loop, processes

folds = []
fold = FileJournal.fold
FileJournal.fold = lambda self: folds.append(len(self.complete()))

def job(traj):
    traj.add("z", traj.x)
    if traj.v_idx >= 7:
        with open(os.path.join(FOLDER, f"busy-{os.getpid()}-{threading.get_ident()}"), "w"):
            pass
        time.sleep(LONG)

FOLDER, EXECUTOR, METHOD, LONG, loop.INTERRUPT_SECONDS = json.loads(sys.argv[1])
with open(os.path.join(FOLDER, "loaded"), "w"):
    pass
try:
    study(job, os.path.join(FOLDER, "log"), n=100, executor=EXECUTOR, start_method=METHOD)
except KeyboardInterrupt:
    print("folded", *folds[-1:], flush=True)
    raise
"""

EXECUTORS = [("serial", None), ("thread", None), ("process", "forkserver"), ("process", "spawn"), ("process", "fork")]


class Study:
    """The script as a process group of its own, its workers in the long runs."""

    def __init__(self, folder, name, method, long, waits, grace):
        given = json.dumps([str(folder), name, method, long, grace])
        path = os.pathsep.join([str(TESTS), str(TESTS.parent)])
        self.folder = folder
        self.process = subprocess.Popen(
            [sys.executable, "-W", "error", "-c", SCRIPT, given],
            env=os.environ | {"PYTHONPATH": path},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
        expected = (1 if name == "serial" else 2) if waits else 0
        self.wait_for(lambda: len(list(folder.glob("busy-*"))) >= expected)

    def wait_for(self, condition, seconds=SOON):
        end = time.monotonic() + seconds
        while not condition():
            assert time.monotonic() < end, (
                self.process.communicate(timeout=1) if self.process.poll() else "waited too long"
            )
            time.sleep(0.02)

    def is_gone(self):
        """Whether no process of the group is left, but for those that nobody has buried yet."""
        try:
            os.killpg(self.process.pid, 0)
        except ProcessLookupError:
            return True
        states = []
        for file in Path("/proc").glob("[0-9]*/stat"):
            try:
                state, _, group = file.read_text().rpartition(")")[2].split()[:3]
            except OSError:
                continue
            if int(group) == self.process.pid:
                states.append(state)
        return bool(states) and set(states) <= {"Z"}

    def end(self):
        out, err = self.process.communicate(timeout=SOON)
        return out, err


@pytest.fixture
def begin(tmp_path):
    begun = []

    def start(name, method, long=60.0, waits=True, grace=loop.INTERRUPT_SECONDS):
        begun.append(Study(tmp_path, name, method, long, waits, grace))
        return begun[-1]

    yield start
    for study in begun:
        if not study.is_gone():
            os.killpg(study.process.pid, signal.SIGKILL)
        study.process.communicate(timeout=SOON)


def check_interrupted(study, began):
    out, err = study.end()
    assert time.monotonic() - began < SOON
    assert study.process.returncode in (-signal.SIGINT, 130)
    assert err.count("Traceback (most recent call last)") == 1
    assert err.rstrip().endswith("KeyboardInterrupt")
    complete = FileJournal(study.folder / "log").complete()
    assert set(complete) >= set(range(7))
    assert out.split() == ["folded", str(len(complete))]
    study.wait_for(study.is_gone)


@pytest.mark.parametrize("to", ["alone", "group"])
@pytest.mark.parametrize(("name", "method"), [*EXECUTORS, ("loky", None)])
def test_an_interrupt_ends_a_study_soon(begin, name, method, to):
    if name == "loky":
        pytest.importorskip("loky", reason="needs loky: pip install 'xpet[loky]'")
    study = begin(name, method)
    began = time.monotonic()
    (os.kill if to == "alone" else os.killpg)(study.process.pid, signal.SIGINT)
    check_interrupted(study, began)
    assert FileJournal(study.folder / "log").complete() == list(range(7))


def test_runs_that_are_nearly_done_are_kept(begin):
    study = begin("process", "forkserver", 0.3, grace=SOON)
    began = time.monotonic()
    os.killpg(study.process.pid, signal.SIGINT)
    check_interrupted(study, began)
    assert len(FileJournal(study.folder / "log").complete()) >= 9


def test_two_interrupts_end_it_as_well(begin):
    study = begin("process", "forkserver")
    began = time.monotonic()
    os.killpg(study.process.pid, signal.SIGINT)
    time.sleep(0.1)
    os.killpg(study.process.pid, signal.SIGINT)
    _, err = study.end()
    assert time.monotonic() - began < SOON
    assert "KeyboardInterrupt" in err
    study.wait_for(study.is_gone)


@pytest.mark.parametrize(("name", "method"), [*EXECUTORS, ("loky", None)])
def test_no_worker_outlives_a_coordinator_that_is_killed(begin, name, method):
    if name == "loky":
        pytest.importorskip("loky", reason="needs loky: pip install 'xpet[loky]'")
    study = begin(name, method)
    study.process.kill()
    study.process.wait(SOON)
    study.wait_for(study.is_gone)
    assert FileJournal(study.folder / "log").complete() == list(range(7))
    _, err = study.end()
    assert "Traceback" not in err


@pytest.mark.parametrize("delay", [0.0, 0.05, 0.1, 0.2])
@pytest.mark.parametrize("method", ["forkserver", "spawn"])
def test_an_interrupt_during_the_start_is_quiet(begin, method, delay):
    study = begin("process", method, waits=False)
    # before that, it is the interpreter that is interrupted
    study.wait_for((study.folder / "loaded").exists)
    time.sleep(delay)
    os.killpg(study.process.pid, signal.SIGINT)
    _, err = study.end()
    assert err.count("Traceback (most recent call last)") <= 1, err
    study.wait_for(study.is_gone)
