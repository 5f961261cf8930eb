"""Trials: a study is disturbed, its store is looked at, and the rest of it is done."""

from __future__ import annotations

import contextlib
import os
import random
import signal
import time
import traceback
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Protocol
from unittest import mock

import numpy as np
from fixtures_killed import NAME, Log, Settings, is_bad
from fixtures_kills import Nest, Reference, Study, check_end, check_readers, is_gone, place_of, published

from xpet.store import layout
from xpet.store.snapshot import find_snapshot
from xpet.store.writer import open_for_writing


class Disturbance(Protocol):
    """What happens to a study that is under way."""

    def __call__(self, study: Study, chance: random.Random, duration: Duration) -> tuple[str, float]:
        """Disturb it; returns whom it hit and after how many seconds."""
        ...

    def over(self) -> None:
        """Have things as they were, once the study has ended."""
        ...


class Kill:
    """SIGKILL of a worker, of the coordinator, or of all processes of the study, at an instant of its duration."""

    def __init__(self, roles: tuple[str, ...] = ("worker", "coordinator", "all")) -> None:
        self._roles = roles

    def __call__(self, study: Study, chance: random.Random, duration: Duration) -> tuple[str, float]:
        role, instant = chance.choice(self._roles), duration.wait(study, chance)
        workers = study.workers() if role == "worker" else []
        with contextlib.suppress(ProcessLookupError):
            if role == "worker" and workers:
                os.kill(chance.choice(workers), signal.SIGKILL)
            elif role == "coordinator" or role == "worker":
                os.kill(study.pid, signal.SIGKILL)
                role = "coordinator"
            else:
                os.killpg(study.pid, signal.SIGKILL)
            return role, instant
        return "nobody", instant

    def over(self) -> None:
        pass


class Nothing:
    """No disturbance but what the settings say."""

    def __call__(self, study: Study, chance: random.Random, duration: Duration) -> tuple[str, float]:
        return "itself", 0.0

    def over(self) -> None:
        pass


@dataclass(frozen=True)
class Duration:
    """How long a study takes that nobody disturbs.

    Attributes
    ----------
    first_run, whole
        Seconds to its first run, and in all.
    said
        How many bytes its log has.
    """

    first_run: float
    whole: float
    said: int

    def wait(self, study: Study, chance: random.Random) -> float:
        """Wait for an instant: one in five is before the first run, the others are evenly from there to the end.

        How far a study is, is told by its log, as it may be slower than another one. Returns the seconds it took.
        """
        if chance.random() < 0.2:
            time.sleep(chance.uniform(0.0, self.first_run))
        else:
            wanted = chance.randint(1, self.said)
            while study.said_bytes() < wanted and not is_gone(study.pid):
                time.sleep(0.002)
            # what is done between two lines, the last one and the end too, may take a while
            time.sleep(chance.uniform(0.0, 0.1 * self.whole))
        return time.monotonic() - study.begun


@dataclass
class Trial:
    """What came of one trial.

    Attributes
    ----------
    seed, role, instant
        What was done to the study, and after how many seconds; of a full disk, the bytes that it had left.
    code
        Its exit code; negative: the signal that it died of.
    finished, published
        How many runs it had reported finished, and readers were told are complete, when it ended.
    kept
        How many runs were complete once the store was open for writing again.
    lost
        How many of those reported finished were not among them.
    recomputed
        How many runs were begun again that had been begun and were neither complete nor failed.
    problems
        What was wrong; empty if nothing was.
    """

    seed: str
    role: str = ""
    instant: float = 0.0
    code: int = 0
    finished: int = 0
    published: int = 0
    kept: int = 0
    lost: int = 0
    recomputed: int = 0
    problems: list[str] = field(default_factory=list)


@dataclass
class _Told:
    """What the log of a study tells."""

    begun: list[int]
    finished: set[int]
    failed: set[int]

    @classmethod
    def by(cls, log: str) -> _Told:
        told = Log(log).read()

        def runs_of(word: str) -> list[int]:
            return [run for each, _, runs in told for run in runs if each == word]

        return cls(runs_of("begin"), set(runs_of("finished")), set(runs_of("failed")))


def again_too_soon(log: str) -> set[int]:
    """Runs that were begun after they had been reported finished, in one log."""
    finished: set[int] = set()
    wrong: set[int] = set()
    for word, _, runs in Log(log).read():
        if word == "finished":
            finished.update(runs)
        elif word == "begin":
            wrong.update(finished.intersection(runs))
    return wrong


UNKNOWN = Duration(0.0, 0.0, 1)


def do_trial(
    nest: Nest, settings: Settings, expected: Reference, disturb: Disturbance, seed: str, duration: Duration = UNKNOWN,
    opens: bool | None = None,
) -> Trial:  # fmt: skip
    """Disturb a study of these settings and see what comes of it.

    ``opens`` says whether somebody opens the store for writing before the rest is done; else chance does.
    """
    chance = random.Random(seed)
    trial = Trial(seed)
    study = nest.begin(settings)
    try:
        trial.role, trial.instant = disturb(study, chance, duration)
        trial.code = study.end()
        opens = chance.random() < 0.5 if opens is None else opens
        executor = chance.choice([settings.executor, "serial"])
        told = _Told.by(settings.log)
        trial.problems += _look_back(trial, settings, told)
        before = published(settings)
        trial.problems += check_readers(settings, expected, before)
        disturb.over()
        kept = None
        if opens and find_snapshot(place_of(settings), NAME) is not None:
            kept, failed = _open(settings)
            trial.problems += _missed(told, kept, failed)
            # slow over a network, and the end is compared with more
            trial.problems += [] if settings.options else check_readers(settings, expected, before)
        rest = replace(settings, log=f"{settings.log}.rest", die=None, executor=executor)
        trial.problems += _do_rest(nest, rest, trial, told, kept)
        trial.problems += check_end(settings, expected)
    except Exception:
        trial.problems.append(traceback.format_exc()[-3000:])
    finally:
        disturb.over()
    return trial


def _look_back(trial: Trial, settings: Settings, told: _Told) -> Iterator[str]:
    """Note how far a study came; yields what it did wrong."""
    trial.finished, trial.published = len(told.finished), len(published(settings))
    if trial.role == "worker" and trial.code:
        yield f"the death of a worker ended the study, exit code {trial.code}"
    if (most := max(map(told.begun.count, told.begun), default=0)) > 2:
        yield f"a run was begun {most} times in one study"
    if again := again_too_soon(settings.log):
        yield f"begun again although finished, in one study: {sorted(again)}"


def _do_rest(nest: Nest, rest: Settings, trial: Trial, told: _Told, kept: set[int] | None) -> Iterator[str]:
    """Do what is missing, where the runs ``kept`` are known to be complete; yields what is wrong with it."""
    study = nest.begin(rest)
    code = study.end()
    if code:
        yield f"the rest cannot be done, exit code {code}: {study.said()[-3000:]}"
    then = _Told.by(rest.log)
    left = set(range(rest.n_runs)) - set(then.begun)
    kept = left if kept is None else kept
    good = [run for run in (*told.begun, *then.begun) if not is_bad(run)]
    trial.kept, trial.lost, trial.recomputed = len(kept), len(told.finished - kept), len(good) - len(set(good))
    # where the disk is full, blocks that were handed out ahead are begun in vain as well
    if "://" not in rest.store and trial.role != "disk" and trial.recomputed > 2:
        yield f"{trial.recomputed} runs were done again, where two at most were being done"
    yield from _missed(told, left, None)
    if kept != left or len(then.begun) != len(set(then.begun)):
        yield f"not exactly the rest was done: {sorted(then.begun)} where {sorted(kept)} were complete"


def _open(settings: Settings) -> tuple[set[int], set[int]]:
    """Open for writing; the runs that are complete now, and those that failed."""
    with mock.patch.object(layout, "CHUNK_BYTES", settings.chunk), open_for_writing(
        place_of(settings), NAME
    ) as writer:
        return set(np.flatnonzero(writer.complete).tolist()), set(writer.failed())


def _missed(told: _Told, kept: set[int], failed: set[int] | None) -> Iterator[str]:
    if told.finished - kept:
        yield f"lost although reported finished: {sorted(told.finished - kept)}"
    if failed is not None and told.failed - failed:
        yield f"failures lost although reported: {sorted(told.failed - failed)}"
