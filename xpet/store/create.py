"""Creating a trajectory, and the store around it."""

from __future__ import annotations

import time
import uuid
from collections.abc import Mapping, Sequence
from typing import Any, Literal, NamedTuple

from xpet.errors import CorruptStoreError, ForeignStoreError, StoreBusyError, warn
from xpet.store.carried import CHUNKS
from xpet.store.documents import ArrayDoc, GroupDoc, dumps
from xpet.store.hierarchy import HIDDEN, TABLE, Hierarchy
from xpet.store.journal import DAMAGED, PACKETS
from xpet.store.lease import PREFIX as LEASES
from xpet.store.lease import Lease
from xpet.store.leaves import StaticGroup, StaticLeaf
from xpet.store.meta import Axes, Kind, Meta, pack_complete
from xpet.store.ownership import JOURNAL, REMOVAL, Keys, keys_of
from xpet.store.place import Place, probe_exclusive
from xpet.store.points import PointColumn, space_of
from xpet.store.root import claim_store, how_to_open
from xpet.store.runs import STARTED, RunTable
from xpet.store.snapshot import ROOT, Snapshot, find_snapshot
from xpet.store.unpacking import read_packet
from xpet.store.writer import Writer

_BRANCHES = ("parameters", "config", "derived_parameters", "results")


class NewTrajectory(NamedTuple):
    """What a trajectory holds when it is created."""

    name: str
    comment: str
    n_runs: int
    kind: Kind
    axes: Axes
    #: the coordinate's wanted name and its values, per explored parameter
    points: Sequence[tuple[str, PointColumn]]
    leaves: Sequence[StaticLeaf]
    groups: Sequence[StaticGroup] = ()
    writer: Mapping[str, str] = {}
    title: str = ""
    seed: str | None = None
    seed_by: Literal["run", "replicate"] = "run"
    #: when it was made, in seconds since 1970; None: now
    created: float | None = None


def create(store: Place, new: NewTrajectory) -> Writer:
    """Write a new trajectory and return its writer; the name must be free.

    Until its root document is written, last, there is no trajectory; what a creation that died left is removed.
    """
    claim_store(store)
    place = store.below(new.name)
    _refuse_foreign(place)
    lease = Lease(place).acquire()
    try:
        _probe(place)
        if find_snapshot(store, new.name) is not None:
            raise StoreBusyError(f"{place.url}: another process has just created this trajectory; run again")
        _clear(place)
        writer = _fill(store, place, new, lease)
        # What workers of a deleted trajectory left is set aside before any of this one could take it for theirs.
        writer.fold(unfinished=True)
    except BaseException:
        lease.release()
        raise
    return writer


def remains(place: Place) -> list[str]:
    """What finished runs have left at a trajectory that has no root document; nothing if it is being deleted."""
    return _lost(place, keys_of(place))


def is_left(place: Place) -> bool:
    """Whether there is something for a deletion at a trajectory that has no root document.

    The lease alone, beside what others put there, only says that the place is one of a trajectory.
    """
    keys = keys_of(place)
    ours = [*keys.data, *keys.documents]
    leases = [key for key in ours if key.startswith(f"{LEASES}/")]
    journal = any(key.startswith(f"{JOURNAL}/") and key != f"{JOURNAL}/{ROOT}" for key in ours)
    return bool(_lost(place, keys)) or (journal and (len(ours) > len(leases) or not keys.foreign))


def _lost(place: Place, keys: Keys) -> list[str]:
    if REMOVAL in keys.data:
        return []
    packets = {key for key in keys.data if key.startswith((f"{PACKETS}/", f"{DAMAGED}/"))}
    waiting = len(packets.difference(_orphans(place, keys)))
    found = [f"{waiting} packet{'s' * (waiting != 1)}"] if waiting else []
    if any(key.startswith(f"{TABLE}/{STARTED}/") for key in (*keys.data, *keys.foreign)):
        found.append("columns")
    return found


def _orphans(place: Place, keys: Keys) -> list[str]:
    """What workers that outlived their trajectory wrote: beside that nothing but a lease is there.

    A packet that does not say of which trajectory it is could be of one that lost all else.
    """
    ours = [key for key in (*keys.data, *keys.documents) if not key.startswith(f"{LEASES}/")]
    if not all(key.startswith((f"{PACKETS}/", f"{CHUNKS}/")) for key in ours):
        return []
    packets = [key for key in ours if key.startswith(f"{PACKETS}/")]
    return ours if all(read_packet(data).trajectory for data in place.read_many(packets).values()) else []


def _refuse_foreign(place: Place) -> None:
    inside = [name for name in place.children() if name != HIDDEN]
    if inside and not place.children(LEASES):
        raise ForeignStoreError(
            f"{place.url}: {', '.join(inside[:5])} is there, which xpet did not write; choose another name or store"
        )


def _clear(place: Place) -> None:
    """Remove what a creation, or a deletion, that died left, but for orphans; refuse to if there are finished runs."""
    left = keys_of(place)
    found = _lost(place, left)
    if found:
        raise CorruptStoreError(
            f"{place.url}: its {ROOT} is missing, but finished runs are there ({' and '.join(found)}); bring it back "
            "from a copy, or give if_exists='overwrite' to delete them and start again, or 'new' for another name"
        )
    kept = {REMOVAL, *_orphans(place, left)}
    ours = [key for key in (*left.data, *left.documents) if not key.startswith(f"{LEASES}/")]
    place.delete([key for key in ours if key not in kept])
    place.delete([key for key in ours if key == REMOVAL])


def _probe(place: Place) -> None:
    """Say so if a place that several machines can reach does not keep writers apart."""
    if not (place.is_local or place.in_process_only or probe_exclusive(place)):
        warn(
            f"{place.url}: this store does not honour exclusive creation (of two that create one key both succeed), so "
            "that nothing keeps two processes from writing one trajectory at once; write with one at a time"
        )


def _fill(store: Place, place: Place, new: NewTrajectory, lease: Lease) -> Writer:
    import numpy as np

    docs = Hierarchy()
    for branch in _BRANCHES:
        docs.put(branch, GroupDoc())
    names = RunTable(place, docs).create(new.n_runs, new.points)
    space = space_of(new.points, names, new.kind, new.axes)
    created = time.time() if new.created is None else new.created
    meta = Meta(
        name=new.name, uuid=uuid.uuid4().hex, created=created, n_runs=new.n_runs, comment=new.comment,
        space=space, seed=new.seed, seed_by=new.seed_by, writer=new.writer,
        complete=pack_complete(np.zeros(new.n_runs, bool)),
    )  # fmt: skip
    writer = Writer(store, Snapshot(place, meta, docs, _root_attrs(place, new)), lease)
    writer.add_leaves(new.leaves, new.groups)
    RunTable(place, docs).ensure("results", np.zeros(new.n_runs, bool))
    hidden = ArrayDoc((0,), "uint8", (f"{HIDDEN}.journal",), (1,), 0)
    place.write_many({f"{HIDDEN}/{ROOT}": dumps(GroupDoc().to_json()), f"{JOURNAL}/{ROOT}": dumps(hidden.to_json())})
    writer.publish()
    return writer


def _root_attrs(place: Place, new: NewTrajectory) -> dict[str, Any]:
    return {
        "title": new.title or new.name,
        "summary": new.comment or f"trajectory {new.name}",
        "Conventions": "CF-1.11",
        "how_to_open": how_to_open(place, "results"),
    }
