"""Killed at each of the writes with which points are added and done, a study loses nothing and ends as it should."""

from __future__ import annotations

import shutil
import sys
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import xarray as xr
from fixtures_generations import ALL, FAULTS, NAME, STUDIES, Nest, begin, said
from fixtures_kills import contents

from xpet import CorruptStoreError, load_trajectory
from xpet.store.place import Place, open_place, resolve
from xpet.store.runs import COMPLETE
from xpet.store.snapshot import read_snapshot
from xpet.store.writer import open_for_writing

pytestmark = [
    pytest.mark.skipif(sys.platform != "linux", reason="forks processes and kills them"),
    pytest.mark.timeout(400),
]
@dataclass(frozen=True)
class Undisturbed:
    """A store with the first points, and what comes of a study that goes on with it.

    ``writes`` are those at which to kill it: every fifth until the first points are added, and some of the runs' own,
    of which `tests/run/test_kills.py` has more.
    """

    start: Path
    writes: dict[str, list[int]]
    contents: dict[str, dict[str, Any]]


@pytest.fixture(scope="module")
def nest() -> Iterator[Nest]:
    made = Nest()
    yield made
    made.close()


@pytest.fixture(scope="module")
def undisturbed(nest: Nest, tmp_path_factory: pytest.TempPathFactory) -> Undisturbed:
    folder = tmp_path_factory.mktemp("generations")
    begin(str(folder / "start.zarr"), str(folder / "begin"))
    writes: dict[str, list[int]] = {}
    left = {}
    for study in STUDIES:
        store, log = folder / f"{study}.zarr", str(folder / study)
        shutil.copytree(folder / "start.zarr", store)
        assert nest.do(study, str(store), log) == 0
        assert said(log, "begin") == [3, 4, 5]
        place = open_place(resolve(str(store)))
        assert not [*_of_readers(str(store), read_snapshot(place, NAME).complete)]
        steps, expanded = said(log, "steps")[0], said(log, "expanded")[0] + 1
        writes[study] = [*range(1, expanded, 5), *range(expanded, steps + 1, 21)]
        left[study] = contents(place)
    return Undisturbed(folder / "start.zarr", writes, left)


def trial(nest: Nest, undisturbed: Undisturbed, study: str, last: int, folder: Path, fault: str | None) -> list[str]:
    """What is wrong after a study was killed at one of its writes, and then gone on with."""
    store, log, again = str(folder / f"{last}.zarr"), str(folder / f"{last}.log"), str(folder / f"{last}.again")
    shutil.copytree(undisturbed.start, store)
    assert nest.do(study, store, log, last, fault) == -9
    place = open_place(resolve(store))
    wrong = [*_of_readers(store, read_snapshot(place, NAME).complete)]
    if last % 2:
        # somebody else opens it for writing in between
        open_for_writing(place, NAME).lease.release()
        wrong += _of_recovery(place, log)
    if nest.do(study, store, again) != 0:
        return [*wrong, "it could not be gone on with"]
    done = {0, 1, 2, *said(log, "finished")}
    if sorted(said(again, "begin")) != sorted({*range(6)} - done):
        wrong.append(f"done again: {said(again, 'begin')}, where {sorted(done)} were finished")
    here, there = contents(place), undisturbed.contents[study]
    different = sorted(key for key in here.keys() | there.keys() if here.get(key) != there.get(key))
    journal = [key for key in place.list(f"{NAME}/_xpet/journal") if "/launch/" not in key]
    if different or len(journal) != 2:
        wrong.append(f"differs from an undisturbed study: {different}, {journal}")
    shutil.rmtree(store)
    return wrong


def _of_readers(store: str, complete: Any) -> Iterator[str]:
    """What is wrong with what plain xarray and xpet show."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with (
            xr.open_datatree(f"{store}/{NAME}", engine="zarr") as tree,
            xr.open_dataset(f"{store}/{NAME}", group="results", engine="zarr") as results,
        ):
            n_runs = len(complete)
            for ds in (tree["runs"].ds, results):
                same = ds.x.values.tolist() == ALL["x"][:n_runs] and ds.s.values.tolist() == ALL["s"][:n_runs]
                if not same or ds.run.values.tolist() != list(range(n_runs)):
                    yield f"xarray shows the points {ds.x.values}, {ds.s.values} of the runs {ds.run.values}"
                status = np.flatnonzero(ds.run_status.values == COMPLETE)
                if not set(np.flatnonzero(complete)) <= set(status):
                    yield f"complete without saying so: {complete}, {status}"
            for run in np.flatnonzero(results.run_status.values == COMPLETE):
                ragged = results.ragged.values[run][: run % 3 + 1]
                if results.z.values[run] != run * 2.5 or not (ragged == np.arange(run % 3 + 1) * run).all():
                    yield f"xarray shows {results.z.values[run]} and {ragged} for run {run}"
        traj = load_trajectory(NAME, store=store)
        for name, values in ALL.items():
            if traj.f_get(name).f_get_range() != values[:n_runs]:
                yield f"xpet shows the points {traj.f_get(name).f_get_range()}"


def _of_recovery(place: Place, log: str) -> Iterator[str]:
    """What is wrong once it was opened for writing."""
    snapshot = read_snapshot(place, NAME)
    lost = set(said(log, "finished")) - set(np.flatnonzero(snapshot.complete))
    if lost:
        yield f"lost: {lost}"
    if snapshot.meta.n_runs < max(said(log, "intended"), default=0):
        yield f"there are {snapshot.meta.n_runs} runs, of {said(log, 'intended')} that were told of in an intent"
    yield from _of_readers(place.url, snapshot.complete)


@pytest.mark.parametrize("study", STUDIES)
def test_nothing_is_lost_at_any_write(study: str, nest: Nest, undisturbed: Undisturbed, tmp_path: Path):
    assert len(undisturbed.writes[study]) > 10
    for last in undisturbed.writes[study]:
        assert trial(nest, undisturbed, study, last, tmp_path, None) == [], f"killed at write {last}"


@pytest.mark.parametrize("fault", FAULTS)
def test_faults_are_seen(fault: str, nest: Nest, undisturbed: Undisturbed, tmp_path: Path):
    def is_seen(last: int) -> bool:
        try:
            return bool(trial(nest, undisturbed, "loaded", last, tmp_path, fault))
        except CorruptStoreError:
            return True

    assert any(map(is_seen, undisturbed.writes["loaded"]))
