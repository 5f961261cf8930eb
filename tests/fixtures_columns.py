"""Trajectories made through the store alone: what runs leave, folded, and read back in every way."""

from __future__ import annotations

import json
import tempfile
import uuid
import warnings
from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from typing import Any

import numpy as np
import xarray as xr
from zarr.core.buffer import default_buffer_prototype
from zarr.storage import MemoryStore

from xpet.store.create import NewTrajectory, create
from xpet.store.fields import ANNOTATIONS, COMMENT
from xpet.store.journal import open_packer
from xpet.store.lease import PREFIX as LEASES
from xpet.store.leaves import StaticGroup, StaticLeaf
from xpet.store.packets import LeafData, Packer
from xpet.store.place import Place, open_place, resolve
from xpet.store.points import encode_points
from xpet.store.reading import RunReader, read_static, static_leaves
from xpet.store.snapshot import read_snapshot
from xpet.store.writer import Writer
from xpet.values import unlabelled

NAME = "study"
#: template -> (items, comment, annotations)
Left = Mapping[str, tuple[Mapping[str, Any], str, Mapping[str, Any]]]


def memory() -> Place:
    """Return a new place in memory."""
    return open_place(resolve(f"memory://{uuid.uuid4().hex}"))


def leaf(template: str, value: object = None, comment: str = "", **items: object) -> LeafData:
    """Return a result as a run leaves it; ``value`` is the item named like the leaf."""
    given = items if value is None else {"": value, **items}
    return LeafData(template, "result", "Result", comment, given, {})


def parameter(path: str, value: object, comment: str = "") -> StaticLeaf:
    """Return a parameter as it is stored; the branch says what else it may be."""
    kind = {"parameters": "parameter", "config": "config", "results": "result"}.get(path.partition(".")[0], "other")
    return StaticLeaf(path, kind, kind.title(), comment, {}, {"": value})


def start(
    place: Place,
    points: Mapping[str, Sequence[object]] | int = 4,
    leaves: Iterable[StaticLeaf] = (),
    groups: Iterable[StaticGroup] = (),
) -> Writer:
    """Create a trajectory over some points, by the names of parameters, or over a number of runs."""
    given = {"x": [float(k) for k in range(points)]} if isinstance(points, int) else points
    columns = [(name, encode_points(f"parameters.{name}", values, {})) for name, values in given.items()]
    n_runs = len(next(iter(given.values())))
    return create(place, NewTrajectory(NAME, "a study", n_runs, "list", (), columns, list(leaves), list(groups)))


def packer(place: Place, writer: Writer) -> Packer:
    """Return what a worker of the writer's packs with."""
    return open_packer(place.spec, NAME, writer.attempt)


def do(place: Place, writer: Writer, runs: Mapping[int, Sequence[LeafData] | str], attempt: int = 0) -> None:
    """Do a block of runs and leave its packet; a text is the error of a run that failed."""
    packing = packer(place, writer)
    packing.begin(attempt, min(runs))
    for run, left in runs.items():
        if isinstance(left, str):
            packing.fail(run, left, 1.7e9 + run, 0.25, attempt)
        else:
            packing.complete(run, left, 1.7e9 + run, 0.5, attempt)
    packing.end()


def left_by(leaves: Iterable[LeafData]) -> Left:
    """Return what should be read back of a run."""
    return {
        each.template: (
            {item: unlabelled(value) for item, value in sorted(each.items.items())},
            each.comment,
            dict(each.annotations),
        )
        for each in sorted(leaves, key=lambda each: each.template)
    }


def read_run(reader: RunReader, run: int) -> Left:
    """Return what is read back of a run."""
    found = {}
    for template in sorted(reader.leaves):
        if reader.runs_with(template)[run]:
            items = reader.items(template, run)
            comment = items.pop(COMMENT, reader.first(template).comment)
            annotations = items.pop(ANNOTATIONS, {})
            found[template] = (dict(sorted(items.items())), comment, annotations)
    return found


def read_runs(place: Place) -> dict[int, Left]:
    """Return what is read back of all complete runs."""
    reader = RunReader(read_snapshot(place, NAME))
    return {run: read_run(reader, run) for run in np.flatnonzero(reader.complete()).tolist()}


def read_statics(place: Place) -> dict[str, dict[str, Any]]:
    """Return the values of all leaves outside runs."""
    snapshot = read_snapshot(place, NAME)
    return {
        path: {item: read_static(snapshot.place, snapshot.hierarchy, key) for item, (key, _) in items.items()}
        for path, items in static_leaves(snapshot.hierarchy).items()
    }


def plain(place: Place) -> xr.DataTree:
    """Return what plain xarray sees, loaded; a warning is an error."""
    inside = place.below(NAME)
    if place.in_process_only:
        return _plain_of(frozenset(inside.read_many(filter(_is_seen, inside.list())).items()))
    return _plain_at(*inside.zarr_store_args())


def _is_seen(key: str) -> bool:
    """Whether plain xarray may read an object: never one of those that the journal's documents do not tell of."""
    return not key.startswith("_xpet/journal/") or key.endswith("zarr.json")


@lru_cache(maxsize=8)
def _plain_of(objects: frozenset[tuple[str, bytes]]) -> xr.DataTree:
    """Opening takes many times as long as what a writer does, who mostly leaves the same whenever he died."""
    buffer = default_buffer_prototype().buffer
    return _plain_at(MemoryStore({key: buffer.from_bytes(data) for key, data in objects}, read_only=True))


def _plain_at(store: Any, options: Any = None) -> xr.DataTree:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        return xr.open_datatree(store, engine="zarr", storage_options=options).load()


def group(place: Place, path: str = "results") -> xr.Dataset:
    """Return one group as plain xarray sees it, loaded; a warning is an error."""
    url, options = place.below(NAME).zarr_store_args()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        return xr.open_dataset(url, group=path, engine="zarr", storage_options=options).load()


def to_netcdf(dataset: xr.Dataset) -> xr.Dataset:
    """Return a Dataset after a way through netCDF."""
    with tempfile.TemporaryDirectory() as folder, warnings.catch_warnings():
        warnings.simplefilter("error")
        dataset.to_netcdf(f"{folder}/copy.nc")
        with xr.open_dataset(f"{folder}/copy.nc") as back:
            return back.load()


class Death(BaseException):
    """The process ends here."""


class Dying(Place):
    """A place whose writer dies before its call number `last` that changes anything."""

    def __init__(self, place: Place, last: int | None = None, backwards: bool = False) -> None:
        super().__init__(place.spec)
        self._place = place
        self._last = last
        self._backwards = backwards
        self._counted = [0]
        self.is_local, self.in_process_only = place.is_local, place.in_process_only

    @property
    def count(self) -> int:
        """How often something was changed."""
        return self._counted[0]

    def _live(self) -> None:
        if self._last is not None and self.count >= self._last:
            raise Death(self.count)
        self._counted[0] += 1

    def below(self, sub: str) -> Dying:
        made = Dying(self._place.below(sub), self._last, self._backwards)
        made._counted = self._counted
        return made

    def read(self, key: str) -> bytes | None:
        return self._place.read(key)

    def write(self, key: str, data: Any) -> None:
        self._live()
        self._place.write(key, data)

    def write_many(self, items: Mapping[str, Any]) -> None:
        for key, data in sorted(items.items(), reverse=self._backwards):
            self.write(key, data)

    def create(self, key: str, data: Any) -> bool:
        self._live()
        return self._place.create(key, data)

    def delete(self, keys: Iterable[str]) -> None:
        for key in sorted(keys, reverse=self._backwards):
            self._live()
            self._place.delete([key])

    def delete_tree(self, prefix: str) -> None:
        self.delete(self._place.list(prefix))

    def list(self, prefix: str = "") -> Any:
        return self._place.list(prefix)

    def children(self, prefix: str = "") -> Any:
        return self._place.children(prefix)

    def exists(self, key: str) -> bool:
        return self._place.exists(key)

    def move(self, src: str, dst: str) -> None:
        self._live()
        self._place.move(src, dst)

    def zarr_store_args(self) -> Any:
        return self._place.zarr_store_args()


def copy(place: Place) -> Place:
    """Return a new place in memory with the same content."""
    made = memory()
    made.write_many(place.read_many(place.list()))
    return made


def forget(place: Place) -> None:
    """Delete a copy that was tried: every listing in ``memory://`` looks at all keys of the process."""
    # A writer that died goes on renewing its lease, and would warn that it is gone.
    place.delete([key for key in place.list() if not key.startswith(f"{NAME}/{LEASES}")])


def bury(place: Place) -> None:
    """Make the lease of a writer that died look like that of a process that is gone."""
    for key in place.list(f"{NAME}/{LEASES}"):
        held = json.loads(place.read(key) or b"{}")
        place.write(key, json.dumps({**held, "released": True}).encode())
