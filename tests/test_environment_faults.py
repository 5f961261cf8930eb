"""Whatever ends a study, its store can be opened, has every finished run, and the next call does the rest."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from fixtures_jobs import StoreAt, script

import xpet
from xpet import Environment, StoreBusyError, load_trajectory

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="POSIX signals")

# every run says that it was begun; from run LONG on they take their time, unless told otherwise
STUDY = """
import os, sys, time
import numpy as np
import xpet

folder, store, options, long = sys.argv[1], sys.argv[2], eval(sys.argv[3]), float(sys.argv[4])
storage_options = options.pop("storage_options", None)

def job(traj):
    with open(os.path.join(folder, f"begun-{traj.v_idx}-{os.getpid()}"), "w"):
        pass
    traj.f_add_result("z", traj.x * 2, comment="twice")
    traj.f_add_result("trace", np.full(10, traj.x))
    if traj.v_idx >= 20 and long:
        time.sleep(long)
    if traj.v_idx == 25 and options.get("kill"):
        if not os.path.exists(os.path.join(folder, "killed")):
            open(os.path.join(folder, "killed"), "w").close()
            os.kill(os.getpid(), 9)

kill = {"kill": options.get("kill")}
given = {k: v for k, v in options.items() if k != "kill"}
env = xpet.Environment("study", store=store, storage_options=storage_options, **given)
env.traj.f_add_parameter("x", 0.0)
env.traj.f_explore({"x": [float(i) for i in range(60)]})
print("ready", flush=True)
done = env.run(job)
print(len(done), flush=True)
"""
OPTIONS = [pytest.param({}, id="serial"), pytest.param({"multiproc": True, "ncores": 2}, id="processes")]


class Study:
    """The script in a process group of its own."""

    def __init__(self, folder: Path, store: StoreAt, options: dict[str, object], long: float) -> None:
        self.folder, self.store, self.options = folder, store, options
        self.process = self.begin(long)

    def begin(self, long: float) -> subprocess.Popen[str]:
        given = self.options | {"storage_options": self.store.storage_options or None}
        arguments = (str(self.folder), self.store.url, repr(given), str(long))
        return script(STUDY, *arguments, cwd=self.folder, wait=False)

    def begun(self) -> list[int]:
        return sorted(int(path.name.split("-")[1]) for path in self.folder.glob("begun-*"))

    def wait_for(self, condition, seconds=30.0):
        end = time.monotonic() + seconds
        while not condition():
            assert time.monotonic() < end, self.process.communicate(timeout=1)
            assert self.process.poll() is None, self.process.communicate()
            time.sleep(0.02)

    def loaded(self):
        return load_trajectory("study", store=self.store.url, storage_options=self.store.storage_options or None)

    def check_sound(self, at_least: int) -> list[int]:
        """The store can be opened with everything finished in it; returns the complete runs."""
        given = {"storage_options": self.store.storage_options or None}
        ds = xpet.open(self.store.url, view="flat", **given).load()
        complete = ds.run_status.values == 2
        assert complete.sum() >= at_least
        assert ds.z.values[complete].tolist() == (ds.x.values[complete] * 2).tolist()
        assert (ds.trace.values[complete] == ds.x.values[complete, None]).all()
        import numpy as np

        assert np.isnan(ds.z.values[~complete]).all()
        return complete.nonzero()[0].tolist()

    def finish(self, complete: list[int]) -> None:
        """The next call does the rest and nothing else."""
        for path in self.folder.glob("begun-*"):
            path.unlink()
        process = self.begin(0.0)
        out, err = process.communicate(timeout=60)
        assert process.returncode == 0, err
        assert out.split()[-1] == str(60 - len(complete))
        assert self.begun() == sorted(set(range(60)) - set(complete))
        assert self.check_sound(60) == list(range(60))


@pytest.fixture
def study(tmp_path):
    made = []

    def begin(store=None, options=None, long=60.0):
        folder = tmp_path / "calls"
        folder.mkdir()
        made.append(Study(folder, store or StoreAt(str(tmp_path / "store.zarr")), options or {}, long))
        return made[-1]

    yield begin
    for each in made:
        each.process.kill()
        each.process.communicate(timeout=20)


@pytest.mark.parametrize("options", OPTIONS)
def test_an_interrupt(study, options):
    study = study(options=options)
    study.wait_for(lambda: len(study.begun()) > 20)
    study.process.send_signal(signal.SIGINT)
    began = time.monotonic()
    _, err = study.process.communicate(timeout=20)
    assert time.monotonic() - began < 10
    assert "\nKeyboardInterrupt\nInterrupted: " in err
    assert err.count("Traceback (most recent call last)") == 1
    study.finish(study.check_sound(20))


def test_three_interrupts_lose_nothing(study):
    pytest.importorskip("loky", reason="needs loky: pip install 'xpet[loky]'")
    study = study(options={"executor": "loky", "ncores": 2})
    study.wait_for(lambda: len(study.begun()) > 20)
    for _ in range(3):
        study.process.send_signal(signal.SIGINT)
        time.sleep(0.02)
    _, err = study.process.communicate(timeout=20)
    assert "KeyboardInterrupt" in err
    Environment("study", store=study.store.url, if_exists="continue").run(lambda traj: None, runs=[])
    study.finish(study.check_sound(20))


def test_an_interrupt_on_an_object_store(study, bucket_store):
    study = study(bucket_store)
    study.wait_for(lambda: len(study.begun()) > 20)
    study.process.send_signal(signal.SIGINT)
    study.process.communicate(timeout=20)
    study.finish(study.check_sound(20))


@pytest.mark.parametrize("options", OPTIONS)
def test_a_kill(study, options):
    study = study(options=options)
    study.wait_for(lambda: len(study.begun()) > 20)
    study.process.kill()
    study.process.communicate(timeout=20)
    # loading shows what is published; opening for writing finds every finished run
    study.loaded()
    traj = study.loaded()
    traj.f_store()
    study.finish(study.check_sound(20))


def test_a_kill_on_an_object_store(study, s3_store):
    study = study(s3_store, {"flush_interval": 0.0})
    study.wait_for(lambda: len(study.begun()) > 20)
    study.process.kill()
    study.process.communicate(timeout=20)
    study.loaded().f_store()
    study.finish(study.check_sound(20))


def test_a_worker_that_is_killed(study):
    study = study(options={"multiproc": True, "ncores": 2, "kill": True}, long=0.0)
    out, err = study.process.communicate(timeout=60)
    assert study.process.returncode == 0, err
    assert study.check_sound(60) == list(range(60))
    assert int(out.split()[-1]) == 60


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGKILL], ids=lambda number: number.name)
@pytest.mark.parametrize("moment", [0.0, 0.02, 0.04, 0.06])
def test_an_end_at_any_moment(study, moment, number):
    study = study(long=0.0)
    assert study.process.stdout.readline() == "ready\n"
    time.sleep(moment)
    study.process.send_signal(number)
    study.process.communicate(timeout=20)
    for path in study.folder.glob("begun-*"):
        path.unlink()
    process = study.begin(0.0)
    _, err = process.communicate(timeout=60)
    assert process.returncode == 0, err
    assert study.check_sound(60) == list(range(60))


# two at once


def test_a_second_writer(study):
    study = study()
    study.wait_for(lambda: len(study.begun()) > 20)
    others = (
        lambda: study.loaded().f_store(),
        lambda: Environment(study.loaded()).run(lambda traj: None),
        lambda: Environment("study", store=study.store.url, overwrite_file=True),
    )
    for other in others:
        with pytest.raises(StoreBusyError, match=rf"study.*process {study.process.pid} on .*try again"):
            other()
    # reading goes on
    assert len(study.loaded()) == 60
    study.process.send_signal(signal.SIGINT)
    study.process.communicate(timeout=20)
    study.finish(study.check_sound(20))


def test_the_same_script_twice_at_once(tmp_path, shared_store):
    folder = tmp_path / "calls"
    folder.mkdir()
    first, second = Study(folder, shared_store, {}, 0.05), Study(folder, shared_store, {}, 0.05)
    ends = [(each, *each.process.communicate(timeout=60)) for each in (first, second)]
    codes = sorted(each.process.returncode for each, _, _ in ends)
    assert codes in ([0, 1], [0, 0]), [err for _, _, err in ends]
    for each, _, err in ends:
        if each.process.returncode:
            assert "StoreBusyError" in err, err
    assert first.check_sound(60) == list(range(60))
    if codes == [0, 1]:
        assert first.begun() == list(range(60))


def test_a_full_disk_or_a_store_that_vanishes_is_said(tmp_path):
    env = Environment("study", store=str(tmp_path / "store.zarr"))
    env.traj.f_add_parameter("x", 0)
    env.traj.f_explore({"x": [0, 1, 2]})
    env.traj.f_store()
    os.rename(tmp_path / "store.zarr", tmp_path / "moved.zarr")
    # what is stored afresh where nothing is left is whole
    env.run(lambda traj: None)
    assert env.runs().status.tolist() == ["complete"] * 3
