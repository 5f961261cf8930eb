"""Stores as the writer publishes them, made with zarr alone."""

from __future__ import annotations

import base64
import itertools
import json
import warnings
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import zarr
from zarr.abc.store import Store
from zarr.codecs import BloscCodec, ZstdCodec
from zarr.storage import WrapperStore

NEW, RUNNING, COMPLETE, FAILED = range(4)
TEXT = np.dtypes.StringDType()


@dataclass(frozen=True)
class Column:
    """One array to be written."""

    values: Any
    dims: tuple[str, ...]
    attrs: Mapping[str, Any] = field(default_factory=dict)
    chunks: tuple[int, ...] | None = None
    path: str = ""


def product(**axes: Sequence[Any]) -> dict[str, list[Any]]:
    """The points of a full product in C order."""
    points = list(itertools.product(*axes.values()))
    return {name: [point[k] for point in points] for k, name in enumerate(axes)}


def mark(**entries: Any) -> str:
    """The `xpet` attribute of a trajectory."""
    return json.dumps(
        {"format": "1.0", "min_reader": "1.0", "uuid": "0" * 32, "comment": "", "created": 1.7e9, "state": "ready"}
        | entries
    )


def build(
    store: Any,
    name: str,
    explored: Mapping[str, Any],
    groups: Mapping[str, Mapping[str, Column]] | None = None,
    *,
    status: Any = None,
    axes: Sequence[tuple[str, int]] | None = None,
    constants: Mapping[str, Any] | None = None,
    axis_attrs: Mapping[str, Mapping[str, Any]] | None = None,
    chunk: int = 4,
    n_runs: int | None = None,
    root: Mapping[str, Any] | None = None,
    bare: bool = False,
) -> None:
    """Write a trajectory with the columns of each group of `results` ('' is `results` itself; empty if `bare`)."""
    coords = {key: _array(values) for key, values in explored.items()}
    n = n_runs if n_runs is not None else len(next(iter(coords.values()))) if coords else 1
    states = np.full(n, COMPLETE, "u1") if status is None else np.asarray(status, "u1")
    shared = {key: Column(values, ("run",), dict((axis_attrs or {}).get(key, {}))) for key, values in coords.items()}
    shared = {
        "run": Column(np.arange(n), ("run",), chunks=(2**20,)),
        "run_status": Column(states, ("run",), FLAGS),
        **shared,
    }
    base = zarr.open_group(store, mode="a", zarr_format=3)
    base.attrs["xpet"] = json.dumps({"format": "1.0", "min_reader": "1.0"})
    top = base.create_group(name)
    labels = " ".join([*coords, "run_status"])
    for path, columns in {"": {}, **(groups or {})}.items():
        group = top.require_group("/".join(["results", *path.split("/")]).rstrip("/"))
        group.attrs.update({"coordinates": labels, "xpet": "{}"} | (dict(constants or {}) if not path else {}))
        for key, column in ({} if bare else {**shared, **columns}).items():
            write(group, key, column, chunk)
    _write_runs(top.create_group("runs"), shared, states, labels, chunk)
    parameters = top.create_group("parameters")
    for key, value in (constants or {}).items():
        write(parameters, key, Column(np.asarray(value, TEXT if isinstance(value, str) else None), ()), chunk)
    top.create_group("_xpet").create_array(
        "journal", shape=(0,), dtype="u1", dimension_names=("_xpet.journal",), compressors=BloscCodec()
    )
    space = {
        "kind": "list" if axes is None else "product",
        "axes": [{"name": axis, "size": size} for axis, size in axes or ()],
        "coordinates": [{"parameter": f"parameters.{key}", "name": key} for key in coords],
    }
    bitmap = base64.b64encode(zlib.compress(np.packbits(states == COMPLETE).tobytes())).decode()
    own = mark(name=name, generation=1, n_runs=n, complete=bitmap, space=space)
    top.attrs.update({"title": name, "how_to_open": "xarray.open_dataset(…)", "xpet": own} | dict(root or {}))
    publish(store, name)


FLAGS = {"flag_values": [0, 1, 2, 3], "flag_meanings": "new running complete failed"}


def publish(store: Any, name: str) -> None:
    """Consolidate everything but our bookkeeping into the trajectory's document."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        zarr.consolidate_metadata(store, path=name, zarr_format=3)


def write(group: zarr.Group, key: str, column: Column, chunk: int) -> None:
    """Write one array as the format wants it."""
    values = np.asarray(column.values)
    dtype = "string" if values.dtype.kind == "T" else values.dtype
    chunks = column.chunks or tuple(
        chunk if dim == "run" else max(1, size) for dim, size in zip(column.dims, values.shape, strict=True)
    )
    packed = ZstdCodec(level=1) if dtype == "string" else BloscCodec(cname="lz4", shuffle="shuffle")
    array = group.create_array(
        key, shape=values.shape, dtype=dtype, chunks=chunks or "auto", dimension_names=column.dims, compressors=packed,
        config={"write_empty_chunks": True},
    )  # fmt: skip
    array[...] = values
    note = json.dumps({"path": column.path or f"results.runs.$.{key}", "item": "", "part": "", "codec": "scalar"})
    array.attrs.update({"xpet": note, **column.attrs})


def _write_runs(group: zarr.Group, shared: dict[str, Column], states: Any, labels: str, chunk: int) -> None:
    n = len(states)
    began = np.where(states == NEW, np.nan, 1.7e9 + np.arange(n) + 0.25)
    errors = [
        f"Traceback (most recent call last):\n  …\nValueError: run {k}\n" if s == FAILED else ""
        for k, s in enumerate(states)
    ]
    table = {
        "run_started": Column(began, ("run",), {"units": "s", "long_name": "start, seconds since 1970-01-01 UTC"}),
        "run_duration": Column(np.where(states == NEW, np.nan, 0.5), ("run",), {"units": "s"}),
        "run_error": Column(np.array(errors, TEXT), ("run",)),
        "run_attempt": Column((states != NEW).astype("i4"), ("run",)),
        "run_launch": Column(np.array(["a"] * n, TEXT), ("run",)),
    }
    group.attrs.update({"coordinates": labels, "xpet": "{}"})
    for key, column in {**shared, **table}.items():
        write(group, key, column, chunk)


def _array(values: Any) -> Any:
    if isinstance(values, np.ndarray):
        return values
    return np.array(values, TEXT if isinstance(values[0], str) else None)


class CountingStore(WrapperStore[Store]):
    """A store that notes what is asked of it."""

    def __init__(self, store: Store) -> None:
        super().__init__(store)
        self.requests: list[str] = []

    async def get(self, key: str, prototype: Any, byte_range: Any = None) -> Any:
        self.requests.append(key)
        return await self._store.get(key, prototype, byte_range)

    async def exists(self, key: str) -> bool:
        self.requests.append(key)
        return await self._store.exists(key)

    async def list_dir(self, prefix: str) -> Any:
        self.requests.append(f"list {prefix}")
        async for key in self._store.list_dir(prefix):
            yield key

    def taken(self) -> list[str]:
        """What was asked since the last call."""
        taken, self.requests = sorted(self.requests), []
        return taken
