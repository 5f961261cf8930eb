"""The grid view: columns along runs seen as lazy arrays over the axes of a product."""

from __future__ import annotations

import asyncio
from collections.abc import Hashable
from typing import Any

import numpy as np
import numpy.typing as npt
import xarray as xr
from xarray.backends import BackendArray
from xarray.core import indexing
from xarray.indexes import PandasIndex

from xpet.table.groups import RUN
from xpet.table.product import Axis, Product


class GridArray(BackendArray):
    """A column as an N-D array that reads the runs of the cells it is asked for, and no others.

    Parameters
    ----------
    column
        A lazy variable whose first dim is the run.
    product
        The axes, and which run is in which cell.
    """

    __slots__ = ("_column", "_product", "dtype", "shape")

    def __init__(self, column: xr.Variable, product: Product) -> None:
        self._column = column
        self._product = product
        self.shape = product.shape + column.shape[1:]
        self.dtype = column.dtype

    def __getitem__(self, key: indexing.ExplicitIndexer) -> Any:
        return indexing.explicit_indexing_adapter(key, self.shape, indexing.IndexingSupport.OUTER, self._read)

    async def async_getitem(self, key: indexing.ExplicitIndexer) -> Any:
        """Read in a thread, so that several columns wait for the store at once."""
        return await asyncio.to_thread(self.__getitem__, key)

    def _read(self, key: tuple[Any, ...]) -> npt.NDArray[Any]:
        n_axes = len(self._product.names)
        cells = self._product.cells(key[:n_axes])
        runs, back = _as_selection(cells.reshape(-1))
        values = np.asarray(self._column[(runs, *key[n_axes:])].values)
        if back is not None:
            values = values[back]
        return values.reshape(cells.shape + values.shape[1:])


def _as_selection(
    runs: npt.NDArray[np.integer],
) -> tuple[slice | npt.NDArray[np.integer], npt.NDArray[np.integer] | None]:
    """Return what to read, as a slice where one says it, and how to bring it into the order of ``runs``."""
    back = None
    if runs.size > 1 and not (runs[1:] > runs[:-1]).all():
        runs, back = np.unique(runs, return_inverse=True)
    if runs.size == 0:
        return slice(0, 0), None
    step = int(runs[1] - runs[0]) if runs.size > 1 else 1
    first, last = int(runs[0]), int(runs[-1])
    if last - first == step * (runs.size - 1) and (runs.size < 3 or (np.diff(runs) == step).all()):
        return slice(first, last + 1, step), back
    return runs, back


def to_grid(dataset: xr.Dataset, product: Product) -> xr.Dataset:
    """Return ``dataset`` with the axes of ``product`` in place of the run.

    Explored coordinates become the indexed coordinates of the axes; everything else along runs becomes N-D and stays
    unread. What does not run along runs is left as it is.
    """
    data: dict[Hashable, xr.Variable] = {}
    coords: dict[Hashable, xr.Variable] = {}
    indexes: dict[Hashable, PandasIndex] = {}
    for name, values in zip(product.names, product.values, strict=True):
        attrs = dataset.variables[name].attrs if name in dataset.variables else {}
        indexes[name] = PandasIndex(_indexable(values), name)
        coords.update(indexes[name].create_variables({name: xr.Variable((name,), _indexable(values), attrs)}))
    for key, variable in dataset.variables.items():
        if key not in indexes:
            (coords if key in dataset.coords else data)[key] = _spread(variable, product)
    return xr.Dataset(data, coords=xr.Coordinates(coords, indexes=indexes), attrs=dataset.attrs)


def _indexable(values: Axis) -> Axis:
    # pandas has no index of half floats; single ones hold each of them exactly.
    return values.astype(np.float32) if values.dtype == np.float16 else values


def _spread(variable: xr.Variable, product: Product) -> xr.Variable:
    variable = variable.to_base_variable()
    if RUN not in variable.dims:
        return variable
    column = variable if variable.dims[0] == RUN else variable.transpose(RUN, ...)
    lazy = indexing.LazilyIndexedArray(GridArray(column, product))
    # How the runs are chunked says nothing about the grid.
    encoding = {key: value for key, value in variable.encoding.items() if "chunks" not in key and key != "shards"}
    return xr.Variable((*product.names, *column.dims[1:]), lazy, variable.attrs, encoding)
