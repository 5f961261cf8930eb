"""Blocks in threads of this process."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future
from queue import SimpleQueue
from threading import Thread, get_ident
from typing import Any, cast

from xpet.run.blocks import Block
from xpet.run.ports import Answer, Gone, Submit, Tree
from xpet.run.transport import dumps, loads
from xpet.run.worker import Task, Worker


class Threads:
    """An executor whose threads do not outlive the interpreter.

    That of ``concurrent.futures`` has the end of the interpreter wait until its threads are through, which after Ctrl-C
    may be hours.

    Parameters
    ----------
    number : int
        How many threads.
    """

    def __init__(self, number: int) -> None:
        self._calls: SimpleQueue[tuple[Future[Any], Callable[..., object], tuple[object, ...]] | None] = SimpleQueue()
        self._threads = [Thread(target=self._go, daemon=True, name=f"xpet-run-{i}") for i in range(number)]
        for thread in self._threads:
            thread.start()

    def submit(self, function: Callable[..., object], /, *args: object) -> Future[Any]:
        """Have a thread call a function."""
        future: Future[Any] = Future()
        self._calls.put((future, function, args))
        return future

    def end(self, at_once: bool) -> None:
        """Let the threads go, and wait for them unless they may be in the midst of something."""
        for _ in self._threads:
            self._calls.put(None)
        if not at_once:
            for thread in self._threads:
                thread.join()

    def _go(self) -> None:
        while (call := self._calls.get()) is not None:
            future, function, args = call
            if future.set_running_or_notify_cancel():
                try:
                    future.set_result(function(*args))
                except BaseException as error:
                    future.set_exception(error)
            # what a thread that waits keeps in mind nobody else can forget
            del call, future, function, args


class InThreads:
    """Each thread has a tree and a packer of its own; the job, with its arguments, is the same object in all of them.

    Parameters
    ----------
    task : Task
        What is to be done for every run.
    """

    def __init__(self, task: Task) -> None:
        self._task = task
        self._tree = dumps(task.tree.without_ranges(), "the trajectory (its parameters, derived parameters and config)")
        self._workers: dict[int, Worker] = {}
        self._is_stopping = False

    def submit(self, submit: Submit, block: Block, is_missing: bool) -> Future[Any]:
        """Hand a block in."""
        return submit(self._do, block)

    def read(self, result: object) -> Answer:
        """Read what a call returned."""
        return cast(Answer, result)

    def stop(self) -> None:
        """Let every thread end with its present run."""
        self._is_stopping = True
        for worker in list(self._workers.values()):
            worker.stopping = True

    def _do(self, block: Block) -> Answer:
        try:
            return self._worker().work(block)
        except Exception as error:
            return error
        except BaseException as error:
            return Gone(f"the job raised {error!r}")

    def _worker(self) -> Worker:
        worker = self._workers.get(get_ident())
        if worker is None:
            task = self._task._replace(tree=cast(Tree, loads(self._tree)))
            worker = self._workers[get_ident()] = Worker(task, keep_exceptions=task.stop_on_failure)
        if self._is_stopping:
            worker.stopping = True
        return worker
