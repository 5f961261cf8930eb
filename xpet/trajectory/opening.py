"""Bringing the store up to date with a trajectory in memory: create, continue, extend."""

from __future__ import annotations

from typing import TYPE_CHECKING

from xpet.errors import (
    CorruptStoreError,
    ForeignStoreError,
    StoreBusyError,
    StoreError,
    TrajectoryExistsError,
    VersionMismatchError,
    warn,
)
from xpet.space import Shape
from xpet.store.create import create, remains
from xpet.store.leaves import check_storable
from xpet.store.place import Place, open_place
from xpet.store.snapshot import Snapshot, find_snapshot, read_snapshot
from xpet.store.writer import Writer, open_for_writing
from xpet.trajectory.agreed import agree, known_alike
from xpet.trajectory.comparing import Comparison, changed_leaves, changed_parameters, compare, other_seed, start_alike
from xpet.trajectory.removing import remove_trajectory
from xpet.trajectory.saving import (
    about_leaf,
    explored_points,
    first_shape,
    groups,
    leaves,
    mark_stored,
    new_trajectory,
    shape_of,
    static_leaf,
)
from xpet.trajectory.stored import adopt_space, build, stored_groups, stored_leaves, tells

if TYPE_CHECKING:
    from xpet.trajectory.identity import IfExists
    from xpet.trajectory.trajectory import Trajectory


def open_writer(traj: Trajectory, if_exists: IfExists | None, to_run: bool) -> Writer:
    """The writer of a trajectory that the store now has as it is in memory."""
    if "parameters" in traj.v_left_out:
        raise StoreError(
            f"{traj.v_name}: the parameters were left out when the trajectory was loaded, so it can be looked at, but "
            "not run or stored; load it with load_parameters=2"
        )
    store = open_place(traj.v_spec)
    try:
        snapshot = find_snapshot(store, traj.v_name)
    except (ForeignStoreError, CorruptStoreError, VersionMismatchError) as error:
        if if_exists == "new":
            return _create_beside(traj, store)
        if not isinstance(error, CorruptStoreError):
            raise
        if if_exists == "overwrite":
            return _create(traj, store, instead=True)
        error.add_note("Bring the object back from a copy, or give if_exists='overwrite' to start again, or 'new'.")
        raise
    if snapshot is not None and traj.v_uuid == snapshot.meta.uuid:
        return _go_on(traj, store, snapshot, if_exists, to_run)
    if if_exists == "new" and traj.v_name in store.children():
        return _create_beside(traj, store)
    if snapshot is None:
        return _create(traj, store, instead=if_exists == "overwrite" and bool(remains(store.below(traj.v_name))))
    if if_exists == "overwrite":
        return _create(traj, store, instead=True)
    return _meet(traj, store, snapshot, if_exists, to_run)


def _go_on(traj: Trajectory, store: Place, snapshot: Snapshot, if_exists: IfExists | None, to_run: bool) -> Writer:
    """The stored trajectory is this one, as it was when it was last stored or loaded."""
    if is_before_exploration(traj, snapshot):
        if not to_run:
            return _update(traj, store)
        return _meet(traj, store, snapshot, if_exists, to_run)
    alike = _explored_alike(traj, snapshot)
    if if_exists == "extend" and alike and not (traj.v_state.shrunk or start_alike(traj, snapshot)):
        # Points were added here that are others than those which the store has in their place.
        return _meet(traj, store, snapshot, if_exists, to_run)
    if alike:
        _refuse_changes(changed_leaves(traj, snapshot), snapshot)
    return _update(traj, store)


def _create(traj: Trajectory, store: Place, instead: bool = False) -> Writer:
    new = new_trajectory(traj, traj.v_title)
    if instead:
        # What was to be fetched from it when looked at is in `new` by now, and must be sure to be stored.
        check_storable(new.leaves, new.groups)
        remove_trajectory(store, traj.v_name)
    writer = create(store, new)
    traj.attach_runs(None)
    traj.f_bind(traj.v_name, writer.meta.uuid)
    mark_stored(traj)
    return writer


def _create_beside(traj: Trajectory, store: Place) -> Writer:
    traj.f_bind(_free_name(store, traj.v_name), "")
    return _create(traj, store)


def is_before_exploration(traj: Trajectory, snapshot: Snapshot) -> bool:
    """Whether the stored trajectory is explored and this one is not, or not yet."""
    return not traj.explored and bool(snapshot.meta.space.coordinates)


def _explored_alike(traj: Trajectory, snapshot: Snapshot) -> bool:
    return set(traj.explored) == {each.parameter for each in snapshot.meta.space.coordinates}


def _is_explored_anew(traj: Trajectory, snapshot: Snapshot) -> bool:
    """Whether other points are here than in the store, and not only further ones."""
    if not _explored_alike(traj, snapshot):
        return True
    return traj.v_state.shrunk and (len(traj) < snapshot.meta.n_runs or not start_alike(traj, snapshot))


def _explore(traj: Trajectory, writer: Writer, snapshot: Snapshot) -> None:
    """The trajectory was stored before it was explored as it is now."""
    _refuse_changed_parameters(traj, snapshot)
    if writer.complete.any():
        raise TrajectoryExistsError(
            f"{writer.place.url}: other points are explored here than in the stored one, which has complete runs; give "
            "the trajectory another name, or if_exists='extend' to add the points to the stored ones"
        )
    # First of all the parameters themselves: what is explored must be there.
    _add_what_is_new(traj, writer, snapshot)
    writer.say_seed(str(traj.settle_seed()), traj.v_state.seed_by)
    points = explored_points(traj)
    writer.explore(points, traj.length, *first_shape(traj, points))
    traj.f_bind(traj.v_name, writer.meta.uuid)
    writer.show_parameters(static_leaf(leaf) for leaf in leaves(traj) if leaf.v_kind == "parameter")
    writer.publish()


def _meet(traj: Trajectory, store: Place, snapshot: Snapshot, if_exists: IfExists | None, to_run: bool) -> Writer:
    """The stored trajectory has this one's name: find out whether it is this one, or make it so."""
    found = compare(traj, snapshot)
    if found.explored_differ and len(found.differences) == 1 and not to_run and is_before_exploration(traj, snapshot):
        # A script that stores before it explores meets what came of it later.
        traj.f_bind(snapshot.meta.name, snapshot.meta.uuid, snapshot.meta.created)
        return _update(traj, store)
    same = not (found.parameters_differ or found.new or found.lacking or found.reordered)
    # A script that runs, expands and runs again meets its own end when it starts again.
    is_start = same or (not (found.parameters_differ or found.new) and start_alike(traj, snapshot))
    if not is_start and if_exists == "continue":
        _adopt(traj, snapshot)
    elif not is_start:
        _extend(traj, snapshot, found, if_exists == "extend")
    traj.f_bind(snapshot.meta.name, snapshot.meta.uuid, snapshot.meta.created)
    return _update(traj, store)


def _extend(traj: Trajectory, snapshot: Snapshot, found: Comparison, extend: bool) -> None:
    """Take the stored points, and behind them those that are new here; refuse what nobody asked for."""
    if found.parameters_differ or (found.lacking and not extend):
        raise TrajectoryExistsError(_other(snapshot, found))
    if found.new and not extend:
        raise TrajectoryExistsError(
            f"{snapshot.place.url}: the stored trajectory has {snapshot.meta.n_runs} of these points, and "
            f"{len(found.new)} are new here; give if_exists='extend' to add them and compute only those, or "
            "if_exists='overwrite' to start again, or 'new' for another name"
        )
    ranges = {path: parameter.f_get_range(copy=False) for path, parameter in traj.explored.items()}
    more = {path: [values[i] for i in found.new] for path, values in ranges.items()}
    adopt_space(traj, snapshot)
    if found.new:
        traj.expand(more)


def _other(snapshot: Snapshot, found: Comparison) -> str:
    extend = "" if found.parameters_differ else "'extend' to add points to it, "
    worth = "" if snapshot.complete.any() else ", of which no run is complete,"
    return (
        f"{snapshot.place.url}: the stored trajectory differs from this one: {found.sentence()}. "
        f"Give if_exists='continue' to go on with the stored one as it is, {extend}'overwrite' to delete it{worth} and "
        "start again, or 'new' for another name"
    )


def _adopt(traj: Trajectory, snapshot: Snapshot) -> None:
    """The stored parameters and points take the place of those in memory."""
    if traj.explored:
        traj.f_shrink(force=True)
    if traj.f_contains("parameters", shortcuts=False):
        traj.f_remove_child("parameters", recursive=True)
    build(traj, snapshot, {"parameters"})
    adopt_space(traj, snapshot)


def _update(traj: Trajectory, store: Place) -> Writer:
    """Add to the stored trajectory what it does not have yet."""
    writer = open_for_writing(store, traj.v_name)
    try:
        snapshot = read_snapshot(store, traj.v_name)
        _agree_on_seed(traj, writer, not _is_explored_anew(traj, snapshot))
        if is_before_exploration(traj, snapshot):
            _refuse_changed_parameters(traj, snapshot)
        elif snapshot.meta.uuid == traj.v_uuid and _is_explored_anew(traj, snapshot):
            _explore(traj, writer, snapshot)
            snapshot = read_snapshot(store, traj.v_name)
            _agree(traj, writer, snapshot)
        else:
            _agree(traj, writer, snapshot)
        _tell_changes(changed_leaves(traj, snapshot), snapshot)
        _add_what_is_new(traj, writer, snapshot)
        mark_stored(traj)
        traj.v_state.shrunk = False
    except BaseException:
        writer.lease.release()
        raise
    return writer


def _agree_on_seed(traj: Trajectory, writer: Writer, explored_alike: bool) -> None:
    """Take over the stored seed, or store the one that is given here, as long as no run depends on the other."""
    meta, tree = writer.meta, traj.v_state
    seed_by = meta.seed_by if explored_alike else tree.seed_by
    ours = traj.v_seed if tree.seed_given else None
    if meta.seed is not None and ours in (None, int(meta.seed)):
        traj.adopt_seed(int(meta.seed), seed_by)
        return
    if meta.seed is not None and writer.complete.any():
        raise TrajectoryExistsError(f"{writer.place.url}: {other_seed(meta.seed, ours)}; take the stored one")
    writer.say_seed(str(traj.settle_seed()), meta.seed_by)
    traj.adopt_seed(traj.v_seed, seed_by)
    writer.publish()


def _add_what_is_new(traj: Trajectory, writer: Writer, snapshot: Snapshot) -> None:
    """Add leaves, and say what leaves and groups now say of themselves."""
    known, groups_told = stored_leaves(snapshot), stored_groups(snapshot)
    here = list(leaves(traj))
    new = [static_leaf(leaf) for leaf in here if leaf.v_is_new and leaf.v_full_name not in known]
    other = [leaf for leaf in here if leaf.v_full_name in known and not tells(leaf, known[leaf.v_full_name])]
    said = [group for group in groups(traj) if not tells(group, groups_told.get(group.path, {}))]
    if new or other or said:
        writer.add_leaves(new, said)
        writer.retell([about_leaf(leaf) for leaf in other])
        writer.publish()


def _refuse_changes(changed: list[str], snapshot: Snapshot) -> None:
    if changed:
        raise TrajectoryExistsError(
            f"{snapshot.place.url}: changed after they were stored, which the store does not follow: "
            f"{'; '.join(changed)}; add what is new under another name"
        )


def _tell_changes(changed: list[str], snapshot: Snapshot) -> None:
    if changed:
        warn(
            f"{snapshot.place.url}: the store keeps what it has where the trajectory here differs: "
            f"{'; '.join(changed)}; give if_exists='overwrite' to start again, or other names"
        )


def _agree(traj: Trajectory, writer: Writer, snapshot: Snapshot) -> None:
    """Add to the store the points that it lacks; that it has further ones, which were added elsewhere, is fine."""
    where = writer.place.url
    if snapshot.meta.uuid != traj.v_uuid:
        raise StoreBusyError(f"{where}: another process has just stored another trajectory there; run again")
    known = known_alike(traj, snapshot)
    if not start_alike(traj, snapshot, known):
        raise TrajectoryExistsError(
            f"{where}: the points here are not those that this trajectory was stored with, as they were changed here "
            "or by another process; give if_exists='extend' to add what is new here behind them, load it again, or "
            "give the trajectory another name"
        )
    _refuse_changed_parameters(traj, snapshot)
    shape = traj.v_agreed.shape if known and traj.v_agreed is not None else Shape()
    if len(traj) > writer.n_runs:
        names = {each.parameter: each.name for each in snapshot.meta.space.coordinates}
        new = {path: parameter.f_kept_range(writer.n_runs) for path, parameter in traj.explored.items()}
        writer.expand(new, *shape_of(traj, names, shape))
    agree(traj, writer, known, shape)


def _refuse_changed_parameters(traj: Trajectory, snapshot: Snapshot) -> None:
    changed = changed_parameters(traj, snapshot)
    if changed:
        raise TrajectoryExistsError(
            f"{snapshot.place.url}: parameters were changed after they were stored: {'; '.join(changed)}; change them "
            "back, or give the trajectory another name"
        )


def _free_name(store: Place, name: str) -> str:
    taken = set(store.children())
    k = 1
    while f"{name}_{k}" in taken:
        k += 1
    return f"{name}_{k}"
