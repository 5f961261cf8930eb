"""The one process that changes a trajectory: creating it, folding, publishing, adding leaves and runs.

The order of writes is what makes it safe to die at any of them: data, then documents and the one that publishes them,
then status, then the document that says which runs are complete; what the packets held is deleted after that.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Mapping, Sequence
from types import TracebackType
from typing import TYPE_CHECKING, Literal, Self

from xpet.errors import StoreBusyError, logger
from xpet.store import layout
from xpet.store.arriving import Arriving, drop_untold, keys_of_chunks
from xpet.store.attempts import ATTEMPTS, last_failures, outcomes, winners
from xpet.store.documents import dumps
from xpet.store.fold import ColumnWriter
from xpet.store.intents import INTENTS, Intent, read_intent
from xpet.store.journal import OPEN, discard, set_aside, waiting
from xpet.store.lease import Lease
from xpet.store.leaves import (
    LeafWriter,
    StaticGroup,
    StaticLeaf,
    pack_annotations,
    retell,
    said_by,
    show_parameters,
    write_group,
)
from xpet.store.meta import Axes, Kind, Meta, Space, pack_complete
from xpet.store.ownership import REMOVAL
from xpet.store.packets import VERSION
from xpet.store.place import Place
from xpet.store.points import PointColumn, encode_more_points, encoding_of, space_of
from xpet.store.relayout import drop_gone, drop_retired
from xpet.store.root import mend_store
from xpet.store.runs import FAILED, STATUS, RunTable
from xpet.store.snapshot import ROOT, Snapshot, read_snapshot
from xpet.store.unpacking import Batch, Packet, read_packet

if TYPE_CHECKING:
    from xpet.values.parts import Array

_FOLD_BYTES = 64 * 2**20


class Writer:
    """Holds a trajectory's lease and changes the trajectory; a context manager.

    Made by :func:`create` or :func:`open_for_writing`.
    """

    def __init__(self, store: Place, snapshot: Snapshot, lease: Lease) -> None:
        self._store = store
        self.place = snapshot.place
        self.lease = lease
        self._columns: ColumnWriter | None = None
        self._stale = False
        self._arriving = Arriving(self.place)
        self._show(snapshot)

    def _show(self, snapshot: Snapshot) -> None:
        """Take what is published for what is there."""
        self._meta = snapshot.meta
        self._attrs = dict(snapshot.attrs)
        self._docs = snapshot.hierarchy
        self._table = RunTable(self.place, self._docs)
        self._complete = snapshot.complete.copy()
        self._columns = None

    # What is there ----------------------------------------------------------------------------------------------------

    @property
    def meta(self) -> Meta:
        """The facts as they will be published next."""
        return self._meta

    @property
    def n_runs(self) -> int:
        """The number of runs."""
        return self._meta.n_runs

    @property
    def complete(self) -> Array:
        """Which runs are complete, as bools along the runs."""
        return self._complete

    @property
    def attempt(self) -> int:
        """The attempt number of this writer's runs at their first try."""
        return self.lease.epoch * ATTEMPTS

    def missing(self) -> Sequence[int]:
        """The runs that are not complete, ascending."""
        import numpy as np

        if not self._complete.any():
            return range(self.n_runs)
        return np.flatnonzero(~self._complete).tolist()

    def failed(self) -> list[int]:
        """The runs that failed, ascending."""
        import numpy as np

        failed: list[int] = np.flatnonzero(self._table.read(STATUS, self._complete) == FAILED).tolist()
        return failed

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.lease.release()

    # Folding ----------------------------------------------------------------------------------------------------------

    def fold(self, unfinished: bool = False) -> int:
        """Put the packets that wait into the columns and publish; the number of runs that became complete.

        With ``unfinished``, those too whose worker did not close them: no worker may be left.
        """
        done = 0
        keys: list[str] = []
        packets: list[Packet] = []
        size = 0
        # it must know no less than what the packets tell of
        self._arriving = Arriving(self.place)
        for key in waiting(self.place, unfinished):
            data = self.place.read(key)
            if data is None:
                continue
            packet = self._read_packet(key, data)
            if packet is None:
                continue
            keys.append(key)
            packets.append(packet)
            size += len(data)
            if size > _FOLD_BYTES:
                done += self._fold(packets, keys)
                keys, packets, size = [], [], 0
        done += self._fold(packets, keys) if keys else 0
        if unfinished:
            drop_untold(self.place)
        return done

    def _read_packet(self, key: str, data: bytes) -> Packet | None:
        """What a packet holds; None if it is not for this version, or of another trajectory."""
        packet = self._arriving.whole(read_packet(data, self.place), self._complete)
        if packet.version > VERSION:
            logger(__name__).warning(
                "%s/%s was written by a newer xpet and waits for one; its runs are not shown", self.place.url, key
            )
            return None
        if packet.trajectory not in ("", self._meta.uuid):
            kept = set_aside(self.place, key, data)
            discard(self.place, [key])
            logger(__name__).warning(
                "%s/%s is of a trajectory that was here before and is left out; it is now %s", self.place.url, key, kept
            )
            return None
        # A log that was not closed may end anywhere: its worker was killed.
        if packet.damaged or (packet.torn and not key.endswith(OPEN)):
            kept = set_aside(self.place, key, data)
            logger(__name__).warning(
                "%s/%s is damaged: what can be read of it is kept, runs that cannot are not complete and will be done "
                "again; the object itself is now %s", self.place.url, key, kept,
            )  # fmt: skip
        return packet

    def _fold(self, packets: Sequence[Packet], keys: Sequence[str]) -> int:
        self._check_lease()
        if self._stale:
            self._show(read_snapshot(self._store, self._meta.name))
        # Until the fold is published, what is known here is ahead of what is there.
        self._stale = True
        batches = winners([batch for packet in packets for batch in packet.batches], self._complete)
        complete = self._complete.copy()
        for batch in batches:
            complete[batch.runs] = True
        failures = last_failures([each for packet in packets for each in packet.failures], complete)
        ended = outcomes(batches, failures)
        self._write_columns(batches, ended.rows[~ended.failed], complete)
        if len(ended.rows):
            self._table.record(ended, self._complete)
        if self._docs.changed:
            # Plain tools go by the status: what it says is there must be shown as what it is before.
            self.publish()
        self._check_lease()
        self._table.set_status(ended, self._complete)
        self._complete = complete
        self.publish()
        self._stale = False
        discard(self.place, [*keys, *keys_of_chunks(packets)])
        return int((~ended.failed).sum())

    def _write_columns(self, batches: Sequence[Batch], rows: Array, complete: Array) -> None:
        if not len(rows):
            return
        if self._columns is None:
            self._columns = ColumnWriter(self.place, self._docs, self._complete)
        for path in {layout.place_of(entry.template)[0] for batch in batches for entry in batch.fields}:
            self._table.ensure(self._docs.group_key(path), self._complete)
        self._columns.write(batches, rows, complete)
        self._columns.finish()

    # Publishing -------------------------------------------------------------------------------------------------------

    def publish(self) -> None:
        """Make the present state the one that readers see."""
        self._check_lease()
        self._write_documents()
        self._meta = self._meta._replace(
            generation=self._meta.generation + 1, complete=pack_complete(self._complete), state="ready"
        )
        self.place.write(ROOT, self._docs.root_document(self._meta, self._attrs))

    def _write_documents(self) -> None:
        changed, self._docs.changed = self._docs.changed, set()
        self.place.write_many({f"{key}/{ROOT}": dumps(self._docs.to_json(key)) for key in changed})

    def _check_lease(self) -> None:
        if not self.lease.still_ours():
            raise StoreBusyError(
                f"{self.place.url}: another process has taken over writing, so nothing more is published here; "
                "what was finished waits in the journal; run again when the other one is done"
            )

    # Changing ---------------------------------------------------------------------------------------------------------

    def add_leaves(self, leaves: Iterable[StaticLeaf], groups: Iterable[StaticGroup] = ()) -> None:
        """Add leaves outside runs, and what groups, or the trajectory itself, say of themselves."""
        writer, added = LeafWriter(self.place, self._docs), list(leaves)
        for group in groups:
            if group.path:
                write_group(self._docs, group)
            else:
                self._meta = self._meta._replace(**said_by(group, self._meta._asdict()))
                self._attrs["summary"] = self._meta.comment or self._attrs["summary"]
        for leaf in added:
            writer.write(leaf)
        self.show_parameters(added)

    def show_parameters(self, leaves: Iterable[StaticLeaf]) -> None:
        """Have the scalar parameters among some leaves that are not explored as attributes of the results."""
        show_parameters(self._docs, leaves, {each.parameter for each in self._meta.space.coordinates})

    def say_seed(self, seed: str, seed_by: Literal["run", "replicate"]) -> None:
        """Say what the random numbers of the runs come from."""
        self._meta = self._meta._replace(seed=seed, seed_by=seed_by)

    def retell(self, leaves: Iterable[StaticLeaf]) -> None:
        """Say what leaves that are stored now say of themselves: comment, annotations."""
        for leaf in leaves:
            retell(self._docs, leaf.path, leaf.comment, pack_annotations(leaf.annotations, leaf.path))

    def expand(self, points: Mapping[str, Sequence[object]], kind: Kind, axes: Axes) -> None:
        """Add runs: ``points`` are the new values of each explored parameter, by the parameter's path.

        The intent is written first, and holds all that is needed to roll forward.
        """
        new, distinct = {}, {}
        for each in self._meta.space.coordinates:
            known = encoding_of(self.place, self._docs, each.name)
            more = encode_more_points(each.parameter, points[each.parameter], known)
            new[each.name] = more.values
            if len(more.distinct) > len(known.distinct):
                distinct[each.name] = more.distinct[len(known.distinct) :]
        n_runs = self.n_runs + len(next(iter(new.values())))
        self._change(Intent(self.n_runs, n_runs, kind, axes, new, distinct=distinct))

    def explore(self, points: Sequence[tuple[str, PointColumn]], n_runs: int, kind: Kind, axes: Axes) -> None:
        """Take other points instead of those there are; no run may be complete.

        ``points`` are the wanted names and the values of the coordinates.
        """
        self._change(Intent(self.n_runs, n_runs, kind, axes, {}, points))

    def _change(self, intent: Intent) -> None:
        key = f"{INTENTS}/{self._meta.generation:010d}"
        self._check_lease()
        self.place.write(key, intent.to_json())
        self._roll_forward(key, intent)

    def _roll_forward(self, key: str, intent: Intent) -> None:
        # An intent is named for the generation that it changes, so that it is carried out once.
        if int(key.rpartition("/")[2]) == self._meta.generation:
            if intent.explored is None:
                self._table.grow(intent.new, intent.points, intent.distinct)
                space = self._meta.space._replace(kind=intent.kind, axes=intent.axes)
            else:
                if self._table.is_crowded():
                    # Some reader would take these points for its own: let it know that they are not.
                    self._meta = self._meta._replace(uuid=uuid.uuid4().hex)
                names = self._table.explore(intent.new, intent.explored)
                space = space_of(intent.explored, names, intent.kind, intent.axes)
            self._take(intent.new, space)
        discard(self.place, [key])

    def _take(self, n_runs: int, space: Space) -> None:
        import numpy as np

        complete = np.zeros(n_runs, bool)
        common = min(n_runs, self.n_runs)
        complete[:common] = self._complete[:common]
        self._complete, self._columns = complete, None
        self._meta = self._meta._replace(n_runs=n_runs, space=space)
        ColumnWriter(self.place, self._docs, complete).finish()
        self.publish()

    def recover(self) -> None:
        """Finish what a writer before this one left unfinished."""
        # A deletion that died before the root went did not happen, and what is lost later will count as lost.
        self.place.delete([REMOVAL])
        for key in self.place.list(INTENTS):
            data = self.place.read(key)
            if data is not None:
                self._roll_forward(key, read_intent(data, self._docs, f"{self.place.url}/{key}"))
        self.fold(unfinished=True)
        for node, left in drop_retired(self.place, self._docs.arrays()).items():
            doc = self._docs.array(node)
            rest = {key: value for key, value in doc.xpet.items() if key != "retired"}
            self._docs.put(node, doc._replace(xpet={**rest, "retired": left} if left else rest))
        drop_gone(self.place, self._docs)
        self.lease.sweep()


def open_for_writing(store: Place, name: str) -> Writer:
    """Take the lease of a trajectory and finish what an earlier writer left; raises if another one writes."""
    lease = Lease(store.below(name))
    read_snapshot(store, name)
    lease.acquire()
    try:
        mend_store(store)
        writer = Writer(store, read_snapshot(store, name), lease)
        writer.recover()
    except BaseException:
        lease.release()
        raise
    return writer
