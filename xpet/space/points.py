"""The points to be computed, as columns."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from xpet.names import check_names
from xpet.space.explore import cartesian_product

Axes = tuple[tuple[str, int], ...]


@dataclass(frozen=True)
class Points:
    """Points of a parameter space.

    Attributes
    ----------
    names
        The parameters.
    columns
        Their values, one per point.
    kind
        Whether the points are the full product of axes, or a list.
    axes
        The axes of a product with their lengths, slowest first.
    """

    names: tuple[str, ...]
    columns: tuple[Sequence[Any], ...]
    kind: Literal["product", "list"]
    axes: Axes

    def __len__(self) -> int:
        return len(self.columns[0])

    def as_dict(self) -> dict[str, Sequence[Any]]:
        """The columns by name."""
        return dict(zip(self.names, self.columns, strict=True))


def as_points(points: Any) -> Points:
    """Points from what a user may write.

    Parameters
    ----------
    points
        A dictionary of iterables, of which every combination is taken, a single value counting as one and an array
        being its rows; a list of dictionaries, one per point; or a pandas DataFrame, one row per point.

    Raises
    ------
    TypeError
        Something else.
    ValueError
        No points, points that differ in their parameters, or names that are not valid.

    Examples
    --------
    >>> points = as_points({"x": [1, 2], "y": 3})
    >>> points.as_dict(), points.axes
    ({'x': [1, 2], 'y': [3, 3]}, (('x', 2), ('y', 1)))
    >>> as_points([{"x": 1, "y": 3}, {"x": 2, "y": 5}]).columns
    ([1, 2], [3, 5])
    """
    if isinstance(points, Points):
        return points
    if isinstance(points, Mapping):
        return product(points)
    if _is_frame(points):
        return _from_frame(points)
    if isinstance(points, (str, bytes)) or not isinstance(points, Iterable):
        raise TypeError(_WANTED.format(f"{type(points).__name__} {points!r}"))
    return _from_rows(list(points))


_WANTED = (
    "Points are a dictionary of iterables (every combination), a list of dictionaries, or a DataFrame (one row per "
    "point), not {}."
)


def product(axes: Mapping[str, Any]) -> Points:
    """Every combination of the values, the last parameter varying fastest; a single value counts as one."""
    values = {name: _axis(name, column) for name, column in axes.items()}
    _check(values)
    columns = cartesian_product(values)
    lengths = tuple((name, len(column)) for name, column in values.items())
    return Points(tuple(values), tuple(columns.values()), "product", lengths)


def zipped(columns: Mapping[str, Any]) -> Points:
    """Points from columns of the same length.

    Examples
    --------
    >>> zipped({"x": [1, 2], "y": [3, 5]}).kind
    'list'
    """
    values = {name: _axis(name, column) for name, column in columns.items()}
    _check(values)
    lengths = {name: len(column) for name, column in values.items()}
    if len(set(lengths.values())) > 1:
        raise ValueError(f"The columns must have the same number of values, one per point; got {lengths}.")
    return Points(tuple(values), tuple(values.values()), "list", ())


def is_single(values: Any) -> bool:
    """Whether what is given for a parameter is one value, not an axis of them; a DataFrame and a dictionary are one.

    Examples
    --------
    >>> is_single("abc"), is_single([1, 2])
    (True, False)
    """
    if isinstance(values, (str, bytes, Mapping)) or not isinstance(values, Iterable) or _is_frame(values):
        return True
    return getattr(values, "ndim", 1) == 0


def _is_frame(values: Any) -> bool:
    return hasattr(values, "columns") and hasattr(values, "iloc")


def _axis(name: str, values: Any) -> list[Any]:
    if is_single(values):
        return [values]
    tolist = getattr(values, "tolist", None)
    if callable(tolist) and getattr(values, "ndim", 1) == 1:
        # An axis is numbers of a size that the array states; as Python's they fit parameters given as Python's.
        return list(tolist()) if _is_native(values) else list(values)
    return list(values)


def _is_native(values: Any) -> bool:
    return str(getattr(values, "dtype", "")) in ("float64", "int64", "bool", "complex128", "object", "str")


def _check(values: Mapping[str, Sequence[Any]]) -> None:
    if not values:
        raise ValueError("There are no parameters to vary; name at least one.")
    for name in values:
        if not isinstance(name, str):
            raise TypeError(f"The names of parameters are strings, not {type(name).__name__} {name!r}.")
        check_names(name.split("."), f"The parameter {name!r}")
    empty = [name for name, column in values.items() if not len(column)]
    if empty:
        raise ValueError(f"There are no values for {empty}; give every parameter at least one.")


def _from_rows(rows: Sequence[Any]) -> Points:
    if not rows:
        raise ValueError("There are no points; give at least one.")
    for position, row in enumerate(rows):
        if not isinstance(row, Mapping):
            raise TypeError(_WANTED.format(f"an iterable with {type(row).__name__} {row!r} (item {position})"))
        if row.keys() != rows[0].keys():
            odd = sorted(map(str, row.keys() ^ rows[0].keys()))
            raise ValueError(
                f"Every point must have the same parameters; point {position} and point 0 differ in {odd}."
            )
    columns = {name: [row[name] for row in rows] for name in rows[0]}
    _check(columns)
    return Points(tuple(columns), tuple(columns.values()), "list", ())


def _from_frame(frame: Any) -> Points:
    names = list(frame.columns)
    twice = sorted({str(name) for name in names if names.count(name) > 1})
    if twice:
        raise ValueError(f"The columns {twice} are there more than once; give every parameter one column.")
    columns = {name: _axis(str(name), frame[name]) for name in names}
    _check(columns)
    return Points(tuple(columns), tuple(columns.values()), "list", ())
