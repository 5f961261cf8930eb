"""Two values are the same if nothing tells them apart."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
import xarray as xr
from hypothesis import given, settings

from xpet.testing import values
from xpet.values import label, same_value

T = np.arange(3.0)
NEAR = {
    "int and float": (1, 1.0),
    "int and bool": (1, True),
    "int and numpy": (1, np.int64(1)),
    "text and numpy": ("a", np.str_("a")),
    "signs of zero": (0.0, -0.0),
    "signs of zero in arrays": (np.array([0.0]), np.array([-0.0])),
    "signs of imaginary zero": (complex(1, 0.0), complex(1, -0.0)),
    "precision": (np.float32(1), np.float64(1)),
    "byte order": (np.array([1], "<i4"), np.array([1], ">i4")),
    "rank": (np.array(1.0), np.array([1.0])),
    "shapes": (np.zeros((0, 2)), np.zeros((0, 3))),
    "list and tuple": ([1], (1,)),
    "set and frozenset": ({1}, frozenset({1})),
    "None and nothing": (None, ""),
    "text and bytes": ("a", b"a"),
    "keys": ({1: 0}, {"1": 0}),
    "nested": ([{"a": 1}], [{"a": 1.0}]),
    "labels": (label(T, "x"), label(T, "y")),
    "coordinates": (label(T, "x", {"x": T}), label(T, "x", {"x": T + 1})),
    "units": (label(T, units="m"), label(T, units="s")),
    "names": (xr.DataArray(T, name="a"), xr.DataArray(T, name="b")),
    "attributes": (xr.DataArray(T, attrs={"a": 1}), xr.DataArray(T, attrs={"a": 1.0})),
}


@pytest.mark.parametrize(("a", "b"), NEAR.values(), ids=NEAR)
def test_near(a: Any, b: Any):
    assert not same_value(a, b)
    assert same_value(a, a)
    assert same_value(b, b)


@settings(deadline=None)
@given(values())
def test_reflexive(value: Any):
    assert same_value(value, value)


def test_nan_equals_nan():
    assert same_value(math.nan, -math.nan)
    assert same_value(np.array([1j * math.nan]), np.array([1j * math.nan]))
    assert same_value(label(T, "x", {"x": T * math.nan}), label(T, "x", {"x": T * math.nan}))
