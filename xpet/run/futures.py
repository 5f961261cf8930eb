"""The pool over any executor that returns futures: threads, loky, what the user brings."""

from __future__ import annotations

import asyncio
import itertools
import os
import threading
from collections.abc import Callable, Iterable
from concurrent.futures import BrokenExecutor, CancelledError, Future
from contextlib import suppress
from functools import partial
from pickle import UnpicklingError
from queue import Empty, SimpleQueue
from time import monotonic
from typing import Any

from xpet.errors import MissingPackageError, RunError, shown, warn
from xpet.run.blocks import Block
from xpet.run.interrupts import held_for_children, put_off
from xpet.run.pools import Died, Done, Outcome, StartMethod, has_no_workers, is_here
from xpet.run.ports import Executor, Gone, Way
from xpet.run.remote import Elsewhere, begin
from xpet.run.report import BlockReport
from xpet.run.start import empty_main, told_if_refused
from xpet.run.threads import InThreads, Threads
from xpet.run.worker import Task

CANCELLED_LIMIT = 20
"""So many blocks in a row that an executor cancels end the study."""
ANSWER_SECONDS = 5.0
"""So long an answer that is there may take to come, and twice as long each time that is too short."""
SILENT_SECONDS = 30.0
"""An executor that answers nothing for so long is asked whether it has any workers."""
_END_SECONDS = 10.0
_WORKERS = "_processes"  # there is no public way to the processes of a loky executor
_CANCELLED = (CancelledError, asyncio.CancelledError)
_FOREIGN = (ImportError, AttributeError, UnpicklingError)


class FuturesPool:
    """Blocks as calls of an executor.

    An executor that breaks does not say over which of its blocks. None is blamed, and those that it breaks over once
    more are then done one at a time, until the one is found.

    Parameters
    ----------
    make : callable
        Returns the executor; a new one where that broke.
    way : Way
        How blocks are handed in.
    workers : int
        How many of them are done at the same time.
    end : callable, optional
        Ends the executor, at once if its second argument says so. None: the executor is the user's; it is not ended,
        nor is there another one if it breaks.
    """

    needs_points = True

    def __init__(
        self,
        make: Callable[[], Executor],
        way: Way,
        workers: int,
        end: Callable[[Any, bool], None] | None = None,
    ) -> None:
        self.workers = workers
        self._make, self._way, self._end = make, way, end
        self._executor: Executor | None = make()
        self._numbers = itertools.count()
        self._ended: SimpleQueue[int] = SimpleQueue()
        self._begun: dict[int, tuple[Future[Any], Block]] = {}
        self._is_ending = self._is_broken = False
        self._broken: list[Block] = []
        self._turned_away: list[Block] = []
        self._reason = ""
        self._seen: set[int] = set()
        self._suspects: set[int] = set()
        self._cancelled = 0
        self._patience = ANSWER_SECONDS
        self._heard = monotonic()
        self._is_warned = False

    def is_free(self, depth: int) -> bool:
        if self._is_ending or self._is_broken:
            return False
        return len(self._begun) < (1 if self._suspects else self.workers * depth)

    def submit(self, block: Block) -> None:
        # what was put back comes first: then this is the end of it
        if self._suspects.isdisjoint(block.runs):
            self._suspects.clear()
        self._hand_in(block)

    def wait(self, timeout: float) -> list[Outcome]:
        outcomes: list[Outcome] = []
        number = self._next(timeout)
        with put_off():
            while number is not None:
                outcomes += self._take(number)
                number = self._next(0.0)
            if self._is_broken and not self._begun:
                outcomes += self._after_break()
        if outcomes or not self._begun:
            self._heard = monotonic()
        elif monotonic() - self._heard > SILENT_SECONDS and not self._is_warned:
            self._look_for_workers()
        return outcomes

    def wind_down(self) -> None:
        self._is_ending = True
        self._way.stop()

    def stop(self) -> None:
        self.wind_down()
        for future, _ in list(self._begun.values()):
            # others may let go of what their workers go on with
            if isinstance(future, Future):
                future.cancel()

    def close(self, grace: float) -> list[Outcome]:
        outcomes: list[Outcome] = []
        try:
            self.stop()
            end = monotonic() + grace
            while self._begun and (left := end - monotonic()) > 0:
                outcomes += self.wait(left)
        finally:
            executor, self._executor = self._executor, None
            if executor is not None and self._end is not None:
                self._end(executor, bool(self._begun) or self._is_broken)
            self._begun.clear()
        return outcomes

    def _hand_in(self, block: Block, is_missing: bool = False) -> None:
        number = next(self._numbers)
        try:
            with put_off():
                future = self._way.submit(self._call, block, is_missing)
                if not callable(getattr(future, "add_done_callback", None)):
                    raise RunError(f"{shown(self._executor)}.submit must return a future, and it was {shown(future)}")
                self._wait_for(future, block, number)
        except BrokenExecutor as error:
            self._is_broken, self._reason = True, _words(error)
            self._turned_away.append(block)
            self._ended.put(number)

    def _call(self, function: Callable[..., object], /, *args: object) -> Future[Any]:
        assert self._executor is not None
        try:
            return self._executor.submit(function, *args)
        except BrokenExecutor:
            raise
        except Exception as error:
            raise RunError(self._complaint("takes no blocks of runs", _words(error))) from error

    def _wait_for(self, future: Future[Any], block: Block, number: int) -> None:
        self._begun[number] = future, block
        future.add_done_callback(partial(self._note, number))

    def _note(self, number: int, future: object) -> None:
        """Called in whatever thread an executor has for it."""
        self._ended.put(number)

    def _next(self, timeout: float) -> int | None:
        try:
            return self._ended.get(timeout=timeout)
        except Empty:
            return None

    def _look_for_workers(self) -> None:
        self._heard = monotonic()
        with suppress(Exception):
            self._is_warned = self._executor is not None and has_no_workers(self._executor)
        if self._is_warned:
            warn(
                f"The executor {shown(self._executor)} has no workers now, and the runs wait for one; Ctrl-C ends the "
                "study, every finished run is kept, and running again with another executor does the others"
            )

    def _take(self, number: int) -> Iterable[Outcome]:
        future, block = self._begun.pop(number, (None, None))
        if future is None or block is None:
            return ()
        result = None
        try:
            error = CancelledError() if future.cancelled() else future.exception(self._patience)
            if error is None:
                result = future.result(self._patience)
        except TimeoutError:
            # dask does a call again if the worker dies that has its answer
            self._patience *= 2
            self._wait_for(future, block, number)
            return ()
        except (Exception, asyncio.CancelledError) as lost:
            error = lost
        if isinstance(error, _CANCELLED):
            return self._take_cancelled(block)
        if error is not None:
            return self._take_error(block, error)
        answer = self._way.read(result)
        if isinstance(answer, Exception):
            raise answer
        if isinstance(answer, Gone):
            return (Died(block, (), answer.reason),)
        if answer is None:
            return self._take_missing(block)
        return (self._done(block, answer),)

    def _done(self, block: Block, report: BlockReport) -> Done:
        self._cancelled = 0
        self._suspects -= set(block.runs) - set(report.rest)
        return Done(block, report)

    def _take_missing(self, block: Block) -> Iterable[Outcome]:
        if self._is_ending:
            return (Died(None, (block,), "it was not begun"),)
        self._hand_in(block, is_missing=True)
        return ()

    def _take_cancelled(self, block: Block) -> Iterable[Outcome]:
        self._cancelled += 1
        if self._cancelled >= CANCELLED_LIMIT and not self._is_ending:
            raise RunError(self._complaint("cancels the blocks it is given", f"{self._cancelled} in a row"))
        return (Died(None, (block,), "it was cancelled"),)

    def _take_error(self, block: Block, error: BaseException) -> Iterable[Outcome]:
        """What the executor itself has to say: a block's own errors come as answers."""
        if isinstance(error, BrokenExecutor):
            self._is_broken, self._reason = True, _words(error)
            self._broken.append(block)
            return ()
        if isinstance(error, _FOREIGN):
            words = self._complaint("has workers that cannot load what they are sent", _words(error))
            raise RunError(f"{words}; they need the packages that there are here, of the same versions") from error
        return (Died(block, (), _words(error)),)

    def _after_break(self) -> Iterable[Outcome]:
        broken, turned_away = self._broken, self._turned_away
        self._broken, self._turned_away = [], []
        if not self._is_ending:
            self._renew(broken)
        runs = {run for block in broken for run in block.runs}
        is_certain = len(broken) == 1
        self._suspects = runs if is_certain else runs & self._seen
        self._seen = runs
        for block in broken:
            yield Died(block, (), self._reason, is_certain=is_certain)
        if turned_away:
            yield Died(None, turned_away, self._reason)

    def _renew(self, broken: list[Block]) -> None:
        if self._end is None:
            at = " and ".join(_span(block) for block in broken)
            words = self._complaint("is broken", self._reason)
            raise RunError(f"{words}; it was at runs {at}" if at else words)
        self._end(self._executor, True)
        self._executor = None
        self._executor = self._make()
        self._is_broken = False

    def _complaint(self, what: str, why: str) -> str:
        return (
            f"The executor {shown(self._executor)} {what} ({why}); every finished run is kept, and running again with "
            "another executor does the others"
        )


def thread_pool(task: Task, workers: int, start_method: StartMethod | None = None) -> FuturesPool:
    """Threads of our own."""
    return FuturesPool(partial(Threads, workers), InThreads(task), workers, Threads.end)


def loky_pool(task: Task, workers: int, start_method: StartMethod | None = None) -> FuturesPool:
    """Processes of loky, of our own.

    Raises
    ------
    MissingPackageError
        loky is not there.
    """
    try:
        from loky import ProcessPoolExecutor
        from loky.backend.utils import kill_process_tree
    except ModuleNotFoundError as error:
        raise MissingPackageError(
            "executor='loky' needs the package loky, which is not installed; pip install 'xpet[loky]', or take "
            "executor='process'"
        ) from error

    def make() -> Executor:
        executor: Executor = ProcessPoolExecutor(workers, initializer=begin, initargs=(os.getpid(),))
        # its processes start with the first call
        try:
            with told_if_refused(), put_off(), empty_main(), held_for_children():
                executor.submit(os.getpid)
        except BaseException:
            end(executor, True)
            raise
        return executor

    def end(executor: Any, at_once: bool) -> None:
        workers = list((getattr(executor, _WORKERS) or {}).values())
        closing = threading.Thread(target=partial(executor.shutdown, wait=True, kill_workers=at_once), daemon=True)
        closing.start()
        closing.join(_END_SECONDS)
        if closing.is_alive():
            # One that was killed while it waited for work keeps the others from hearing that there is none.
            for worker in workers:
                kill_process_tree(worker)
            closing.join()

    return FuturesPool(make, Elsewhere(task, workers), workers, end)


def pool_over(executor: Executor, task: Task, workers: int) -> FuturesPool:
    """What the user brings."""
    way: Way = InThreads(task) if is_here(executor) else Elsewhere(task, workers)
    return FuturesPool(lambda: executor, way, workers)


def _words(error: BaseException) -> str:
    first = str(error).strip().partition("\n")[0]
    return f"{type(error).__name__}: {first}" if first else type(error).__name__


def _span(block: Block) -> str:
    first, last = block.runs[0], block.runs[-1]
    return f"{first}" if first == last else f"{first} to {last}"
