"""The port of the coordinator to those who do blocks, and the pools known by name."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Literal, Protocol, cast

from xpet.run.blocks import Block
from xpet.run.ports import load
from xpet.run.report import BlockReport
from xpet.run.worker import Task

StartMethod = Literal["spawn", "forkserver", "fork"]

POOLS: dict[str, str] = {
    "serial": "xpet.run.serial:SerialPool",
    "process": "xpet.run.processes:ProcessPool",
}
"""Pools by name, as ``'module:name'`` of a callable with the arguments ``(task, workers, start_method)``."""


@dataclass(frozen=True, slots=True)
class Done:
    """A worker is through with a block."""

    block: Block
    report: BlockReport


@dataclass(frozen=True, slots=True)
class Died:
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
    """

    block: Block | None
    waiting: Sequence[Block]
    reason: str
    late: int | None = None
    values: list[tuple[int, object]] = field(default_factory=list)


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


def open_pool(name: str, task: Task, workers: int = 1, start_method: StartMethod | None = None) -> Pool:
    """Open a pool; the caller closes it.

    Parameters
    ----------
    name : str
        One of :data:`POOLS`: ``'serial'`` does the runs in this process, ``'process'`` in `workers` others.
    task : Task
        What is to be done for every run.
    workers : int
        How many worker processes; more than there are runs is a waste.
    start_method : {'spawn', 'forkserver', 'fork'}, optional
        How processes start; ``'forkserver'`` if not given, ``'spawn'`` on Windows and macOS.

    Raises
    ------
    ValueError
        No pool has this name, the number is not positive, or the start method is not one of this system's.
    TypeError
        The job or the trajectory does not pickle.
    """
    if name not in POOLS:
        raise ValueError(f"There is no executor {name!r}; choose one of {', '.join(map(repr, POOLS))}.")
    if workers < 1:
        raise ValueError(f"The number of workers must be at least 1, not {workers}.")
    factory = cast(Callable[[Task, int, StartMethod | None], Pool], load(POOLS[name]))
    return factory(task, workers, start_method)
