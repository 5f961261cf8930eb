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
