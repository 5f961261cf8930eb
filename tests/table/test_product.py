"""A product is found in whatever order its runs are, and only where there is one."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from xpet.table.product import find_product

TEXT = np.dtypes.StringDType()

AXES = {
    "float": np.array([0.1, np.nan, -np.inf, 1e300]),
    "int": np.array([5, -3, 2**62]),
    "bool": np.array([True, False]),
    "half": np.array([1.5, 0.5], "f2"),
    "complex": np.array([1j, complex(np.nan, 1), 0]),
    "text": np.array(["b", "", "ä", "a"], TEXT),
    "time": np.array(["2020-01-02", "NaT", "1969-12-31"], "M8[ns]"),
}


def columns_of(axes: list[Any], order: Any) -> dict[str, Any]:
    """The columns of the product of `axes`, its cells taken in `order`."""
    positions = list(itertools.product(*(range(len(axis)) for axis in axes)))
    return {f"p{k}": axis[[positions[cell][k] for cell in order]] for k, axis in enumerate(axes)}


@given(
    names=st.lists(st.sampled_from(sorted(AXES)), min_size=1, max_size=3),
    shuffled=st.booleans(),
    told=st.booleans(),
    data=st.data(),
)
def test_every_cell_has_its_run(names: list[str], shuffled: bool, told: bool, data: st.DataObject) -> None:
    axes = [AXES[name] for name in names]
    n = int(np.prod([len(axis) for axis in axes]))
    order = data.draw(st.permutations(range(n))) if shuffled else range(n)
    columns = columns_of(axes, order)
    product = find_product(columns, [len(axis) for axis in axes] if told else None)
    assert product is not None
    assert product.names == tuple(columns)
    runs = product.cells([slice(None)] * len(axes))
    for k, (name, column) in enumerate(columns.items()):
        line = product.values[k]
        np.testing.assert_array_equal(
            column[np.moveaxis(runs, k, -1)], np.broadcast_to(line, np.moveaxis(runs, k, -1).shape)
        )
        first = [
            next(i for i, v in enumerate(column.tolist()) if v is w or v == w or (v != v and w != w))
            for w in line.tolist()
        ]
        if first != sorted(first):
            assert np.issubdtype(line.dtype, np.number), f"{name} is not in the order of first appearance"
            finite = line[~np.isnan(line)]
            assert (np.sort(finite) == finite).all(), f"{name} is neither in the order of appearance nor sorted"


def test_numbers_added_later_are_sorted_in() -> None:
    product = find_product({"x": np.array([1.0, 3.0, 5.0, 2.0])})
    assert product is not None
    assert product.values[0].tolist() == [1.0, 2.0, 3.0, 5.0]
    assert product.cells([slice(None)]).tolist() == [0, 3, 1, 2]


@pytest.mark.parametrize("values", [[1.0, 2.0, 3.0], [3.0, 2.0, 1.0]], ids=["ascending", "descending"])
def test_runs_in_order_need_no_table(values: list[float]) -> None:
    product = find_product({"x": np.repeat(values, 2), "y": np.tile([4, 6], 3)})
    assert product is not None
    assert product.values[0].tolist() == values
    assert product.runs is None


@pytest.mark.parametrize(
    "columns",
    [
        pytest.param({"x": [1.0, 2.0, 3.0], "y": [1.0, 2.0, 3.0]}, id="zipped"),
        pytest.param({"x": [1.0, 1.0, 2.0], "y": [1.0, 2.0, 1.0]}, id="one-missing"),
        pytest.param({"x": [1.0, 1.0, 2.0, 2.0], "y": [1.0, 1.0, 2.0, 2.0]}, id="duplicates"),
        pytest.param({"x": [1.0, 1.0]}, id="one-point-twice"),
        pytest.param({"x": [np.nan, np.nan]}, id="nan-twice"),
        pytest.param({"x": [0.0, -0.0]}, id="zero-twice"),
        pytest.param({}, id="nothing-explored"),
    ],
)
@pytest.mark.parametrize("sizes", [None, (2, 2), (4, 1), (2,)], ids=str)
def test_no_product(columns: dict[str, list[float]], sizes: tuple[int, ...] | None) -> None:
    assert find_product({name: np.array(values) for name, values in columns.items()}, sizes) is None


def test_floats_are_exact() -> None:
    product = find_product({"x": np.array([0.3, 0.1 + 0.2])})
    assert product is not None
    assert product.shape == (2,)


def test_wrong_sizes_do_not_mislead() -> None:
    columns = columns_of([AXES["int"], AXES["bool"]], range(6))
    product = find_product(columns, (2, 3))
    assert product is not None
    assert product.shape == (3, 2)
