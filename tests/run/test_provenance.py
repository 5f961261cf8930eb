"""A launch says with what code, versions and seed its runs were done."""

from __future__ import annotations

import functools
import json
import random
import subprocess
import sys
import time
from importlib import metadata
from pathlib import Path

import pytest

import xpet
from xpet.errors import CorruptStoreError
from xpet.run.job import Job
from xpet.run.provenance import MOST_BINARY, MOST_TEXT, git_state, launch_record, packages, source_of
from xpet.store.place import open_place, resolve


def job(traj):
    return traj.x + 1


class Callable:
    def __call__(self, traj):
        return 41


def git(folder, *arguments):
    identity = ["-c", "user.name=n", "-c", "user.email=e@example.org"]
    subprocess.run(["git", "-C", str(folder), *identity, *arguments], check=True, capture_output=True)


@pytest.fixture
def repository(tmp_path):
    folder = tmp_path / "repository"
    (folder / "inside").mkdir(parents=True)
    (folder / "model.py").write_text("a = 1\n")
    (folder / ".gitignore").write_text("*.log\n")
    git(folder, "init", "-q", "-b", "trunk")
    git(folder, "add", ".")
    git(folder, "commit", "-q", "-m", "first")
    return folder


def test_the_commit_and_what_differs_from_it_are_told(repository):
    clean = git_state(repository / "inside")
    assert len(clean["commit"]) == 40
    assert (clean["branch"], clean["diff"], clean["untracked"]) == ("trunk", "", [])
    (repository / "model.py").write_text("a = 2\n")
    (repository / "new.py").write_text("")
    (repository / "ignored.log").write_text("")
    changed = git_state(repository / "inside")
    assert changed["commit"] == clean["commit"]
    assert "-a = 1\n+a = 2\n" in changed["diff"]
    assert changed["untracked"] == ["new.py"]


def test_the_difference_is_a_patch_that_can_be_applied(repository, tmp_path):
    (repository / "model.py").write_text("a = 'µ'\n")
    # what people set for their eyes does not make another patch
    git(repository, "config", "diff.noprefix", "true")
    state = git_state(repository)
    git(tmp_path, "clone", "-q", str(repository), "again")
    (tmp_path / "patch").write_text(state["diff"])
    git(tmp_path / "again", "apply", str(tmp_path / "patch"))
    assert (tmp_path / "again" / "model.py").read_text() == "a = 'µ'\n"


def test_small_binary_files_are_in_the_patch_and_others_are_named(repository, tmp_path, monkeypatch):
    for name in ("small.npy", "large.npy", "gone.npy"):
        (repository / name).write_bytes(bytes(range(256)))
    git(repository, "add", ".")
    git(repository, "commit", "-q", "-m", "data")
    small = bytes(reversed(range(256)))
    (repository / "small.npy").write_bytes(small)
    (repository / "large.npy").write_bytes(random.Random(0).randbytes(MOST_BINARY + 1))
    (repository / "gone.npy").unlink()
    (repository / "model.py").write_text("a = 2\n")
    state = git_state(repository / "inside")
    assert state["left_out"] == ["large.npy"]
    assert "large.npy" not in state["diff"]
    git(tmp_path, "clone", "-q", str(repository), "again")
    (tmp_path / "patch").write_text(state["diff"])
    git(tmp_path / "again", "apply", str(tmp_path / "patch"))
    assert (tmp_path / "again" / "small.npy").read_bytes() == small
    assert (tmp_path / "again" / "model.py").read_text() == "a = 2\n"
    assert not (tmp_path / "again" / "gone.npy").exists()
    # together with them it would be too long, and no patch if it was cut
    monkeypatch.setattr("xpet.run.provenance.MOST_TEXT", 400)
    state = git_state(repository)
    assert state["left_out"] == ["gone.npy", "large.npy", "small.npy"]
    assert state["diff"].endswith("-a = 1\n+a = 2\n")


def test_a_long_difference_is_cut(repository):
    (repository / "model.py").write_text("x" * (2 * MOST_TEXT))
    assert git_state(repository)["diff"].endswith("characters in all]")


def test_a_repository_without_commits_has_none(tmp_path):
    git(tmp_path, "init", "-q")
    assert git_state(tmp_path) is None


def test_without_a_repository_or_without_git_there_is_nothing(tmp_path, monkeypatch):
    assert git_state(tmp_path) is None
    monkeypatch.setenv("PATH", str(tmp_path))
    assert git_state(tmp_path) is None


@pytest.mark.parametrize(
    "hangs",
    [
        "import time; time.sleep(60)",
        "import os, sys; os.system(sys.executable + ' -c \"import time; time.sleep(30)\"')",
    ],
    ids=["itself", "in what it runs"],
)
def test_a_git_that_hangs_holds_nothing_up(tmp_path, repository, monkeypatch, hangs):
    slow = tmp_path / "bin"
    slow.mkdir()
    (slow / "git").write_text(f"#!{sys.executable}\n{hangs}\n")
    (slow / "git").chmod(0o755)
    monkeypatch.setenv("PATH", str(slow))
    monkeypatch.setattr("xpet.run.provenance.GIT_SECONDS", 0.1)
    began = time.monotonic()
    assert "timed out" in git_state(repository)["error"]
    assert time.monotonic() - began < 20


def test_packages_are_those_that_are_installed():
    found = packages()
    assert all(found[name] == metadata.version(name) for name in ("numpy", "zarr", "pytest"))


@pytest.mark.parametrize(
    ("function", "start"),
    [
        (job, "def job(traj)"),
        (functools.partial(job), "def job(traj)"),
        (Callable(), "class Callable"),
        (Callable().__call__, "    def __call__"),
    ],
    ids=["function", "partial", "object", "method"],
)
def test_the_source_of_the_job_is_kept(function, start):
    source, file = source_of(Job(function))
    assert source.startswith(start)
    assert file == __file__


@pytest.mark.parametrize(
    "function", [len, eval(compile("lambda traj: 1", "<a text>", "eval"))], ids=["built in", "from a text"]
)
def test_a_job_without_source_has_none(function):
    assert source_of(Job(function)) == ("", "")


def test_a_job_that_says_it_wraps_itself():
    @functools.wraps(job)
    def odd(traj):
        return 1

    odd.__wrapped__ = odd
    assert source_of(Job(odd))[0] == ""


def test_of_xpet_it_is_the_version_that_does_the_runs(tmp_path, monkeypatch):
    env = xpet.Environment("study", store=str(tmp_path / "s.zarr"))
    env.traj.f_add_parameter("x", 1)
    env.run(job)
    monkeypatch.setattr("xpet.run.provenance.__version__", "9.9")
    env.run(job)
    assert [versions["xpet"] for versions in env.launches().packages] == [xpet.__version__, "9.9"]


def test_a_record_is_json(tmp_path):
    record = launch_record(Job(job), 3, 2**100)
    assert json.loads(json.dumps(record)) == record
    assert record["job"] == f"{__name__}.job"


def test_each_call_of_run_is_a_launch_that_its_runs_cite(tmp_path):
    env = xpet.Environment("study", store=str(tmp_path / "s.zarr"), seed=5)
    env.traj.f_add_parameter("x", 0)
    env.traj.f_explore({"x": [1, 2, 3]})
    env.run(job, runs=[1])
    env.run(Callable())
    table, launches = env.runs(), env.launches()
    assert launches.index.is_unique
    assert launches.loc[table.launch[1]].source.startswith("def job")
    assert launches.loc[table.launch[0]].source.startswith("class Callable")
    assert launches.seed.tolist() == ["5", "5"]
    assert launches.python.tolist() == ["{}.{}.{}".format(*sys.version_info[:3])] * 2
    assert launches.time.is_monotonic_increasing
    assert abs(launches.time.iloc[0] - table.started[1]).total_seconds() < 60
    assert launches.packages.iloc[0]["numpy"] == metadata.version("numpy")
    loaded = xpet.load_trajectory("study", store=str(tmp_path / "s.zarr"))
    assert loaded.f_launches().equals(launches)


def test_a_plain_function_is_told_as_what_it_is(tmp_path):
    def area(width):
        return width**2

    xpet.sweep(area, {"width": [1.0]}, store=str(tmp_path / "s.zarr"))
    (source,) = xpet.load_trajectory("area", store=str(tmp_path / "s.zarr")).f_launches().source
    assert "def area(width)" in source


def test_a_trajectory_that_was_never_run_has_no_launches(tmp_path):
    traj = xpet.Trajectory("study", store=str(tmp_path / "s.zarr"))
    traj.f_store()
    assert traj.f_launches().empty


@pytest.mark.parametrize("damage", [b"{", b"[]", b'{"launch": "x"}', b"\xff", b"[" * 100_000], ids=repr)
def test_a_damaged_record_is_named(tmp_path, damage):
    traj = xpet.Trajectory("study", store=str(tmp_path / "s.zarr"))
    traj.f_store()
    place = open_place(resolve(str(tmp_path / "s.zarr"))).below("study")
    place.write("_xpet/journal/launch/00000007", damage)
    with pytest.raises(CorruptStoreError, match="launch/00000007"):
        traj.f_launches()
    assert Path(tmp_path / "s.zarr").exists()
