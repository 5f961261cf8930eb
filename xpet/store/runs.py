"""The run table, and what makes a group with columns a Dataset of its own: run, status, explored coordinates."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from xpet.store import layout
from xpet.store.chunks import read_whole, write_rows, write_whole
from xpet.store.documents import ArrayDoc, Fill, GroupDoc
from xpet.store.hierarchy import Hierarchy
from xpet.store.points import PointColumn

if TYPE_CHECKING:
    from xpet.store.place import Place
    from xpet.values.parts import Array

TABLE = "runs"
NEW, RUNNING, COMPLETE, FAILED = range(4)
STATUS = "run_status"
_STATUS_ATTRS = {
    "long_name": "status of the run",
    "flag_values": [NEW, RUNNING, COMPLETE, FAILED],
    "flag_meanings": "new running complete failed",
}
_RUN_CHUNK = 2**20
#: the columns of the run table: dtype, fill, attributes
_COLUMNS: dict[str, tuple[str, Fill, dict[str, str]]] = {
    "run_started": ("float64", float("nan"), {"long_name": "start, in seconds since 1970-01-01 UTC", "units": "s"}),
    "run_duration": ("float64", float("nan"), {"long_name": "duration", "units": "s"}),
    "run_error": ("string", "", {"long_name": "traceback of a failed run"}),
    "run_attempt": ("int64", -1, {"long_name": "which attempt; -1: none yet"}),
    "run_launch": ("int64", -1, {"long_name": "which launch did it; -1: none yet"}),
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
            self._docs.put(f"{TABLE}/{name}", ArrayDoc((n_runs,), dtype, (layout.RUN,), chunks, fill, attrs))
        self._write_run(TABLE, n_runs)
        self._write_status(TABLE, n_runs)
        names = []
        for wanted, column in points:
            key = self._docs.free_key(TABLE, wanted)
            names.append(key.rpartition("/")[2])
            about = {"parameter": column.parameter, "codec": column.codec, "meta": dict(column.meta)}
            chunks = (layout.run_chunk(column.dtype, ()),)
            absent: Fill = False if column.dtype == "bool" else layout.default_fill(column.dtype)
            listed = {"parameter": column.parameter, **layout.plain_attrs(column.attrs)}
            doc = ArrayDoc((n_runs,), column.dtype, (layout.RUN,), chunks, absent, listed, about)
            write_whole(self._place, key, doc, column.values)
            self._docs.put(key, doc)
        self._name_coordinates(TABLE, names)
        return names

    def coordinates(self) -> list[str]:
        """The names of the explored coordinates."""
        return [
            key.rpartition("/")[2]
            for key, doc in self._docs.arrays()
            if key.startswith(f"{TABLE}/") and "parameter" in doc.xpet
        ]

    def ensure(self, group: str, n_runs: int) -> None:
        """Make a group a Dataset: give it the runs, their status and the explored coordinates."""
        if f"{group}/{layout.RUN}" in self._docs and STATUS in self._names(group):
            return
        self._write_run(group, n_runs)
        names = self.coordinates()
        for name in (STATUS, *names):
            doc = self._docs.array(f"{TABLE}/{name}")
            write_whole(self._place, f"{group}/{name}", doc, self.read(name))
            self._docs.put(f"{group}/{name}", doc)
        self._name_coordinates(group, names)

    def read(self, name: str) -> Array:
        """A column of the table."""
        return read_whole(self._place, f"{TABLE}/{name}", self._docs.array(f"{TABLE}/{name}"))

    def write(self, name: str, rows: Array, values: Array) -> None:
        """Write some rows of a column of the table."""
        write_rows(self._place, f"{TABLE}/{name}", self._docs.array(f"{TABLE}/{name}"), rows, values)

    def set_status(self, rows: Array, values: Array) -> None:
        """Write the status of some runs into every Dataset; the run table, which decides, comes last."""
        groups = [key.rpartition("/")[0] for key in self._docs if key.endswith(f"/{STATUS}")]
        for group in sorted(groups, key=lambda each: each == TABLE):
            key = f"{group}/{STATUS}"
            write_rows(self._place, key, self._docs.array(key), rows, values)

    def grow(self, n_runs: int, points: Mapping[str, Array]) -> None:
        """Make every array along the runs longer and give the new runs their coordinates."""
        import numpy as np

        old = self._docs.array(f"{TABLE}/{layout.RUN}").shape[0]
        rows = np.arange(min(old, n_runs), n_runs)
        for key, doc in list(self._docs.arrays()):
            if doc.dims[:1] != (layout.RUN,) or key.startswith("_xpet"):
                continue
            grown = replace(doc, shape=(n_runs, *doc.shape[1:]))
            self._docs.put(key, grown)
            name = key.rpartition("/")[2]
            if name == layout.RUN and len(doc.shape) == 1 and not doc.xpet:
                write_rows(self._place, key, grown, rows, rows)
            elif "parameter" in doc.xpet:
                write_rows(self._place, key, grown, rows, points[name][-len(rows) :])

    def _names(self, group: str) -> set[str]:
        return {key.rpartition("/")[2] for key in self._docs if key.rpartition("/")[0] == group}

    def _write_run(self, group: str, n_runs: int) -> None:
        import numpy as np

        doc = ArrayDoc((n_runs,), "int64", (layout.RUN,), (_RUN_CHUNK,), -1, {"long_name": "run"})
        write_whole(self._place, f"{group}/{layout.RUN}", doc, np.arange(n_runs))
        self._docs.put(f"{group}/{layout.RUN}", doc)

    def _write_status(self, group: str, n_runs: int) -> None:
        chunks = (layout.run_chunk("uint8", ()),)
        doc = ArrayDoc((n_runs,), "uint8", (layout.RUN,), chunks, NEW, _STATUS_ATTRS)
        self._docs.put(f"{group}/{STATUS}", doc)

    def _name_coordinates(self, group: str, names: Sequence[str]) -> None:
        doc = self._docs.ensure_group(group)
        listed: dict[str, Any] = {**doc.attrs, "coordinates": " ".join([*names, STATUS])}
        self._docs.put(group, replace(doc, attrs=listed))
