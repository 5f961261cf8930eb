"""The runs of a stored trajectory: what is missing is done, and what was done is folded."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from xpet.errors import RunFailures, StoreError, warn
from xpet.run.blocks import Block
from xpet.run.interrupts import put_off
from xpet.run.job import Job
from xpet.run.loop import GRACE_SECONDS, Plan, run_blocks
from xpet.run.options import Options, RunChoice, checked_runs
from xpet.run.pools import Pool, is_here, open_pool, workers_in
from xpet.run.ports import Executor, PackerSpec
from xpet.run.progress import Bar
from xpet.run.provenance import launch_record
from xpet.run.report import RunSummary, RunValues, interrupted
from xpet.run.worker import Task
from xpet.store.journal import open_packer, recorded
from xpet.store.launches import drop_job, write_job, write_launch
from xpet.store.place import PlaceSpec, open_place
from xpet.store.writer import Writer
from xpet.trajectory import Trajectory

_DEATHS_BLOCK = 99_999_999
"""The block number of the packets in which the coordinator records runs over which workers died."""


class Outcome(NamedTuple):
    """What came of the runs: a summary, and a pair of run and return value for each run that is complete now."""

    summary: RunSummary
    values: RunValues = RunValues()


class StoreJournal:
    """The journal of a writer, as the coordinator sees it."""

    def __init__(self, traj: Trajectory, writer: Writer) -> None:
        self._writer = writer
        self._spec, self._name = traj.v_spec, writer.meta.name

    def finished(self, block: Block) -> Mapping[int, str | None]:
        """The runs of a block that this launch has recorded, be they folded or not."""
        complete = self._writer.complete
        found: dict[int, str | None] = {run: None for run in block.runs if complete[run]}
        found.update(recorded(self._writer.place, block.number, self._writer.attempt))
        return {run: found[run] for run in block.runs if run in found}

    def fail(self, run: int, error: str, started: float, duration: float, attempt: int = 0) -> None:
        """Record the failure of a run that no worker could record."""
        packer = open_packer(self._spec, self._name, self._writer.attempt, 0.0, self._writer.meta.uuid)
        packer.begin(_DEATHS_BLOCK, run)
        packer.fail(run, error, started, duration, attempt)
        packer.end()

    def fold(self) -> object:
        """Put what is finished into the columns and publish it."""
        return self._writer.fold()


def run_missing(traj: Trajectory, writer: Writer, job: Job, options: Options, choice: RunChoice = "missing") -> Outcome:
    """Do those of the chosen runs that are not complete.

    The trajectory must be frozen. Whatever happens, every finished run is in the store afterwards.
    """
    runs = _chosen(writer, len(traj), choice)
    before = writer.complete
    _record_launch(traj, writer, job, options.resumable)
    if not len(runs):
        return Outcome(RunSummary([], 0, [], [], None, 0, 0.0, []))
    packer = PackerSpec(
        "xpet.store.journal:open_packer",
        (traj.v_spec, writer.meta.name, writer.attempt, options.flush_interval, writer.meta.uuid),
        "xpet.store.journal:check_place",
    )
    columns = {path: parameter.f_get_range(copy=False) for path, parameter in traj.explored.items()}
    task = Task(traj, job, packer, options.on_error != "continue", options.collect, options.retries, options.timeout)
    workers = options.workers or (1 if isinstance(options.place, str) else workers_in(options.place))
    pool = open_pool(options.place, task, min(workers, len(runs)), options.start_method)
    try:

        def repeat(run: int) -> str:
            return job.repeat(run, columns, traj.rng_in_words(run))

        how = (options.on_error, options.retries, options.collect, options.graceful)
        plan = Plan(runs, list(columns.values()), *how, repeat=repeat)
        with Bar(len(runs), writer.meta.name, options.progress) as bar:
            summary = run_blocks(plan, pool, StoreJournal(traj, writer), bar.take)
    except RunFailures:
        raise
    except BaseException as error:
        try:
            _end(pool, writer)
        finally:
            done = int((writer.complete & ~before).sum())
            error.add_note(interrupted(done, len(runs) - done))
        raise
    finally:
        _end(pool, writer)
    if options.delete_resume and writer.complete.all():
        drop_job(writer.place)
    now: Any = (writer.complete & ~before).nonzero()[0]
    return Outcome(summary, RunValues(now, dict(summary.values))) if options.collect else Outcome(summary)


def _end(pool: Pool, writer: Writer) -> None:
    """End the workers, and fold what they finished; more than once is fine."""
    pool.close(GRACE_SECONDS)
    with put_off():
        if writer.lease.still_ours():
            writer.fold(unfinished=True)


def _chosen(writer: Writer, length: int, choice: RunChoice) -> Sequence[int]:
    """The runs to do, ascending: those of the chosen ones that are not complete."""
    chosen = checked_runs(choice, length)
    if chosen == "missing":
        runs = writer.missing()
        return runs[: bisect_left(runs, length)]
    if chosen == "failed":
        return [run for run in writer.failed() if run < length]
    complete = [run for run in chosen if writer.complete[run]]
    if complete:
        shown = ", ".join(map(str, complete[:10])) + (", …" if len(complete) > 10 else "")
        warn(f"runs={shown}: complete already, and not done again; a study that starts again has another name")
    return [run for run in chosen if not writer.complete[run]]


def check_reach(spec: PlaceSpec, executor: str | Executor) -> None:
    """Refuse an executor in other processes for a store that they could not reach.

    Raises
    ------
    StoreError
        The store lives in this process.

    Examples
    --------
    >>> from xpet.store.place import resolve
    >>> check_reach(resolve("memory://study"), "thread")
    """
    place = open_place(spec)
    if place.in_process_only and not is_here(executor):
        raise StoreError(
            f"{place.url} lives in this process only, where worker processes cannot write; run without multiproc, or "
            "with executor='thread', or choose a path or an object store"
        )


def _record_launch(traj: Trajectory, writer: Writer, job: Job, resumable: bool) -> None:
    """Say who does the runs that follow, where, when and with what."""
    number = writer.lease.epoch
    write_launch(writer.place, number, launch_record(job, number, traj.v_seed))
    if resumable:
        write_job(writer.place, job.to_bytes())
