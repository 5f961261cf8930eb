"""Which points are known to be those of the store, so that only those behind them are compared when some are added."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

from xpet.space import Shape
from xpet.tree.leaf import IMMUTABLE
from xpet.tree.ranges import Grown

if TYPE_CHECKING:
    from xpet.store.snapshot import Snapshot
    from xpet.store.writer import Writer
    from xpet.trajectory.trajectory import Trajectory


class Agreed(NamedTuple):
    """The points of a trajectory with a uuid, by the paths of the parameters, and what is known of their shape.

    Neither side can have changed: here they are values that cannot be changed in place, in sequences that only get
    longer; in the store others do not take the place of points of which a run is complete.
    """

    uuid: str
    points: Mapping[str, Grown]
    shape: Shape


def known_alike(traj: Trajectory, snapshot: Snapshot) -> int:
    """How many of the first points in memory are known to be those of the store."""
    known = traj.v_agreed
    if known is None or known.uuid != snapshot.meta.uuid or known.points.keys() != traj.explored.keys():
        return 0
    lengths = [
        len(points) if points.starts(traj.explored[path].f_get_range(copy=False)) else 0
        for path, points in known.points.items()
    ]
    return min(lengths, default=0)


def agree(traj: Trajectory, writer: Writer, known: int, shape: Shape) -> None:
    """Remember that the store has the points that are here, as was known before of the first ``known`` of them."""
    points = {path: each.f_get_range(copy=False) for path, each in traj.explored.items()}
    lasting = writer.complete.any() and all(
        isinstance(values, Grown) and traj.explored[path].f_kept_range() is values and _cannot_change(values[known:])
        for path, values in points.items()
    )
    traj.f_agree(Agreed(writer.meta.uuid, points, shape) if lasting else None)


def _cannot_change(values: Iterable[Any]) -> bool:
    return all(map(_is_fixed, set(map(type, values))))


def _is_fixed(kind: type) -> bool:
    if kind in IMMUTABLE:
        return True
    import numpy as np

    is_number = issubclass(kind, np.number | np.bool_) and not issubclass(kind, np.timedelta64)
    return is_number and kind.__module__ == "numpy"
