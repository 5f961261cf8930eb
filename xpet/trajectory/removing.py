"""Deleting trajectories: only what bears our mark, never a prefix as such."""

from __future__ import annotations

from xpet.store.lease import PREFIX as LEASES
from xpet.store.lease import Lease
from xpet.store.place import Place
from xpet.store.snapshot import ROOT, list_trajectories, read_snapshot


def remove_trajectory(store: Place, name: str) -> None:
    """Delete a trajectory; an error if another process writes to it or if it is not ours.

    Examples
    --------
    >>> import xpet
    >>> from xpet.store.place import open_place, resolve
    >>> _ = xpet.sweep(lambda x: x, {'x': [1.0]}, store='memory://docs-removing', name='gone')
    >>> remove_trajectory(open_place(resolve('memory://docs-removing')), 'gone')
    """
    read_snapshot(store, name)
    place = store.below(name)
    with Lease(place):
        # Without its root there is no trajectory, however far this gets; the lease, which keeps others from making one
        # amid this, goes last, so there is nothing to give back.
        place.delete([ROOT])
        place.delete([key for key in place.list() if not key.startswith(f"{LEASES}/")])
        store.delete_tree(name)


def remove_all(store: Place) -> tuple[list[str], list[str]]:
    """Delete all trajectories of a store; their names, and the names of what stays because it is not ours."""
    ours, others = list_trajectories(store)
    for name in ours:
        remove_trajectory(store, name)
    return ours, others
