"""Noticing early that every run fails in the same way."""

from __future__ import annotations

from collections.abc import Iterable
from enum import Enum, auto

from xpet.run.report import RunFailure

FIRST = 3
"""So many runs, all failed alike, raise the alarm."""


class State(Enum):
    """What the alarm makes of the runs so far."""

    WATCHING = auto()
    RAISED = auto()
    OFF = auto()


class Alarm:
    """Watches whether the first runs all fail alike.

    Three alike in a row are a suspicion only: they are neighbours in the space, and it may be its corner that is bad.
    So the last run and the middle one are tried next, and if these fail in the same way too it is the job that is
    broken. Until a run has completed, blocks have one run.
    The first run that completes, or that fails otherwise, turns the alarm off for good.
    """

    def __init__(self) -> None:
        self.state = State.WATCHING
        self.count = 0
        self._first: RunFailure | None = None

    def take(self, n_complete: int, failures: Iterable[RunFailure]) -> None:
        """Take in what came of some runs."""
        if n_complete:
            self.state = State.OFF
        if self.state is State.OFF:
            return
        for failure in failures:
            if self._first is None:
                self._first = failure
            if not failure.alike(self._first):
                self.state = State.OFF
                return
            self.count += 1
        if self.count >= FIRST:
            self.state = State.RAISED
