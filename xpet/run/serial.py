"""The pool that is this process."""

from __future__ import annotations

from xpet.run.blocks import Block
from xpet.run.pools import Done, Outcome, StartMethod
from xpet.run.worker import Task, Worker


class SerialPool:
    """Does every block here, with the live trajectory, while the coordinator waits."""

    workers = 1
    needs_points = False

    def __init__(self, task: Task, workers: int = 1, start_method: StartMethod | None = None) -> None:
        self._worker = Worker(task, keep_exceptions=task.stop_on_failure)
        self._block: Block | None = None

    def is_free(self, depth: int) -> bool:
        return self._block is None

    def submit(self, block: Block) -> None:
        self._block = block

    def wait(self, timeout: float) -> list[Outcome]:
        block, self._block = self._block, None
        return [] if block is None else [Done(block, self._worker.work(block))]

    def wind_down(self) -> None:
        self._worker.stopping = True

    def stop(self) -> None:
        self.wind_down()

    def close(self, grace: float) -> list[Outcome]:
        return []
