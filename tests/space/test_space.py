"""Grids and points."""

import copy
import itertools
import math
import time
from collections.abc import Mapping

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from xpet.space import Shape, as_points, cartesian_product, find_unique_points, is_product, product, zipped
from xpet.space.equality import same
from xpet.tree import Root


def deep(innermost):
    for _ in range(5000):
        innermost = [1, {"a": innermost}]
    return innermost


AXES = st.dictionaries(st.sampled_from("abcd"), st.lists(st.integers(), max_size=4), min_size=1, max_size=4)


@given(AXES)
def test_cartesian_product_is_itertools_product(axes):
    columns = cartesian_product(axes)
    assert list(columns) == list(axes)
    assert list(zip(*columns.values(), strict=True)) == list(itertools.product(*axes.values()))


@given(st.permutations(["a", "b", ("c", "d")]))
def test_combined_parameters_set_the_order(order):
    axes = {"a": [1, 2], "b": [3, 4, 5], "c": [6, 7], "d": [8, 9]}
    columns = cartesian_product(axes, tuple(order))
    names = [name for item in order for name in ([item] if isinstance(item, str) else item)]
    rows = [
        [(v,) for v in axes[i]] if isinstance(i, str) else list(zip(*(axes[n] for n in i), strict=True)) for i in order
    ]
    expected = [sum(point, ()) for point in itertools.product(*rows)]
    assert list(zip(*(columns[name] for name in names), strict=True)) == expected


@pytest.mark.parametrize(
    "combined",
    [
        pytest.param(("a",), id="missing"),
        pytest.param(("a", "b", "c", "a"), id="twice"),
        pytest.param(("a", "b", "c", "d"), id="unknown"),
        pytest.param((("a", "b"), "c"), id="different-lengths"),
    ],
)
def test_cartesian_product_refuses(combined):
    with pytest.raises(ValueError, match=r"exactly once|same number"):
        cartesian_product({"a": [1, 2], "b": [3], "c": [4, 5]}, combined)


def test_cartesian_product_of_a_million_points_is_quick():
    begin = time.perf_counter()
    columns = cartesian_product({"a": range(100), "b": range(100), "c": range(100)})
    assert time.perf_counter() - begin < 2
    assert len(columns["a"]) == 10**6
    assert (columns["a"][-1], columns["b"][101], columns["c"][101]) == (99, 1, 1)


@pytest.mark.parametrize(
    ("ranges", "expected"),
    [
        pytest.param([[1, 1, 2], [3, 3, 4]], [((1, 3), [0, 1]), ((2, 4), [2])], id="hashable"),
        pytest.param([[[1], [2], [1]]], [(([1],), [0, 2]), (([2],), [1])], id="lists"),
        pytest.param([[math.nan, math.nan]], [((math.nan,), [0, 1])], id="nan"),
    ],
)
def test_find_unique_points(ranges, expected):
    traj = Root("study")
    parameters = [traj.f_add_parameter(f"p{i}", column[0]) for i, column in enumerate(ranges)]
    traj.f_explore({f"p{i}": column for i, column in enumerate(ranges)})
    assert [runs for _, runs in find_unique_points(parameters)] == [runs for _, runs in expected]
    assert repr(find_unique_points(parameters)) == repr(expected)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        pytest.param(np.ma.array([True, False], mask=[0, 1]), np.ma.array([True, True]), id="masks"),
        pytest.param(np.array([(1,)], [("a", "i4")]), np.array([(1,)], [("b", "i4")]), id="fields"),
        pytest.param(np.ma.masked, np.ma.array(1.0), id="masked"),
    ],
)
def test_arrays_that_differ_in_more_than_numbers(one, other):
    columns = {"x": [one, other, copy.copy(one), other], "y": [1, 1, 2, 2]}
    assert is_product(columns) == (("x", 2), ("y", 2))


def test_arrays_that_differ_in_units():
    units = pytest.importorskip("pint").get_application_registry()
    columns = {"x": [units.Quantity(np.ones(2), unit) for unit in ("mV", "V")]}
    assert is_product(columns) == (("x", 2),)


def test_find_unique_points_of_arrays():
    traj = Root("study")
    parameter = traj.f_add_parameter("p", np.zeros(2))
    traj.f_explore({"p": [np.zeros(2), np.ones(2), np.zeros(2), np.zeros(3)]})
    assert [runs for _, runs in find_unique_points([parameter])] == [[0, 2], [1], [3]]


@pytest.mark.parametrize(
    ("points", "names", "columns", "kind", "axes"),
    [
        pytest.param({"x": [1, 2], "y": 3}, ("x", "y"), ([1, 2], [3, 3]), "product", (("x", 2), ("y", 1)), id="dict"),
        pytest.param({"s": "abc"}, ("s",), (["abc"],), "product", (("s", 1),), id="string-is-a-value"),
        pytest.param({"x": range(2)}, ("x",), ([0, 1],), "product", (("x", 2),), id="range"),
        pytest.param({"x": np.array([1.5, 2.5])}, ("x",), ([1.5, 2.5],), "product", (("x", 2),), id="array"),
        pytest.param({"x": np.array(1.5)}, ("x",), ([np.array(1.5)],), "product", (("x", 1),), id="array-0d"),
        pytest.param([{"x": 1, "y": 2}, {"y": 4, "x": 3}], ("x", "y"), ([1, 3], [2, 4]), "list", (), id="rows"),
        pytest.param(
            pd.DataFrame({"x": [1, 2], "s": ["a", "b"]}), ("x", "s"), ([1, 2], ["a", "b"]), "list", (), id="frame"
        ),
    ],
)
def test_as_points(points, names, columns, kind, axes):
    made = as_points(points)
    assert (made.names, made.columns, made.kind, made.axes) == (names, columns, kind, axes)
    assert len(made) == len(columns[0])
    assert as_points(made) is made
    for column in made.columns:
        assert not any(isinstance(value, np.generic) for value in column)


def test_arrays_and_frames_as_axes():
    rows, frame = np.arange(4.0).reshape(2, 2), pd.DataFrame({"a": [1, 2]})
    made = as_points({"rows": rows, "list": [rows, rows[:1]], "frame": frame, "dict": {"a": 1}})
    assert made.axes == (("rows", 2), ("list", 2), ("frame", 1), ("dict", 1))
    (first, _, second, _), (a, b, _, _), (one, *_), (mapping, *_) = made.columns
    assert [first.tolist(), second.tolist(), a.shape, b.shape] == [[0, 1], [2, 3], (2, 2), (1, 2)]
    assert one is frame
    assert mapping == {"a": 1}


def test_small_floats_stay_small():
    (column,) = as_points({"x": np.array([0.1], np.float32)}).columns
    assert type(column[0]) is np.float32


@pytest.mark.parametrize(
    ("points", "error", "match"),
    [
        pytest.param({}, ValueError, "no parameters", id="no-parameters"),
        pytest.param({"x": []}, ValueError, "no values", id="empty-axis"),
        pytest.param([], ValueError, "no points", id="no-points"),
        pytest.param([{"x": 1}, {"y": 1}], ValueError, "same parameters", id="different-keys"),
        pytest.param([{"x": 1}, 2], TypeError, "item 1", id="no-row"),
        pytest.param("abc", TypeError, "dictionary", id="string"),
        pytest.param(5, TypeError, "dictionary", id="number"),
        pytest.param({"a b": [1]}, ValueError, "valid", id="bad-name"),
        pytest.param({3: [1]}, TypeError, "strings", id="number-as-name"),
        pytest.param(pd.DataFrame([[1, 2]], columns=["a", "a"]), ValueError, "more than once", id="twice"),
        pytest.param(pd.DataFrame({"a": []}), ValueError, "no values", id="empty-frame"),
    ],
)
def test_as_points_refuses(points, error, match):
    with pytest.raises(error, match=match):
        as_points(points)


def test_zipped():
    assert zipped({"x": [1, 2], "y": (3, 4)}).columns == ([1, 2], [3, 4])
    with pytest.raises(ValueError, match="same number"):
        zipped({"x": [1, 2], "y": [3]})


@given(AXES.filter(lambda axes: all(axes.values())), st.randoms())
def test_a_product_is_recognised_in_any_order(axes, random):
    axes = {name: list(dict.fromkeys(values)) for name, values in axes.items()}
    rows = list(zip(*product(axes).columns, strict=True))
    random.shuffle(rows)
    columns = dict(zip(axes, map(list, zip(*rows, strict=True)), strict=True))
    assert is_product(columns) == tuple((name, len(values)) for name, values in axes.items())
    if len(rows) > 2 and len(axes) > 1:
        longer = {name: [*column, column[0]] for name, column in columns.items()}
        assert is_product(longer) is None


@pytest.mark.parametrize(
    ("columns", "expected"),
    [
        pytest.param({"x": [math.nan, float("nan"), 1.0, 1.0], "y": [1, 2, 1, 2]}, (("x", 2), ("y", 2)), id="nan"),
        pytest.param({"x": [[1], [2]], "y": [{1: 2}, {1: 2}]}, (("x", 2), ("y", 1)), id="unhashable"),
        pytest.param(
            {"x": [deep(1), deep(2)], "y": [deep({1}), deep({1})]}, (("x", 2), ("y", 1)), id="deep"
        ),
        pytest.param({"x": [np.zeros(2), np.ones(2)]}, (("x", 2),), id="arrays"),
        pytest.param({"x": [pd.Series([1]), pd.Series([1])], "y": [1, 2]}, (("x", 1), ("y", 2)), id="series"),
        pytest.param({"x": [1, 2], "y": [1, 2]}, None, id="zipped"),
        pytest.param({"x": [1, 1]}, None, id="repeated"),
        pytest.param({"x": [1, 2, 2, 2], "y": [1, 1, 2, 2]}, None, id="right-size-wrong-points"),
        pytest.param({"x": [0.0, -0.0]}, None, id="signed-zero-is-zero"),
        pytest.param({"x": [1, True]}, (("x", 2),), id="types-differ"),
        pytest.param({}, None, id="nothing"),
    ],
)
def test_is_product(columns, expected):
    assert is_product(columns) == expected


VALUES = {"ints": [1, 2, 3], "floats": [0.0, -0.0, math.nan, 2.5], "texts": ["a", "b"], "mixed": [1, True, 1.0]}


@given(st.data(), st.lists(st.sampled_from(sorted(VALUES)), min_size=1, max_size=3))
def test_a_shape_is_known_as_points_are_added(data, kinds):
    shape, points = Shape(), {f"p{k}": [] for k in range(len(kinds))}
    whole = list(itertools.product(*(VALUES[kind] for kind in kinds)))
    some = st.lists(st.sampled_from(whole), min_size=1, max_size=4) | st.just(whole)
    rows = data.draw(st.permutations(whole)) if data.draw(st.booleans()) else []
    asked = []
    for _ in range(6):
        more, rows = (rows[:3], rows[3:]) if rows else (data.draw(some), [])
        points = {name: [*points[name], *(row[k] for row in more)] for k, name in enumerate(points)}
        known = shape.of(points, lambda points=points: asked.append(len(points["p0"])) or points)
        assert known == is_product(points)


def test_few_looks_at_all_points_tell_their_shape():
    shape, points, asked = Shape(), {"x": [], "y": []}, []
    # a grid of 64 x 64, in an order that has nothing of it, some points at a time
    for k in range(0, 4096, 32):
        cells = [(i * 1021) % 4096 for i in range(k, k + 32)]
        points = {"x": points["x"] + [c // 64 for c in cells], "y": points["y"] + [c % 64 for c in cells]}
        axes = shape.of(points, lambda points=points: asked.append(len(points["x"])) or points)
        assert (axes is None) == (k + 32 < 4096)
    assert axes == (("x", 64), ("y", 64))
    assert len(asked) < 5


def test_is_product_of_different_lengths():
    with pytest.raises(ValueError, match="same number"):
        is_product({"x": [1, 2], "y": [1]})


class OnDemand(Mapping):
    """A mapping that makes its items when they are looked at."""

    def __init__(self, depth: int, end: int):
        self.depth, self.end = depth, end

    def __getitem__(self, key: str):
        # what differs is looked at last
        end = self.end if key == "a" else 0
        return OnDemand(self.depth - 1, end) if self.depth else [end]

    def __iter__(self):
        return iter("abc")

    def __len__(self):
        return 3


def test_what_is_made_on_demand_is_told_apart():
    assert [k for k in range(1, 50) if same(OnDemand(2, k), OnDemand(2, k + 1))] == []
    assert same(OnDemand(2, 1), OnDemand(2, 1))
