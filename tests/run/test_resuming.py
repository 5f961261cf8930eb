"""Going on: with the same job, in another process, and after a Ctrl-C that lets runs end."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import pytest
from fixtures_processes import ROOT, finish, start

import xpet
from xpet.errors import CorruptStoreError, DataNotInStorageError
from xpet.store.place import open_place, resolve


def study(store, **options):
    env = xpet.Environment("study", store=str(store), **options)
    env.traj.f_add_parameter("x", 0)
    env.traj.f_explore({"x": list(range(6))})
    return env


def job(traj, offset, factor=1):
    return (traj.x + offset) * factor


# With the job that was run last ---------------------------------------------------------------------------------------


def test_the_job_of_this_process_goes_on_with_its_arguments(tmp_path):
    env = study(tmp_path / "s.zarr")
    env.run(job, 10, factor=2, runs=[0, 1])
    assert env.resume() == [(2, 24), (3, 26), (4, 28), (5, 30)]
    assert env.resume() == []


@pytest.mark.parametrize("whose", ["name", "trajectory"])
def test_a_new_process_takes_the_job_from_the_store(tmp_path, whose):
    store = tmp_path / "s.zarr"
    finish(start(
        """
        import sys, xpet
        env = xpet.Environment("study", store=sys.argv[1], resumable=True, seed=3)
        env.traj.f_add_parameter("x", 0)
        env.traj.f_add_derived_parameter("shift", 100)
        env.traj.f_explore({"x": list(range(6))})
        env.run(lambda traj, offset: traj.x + offset + traj.shift, 10, runs=[1])
        """, str(store)
    ))  # fmt: skip
    given = "study" if whose == "name" else xpet.load_trajectory("study", store=str(store))
    env = xpet.Environment(given, store=str(store), allow_pickle=True)
    assert [value for _, value in env.resume()] == [110, 112, 113, 114, 115]
    assert env.traj.v_seed == 3
    assert len(env.traj) == 6
    # All is done, so that the job is forgotten.
    with pytest.raises(ValueError, match="resumable=True or has done all runs"):
        xpet.Environment("study", store=str(store), allow_pickle=True).resume()


def test_another_trajectory_of_the_store_can_be_named(tmp_path):
    study(tmp_path / "s.zarr", resumable=True).run(job, 1, runs=[0])
    env = xpet.Environment("other", store=str(tmp_path / "s.zarr"), allow_pickle=True)
    assert len(env.resume("study")) == 5
    assert env.traj.v_name == "study"


def test_what_the_environment_was_given_holds_for_what_it_resumes(tmp_path):
    def leave(traj):
        traj.f_add_result("$mine.z", traj.x.f_get())

    given = {"wildcard_functions": {("$mine", "mine"): lambda run: f"mine_{run}"}, "v_fast_access": False}
    study(tmp_path / "s.zarr", resumable=True, seed=1, **given).run(leave, runs=[0])
    env = xpet.Environment("study", store=str(tmp_path / "s.zarr"), allow_pickle=True, **given)
    assert len(env.resume()) == 5
    assert env.traj.results.mine_4.z.f_get() == 4
    assert env.traj.results.mine_0.z.f_get() == 0
    with pytest.raises(TypeError, match="have the seed 1, which cannot change now"):
        xpet.Environment("study", store=str(tmp_path / "s.zarr"), allow_pickle=True, seed=2).resume()


def test_a_job_may_be_kept_for_good(tmp_path):
    study(tmp_path / "s.zarr", resumable=True, delete_resume=False).run(job, 1)
    assert xpet.Environment("study", store=str(tmp_path / "s.zarr"), allow_pickle=True).resume() == []


def test_pickles_are_read_only_by_who_asks_for_it(tmp_path):
    study(tmp_path / "s.zarr", resumable=True).run(job, 1, runs=[0])
    with pytest.raises(ValueError, match="allow_pickle=True if you trust"):
        xpet.Environment("study", store=str(tmp_path / "s.zarr")).resume()


def test_a_damaged_job_is_named(tmp_path):
    study(tmp_path / "s.zarr", resumable=True).run(job, 1, runs=[0])
    place = open_place(resolve(str(tmp_path / "s.zarr"))).below("study")
    place.write("_xpet/journal/job", b"\x80")
    with pytest.raises(CorruptStoreError, match="the job that was run last cannot be read"):
        xpet.Environment("study", store=str(tmp_path / "s.zarr"), allow_pickle=True).resume()


def test_what_cannot_be_resumed_says_what_to_do(tmp_path):
    env = study(tmp_path / "s.zarr")
    with pytest.raises(DataNotInStorageError, match="study"):
        env.resume()
    env.run(job, 1, runs=[0])
    with pytest.raises(ValueError, match="give it, as in"):
        xpet.Environment("study", store=str(tmp_path / "s.zarr")).resume()
    with pytest.raises(ValueError, match="what is needed to resume is in the store"):
        env.resume(resume_folder="resume")


# Ctrl-C that lets runs end --------------------------------------------------------------------------------------------

SCRIPT = """
import sys, time, warnings
from pathlib import Path
import xpet

FOLDER, EXECUTOR = Path(sys.argv[1]), sys.argv[2]

def job(traj):
    if traj.x >= 4:
        (FOLDER / f"busy-{traj.x}").touch()
        while not (FOLDER / "go").exists():
            time.sleep(0.01)
    traj.f_add_result("z", traj.x)
    return traj.x

env = xpet.Environment("study", store=str(FOLDER / "s.zarr"), graceful_exit=True, executor=EXECUTOR, ncores=2)
env.traj.f_add_parameter("x", 0)
env.traj.f_explore({"x": list(range(100))})
with warnings.catch_warnings(record=True) as caught:
    warnings.simplefilter("always")
    values = env.run(job)
print(all(run == value for run, value in values), len(values), caught[-1].message)
"""


class Script:
    def __init__(self, folder: Path, how: str) -> None:
        self.folder, self.how = folder, how
        self.process = subprocess.Popen(
            [sys.executable, "-c", textwrap.dedent(SCRIPT), str(folder), how],
            env=os.environ | {"PYTHONPATH": ROOT}, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
            start_new_session=True,
        )  # fmt: skip
        end = time.monotonic() + 60
        while not any(self.folder.glob("busy-*")):
            assert self.process.poll() is None, self.process.communicate()
            assert time.monotonic() < end
            time.sleep(0.01)

    def interrupt(self) -> None:
        """As a terminal does it: all processes of the group get it, but for loky's, which complain while they start."""
        send = os.kill if self.how == "loky" else os.killpg
        send(self.process.pid, signal.SIGINT)

    def end(self) -> tuple[int, str, str]:
        said, wrong = self.process.communicate(timeout=60)
        return self.process.returncode, said, wrong


@pytest.fixture(params=["serial", "process", "thread", "loky"])
def script(request, tmp_path):
    if request.param == "loky":
        pytest.importorskip("loky", reason="needs loky: pip install 'xpet[loky]'")
    made = Script(tmp_path, request.param)
    yield made
    made.process.kill()
    made.process.communicate()


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no process groups that a signal goes to")
def test_the_first_interrupt_lets_the_present_runs_end(script, request, tmp_path):
    script.interrupt()
    time.sleep(0.3)
    assert script.process.poll() is None
    (tmp_path / "go").touch()
    code, said, wrong = script.end()
    assert (code, wrong) == (0, "")
    right, count, sentence = said.split(maxsplit=2)
    assert right == "True"
    # workers that nothing reaches do the rest of the block that they are at
    assert 1 <= int(count) <= (99 if request.node.callspec.params["script"] == "loky" else 6)
    assert f"Interrupted: {count} runs are complete and stored, {100 - int(count)} are left" in sentence
    assert int((xpet.open(tmp_path / "s.zarr").run_status == 2).sum()) == int(count)


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no process groups that a signal goes to")
def test_the_second_interrupt_interrupts(script, tmp_path):
    script.interrupt()
    time.sleep(0.3)
    script.interrupt()
    code, _, wrong = script.end()
    assert code != 0
    assert "KeyboardInterrupt" in wrong
    stored = int((xpet.open(tmp_path / "s.zarr").run_status == 2).sum())
    assert stored <= 4
    assert f"Interrupted: {stored} run" in wrong
    assert f"stored, {100 - stored} are left; running again" in wrong
