"""Exploring: giving parameters one value per run."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from xpet.errors import NotUniqueNodeError, shown
from xpet.tree import lookup
from xpet.tree.group import Group
from xpet.tree.parameter import BaseParameter
from xpet.tree.ranges import grown
from xpet.tree.state import SeedBy, TreeState

if TYPE_CHECKING:
    from xpet.tree.node import Node


_SHOWN = 6
REPLICATE = "parameters.replicate"
"""The parameter that tells repetitions of a point apart."""
_SEED_BY: tuple[SeedBy, ...] = ("run", "replicate")


def explore(tree: TreeState, ranges: Mapping[str, Sequence[object]]) -> None:
    """Explore parameters, all or none of them."""
    if not ranges:
        return
    if tree.virtual is not None and tree.virtual.any_complete():
        advice = (
            "append points with `f_expand`"
            if tree.explored
            else "explore in a trajectory of another name, or start again with if_exists='overwrite'"
            if tree.shrunk
            else "no points can be appended to a run that explored nothing, so explore in a trajectory of another "
            "name, or start again with if_exists='overwrite'"
        )
        raise TypeError(
            f"The trajectory {tree.root.v_name!r} has completed runs and cannot be explored anew; {advice}."
        )
    parameters = _targets(tree, ranges)
    length = _common_length(tree, ranges, expected=tree.length if tree.explored else None)
    locked = [parameter.v_locked for parameter in parameters]
    tree.wildcards.check_unique(length)
    try:
        for parameter, values in zip(parameters, ranges.values(), strict=True):
            parameter.check_range(values)
    except BaseException:
        for parameter, was_locked in zip(parameters, locked, strict=True):
            if not was_locked:
                parameter.f_unlock()
        raise
    adopt(tree, dict(zip(parameters, ranges.values(), strict=True)), length)


@contextmanager
def numbering(tree: TreeState, replicates: int | None) -> Iterator[None]:
    """Have the parameter ``replicate`` in the block if there are to be any, and afterwards unless the block fails."""
    root, is_new = tree.root, replicates is not None and not tree.root.f_contains(REPLICATE, shortcuts=False)
    if is_new:
        root.f_add_parameter(REPLICATE.rpartition(".")[2], 0, comment="Which repetition of its point a run is")
    try:
        yield
    except BaseException:
        if is_new:
            root.f_remove_item(REPLICATE)
        raise


def replicated(tree: TreeState, ranges: Mapping[str, Sequence[object]], replicates: int) -> dict[str, list[Any]]:
    """Every point so many times, one behind the other, told apart by the parameter ``replicate``."""
    if type(replicates) is not int or replicates < 1:
        raise ValueError(f"replicates is {shown(replicates)}; it must be how often each point is done, 1 or more.")
    name = REPLICATE.rpartition(".")[2]
    taken = [each for each in ranges if each.rpartition(".")[2] == name]
    if taken:
        raise ValueError(
            f"{taken[0]!r} is among the points, so that replicates={replicates} cannot number them by {name!r}; give "
            "one of the two."
        )
    length = _common_length(tree, ranges, expected=None) if ranges else 1
    many = {key: [value for value in values for _ in range(replicates)] for key, values in ranges.items()}
    return many | {REPLICATE: list(range(replicates)) * length}


def check_seed_by(tree: TreeState, ranges: Mapping[str, Sequence[object]], seed_by: SeedBy) -> None:
    """Refuse to seed by replicates that there are not."""
    if seed_by not in _SEED_BY:
        raise ValueError(f"seed_by is {shown(seed_by)}; it must be one of {', '.join(map(repr, _SEED_BY))}.")
    if seed_by == "run":
        return
    numbers = {_parameter(tree.root, name).v_full_name: values for name, values in ranges.items()}.get(REPLICATE)
    if numbers is None:
        raise ValueError("seed_by='replicate' needs repetitions of the points; give replicates= as well.")
    if not all(isinstance(number, int) and number >= 0 for number in numbers):
        raise ValueError(f"seed_by='replicate' needs values of {REPLICATE!r} that are integers, 0 or more.")


def adopt(tree: TreeState, ranges: Mapping[BaseParameter, Sequence[object]], length: int) -> None:
    """Take over ranges that are known to be sound."""
    for parameter, values in ranges.items():
        parameter.set_range(values)
        tree.explored[parameter.v_full_name] = parameter
    tree.explored_list = list(tree.explored.values())
    tree.length = length
    select(tree, tree.run if tree.run < length else -1)


def expand(tree: TreeState, ranges: Mapping[str, Sequence[object]], fail_safe: bool = True) -> None:
    """Append points to every explored parameter, to all or none of them."""
    if not tree.explored:
        explore(tree, ranges)
        return
    parameters = [_parameter(tree.root, name) for name in ranges]
    if {id(parameter) for parameter in parameters} != {id(parameter) for parameter in tree.explored_list}:
        raise TypeError(
            f"All explored parameters must be expanded together and no others: {sorted(tree.explored)} are explored, "
            f"got {sorted(parameter.v_full_name for parameter in parameters)}."
        )
    for parameter in parameters:
        if not parameter.f_has_range():
            raise TypeError(f"The range of the parameter {parameter.v_full_name!r} is not loaded; load it first.")
    more = _common_length(tree, ranges, expected=None)
    tree.wildcards.check_unique(tree.length + more)
    for parameter, values in zip(parameters, ranges.values(), strict=True):
        parameter.check_range(values)
    for parameter, values in zip(parameters, ranges.values(), strict=True):
        parameter.set_range(grown(parameter.f_get_range(copy=False), values))
    tree.length += more


def shrink(tree: TreeState) -> None:
    """Drop all ranges."""
    for parameter in tree.explored_list:
        parameter.drop_range()
    tree.explored.clear()
    tree.explored_list = []
    tree.length = 1
    tree.seed_by = "run"
    tree.shrunk = True
    select(tree, -1)


def select(tree: TreeState, index: int) -> None:
    """Move all explored parameters to a run; −1 means to none."""
    tree.run = index
    tree.rng = None
    for parameter in tree.explored_list:
        parameter.select(index)
    tree.found.clear()


def as_ranges(build_dict: Mapping[str, Iterable[object]]) -> dict[str, list[Any]]:
    """Anything iterable as lists."""
    if not isinstance(build_dict, Mapping):
        raise TypeError(
            f"Exploring takes a dictionary of parameter names and their values, not {type(build_dict).__name__}."
        )
    ranges = {}
    for name, values in build_dict.items():
        try:
            ranges[name] = list(values)
        except TypeError as error:
            raise TypeError(
                f"The values for the parameter {name!r} must be an iterable with one value per run, "
                f"not {type(values).__name__} {values!r}."
            ) from error
    return ranges


def _targets(tree: TreeState, names: Iterable[str]) -> list[BaseParameter]:
    parameters = [_parameter(tree.root, name) for name in names]
    for parameter in parameters:
        if parameter.v_explored:
            raise TypeError(
                f"The parameter {parameter.v_full_name!r} is explored already; append points with `f_expand`, "
                "or drop the points with `f_shrink` first."
            )
        if parameter.f_is_empty():
            raise TypeError(f"The parameter {parameter.v_full_name!r} has no value; set a default before exploring it.")
    if len({id(parameter) for parameter in parameters}) != len(parameters):
        raise TypeError(f"Two of the names {list(names)} mean the same parameter; give each parameter once.")
    return parameters


def _parameter(root: Group, name: str) -> BaseParameter:
    node = _search(root, name)
    if not isinstance(node, BaseParameter):
        raise ValueError(
            f"{name!r} is {node.v_full_name!r}, a {node.f_get_class_name()}; only parameters can be explored."
        )
    return node


def _search(root: Group, name: str) -> Node:
    """A node by its name; only parameters can be explored, so those are looked through first."""
    search = lookup.Search(True, None, True)
    parameters = root.f_get_children(copy=False).get("parameters")
    if isinstance(parameters, Group):
        try:
            return lookup.find(parameters, name, search)
        except NotUniqueNodeError:
            raise
        except AttributeError:
            pass  # a name from the root, such as parameters.x
    try:
        return lookup.find(root, name, search)
    except NotUniqueNodeError:
        raise
    except AttributeError:
        raise AttributeError(
            f"There is no parameter {shown(name)} in the trajectory; {_known(parameters, name)}."
        ) from None


def _known(parameters: object, name: str) -> str:
    """The parameters that may have been meant, or the first ones that there are."""
    leaves = parameters.f_iter_leaves(with_links=False) if isinstance(parameters, Group) else ()
    paths = {leaf.v_full_name.partition(".")[2]: leaf for leaf in leaves if isinstance(leaf, BaseParameter)}
    if not paths:
        return "there are none yet, add one with `f_add_parameter`"
    wanted = str(name).rpartition(".")[2].lower()
    names = {path: path.rpartition(".")[2].lower() for path in paths}
    from difflib import get_close_matches

    close = get_close_matches(wanted, names.values(), n=_SHOWN, cutoff=0.6)
    if close:
        return f"did you mean {_listed([path for path in paths if names[path] in close])}"
    return f"there are {_listed(list(paths))}"


def _listed(paths: list[str]) -> str:
    return ", ".join(map(repr, paths[:_SHOWN])) + (f" and {len(paths) - _SHOWN} more" if len(paths) > _SHOWN else "")


def _common_length(tree: TreeState, ranges: Mapping[str, Sequence[object]], expected: int | None) -> int:
    lengths = {name: len(values) for name, values in ranges.items()}
    empty = [name for name, length in lengths.items() if not length]
    if empty:
        raise ValueError(f"No values were given for {empty}; a parameter needs at least one value per run.")
    if len(set(lengths.values())) > 1 or (expected is not None and expected not in lengths.values()):
        wanted = f"; {expected} runs are explored already" if expected is not None else ""
        raise ValueError(
            f"The values are not the same size: {lengths}{wanted}. Give every parameter one value per run, for "
            "instance with `cartesian_product`."
        )
    return next(iter(lengths.values()))
