"""Grids of parameters, and what is distinct in an exploration."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Protocol

from xpet.errors import shown
from xpet.space.equality import codes


class HasRange(Protocol):
    """An explored parameter."""

    def f_get_range(self, copy: bool = ...) -> Any:
        """The values of all runs."""


def cartesian_product(
    parameter_dict: Mapping[str, Iterable[Any]],
    combined_parameters: Iterable[str | tuple[str, ...]] = (),
) -> dict[str, list[Any]]:
    """Every combination of the values, the last parameter varying fastest.

    Parameters
    ----------
    parameter_dict
        The values of each parameter.
    combined_parameters
        The order of the parameters; those in a tuple vary together. Every parameter must be there.

    Returns
    -------
    dict of list
        For each parameter one value per combination.

    Raises
    ------
    TypeError
        No dictionary of iterables.
    ValueError
        A parameter is missing from `combined_parameters`, there twice, or unknown; or parameters that vary together
        have different numbers of values.

    Examples
    --------
    >>> cartesian_product({"x": [1, 2], "y": [3, 4]})
    {'x': [1, 1, 2, 2], 'y': [3, 4, 3, 4]}
    >>> cartesian_product({"x": [1, 2], "y": [3, 4], "z": [5, 6]}, ("z", ("x", "y")))
    {'x': [1, 2, 1, 2], 'y': [3, 4, 3, 4], 'z': [5, 5, 6, 6]}
    """
    if not isinstance(parameter_dict, Mapping):
        raise TypeError(
            "cartesian_product takes a dictionary of parameters and their values, such as {'x': [1, 2]}, not "
            f"{type(parameter_dict).__name__} {shown(parameter_dict)}."
        )
    values = {name: _listed(name, column) for name, column in parameter_dict.items()}
    axes = [(item,) if isinstance(item, str) else tuple(item) for item in combined_parameters]
    axes = axes or [(name,) for name in values]
    _check_axes(values, axes)
    columns: dict[str, list[Any]] = {name: [] for name in values}
    total = 1
    for axis in axes:
        total *= len(values[axis[0]])
    outer, inner = 1, total
    for axis in axes:
        inner //= len(values[axis[0]]) or 1
        for name in axis:
            column = values[name]
            block = column if inner == 1 else [value for value in column for _ in range(inner)]
            columns[name] = block * outer if total else []
        outer *= len(values[axis[0]])
    return columns


def _listed(name: str, column: Iterable[Any]) -> list[Any]:
    try:
        return list(column)
    except TypeError as error:
        raise TypeError(
            f"cartesian_product needs an iterable of values for each parameter, but {shown(name)} has the "
            f"{type(column).__name__} {shown(column)}; put a single value into a list."
        ) from error


def _check_axes(values: Mapping[str, Sequence[Any]], axes: Sequence[tuple[str, ...]]) -> None:
    named = [name for axis in axes for name in axis]
    unknown = [name for name in named if name not in values]
    missing = [name for name in values if name not in named]
    twice = sorted({name for name in named if named.count(name) > 1})
    for fault, names in (("unknown", unknown), ("missing", missing), ("there more than once", twice)):
        if names:
            raise ValueError(
                f"The combined parameters must name every parameter of {list(values)} exactly once; "
                f"{names} {'is' if len(names) == 1 else 'are'} {fault}."
            )
    for axis in axes:
        lengths = {name: len(values[name]) for name in axis}
        if len(set(lengths.values())) != 1:
            raise ValueError(f"The parameters {axis} vary together and need the same number of values, got {lengths}.")


def find_unique_points(explored_parameters: Iterable[HasRange]) -> list[tuple[tuple[Any, ...], list[int]]]:
    """The distinct points of an exploration and the runs that have them.

    Parameters
    ----------
    explored_parameters
        Explored parameters, in the order of the points' coordinates.

    Returns
    -------
    list of (tuple, list of int)
        Each distinct point, in the order of first appearance, with the indices of its runs.

    Examples
    --------
    >>> from xpet.tree import Root
    >>> traj = Root("study")
    >>> x = traj.f_add_parameter("x", 1)
    >>> traj.f_explore({"x": [5, 6, 5]})
    >>> find_unique_points([x])
    [((5,), [0, 2]), ((6,), [1])]
    """
    columns = [parameter.f_get_range(copy=False) for parameter in explored_parameters]
    points = list(zip(*columns, strict=True))
    numbers, distinct = codes(points)
    runs: list[list[int]] = [[] for _ in distinct]
    for run, number in enumerate(numbers):
        runs[number].append(run)
    return list(zip(distinct, runs, strict=True))
