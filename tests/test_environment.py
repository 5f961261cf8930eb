"""The environment: its options, what running returns, and what failing runs leave behind."""

from __future__ import annotations

import os
import re
import sys
import threading
import uuid
import warnings

import pytest
from fixtures_jobs import AXES, Noted, StoreAt, environment, multiply, products, script, z_of

import xpet
from xpet import Environment, RunFailures, StoreError, Trajectory, load_trajectory

PROCESSES = [pytest.param({}, id="serial"), pytest.param({"multiproc": True, "ncores": 2}, id="processes")]


@pytest.fixture
def at(tmp_path):
    return StoreAt(str(tmp_path / "store.zarr"))


@pytest.fixture
def in_memory():
    return StoreAt(f"memory://{uuid.uuid4().hex}")


# what it takes


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"if_exists": "append"}, ["if_exists is 'append'", "'continue', 'extend', 'overwrite', 'new' or None"]),
        ({"on_error": "ignore"}, ["on_error is 'ignore'", "'continue', 'stop', 'raise'"]),
        ({"ncores": -1}, ["ncores is -1", "number of processes"]),
        ({"ncores": 1.5}, ["ncores is 1.5"]),
        ({"ncores": True}, ["ncores is True"]),
        ({"flush_interval": -0.5}, ["flush_interval is -0.5", "seconds"]),
        ({"flush_interval": float("nan")}, ["flush_interval is nan"]),
        ({"start_method": "spawn"}, ["'spawn'", "multiproc=True"]),
        ({"start_method": "thread"}, ["'thread'", "start_method is one of", "'spawn'"]),
        ({"file_nam": "x"}, ["no option 'file_nam'", "help(xpet.Environment)"]),
        ({"v_nonsense": 1}, ["no option 'v_nonsense'"]),
        ({"v_name": "other"}, ["no option 'v_name'"]),
        ({"idx": 3}, ["no option 'idx'"]),
        ({"resume_folder": "here"}, ["resume_folder='here'", "refused: what is needed is in the store"]),
        ({"use_scoop": True}, ["use_scoop=True", "not available"]),
        ({"automatic_storing": False}, ["automatic_storing=False", "True"]),
        ({"wrap_mode": "PIPES"}, ["wrap_mode='PIPES'", "'QUEUE'"]),
        ({"trajectory": "a b"}, ["a b"]),
        ({"trajectory": ""}, ["name"]),
        ({"store": ""}, ["empty"]),
        ({"store": "s3://"}, ["s3://", "bucket"]),
        ({"filename": "a.zarr", "store": "b.zarr"}, ["filename='a.zarr'", "store='b.zarr'"]),
        ({"storage_options": {"key": "x"}, "store": "here.zarr"}, ["storage_options", "here.zarr"]),
    ],
    ids=lambda value: "-".join(map(str, value)) if isinstance(value, dict) else "",
)
def test_options_that_are_refused(options, said, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ValueError) as caught:
        Environment(**options)
    for words in said:
        assert words in str(caught.value)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("options", [{"trajectory": 7}, {"store": 7}, {"trajectory": Trajectory}], ids=str)
def test_options_of_the_wrong_type(options, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(TypeError):
        Environment(**options)


@pytest.mark.parametrize(
    "options",
    [
        {"use_pool": True, "freeze_input": True, "wrap_mode": "QUEUE", "purge_duplicate_comments": False},
        {"log_config": None, "resumable": False, "git_repository": None, "cpu_cap": 100.0},
        {"automatic_storing": True, "clean_up_runs": True, "do_single_runs": True},
    ],
    ids=lambda options: next(iter(options)),
)
def test_options_of_pypet_that_ask_for_what_holds_anyway(options, in_memory):
    assert environment(in_memory, **options).run(multiply) == [(run, None) for run in range(12)]


def test_properties_of_the_trajectory(in_memory):
    env = Environment("study", store=in_memory.url, v_fast_access=False, shortcuts=False, comment="about")
    assert (env.traj.v_fast_access, env.traj.v_shortcuts, env.traj.v_comment) == (False, False, "about")


def test_names_of_pypet(in_memory):
    env = environment(in_memory)
    assert env.trajectory is env.traj is env.v_traj is env.v_trajectory
    assert env.timestamp == env.v_timestamp > 1.7e9
    with env as entered:
        assert entered is env
        assert env.f_run(multiply)[-1] == (11, None)
    env.f_disable_logging()
    assert "Multiplication" in repr(env)
    assert in_memory.url in repr(env)


def test_add_time(in_memory):
    name = Environment("study", add_time=True, store=in_memory.url).traj.v_name
    assert name.startswith("study_20")


def test_the_default_store(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for trajectory in ("study", Trajectory("other")):
        env = Environment(trajectory)
        env.traj.f_add_parameter("x", 1)
        env.run(lambda traj: traj.f_add_result("y", traj.x))
    assert sorted(path.name for path in (tmp_path / "data").iterdir()) == ["other.zarr", "study.zarr"]


def test_a_folder_of_other_things_gets_the_store_inside(tmp_path):
    (tmp_path / "notes.txt").write_text("mine")
    inside = str(tmp_path / "Multiplication.zarr")
    with pytest.warns(UserWarning, match="folder of other things") as caught:
        env = environment(StoreAt(str(tmp_path)))
    (warning,) = caught
    assert inside in str(warning.message)
    env.run(multiply)
    assert env.traj.v_store == inside
    assert environment(StoreAt(f"{tmp_path}/")).run(multiply) == []


def test_filename_and_store_that_are_the_same(in_memory):
    assert Environment("study", filename=in_memory.url, store=in_memory.url).traj.v_store == in_memory.url


@pytest.mark.parametrize("suffix", [".hdf5", ".h5"])
def test_the_name_of_an_hdf5_file(suffix, tmp_path):
    with pytest.warns(UserWarning, match="Zarr, not HDF5") as caught:
        env = Environment("study", filename=str(tmp_path / f"a{suffix}"))
    (warning,) = caught
    assert str(tmp_path / f"a{suffix}") in str(warning.message)
    assert str(tmp_path / "a.zarr") in str(warning.message)
    assert warning.filename == __file__
    env.traj.f_add_parameter("x", 1)
    env.run(lambda traj: None)
    assert [path.name for path in tmp_path.iterdir()] == ["a.zarr"]


def test_storage_options_without_a_url(in_memory):
    with pytest.raises(ValueError, match="storage_options"):
        Environment(Trajectory("study", store=in_memory.url), storage_options={"key": "x"})


def test_a_trajectory_that_has_a_store_keeps_it(in_memory):
    environment(in_memory).run(multiply)
    env = Environment(load_trajectory("Multiplication", store=in_memory.url))
    assert env.traj.v_store == in_memory.url
    assert env.run(multiply) == []


# running


def test_values_that_are_returned(in_memory):
    env = environment(in_memory)
    assert env.run(lambda traj, a, b: None if traj.v_idx % 2 else (traj.x + a, b), 10.0, b="b") == [
        (run, None if run % 2 else (AXES["x"][run // 3] + 10.0, "b")) for run in range(12)
    ]
    assert env.run(multiply) == []


def test_values_that_processes_return(at):
    env = environment(at, multiproc=True, ncores=2)
    assert env.run(lambda traj: traj.x if traj.v_idx % 2 else None) == [
        (run, AXES["x"][run // 3] if run % 2 else None) for run in range(12)
    ]


def test_without_exploration_there_is_one_run(in_memory):
    env = Environment("single", store=in_memory.url)
    env.traj.f_add_parameter("x", 3)

    def job(traj):
        traj.f_add_result("y", traj.x + 1)

    assert env.run(job) == [(0, None)]
    assert env.traj.r_0.y == 4
    assert env.dataset().y.item() == 4
    assert env.run(lambda traj: 1 / 0) == []


def test_the_tree_outside_and_inside_of_runs(in_memory):
    seen = []

    def job(traj):
        seen.append((traj.v_is_run, traj.v_idx, traj.v_crun, len(traj), traj.x))
        with pytest.raises(xpet.ParameterLockedException):
            traj.f_get("x").f_set(3.0)

    env = environment(in_memory)
    env.run(job)
    assert seen[7] == (True, 7, "run_00000007", 12, 3.0)
    assert (env.traj.v_is_run, env.traj.v_idx, env.traj.x) == (False, -1, 1.0)


@pytest.mark.parametrize("runfunc", [None, "multiply", 7], ids=repr)
def test_what_cannot_be_run(runfunc, in_memory):
    with pytest.raises(TypeError, match="function of the trajectory"):
        environment(in_memory).run(runfunc)


def test_the_run_table(in_memory):
    env = environment(in_memory)
    with pytest.warns(UserWarning, match="run 4"):
        env.run(lambda traj: 1 / 0 if traj.v_idx == 4 else multiply(traj))
    table = env.runs()
    assert table.x.tolist() == [x for x in AXES["x"] for _ in AXES["y"]]
    assert table.status.tolist() == ["complete"] * 4 + ["failed"] + ["complete"] * 7
    assert table.error[4] == "ZeroDivisionError: division by zero"
    assert table.started.notna().all()
    assert (table.duration >= 0).all()


# failing runs


def odd_fails(traj):
    if traj.v_idx % 3 == 1:
        raise ValueError(f"{traj.x} × {traj.y} is not for me")
    multiply(traj)


FAILED = [1, 4, 7, 10]


@pytest.mark.parametrize("options", PROCESSES)
def test_failing_runs_are_recorded_and_done_again(options, at, tmp_path):
    job, better = Noted(odd_fails, tmp_path), Noted(multiply, tmp_path)
    env = environment(at, **options)
    with pytest.warns(UserWarning, match="4 of 12 runs failed") as caught:
        done = env.run(job)
    (warning,) = caught
    assert warning.filename == __file__
    assert "4 of 12 runs failed (runs 1, 4, 7, 10)" in str(warning.message)
    assert "× 7.0 is not for me" in str(warning.message)
    assert re.search(r"env\.replay\((1|4|7|10)\)", str(warning.message))
    assert [run for run, _ in done] == [run for run in range(12) if run not in FAILED]
    assert job.taken() == list(range(12))
    table = env.runs()
    assert table.status[FAILED].eq("failed").all()
    assert "ValueError: 3.0 × 7.0 is not for me" in table.error[7]
    stored = xpet.open(at.url, view="flat")
    assert stored.z.isnull().values.nonzero()[0].tolist() == FAILED
    import xarray as xr

    with xr.open_dataset(f"{at.url}/Multiplication", group="runs", engine="zarr") as runs:
        assert "in odd_fails" in runs.run_error.values[7]
        assert "Traceback (most recent call last)" in runs.run_error.values[7]
        assert runs.run_error.values[0] == ""
    # in the same process, by a new one and by a loaded one
    for again in (env, environment(at, **options), Environment(load_trajectory(store=at.url), **options)):
        with pytest.warns(UserWarning, match="4 of 4 runs failed|stopped|not begun"):
            again.run(job)
        assert set(job.taken()) <= set(FAILED)
    assert env.run(better) == [(run, None) for run in FAILED]
    assert better.taken() == FAILED
    assert z_of(env) == products()
    assert set(env.runs().status) == {"complete"}
    assert set(env.runs().error) == {""}


@pytest.mark.parametrize("options", PROCESSES)
def test_stop(options, at):
    env = environment(at, axes={"x": [float(i) for i in range(200)]}, on_error="stop", **options)
    with pytest.warns(UserWarning, match="not begun"):
        done = env.run(lambda traj: traj.f_add_result("z", 1 / (traj.x - 5)))
    status = env.runs().status.tolist()
    assert status[5] == "failed"
    assert status.count("failed") == 1
    assert status.count("new") > 100
    assert len(done) == status.count("complete")


@pytest.mark.parametrize("options", PROCESSES)
def test_raise(options, at):
    env = environment(at, on_error="raise", **options)
    with pytest.raises(RunFailures, match="not for me") as caught:
        env.run(odd_fails)
    assert {type(error) for error in caught.value.exceptions} == {ValueError}
    status = env.runs().status
    assert "failed" in set(status[FAILED])
    assert set(status.drop(FAILED)) <= {"complete", "new"}
    assert (env.traj.v_is_run, env.traj.v_idx) == (False, -1)
    env = environment(at, **options)
    env.run(multiply)
    assert z_of(env) == products()


@pytest.mark.parametrize("options", PROCESSES)
def test_all_alike_stops(options, at, tmp_path):
    job = Noted(lambda traj: {}["missing"], tmp_path)
    env = environment(at, axes={"x": [float(i) for i in range(1000)]}, **options)
    with pytest.warns(UserWarning, match="all failed in the same way.*not begun"):
        assert env.run(job) == []
    assert len(job.taken()) < 20
    assert "KeyError: 'missing'" in env.runs().error[0]


def test_replay(in_memory):
    env = environment(in_memory)
    with pytest.raises(ValueError, match="nothing was run here yet"):
        env.replay(1)
    with pytest.warns(UserWarning, match="runs failed"):
        env.run(odd_fails)
    with pytest.raises(ValueError, match=r"3\.0 × 7\.0 is not for me") as caught:
        env.replay(7)
    assert caught.traceback[-1].name == "odd_fails"
    assert (env.traj.v_is_run, env.traj.v_idx, env.traj.x) == (False, -1, 1.0)
    assert env.replay(3, lambda traj, more: traj.x + more, more=1) == 3.0
    assert env.replay(0) is None
    assert env.runs().status.tolist().count("failed") == 4
    for run in (-1, 12):
        with pytest.raises(ValueError, match="runs 0 to 11"):
            env.replay(run)


def test_replay_in_a_loaded_trajectory_of_what_a_process_failed_at(at):
    env = environment(at, multiproc=True, ncores=2)
    with pytest.warns(UserWarning, match="env.replay"):
        env.run(odd_fails)
    with pytest.raises(ValueError, match="not for me"):
        Environment(load_trajectory(store=at.url)).replay(4, odd_fails)


@pytest.mark.parametrize("options", PROCESSES)
@pytest.mark.parametrize("kind", ["TextIOWrapper", "Odd"])
def test_a_value_that_cannot_be_kept(options, kind, at):
    def job(traj):
        if traj.v_idx == 5:
            with open(os.devnull) as file:
                traj.f_add_result("group.odd", Odd() if kind == "Odd" else file)
        else:
            multiply(traj)

    env = environment(at, **options)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always", UserWarning)
        env.run(job)
    (said,) = (str(each.message) for each in caught if issubclass(each.category, UserWarning))
    assert "1 of 12 runs failed (run 5)" in said
    assert "group.odd" in said
    assert kind in said
    error = env.runs().error[5]
    assert "UnsupportedValueError" in error
    assert "group.odd" in error


class Odd:
    """A type that nobody knows how to keep."""


@pytest.mark.parametrize("name", ["a b", "_z", "z.", "z..y", "ü", "x" * 128, ""], ids=lambda name: repr(name)[:8])
def test_a_name_that_is_not_allowed_fails_the_run(name, in_memory):
    env = environment(in_memory)
    with pytest.warns(UserWarning, match="runs failed"):
        env.run(lambda traj: traj.f_add_result(name, 1))
    assert "complete" not in set(env.runs().status)


def test_a_job_that_does_not_pickle(at):
    lock = threading.Lock()
    with pytest.raises(TypeError, match="the variable `lock` of its closure"):
        environment(at, multiproc=True, ncores=2).run(lambda traj: lock)


# what cannot be written


def test_processes_cannot_reach_memory(in_memory):
    env = environment(in_memory, multiproc=True, ncores=2)
    with pytest.raises(StoreError, match=r"in this process only.*without multiproc"):
        env.run(multiply)
    with pytest.raises(xpet.DataNotInStorageError):
        load_trajectory("Multiplication", store=in_memory.url)


def test_an_unknown_scheme():
    with pytest.raises(StoreError, match="nonsense"):
        environment(StoreAt("nonsense://bucket/x")).run(multiply)


def test_a_missing_package(monkeypatch):
    monkeypatch.setitem(sys.modules, "gcsfs", None)
    with pytest.raises(xpet.MissingPackageError, match=r"gs://bucket/x.*gcsfs.*pip install 'xpet\[gcs\]'"):
        environment(StoreAt("gs://bucket/x")).run(multiply)


AS_NOBODY = """
import os, sys
import xpet
store = sys.argv[1]
xpet.sweep(lambda x: x, {"x": [1.0]}, store="memory://so-that-all-is-imported", name="study").load()
if os.getuid() == 0:
    os.setgid(65534)
    os.setuid(65534)
try:
    xpet.sweep(lambda x: {"y": x}, {"x": [1.0, 2.0]}, store=store, name="study")
except PermissionError as error:
    print("PermissionError", error)
except xpet.StoreError as error:
    print("StoreError", error)
"""


@pytest.mark.skipif(sys.platform == "win32", reason="POSIX permissions")
def test_no_permission(tmp_path):
    folder = tmp_path / "closed"
    folder.mkdir()
    folder.chmod(0o555)
    for above in (tmp_path, *list(tmp_path.parents)[:3]):
        if above.stat().st_uid == os.getuid() and str(above) not in ("/", "/tmp"):
            above.chmod(0o755)
    done = script(AS_NOBODY, str(folder / "store.zarr"), cwd=tmp_path)
    assert done.stdout.startswith(("StoreError", "PermissionError")), done.stderr
    assert str(folder) in done.stdout
    assert "ermission" in done.stdout


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"add_time": True}, "add_time=True is for a new trajectory"),
        ({"comment": "c"}, "comment='c' is for a new trajectory"),
        ({"wildcard_functions": {"$my": str}}, "wildcard_functions=.* is for a new trajectory"),
        ({"storage_options": {"key": "k"}}, "storage_options say nothing of where: give store="),
    ],
    ids=["add_time", "comment", "wildcard_functions", "storage_options"],
)
def test_options_that_a_given_trajectory_has_already(options, said, tmp_path):
    traj = xpet.Trajectory("study", store=tmp_path / "s.zarr")
    with pytest.raises(ValueError, match=said):
        xpet.Environment(traj, **options)
    assert traj.v_store == str(tmp_path / "s.zarr")
