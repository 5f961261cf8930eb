"""Trials: a study is disturbed at one instant, then its store is looked at, and the rest of it is done."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
import warnings
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr
from fixtures_columns import Left, plain, read_runs
from fixtures_killed import NAME, Log, Settings

from xpet import load_trajectory
from xpet import open as open_results
from xpet.store.chunks import read_whole
from xpet.store.meta import MARK
from xpet.store.place import Place, open_place, resolve
from xpet.store.runs import COMPLETE
from xpet.store.snapshot import find_snapshot, read_snapshot
from xpet.testing import identical

TESTS = Path(__file__).resolve().parent
LONGEST = 300.0
#: differ with the clock, and with how often it was begun
_OF_THE_TIME = frozenset({"run_started", "run_duration", "run_attempt", "run_launch"})
_JOURNAL = "_xpet/journal"


class Nest:
    """The process that studies are forked from; one study at a time."""

    def __init__(self, folder: Path) -> None:
        self.errors = folder / "errors.txt"
        path = os.pathsep.join([str(TESTS), str(TESTS.parent)])
        self._process = subprocess.Popen(
            [sys.executable, "-c", "import fixtures_killed; fixtures_killed.nest()"],
            # threads would not be there in forked processes
            env={**os.environ, "PYTHONPATH": path, "OPENBLAS_NUM_THREADS": "1"},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def begin(self, settings: Settings) -> Study:
        """Begin a study in a process of its own."""
        self.errors.unlink(missing_ok=True)
        assert self._process.stdin is not None
        print(json.dumps([asdict(settings), str(self.errors)]), file=self._process.stdin, flush=True)
        return Study(self, int(self.read()), settings)

    def read(self) -> str:
        """The next thing that it says."""
        assert self._process.stdout is not None
        return self._process.stdout.readline()

    def close(self) -> None:
        """End it."""
        self._process.kill()
        self._process.communicate()


class Study:
    """A study under way, with its workers a group of processes."""

    def __init__(self, nest: Nest, pid: int, settings: Settings) -> None:
        self.pid, self.settings = pid, settings
        self.begun = time.monotonic()
        self._nest = nest

    def workers(self) -> list[int]:
        """The workers that began a run so far."""
        return sorted({pid for _, pid, _ in Log(self.settings.log).read()} - {self.pid})

    def said_bytes(self) -> int:
        """How long its log is."""
        with contextlib.suppress(FileNotFoundError):
            return os.stat(self.settings.log).st_size
        return 0

    def end(self) -> int:
        """Wait for the end of all its processes; the exit code of the first."""
        # what hangs is killed by nobody else
        timer = _after(LONGEST, lambda: _kill_group(self.pid))
        code = int(self._nest.read())
        while not is_gone(self.pid):
            time.sleep(0.01)
        timer.cancel()
        return code

    def said(self) -> str:
        """What it printed."""
        return self._nest.errors.read_text(encoding="utf-8", errors="replace") if self._nest.errors.exists() else ""


def _after(seconds: float, action: Callable[[], None]) -> Any:
    import threading

    timer = threading.Timer(seconds, action)
    timer.daemon = True
    timer.start()
    return timer


def _kill_group(pid: int) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.killpg(pid, signal.SIGKILL)


def is_gone(group: int) -> bool:
    """Whether no process of a group is left, but for those that nobody has buried yet."""
    # asked often: mostly it is its first process that is there
    if _state_of(Path("/proc") / str(group)) not in (None, "Z"):
        return False
    try:
        os.killpg(group, 0)
    except ProcessLookupError:
        return True
    states = {_state_of(path, group) for path in Path("/proc").glob("[0-9]*")} - {None}
    return states == {"Z"}


def _state_of(process: Path, group: int | None = None) -> str | None:
    """The state of a process, None if it is gone, or of another group than this one."""
    with contextlib.suppress(OSError):
        state, _, theirs = (process / "stat").read_text().rpartition(")")[2].split()[:3]
        return state if group in (None, int(theirs)) else None
    return None


# ---- what a store holds ----------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Reference:
    """What a study leaves that nobody disturbs: its runs as they are read back, and its arrays."""

    runs: dict[int, Left]
    contents: dict[str, Any]

    @classmethod
    def of(cls, place: Place) -> Reference:
        return cls(read_runs(place), contents(place))


def contents(place: Place) -> dict[str, Any]:
    """Everything that a study leaves in its arrays and documents, but for what is of the time.

    How chunks are named depends on when a column was laid out anew, and so does what their documents say of earlier
    ones. The variants of ``mixed`` are numbered in the order in which they came.
    """
    snapshot = read_snapshot(place, NAME)
    docs = snapshot.hierarchy
    # which says where it is
    found: dict[str, Any] = {"": {**snapshot.attrs, "how_to_open": None}}
    for key, group in docs.groups():
        found[key] = _without(group.to_json(), "gone")
    for key, doc in docs.arrays():
        name = key.rpartition("/")[2]
        if name.startswith("mixed"):
            continue
        found[f"{key}/zarr.json"] = _without(doc.to_json(), "retired")
        if name not in _OF_THE_TIME:
            data = read_whole(snapshot.place, key, doc)
            found[key] = data.tolist() if data.dtype == object else (str(data.dtype), data.shape, data.tobytes())
    meta = snapshot.meta._asdict()
    return found | {"meta": {key: meta[key] for key in ("name", "n_runs", "complete", "space", "seed", "state")}}


def _without(document: dict[str, Any], gone: str) -> dict[str, Any]:
    attributes = dict(document["attributes"])
    if MARK in attributes:
        about = json.loads(attributes[MARK])
        attributes[MARK] = {key: value for key, value in about.items() if key != gone}
    return {**document, "attributes": attributes, "chunk_key_encoding": None}


def place_of(settings: Settings) -> Place:
    """Where a study is, as seen from here."""
    return open_place(resolve(settings.store, settings.options))


@contextlib.contextmanager
def nearby(settings: Settings) -> Iterator[Place]:
    """Where a study is; of what is far away a copy, as it is looked at many times."""
    place = place_of(settings)
    if place.is_local:
        yield place
        return
    with tempfile.TemporaryDirectory(prefix="xpet-copy-") as folder:
        copy = open_place(resolve(folder))
        copy.write_many(place.read_many(place.list()))
        yield copy


def published(settings: Settings) -> set[int]:
    """The runs that readers are told are complete."""
    snapshot = find_snapshot(place_of(settings), NAME)
    return set() if snapshot is None else set(np.flatnonzero(snapshot.complete).tolist())


def check_readers(settings: Settings, expected: Reference, before: set[int]) -> Iterator[str]:
    """What is wrong with what readers see, with xpet and without; ``before`` are runs that they saw complete."""
    with nearby(settings) as place:
        found = None if find_snapshot(place, NAME) is None else read_runs(place)
    if found is None:
        if before:
            yield "the trajectory is gone"
        return
    yield from _wrong_runs(found, expected)
    if before - found.keys():
        yield f"readers lost the runs {sorted(before - found.keys())}"
    tree = plain(place_of(settings))
    done = np.flatnonzero(tree["runs"].run_status.values == COMPLETE)
    if found.keys() - set(done.tolist()):
        yield f"complete without saying so: {sorted(found.keys() - set(done.tolist()))}"
    yield from _wrong_rows(tree, done, list(found))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        flat = open_results(settings.store, NAME, view="flat", storage_options=settings.options or None)
        traj = load_trajectory(NAME, store=settings.store, storage_options=settings.options or None)
        for run in list(found)[-1:]:
            if flat.z.values[run] != run * 2.5 or traj.results.runs[f"run_{run:08d}"].z != run * 2.5:
                yield f"xpet shows another z for run {run}"


def _wrong_runs(found: dict[int, Left], expected: Reference) -> Iterator[str]:
    for run, left in found.items():
        if run not in expected.runs or not identical(left, expected.runs[run]):
            yield f"run {run} has other results: {left}"[:500]


def _wrong_rows(tree: xr.DataTree, done: Any, found: list[int]) -> Iterator[str]:
    """What plain xarray shows wrongly: of complete runs, and of those that count as complete for readers of xpet."""
    results = tree["results"]
    if len(done) and ("z" not in results or not (results.z.values[done] == done * 2.5).all()):
        yield f"plain xarray shows another z for some of {done.tolist()}"
    if len(done) and ("n" not in results or not (results.n.values[done].astype(float) == done).all()):
        yield f"plain xarray shows another n for some of {done.tolist()}"
    for run in found:
        ragged, large = _row(results.ragged, run)[: run % 5 + 1], _row(results.large, run)
        if not (ragged == np.arange(run % 5 + 1) * run).all() or not (large == np.arange(12_000) + run).all():
            yield f"plain xarray shows other arrays for run {run}"
        if _row(results.text, run) != f"run {run}, ü" or not (_row(results["neuron"].V, run) == run).all():
            yield f"plain xarray shows another text or trace for run {run}"


def _row(column: xr.DataArray, run: int) -> Any:
    """What a run has of a column, which has no runs while it is the same in all of them."""
    return column.values[run] if "run" in column.dims else column.values


def check_end(settings: Settings, expected: Reference) -> Iterator[str]:
    """What is wrong with a study that was done to its end."""
    with nearby(settings) as place:
        here, there = contents(place), expected.contents
        runs, journal = read_runs(place), place.list(f"{NAME}/{_JOURNAL}")
        held = [key for key in journal if "/lease/" in key and not json.loads(place.read(key) or b"{}")["released"]]
    different = sorted(key for key in here.keys() | there.keys() if here.get(key) != there.get(key))
    if different:
        yield f"differs from an undisturbed study: {different[:10]}"
    yield from _wrong_runs(runs, expected)
    journal = [key.removeprefix(f"{NAME}/{_JOURNAL}/") for key in journal]
    leases = [key for key in journal if key.startswith("lease/")]
    others = [key for key in journal if not key.startswith(("lease/", "launch/", "zarr.json"))]
    if len(leases) != 1 or others:
        yield f"left in the journal: {leases[1:] + others}"
    if held:
        yield f"a lease was not given back: {held}"
