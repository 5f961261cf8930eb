"""The grid view gives what the flat one holds, and reads no more than it gives."""

from __future__ import annotations

import asyncio
import pickle
from typing import Any

import numpy as np
import pytest
import xarray as xr
from hypothesis import given
from hypothesis import strategies as st

from xpet.table.grid import to_grid
from xpet.table.groups import assemble
from xpet.table.product import find_product

NX, NY, NT = 4, 3, 5


def flat_dataset(order: Any) -> xr.Dataset:
    """Runs in `order` of the cells of a 4 by 3 product."""
    order = np.asarray(order)
    x, y = np.divmod(order, NY)
    variables = {
        "run": xr.Variable("run", np.arange(len(order))),
        "x": xr.Variable("run", x * 1.5, {"units": "nA"}),
        "y": xr.Variable("run", y + 6.0),
        "z": xr.Variable("run", order * 10, {"units": "m"}),
        "V": xr.Variable(("run", "time"), order[:, None] * 100 + np.arange(NT)),
        "time": xr.Variable("time", np.arange(NT) * 0.1),
        "total": xr.Variable((), 7),
    }
    return assemble(variables, {"run", "x", "y", "time"}, {"k": 42})


def gridded(order: Any) -> xr.Dataset:
    """The grid view of :func:`flat_dataset`."""
    flat = flat_dataset(order)
    product = find_product({name: flat[name].values for name in ("x", "y")})
    assert product is not None
    return to_grid(flat, product)


ORDERS = {
    "C": np.arange(12),
    "F": np.arange(12).reshape(4, 3).T.ravel(),
    "any": np.array([7, 0, 11, 3, 2, 9, 1, 10, 5, 4, 8, 6]),
}


@pytest.mark.parametrize("order", ORDERS.values(), ids=ORDERS)
def test_values_and_labels(order: Any) -> None:
    grid = gridded(order)
    assert dict(grid.sizes) == {"x": NX, "y": NY, "time": NT}
    assert grid.attrs == {"k": 42}
    assert grid.x.attrs == {"units": "nA"}
    assert grid.z.attrs == {"units": "m"}
    assert grid.V.dims == ("x", "y", "time")
    assert grid.total.dims == ()
    assert grid.run.dims == ("x", "y")
    for i in range(NX):
        for j in range(NY):
            cell = grid.sel(x=i * 1.5, y=j + 6.0)
            assert cell.z == 10 * (i * NY + j)
            assert order[int(cell.run)] == i * NY + j
            np.testing.assert_array_equal(cell.V, 100 * (i * NY + j) + np.arange(NT))


def indexers(size: int) -> st.SearchStrategy[Any]:
    """Whatever may stand in brackets for a dim of this size."""
    position = st.integers(-size, size - 1)
    return st.one_of(
        position,
        # xarray fails on empty slices that run backwards, of any backend.
        st.slices(size).filter(lambda one: (one.step or 1) > 0 or len(range(*one.indices(size))) > 0),
        st.lists(position, max_size=6).map(lambda positions: np.array(positions, dtype=np.intp)),
        st.lists(st.booleans(), min_size=size, max_size=size).map(np.array),
    )


@given(order=st.permutations(range(12)), data=st.data())
def test_indexing_like_numpy(order: list[int], data: st.DataObject) -> None:
    grid = gridded(data.draw(st.sampled_from([order, list(range(12))])))
    loaded = grid.V.copy(deep=True).load()
    key = {dim: data.draw(indexers(size), label=str(dim)) for dim, size in grid.V.sizes.items()}
    xr.testing.assert_identical(grid.V.isel(key).load(), loaded.isel(key))


@given(order=st.permutations(range(12)), data=st.data())
def test_pointwise_indexing(order: list[int], data: st.DataObject) -> None:
    grid = gridded(order)
    points = st.lists(st.integers(0, 2), min_size=4, max_size=4)
    key = {dim: xr.DataArray(data.draw(points), dims="point") for dim in ("x", "y")}
    xr.testing.assert_identical(grid.V.isel(key).load(), grid.V.copy(deep=True).load().isel(key))


def test_lazy_copies_pickle() -> None:
    grid = gridded(ORDERS["any"])
    again = pickle.loads(pickle.dumps(grid.isel(x=[2, 0])))
    xr.testing.assert_identical(again.load(), gridded(ORDERS["any"]).isel(x=[2, 0]).load())
    xr.testing.assert_identical(grid.copy(deep=True).load(), grid.load())


def test_many_columns_load_at_once() -> None:
    loaded = asyncio.run(gridded(ORDERS["any"]).load_async())
    xr.testing.assert_identical(loaded, gridded(ORDERS["any"]).load())
