"""Deleting trajectories: only what bears our mark, never a prefix as such."""

from __future__ import annotations

from xpet.errors import CorruptStoreError, StoreBusyError, warn
from xpet.names import is_valid_name
from xpet.store.create import is_left
from xpet.store.lease import PREFIX as LEASES
from xpet.store.lease import Lease
from xpet.store.ownership import REMOVAL, keys_of
from xpet.store.place import Place
from xpet.store.snapshot import ROOT, Snapshot, find_snapshot, list_trajectories, read_snapshot

_MOST_NAMED = 5


def remove_trajectory(store: Place, name: str) -> None:
    """Delete a trajectory; an error if another process writes to it or if it is not ours.

    What xpet did not write stays where it is, and a warning names it. A trajectory whose root document was lost or
    damaged is deleted, too, and so is the rest of one that was created or deleted by a process that died.

    Examples
    --------
    >>> import xpet
    >>> from xpet.store.place import open_place, resolve
    >>> _ = xpet.sweep(lambda x: x, {'x': [1.0]}, store='memory://docs-removing', name='gone')
    >>> remove_trajectory(open_place(resolve('memory://docs-removing')), 'gone')
    """
    place = store.below(name)
    if _snapshot(store, name) is None and not is_left(place):
        read_snapshot(store, name)
    with Lease(place) as lease:
        snapshot = _snapshot(store, name)
        keys = keys_of(place, None if snapshot is None else snapshot.hierarchy)
        data = [key for key in keys.data if key != REMOVAL and not key.startswith(f"{LEASES}/")]
        # Without its root there is no trajectory, however far this gets, and without its documents chunks would be
        # nobody's. The lease, which keeps others from making one amid this, goes last, or stays as the sign that what
        # else is there is in our place.
        place.write(REMOVAL, b"")
        for some in ([ROOT], data, keys.documents, [REMOVAL]):
            if not lease.still_ours():
                raise StoreBusyError(
                    f"{place.url}: another process has taken over writing, so nothing more is deleted here; try again "
                    "when it is done"
                )
            place.delete(some)
        place.prune(LEASES)
        lease.release(delete=not keys.foreign)
    if keys.foreign:
        more = f" and {len(keys.foreign) - _MOST_NAMED} more" if len(keys.foreign) > _MOST_NAMED else ""
        warn(f"{place.url}: what xpet did not write stays: {', '.join(keys.foreign[:_MOST_NAMED])}{more}")


def _snapshot(store: Place, name: str) -> Snapshot | None:
    """What is published; None if the document that says it was lost, or is damaged amid what else is ours."""
    try:
        return find_snapshot(store, name)
    except CorruptStoreError:
        if not is_left(store.below(name)):
            raise
        return None


def remove_all(store: Place) -> tuple[list[str], list[str]]:
    """Delete all trajectories of a store; their names, and the names of what stays because it is not ours."""
    ours, others = list_trajectories(store)
    lost = [name for name in others if is_valid_name(name) and is_left(store.below(name))]
    for name in (*ours, *lost):
        remove_trajectory(store, name)
    return [*ours, *lost], [name for name in others if name not in lost]
