"""Executors that go wrong in ways that the real ones show too seldom."""

from __future__ import annotations

import asyncio
import os
import signal
import threading
from concurrent.futures import BrokenExecutor, CancelledError, Future, ThreadPoolExecutor
from types import SimpleNamespace
from typing import Any

import pytest
from fixtures_run import FileJournal, PlainTree, study

from xpet.errors import RunError
from xpet.run import futures, remote
from xpet.run.blocks import Block
from xpet.run.futures import ANSWER_SECONDS, FuturesPool
from xpet.run.job import Job
from xpet.run.pools import Died, Done, workers_in
from xpet.run.ports import PackerSpec
from xpet.run.remote import Elsewhere
from xpet.run.report import BlockReport
from xpet.run.worker import Task


def square(traj):
    traj.add("z", traj.x**2)
    return traj.v_idx


class InTurns:
    """Calls go to one thread after the other, so that it is known which worker has heard what."""

    def __init__(self, workers: int) -> None:
        self._workers = [ThreadPoolExecutor(1) for _ in range(workers)]
        self.futures: list[Future[Any]] = []

    def submit(self, function, /, *args):
        worker = self._workers[len(self.futures) % len(self._workers)]
        self.futures.append(worker.submit(function, *args))
        return self.futures[-1]

    def answers(self) -> str:
        return "".join(chr(future.result()[0]) for future in self.futures)

    def end(self) -> None:
        for worker in self._workers:
            worker.shutdown()


def test_a_worker_that_does_not_know_what_to_do_is_told(tmp_path):
    executor = InTurns(3)
    try:
        summary = study(square, tmp_path, n=40, executor=executor, workers=1)
        assert summary.values == [(run, run) for run in range(40)]
        assert FileJournal(tmp_path).complete() == list(range(40))
        # the first call tells the first thread, and the second thread asks
        assert executor.answers().startswith("DM")
    finally:
        executor.end()


def test_a_worker_remembers_a_few_launches(tmp_path):
    packer = PackerSpec("fixtures_run:FilePacker", (str(tmp_path),))
    here = remote.do
    block = Block(0, range(0), ())
    task = Task(PlainTree(x=[0.0]), Job(square), packer)
    launches = [Elsewhere(task, 1).submit(lambda function, *args: args, block, False) for _ in range(remote.KEPT + 1)]
    answers: list[bytes] = []

    def go() -> None:
        answers.extend(here(*launch)[:1] for launch in launches)
        answers.extend(here(launch, None, data)[:1] for launch, _, data in reversed(launches))

    thread = threading.Thread(target=go)
    thread.start()
    thread.join()
    assert answers == [b"D"] * (2 * remote.KEPT + 1) + [b"M"]


@pytest.mark.parametrize(
    ("executor", "number"),
    [
        (SimpleNamespace(ncores=lambda: {"tcp://a": 3, "tcp://b": 4}), 7),
        (SimpleNamespace(num_workers=5), 5),
        (SimpleNamespace(max_workers=6), 6),
        (SimpleNamespace(ncores=dict, max_workers=6), 6),
        (SimpleNamespace(), 12),
    ],
    ids=["ncores()", "num_workers", "max_workers", "none of its own", "nothing"],
)
def test_an_executor_may_say_how_many_workers_it_has(executor, number, monkeypatch):
    monkeypatch.setattr("os.cpu_count", lambda: 12)
    assert workers_in(executor) == number


# Executors that do not do their work ----------------------------------------------------------------------------------


class Ending:
    """Every call ends like this."""

    def __init__(self, *ends: object) -> None:
        self._ends = list(ends)

    def submit(self, function, /, *args):
        future: Future[Any] = Future()
        end = self._ends.pop(0) if self._ends else None
        if end is None:
            future.set_running_or_notify_cancel()
            future.set_result(function(*args))
        elif end == "cancel":
            future.cancel()
            future.set_running_or_notify_cancel()
        else:
            future.set_exception(end)
        return future


class KilledWorker(Exception):
    """As of dask."""


@pytest.fixture(autouse=True)
def fresh(monkeypatch):
    monkeypatch.setattr(remote, "_WORKERS", {})


def test_blocks_that_are_cancelled_are_done_later(tmp_path):
    summary = study(square, tmp_path, n=40, executor=Ending(None, "cancel", "cancel", None, "cancel"))
    assert (summary.n_complete, summary.failed) == (40, [])


def test_an_executor_that_does_nothing_but_cancel_ends_the_study(tmp_path):
    with pytest.raises(RunError, match=r"Ending.* cancels the blocks it is given \(20 in a row\); every finished run"):
        study(square, tmp_path, executor=Ending(*["cancel"] * 1000))


def test_a_block_that_an_executor_gives_up_is_tried_once_more(tmp_path):
    summary = study(square, tmp_path, n=40, executor=Ending(None, KilledWorker("died 4 times")))
    assert (summary.n_complete, summary.failed) == (40, [])
    worse = study(square, tmp_path / "worse", n=4, executor=Ending(None, *[KilledWorker("died 4 times")] * 2))
    assert worse.failed == [1]
    assert "KilledWorker: died 4 times" in worse.failures[0].message


class Answering:
    """Calls nothing, and says this."""

    def __init__(self, submitted: object) -> None:
        self._submitted = submitted

    def submit(self, function, /, *args):
        return self._submitted


def answered(result: object) -> Future[object]:
    future: Future[object] = Future()
    future.set_result(result)
    return future


@pytest.mark.parametrize(
    ("submitted", "words"),
    [
        (None, r"Answering .*\.submit must return a future, and it was None"),
        (answered(None), "return what the function that it calls returned, and it was None"),
        (answered(b""), "return what the function that it calls returned, and it was b''"),
    ],
    ids=["no future", "no answer", "empty answer"],
)
def test_what_is_no_executor_is_told_so(submitted, words, tmp_path):
    with pytest.raises(RunError, match=words):
        study(square, tmp_path, executor=Answering(submitted))


class Losing:
    """As dask, it loses the answer to a call, and says that it is done with it when it has another, or gave up."""

    def __init__(self, error: Exception | None) -> None:
        self.error, self.tries = error, 0

    def submit(self, function, /, *args):
        return Lost(self, function, args)


class Lost:
    def __init__(self, executor, function, args) -> None:
        self.executor, self.call = executor, (function, args)

    def add_done_callback(self, tell):
        tell(self)

    def cancelled(self):
        return False

    def exception(self, timeout=None):
        return None

    def result(self, timeout=None):
        self.executor.tries += 1
        if self.executor.tries == 1:
            assert timeout == ANSWER_SECONDS
            raise TimeoutError
        if self.executor.tries == 2 and self.executor.error is not None:
            raise self.executor.error
        function, args = self.call
        return function(*args)


@pytest.mark.parametrize(
    "error", [None, KilledWorker("died 4 times"), CancelledError("lost"), asyncio.CancelledError("lost")], ids=repr
)
def test_an_answer_that_was_lost_is_waited_for_or_its_block_done_again(tmp_path, error):
    summary = study(square, tmp_path, n=40, executor=Losing(error))
    assert (summary.n_complete, summary.failed) == (40, [])


def test_that_there_are_no_workers_is_said_once(tmp_path, monkeypatch):
    monkeypatch.setattr(futures, "SILENT_SECONDS", 0.0)
    executor, workers = Doing(None), {"tcp://a": 1}
    executor.ncores = lambda: workers
    pool = FuturesPool(lambda: executor, ByHand(), 1)
    pool.submit(*blocks(0))
    assert pool.wait(0.0) == []
    workers.clear()
    with pytest.warns(UserWarning, match=r"Doing.* has no workers now.*Ctrl-C ends the study, every finished run"):
        assert pool.wait(0.0) == []
    assert pool.wait(0.0) == []


@pytest.mark.parametrize("error", [ModuleNotFoundError("No module named 'xpet'"), AttributeError("no 'do'")], ids=repr)
def test_workers_without_the_packages_end_the_study(tmp_path, error):
    with pytest.raises(RunError, match=r"cannot load what they are sent.*they need the packages") as caught:
        study(square, tmp_path, executor=Ending(None, error))
    assert caught.value.__cause__ is error
    assert FileJournal(tmp_path).complete() == [0]


def test_an_executor_that_was_shut_down_takes_nothing(tmp_path):
    executor = ThreadPoolExecutor(1)
    executor.shutdown()
    with pytest.raises(RunError, match=r"takes no blocks of runs .*after shutdown"):
        study(square, tmp_path, executor=executor)


@pytest.mark.parametrize(
    "error", [OSError("no"), ValueError("it is closed"), AttributeError("no 'send'"), TypeError("no")], ids=repr
)
def test_what_an_executor_raises_that_takes_nothing_is_told(error, tmp_path):
    with pytest.raises(RunError, match=r"Doing .*takes no blocks of runs \(\w+Error: .*\); every finished") as caught:
        study(square, tmp_path, executor=Doing(error))
    assert caught.value.__cause__ is error


def test_the_executor_of_the_user_is_not_shut_down(tmp_path):
    with ThreadPoolExecutor(1) as executor:
        study(square, tmp_path, executor=executor)
        assert executor.submit(len, "abc").result() == 3


# Executors that break -------------------------------------------------------------------------------------------------


class ByHand:
    """A way in which nothing happens by itself."""

    def __init__(self) -> None:
        self.futures: dict[int, Future[Any]] = {}

    def submit(self, submit, block, is_missing):
        self.futures[block.number] = submit(len, "abc")
        return self.futures[block.number]

    def read(self, result):
        return result

    def stop(self) -> None: ...


class Doing:
    """Takes calls and does nothing of them, or raises an error."""

    def __init__(self, error: Exception | None) -> None:
        self.error, self.ended = error, None

    def submit(self, function, /, *args):
        if self.error is not None:
            raise self.error
        return Future()


def breaking():
    executors = []

    def make():
        executors.append(Doing(None))
        return executors[-1]

    way = ByHand()
    return FuturesPool(make, way, 2, lambda executor, at_once: setattr(executor, "ended", at_once)), way, executors


def blocks(*numbers):
    return [Block(number, range(10 * number, 10 * number + 10)) for number in numbers]


def break_over(pool, way, *several):
    for block in several:
        way.futures[block.number].set_exception(BrokenExecutor("a worker died"))
    return [(outcome.block, outcome.is_certain) for outcome in pool.wait(5.0)]


def test_of_several_blocks_that_were_at_work_when_an_executor_broke_none_is_blamed_at_first():
    pool, way, executors = breaking()
    first, second, third = blocks(0, 1, 2)
    pool.submit(first)
    pool.submit(second)
    assert break_over(pool, way, first, second) == [(first, False), (second, False)]
    assert [executor.ended for executor in executors] == [True, None]

    # both at once again: it was over one of them that it broke
    assert pool.is_free(1)
    pool.submit(first)
    assert pool.is_free(1)
    pool.submit(third)
    assert break_over(pool, way, first, third) == [(first, False), (third, False)]

    # then what was there both times is done alone
    pool.submit(first)
    assert not pool.is_free(2)
    assert break_over(pool, way, first) == [(first, True)]
    pool.submit(Block(3, first.runs[:1]))
    assert not pool.is_free(2)
    way.futures[3].set_result(BlockReport(3, 1))
    assert [type(outcome) for outcome in pool.wait(5.0)] == [Done]
    pool.submit(third)
    assert pool.is_free(1)
    pool.close(0.0)
    assert executors[-1].ended is True


def test_while_an_executor_breaks_nothing_is_handed_in():
    pool, way, executors = breaking()
    first, second = blocks(0, 1)
    pool.submit(first)
    pool.submit(second)
    assert break_over(pool, way, first) == []
    assert not pool.is_free(2)
    way.futures[1].set_result(BlockReport(1, 10))
    assert [type(outcome) for outcome in pool.wait(5.0)] == [Done, Died]
    assert len(executors) == 2
    assert pool.is_free(1)


def test_a_block_that_a_broken_executor_turns_away_is_no_suspect():
    pool, _, executors = breaking()
    executors[0].error = BrokenExecutor("found broken")
    (block,) = blocks(0)
    pool.submit(block)
    (death,) = pool.wait(5.0)
    assert (death.block, list(death.waiting)) == (None, [block])
    assert len(executors) == 2
    assert pool.is_free(2)


def test_a_pool_that_is_stopped_takes_back_what_has_not_begun():
    pool, way, executors = breaking()
    first, second = blocks(0, 1)
    pool.submit(first)
    pool.submit(second)
    way.futures[0].set_running_or_notify_cancel()
    pool.stop()
    assert not pool.is_free(9)
    (death,) = pool.wait(5.0)
    assert (death.block, list(death.waiting)) == (None, [second])
    way.futures[0].set_result(BlockReport(0, 10))
    assert [type(outcome) for outcome in pool.close(5.0)] == [Done]
    assert pool.close(5.0) == []
    assert [executor.ended for executor in executors] == [False]


@pytest.mark.skipif(not hasattr(signal, "SIGSTOP"), reason="processes cannot be stopped here")
def test_a_worker_of_loky_that_does_not_hear_of_the_end_is_ended(tmp_path, monkeypatch):
    """As where another one was killed while it waited for work: the study was done, and did not end."""
    loky = pytest.importorskip("loky", reason="it is about loky")
    monkeypatch.setattr(futures, "_END_SECONDS", 0.5)
    shutdown, stopped = loky.ProcessPoolExecutor.shutdown, []

    def stop_one(self, *args, **kwargs):
        stopped.append(next(iter(self._processes)))
        os.kill(stopped[-1], signal.SIGSTOP)
        return shutdown(self, *args, **kwargs)

    monkeypatch.setattr(loky.ProcessPoolExecutor, "shutdown", stop_one)
    summary = study(square, tmp_path, n=10, executor="loky", workers=2)
    assert summary.values == [(run, run) for run in range(10)]
    with pytest.raises(ProcessLookupError):
        os.kill(stopped[0], 0)
