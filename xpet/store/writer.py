"""The one process that changes a trajectory: creating it, folding, publishing, adding leaves and runs.

The order of writes is what makes it safe to die at any of them: data, then documents, then status, then the one
document that publishes; what the packets held is deleted after that.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

from xpet.errors import CorruptStoreError, StoreBusyError
from xpet.store import layout, runs
from xpet.store.attempts import last_failures, winners
from xpet.store.documents import ArrayDoc, dumps
from xpet.store.fold import ColumnWriter
from xpet.store.journal import ROOT as JOURNAL
from xpet.store.journal import waiting
from xpet.store.lease import Lease
from xpet.store.leaves import LeafWriter, StaticGroup, StaticLeaf, write_group
from xpet.store.meta import Axes, Kind, Meta, pack_complete
from xpet.store.packets import Batch, Failure, Packet, read_packet
from xpet.store.place import Place
from xpet.store.points import PointColumn, encode_more_points, read_points
from xpet.store.reading import static_leaves
from xpet.store.relayout import drop_retired
from xpet.store.snapshot import ROOT, Snapshot, read_snapshot

if TYPE_CHECKING:
    from xpet.values.parts import Array

_FOLD_BYTES = 64 * 2**20
#: how many attempts an epoch has room for; a run's attempt number is epoch * ATTEMPTS + try
ATTEMPTS = 256
_BRANCHES = ("parameters", "config", "derived_parameters", "results")


class Writer:
    """Holds a trajectory's lease and changes the trajectory; a context manager.

    Made by :func:`create` or :func:`open_for_writing`.
    """

    def __init__(self, store: Place, snapshot: Snapshot, lease: Lease) -> None:
        self._store = store
        self.place = snapshot.place
        self.lease = lease
        self._meta = snapshot.meta
        self._attrs = dict(snapshot.attrs)
        self._docs = snapshot.hierarchy
        self._table = runs.RunTable(self.place, self._docs)
        self._complete = snapshot.complete.copy()
        self._columns: ColumnWriter | None = None

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

    def paths(self) -> set[str]:
        """The paths of the leaves outside runs."""
        return set(static_leaves(self._docs))

    def missing(self) -> Sequence[int]:
        """The runs that are not complete, ascending."""
        import numpy as np

        if not self._complete.any():
            return range(self.n_runs)
        return np.flatnonzero(~self._complete).tolist()

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
        for key in waiting(self.place, unfinished):
            data = self.place.read(key)
            if data is None:
                continue
            keys.append(key)
            packets.append(read_packet(data, f"{self.place.url}/{key}"))
            size += len(data)
            if size > _FOLD_BYTES:
                done += self._fold(packets, keys)
                keys, packets, size = [], [], 0
        return done + self._fold(packets, keys) if keys else done

    def _fold(self, packets: Sequence[Packet], keys: Sequence[str]) -> int:
        import numpy as np

        batches = winners([batch for packet in packets for batch in packet.batches], self._complete)
        rows = np.concatenate([batch.runs for batch in batches]) if batches else np.empty(0, np.int64)
        order = np.argsort(rows, kind="stable")
        complete = self._complete.copy()
        complete[rows] = True
        self._write_columns(batches, rows[order], complete)
        failures = last_failures([each for packet in packets for each in packet.failures], complete)
        self._write_table(batches, order, rows[order], failures)
        self._complete = complete
        if self._columns is not None:
            self._columns.finish()
        self.publish(rows, failures)
        self.place.delete(keys)
        return len(rows)

    def _write_columns(self, batches: Sequence[Batch], rows: Array, complete: Array) -> None:
        if not len(rows):
            return
        if self._columns is None:
            self._columns = ColumnWriter(self.place, self._docs, self._complete)
        for group in {layout.place_of(entry.template)[0] for batch in batches for entry in batch.fields}:
            self._table.ensure(group, self.n_runs)
        self._columns.write(batches, rows, complete)

    def _write_table(
        self, batches: Sequence[Batch], order: Array, rows: Array, failures: Mapping[int, Failure]
    ) -> None:
        import numpy as np

        failed = np.array(sorted(failures), np.int64)
        lost = [failures[run] for run in failed.tolist()]
        everything = np.concatenate([rows, failed])
        if not len(everything):
            return
        again = np.argsort(everything, kind="stable")

        def column(name: str) -> Array:
            done = [getattr(batch, name) for batch in batches]
            first = np.concatenate(done)[order] if done else np.empty(0)
            second = np.array([getattr(each, name.rstrip("s") if name == "attempts" else name) for each in lost])
            return np.concatenate([first, second])[again]

        attempts = column("attempts").astype(np.int64)
        errors = np.full(len(everything), "", object)
        errors[len(rows) :] = [each.error for each in lost]
        sorted_rows = everything[again]
        self._table.write("run_started", sorted_rows, column("started"))
        self._table.write("run_duration", sorted_rows, column("duration"))
        self._table.write("run_attempt", sorted_rows, attempts)
        self._table.write("run_launch", sorted_rows, attempts // ATTEMPTS)
        if len(lost) or runs.FAILED in self._table.read(runs.STATUS)[rows]:
            self._table.write("run_error", sorted_rows, errors[again])

    # Publishing -------------------------------------------------------------------------------------------------------

    def publish(self, rows: Array | None = None, failures: Mapping[int, Failure] | None = None) -> None:
        """Make the present state the one that readers see; ``rows`` became complete, ``failures`` failed."""
        import numpy as np

        self._check_lease()
        self._write_documents()
        if rows is not None and (len(rows) or failures):
            failed = np.array(sorted(failures or {}), np.int64)
            changed = np.concatenate([rows, failed])
            status = np.concatenate(
                [np.full(len(rows), runs.COMPLETE, np.uint8), np.full(len(failed), runs.FAILED, np.uint8)]
            )
            order = np.argsort(changed, kind="stable")
            self._table.set_status(changed[order], status[order])
        self._meta = replace(
            self._meta, generation=self._meta.generation + 1, complete=pack_complete(self._complete), state="ready"
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
        """Add leaves outside runs, and what groups say of themselves."""
        writer = LeafWriter(self.place, self._docs)
        for group in groups:
            write_group(self._docs, group)
        for leaf in leaves:
            writer.write(leaf)

    def expand(self, points: Mapping[str, Sequence[object]], kind: Kind, axes: Axes) -> None:
        """Add runs: ``points`` are the new values of each explored parameter, by the parameter's path.

        The intent is written first, and holds all that is needed to roll forward.
        """
        columns = {}
        for each in self._meta.space.coordinates:
            codec, meta = read_points(self._docs, each.name)
            columns[each.name] = encode_more_points(each.parameter, points[each.parameter], codec, meta)
        size = self.n_runs + len(next(iter(columns.values())).values)
        intent = {
            "old": self.n_runs, "new": size, "kind": kind, "axes": [list(axis) for axis in axes],
            "points": {name: _values_to_json(column) for name, column in columns.items()},
        }  # fmt: skip
        key = f"{JOURNAL}/expand/{self._meta.generation:010d}"
        self._check_lease()
        self.place.write(key, dumps(intent))
        self._roll_forward(key, intent)

    def _roll_forward(self, key: str, intent: Mapping[str, Any]) -> None:
        import numpy as np

        size = int(intent["new"])
        if self.n_runs < size:
            points = {
                name: _values_from_json(given, self._docs.array(f"{runs.TABLE}/{name}"))
                for name, given in intent["points"].items()
            }
            self._docs.changed.update(name for name, doc in self._docs.arrays() if doc.dims[:1] == (layout.RUN,))
            self._table.grow(size, points)
            complete = np.zeros(size, bool)
            complete[: self.n_runs] = self._complete
            self._complete, self._columns = complete, None
            space = replace(
                self._meta.space, kind=intent["kind"], axes=tuple((name, n) for name, n in intent["axes"])
            )
            self._meta = replace(self._meta, n_runs=size, space=space)
            ColumnWriter(self.place, self._docs, complete).finish()
            self.publish()
        self.place.delete([key])

    def recover(self) -> None:
        """Finish what a writer before this one left unfinished."""
        import json

        for key in self.place.list(f"{JOURNAL}/expand"):
            data = self.place.read(key)
            if data is not None:
                try:
                    intent = json.loads(data)
                except ValueError as error:
                    raise CorruptStoreError(f"{self.place.url}/{key}: the intent is damaged ({error})") from error
                self._roll_forward(key, intent)
        self.fold(unfinished=True)
        dropped = drop_retired(self.place, list(self._docs.arrays()))
        for node in dropped:
            doc = self._docs.array(node)
            self._docs.put(node, replace(doc, xpet={k: v for k, v in doc.xpet.items() if k != "retired"}))
        self.place.sweep()


def _values_to_json(column: PointColumn) -> Any:
    import base64

    if column.values.dtype == object:
        return column.values.tolist()
    return base64.b64encode(column.values.tobytes()).decode()


def _values_from_json(given: Any, doc: ArrayDoc) -> Array:
    import base64

    import numpy as np

    if isinstance(given, list):
        texts = np.empty(len(given), object)
        texts[:] = given
        return texts
    return np.frombuffer(base64.b64decode(given), doc.dtype)


def open_for_writing(store: Place, name: str) -> Writer:
    """Take the lease of a trajectory and finish what an earlier writer left; raises if another one writes."""
    lease = Lease(store.below(name))
    read_snapshot(store, name)
    lease.acquire()
    try:
        writer = Writer(store, read_snapshot(store, name), lease)
        writer.recover()
    except BaseException:
        lease.release()
        raise
    return writer
