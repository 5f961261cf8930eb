"""Explored values that are stored once: what is added, what dies on the way, and stores from before."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
from fixtures_columns import NAME, Death, Dying, bury, copy, forget, group, memory, plain, start

from xpet.errors import CorruptStoreError
from xpet.store.create import NewTrajectory, create
from xpet.store.place import Place
from xpet.store.points import PointColumn, decode_points, encode_alike, encode_points, read_points
from xpet.store.snapshot import read_snapshot
from xpet.store.writer import Writer, open_for_writing
from xpet.testing import identical

A, B, C = np.arange(3.0), np.ones(3), np.array([0.0, np.nan, -0.0])
PATH = "parameters.w"


def values(place: Place, name: str = "w") -> list[Any]:
    """Return the explored values."""
    snapshot = read_snapshot(place, NAME)
    return decode_points(read_points(snapshot.place, snapshot.hierarchy, name))


def batches(place: Place) -> list[str]:
    """Return the arrays of the run table that hold values."""
    return sorted(str(name) for name in plain(place)["runs"].data_vars if ".values" in str(name))


def test_stored_once_and_only_what_is_new_is_added():
    place = memory()
    with start(place, {"w": [A, B, A, A.copy()]}) as writer:
        assert batches(place) == ["w.values"]
        writer.expand({PATH: [B, B]}, "list", ())
        assert batches(place) == ["w.values"]
        writer.expand({PATH: [C, A, np.arange(2.0), C]}, "list", ())
    assert batches(place) == ["w.values", "w.values.1", "w.values.1.len"]
    with open_for_writing(place, NAME) as writer:
        writer.expand({PATH: [{"a": C}, C]}, "list", ())
    assert identical(values(place), [A, B, A, A, B, B, C, A, np.arange(2.0), C, {"a": C}, C])
    for branch in ("results", "runs"):
        coordinate = group(place, branch).w
        assert coordinate.values.tolist() == [0, 1, 0, 0, 1, 1, 2, 0, 3, 2, 4, 2]
        assert coordinate.attrs["long_name"] == (
            "position among the values in runs/w.values, runs/w.values.1, runs/w.values.2"
        )
        assert coordinate.attrs["parameter"] == PATH
    np.testing.assert_array_equal(group(place, "runs")["w.values"], [A, B])


def test_units_and_comment_are_those_of_the_values():
    column = encode_points(PATH, [A, B], {"units": "mV", "comment": "a pulse"})
    place = memory()
    create(place, NewTrajectory(NAME, "", 2, "list", (), [("w", column)], [])).lease.release()
    runs = group(place, "runs")
    assert (runs["w.values"].attrs["units"], runs["w.values"].attrs["comment"]) == ("mV", "a pulse")
    assert "units" not in runs.w.attrs
    assert runs.w.attrs["comment"] == "a pulse"
    with open_for_writing(place, NAME) as writer:
        writer.expand({PATH: [C]}, "list", ())
    assert group(place, "runs")["w.values.1"].attrs["units"] == "mV"


def test_names_that_are_taken():
    place = memory()
    start(place, {"w": [A, B], "w.values": [B, A], "W.values": [{"values": 1}, {"x": A}]}).lease.release()
    for name, want in {"w": [A, B], "w.values": [B, A]}.items():
        assert identical(values(place, name), want)
    assert len(read_snapshot(place, NAME).meta.space.coordinates) == 3


def test_many_kinds_make_few_arrays():
    place = memory()
    many = [{f"k{k}": np.arange(k % 3)} for k in range(300)]
    start(place, {"w": many}).lease.release()
    assert identical(values(place), many)
    assert len(batches(place)) < 300


def old_store(place: Place, explored: Sequence[object]) -> Writer:
    """Return the writer of a store as it was before: each run has its value as text."""
    column = encode_alike(PATH, explored, PointColumn(PATH, np.empty(0), "json", {}, {}))
    assert column is not None
    return create(place, NewTrajectory(NAME, "", len(explored), "list", (), [("w", column)], []))


def test_texts_of_stores_from_before_are_gone_on_with():
    place = memory()
    with old_store(place, [A, {"a": 1}]) as writer:
        assert group(place).w.dtype.kind in "TO"
        writer.expand({PATH: [C, {"b": B}]}, "list", ())
    assert identical(values(place), [A, {"a": 1}, C, {"b": B}])
    assert batches(place) == []


def dies_anywhere(base: Place, act: Any, after: list[Any], before: list[Any], backwards: bool) -> None:
    trial = Dying(copy(base))
    act(trial)
    assert trial.count > 8
    for last in range(0, trial.count, 2 if backwards else 1):
        place = copy(base)
        with pytest.raises(Death):
            act(Dying(place, last, backwards))
        bury(place)
        assert identical(values(place), before) or identical(values(place), after)
        plain(place)
        open_for_writing(place, NAME).lease.release()
        if not identical(values(place), after):
            assert identical(values(place), before)
            act(place)
        assert identical(values(place), after)
        assert group(place).w.values.tolist() == group(place, "runs").w.values.tolist()
        forget(place)


@pytest.mark.parametrize("backwards", [False, True], ids=["forwards", "backwards"])
def test_dies_while_values_are_added(backwards: bool):
    base = memory()
    start(base, {"w": [A, B]}).lease.release()
    more = [np.arange(2), C, {"a": B, "s": "é"}]

    def act(place: Place) -> None:
        with open_for_writing(place, NAME) as writer:
            writer.expand({PATH: more}, "list", ())

    dies_anywhere(base, act, [A, B, *more], [A, B], backwards)


@pytest.mark.parametrize("backwards", [False, True], ids=["forwards", "backwards"])
def test_dies_while_other_values_take_their_place(backwards: bool):
    base = memory()
    with start(base, {"w": [A, B]}) as writer:
        writer.expand({PATH: [C]}, "list", ())
    other = [{"a": C}, {"a": np.arange(2)}]

    def act(place: Place) -> None:
        with open_for_writing(place, NAME) as writer:
            writer.explore([("w", encode_points(PATH, other, {}))], 2, "list", ())

    dies_anywhere(base, act, other, [A, B, C], backwards)
    act(base)
    assert "w.values" not in batches(base)


@pytest.mark.parametrize("wrong", [2, -1, 2**40])
def test_a_position_that_no_value_has_is_damage(wrong: int):
    column = encode_points(PATH, [A, B], {})
    with pytest.raises(CorruptStoreError, match=r"parameters\.w.*2 values are stored"):
        decode_points(column._replace(values=np.array([0, wrong])))


@pytest.mark.parametrize("keys", [None, 3, ["runs/x"], [3], {}], ids=str)
def test_a_damaged_document_is_named(keys: Any):
    place = memory()
    start(place, {"w": [A, B]}).lease.release()
    root = json.loads(place.read(f"{NAME}/zarr.json") or b"")
    attributes = root["consolidated_metadata"]["metadata"]["runs/w"]["attributes"]
    attributes["xpet"] = json.dumps({**json.loads(attributes["xpet"]), "values": keys})
    place.write(f"{NAME}/zarr.json", json.dumps(root).encode())
    with pytest.raises(CorruptStoreError):
        values(place)
