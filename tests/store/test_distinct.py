"""Values that differ are numbered by their encodings, and come back from the arrays that all of them are in."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import xarray as xr
from hypothesis import given, settings
from hypothesis import strategies as st

from xpet.errors import CorruptStoreError
from xpet.store.distinct import Distinct, stack, unstack
from xpet.testing import identical
from xpet.testing.strategies import BASIC
from xpet.values import Encoded, Part, decode, encode, same_value

MANY = [{f"k{k}": np.arange(2)} for k in range(100)]
TRACE = xr.DataArray([1.0, 2.0], {"t": ("t", [0.0, 0.5], {"units": "s"})}, ["t"], attrs={"units": "mV"})
LISTS: dict[str, list[Any]] = {
    "arrays": [np.arange(3), np.ones(3, "i8")],
    "shapes": [np.zeros((2, 3)), np.zeros((0, 3)), np.ones((1, 1))],
    "kinds": [np.arange(3), "a", 1, None, [1.0, 2.0], np.arange(2)],
    "texts": [["a", "b"], ["c"]],
    "text arrays": [np.array(["a", "bc"]), np.array(["é", ""])],
    "one label": [TRACE, TRACE + 1],
    "labels that differ": [TRACE, TRACE.assign_coords(t=[1.0, 2.0])],
    "texts as labels": [TRACE.assign_coords(t=["a", "b"]), TRACE.assign_coords(t=["x", "y"])],
    "more labels than one": [1, TRACE, TRACE[:1]],
    "names alike": [
        {"len": [1.0], "which": [2, 3], "": np.arange(2)},
        {"len": [1.0, 2.0], "which": [2], "": np.ones(1)},
    ],
    "very many kinds": MANY,
}  # fmt: skip


@pytest.mark.parametrize("values", LISTS.values(), ids=LISTS)
def test_comes_back(values: list[Any]):
    stacked = stack([encode(value) for value in values], "d", {"units": "m"})
    assert identical([decode(each) for each in unstack(stacked)], values)
    assert len({part.name.lower() for part in stacked.parts}) == len(stacked.parts) <= 200
    assert stacked.parts[0].name == ""
    assert all(isinstance(part.data, np.ndarray) for part in stacked.parts)


@settings(deadline=None)
@given(st.lists(BASIC, min_size=1, max_size=5))
def test_any_values_come_back(values: list[Any]):
    back = unstack(stack([encode(value) for value in values], "d", {}))
    assert identical([decode(each) for each in back], values)
    distinct = Distinct(back)
    assert [same_value(decode(distinct.encodings[distinct.number(encode(value))]), value) for value in values]
    assert len(distinct.encodings) == len(values)


def test_very_many_kinds_are_known_again():
    distinct = Distinct(unstack(stack([encode(value) for value in MANY], "d", {})))
    assert [distinct.number(encode(value)) for value in MANY] == list(range(len(MANY)))


@settings(deadline=None)
@given(st.lists(BASIC, min_size=1, max_size=5), st.data())
def test_equal_values_have_one_number(values: list[Any], data: st.DataObject):
    given_twice = data.draw(st.permutations(values * 2))
    distinct = Distinct()
    numbers = [distinct.number(encode(value)) for value in given_twice]
    for a, number in zip(given_twice, numbers, strict=True):
        for b, other in zip(given_twice, numbers, strict=True):
            assert same_value(a, b) == (number == other)


def test_what_differs_in_type_sign_or_labels_is_another_value():
    values = [np.array([0.0, np.nan]), np.array([-0.0, np.nan]), np.array([0.0, np.nan], "f4"), np.array([0.0, np.nan])]
    values[3].view("i8")[1] += 1  # another NaN
    distinct = Distinct()
    assert [distinct.number(encode(value)) for value in values] == [0, 1, 2, 0]
    assert [distinct.number(encode(each)) for each in (TRACE, TRACE.assign_attrs(units="V"), TRACE + 0)] == [3, 4, 3]


def test_one_array_with_the_labels_that_all_have():
    stacked = stack([encode(TRACE), encode(TRACE + 1)], "w", {"comment": "c"})
    assert stacked.labels.dims == ("w", "t")
    assert stacked.labels.coords["t"].values.tolist() == [0.0, 0.5]
    assert dict(stacked.labels.attrs) == {"comment": "c", "units": "mV"}
    assert [(part.name, np.shape(part.data)) for part in stacked.parts[:1]] == [("", (2, 2))]


@pytest.mark.parametrize(
    ("name", "data"),
    [
        ("", np.zeros(6)), ("", "text"), ("", np.float64(1.0)), ("len", np.array([[3], [3]])),
        ("len", np.array([[-1], [6]])), ("len", np.array([3, 2])), ("len", np.array([[2.0], [3.0]])),
        ("which", np.array([9, 9, 9], "u1")), ("which", np.array([0, 0, 0], "u1")),
    ],
)  # fmt: skip
def test_damage_is_named(name: str, data: Any):
    stacked = stack([encode(np.arange(2)), encode(np.arange(3) * 2), encode(1.0)], "d", {})
    parts = tuple(Part(data, name) if part.name == name else part for part in stacked.parts)
    with pytest.raises(CorruptStoreError, match="damaged"):
        unstack(Encoded(stacked.codec, parts, meta=stacked.meta, labels=stacked.labels))
