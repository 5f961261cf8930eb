"""The run table, and what makes a group with columns a Dataset of its own: run, status, explored coordinates."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from xpet.store import layout
from xpet.store.attempts import ATTEMPTS, Outcomes
from xpet.store.chunks import chunk_key, encode_chunk, read_rows, read_whole, write_rows, write_whole
from xpet.store.dims import Dims
from xpet.store.distinct import stack
from xpet.store.documents import KEYS, ArrayDoc, Fill, GroupDoc
from xpet.store.hierarchy import GONE, RUN, TABLE, Hierarchy, bounded, name_of, parent
from xpet.store.kept import Kept, in_rows
from xpet.store.leaves import LeafWriter
from xpet.store.parts import keeps_fill
from xpet.store.points import INDEX, PointColumn
from xpet.store.relayout import anew, beside, drop_chunks, has_room, recent, retire
from xpet.values.attrs import plain_attrs

if TYPE_CHECKING:
    from xpet.store.place import Place
    from xpet.values import Encoded
    from xpet.values.parts import Array

NEW, RUNNING, COMPLETE, FAILED = range(4)
STATUS, STARTED = "run_status", "run_started"
_STATUS_ATTRS = {
    "long_name": "status of the run",
    "flag_values": [NEW, RUNNING, COMPLETE, FAILED],
    "flag_meanings": "new running complete failed",
}
_RUN_CHUNK = 2**20
#: once the array ``run`` was made longer: how many numbers are in its chunks, which need not be written again
AHEAD = "ahead"
_NOT_A_TIME = -(2**63)
_TIME = {"units": "microseconds since 1970-01-01", "calendar": "proleptic_gregorian"}
#: the columns of the run table: dtype, fill, attributes
_COLUMNS: dict[str, tuple[str, Fill, dict[str, Any]]] = {
    STARTED: ("int64", _NOT_A_TIME, {"long_name": "start (UTC)", "_FillValue": _NOT_A_TIME, **_TIME}),
    "run_duration": ("float64", float("nan"), {"long_name": "duration", "units": "s"}),
    "run_error": ("string", "", {"long_name": "traceback of a failed run"}),
    "run_attempt": ("int64", 0, {"long_name": "attempt within its launch; 0: none yet"}),
    "run_launch": ("int64", 0, {"long_name": "launch that did the run; 0: none yet"}),
}


class RunTable:
    """Writes the run table and keeps its copies in the groups with columns alike."""

    def __init__(self, place: Place, hierarchy: Hierarchy) -> None:
        self._place = place
        self._docs = hierarchy

    def create(self, n_runs: int, points: Sequence[tuple[str, PointColumn]]) -> list[str]:
        """Write the table of a new trajectory; returns the names that its coordinates got."""
        self._docs.put(TABLE, GroupDoc())
        for name, (dtype, fill, attrs) in _COLUMNS.items():
            chunks = (layout.run_chunk(dtype, ()),)
            self._docs.put(f"{TABLE}/{name}", ArrayDoc((n_runs,), dtype, (RUN,), chunks, fill, attrs))
        self._write_run(TABLE, n_runs)
        self._write_status(TABLE, n_runs)
        return self._add_coordinates(n_runs, points)

    def is_crowded(self) -> bool:
        """Whether other points would take the chunks of some at which readers of a while ago may be."""
        gone = (sets for group in self._datasets() for sets in self._docs.group(group).xpet.get(GONE, {}).values())
        return any(not has_room(doc) for _, doc in self._docs.arrays() if doc.dims[:1] == (RUN,)) or any(
            len(recent(sets)) >= len(KEYS) for sets in gone
        )

    def explore(self, n_runs: int, points: Sequence[tuple[str, PointColumn]]) -> list[str]:
        """Take other points for those there are; no run may be complete. Returns the names of their coordinates."""
        values = set()
        for key, doc in list(self._docs.arrays()):
            if doc.dims[:1] != (RUN,):
                continue
            if "parameter" in doc.xpet:
                values.update(doc.xpet.get("values", ()))
                retire(self._docs, key)
            else:
                # What it says of runs that failed was said of other points; readers may still look at them.
                made = beside(doc, doc._replace(shape=(n_runs, *doc.shape[1:])))
                drop_chunks(self._place, key, made.keys)
                self._docs.put(key, made)
        names = self._add_coordinates(n_runs, points)
        # Only now, so that the new values, at other nodes, leave alone what readers may be at.
        for node in sorted(values):
            self._retire_values(node)
        explored = {column.parameter.partition(".")[2] for _, column in points}
        for group in self._datasets():
            self._write_run(group, n_runs)
            if group != TABLE:
                self._share_coordinates(group, names)
            own = self._docs.group(group)
            told = {key: value for key, value in own.attrs.items() if key not in explored}
            self._docs.put(group, own._replace(attrs=told))
        return names

    def _add_coordinates(self, n_runs: int, points: Sequence[tuple[str, PointColumn]]) -> list[str]:
        names = []
        for wanted, column in points:
            name = self._free_name(wanted)
            key = f"{TABLE}/{name}"
            names.append(name)
            about: dict[str, Any] = {"parameter": column.parameter, "codec": column.codec, "meta": dict(column.meta)}
            chunks = (layout.run_chunk(column.dtype, ()),)
            absent: Fill = False if column.dtype == "bool" else layout.default_fill(column.dtype)
            listed = {"parameter": column.parameter, **plain_attrs(column.attrs), **column.cf}
            if keeps_fill(column.cf):
                listed["_FillValue"] = absent
            doc = ArrayDoc((n_runs,), column.dtype, (RUN,), chunks, absent, listed, about)
            self._write(key, doc, column.values)
        # Only now, as dims of values must not be called like a coordinate.
        for name, (_, column) in zip(names, points, strict=True):
            if column.codec == INDEX:
                keys = [self._write_values(name, column.distinct, column.attrs)]
                doc = self._docs.array(f"{TABLE}/{name}")
                about = {**doc.xpet, "values": keys}
                self._docs.put(f"{TABLE}/{name}", doc._replace(attrs=_told(doc.attrs, keys), xpet=about))
        self._name_coordinates(TABLE, names)
        return names

    def _write_values(self, name: str, distinct: Sequence[Encoded], attrs: Mapping[str, Any]) -> str:
        """Write values that the coordinate called ``name`` holds positions of; returns their key."""
        key = self._docs.free_key(TABLE, f"{name}.values")
        values = stack(distinct, f"{name_of(key)}.d0", attrs)
        LeafWriter(self._place, self._docs).write_encoded(key, values, {"of": key, "comment": attrs.get("comment", "")})
        return key

    def _retire_values(self, key: str) -> None:
        about = self._docs.array(key).xpet
        for _, _, _, node, _ in about["parts"]:
            retire(self._docs, node)
        dims = Dims(self._place, self._docs)
        for _, _, node in about["coords"].values():
            dims.drop_unused(node)

    def _free_name(self, wanted: str) -> str:
        """A name for a coordinate that is free in every group which has, or may get, columns."""
        name = stem = bounded(wanted)
        k = 0
        while not self._docs.is_free(TABLE, name, also_gone=False) or self._docs.is_used(name):
            k += 1
            name = f"{stem}.{k}"
        return name

    def _datasets(self) -> list[str]:
        """The groups with columns, and the run table, which decides and comes last."""
        groups = [parent(key) for key, doc in self._docs.arrays() if name_of(key) == STATUS and doc.dims == (RUN,)]
        return sorted(groups, key=lambda each: each == TABLE)

    def ensure(self, group: str, complete: Array) -> None:
        """Make a group a Dataset: give it the runs, their status and the explored coordinates.

        ``complete`` is which runs are complete, of whom the table must know something.
        """
        if f"{group}/{STATUS}" in self._docs:
            return
        self._write_run(group, len(complete))
        branch = self._docs.group(group.partition("/")[0])
        own = self._docs.group(group)
        shared = {key: value for key, value in branch.attrs.items() if key != "comment"}
        self._docs.put(group, own._replace(attrs={**shared, **own.attrs}))
        self._share(group, STATUS, complete)
        self._share_coordinates(group, self._docs.coordinates())

    def _share_coordinates(self, group: str, names: Sequence[str]) -> None:
        import numpy as np

        for name in names:
            doc = self._docs.array(f"{TABLE}/{name}")
            self._share(group, name, np.ones(doc.shape[0], bool))
        self._name_coordinates(group, names)

    def _share(self, group: str, name: str, have: Array) -> None:
        """Have a column of the table, which says something of the runs ``have``, in a group with columns as well."""
        doc = self._docs.array(f"{TABLE}/{name}")
        about = {key: value for key, value in doc.xpet.items() if key != "retired"}
        self._write(f"{group}/{name}", doc._replace(keys="/", xpet=about), self.read(name, have))

    def _write(self, key: str, doc: ArrayDoc, values: Array) -> None:
        """Write a new array, or another one where one was retired."""
        made = anew(self._docs, key, doc)
        if made is not doc:
            drop_chunks(self._place, key, made.keys)
        write_whole(self._place, key, made, values)
        self._docs.put(key, made)

    def read(self, name: str, have: Array) -> Array:
        """A column of the table, which says something of the runs ``have``."""
        key = f"{TABLE}/{name}"
        doc = self._docs.array(key)
        return read_whole(Kept(self._place, key, doc, in_rows(doc, have)), key, doc)

    def write(self, name: str, rows: Array, values: Array, have: Array | None) -> None:
        """Write some rows of a column of the table, which says something of the runs ``have``."""
        write_rows(self._place, f"{TABLE}/{name}", self._docs.array(f"{TABLE}/{name}"), rows, values, have)

    def record(self, outcomes: Outcomes, complete: Array) -> None:
        """Write all that the table says of some runs but their status; ``complete`` are those that were so before."""
        import numpy as np

        rows = outcomes.rows
        self.write(STARTED, rows, np.rint(outcomes.started * 1e6).astype(np.int64), complete)
        self.write("run_duration", rows, outcomes.duration, complete)
        self.write("run_attempt", rows, outcomes.attempts % ATTEMPTS + 1, complete)
        self.write("run_launch", rows, outcomes.attempts // ATTEMPTS, complete)
        if outcomes.has_errors or self._failed_before(rows, complete):
            self.write("run_error", rows, outcomes.errors, None)

    def _failed_before(self, rows: Array, complete: Array) -> bool:
        key, first = f"{TABLE}/{STATUS}", int(rows[0])
        doc = self._docs.array(key)
        status = read_rows(Kept(self._place, key, doc, in_rows(doc, complete)), key, doc, first, int(rows[-1]) + 1)
        return bool((status[rows - first] == FAILED).any())

    def set_status(self, outcomes: Outcomes, complete: Array) -> None:
        """Write the status of some runs into every Dataset; the run table, which decides, comes last.

        ``complete`` are the runs that were so before.
        """
        import numpy as np

        if not len(outcomes.rows):
            return
        values = np.where(outcomes.failed, FAILED, COMPLETE).astype(np.uint8)
        for group in self._datasets():
            key = f"{group}/{STATUS}"
            write_rows(self._place, key, self._docs.array(key), outcomes.rows, values, complete)

    def grow(self, n_runs: int, points: Mapping[str, Array], distinct: Mapping[str, Sequence[Encoded]]) -> None:
        """Make every array along the runs longer and give the new runs their coordinates.

        ``distinct`` are the values that come behind those whose positions a coordinate holds so far.
        """
        import numpy as np

        for name, values in distinct.items():
            self._add_values(name, values)

        old = self._docs.array(f"{TABLE}/{RUN}").shape[0]
        rows = np.arange(min(old, n_runs), n_runs)
        had = np.arange(n_runs) < n_runs - len(rows)
        for key, doc in list(self._docs.arrays()):
            if doc.dims[:1] != (RUN,):
                continue
            grown = doc._replace(shape=(n_runs, *doc.shape[1:]))
            self._docs.put(key, grown)
            name = name_of(key)
            if name == RUN:
                self._docs.put(key, self._write_ahead(key, grown))
            elif "parameter" in doc.xpet:
                write_rows(self._place, key, grown, rows, points[name][-len(rows) :], had)

    def _write_ahead(self, key: str, doc: ArrayDoc) -> ArrayDoc:
        """Have the numbers of all runs in an array that got longer, and of those to come as far as its chunks go."""
        import numpy as np

        length = doc.chunks[0]
        first, end = doc.xpet.get(AHEAD, 0) // length, -(-doc.shape[0] // length)
        for number in range(first, end):
            chunk = np.arange(number * length, (number + 1) * length)
            self._place.write(f"{key}/{chunk_key(doc, (number,))}", encode_chunk(doc, chunk))
        return doc._replace(xpet={**doc.xpet, AHEAD: max(first, end) * length})

    def _add_values(self, name: str, values: Sequence[Encoded]) -> None:
        doc = self._docs.array(f"{TABLE}/{name}")
        known = doc.xpet["values"]
        first = {key: value for key, value in self._docs.array(known[0]).attrs.items() if key != "long_name"}
        about = {**doc.xpet, "values": [*known, self._write_values(name, values, first)]}
        for group in self._datasets():
            copy = self._docs.array(f"{group}/{name}")
            attrs = _told(copy.attrs, about["values"])
            self._docs.put(f"{group}/{name}", copy._replace(attrs=attrs, xpet={**copy.xpet, "values": about["values"]}))

    def _write_run(self, group: str, n_runs: int) -> None:
        import numpy as np

        key = f"{group}/{RUN}"
        new = ArrayDoc((n_runs,), "int64", (RUN,), (_RUN_CHUNK,), -1, {"long_name": "run"})
        doc = self._docs.array(key) if key in self._docs else new
        doc = doc._replace(xpet={name: value for name, value in doc.xpet.items() if name != AHEAD})
        write_whole(self._place, key, doc, np.arange(n_runs))
        self._docs.put(key, doc)

    def _write_status(self, group: str, n_runs: int) -> None:
        chunks = (layout.run_chunk("uint8", ()),)
        doc = ArrayDoc((n_runs,), "uint8", (RUN,), chunks, NEW, _STATUS_ATTRS)
        self._docs.put(f"{group}/{STATUS}", doc)

    def _name_coordinates(self, group: str, names: Sequence[str]) -> None:
        doc = self._docs.group(group)
        listed: dict[str, Any] = {**doc.attrs, "coordinates": " ".join([*names, STATUS])}
        self._docs.put(group, doc._replace(attrs=listed))


def _told(attrs: Mapping[str, Any], keys: Sequence[str]) -> dict[str, Any]:
    """The plain attributes of a coordinate that holds positions: units are those of the values."""
    kept = {key: value for key, value in attrs.items() if key in ("parameter", "comment")}
    return {**kept, "long_name": f"position among the values in {', '.join(keys)}"}
