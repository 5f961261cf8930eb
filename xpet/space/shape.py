"""Whether points are the full product of their distinct values."""

from __future__ import annotations

import math
from collections.abc import Callable, Hashable, Mapping, Sequence
from typing import Any, TypeAlias

from xpet.space.equality import codes
from xpet.space.points import Axes

Columns: TypeAlias = Mapping[str, Sequence[Any]]
_NAN = object()


def is_product(columns: Columns) -> Axes | None:
    """Whether columns are the full product of their distinct values, in any order.

    Parameters
    ----------
    columns
        The values of each parameter, one per point. NaN equals NaN, and arrays are compared as wholes.

    Returns
    -------
    tuple of (str, int) or None
        Each parameter with the number of its distinct values, or ``None``.

    Examples
    --------
    >>> is_product({"x": [1, 2, 2, 1], "y": [3, 3, 4, 4]})
    (('x', 2), ('y', 2))
    >>> is_product({"x": [1, 2], "y": [3, 4]}) is None
    True
    """
    return _examined(columns)[0] if columns else None


class Shape:
    """Whether points are a full product, known still when points are added, of which only the new ones are looked at.

    All points are looked at once in the beginning, and again when a list has as many as the product of the distinct
    values that it had then: before that it cannot be a product.

    Examples
    --------
    >>> shape, x, y = Shape(), [1, 2], [3, 3]
    >>> shape.of({"x": x, "y": y}, lambda: {"x": x, "y": y})
    (('x', 2), ('y', 1))
    >>> x, y = [*x, 1, 2], [*y, 4, 4]
    >>> shape.of({"x": x, "y": y}, lambda: {"x": x, "y": y})
    (('x', 2), ('y', 2))
    """

    def __init__(self) -> None:
        self._n = 0
        self._axes: Axes | None = None
        #: with fewer points it is no product
        self._least = 0.0
        #: of a product: the values along each axis
        self._along: list[set[Hashable]] = []

    def of(self, points: Columns, columns: Callable[[], Columns]) -> Axes | None:
        """The axes of the points seen before and others behind them, or None.

        Parameters
        ----------
        points
            The values of each parameter, which can be hashed.
        columns
            Makes of them what :func:`is_product` takes; not asked if the new points are enough to tell.
        """
        total = len(next(iter(points.values())))
        if self._axes is None:
            if total >= self._least:
                self._axes, self._least = _examined(columns())
        elif total > self._n:
            self._extend(points, total)
        self._n = total
        return self._axes

    def _extend(self, points: Columns, total: int) -> None:
        if not self._along:
            self._along = [set(map(_key, values[: self._n])) for values in points.values()]
        new = [list(map(_key, values[self._n :])) for values in points.values()]
        fresh = [set(keys) - known for keys, known in zip(new, self._along, strict=True)]
        sizes = [len(known) + len(more) for known, more in zip(self._along, fresh, strict=True)]
        size, rows = math.prod(sizes), list(zip(*new, strict=True))
        # The points so far are all that their values can be combined to, so another one has a value of its own.
        others = all(any(key in more for key, more in zip(row, fresh, strict=True)) for row in rows)
        if size == total and others and len(set(rows)) == len(rows):
            for known, more in zip(self._along, fresh, strict=True):
                known |= more
            self._axes = tuple(zip(points, sizes, strict=True))
        else:
            # Where there are not enough combinations some point is there twice, and stays so.
            self._axes, self._along, self._least = None, [], size if size > total else math.inf


def _key(value: Any) -> Hashable:
    return (type(value), value) if value == value else _NAN


def _examined(columns: Columns) -> tuple[Axes | None, float]:
    """The axes if columns are a product; how many points it takes at least to become one, if they are not."""
    import numpy as np

    total = len(next(iter(columns.values())))
    place = np.zeros(total, np.int64)
    size = 1
    axes = []
    for name, column in columns.items():
        if len(column) != total:
            raise ValueError(f"The columns must have the same number of values; {name!r} has {len(column)}.")
        numbers, n_distinct = _numbered(column)
        size *= n_distinct
        if size > total:
            return None, size
        place = place * n_distinct + numbers
        axes.append((name, n_distinct))
    if total and size == total and np.bincount(place, minlength=total).all():
        return tuple(axes), size
    return None, math.inf


def _numbered(column: Any) -> tuple[Any, int]:
    """A number for each value, the same for the same value, and how many values there are."""
    import numpy as np

    if isinstance(column, np.ndarray) and column.ndim == 1 and column.dtype.kind in "biufc":
        distinct, numbers = np.unique(column, return_inverse=True)
        return numbers, len(distinct)
    listed, found = codes(column)
    return np.array(listed, np.int64), len(found)
