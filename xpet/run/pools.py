"""The port of the coordinator to those who do blocks, and the pools known by name."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from typing import Literal, NamedTuple, Protocol, cast

from xpet.errors import RunError
from xpet.run.blocks import Block
from xpet.run.ports import Executor, load
from xpet.run.report import BlockReport
from xpet.run.worker import Task

StartMethod = Literal["spawn", "forkserver", "fork"]

POOLS: dict[str, str] = {
    "serial": "xpet.run.serial:SerialPool",
    "thread": "xpet.run.futures:thread_pool",
    "process": "xpet.run.processes:ProcessPool",
    "loky": "xpet.run.futures:loky_pool",
}
"""Pools by name, as ``'module:name'`` of a callable with the arguments ``(task, workers, start_method)``."""


class Done(NamedTuple):
    """A worker is through with a block."""

    block: Block
    report: BlockReport


class Died(NamedTuple):
    """A worker died.

    Attributes
    ----------
    block : Block or None
        The block it was at.
    waiting : sequence of Block
        Blocks it had been given and had not begun.
    reason : str
        What is known of its end.
    late : int, optional
        It ended because this run took longer than a run may; -1: the first that it did not finish.
    values : list of (int, object)
        What the job returned in the block it was at, if it could still tell.
    is_certain : bool
        It died at this block; False: at this one or another.
    """

    block: Block | None
    waiting: Sequence[Block]
    reason: str
    late: int | None = None
    values: Sequence[tuple[int, object]] = ()
    is_certain: bool = True


Outcome = Done | Died


class Pool(Protocol):
    """Those who do blocks.

    Attributes
    ----------
    workers : int
        How many blocks are done at the same time.
    needs_points : bool
        Whether blocks must carry their points.
    """

    workers: int
    needs_points: bool

    def is_free(self, depth: int) -> bool:
        """Whether some worker has fewer than `depth` blocks."""
        ...

    def submit(self, block: Block) -> None:
        """Hand out a block; some worker must be free."""
        ...

    def wait(self, timeout: float) -> list[Outcome]:
        """Return what happened, at the latest after `timeout` seconds."""
        ...

    def wind_down(self) -> None:
        """Begin with :meth:`stop`, which follows, as far as a signal handler can."""
        ...

    def stop(self) -> None:
        """Let every worker end with its present run."""
        ...

    def close(self, grace: float) -> list[Outcome]:
        """End the workers, by force after `grace` seconds, and return what still happened; safe to call twice."""
        ...


def is_here(executor: str | Executor) -> bool:
    """Whether the runs are done in this process.

    Examples
    --------
    >>> is_here("thread"), is_here("process")
    (True, False)
    """
    if isinstance(executor, str):
        return executor in ("serial", "thread")
    from concurrent.futures import ThreadPoolExecutor

    return isinstance(executor, ThreadPoolExecutor)


def workers_in(executor: Executor) -> int:
    """How many workers an executor says that it has; where it says nothing, one for each core of this machine."""
    return next((number for number in _told(executor) if number > 0), os.cpu_count() or 1)


def has_no_workers(executor: Executor) -> bool:
    """Whether an executor says that it has no workers now.

    Examples
    --------
    >>> from types import SimpleNamespace
    >>> has_no_workers(SimpleNamespace(ncores=dict)), has_no_workers(SimpleNamespace())
    (True, False)
    """
    return any(number == 0 for number in _told(executor))


def _told(executor: Executor) -> Iterator[int]:
    for name in ("ncores", "num_workers", "max_workers"):
        found = getattr(executor, name, None)
        if callable(found):
            found = found()
        # dask has them by the address of the worker
        number = sum(found.values()) if isinstance(found, dict) else found
        if isinstance(number, int):
            yield number


def open_pool(executor: str | Executor, task: Task, workers: int = 1, start_method: StartMethod | None = None) -> Pool:
    """Open a pool; the caller closes it.

    Parameters
    ----------
    executor : str or Executor
        One of :data:`POOLS`: ``'serial'`` does the runs in this process, ``'process'`` in `workers` others; or an
        object with ``submit(function, *args)`` that returns a future; it is not closed with the pool.
    task : Task
        What is to be done for every run.
    workers : int
        How many workers; more than there are runs is a waste.
    start_method : {'spawn', 'forkserver', 'fork'}, optional
        How processes start; ``'forkserver'`` if not given, ``'spawn'`` on Windows and macOS.

    Raises
    ------
    ValueError
        No pool has this name, the number is not positive, or the start method is not one of this system's.
    TypeError
        The job or the trajectory does not pickle.
    RunError
        This process may not start others.
    """
    if workers < 1:
        raise ValueError(f"The number of workers must be at least 1, not {workers}.")
    if not isinstance(executor, str):
        return cast(Pool, load("xpet.run.futures:pool_over")(executor, task, workers))
    if executor not in POOLS:
        raise ValueError(f"There is no executor {executor!r}; choose one of {', '.join(map(repr, POOLS))}.")
    if not is_here(executor) and _is_daemonic():
        raise RunError(
            f"executor={executor!r} starts processes, which this one may not: it is daemonic, as workers of "
            "multiprocessing.Pool and of dask are; take 'serial' or 'thread' here, or start it as one that is not"
        )
    factory = cast(Callable[[Task, int, StartMethod | None], Pool], load(POOLS[executor]))
    return factory(task, workers, start_method)


def _is_daemonic() -> bool:
    import multiprocessing

    return multiprocessing.current_process().daemon
