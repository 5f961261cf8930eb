"""The worker loop: the same in this process and in any other."""

from __future__ import annotations

import gc
import os
import sys
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
from time import perf_counter, time
from typing import NamedTuple, NoReturn

from xpet.run.blocks import Block
from xpet.run.interrupts import put_off
from xpet.run.job import Job
from xpet.run.ports import Leaf, Packer, PackerSpec, Tree
from xpet.run.report import BlockReport, RunFailure, failure_of
from xpet.run.transport import dumps, loads
from xpet.store.packets import LeafData
from xpet.values import adopt_codecs, registered_codecs

DETAILED_FAILURES = 20
"""Failures of one block that are reported with their traceback; the journal has them all."""
_MOST_HELD = 2**30


class Task(NamedTuple):
    """What is to be done for every run, as live objects.

    Attributes
    ----------
    tree : Tree
        The trajectory; the job gets it as its first argument.
    job : Job
        The user's function with its arguments.
    packer : PackerSpec
        Where the results go.
    stop_on_failure : bool
        Do nothing more after the first failing run.
    collect : bool
        Report the job's return values.
    retries : int
        How often a failing run is tried again.
    timeout : float or None
        In seconds: a run that takes longer ends its worker process.
    """

    tree: Tree
    job: Job
    packer: PackerSpec
    stop_on_failure: bool = False
    collect: bool = True
    retries: int = 0
    timeout: float | None = None


class Work(NamedTuple):
    """A :class:`Task` as it travels to a worker, once."""

    tree: bytes
    job: bytes
    packer: PackerSpec
    stop_on_failure: bool = False
    collect: bool = True
    retries: int = 0
    timeout: float | None = None
    codecs: tuple[bytes, ...] = ()

    @classmethod
    def of(cls, task: Task) -> Work:
        """Pack a task; a TypeError names what does not pickle."""
        tree = dumps(task.tree.without_ranges(), "the trajectory (its parameters, derived parameters and config)")
        codecs = tuple(
            dumps((codec, types), f"the codec {codec.name!r}", [type(codec).__module__, *map(_module_of, types)])
            for codec, types in registered_codecs()
        )
        how = (task.stop_on_failure, task.collect, task.retries, task.timeout)
        return cls(tree, task.job.to_bytes(), task.packer, *how, codecs)

    def task(self) -> Task:
        """Unpack the task in the process that is to do it."""
        job, tree = Job.from_bytes(self.job), loads(self.tree)
        # after what the modules of the job register themselves
        adopt_codecs(map(loads, self.codecs))  # type: ignore[arg-type]  # from bytes
        how = (self.stop_on_failure, self.collect, self.retries, self.timeout)
        return Task(tree, job, self.packer, *how)  # type: ignore[arg-type]  # from bytes


class Worker:
    """Does blocks of runs, one after the other.

    Parameters
    ----------
    task : Task
        What is to be done for every run.
    keep_exceptions : bool
        Report the exceptions themselves, for use in the same process.

    Attributes
    ----------
    stopping : bool
        The present run is the last one; set from another thread, or by a failure if the task says so.
    present : (int, float) or None
        The run that is being done, and when it began by the clock of ``perf_counter``.
    timeout : float or None
        In seconds: how long a run may take.
    values : list of (int, object)
        What the job returned in this block so far.
    """

    def __init__(self, task: Task, keep_exceptions: bool = False) -> None:
        self._task = task
        self._keep = keep_exceptions
        self._packer: Packer = task.packer.open()
        self.stopping = False
        self.present: tuple[int, float] | None = None
        self.timeout = task.timeout
        self.values: list[tuple[int, object]] = []
        self._held = 0

    def work(self, block: Block) -> BlockReport:
        """Do the runs of a block; the journal has every one of them when this returns.

        Raises
        ------
        OSError
            The journal cannot be written.
        """
        if self.stopping or not len(block.runs):
            return BlockReport(block.number, rest=block.runs)
        self._packer.begin(block.number, block.runs[0])
        try:
            return self._do(block)
        finally:
            self.present = None
            # the finished runs of the block may still be on their way
            with put_off():
                if self._task.tree.v_is_run:
                    self._task.tree.leave_run()
                self._packer.end()

    def _do(self, block: Block) -> BlockReport:
        task, complete, attempt = self._task, self._packer.complete, block.attempt
        tree, function, args, kwargs = task.tree, task.job.function, task.job.args, task.job.kwargs
        enter, leave, clock, now, own, here = tree.enter_run, tree.leave_run, perf_counter, time, os.getpid, os.getpid()
        values = self.values = []
        failures, again, done = list[RunFailure](), list[int](), 0
        begun = end = clock()
        deadline = begun + block.seconds
        for run, point in zip(block.runs, block.each_point(), strict=True):
            enter(run, point)
            started, start = now(), clock()
            self.present = (run, start)
            try:
                value = function(tree, *args, **kwargs)
                end, self.present = clock(), None
                if own() != here:
                    _end_copy(None)
                try:
                    size = complete(run, _pack(leave()), started, end - start, attempt)
                except OSError as error:
                    raise JournalFault(error) from error
            except JournalFault as fault:
                raise fault.error from None
            except (Exception, SystemExit) as error:
                end = clock()
                if own() != here:
                    _end_copy(error)
                if tree.v_is_run:
                    leave()
                failure = self._fail(run, error, started, end - start, attempt)
                again.append(run) if failure is None else failures.append(failure)
            else:
                if size:
                    self._let_go(size)
                if value is not None:
                    values.append((run, value))
            done += 1
            if end > deadline or self.stopping:
                break
        return self._report(block, done, failures, values, again, clock() - begun)

    def _let_go(self, size: int) -> None:
        """Have the large arrays of a run go, which its tree holds, as groups and leaves refer to each other.

        Python looks for such when there are many objects, however large they are.
        """
        self._held += size
        is_much = self._held > _MOST_HELD
        # what is new is found at once; a part may have been taken for old
        gc.collect(2 if is_much else 1)
        self._held = 0 if is_much else self._held

    def _fail(
        self, run: int, error: Exception | SystemExit, started: float, duration: float, attempt: int
    ) -> RunFailure | None:
        """Record a failure, but for one after which the run is tried again."""
        if attempt < self._task.retries:
            return None
        failure = failure_of(run, error, __file__, self._keep)
        self._packer.fail(run, failure.traceback, started, duration, attempt)
        # not only this block: the next one may be here already
        self.stopping |= self._task.stop_on_failure
        return failure

    def _report(
        self,
        block: Block,
        done: int,
        failures: list[RunFailure],
        values: list[tuple[int, object]],
        again: list[int],
        seconds: float,
    ) -> BlockReport:
        detailed = failures[:DETAILED_FAILURES]
        short = [replace(failure, traceback="", exception=None) for failure in failures[DETAILED_FAILURES:]]
        return BlockReport(
            block.number,
            done - len(failures) - len(again),
            [failure.run for failure in failures],
            (*detailed, *short),
            values if self._task.collect else [],
            seconds,
            block.runs[done:],
            tuple(map(_dropped, dict.fromkeys(self._task.tree.take_dropped()))),
            again,
        )


def _end_copy(error: Exception | SystemExit | None) -> NoReturn:
    """End a copy of the process that a job made and did not end: the runs, and what follows, are the other one's."""
    status = error.code if isinstance(error, SystemExit) else error
    if isinstance(error, Exception):
        import traceback

        traceback.print_exception(error)
    for stream in filter(None, (sys.stdout, sys.stderr)):
        with suppress(OSError, ValueError):
            stream.flush()
    os._exit(status if isinstance(status, int) else status is not None)


def _module_of(kind: str) -> str:
    return kind.rpartition(".")[0]


def _pack(leaves: Sequence[Leaf]) -> list[LeafData]:
    return [
        LeafData(
            leaf.v_template,
            leaf.v_kind,
            leaf.v_class_name,
            leaf.v_comment,
            leaf.f_items(),
            leaf.f_notes(),
        )
        for leaf in leaves
    ]


def _dropped(link: str) -> str:
    return f"links that a run makes in groups of all runs are dropped, such as {link}; make them outside runs"


class JournalFault(Exception):
    """Carries an OSError of the journal past the handling of the job's own exceptions."""

    def __init__(self, error: OSError) -> None:
        super().__init__(str(error))
        self.error = error


def replay(tree: Tree, job: Job, run: int) -> object:
    """Do one run in this process, store nothing, and let the job's exception through.

    Parameters
    ----------
    tree : Tree
        The trajectory, with its ranges.
    job : Job
        The job and its arguments.
    run : int
        Index of the run.

    Returns
    -------
    object
        What the job returned.
    """
    tree.enter_run(run, None)
    try:
        return job.function(tree, *job.args, **job.kwargs)
    finally:
        tree.leave_run()
