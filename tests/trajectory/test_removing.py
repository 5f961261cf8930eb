"""Deleting trajectories, and nothing else."""

from __future__ import annotations

import itertools
import os

import numpy as np
import pytest
from fixtures_columns import NAME, Death, Dying, bury, copy, do, leaf, memory, read_runs, start
from fixtures_jobs import environment, multiply
from fixtures_leases import forge

from xpet import CorruptStoreError, DataNotInStorageError, ForeignStoreError, StoreBusyError
from xpet.store.chunks import encode_chunk
from xpet.store.documents import ArrayDoc
from xpet.store.journal import DAMAGED, PACKETS, open_packer
from xpet.store.lease import PREFIX as LEASES
from xpet.store.ownership import REMOVAL
from xpet.store.place import open_place, resolve
from xpet.store.snapshot import ROOT
from xpet.store.writer import open_for_writing
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
    "results/thoughts/c/1": b"shaped like a chunk, where no array is",
    "results/thoughts/c/0/1": b"",
    "results/c": b"in a group no chunk",
    "parameters/.DS_Store": b"",
    "src/c": b"int main() {}",
    "notes/c/1": b"first note of the third chapter",
    "_xpet/src/c": b"int main() {}",
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

    with pytest.warns(UserWarning, match="what xpet did not write stays: .*and 12 more"):
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


TEXTS = ArrayDoc((2,), "string", ("run",), (2,), "")


def test_what_a_killed_writer_left_unpublished_goes_as_well(store):
    env = environment(store)
    env.run(multiply)
    place = place_of(store).below("Multiplication")
    document, chunk = place.read("results/z/zarr.json"), place.read("results/z/c/0")
    place.write_many({"results/late/zarr.json": document, "results/late/c/0": b"", "results/later/c/0": chunk})
    place.write("results/texts/c/0", encode_chunk(TEXTS, np.array(["a", "b"], object)))
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


# deletions that are cut off

X = [1.0, 2.0, 3.0]


def deletable():
    """A trajectory with folded runs, and one that waits."""
    place = memory()
    with start(place, {"x": X}) as writer:
        do(place, writer, {run: [leaf("results.z", X[run]), leaf("results.deep.t", "text")] for run in (0, 1)})
        writer.fold()
        do(place, writer, {2: [leaf("results.z", 3.0)]})
    return place


def cut_off(base, last, act=remove_trajectory, backwards=False):
    """What a process leaves that dies before its change number `last`; None if it is done before."""
    place = copy(base)
    try:
        act(Dying(place, last, backwards), NAME)
    except Death:
        bury(place)
        return place
    return None


def cut_offs(base, act=remove_trajectory, backwards=False):
    for last in itertools.count():
        place = cut_off(base, last, act, backwards)
        if place is None:
            assert last > 3
            return
        yield place
        place.delete(place.list())


def create_again(place):
    with start(place, {"x": X}) as writer:
        assert not writer.complete.any()
        do(place, writer, {run: [leaf("results.z", X[run])] for run in range(3)})
        assert writer.fold() == 3
    assert sorted(read_runs(place)) == [0, 1, 2]
    assert not place.exists(f"{NAME}/{REMOVAL}")


@pytest.mark.parametrize("backwards", [False, True])
def test_a_deletion_that_dies_at_any_write_is_not_done_or_can_be_taken_up(backwards):
    base = deletable()
    for number, place in enumerate(cut_offs(base, backwards=backwards)):
        if place.exists(f"{NAME}/{ROOT}"):
            assert sorted(read_runs(place)) == [0, 1]
        again = copy(place)
        remove_trajectory(again, NAME)
        assert again.list() == [ROOT]
        assert remove_all(copy(place)) == ([NAME], [])
        for twice in cut_offs(place, backwards=backwards) if number % 4 == 0 else ():
            assert remove_all(twice) == ([NAME], [])
            assert twice.list() == [ROOT]


def test_creation_after_a_deletion_that_died():
    for number, place in enumerate(cut_offs(deletable())):
        if place.exists(f"{NAME}/{ROOT}"):
            continue
        for twice in cut_offs(place, act=lambda store, _: start(store).lease.release()) if number % 8 == 0 else ():
            if not twice.exists(f"{NAME}/{ROOT}"):
                create_again(twice)
        create_again(place)


def test_what_was_not_deleted_in_the_end_is_not_lost_later():
    for place in cut_offs(deletable()):
        if place.exists(f"{NAME}/{ROOT}"):
            with open_for_writing(place, NAME) as writer:
                assert writer.complete.all()
            assert not place.exists(f"{NAME}/{REMOVAL}")
            place.delete([f"{NAME}/{ROOT}"])
            with pytest.raises(CorruptStoreError, match="finished runs are there"):
                start(place)


def test_a_deletion_whose_lease_is_taken_stops():
    base = deletable()

    class Slow(Dying):
        def below(self, sub):
            made = Slow(self._place.below(sub))
            return made

        def write(self, key, data):
            super().write(key, data)
            if key == REMOVAL:
                forge(self._place, epoch=99)

    kept = [key for key in base.list() if "/lease/" not in key]
    with pytest.raises(StoreBusyError, match="nothing more is deleted"):
        remove_trajectory(Slow(base), NAME)
    assert {*kept, f"{NAME}/{REMOVAL}"} == {key for key in base.list() if "/lease/" not in key}


def test_who_creates_a_trajectory_while_its_folder_goes(local, monkeypatch):
    with start(local):
        pass
    makedirs, rounds = os.makedirs, iter(range(3))

    def taken_away(path, **options):
        makedirs(path, **options)
        if next(rounds, None) is not None:
            os.removedirs(path)

    remove_trajectory(local, NAME)
    assert not os.path.exists(local.below(NAME).url)
    monkeypatch.setattr(os, "makedirs", taken_away)
    with start(local) as writer:
        assert writer.lease.still_ours()
    assert next(rounds, None) is None


def test_half_written_files_go_but_for_those_of_who_waits_for_the_lease(local):
    with start(local) as writer:
        waiting = local.below(NAME).path(f"{LEASES}/.1-2-3x").removesuffix("x") + ".partial"
        folder = writer.place.path("results/late")
    os.makedirs(folder)
    for path in (waiting, f"{folder}/.1-2-3.partial"):
        with open(path, "wb"):
            pass
    remove_trajectory(local, NAME)
    assert os.path.exists(waiting)
    assert not os.path.exists(folder)
    assert local.list() == [ROOT]


# workers that outlive their trajectory


def left_by_a_worker(store, uuid="of another"):
    packing = open_packer(store.spec, NAME, 256, uuid=uuid)
    packing.begin(0, 0)
    packing.complete(0, [leaf("results.z", -1.0)], 1.7e9, 0.5, 0)
    packing.end()


@pytest.mark.parametrize("notes", [False, True])
def test_a_packet_of_a_deleted_trajectory_does_not_count(place, notes):
    with start(place):
        pass
    if notes:
        place.write(f"{NAME}/notes.txt", b"mine")
        with pytest.warns(UserWarning, match=r"stays: notes\.txt"):
            remove_trajectory(place, NAME)
    else:
        remove_trajectory(place, NAME)
    left_by_a_worker(place)
    with start(place, {"x": X}) as writer:
        assert len(place.list(f"{NAME}/{DAMAGED}")) == 1
        assert not place.list(f"{NAME}/{PACKETS}")
        assert writer.fold(unfinished=True) == 0
        assert not writer.complete.any()


def test_a_packet_of_a_deleted_trajectory_goes_with_a_deletion():
    place = memory()
    left_by_a_worker(place)
    assert remove_all(place) == ([NAME], [])
    assert place.list() == []


def test_a_packet_that_does_not_say_what_it_is_of_is_kept():
    place = memory()
    left_by_a_worker(place, uuid="")
    with pytest.raises(CorruptStoreError, match=r"finished runs are there \(1 packet\)"):
        start(place)
