"""Whether the explored points are a full product, and where each of its cells is."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

Axis = npt.NDArray[np.generic]


@dataclass(frozen=True, eq=False)
class Product:
    """A full product of axes, and the run of each of its cells.

    Attributes
    ----------
    names
        Names of the axes.
    values
        The distinct values of each axis in the order in which they first appear; numbers that are then neither
        ascending nor descending (the exploration was extended) are sorted, as slices and lines in plots need them.
    runs
        The run of each cell, shaped like the product; None if the runs are in C order.
    """

    names: tuple[str, ...]
    values: tuple[Axis, ...]
    runs: npt.NDArray[np.integer] | None = None

    @property
    def shape(self) -> tuple[int, ...]:
        """Sizes of the axes."""
        return tuple(len(axis) for axis in self.values)

    def cells(self, key: Sequence[int | slice | npt.NDArray[np.integer]]) -> npt.NDArray[np.integer]:
        """Return the runs of the cells that ``key`` selects, each axis for itself.

        Parameters
        ----------
        key
            A position, a slice or an array of positions for each axis; a position drops its axis from the result.
        """
        picked = [np.atleast_1d(np.arange(size)[one]) for size, one in zip(self.shape, key, strict=True)]
        if self.runs is not None:
            cells = self.runs[np.ix_(*picked)]
        else:
            cells = np.zeros((1,) * len(picked), dtype=np.int64)
            for axis, (size, positions) in enumerate(zip(self.shape, picked, strict=True)):
                shape = [1] * len(picked)
                shape[axis] = len(positions)
                cells = cells * size + positions.reshape(shape)
        return cells.reshape(
            [len(p) for p, one in zip(picked, key, strict=True) if not isinstance(one, int | np.integer)]
        )


def find_product(columns: Mapping[str, Axis], sizes: Sequence[int] | None = None) -> Product | None:
    """Return the product that the points of ``columns`` are, in whatever order, or None if they are none.

    Every combination of the columns' distinct values must occur exactly once. NaN counts as equal to itself.

    Parameters
    ----------
    columns
        Name and value at every run of each explored parameter.
    sizes
        The sizes of the axes if they are said to be known; tried first, because it spares the search.

    Examples
    --------
    >>> import numpy as np
    >>> product = find_product({"x": np.array([1.0, 1.0, 2.0, 2.0]), "y": np.array([6, 7, 6, 7])})
    >>> product.shape, product.runs
    ((2, 2), None)
    """
    if not columns:
        return None
    names, arrays = tuple(columns), list(columns.values())
    if sizes is not None and len(sizes) == len(arrays):
        values = _in_c_order(arrays, tuple(sizes))
        if values is not None:
            return _sorted(Product(names, values))
    product = _search(names, arrays)
    return None if product is None else _sorted(product)


def _sorted(product: Product) -> Product:
    values, runs = list(product.values), product.runs
    for axis, numbers in enumerate(values):
        if numbers.dtype.kind not in "biuf" or _is_monotonic(numbers):
            continue
        order = np.argsort(numbers, kind="stable")
        values[axis] = numbers[order]
        if runs is None:
            runs = np.arange(math.prod(product.shape)).reshape(product.shape)
        runs = runs.take(order, axis)
    return Product(product.names, tuple(values), runs)


def _is_monotonic(numbers: Axis) -> bool:
    later, earlier = numbers[1:], numbers[:-1]
    return bool(np.greater_equal(later, earlier).all() or np.less_equal(later, earlier).all())


def _in_c_order(arrays: Sequence[Axis], sizes: tuple[int, ...]) -> tuple[Axis, ...] | None:
    if math.prod(sizes) != len(arrays[0]) or 0 in sizes:
        return None
    values = []
    for axis, array in enumerate(arrays):
        cells = array.reshape(sizes)
        line = cells[tuple(slice(None) if k == axis else slice(1) for k in range(len(sizes)))]
        if not _equal(cells, line).all():
            return None
        values.append(line.reshape(-1).copy())
    return tuple(values) if all(len(_factorize(axis)[1]) == len(axis) for axis in values) else None


def _equal(left: Axis, right: Axis) -> npt.NDArray[np.bool_]:
    same: npt.NDArray[np.bool_] = np.equal(left, right)
    if left.dtype.kind in "fcmM":
        same |= np.isnan(left) & np.isnan(right)
    return same


def _search(names: tuple[str, ...], arrays: Sequence[Axis]) -> Product | None:
    n = len(arrays[0])
    cell: npt.NDArray[np.int64] = np.zeros(n, dtype=np.int64)
    values = []
    count = 1
    for array in arrays:
        codes, distinct = _factorize(array)
        count *= len(distinct)
        if count > n:
            return None
        cell *= len(distinct)
        cell += codes
        values.append(distinct)
    if count != n:
        return None
    order = np.arange(n)
    if np.array_equal(cell, order):
        return Product(names, tuple(values))
    runs = np.full(n, -1, dtype=np.int64)
    runs[cell] = order
    if (runs < 0).any():
        return None
    return Product(names, tuple(values), runs.reshape([len(axis) for axis in values]))


def _factorize(array: Axis) -> tuple[npt.NDArray[np.integer], Axis]:
    """Return each element's position among the distinct values, and these in the order of their first appearance."""
    if array.dtype.kind != "T":
        codes, distinct = pd.factorize(array, use_na_sentinel=False)
        return codes, np.asarray(distinct)
    # Taking texts through pandas would make a Python object of each.
    ordered, first, codes = np.unique(array, return_index=True, return_inverse=True)
    by_appearance = np.argsort(first)
    rank = np.empty_like(by_appearance)
    rank[by_appearance] = np.arange(len(ordered))
    return rank[codes], ordered[by_appearance]
