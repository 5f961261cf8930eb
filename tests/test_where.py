"""Folders of other things, lost documents of stores and of trajectories: what is found, and what is said."""

from __future__ import annotations

import json

import pytest
import xarray as xr
from fixtures_jobs import StoreAt, environment, multiply, products, z_of

import xpet
from xpet import CorruptStoreError, ForeignStoreError, load_trajectory
from xpet.backend import XpetBackendEntrypoint
from xpet.store.place import open_place, resolve
from xpet.store.snapshot import is_store


def place_of(store):
    return open_place(resolve(store.url, store.storage_options))


def without_leases(place):
    return [key for key in place.list() if "/lease/" not in key]


# folders of other things


def test_a_store_in_a_folder_of_other_things_is_found(tmp_path):
    (tmp_path / "notes.txt").write_text("mine")
    (tmp_path / ".hidden").mkdir()
    (tmp_path / "back\\slash").mkdir()
    environment(StoreAt(f"{tmp_path}/")).run(multiply)
    for trajectory in (None, "Multiplication"):
        assert xpet.open(tmp_path, trajectory).z.shape == (4, 3)
        assert xr.open_dataset(tmp_path, engine=XpetBackendEntrypoint, trajectory=trajectory).z.shape == (4, 3)
        traj = load_trajectory(trajectory, filename=str(tmp_path))
        assert (len(traj), traj.v_store) == (12, str(tmp_path / "Multiplication.zarr"))


def test_several_stores_in_a_folder_of_other_things(tmp_path):
    environment(StoreAt(str(tmp_path / "a.zarr"))).run(multiply)
    environment(StoreAt(str(tmp_path / "b.zarr"))).traj.f_store()
    for read in (xpet.open, lambda path: load_trajectory(filename=path)):
        with pytest.raises(ValueError, match=r"the stores a\.zarr, b\.zarr; say which, as in .*a\.zarr'"):
            read(tmp_path)
    environment(StoreAt(str(tmp_path) + "/")).run(multiply)
    assert xpet.open(tmp_path, "Multiplication").z.shape == (4, 3)
    assert load_trajectory("Multiplication", filename=tmp_path).v_store == str(tmp_path / "Multiplication.zarr")


def test_no_store_in_a_folder_of_other_things(tmp_path):
    (tmp_path / "notes.txt").write_text("mine")
    for read in (xpet.open, lambda path: load_trajectory(filename=path)):
        with pytest.raises(ForeignStoreError, match="was not written by xpet"):
            read(tmp_path)


# the document of a store

DAMAGED = [None, b"", b"{", b"[]", b"\xff"]


def damage(place, data):
    if data is None:
        place.delete(["zarr.json"])
    else:
        place.write("zarr.json", data)


@pytest.mark.parametrize("data", DAMAGED, ids=str)
def test_the_document_of_a_store_is_read_around_and_mended(data, store):
    environment(store).run(multiply)
    place = place_of(store)
    before = place.read("zarr.json")
    damage(place, data)
    options = store.storage_options or None
    assert is_store(place) is True
    assert xpet.open(store.url, storage_options=options).z.shape == (4, 3)
    assert load_trajectory(filename=store.url, storage_options=options).r_11.z == 32.0
    assert place.read("zarr.json") == data
    env = environment(store)
    assert env.traj.v_store == place.spec.url
    assert env.run(multiply) == []
    assert place.read("zarr.json") == before
    damage(place, data)
    environment(store, if_exists="new").run(multiply)
    assert place.children() == ["Multiplication", "Multiplication_1", "zarr.json"]
    assert place.read("zarr.json") == before


@pytest.mark.parametrize("data", DAMAGED[1:], ids=str)
def test_a_damaged_document_without_trajectories_is_left_alone(data, store):
    place = place_of(store)
    damage(place, data)
    with pytest.raises(CorruptStoreError, match=r"zarr\.json"):
        environment(store).run(multiply)
    assert place.list() == ["zarr.json"]


# the document of a trajectory


def test_a_trajectory_that_lost_its_document_is_not_computed_over(store):
    environment(store).run(multiply)
    place = place_of(store)
    place.delete(["Multiplication/zarr.json"])
    kept = without_leases(place)
    for if_exists in (None, "continue", "extend"):
        with pytest.raises(CorruptStoreError, match=r"finished runs.*'overwrite'.*'new'"):
            environment(store, if_exists=if_exists).run(multiply)
    assert without_leases(place) == kept
    environment(store, if_exists="new").run(multiply)
    assert [key for key in without_leases(place) if key.partition("/")[0] != "Multiplication_1"] == kept
    env = environment(store, if_exists="overwrite")
    assert len(env.run(multiply)) == 12
    assert z_of(env) == products()


def test_packets_of_a_trajectory_that_lost_its_document(store):
    env = environment(store)
    with env.traj.f_open() as writer:
        writer.place.write("_xpet/journal/packet/00000000/0000000000-1", b"a packet")
    place_of(store).delete(["Multiplication/zarr.json"])
    with pytest.raises(CorruptStoreError, match=r"finished runs are there \(1 packet\)"):
        environment(store).run(multiply)
    assert len(environment(store, overwrite_file=True).run(multiply)) == 12


def test_a_trajectory_without_runs_that_lost_its_document_starts_afresh(store):
    environment(store).traj.f_store()
    place_of(store).delete(["Multiplication/zarr.json"])
    env = environment(store)
    assert len(env.run(multiply)) == 12
    assert z_of(env) == products()


# how to open


@pytest.mark.parametrize("name", ["plain", "it's", 'two "words"', "back\\slash"])
def test_the_line_to_type(name, tmp_path):
    environment(StoreAt(str(tmp_path / name / "s.zarr"))).run(multiply)
    root = json.loads((tmp_path / name / "s.zarr" / "Multiplication" / "zarr.json").read_bytes())
    ds = eval(root["attributes"]["how_to_open"], {"xarray": xr})
    assert ds.z.values.tolist() == products()
    store = json.loads((tmp_path / name / "s.zarr" / "zarr.json").read_bytes())
    tree = eval(store["attributes"]["how_to_open"].replace("<trajectory>", "Multiplication"), {"xarray": xr})
    assert tree["results/z"].values.tolist() == products()


def test_the_line_to_type_has_the_endpoint_but_no_secrets():
    from xpet.store.root import how_to_open

    place = open_place(resolve("s3://lab/s.zarr", {"endpoint_url": "https://s3.org", "key": "K", "secret": "S"}))
    assert how_to_open(place.below("t"), "results") == (
        "xarray.open_dataset('s3://lab/s.zarr/t', group='results', engine='zarr', "
        "storage_options={'endpoint_url': 'https://s3.org'})"
    )


def test_the_line_to_type_for_a_zarr_store():
    import zarr

    store = zarr.storage.MemoryStore()
    env = environment(StoreAt(store))
    env.run(multiply)
    line = env.traj.f_snapshot().attrs["how_to_open"]
    assert eval(line, {"xarray": xr, "zarr": zarr, "store": store}).z.values.tolist() == products()


# a damaged trajectory beside others


def without_document(place, data):
    if data is None:
        place.delete(["damaged/zarr.json"])
    else:
        place.write("damaged/zarr.json", data)


@pytest.mark.parametrize("data", [None, b"", b"{", b"[]", b"{}"], ids=str)
def test_the_rest_of_a_store_is_not_taken_for_all_there_is(data, store):
    options = store.storage_options or None
    readers = (
        lambda name=None: xpet.open(store.url, name, storage_options=options),
        lambda name=None: xr.open_dataset(
            store.url, engine=XpetBackendEntrypoint, trajectory=name, storage_options=options
        ),
        lambda name=None: load_trajectory(name, filename=store.url, storage_options=options),
        lambda name=None: load_trajectory(name, None if name else -1, filename=store.url, storage_options=options),
    )
    xpet.sweep(lambda x: {"y": x}, {"x": [1.0]}, store.url, name="damaged", storage_options=options)
    place = place_of(store)
    without_document(place, data)
    for read in readers:
        with pytest.raises((CorruptStoreError, ForeignStoreError), match=r"damaged"):
            read()
    environment(store).run(multiply)
    for read in readers:
        with pytest.raises(ValueError, match=r"'Multiplication', 'damaged' \(damaged\).*(trajectory|name)="):
            read()
        read("Multiplication")
        with pytest.raises((CorruptStoreError, ForeignStoreError), match=r"damaged"):
            read("damaged")
        with pytest.raises(xpet.DataNotInStorageError, match=r"'Multiplication', 'damaged' \(damaged\)"):
            read("other")
    place.write("other/zarr.json", b'{"zarr_format": 3, "node_type": "group", "attributes": {}}')
    for read in readers:
        with pytest.raises(ValueError, match=r"'Multiplication', 'damaged' \(damaged\)"):
            read()


@pytest.mark.parametrize("options", [{}, {"multiproc": True, "ncores": 2}], ids=["serial", "multiproc"])
def test_a_trajectory_whose_folder_was_renamed_goes_on(options, tmp_path):
    at = StoreAt(str(tmp_path / "s.zarr"))
    environment(at).run(multiply)
    (tmp_path / "s.zarr" / "Multiplication").rename(tmp_path / "s.zarr" / "renamed")
    env = xpet.Environment(load_trajectory(filename=at.url), **options)
    env.traj.f_expand({"x": [9.0], "y": [9.0]})
    assert env.run(multiply) == [(12, None)]
    assert env.dataset("flat").z.values[-1] == 81.0
    traj = load_trajectory("renamed", filename=at.url)
    assert (traj.v_name, traj.r_12.z) == ("renamed", 81.0)
    assert sorted(place_of(at).children()) == ["renamed", "zarr.json"]
