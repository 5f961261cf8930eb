"""Damaged stores of composed values: explored once each, in parts, of times, of missing numbers."""

from __future__ import annotations

import random
import warnings
from typing import Any

import numpy as np
import pandas as pd
import pytest
import scipy.sparse as sp
import xarray as xr
from fixtures_columns import NAME, copy, do, leaf, memory, parameter, read_runs, read_statics, start
from fixtures_damaged import flip, forge

from xpet.errors import CorruptStoreError, DataNotInStorageError, ForeignStoreError, StoreError, VersionMismatchError
from xpet.store.place import Place
from xpet.store.points import decode_points, read_points
from xpet.store.snapshot import read_snapshot
from xpet.table.dataset import open_results
from xpet.values import Opaque

SAID = (StoreError, CorruptStoreError, ForeignStoreError, DataNotInStorageError, VersionMismatchError)
POINTS: dict[str, list[Any]] = {
    "t": [np.datetime64("2026-01-01", "s"), np.datetime64("NaT", "s"), np.datetime64("2027", "s")],
    "table": [{"V": np.arange(3.0), "n": k} for k in range(3)],
    "frame": [pd.DataFrame({"a": [1, k]}) for k in range(3)],
    "text": [None, (1, "a"), frozenset({1})],
}


def left(run: int) -> list[Any]:
    return [
        leaf("results.runs.$.frame", pd.DataFrame({"a": pd.array([1, None], "Int64"), "b": ["x", str(run)]})),
        leaf("results.runs.$.sparse", sp.csr_array(np.eye(run + 1))),
        leaf("results.runs.$.masked", np.ma.MaskedArray([1, 2], [True, False])),
        leaf("results.runs.$.records", np.array([(1, 2.0)], [("a", "i4"), ("b", ">f8")])),
        leaf("results.runs.$.nested", {"a": [np.arange(2), {"b": run}]}),
        leaf("results.runs.$.dataset", xr.Dataset({"v": ("t", [1.0, run])}, {"t": [0, 1]})),
        leaf("results.runs.$.when", pd.Timestamp("2026-01-01", tz="UTC")),
    ]


@pytest.fixture(scope="module")
def whole() -> Place:
    place = memory()
    statics = [parameter("parameters.p", pd.Series([1, None], dtype="Int8")), parameter("config.d", {"k": np.ones(2)})]
    with start(place, POINTS, statics) as writer:
        do(place, writer, {run: left(run) for run in range(3)})
        writer.fold()
    return place


def read_all(place: Place) -> None:
    snapshot = read_snapshot(place, NAME)
    for coordinate in snapshot.meta.space.coordinates:
        decode_points(read_points(snapshot.place, snapshot.hierarchy, coordinate.name))
    read_runs(place)
    read_statics(place)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        open_results(place.below(NAME).url, view="flat").load()


def test_the_whole_store_is_read(whole: Place) -> None:
    read_all(whole)
    found = read_runs(whole)[2]
    assert not any(isinstance(value, Opaque) for items, *_ in found.values() for value in items.values())


def damage(place: Place, rng: random.Random) -> str:
    root = f"{NAME}/zarr.json"
    chunks = [key for key in place.list(NAME) if not key.endswith("zarr.json") and "_xpet" not in key]
    key = root if rng.random() < 0.6 else rng.choice(chunks)
    data = place.read(key) or b""
    place.write(key, forge(data, rng) if key == root else flip(data, rng))
    return key


@pytest.mark.parametrize("seed", range(4))
def test_damaged_at_random(whole: Place, seed: int) -> None:
    for each in range(15 * seed, 15 * seed + 15):
        place = copy(whole)
        key = damage(place, random.Random(each))
        try:
            read_all(place)
        except SAID:
            continue
        except Exception as error:
            raise AssertionError(f"seed {each}: {key}") from error
