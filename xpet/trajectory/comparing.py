"""A trajectory in memory against the one of the same name in the store."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from xpet.store.chunks import read_whole
from xpet.store.points import PointColumn, read_points
from xpet.store.reading import read_static, static_leaves
from xpet.store.snapshot import Snapshot
from xpet.trajectory.saving import explored_points, leaves
from xpet.tree import Root
from xpet.values import Labelled, canonical, same_value, unlabelled

if TYPE_CHECKING:
    from xpet.values.parts import Array

_SHOWN = 8


@dataclass(frozen=True, slots=True, eq=False)
class Comparison:
    """What tells two trajectories apart.

    ``differences`` are sentences; ``new`` are the positions of points in memory that the store does not have, and
    ``reordered`` says whether the points are the same in another order.
    """

    differences: tuple[str, ...]
    new: tuple[int, ...] = ()
    reordered: bool = False
    lacking: int = 0

    @property
    def parameters_differ(self) -> bool:
        """Whether more than the points differs."""
        return bool(self.differences)

    def sentence(self) -> str:
        """The differences, the first few of them."""
        said = list(self.differences)
        if self.lacking:
            said.append(f"{self.lacking} stored points are not among the points here")
        if self.new:
            said.append(f"{len(self.new)} points are new here")
        more = f"; and {len(said) - _SHOWN} more" if len(said) > _SHOWN else ""
        return "; ".join(said[:_SHOWN]) + more


def compare(root: Root, snapshot: Snapshot) -> Comparison:
    """How a tree and a stored trajectory differ in parameters and points."""
    coordinates = {each.parameter: each.name for each in snapshot.meta.space.coordinates}
    differences = _parameters(root, snapshot, set(coordinates) | set(root.explored))
    points = {column.parameter: column for _, column in explored_points(root)}
    if points.keys() != coordinates.keys():
        theirs, ours = _names(coordinates), _names(points)
        return Comparison((*differences, f"explored are {theirs} in the store and {ours} here"))
    if not points:
        return Comparison(tuple(differences))
    pairs = []
    for parameter, name in coordinates.items():
        column, key = points[parameter], f"runs/{name}"
        codec, meta = read_points(snapshot.hierarchy, name)
        if (codec, canonical(meta)) != (column.codec, canonical(column.meta)):
            differences.append(f"the points of {parameter} are of type {codec} in the store and {column.codec} here")
        else:
            pairs.append((read_whole(snapshot.place, key, snapshot.hierarchy.array(key)), column.values))
    if differences and len(pairs) < len(points):
        return Comparison(tuple(differences))
    return _points(differences, pairs)


def _names(paths: Mapping[str, object]) -> str:
    return ", ".join(sorted(paths)) or "no parameters"


def _parameters(root: Root, snapshot: Snapshot, explored: set[str]) -> list[str]:
    stored = {
        path: items[""]
        for path, items in static_leaves(snapshot.hierarchy).items()
        if "" in items and items[""][1]["kind"] == "parameter"
    }
    ours = {leaf.v_full_name: leaf for leaf in leaves(root) if leaf.v_kind == "parameter"}
    found = []
    for path, leaf in ours.items():
        here = leaf.f_items().get("")
        if path not in stored:
            if leaf.f_items() and path not in explored:
                found.append(f"{path} is only here")
            continue
        key, about = stored[path]
        units = about["attrs"].get("units"), here.labels.attrs.get("units") if isinstance(here, Labelled) else None
        if units[0] != units[1]:
            found.append(f"{path} has the units {units[0]!r} in the store and {units[1]!r} here")
        if path not in explored:
            there, here = read_static(snapshot.place, snapshot.hierarchy, key), unlabelled(here)
            if not same_value(there, here):
                found.append(f"{path} is {_short(there)} in the store and {_short(here)} here")
    return found + [f"{path} is only in the store" for path in stored if path not in ours]


def _short(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 60 else text[:57] + "..."


def _points(differences: Sequence[str], pairs: Sequence[tuple[Array, Array]]) -> Comparison:
    import numpy as np

    if all(len(a) == len(b) and _equal(a, b) for a, b in pairs):
        return Comparison(tuple(differences))
    stored, here = _codes(pairs)
    new = np.flatnonzero(~np.isin(here, stored))
    lacking = int((~np.isin(stored, here)).sum())
    return Comparison(tuple(differences), tuple(new.tolist()), not len(new) and not lacking, lacking)


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


def same_points(columns: Sequence[tuple[str, PointColumn]], snapshot: Snapshot) -> bool:
    """Whether the points in memory start with the stored ones, in the same order."""
    names = {each.parameter: each.name for each in snapshot.meta.space.coordinates}
    for _, column in columns:
        key = f"runs/{names.get(column.parameter, '')}"
        if key not in snapshot.hierarchy:
            return False
        stored = read_whole(snapshot.place, key, snapshot.hierarchy.array(key))
        if not _equal(stored, column.values[: len(stored)]):
            return False
    return True


def take(values: Sequence[Any], positions: Sequence[int]) -> list[Any]:
    """Some of the values."""
    return [values[i] for i in positions]
