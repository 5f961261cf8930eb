"""A trajectory in memory against the one of the same name in the store."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from xpet.store.points import PointColumn, decode_points, encode_alike, read_points
from xpet.store.reading import read_static, static_leaves
from xpet.store.snapshot import Snapshot
from xpet.trajectory.saving import leaves
from xpet.trajectory.stored import StoredRange
from xpet.tree import Leaf, PickleParameter, PickleResult, Root
from xpet.values import Labelled, pickled, same_value, shown, unlabelled, unpickling

if TYPE_CHECKING:
    from xpet.trajectory.trajectory import Trajectory
    from xpet.trajectory.trust import Trust
    from xpet.values.parts import Array

_SHOWN = 8


class Comparison(NamedTuple):
    """What tells two trajectories apart.

    ``differences`` are sentences; ``new`` are the positions of points in memory that the store does not have, and
    ``reordered`` says whether the points are the same in another order. ``shown`` are the first of the points that the
    store alone has, and of those that memory alone has, in words. ``explored_differ``: other parameters are explored.
    """

    differences: tuple[str, ...]
    new: tuple[int, ...] = ()
    reordered: bool = False
    lacking: int = 0
    shown: tuple[str, str] = ("", "")
    explored_differ: bool = False

    @property
    def parameters_differ(self) -> bool:
        """Whether more than the points differs."""
        return bool(self.differences)

    def sentence(self) -> str:
        """The differences, the first few of them."""
        said = list(self.differences)
        if self.lacking:
            said.append(f"{self.lacking} stored points are not among the points here ({self.shown[0]})")
        if self.new:
            said.append(f"{len(self.new)} points are new here ({self.shown[1]})")
        more = f"; and {len(said) - _SHOWN} more" if len(said) > _SHOWN else ""
        return "; ".join(said[:_SHOWN]) + more


def compare(root: Trajectory, snapshot: Snapshot) -> Comparison:
    """How a tree and a stored trajectory differ in parameters and points."""
    coordinates = {each.parameter: each.name for each in snapshot.meta.space.coordinates}
    differences = [*changed_parameters(root, snapshot), *_lone_parameters(root, snapshot), *_seeds(root, snapshot)]
    points = {path: parameter.f_kept_range() for path, parameter in root.explored.items()}
    if points.keys() != coordinates.keys():
        theirs, ours = _names(coordinates), _names(points)
        return Comparison((*differences, f"explored are {theirs} in the store and {ours} here"), explored_differ=True)
    if not points:
        return Comparison(tuple(differences))
    pairs = []
    for parameter, name in coordinates.items():
        stored = read_points(snapshot.place, snapshot.hierarchy, name)
        here = encode_alike(parameter, points[parameter], stored)
        if here is None:
            theirs, ours = _kind(_some(stored, [0])[0]), _kind(points[parameter][0])
            differences.append(f"the points of {parameter} are {theirs} in the store and {ours} here")
        else:
            pairs.append((stored, here))
    if differences and len(pairs) < len(points):
        return Comparison(tuple(differences))
    return _points(differences, list(coordinates.values()), pairs)


def _names(paths: Mapping[str, object]) -> str:
    return ", ".join(sorted(paths)) or "no parameters"


def _kind(first: object) -> str:
    return f"of type {type(first).__name__}, such as {_short(first)},"


def changed_parameters(root: Trajectory, snapshot: Snapshot) -> list[str]:
    """What differs in the parameters that both have, a sentence each; points are left out."""
    stored, explored = _stored_parameters(snapshot), _explored(root, snapshot)
    found = []
    for path, leaf in _parameters(root).items():
        if path not in stored:
            continue
        about, here = stored[path].get("", ("", {"attrs": {}}))[1], leaf.f_items().get("")
        # A value that was loaded, or an array with attributes of its own, says nothing of units here.
        if isinstance(here, Labelled) and here.labels.attrs.get("units") != about["attrs"].get("units"):
            units = about["attrs"].get("units"), here.labels.attrs.get("units")
            found.append(f"{path} has the units {units[0]!r} in the store and {units[1]!r} here")
        if path not in explored:
            found += _changed(leaf, stored[path], snapshot, root.v_trust)
    return found


def changed_leaves(root: Trajectory, snapshot: Snapshot) -> list[str]:
    """What differs in leaves that are new here, or were set again, and that the store has; parameters are left out."""
    stored, found = static_leaves(snapshot.hierarchy), []
    for leaf in leaves(root):
        path = leaf.v_full_name
        if not leaf.v_is_new or leaf.v_kind == "parameter" or path not in stored:
            continue
        found += _changed(leaf, stored[path], snapshot, root.v_trust)
    return found


def _changed(
    leaf: Leaf, stored: Mapping[str, tuple[str, Mapping[str, Any]]], snapshot: Snapshot, trust: Trust
) -> list[str]:
    """What differs in the items of one leaf."""
    found = []
    here = {item: unlabelled(value) for item, value in leaf.f_items().items()}
    there = {item: read_static(snapshot.place, snapshot.hierarchy, key) for item, (key, _) in stored.items()}
    for item in [*there, *(item for item in here if item not in there)]:
        name = f"{leaf.v_full_name}.{item}" if item else leaf.v_full_name
        if item not in here or item not in there:
            found.append(f"{name} is only {'in the store' if item in there else 'here'}")
        elif same_value(there[item], here[item]):
            continue
        elif not (trust.pickles and _same_pickle(leaf, stored[item][0], here[item], snapshot)):
            found.append(f"{name} is {_short(there[item])} in the store and {_short(here[item])} here")
    return found


def _same_pickle(leaf: Leaf, key: str, here: Any, snapshot: Snapshot) -> bool:
    """Whether a pickle here is the stored one read and pickled again, which may have other bytes."""
    if not isinstance(leaf, PickleParameter | PickleResult):
        return False
    with unpickling():
        there = read_static(snapshot.place, snapshot.hierarchy, key)
    return same_value(pickled(there, leaf.v_protocol), here)


def _seeds(root: Root, snapshot: Snapshot) -> list[str]:
    meta, tree = snapshot.meta, root.v_state
    found = []
    if tree.seed_given and meta.seed is not None and tree.seed != int(meta.seed):
        found.append(other_seed(meta.seed, tree.seed))
    if meta.space.coordinates and tree.explored and tree.seed_by != meta.seed_by:
        found.append(f"random numbers are seeded by {meta.seed_by} in the store and by {tree.seed_by} here")
    return found


def other_seed(stored: str, here: int | None) -> str:
    """That the seeds differ, in words."""
    return f"the seed is {_short(int(stored))} in the store and {_short(here)} here"


def _lone_parameters(root: Root, snapshot: Snapshot) -> list[str]:
    stored, explored, ours = _stored_parameters(snapshot), _explored(root, snapshot), _parameters(root)
    here = [path for path, leaf in ours.items() if path not in stored and path not in explored and leaf.f_items()]
    there = [path for path in stored if path not in ours]
    return [f"{path} is only here" for path in here] + [f"{path} is only in the store" for path in there]


def _parameters(root: Root) -> dict[str, Leaf]:
    return {leaf.v_full_name: leaf for leaf in leaves(root) if leaf.v_kind == "parameter"}


def _stored_parameters(snapshot: Snapshot) -> dict[str, dict[str, tuple[str, Mapping[str, Any]]]]:
    return {
        path: items
        for path, items in static_leaves(snapshot.hierarchy).items()
        if next(iter(items.values()))[1]["kind"] == "parameter"
    }


def _explored(root: Root, snapshot: Snapshot) -> set[str]:
    return {each.parameter for each in snapshot.meta.space.coordinates} | set(root.explored)


def _short(value: object) -> str:
    text = shown(value)
    return text if len(text) <= 60 else text[:57] + "..."


def _some(column: PointColumn, positions: Sequence[int]) -> list[Any]:
    return decode_points(column._replace(values=column.values[list(positions)]))


def _points(
    differences: Sequence[str], names: Sequence[str], pairs: Sequence[tuple[PointColumn, PointColumn]]
) -> Comparison:
    import numpy as np

    arrays = [(a.values, b.values) for a, b in pairs]
    if all(len(a) == len(b) and _equal(a, b) for a, b in arrays):
        return Comparison(tuple(differences))
    stored, here = _codes(arrays)
    new, lacking = np.flatnonzero(~np.isin(here, stored)), np.flatnonzero(~np.isin(stored, here))
    shown = _shown(names, [a for a, _ in pairs], lacking), _shown(names, [b for _, b in pairs], new)
    same = not len(new) and not len(lacking)
    return Comparison(tuple(differences), tuple(new.tolist()), same, len(lacking), shown)


def _shown(names: Sequence[str], columns: Sequence[PointColumn], positions: Array) -> str:
    """The first of some points, in words; floats with all their digits, as those may be all that differs."""
    first = zip(*(_some(column, positions[:3].tolist()) for column in columns), strict=True)
    points = [", ".join(f"{name}={_short(value)}" for name, value in zip(names, p, strict=True)) for p in first]
    return "; ".join(points) + ("; …" if len(positions) > len(points) else "")


def _equal(a: Array, b: Array) -> bool:
    import numpy as np

    return bool(np.array_equal(a, b, equal_nan=a.dtype.kind in "fc"))


def _codes(pairs: Sequence[tuple[Array, Array]]) -> tuple[Array, Array]:
    """A number for each point, the same for the same point; the second time a point comes it is another point."""
    import numpy as np
    import pandas as pd

    n_stored = len(pairs[0][0])
    total = n_stored + len(pairs[0][1])
    code = np.zeros(total, np.int64)
    for a, b in pairs:
        both = np.concatenate([a, b])
        numbers, distinct = pd.factorize(both, use_na_sentinel=False)
        code = pd.factorize(code * len(distinct) + numbers)[0]
    side = np.arange(total) >= n_stored
    nth = pd.DataFrame({"code": code, "side": side}).groupby(["code", "side"]).cumcount().to_numpy()
    code = pd.factorize(code * (int(nth.max()) + 1) + nth)[0]
    return code[:n_stored], code[n_stored:]


def start_alike(root: Root, snapshot: Snapshot, known: int = 0) -> bool:
    """Whether the points in memory and in the store are the same, as far as both go; the first ``known`` are."""
    names = {each.parameter: each.name for each in snapshot.meta.space.coordinates}
    if set(names) != set(root.explored):
        return False
    ranges = [root.explored[path].f_get_range(copy=False) for path in names]
    if root.length == snapshot.meta.n_runs and all(isinstance(each, StoredRange) for each in ranges):
        return True
    common = min(root.length, snapshot.meta.n_runs)
    if common <= known:
        return True
    for path, name in names.items():
        stored = read_points(snapshot.place, snapshot.hierarchy, name, known)
        here = encode_alike(path, root.explored[path].f_kept_range(known)[: common - known], stored)
        if here is None or not _equal(stored.values[: common - known], here.values):
            return False
    return True
