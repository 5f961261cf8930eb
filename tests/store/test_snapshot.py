"""The published facts of a trajectory, and what is said of places that hold something else."""

from __future__ import annotations

import base64
import contextlib
import json
import zlib
from typing import Any

import numpy as np
import pytest
import zarr
from fixtures_columns import NAME, do, leaf, memory, parameter, read_runs, start
from hypothesis import given
from hypothesis import strategies as st

from xpet.errors import CorruptStoreError, DataNotInStorageError, ForeignStoreError, VersionMismatchError
from xpet.store.create import NewTrajectory, create
from xpet.store.meta import Coordinate, Meta, Space, pack_complete, unpack_complete
from xpet.store.place import Place
from xpet.store.reading import read_static, static_leaves
from xpet.store.snapshot import find_snapshot, is_store, list_trajectories, read_snapshot
from xpet.store.writer import Writer, open_for_writing

META = Meta(
    "fi", "ab" * 16, 1.7e9, 12, "eJw", "a comment", 3,
    Space("product", (("x", 4),), (Coordinate("parameters.x", "x"),)),
    seed="123", writer={"xpet": "0.1"}, extra={"future": [1]},
)  # fmt: skip


def test_meta_comes_back_with_what_a_newer_version_put_there():
    assert Meta.from_json(META.to_json(), "here") == META


@given(st.lists(st.booleans(), min_size=1, max_size=70), st.integers(0, 20))
def test_complete_runs_come_back(complete: list[bool], more: int):
    text = pack_complete(np.array(complete))
    back = unpack_complete(text, len(complete) + more, "here")
    assert back.tolist() == complete + [False] * more
    assert not unpack_complete("", 5, "here").any()


def node(**changes: Any) -> str:
    return json.dumps({**json.loads(META.to_json()), **changes})


DAMAGED = {
    "not JSON": "{",
    "a list": "[]",
    "empty": "{}",
    "runs as text": node(n_runs="12"),
    "no runs": node(n_runs=0),
    "too many runs": node(n_runs=2**60),
    "space": node(space={}),
    "axes": node(space={"kind": "list", "axes": [1], "coordinates": []}),
    "name": node(name=None),
    "bitmap": node(complete=3),
    "format": node(format="new"),
    "deep": '{"a":' * 10**5,
}


@pytest.mark.parametrize("text", DAMAGED.values(), ids=DAMAGED)
def test_damaged_meta(text: str):
    with pytest.raises(CorruptStoreError, match=r"^here.*damaged"):
        Meta.from_json(text, "here")


def deflated(data: bytes) -> str:
    return base64.b64encode(zlib.compress(data)).decode()


@pytest.mark.parametrize("text", ["é", "AAAA", deflated(b"\0" * 10**8)], ids=["letters", "noise", "bomb"])
def test_damaged_bitmap(text: str):
    with pytest.raises(CorruptStoreError, match="bitmap"):
        unpack_complete(text, 12, "here")


@pytest.mark.parametrize(
    ("versions", "ok"),
    [
        ({"format": "1.0", "min_reader": "1.0"}, True),
        ({"format": "1.7", "min_reader": "1.0"}, True),
        ({"format": "1.7", "min_reader": "1.7"}, False),
        ({"format": "2.0", "min_reader": "1.0"}, False),
        ({"format": "2.0", "min_reader": "2.0"}, False),
    ],
    ids=str,
)
def test_newer_formats(versions: dict[str, str], ok: bool):
    place = memory()
    start(place).lease.release()
    change(place, lambda meta: {**meta, **versions})
    for open_it in (read_snapshot, open_for_writing):
        if ok:
            with contextlib.ExitStack() as stack:
                found = open_it(place, NAME)
                if isinstance(found, Writer):
                    stack.enter_context(found)
        else:
            with pytest.raises(VersionMismatchError, match=versions["format"]):
                open_it(place, NAME)


def change(place: Place, changed: Any) -> None:
    """Change the xpet attribute of the trajectory."""
    document = json.loads(place.read(f"{NAME}/zarr.json") or b"")
    document["attributes"]["xpet"] = json.dumps(changed(json.loads(document["attributes"]["xpet"])))
    place.write(f"{NAME}/zarr.json", json.dumps(document).encode())


# Something else -------------------------------------------------------------------------------------------------------


def zarr_group(place: Place, path: str) -> None:
    url, options = place.zarr_store_args()
    zarr.open_group(url, path=path, mode="a", storage_options=options).create_array("a", shape=(2,), dtype="f8")


def test_a_foreign_hierarchy_is_left_alone(place: Place):
    zarr_group(place, "")
    before = place.list()
    with pytest.raises(ForeignStoreError, match="choose another store"):
        start(place)
    assert place.list() == before
    assert is_store(place) is False


def test_a_foreign_hierarchy_in_the_place_of_a_trajectory_is_left_alone(place: Place):
    start(place).lease.release()
    zarr_group(place, "other")
    before = place.list()
    with pytest.raises(ForeignStoreError, match="other"):
        find_snapshot(place, "other")
    with pytest.raises(ForeignStoreError, match="other"):
        open_for_writing(place, "other")
    with pytest.raises(ForeignStoreError, match="other"):
        create(place, NewTrajectory("other", "", 1, "list", (), [], []))
    assert place.list() == before
    assert list_trajectories(place) == ([NAME], ["other"])


def test_files_in_the_place_of_a_trajectory_are_left_alone():
    place = memory()
    place.write(f"{NAME}/thesis.tex", b"10 years")
    with pytest.raises(ForeignStoreError, match=r"thesis\.tex"):
        start(place)
    assert place.read(f"{NAME}/thesis.tex") == b"10 years"


def test_a_trajectory_that_is_not_there(place: Place):
    with pytest.raises(DataNotInStorageError, match="nothing that xpet wrote"):
        read_snapshot(place, NAME)
    start(place).lease.release()
    with pytest.raises(DataNotInStorageError, match="'study'"):
        open_for_writing(place, "other")
    assert f"other/_xpet/journal/lease/{1:08d}" not in place.list()


def test_a_store_in_the_place_of_a_trajectory(local: Place):
    start(local.below("inner")).lease.release()
    start(local).lease.release()
    with pytest.raises(ForeignStoreError, match="a store"):
        find_snapshot(local, "inner")
    with pytest.raises(ForeignStoreError, match="one trajectory"):
        start(local.below(NAME))


@pytest.mark.parametrize(
    "data", [b"", b"{", b"[]", b"\xff", b"[" * 10**6], ids=["empty", "JSON", "list", "bytes", "deep"]
)
def test_a_damaged_root(data: bytes):
    place = memory()
    start(place).lease.release()
    place.write(f"{NAME}/zarr.json", data)
    for read in (find_snapshot, open_for_writing):
        with pytest.raises(CorruptStoreError, match=r"zarr\.json"):
            read(place, NAME)
    assert list_trajectories(place) == ([], [NAME])


def test_no_consolidated_metadata():
    place = memory()
    start(place).lease.release()
    document = json.loads(place.read(f"{NAME}/zarr.json") or b"")
    del document["consolidated_metadata"]
    place.write(f"{NAME}/zarr.json", json.dumps(document).encode())
    with pytest.raises(CorruptStoreError, match="consolidated"):
        read_snapshot(place, NAME)


# What documents may claim ---------------------------------------------------------------------------------------------


def forge(place: Place, key: str, **changes: Any) -> None:
    """Change what the published document of an array says."""
    document = json.loads(place.read(f"{NAME}/zarr.json") or b"")
    attributes = document["consolidated_metadata"]["metadata"][key]["attributes"]
    ours = {**json.loads(attributes["xpet"]), **changes}
    attributes["xpet"] = json.dumps({name: value for name, value in ours.items() if value is not None})
    place.write(f"{NAME}/zarr.json", json.dumps(document).encode())


OUTSIDE = {
    "a part elsewhere": {"parts": [["", "float64", 0, "../../secret", None]]},
    "a part that is a group": {"parts": [["", "float64", 0, "results", None]]},
    "no parts": {"parts": []},
    "parts of another form": {"parts": 3},
    "missing": {"codec": None},
    "labels elsewhere": {"dims": ["a"], "coords": {"a": ["<f8", {}, "../x"]}},
    "a dtype of labels": {"dims": ["a"], "coords": {"a": ["O", {}, "runs/x"]}},
    "meta": {"codec": "numpy.ndarray", "meta": {"dtype": "O"}},
}
COLUMN = {
    **OUTSIDE,
    "a which elsewhere": {"which": "../which"},
    "lengths elsewhere": {"parts": [["", "float64", 0, "results/z", "../z.len"]]},
    "lengths of a scalar": {"parts": [["", "float64", 0, "results/z", "results/x"]]},
    "number": {"column": 7},
    "no item": {"item": None},
}


@pytest.mark.parametrize("changes", OUTSIDE.values(), ids=OUTSIDE)
def test_forged_leaves(changes: dict[str, Any]):
    place = memory()
    start(place, leaves=[parameter("parameters.p", 1.5)]).lease.release()
    forge(place, "parameters/p", **changes)
    snapshot = read_snapshot(place, NAME)
    assert set(static_leaves(snapshot.hierarchy)) <= {"parameters.p"}
    with pytest.raises(CorruptStoreError):
        read_static(snapshot.place, snapshot.hierarchy, "parameters/p")


@pytest.mark.parametrize("changes", COLUMN.values(), ids=COLUMN)
def test_forged_columns(changes: dict[str, Any]):
    place = memory()
    with start(place) as writer:
        do(place, writer, {0: [leaf("results.runs.$.z", 1.5)]})
        writer.fold()
    forge(place, "results/z", **changes)
    with pytest.raises(CorruptStoreError):
        read_runs(place)
