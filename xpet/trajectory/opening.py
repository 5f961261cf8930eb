"""Bringing the store up to date with a trajectory in memory: create, continue, extend."""

from __future__ import annotations

from typing import TYPE_CHECKING

from xpet.errors import TrajectoryExistsError
from xpet.store.create import create
from xpet.store.place import Place, open_place
from xpet.store.snapshot import Snapshot, find_snapshot, list_trajectories
from xpet.store.writer import Writer, open_for_writing
from xpet.trajectory.comparing import Comparison, compare, same_points
from xpet.trajectory.removing import remove_trajectory
from xpet.trajectory.saving import explored_points, leaves, mark_stored, new_trajectory, shape_of, static_leaf
from xpet.trajectory.stored import adopt_space, build

if TYPE_CHECKING:
    from xpet.trajectory.trajectory import IfExists, Trajectory


def open_writer(traj: Trajectory, if_exists: IfExists | None) -> Writer:
    """The writer of a trajectory that the store now has as it is in memory."""
    store = open_place(traj.v_spec)
    snapshot = find_snapshot(store, traj.v_name)
    if snapshot is None:
        return _create(traj, store)
    if traj.v_uuid == snapshot.meta.uuid:
        return _update(traj, store) if _explored_alike(traj, snapshot) else _explore_anew(traj, store, snapshot)
    if if_exists == "overwrite":
        remove_trajectory(store, traj.v_name)
        return _create(traj, store)
    if if_exists == "new":
        traj.f_bind(_free_name(store, traj.v_name), "")
        return _create(traj, store)
    if if_exists == "continue":
        _adopt(traj, snapshot)
        return _update(traj, store)
    return _meet(traj, store, snapshot, if_exists == "extend")


def _create(traj: Trajectory, store: Place) -> Writer:
    writer = create(store, new_trajectory(traj, traj.v_title))
    traj.f_bind(traj.v_name, writer.meta.uuid)
    mark_stored(traj)
    return writer


def _explored_alike(traj: Trajectory, snapshot: Snapshot) -> bool:
    return set(traj.explored) == {each.parameter for each in snapshot.meta.space.coordinates}


def _explore_anew(traj: Trajectory, store: Place, snapshot: Snapshot) -> Writer:
    """The trajectory was stored before it was explored: as long as it has no runs, it is stored afresh."""
    if snapshot.complete.any():
        raise TrajectoryExistsError(
            f"{snapshot.place.url}: other parameters are explored here than in the stored one, which has complete "
            "runs; give the trajectory another name"
        )
    remove_trajectory(store, traj.v_name)
    return _create(traj, store)


def _meet(traj: Trajectory, store: Place, snapshot: Snapshot, extend: bool) -> Writer:
    found = compare(traj, snapshot)
    if found.parameters_differ or (found.lacking and not extend):
        raise TrajectoryExistsError(_other(snapshot, found))
    if found.new and not extend:
        raise TrajectoryExistsError(
            f"{snapshot.place.url}: the stored trajectory has {snapshot.meta.n_runs} of these points, and "
            f"{len(found.new)} are new here; give if_exists='extend' to add them and compute only those, or "
            "if_exists='overwrite' to start again, or 'new' for another name"
        )
    if found.new or found.lacking or found.reordered:
        ranges = {path: parameter.f_get_range(copy=False) for path, parameter in traj.explored.items()}
        more = {path: [values[i] for i in found.new] for path, values in ranges.items()}
        adopt_space(traj, snapshot)
        if found.new:
            traj.expand(more)
    traj.f_bind(snapshot.meta.name, snapshot.meta.uuid)
    return _update(traj, store)


def _other(snapshot: Snapshot, found: Comparison) -> str:
    return (
        f"{snapshot.place.url}: the stored trajectory differs from this one: {found.sentence()}. "
        "Give if_exists='continue' to go on with the stored one as it is, 'extend' to add points to it (the other "
        "parameters must be equal), 'overwrite' to delete it and start again, or 'new' for another name"
    )


def _adopt(traj: Trajectory, snapshot: Snapshot) -> None:
    """The stored parameters and points take the place of those in memory."""
    if traj.explored:
        traj.f_shrink(force=True)
    if traj.f_contains("parameters", shortcuts=False):
        traj.f_remove_child("parameters", recursive=True)
    build(traj, snapshot, {"parameters"})
    adopt_space(traj, snapshot)
    traj.f_bind(snapshot.meta.name, snapshot.meta.uuid)


def _update(traj: Trajectory, store: Place) -> Writer:
    """Add to the stored trajectory what it does not have yet."""
    writer = open_for_writing(store, traj.v_name)
    try:
        if writer.n_runs < len(traj):
            _expand(traj, store, writer)
        known = writer.paths()
        new = [leaf for leaf in leaves(traj) if leaf.v_is_new and leaf.v_full_name not in known]
        if new:
            writer.add_leaves([static_leaf(leaf) for leaf in new])
            writer.publish()
        mark_stored(traj)
    except BaseException:
        writer.lease.release()
        raise
    return writer


def _expand(traj: Trajectory, store: Place, writer: Writer) -> None:
    snapshot = find_snapshot(store, traj.v_name)
    points = explored_points(traj)
    if snapshot is None or not same_points(points, snapshot):
        raise TrajectoryExistsError(
            f"{writer.place.url}: the stored points are not the first ones of this trajectory, as another process has "
            "changed it; load it again before expanding it"
        )
    more = {path: parameter.f_get_range(copy=False)[writer.n_runs :] for path, parameter in traj.explored.items()}
    writer.expand(more, *shape_of(traj))


def _free_name(store: Place, name: str) -> str:
    taken = set(store.children())
    k = 1
    while f"{name}_{k}" in taken:
        k += 1
    return f"{name}_{k}"


def trajectories(store: Place) -> list[str]:
    """The names of the trajectories in a store."""
    return list_trajectories(store)[0]
