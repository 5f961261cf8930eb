"""Loading: which trajectory, what of it, and what is said when it is not there."""

from __future__ import annotations

import json
import os
import pickle
import time
import warnings

import numpy as np
import pytest
from fixtures_jobs import AXES, StoreAt, environment, listed, multiply

import xpet
from xpet import (
    CorruptStoreError,
    DataNotInStorageError,
    Environment,
    Trajectory,
    VersionMismatchError,
    cartesian_product,
    load_trajectory,
)
from xpet.store.place import open_place, resolve
from xpet.trajectory.stored import StoredRange


@pytest.fixture
def at(tmp_path):
    return StoreAt(str(tmp_path / "store.zarr"))


def store_one(name, at):
    traj = Trajectory(name, store=at.url)
    traj.f_add_parameter("x", 1)
    traj.f_store()


def test_which_one(at):
    for name in ("b", "c", "a"):
        store_one(name, at)
        time.sleep(0.01)
    assert load_trajectory("c", store=at.url).v_name == "c"
    assert [load_trajectory(index=k, filename=at.url).v_name for k in (0, 1, 2, -1, -3)] == ["b", "c", "a", "a", "b"]
    with pytest.raises(ValueError, match=r"'b', 'c', 'a'; say which by name= or index="):
        load_trajectory(store=at.url)
    for index in (3, -4):
        with pytest.raises(ValueError, match=r"index=-?[34] is beyond.*'b', 'c', 'a'"):
            load_trajectory(index=index, store=at.url)
    with pytest.raises(DataNotInStorageError, match=r"store\.zarr.*no trajectory 'd'.*'b', 'c', 'a'"):
        load_trajectory("d", store=at.url)
    with pytest.raises(ValueError, match="name='a' and index=0"):
        load_trajectory("a", 0, store=at.url)


def test_nothing_there(store):
    for given in ({"name": "study"}, {}):
        with pytest.raises(DataNotInStorageError) as caught:
            load_trajectory(store=store.url, storage_options=store.storage_options or None, **given)
        assert store.url.rpartition("://")[2] in str(caught.value)
        assert "no trajectory" in str(caught.value)


def test_an_empty_store(at):
    store_one("gone", at)
    Environment("other", store=at.url, overwrite_file=True)
    with pytest.raises(DataNotInStorageError, match="the store is empty"):
        load_trajectory("gone", store=at.url)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"load_parameters": 4}, "load level of parameters is 4"),
        ({"load_data": -1}, r"load level of .* is -1"),
        ({"filename": "a.zarr", "store": "b.zarr"}, r"filename='a\.zarr' and store='b\.zarr'"),
        ({"store": ""}, "empty"),
        ({"store": "s3://"}, "bucket"),
    ],
    ids=str,
)
def test_options_that_are_refused(options, said):
    with pytest.raises(ValueError, match=said):
        load_trajectory("study", **options)


def test_the_name_of_an_hdf5_file(tmp_path):
    store_one("study", StoreAt(str(tmp_path / "a.zarr")))
    with pytest.warns(UserWarning, match=r"a\.hdf5 becomes .*a\.zarr") as caught:
        traj = load_trajectory("study", filename=tmp_path / "a.hdf5")
    assert traj.x == 1
    assert [each.filename for each in caught] == [__file__]


def test_levels(at):
    env = environment(at)
    env.traj.f_add_config("c", 1)
    env.traj.f_add_derived_parameter("d", 2)
    env.traj.f_add_result("r", 3)
    env.traj.f_add_leaf("other.o", 4)
    env.run(multiply)

    def has(**levels):
        traj = load_trajectory(store=at.url, **levels)
        return {name for name in ("x", "c", "d", "r", "o") if name in traj}

    assert has() == has(load_data=1) == has(load_data=2) == has(load_all=2) == {"x", "c", "d", "r", "o"}
    assert has(load_parameters=0) == {"d", "r", "o"}
    assert has(load_derived_parameters=0) == {"x", "c", "r", "o"}
    assert has(load_results=0) == {"x", "c", "d", "o"}
    assert has(load_other_data=0) == {"x", "c", "d", "r"}
    assert load_trajectory(store=at.url, load_results=0).v_name == "Multiplication"


def test_what_a_loaded_trajectory_knows(at):
    env = environment(at, file_title="A title")
    env.run(multiply)
    traj = load_trajectory(store=at.url)
    assert (traj.v_comment, traj.v_title, traj.v_stored, len(traj)) == ("I am the first example!", "A title", True, 12)
    assert traj.v_store == at.url
    assert list(traj.f_get_explored_parameters()) == ["parameters.x", "parameters.y"]
    assert traj.f_get("x").v_explored
    assert traj.f_get("x").v_locked
    assert traj.f_get_run_names()[-1] == "run_00000011"
    assert "Multiplication" in repr(traj)
    assert traj.f_to_dict(short_names=False, fast_access=True)["parameters.x"] == 1.0
    with pytest.raises(KeyError):
        traj.v_idx = 12


EXPLORED = {
    "x": [1.0, 2.5, float("nan"), -0.0],
    "n": [1, 2**40, -3, 0],
    "big": [2**80, -1, 0, 1],
    "on": [True, False, True, True],
    "mode": ["a", "", "ü", "a"],
    "pair": [(1, "a"), (2, "b"), (3, ""), (1, "a")],
    "z": [1j, 0j, 1 + 1j, complex("nan")],
    "items": [[1, 2], [], [3], [1]],
    "none": [None, None, None, None],
    "half": [np.float16(0.5), np.float16(1), np.float16(2), np.float16("nan")],
    "i8": [np.int8(1), np.int8(-128), np.int8(127), np.int8(0)],
    "array": [np.arange(3), np.zeros((2, 2)), np.array(1.5), np.array(["a"], object)[:0].astype(float)],
}


def same(a, b):
    if isinstance(a, np.ndarray):
        return type(b) is np.ndarray and (a.dtype, a.shape) == (b.dtype, b.shape) and a.tobytes() == b.tobytes()
    return type(a) is type(b) and repr(a) == repr(b)


@pytest.mark.parametrize("name", EXPLORED)
def test_explored_values_come_back_as_what_they_were(name, at):
    values = EXPLORED[name]
    listed(Environment("kinds", store=at.url), {name: values}).run(lambda traj: None)
    traj = load_trajectory(store=at.url)
    parameter = traj.f_get(name)
    assert all(map(same, values, parameter.f_get_range()))
    assert same(parameter.f_get(), values[0])
    for run in range(4):
        traj.v_idx = run
        assert same(traj[name], values[run])
    assert len(traj.f_run_table()) == 4
    assert traj.f_dataset().sizes


def test_reading_is_put_off(at, monkeypatch):
    from xpet.store.places.local import LocalPlace

    env = environment(at)
    env.traj.f_add_parameter("big", np.arange(5000.0))
    env.run(multiply)
    asked = []
    read = LocalPlace.read
    monkeypatch.setattr(LocalPlace, "read", lambda self, key: asked.append(key) or read(self, key))
    traj = load_trajectory("Multiplication", store=at.url)
    assert asked == ["zarr.json"]
    assert (traj.x, traj.y, len(traj)) == (1.0, 1.0, 12) or (traj.x, traj.y) == (1.0, 6.0)
    assert asked == ["zarr.json"]
    assert traj.r_3.z == 12.0
    assert len(asked) == 2
    assert traj.big[7] == 7.0
    assert len(asked) == 3


def test_a_stored_range_reads_once():
    calls = []
    stored = StoredRange(3, lambda: calls.append(1) or [1, 2, 3])
    assert len(stored) == 3
    assert calls == []
    assert (stored[0], stored[-1], stored[1:], list(stored)) == (1, 3, [2, 3], [1, 2, 3])
    assert calls == [1]


def test_runs_that_are_not_complete(at):
    env = environment(at)
    with pytest.warns(UserWarning, match="1 of 12"):
        env.run(lambda traj: 1 / 0 if traj.v_idx == 3 else multiply(traj))
    traj = load_trajectory(store=at.url)
    assert "run_00000003" not in traj.results.runs
    assert "run_00000004" in traj.results.runs
    assert 3 not in traj.f_get_from_runs("z", use_indices=True)
    with pytest.raises((AttributeError, DataNotInStorageError), match=r"r_3|run_00000003|run 3|'z'"):
        traj.r_3.z  # noqa: B018 - looking raises


def test_a_store_of_a_newer_format(at):
    environment(at).run(multiply)
    place = open_place(resolve(at.url)).below("Multiplication")
    document = json.loads(place.read("zarr.json"))
    mark = json.loads(document["attributes"]["xpet"])
    document["attributes"]["xpet"] = json.dumps(mark | {"format": "2.3", "min_reader": "2.1"})
    place.write("zarr.json", json.dumps(document).encode())
    for use in (
        lambda: load_trajectory(store=at.url),
        lambda: xpet.open(at.url),
        lambda: environment(at).run(multiply),
        lambda: environment(at, if_exists="overwrite").run(multiply),
    ):
        with pytest.raises(VersionMismatchError, match=r"Multiplication.*2\.3.*2\.1.*1\.0.*update xpet"):
            use()
    env = environment(at, if_exists="new")
    env.run(multiply)
    assert env.traj.v_name == "Multiplication_1"


def test_a_newer_format_of_the_same_major_is_read(at):
    environment(at).run(multiply)
    place = open_place(resolve(at.url)).below("Multiplication")
    document = json.loads(place.read("zarr.json"))
    mark = json.loads(document["attributes"]["xpet"]) | {"format": "1.7", "novelty": [1, 2]}
    document["attributes"]["xpet"] = json.dumps(mark)
    place.write("zarr.json", json.dumps(document).encode())
    assert load_trajectory(store=at.url).r_3.z == 12.0
    env = environment(at)
    env.traj.f_add_result("more", 1)
    env.traj.f_store()
    assert json.loads(json.loads(place.read("zarr.json"))["attributes"]["xpet"])["novelty"] == [1, 2]


@pytest.mark.parametrize("text", [b"{", b"[]", b'{"attributes":{"xpet":"{}"},"node_type":"group","zarr_format":3}'])
def test_a_damaged_document(text, at):
    environment(at).run(multiply)
    open_place(resolve(at.url)).write("Multiplication/zarr.json", text)
    for use in (lambda: load_trajectory("Multiplication", store=at.url), lambda: environment(at).run(multiply)):
        with pytest.raises(CorruptStoreError, match=r"Multiplication.*damaged"):
            use()


@pytest.mark.parametrize(
    ("node", "key", "value", "match"),
    [
        ("parameters/x", "comment", [], "'parameters.x' is damaged: The comment is a text, not list"),
        ("parameters/x", "kind", [[]], "'parameters.x' is damaged: The kind"),
        ("parameters/x", "kind", "result", "'parameters.x' is damaged: it is explored, and it is a Result"),
        ("parameters/x", "path", "M8[s]", r"M8\[s\].* is damaged"),
        ("parameters/x", "path", "", "'' is damaged: it has no name"),
        ("parameters/x", "path", "parameters.w", "'parameters.x' is damaged: it is explored, and it is not there"),
        ("results/z", "path", "", "'' is damaged: it has no name"),
        ("results/z", "path", "..", r"'\.\.' is damaged"),
    ],
)
def test_a_document_that_says_what_cannot_be(node, key, value, match, at):
    environment(at).run(multiply)
    place = open_place(resolve(at.url))
    document = json.loads(place.read("Multiplication/zarr.json"))
    about = document["consolidated_metadata"]["metadata"][node]["attributes"]
    about["xpet"] = json.dumps({**json.loads(about["xpet"]), key: value})
    place.write("Multiplication/zarr.json", json.dumps(document).encode())
    with pytest.raises(CorruptStoreError, match=match):
        load_trajectory("Multiplication", store=at.url)


def test_an_explored_parameter_whose_branch_is_left_out(at):
    traj = Trajectory("study", store=at.url)
    traj.f_add_derived_parameter("d", 1)
    traj.f_explore({"d": [1, 2]})
    traj.f_store()
    with pytest.raises(ValueError, match=r"'derived_parameters.d' is explored, and its branch is not loaded"):
        load_trajectory("study", store=at.url, load_derived_parameters=0)


def test_runs_that_wait_are_said_aloud(at, caplog):
    from xpet.store.journal import open_packer

    env = environment(at)
    env.traj.f_store()
    packer = open_packer(env.traj.v_spec, "Multiplication", 1)
    packer.begin(0, 0)
    packer.complete(0, [], 1.7e9, 0.5)
    load_trajectory(store=at.url)
    assert "Multiplication: 1 packet waits with finished runs" in caplog.text
    packer.end()


def test_a_loaded_trajectory_goes_on_after_others_wrote(at):
    environment(at, {"x": [1.0, 2.0], "y": AXES["y"]}).run(multiply)
    traj = load_trajectory(store=at.url)
    env = environment(at, if_exists="extend")
    env.run(multiply)
    assert len(traj) == 6
    assert traj.r_5.z == 16.0
    assert Environment(traj).run(multiply) == []
    assert (len(traj), traj.r_5.z, traj.f_dataset("flat").z.size, len(traj.f_run_table())) == (6, 16.0, 6, 6)
    assert load_trajectory(store=at.url).r_11.z == 32.0


def test_a_loaded_trajectory_travels(at):
    environment(at).run(multiply)
    traj = load_trajectory(store=at.url)
    env = Environment(traj, multiproc=True, ncores=2)
    traj.f_expand(cartesian_product({"x": [5.0], "y": AXES["y"]}))
    assert [run for run, _ in env.run(multiply)] == [12, 13, 14]


def test_a_trajectory_pickles(at):
    environment(at).run(multiply)
    traj = pickle.loads(pickle.dumps(load_trajectory(store=at.url)))
    assert (traj.x, traj.r_3.z, traj.f_get("y").f_get_range()[-1]) == (1.0, 12.0, 8.0)


def test_a_million_runs_open_at_once(at):
    n = 1_000_000
    traj = Trajectory("many", store=at.url)
    traj.f_add_parameter("x", 0)
    traj.f_explore({"x": range(n)})
    traj.f_store()
    begun = time.perf_counter()
    back = load_trajectory(store=at.url)
    assert len(back) == n
    assert time.perf_counter() - begun < 1.0
    back.v_idx = n - 1
    assert back.x == n - 1


def test_no_warning_is_given(at):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        environment(at).run(multiply)
        load_trajectory(store=at.url).f_dataset().load()
        assert os.path.isdir(at.url)
