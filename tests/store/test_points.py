"""Explored values come back as they were given, also those that are added later."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
import xarray as xr
from fixtures_columns import NAME, group, memory, start
from hypothesis import given, settings
from hypothesis import strategies as st

from xpet.errors import UnsupportedValueError
from xpet.store.place import Place
from xpet.store.points import coordinate_names, decode_points, encode_more_points, encode_points, read_points
from xpet.store.snapshot import read_snapshot
from xpet.store.writer import open_for_writing
from xpet.testing import identical
from xpet.testing.strategies import BASIC


@settings(deadline=None)
@given(st.lists(BASIC, min_size=1, max_size=4) | BASIC.map(lambda value: [value] * 3))
def test_comes_back(values: list[Any]):
    column = encode_points("parameters.x", values, {})
    assert column.values.shape == (len(values),)
    assert identical(decode_points(column), values)


KINDS = {
    "floats": ([1.0, -0.0, math.nan, math.inf], [2.0], "float64"),
    "ints": ([1, -(2**63), 2**63 - 1], [0], "int64"),
    "large ints": ([1, 2**63], [2], "string"),
    "bools": ([True, False], [True], "bool"),
    "texts": (["a", "", "é\0"], ["b"], "string"),
    "surrogates": (["\udcff", "a"], ["b"], "string"),
    "float32": ([np.float32(1), np.float32(2)], [np.float32(3)], "float32"),
    "mixed": ([1, "a", None], [(1, 2)], "string"),
    "arrays": ([np.arange(3), np.arange(2)], [np.arange(4)], "int64"),
    "DataArrays": ([xr.DataArray([1.0], dims="t"), 1], [xr.DataArray([2], name="n")], "int64"),
    "dicts": ([{"a": 1}, {"b": [1]}], [{}], "int64"),
}


@pytest.mark.parametrize(("values", "more", "dtype"), KINDS.values(), ids=KINDS)
def test_kept_and_extended(values: list[Any], more: list[Any], dtype: str):
    place = memory()
    with start(place, {"p": values}) as writer:
        assert read_back(place)[0] == dtype
        assert identical(read_back(place)[1], values)
        writer.expand({"parameters.p": more}, "list", ())
    assert identical(read_back(place)[1], [*values, *more])
    assert group(place).p.dims == ("run",)
    assert group(place, "runs").sizes["run"] == len(values) + len(more)


def read_back(place: Place) -> tuple[str, list[Any]]:
    snapshot = read_snapshot(place, NAME)
    return snapshot.hierarchy.array("runs/p").dtype, decode_points(read_points(snapshot.place, snapshot.hierarchy, "p"))


@pytest.mark.parametrize(
    ("values", "more"),
    [([1.0], ["a"]), ([1], [2**63]), (["a"], ["\udcff"]), ([np.float32(1)], [np.float64(1)]), ([1.0], [1])],
    ids=str,
)
def test_what_does_not_fit_is_refused_before_anything_is_written(values: list[Any], more: list[Any]):
    place = memory()
    with start(place, {"p": values}) as writer:
        before = place.list()
        with pytest.raises(UnsupportedValueError, match=r"parameters\.p"):
            writer.expand({"parameters.p": more}, "list", ())
        assert place.list() == before
    with open_for_writing(place, NAME) as writer:
        assert writer.n_runs == 1


def test_refused():
    with pytest.raises(UnsupportedValueError, match=r"parameters\.x.*object"):
        encode_points("parameters.x", [1.0, object()], {})
    with pytest.raises(UnsupportedValueError, match=r"do not go into .* 'float'"):
        encode_more_points("parameters.x", ["a"], encode_points("parameters.x", [1.0], {}))


@pytest.mark.parametrize(
    ("explored", "others", "names"),
    [
        (["a.x", "b.y"], [], ["x", "y"]),
        (["a.x", "b.x"], [], ["a.x", "b.x"]),
        (["a.x"], ["b.X"], ["a.x"]),
        (["x"], ["a.x"], ["x"]),
    ],
    ids=str,
)
def test_names_of_coordinates(explored: list[str], others: list[str], names: list[str]):
    paths = [f"parameters.{path}" for path in explored]
    assert coordinate_names(paths, [*paths, *(f"parameters.{path}" for path in others)]) == names


@pytest.mark.parametrize("name", ["run", "run_status", "run_error", "run_x", "a.x", "X"])
def test_any_parameter_can_be_explored(name: str):
    place = memory()
    start(place, {"x": [1.0, 2.0], name: [3.0, 4.0]}).lease.release()
    (_, taken) = read_snapshot(place, NAME).meta.space.coordinates
    assert taken.parameter == f"parameters.{name}"
    assert taken.name in (name, f"{name}.1")
    assert group(place)[taken.name].values.tolist() == [3.0, 4.0]
    assert group(place).run_status.values.tolist() == [0, 0]
