"""Whatever happens to the objects of a store, readers read it or say what is wrong; they neither crash nor hang."""

from __future__ import annotations

import random
import warnings
from typing import Any

import numpy as np
import pytest
import xarray as xr
from fixtures_columns import NAME, copy, do, leaf, memory, parameter, read_runs, read_statics, start
from fixtures_damaged import flip, forge

from xpet.backend import XpetBackendEntrypoint
from xpet.errors import CorruptStoreError, DataNotInStorageError, ForeignStoreError, StoreError, VersionMismatchError
from xpet.store.place import Place
from xpet.table.dataset import open_results
from xpet.table.runs import run_table

SAID = (StoreError, CorruptStoreError, ForeignStoreError, DataNotInStorageError, VersionMismatchError)
N = 6


def left(run: int) -> list[Any]:
    trace = xr.DataArray(np.full(3, float(run)), dims="time", coords={"time": [0.0, 0.1, 0.2]})
    return [
        leaf("results.runs.$.z", run + 0.5),
        leaf("results.runs.$.n", run),
        leaf("results.runs.$.b", run > 2),
        leaf("results.runs.$.text", f"run {run}"),
        leaf("results.runs.$.mixed", run if run % 2 else {"a": [run]}),
        leaf("results.cell.$.V", trace),
        leaf("results.cell.$.spikes", np.arange(float(run))),
        leaf("results.cell.$.counts", np.arange(3 * run)),
        leaf("results.cell.$.same", np.arange(20_000.0)),
        leaf("results.cell.$.words", np.array(["a", f"b{run}"], object)),
        leaf("results.cell.$.when", np.array([f"2020-01-0{run + 1}"], "M8[s]")),
    ]


def fill(place: Place) -> None:
    points = {"x": [1.0, 2.0] * 3, "label": ["a", "a", "b", "b", "c", "c"]}
    with start(place, points, [parameter("parameters.k", 42), parameter("parameters.long", np.arange(9))]) as writer:
        do(place, writer, {run: left(run) for run in range(N - 1)} | {N - 1: "Traceback\nValueError: no"})
        writer.fold(unfinished=True)


@pytest.fixture(scope="module")
def whole() -> Place:
    place = memory()
    fill(place)
    return place


def read_all(place: Place) -> None:
    url = place.below(NAME).url
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for view in ("grid", "flat"):
            open_results(url, view=view).load()
        for dataset in XpetBackendEntrypoint().open_groups_as_dict(url).values():
            dataset.load()
    run_table(url)
    read_runs(place)
    read_statics(place)


def test_the_whole_store_is_read(whole: Place) -> None:
    read_all(whole)


# Bytes at random ------------------------------------------------------------------------------------------------------

def damage(place: Place, seed: int) -> str:
    rng = random.Random(seed)
    root = f"{NAME}/zarr.json"
    chunks = [key for key in place.list(NAME) if not key.endswith("zarr.json") and "_xpet" not in key]
    key = root if rng.random() < 0.6 else rng.choice(chunks)
    if key != root and rng.random() < 0.3:
        place.delete([key])
        return key
    data = place.read(key) or b""
    how = forge if key == root and rng.random() < 0.9 else flip
    if key != root and rng.random() < 0.2:
        place.write(key, place.read(rng.choice(chunks)) or b"")
    else:
        place.write(key, how(data, rng))
    return key


@pytest.mark.parametrize("seed", range(8))
def test_damaged_at_random(whole: Place, seed: int) -> None:
    for each in range(40 * seed, 40 * seed + 40):
        place = copy(whole)
        key = damage(place, each)
        try:
            read_all(place)
        except SAID:
            continue
        except ValueError as error:
            if "cannot be viewed as a grid" not in str(error):
                raise AssertionError(f"seed {each}: {key}") from error
        except Exception as error:
            raise AssertionError(f"seed {each}: {key}") from error


# Chunks that are gone -------------------------------------------------------------------------------------------------


def numbers(place: Place) -> dict[str, Any]:
    """What is read of complete runs, each column for itself: an error, or the values."""
    found = {}
    dataset = open_results(place.below(NAME).url, view="flat")
    for name in map(str, dataset.variables):
        try:
            values = dataset[name].load().values
        except CorruptStoreError as error:
            found[name] = str(error)
        else:
            along = dataset[name].dims[:1] == ("run",)
            found[name] = values[: N - 1] if along and name not in ("run", "x", "label") else values
    return found


def keys_of_chunks() -> list[str]:
    place = memory()
    fill(place)
    return [key for key in place.list(NAME) if not key.endswith("zarr.json") and "_xpet" not in key]


@pytest.mark.parametrize("key", keys_of_chunks())
def test_a_chunk_that_is_gone_is_an_error_and_no_number(whole: Place, key: str) -> None:
    place = copy(whole)
    right = numbers(place)
    place.delete([key])
    if key == f"{NAME}/results/cell/time/c/0":
        # The labels of an inner dimension are read when the results are opened.
        with pytest.raises(CorruptStoreError, match=f"{key}: the chunk is missing"):
            numbers(place)
        return
    for name, values in numbers(place).items():
        if isinstance(values, str):
            assert key in values
            assert "is missing" in values
        else:
            # What no checksum keeps, bits that change within a chunk, cannot be seen; that a chunk is gone can.
            np.testing.assert_array_equal(values, right[name], err_msg=name)


def test_only_what_is_asked_for_must_be_there() -> None:
    place = memory()
    n = 200_000
    with start(place, n) as writer:
        do(place, writer, {run: [leaf("results.runs.$.n", run)] for run in (0, 1, 70_000, 199_999)})
        writer.fold()
    place.delete([f"{NAME}/results/n/c/1"])
    n = open_results(place.below(NAME).url, view="flat").n
    assert n[[1, 199_999]].values.tolist() == [1, 199_999]
    for some in (slice(None), 70_000, [0, 70_001], slice(0, 100_000, 3), slice(199_999, 0, -50_000)):
        with pytest.raises(CorruptStoreError, match="n/c/1: the chunk of runs 65536 to 131071 is missing"):
            n[some].load()


def test_an_error_of_the_reader_is_not_taken_for_damage(whole: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    dataset = open_results(whole.below(NAME).url, view="flat")

    def fail(*args: Any) -> None:
        raise ValueError("of zarr")

    monkeypatch.setattr(xr.Variable, "values", property(fail))
    with pytest.raises(ValueError, match="of zarr") as caught:
        dataset.variables["z"]._data.get_duck_array()
    assert "results/z was being read" in caught.value.__notes__[0]
    with pytest.raises(ValueError, match="of zarr"):
        run_table(whole.below(NAME).url)
