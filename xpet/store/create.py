"""Creating a trajectory, and the store around it."""

from __future__ import annotations

import time
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from xpet.errors import ForeignStoreError, StoreBusyError
from xpet.store.documents import ArrayDoc, GroupDoc, dumps
from xpet.store.hierarchy import HIDDEN, Hierarchy
from xpet.store.journal import ROOT as JOURNAL
from xpet.store.lease import PREFIX as LEASES
from xpet.store.lease import Lease
from xpet.store.leaves import StaticGroup, StaticLeaf
from xpet.store.meta import MARK, Axes, Kind, Meta, pack_complete
from xpet.store.place import Place
from xpet.store.points import PointColumn, space_of
from xpet.store.runs import RunTable
from xpet.store.snapshot import ROOT, Snapshot, find_snapshot, is_store
from xpet.store.writer import Writer

_BRANCHES = ("parameters", "config", "derived_parameters", "results")


@dataclass(frozen=True, slots=True, eq=False)
class NewTrajectory:
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
    writer: Mapping[str, str] = field(default_factory=dict)
    title: str = ""


def create(store: Place, new: NewTrajectory) -> Writer:
    """Write a new trajectory and return its writer; the name must be free.

    Until its root document is written, last, there is no trajectory; what a creation that died left is removed.
    """
    _claim_store(store)
    place = store.below(new.name)
    inside = [name for name in place.children() if name != HIDDEN]
    if inside and not place.children(LEASES):
        raise ForeignStoreError(
            f"{place.url}: {', '.join(inside[:5])} is there, which xpet did not write; choose another name or store"
        )
    lease = Lease(place).acquire()
    try:
        if find_snapshot(store, new.name) is not None:
            raise StoreBusyError(f"{place.url}: another process has just created this trajectory; run again")
        for name in inside:
            place.delete_tree(name)
        place.delete([key for key in place.list(JOURNAL) if not key.startswith(f"{LEASES}/")])
        writer = _fill(store, place, new, lease)
    except BaseException:
        lease.release()
        raise
    return writer


def _fill(store: Place, place: Place, new: NewTrajectory, lease: Lease) -> Writer:
    import numpy as np

    docs = Hierarchy()
    for branch in _BRANCHES:
        docs.put(branch, GroupDoc())
    names = RunTable(place, docs).create(new.n_runs, new.points)
    space = space_of(new.points, names, new.kind, new.axes)
    meta = Meta(
        name=new.name, uuid=uuid.uuid4().hex, created=time.time(), n_runs=new.n_runs, comment=new.comment,
        space=space, writer=new.writer, complete=pack_complete(np.zeros(new.n_runs, bool)),
    )  # fmt: skip
    writer = Writer(store, Snapshot(place, meta, docs, _root_attrs(place, new)), lease)
    writer.add_leaves(new.leaves, new.groups)
    RunTable(place, docs).ensure("results", new.n_runs)
    hidden = ArrayDoc((0,), "uint8", (f"{HIDDEN}.journal",), (1,), 0)
    place.write_many(
        {f"{HIDDEN}/{ROOT}": dumps(GroupDoc().to_json()), f"{JOURNAL}/{ROOT}": dumps(hidden.to_json())}
    )
    writer.publish()
    return writer


def _root_attrs(place: Place, new: NewTrajectory) -> dict[str, Any]:
    return {
        "title": new.title or new.name,
        "summary": new.comment or f"trajectory {new.name}",
        "Conventions": "CF-1.11",
        "how_to_open": f'xarray.open_dataset("{place.url}", group="results", engine="zarr")',
    }


def _claim_store(store: Place) -> None:
    """Make a place a store of ours, unless it is one; refuse what is somebody else's."""
    ours = is_store(store)
    if ours is False:
        raise ForeignStoreError(
            f"{store.url}: what is there is no store of trajectories, but one trajectory or a Zarr hierarchy that xpet "
            "did not write; choose another store, such as a directory beside it"
        )
    if ours is None:
        attrs = {
            "title": "xpet store",
            "summary": "trajectories: parameter explorations with their results",
            "Conventions": "CF-1.11",
            "how_to_open": f'xarray.open_datatree("{store.url}/<trajectory>", engine="zarr")',
            MARK: dumps({"format": "1.0", "min_reader": "1.0"}).decode(),
        }
        store.write(ROOT, dumps(GroupDoc(attrs).to_json()))
