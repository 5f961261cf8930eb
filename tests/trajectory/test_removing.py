"""Deleting trajectories, and nothing else."""

from __future__ import annotations

import os

import pytest
from fixtures_jobs import environment, multiply

import xpet
from xpet import DataNotInStorageError, ForeignStoreError, StoreBusyError
from xpet.store.place import open_place, resolve
from xpet.trajectory.removing import remove_all, remove_trajectory


def place_of(store):
    return open_place(resolve(store.url, store.storage_options))


def test_one_of_several(store):
    environment(store).run(multiply)
    environment(store, if_exists="new").run(multiply)
    remove_trajectory(place_of(store), "Multiplication")
    assert sorted(place_of(store).children()) == ["Multiplication_1", "zarr.json"]


def test_all_of_ours(store):
    environment(store).run(multiply)
    place_of(store).write("theirs/data", b"1")
    assert remove_all(place_of(store)) == (["Multiplication"], ["theirs"])
    assert place_of(store).list("") == ["theirs/data", "zarr.json"]


THEIRS = {
    "notes.txt": b"thesis",
    "results/figure.png": b"plot",
    "results/z/notes/a.txt": b"on z",
    "results/7": b"a run that went wrong",
    "results/c": b"in a group no chunk",
    "parameters/.DS_Store": b"",
    "other.zarr/zarr.json": b'{"zarr_format": 3, "node_type": "group", "attributes": {}}',
    "other.zarr/a/zarr.json": b"{}",
    "other.zarr/a/c/0": b"a chunk",
    "old.zarr/.zarray": b"{}",
    "old.zarr/0.0": b"a chunk",
    "_xpet/mine": b"1",
}


@pytest.mark.parametrize("how", ["overwrite_file", "if_exists"])
def test_what_others_put_into_a_trajectory_stays(store, how):
    environment(store).run(multiply)
    place = place_of(store).below("Multiplication")
    place.write_many(THEIRS)
    options = {"overwrite_file": True} if how == "overwrite_file" else {"if_exists": "overwrite"}

    def again():
        env = environment(store, **options)
        env.run(multiply)
        return env

    with pytest.warns(UserWarning, match="what xpet did not write stays: .*and 7 more"):
        env = again()
    assert env.dataset().z.sel(x=2.0, y=7.0) == 14.0
    assert {key: place.read(key) for key in THEIRS} == THEIRS
    assert environment(store).run(multiply) == []


def test_only_what_others_put_into_a_trajectory_stays(store):
    environment(store).run(multiply)
    place = place_of(store).below("Multiplication")
    place.write_many(THEIRS)
    with pytest.warns(UserWarning, match="stays"):
        remove_trajectory(place_of(store), "Multiplication")
    assert [key for key in place.list() if "/lease/" not in key] == sorted(THEIRS)
    env = environment(store)
    assert len(env.run(multiply)) == 12
    assert env.dataset().z.sel(x=2.0, y=7.0) == 14.0


def test_what_a_killed_writer_left_unpublished_goes_as_well(store):
    env = environment(store)
    env.run(multiply)
    place = place_of(store).below("Multiplication")
    document = place.read("results/z/zarr.json")
    place.write_many({"results/late/zarr.json": document, "results/late/c/0": b"", "results/later/c/0": b""})
    remove_trajectory(place_of(store), "Multiplication")
    assert place.list() == []
    if place.is_local:
        assert not os.path.exists(place.url)


def test_what_others_put_where_a_result_will_be(store):
    environment(store).traj.f_store()
    place = place_of(store).below("Multiplication")
    place.write_many({"results/z/mine.txt": b"1", "results/z/c/0": b"left"})
    env = environment(store)
    env.run(multiply)
    assert place.read("results/z/mine.txt") == b"1"
    assert env.dataset().z.sel(x=2.0, y=7.0) == 14.0


def test_what_is_not_there(store):
    environment(store).traj.f_store()
    with pytest.raises(DataNotInStorageError, match=r"no trajectory 'other'.*'Multiplication'"):
        remove_trajectory(place_of(store), "other")


def test_what_is_not_ours(store):
    place_of(store).write("theirs/zarr.json", b'{"zarr_format":3,"node_type":"group","attributes":{}}')
    with pytest.raises(ForeignStoreError, match="xpet did not write"):
        remove_trajectory(place_of(store), "theirs")
    assert place_of(store).children() == ["theirs"]


def test_what_is_being_written(store):
    env = environment(store)
    env.run(multiply)
    with env.traj.f_open(), pytest.raises(StoreBusyError):
        remove_trajectory(place_of(store), "Multiplication")
    assert env.dataset().z.sel(x=2.0, y=7.0) == 14.0


@pytest.mark.parametrize("last", range(0, 40, 3))
def test_a_removal_that_is_cut_short_leaves_nothing_that_seems_complete(tmp_path, monkeypatch, last):
    url = tmp_path / "s.zarr"

    def script(**options):
        env = xpet.Environment("study", store=url, **options)
        env.traj.f_add_parameter("x", 1.0)
        env.traj.f_explore({"x": [1.0, 2.0]})
        env.run(lambda traj: traj.f_add_result("y", traj.x))
        return env.dataset().y.values.tolist()

    script()
    unlink, calls = os.unlink, []

    def dying(path, **options):
        calls.append(path)
        if len(calls) > last and "lease" not in str(path):
            raise KeyboardInterrupt
        unlink(path, **options)

    monkeypatch.setattr(os, "unlink", dying)
    monkeypatch.setattr(os, "remove", dying)
    try:
        script(overwrite_file=True)
    except KeyboardInterrupt:
        pass
    monkeypatch.undo()
    assert script() == [1.0, 2.0]
