"""What came of runs: failures, blocks, the whole study."""

from __future__ import annotations

import re

# Not where it is used: a job that used up all files, or moved the path, is to fail alone.
import traceback
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from types import TracebackType
from typing import Literal, NamedTuple, overload

from xpet.errors import RunError

StopReason = Literal["error", "alike", "interrupt"]

_NUMBER = re.compile(r"[-+]?\d[\d.]*(?:e[-+]?\d+)?", re.IGNORECASE)
_SHAPE_LENGTH = 200
_SHOWN = 100
_MESSAGE_LENGTH = 2000


@dataclass(frozen=True, slots=True)
class RunFailure:
    """One run that failed.

    Attributes
    ----------
    run : int
        Index of the run.
    error_type, message : str
        Class name and text of the exception.
    traceback : str
        The traceback as text, without the frames of xpet's run loop; empty if left out (many failures in a block).
    where : str
        ``file:line`` of the innermost frame, empty if the job itself could not be called.
    exception : BaseException or None
        The exception itself, if it was asked for and could come here.

    Examples
    --------
    >>> third = RunFailure(3, "ValueError", "x is 3.0", "", "job.py:2")
    >>> third.alike(RunFailure(4, "ValueError", "x is 4.0", "", "job.py:2"))
    True
    """

    run: int
    error_type: str
    message: str
    traceback: str
    where: str
    exception: BaseException | None = field(default=None, compare=False, repr=False)

    def as_exception(self) -> Exception:
        """The job's exception, if it could come here, with notes of where it comes from."""
        if isinstance(self.exception, Exception):
            error, told = self.exception, "".join(getattr(self.exception, "__notes__", ()))
        else:
            error, told = RunError(f"run {self.run}: {self.error_type}: {self.message}"), ""
        note = f"This was run {self.run}"
        if error.__traceback__ is None and self.traceback:
            note = f"{note}, in its worker:\n{self.traceback}"
        if note not in told:
            error.add_note(note)
        return error

    def alike(self, other: RunFailure) -> bool:
        """Whether both failed in the same way: same class and place, same message apart from numbers."""
        return (self.error_type, self.where, _shape(self.message)) == (
            other.error_type,
            other.where,
            _shape(other.message),
        )


class BlockReport(NamedTuple):
    """What a worker says when it is through with a block.

    Attributes
    ----------
    block : int
        Number of the block.
    n_complete : int
        Runs that are complete.
    failed : sequence of int
        Every run that failed.
    failures : tuple of RunFailure
        The failed runs in detail; tracebacks of the first ones only.
    values : list of (int, object)
        Return values of the job that are not None.
    seconds : float
        Time the block took.
    rest : sequence of int
        Runs of the block that were not begun.
    warnings : tuple of str
        Sentences the user has to see.
    again : sequence of int
        Runs that failed and are to be tried again; nothing is recorded of them.
    """

    block: int
    n_complete: int = 0
    failed: Sequence[int] = ()
    failures: tuple[RunFailure, ...] = ()
    values: Sequence[tuple[int, object]] = ()
    seconds: float = 0.0
    rest: Sequence[int] = ()
    warnings: tuple[str, ...] = ()
    again: Sequence[int] = ()


class RunSummary(NamedTuple):
    """What came of one call of :func:`xpet.run.loop.run_blocks`.

    Attributes
    ----------
    values : list of (int, object)
        Return values that are not None, ordered by run.
    n_complete : int
        Runs completed in this call.
    failed : list of int
        Every run that failed in this call, ascending.
    failures : list of RunFailure
        The first failures in detail, in the order they were reported.
    stopped_because : {'error', 'alike', 'interrupt'} or None
        Why runs were left undone; None if none were.
    n_left : int
        Runs that were not begun.
    seconds : float
        Time the call took.
    warnings : list of str
        Sentences the user has to see.
    repeat : str
        What the user types to do the first failed run again.
    """

    values: list[tuple[int, object]]
    n_complete: int
    failed: list[int]
    failures: list[RunFailure]
    stopped_because: StopReason | None
    n_left: int
    seconds: float
    warnings: list[str]
    repeat: str = ""

    def sentence(self) -> str:
        """Say what failed, or what is left, and how to go on; empty if all is done.

        Examples
        --------
        >>> failure = RunFailure(3, "ValueError", "too cold", "", "job.py:2")
        >>> print(RunSummary([], 11, [3], [failure], None, 0, 0.1, []).sentence())
        1 of 12 runs failed (run 3); the first error, in run 3: ValueError: too cold (job.py:2). \
`env.replay(3)` repeats that run here with the real exception; running again does only what is not complete.
        """
        if not self.failures:
            return interrupted(self.n_complete, self.n_left) if self.stopped_because == "interrupt" else ""
        first = self.failures[0]
        place = f" ({first.where})" if first.where else ""
        asked = self.n_complete + len(self.failed) + self.n_left
        others = f" and {self.n_complete} completed" if self.n_left else ""
        return (
            f"{len(self.failed)} of {asked} runs failed ({_named(self.failed)}){others}; the first error, in run "
            f"{first.run}: {first.error_type}: {_beginning(first.message)}{place}. "
            f"{_stopped(self.stopped_because, self.n_left)}"
            f"`{self.repeat or f'env.replay({first.run})'}` repeats that run here with the real exception; "
            f"running again does only what is not complete."
        )


class RunValues(Sequence[tuple[int, object]]):
    """What the job returned, by run, as pairs in the order of the runs; only what is not None takes memory.

    Parameters
    ----------
    runs : sequence of int
        The runs, ascending.
    values : mapping
        Return values that are not None, by run.

    Examples
    --------
    >>> RunValues([0, 2, 3], {2: 4.0})
    [(0, None), (2, 4.0), (3, None)]
    """

    def __init__(self, runs: Sequence[int] = (), values: Mapping[int, object] | None = None) -> None:
        self._runs = runs
        self._values = values or {}

    def __len__(self) -> int:
        return len(self._runs)

    @overload
    def __getitem__(self, position: int) -> tuple[int, object]: ...
    @overload
    def __getitem__(self, position: slice) -> RunValues: ...
    def __getitem__(self, position: int | slice) -> tuple[int, object] | RunValues:
        if isinstance(position, slice):
            return RunValues(self._runs[position], self._values)
        run = int(self._runs[position])
        return run, self._values.get(run)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, RunValues | list):
            return NotImplemented
        return len(self) == len(other) and all(ours == theirs for ours, theirs in zip(self, other, strict=True))

    __hash__ = None  # type: ignore[assignment]  # as a list

    def __add__(self, other: RunValues | list[tuple[int, object]]) -> list[tuple[int, object]]:
        return [*self, *other]

    def __radd__(self, other: list[tuple[int, object]]) -> list[tuple[int, object]]:
        return [*other, *self]

    def __repr__(self) -> str:
        if len(self) <= _SHOWN:
            return repr(list(self))
        return f"[{', '.join(map(repr, self[:_SHOWN]))}, … {len(self) - _SHOWN} more]"


def interrupted(complete: int, left: int) -> str:
    """Say what is stored and what is left of an interrupted study.

    Examples
    --------
    >>> interrupted(1, 3)
    'Interrupted: 1 run is complete and stored, 3 are left; running again does only what is not complete.'
    """
    return (
        f"Interrupted: {complete} {'run is' if complete == 1 else 'runs are'} complete and stored, {left} "
        f"{'is' if left == 1 else 'are'} left; running again does only what is not complete."
    )


def failure_of(run: int, error: BaseException, own_file: str, keep: bool = False) -> RunFailure:
    """Describe an exception of a run, leaving out the outermost frames that lie in `own_file`."""
    trace = error.__traceback__
    while trace is not None and trace.tb_frame.f_code.co_filename == own_file:
        trace = trace.tb_next
    text = "".join(traceback.format_exception(type(error), error, trace))
    return RunFailure(run, type(error).__name__, _text(error), text, _innermost(trace), error if keep else None)


def _text(error: BaseException) -> str:
    try:
        return str(error)
    except Exception:
        return "(the exception has no readable message)"


def _innermost(trace: TracebackType | None) -> str:
    where = ""
    while trace is not None:
        where = f"{trace.tb_frame.f_code.co_filename}:{trace.tb_lineno}"
        trace = trace.tb_next
    return where


def _shape(message: str) -> str:
    return _NUMBER.sub("#", message[:_SHAPE_LENGTH])


def _beginning(message: str) -> str:
    """As much of a message as a sentence can hold; the run table has all of it."""
    cut = len(message) > _MESSAGE_LENGTH
    return f"{message[:_MESSAGE_LENGTH]}… ({len(message)} characters in all)" if cut else message


def _named(runs: Sequence[int], limit: int = 10) -> str:
    names = ", ".join(str(run) for run in runs[:limit])
    more = f" and {len(runs) - limit} more" if len(runs) > limit else ""
    return f"{'run' if len(runs) == 1 else 'runs'} {names}{more}"


def _stopped(reason: StopReason | None, left: int) -> str:
    if reason is None:
        return ""
    why = {
        "alike": "As the first runs all failed in the same way, runs from the middle and the end included",
        "error": "After the first failure",
        "interrupt": "After Ctrl-C",
    }[reason]
    return f"{why}, {left} {'run was' if left == 1 else 'runs were'} not begun. "
