"""The coordinator: hands out blocks, takes in reports, folds, and ends well whatever happens.

A whole study, as :class:`~xpet.environment.Environment` does it::

    task = Task(trajectory, Job(function, args, kwargs), PackerSpec("module:open_packer", (place_spec, …)),
                stop_on_failure=on_error != "continue")
    pool = open_pool("process", task, workers=min(ncores, len(runs)), start_method=None)
    try:
        summary = run_blocks(Plan(runs, columns, on_error), pool, journal, on_report=None)
    finally:
        pool.close(GRACE_SECONDS)
    if summary.failures:
        warn(summary.sentence())

`runs` are the runs to do, in order; `columns` the whole ranges of the explored parameters in the order of
``trajectory.explored``, indexed by run (anything with ``[i]`` and ``[a:b]``); `journal` is a
:class:`~xpet.run.ports.Journal` over the store's writer. The trajectory is frozen before and is outside run mode after.

What ends a study before its last run:

* ``on_error='stop'`` or ``'raise'`` and a failing run: nothing more is handed out, runs that are being done finish,
  everything is folded, and ``'raise'`` raises the group of the jobs' exceptions.
* the first runs all fail alike (:mod:`xpet.run.alarm`): three of the first runs, the last and the middle one.
* the journal cannot be written: its OSError is raised.
* Ctrl-C: workers get :data:`INTERRUPT_SECONDS` to finish their present run; every finished run is folded, and the
  KeyboardInterrupt goes on. With `graceful`, the first one only ends the handing out, and present runs are finished.

A worker that dies ends nothing: see :func:`xpet.run.blocks.pieces`. A run fails that a worker died over twice, or more
often if it may be tried again more often.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from time import monotonic, time
from typing import Literal, NamedTuple

from xpet.errors import RunFailures
from xpet.run.alarm import Alarm, State
from xpet.run.blocks import Backlog, Block, Pace, pieces
from xpet.run.interrupts import first_interrupt, put_off
from xpet.run.pools import Died, Done, Outcome, Pool
from xpet.run.ports import Journal
from xpet.run.report import BlockReport, RunFailure, RunSummary, StopReason

OnError = Literal["continue", "stop", "raise"]

FOLD_SECONDS = 5.0
INTERRUPT_SECONDS = 0.5
GRACE_SECONDS = 5.0
GRACEFUL_SECONDS = 0.25
DEATHS = 2
"""A run that was being done when so many workers died is a failed one, if it may not be tried again more often."""
KEPT_FAILURES = 1000
"""Failures that the summary has in detail; the journal has them all."""


class Plan(NamedTuple):
    """What is to be done.

    Attributes
    ----------
    runs : sequence of int
        The runs, in the order they are handed out; a range costs nothing.
    columns : sequence of sequence
        One whole range per explored parameter, indexed by run.
    on_error : {'continue', 'stop', 'raise'}
        What a failing run means for the others.
    retries : int
        How often a run is tried again that failed, or over which a worker died; once in the latter case if it is 0.
    collect : bool
        Whether what the job returns is wanted.
    graceful : bool
        At the first Ctrl-C finish what is being done, and return.
    first_block : int
        Number of the first block.
    repeat : callable
        What the user types to do one run again, by the run.
    """

    runs: Sequence[int]
    columns: Sequence[Sequence[object]] = ()
    on_error: OnError = "continue"
    retries: int = 0
    collect: bool = True
    graceful: bool = False
    first_block: int = 0
    repeat: Callable[[int], str] = "env.replay({})".format


def run_blocks(
    plan: Plan, pool: Pool, journal: Journal, on_report: Callable[[BlockReport], None] | None = None
) -> RunSummary:
    """Do the runs of a plan.

    Parameters
    ----------
    plan : Plan
        What is to be done.
    pool : Pool
        Who does it; once a study was stopped its pool takes no other.
    journal : Journal
        Where finished runs are found and folded.
    on_report : callable, optional
        Called with every report, in this thread.

    Returns
    -------
    RunSummary
        Return values in the order of the runs, and what failed.

    Raises
    ------
    OSError
        The journal cannot be written.
    RunFailures
        Runs failed and ``plan.on_error`` is ``'raise'``.
    """
    return _Coordinator(plan, pool, journal, on_report).go()


class _Coordinator:
    def __init__(
        self, plan: Plan, pool: Pool, journal: Journal, on_report: Callable[[BlockReport], None] | None
    ) -> None:
        self._plan = plan
        self._pool = pool
        self._journal = journal
        self._on_report = on_report
        self._backlog = Backlog(plan.runs, plan.columns if pool.needs_points else None, plan.first_block)
        self._pace = Pace(pool.workers)
        self._alarm = Alarm()
        self._scouts = 0
        self._in_flight: set[int] = set()
        self._deaths: Counter[int] = Counter()
        self._begun = self._folded = monotonic()
        self._is_unfolded = False
        self._stopped: StopReason | None = None
        self._is_asked_to_end = False
        self._values: list[tuple[int, object]] = []
        self._complete = 0
        self._failed: list[int] = []
        self._failures: list[RunFailure] = []
        self._warnings: list[str] = []

    def go(self) -> RunSummary:
        try:
            with first_interrupt(self._ask_to_end if self._plan.graceful else None):
                while self._hand_out() or self._in_flight:
                    for outcome in self._pool.wait(self._longest_wait()):
                        self._take(outcome)
                    if self._is_asked_to_end:
                        self._stop("interrupt")
                    if self._until_fold() == 0.0:
                        self._fold()
                self._fold()
        except KeyboardInterrupt:
            self._give_up(INTERRUPT_SECONDS)
            raise
        except BaseException as error:
            self._give_up_after(error)
            raise
        if self._failures and self._plan.on_error == "raise":
            raise self._raised()
        return self._summary()

    def _ask_to_end(self) -> None:
        """Called by a signal, whatever is going on."""
        self._is_asked_to_end = True
        self._pool.wind_down()

    # handing out

    def _hand_out(self) -> bool:
        """Give every worker something to do; True if anything is being done."""
        while self._may_hand_out():
            is_calm = self._alarm.state is State.OFF
            size = self._pace.size(self._backlog.remaining) if is_calm else 1
            if not self._pool.is_free(2 if is_calm and self._pace.is_quick(size) else 1):
                break
            self._scouts = max(0, self._scouts - 1)
            block = self._backlog.take(size)
            self._in_flight.add(block.number)
            self._pool.submit(block)
        return bool(self._in_flight)

    def _may_hand_out(self) -> bool:
        if self._stopped is not None or self._is_asked_to_end or not self._backlog.remaining:
            return False
        return self._alarm.state is not State.RAISED or self._scouts > 0

    def _stop(self, reason: StopReason) -> None:
        if self._stopped is None:
            self._stopped = reason
            self._pool.stop()

    # taking in

    def _take(self, outcome: Outcome) -> None:
        if isinstance(outcome, Done):
            self._in_flight.discard(outcome.block.number)
            report = outcome.report
            self._backlog.put_back(report.rest, outcome.block.attempt)
            for run in reversed(report.again):
                self._put_back((run,), outcome.block.attempt + 1)
            self._pace.learn(report.n_complete + len(report.failed) + len(report.again), report.seconds)
            self._note(report)
        else:
            self._take_death(outcome)
        self._judge()

    def _note(self, report: BlockReport) -> None:
        self._is_unfolded = True
        self._complete += report.n_complete
        self._failed += report.failed
        self._failures += report.failures[: KEPT_FAILURES - len(self._failures)]
        self._values += report.values
        self._warnings += report.warnings
        self._watch(report)
        if report.failed and self._plan.on_error != "continue":
            self._stop("error")
        if self._on_report is not None:
            self._on_report(report)

    def _watch(self, report: BlockReport) -> None:
        before = self._alarm.state
        self._alarm.take(report.n_complete, report.failures)
        if self._alarm.state is State.RAISED and before is State.WATCHING and self._backlog.remaining:
            remaining = self._backlog.remaining
            self._scouts = self._backlog.bring_forward((remaining - 1, (remaining - 1) // 2))

    def _judge(self) -> None:
        """Stop if all runs so far, scouts included, failed alike."""
        waiting = self._backlog.remaining and not self._scouts and not self._in_flight
        if self._alarm.state is State.RAISED and waiting:
            self._stop("alike")

    def _take_death(self, death: Died) -> None:
        for block in reversed(death.waiting):
            self._in_flight.discard(block.number)
            self._put_back(block.runs, block.attempt)
        if death.block is not None:
            self._in_flight.discard(death.block.number)
            self._note(self._post_mortem(death, death.block))

    def _put_back(self, runs: Sequence[int], attempt: int) -> None:
        self._backlog.put_back(runs, attempt)
        if runs and self._alarm.state is State.RAISED:
            self._scouts += 1

    def _post_mortem(self, death: Died, block: Block) -> BlockReport:
        """Find out what a dead worker finished, and put the rest of its block back."""
        finished = self._journal.finished(block)
        failures = [_recorded(run, error) for run in block.runs if (error := finished.get(run)) is not None]
        n_complete = len(finished) - len(failures)
        rest = [run for run in block.runs if run not in finished]
        if death.late is not None:
            failures += self._take_late(rest, death.late, death.reason, block.attempt)
        elif not death.is_certain:
            self._put_back(rest, block.attempt)
        elif rest:
            failures += self._take_deadly(rest, death.reason, block)
        values = [pair for pair in death.values if pair[0] in finished]
        is_lost = n_complete and self._plan.collect and death.late is None
        warnings = (_lost_values(block, len(finished)),) if is_lost else ()
        failed = [failure.run for failure in failures]
        return BlockReport(block.number, n_complete, failed, tuple(failures), values, warnings=warnings)

    def _take_late(self, rest: list[int], late: int, reason: str, attempt: int) -> list[RunFailure]:
        """It is known which run took too long, and the others had no part in it."""
        run = late if late >= 0 else rest[0] if rest else -1
        self._put_back([each for each in rest if each != run], attempt)
        if run not in rest:
            return []
        if attempt < self._plan.retries:
            self._put_back((run,), attempt + 1)
            return []
        return [self._record(run, "TimeoutError", reason, attempt)]

    def _take_deadly(self, rest: list[int], reason: str, block: Block) -> list[RunFailure]:
        failures, suspect = [], rest[0]
        self._deaths[suspect] += 1
        if len(block.runs) == 1 and self._deaths[suspect] >= max(DEATHS, self._plan.retries + 1):
            message = f"the worker process died ({reason})"
            failures.append(self._record(rest.pop(), "WorkerDied", message, block.attempt + 1))
        for piece in reversed(pieces(rest)):
            self._put_back(piece, block.attempt + (piece[0] == suspect))
        return failures

    def _record(self, run: int, kind: str, message: str, attempt: int) -> RunFailure:
        """Record a failure that the worker could not."""
        self._journal.fail(run, f"{kind}: {message}", time(), 0.0, attempt)
        return RunFailure(run, kind, message, "", "")

    # ending

    def _until_fold(self) -> float:
        return max(0.0, self._folded + FOLD_SECONDS - monotonic()) if self._is_unfolded else FOLD_SECONDS

    def _longest_wait(self) -> float:
        # a wait goes on after a signal that raises nothing
        return min(self._until_fold(), GRACEFUL_SECONDS) if self._plan.graceful else self._until_fold()

    def _fold(self) -> None:
        self._is_unfolded = False
        with put_off():
            self._journal.fold()
        self._folded = monotonic()

    def _give_up(self, grace: float) -> None:
        """End the workers and fold what they finished."""
        try:
            for outcome in self._pool.close(grace):
                if isinstance(outcome, Done):
                    self._note(outcome.report)
        finally:
            self._fold()

    def _give_up_after(self, error: BaseException) -> None:
        try:
            self._give_up(INTERRUPT_SECONDS)
        except Exception as second:
            error.add_note(f"Folding the finished runs failed as well ({second}); the next `env.run` does it.")

    def _raised(self) -> RunFailures:
        return RunFailures(self._summary().sentence(), [failure.as_exception() for failure in self._failures])

    def _summary(self) -> RunSummary:
        return RunSummary(
            sorted(self._values, key=lambda pair: pair[0]),
            self._complete,
            sorted(self._failed),
            self._failures,
            self._stopped,
            len(self._plan.runs) - self._complete - len(self._failed),
            monotonic() - self._begun,
            list(dict.fromkeys(self._warnings)),
            self._plan.repeat(self._failures[0].run) if self._failures else "",
        )


def _recorded(run: int, error: str) -> RunFailure:
    last = error.strip().rpartition("\n")[2]
    kind, _, message = last.partition(": ")
    return RunFailure(run, kind, message, error, "")


def _lost_values(block: Block, count: int) -> str:
    return (
        f"A worker process died after {count} finished runs of a block ({block.runs[0]} to {block.runs[-1]}): "
        f"their results are kept, what the job returned for them is not."
    )
