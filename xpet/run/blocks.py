"""Blocks: the runs handed to a worker at once, as many as keep it busy for a moment."""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from itertools import repeat
from typing import NamedTuple

TARGET_SECONDS = 0.35
"""How long a block should take: long against the cost of a message, short against a user's patience."""
LONGEST_SECONDS = 2.0
"""When a block takes longer than this (later runs may be slower), the worker hands back what it has not begun."""
QUICK_SECONDS = 1.0
"""Blocks shorter than this are handed out one ahead, so that a worker never waits for its next one."""
TAIL_SECONDS = 0.02
"""At the end blocks shrink to balance the workers, but not below this."""
GROWTH = 8
LARGEST = 65_536


class Block(NamedTuple):
    """Runs handed to a worker at once.

    Attributes
    ----------
    number : int
        Number of the block, unique within a launch.
    runs : sequence of int
        The runs, in the order they are to be done.
    points : tuple of sequence, or None
        One column per explored parameter, one element per run; None: the tree has the ranges itself.
    attempt : int
        How often these runs failed, or a worker died over them, before.
    seconds : float
        After this time the worker hands back what it has not begun.

    Examples
    --------
    >>> list(Block(0, range(2), ([1.0, 2.0], ["a", "b"])).each_point())
    [(1.0, 'a'), (2.0, 'b')]
    """

    number: int
    runs: Sequence[int]
    points: tuple[Sequence[object], ...] | None = None
    attempt: int = 0
    seconds: float = math.inf

    def each_point(self) -> Iterator[tuple[object, ...] | None]:
        """Yield the point of each run, or None for each if the tree has the ranges itself."""
        if self.points is None:
            return repeat(None, len(self.runs))
        if not self.points:
            return repeat((), len(self.runs))
        return zip(*self.points, strict=True)


class Pace:
    """How many runs make a block, learned from how long the last ones took."""

    def __init__(self, workers: int) -> None:
        self._workers = workers
        self._per_run: float | None = None
        self._largest = 1

    def learn(self, runs: int, seconds: float) -> None:
        """Take in that `runs` runs took `seconds` seconds."""
        if runs == 0:
            return
        latest = seconds / runs
        # the first run of a worker imports what the job needs, so a faster one is believed at once
        known = self._per_run
        self._per_run = latest if known is None or latest < known else (known + latest) / 2
        if runs >= self._largest:
            self._largest = min(runs * GROWTH, LARGEST)

    def size(self, remaining: int) -> int:
        """Return how many of the `remaining` runs the next block takes."""
        if self._per_run is None:
            return 1
        per_run = max(self._per_run, 1e-9)
        wanted = TARGET_SECONDS / per_run
        if self._workers > 1:
            wanted = min(wanted, max(remaining / (2 * self._workers), TAIL_SECONDS / per_run))
        return max(1, min(int(wanted), self._largest, remaining))

    def is_quick(self, runs: int) -> bool:
        """Whether a block of that many runs is expected to be over soon."""
        return self._per_run is not None and self._per_run * runs < QUICK_SECONDS


class _Stretch(NamedTuple):
    runs: Sequence[int]
    attempt: int = 0


class Backlog:
    """The runs that are still to be handed out, cut into blocks on demand.

    Parameters
    ----------
    runs : sequence of int
        The runs to do.
    columns : sequence of sequence, or None
        One whole range per explored parameter, indexed by run; None: blocks carry no points.
    """

    def __init__(self, runs: Sequence[int], columns: Sequence[Sequence[object]] | None, first_block: int = 0) -> None:
        self._stretches = deque([_Stretch(runs)]) if len(runs) else deque()
        self._columns = columns
        self._number = first_block
        self.remaining = len(runs)

    def take(self, size: int) -> Block:
        """Cut the next block, of at most `size` runs; there must be runs left."""
        stretch = self._stretches.popleft()
        runs = stretch.runs[:size]
        if len(runs) < len(stretch.runs):
            self._stretches.appendleft(_Stretch(stretch.runs[size:], stretch.attempt))
        self.remaining -= len(runs)
        number, self._number = self._number, self._number + 1
        plain = runs if isinstance(runs, range) else _as_list(runs)
        return Block(number, plain, self._points(plain), stretch.attempt, LONGEST_SECONDS)

    def put_back(self, runs: Sequence[int], attempt: int = 0) -> None:
        """Put runs to the front, as a stretch of their own."""
        if len(runs):
            self._stretches.appendleft(_Stretch(runs, attempt))
            self.remaining += len(runs)

    def bring_forward(self, positions: Iterable[int]) -> int:
        """Move the runs at these positions of the queue to its front, each one alone; return how many."""
        picked = [self._pick(position) for position in sorted(set(positions), reverse=True)]
        for stretch in picked:
            self._stretches.appendleft(stretch)
        return len(picked)

    def _pick(self, position: int) -> _Stretch:
        index = 0
        while position >= len((stretch := self._stretches[index]).runs):
            position -= len(stretch.runs)
            index += 1
        del self._stretches[index]
        after = stretch.runs[position + 1 :]
        before = stretch.runs[:position]
        for piece in (after, before):
            if len(piece):
                self._stretches.insert(index, _Stretch(piece, stretch.attempt))
        return _Stretch(stretch.runs[position : position + 1], stretch.attempt)

    def _points(self, runs: Sequence[int]) -> tuple[Sequence[object], ...] | None:
        if self._columns is None:
            return None
        if isinstance(runs, range) and runs.step == 1:
            return tuple(column[runs.start : runs.stop] for column in self._columns)
        return tuple([column[run] for run in runs] for column in self._columns)


def pieces(runs: Sequence[int]) -> list[Sequence[int]]:
    """Cut runs into pieces of 1, 1, 2, 4, 8, … runs.

    Runs over which a worker died are tried again like this: where every finished run is in the journal at once, the
    first one is the culprit and the others lose nothing; where the journal lags behind, it is found in few steps.

    Examples
    --------
    >>> pieces(range(7))
    [range(0, 1), range(1, 2), range(2, 4), range(4, 7)]
    """
    cut: list[Sequence[int]] = []
    start, size = 0, 1
    while start < len(runs):
        cut.append(runs[start : start + size])
        start += size
        size = max(1, start)
    return cut


def _as_list(runs: Sequence[int]) -> Sequence[int]:
    # numpy integers would reach the job as v_idx
    convert = getattr(runs, "tolist", None)
    return convert() if convert is not None else list(runs)
