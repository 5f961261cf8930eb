"""The coordinator, with a pool that lives in virtual time."""

from __future__ import annotations

import heapq
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field

import pytest
from hypothesis import given
from hypothesis import strategies as st

from xpet.run.blocks import Block
from xpet.run.loop import DEATHS, Plan, run_blocks
from xpet.run.pools import Died, Done
from xpet.run.report import BlockReport, RunFailure


@dataclass
class Journal:
    """What is durable; `lag` is how many of the last runs of a block a dying worker takes with it."""

    lag: int = 0
    log: dict[int, str | None] = field(default_factory=dict)
    folded: list[int] = field(default_factory=list)

    def finished(self, block):
        return {run: self.log[run] for run in block.runs if run in self.log}

    def fail(self, run, error, started, duration, attempt=0):
        self.log[run] = error

    def fold(self):
        self.folded.append(len(self.log))


@dataclass
class VirtualPool:
    """Workers whose runs take `seconds(run)`, fail if `fails(run)` says how, and die in runs of `deadly`."""

    journal: Journal
    workers: int = 1
    seconds: Callable[[int], float] = lambda run: 1e-3
    fails: Callable[[int], str | None] = lambda run: None
    deadly: Callable[[int], bool] = lambda run: False
    needs_points = True

    def __post_init__(self):
        self.now = 0.0
        self.queues: list[list[Block]] = [[] for _ in range(self.workers)]
        self.running: list[tuple[float, int]] = []
        self.blocks: list[Block] = []
        self.tries: Counter[int] = Counter()
        self.busy = 0.0
        self.stopped = False

    def is_free(self, depth):
        return any(len(queue) < depth for queue in self.queues)

    def submit(self, block):
        worker = min(range(self.workers), key=lambda index: len(self.queues[index]))
        self.blocks.append(block)
        self.queues[worker].append(block)
        if len(self.queues[worker]) == 1:
            self._begin(worker)

    def _begin(self, worker):
        length = sum(self.seconds(run) for run in self.queues[worker][0].runs)
        self.busy += length
        heapq.heappush(self.running, (self.now + length, worker))

    def wait(self, timeout):
        if not self.running:
            return []
        self.now, worker = heapq.heappop(self.running)
        block = self.queues[worker].pop(0)
        outcome = self._do(block, worker)
        if self.queues[worker]:
            self._begin(worker)
        return [outcome]

    def _do(self, block, worker):
        failures, done = [], []
        for run in block.runs:
            if self.deadly(run):
                self.tries[run] += 1
                self.journal.log.update(done[: max(0, len(done) - self.journal.lag)])
                waiting, self.queues[worker] = self.queues[worker], []
                return Died(block, waiting, "killed")
            if self.stopped:
                break
            self.tries[run] += 1
            error = self.fails(run)
            done.append((run, error))
            if error is not None:
                failures.append(RunFailure(run, "ValueError", error, error, "job.py:1"))
        self.journal.log.update(done)
        seconds = sum(self.seconds(run) for run, _ in done)
        failed = [failure.run for failure in failures]
        values = [(run, -run) for run, error in done if error is None]
        rest = block.runs[len(done) :]
        return Done(block, BlockReport(block.number, len(values), failed, tuple(failures), values, seconds, rest))

    def stop(self):
        self.stopped = True

    def close(self, grace):
        return []


def run(n, on_error="continue", lag=0, **options):
    journal = Journal(lag)
    pool = VirtualPool(journal, **options)
    return run_blocks(Plan(range(n), (range(n),), on_error), pool, journal), pool, journal


def test_nothing_to_do():
    summary, pool, journal = run(0)
    assert (summary.values, summary.n_complete, pool.blocks, journal.folded) == ([], 0, [], [0])


@pytest.mark.parametrize("workers", [1, 2, 5])
def test_every_run_is_done_once_and_values_are_in_order(workers):
    summary, pool, journal = run(3000, workers=workers)
    assert summary.values == [(i, -i) for i in range(3000)]
    assert set(pool.tries.values()) == {1}
    assert (summary.n_complete, summary.failed, summary.stopped_because, summary.n_left) == (3000, [], None, 0)
    assert journal.folded[-1] == 3000
    assert [block.number for block in pool.blocks] == list(range(len(pool.blocks)))


def test_a_million_short_runs_are_few_blocks():
    _, pool, _ = run(10**6, seconds=lambda run: 1e-6)
    assert len(pool.blocks) < 30


def test_points_go_along_if_wanted():
    _, pool, _ = run(100)
    assert all([point for (point,) in block.each_point()] == list(block.runs) for block in pool.blocks)


def test_long_runs_go_one_by_one_and_are_not_queued():
    _, pool, _ = run(7, workers=3, seconds=lambda run: 3600.0)
    assert {len(block.runs) for block in pool.blocks} == {1}
    assert pool.now == 3 * 3600.0


@pytest.mark.parametrize("per_run", [1e-4, 1e-2, 0.3])
def test_workers_finish_together(per_run):
    _, pool, _ = run(4000, workers=4, seconds=lambda run: per_run)
    assert pool.now < pool.busy / 4 + max(0.4, per_run * 2)


def test_runs_get_slower():
    _, pool, _ = run(2000, workers=2, seconds=lambda run: 1e-4 if run < 1000 else 0.5)
    assert pool.now < pool.busy / 2 * 1.5


# failing


def test_a_failing_run_does_not_matter_to_the_others():
    summary, _, journal = run(100, fails=lambda run: "odd" if run % 2 else None)
    assert summary.failed == list(range(1, 100, 2))
    assert summary.n_complete == 50
    assert summary.stopped_because is None
    assert len(journal.log) == 100


@pytest.mark.parametrize("workers", [1, 3])
def test_nothing_more_is_handed_out_after_a_failure(workers):
    summary, pool, _ = run(100, "stop", fails=lambda run: "bad" if run == 5 else None, workers=workers)
    assert summary.failed == [5]
    assert summary.stopped_because == "error"
    assert summary.n_complete + 1 + summary.n_left == 100
    assert summary.n_left > 0
    assert len(pool.blocks) < 20


@pytest.mark.parametrize(("n", "workers"), [(10, 1), (10**6, 1), (10**6, 4)])
@pytest.mark.parametrize("message", ["always the same", "bad value {}"])
def test_a_study_whose_first_runs_all_fail_alike_stops(n, workers, message):
    summary, _, journal = run(n, fails=message.format, workers=workers)
    assert summary.stopped_because == "alike"
    assert 5 <= len(summary.failed) <= 5 + workers
    assert {0, 1, n - 1} < set(summary.failed)
    assert any(n // 4 < run < 3 * n // 4 for run in summary.failed)
    assert summary.n_left == n - len(summary.failed)
    assert "failed in the same way" in summary.sentence()
    assert journal.folded[-1] == len(summary.failed)


@pytest.mark.parametrize("n", [1, 2, 3, 4, 5])
def test_a_short_study_is_done_to_its_end(n):
    summary, _, _ = run(n, fails=lambda run: "bad")
    assert (summary.stopped_because, len(summary.failed)) == (None, n)


@pytest.mark.parametrize(
    "fails",
    [
        lambda run: "bad corner" if run < 500 else None,
        lambda run: "bad corner" if run < 999 else None,
        lambda run: "bad" if not 400 < run < 600 else "otherwise",
        lambda run: None if run == 2 else "bad",
        lambda run: "abcdefghijklmnopqrstuvwxyz"[run % 26],
    ],
    ids=["half", "all but the last", "the middle otherwise", "the third run is good", "each otherwise"],
)
@pytest.mark.parametrize("workers", [1, 4])
def test_a_study_that_does_not_fail_alike_goes_on(fails, workers):
    summary, _, _ = run(1000, fails=fails, workers=workers)
    assert summary.stopped_because is None
    assert summary.n_complete + len(summary.failed) == 1000


# dying


@pytest.mark.parametrize("workers", [1, 2, 4])
@pytest.mark.parametrize("deadly", [{0}, {7}, {40, 41, 42}, {0, 99}, set(range(20, 60))], ids=str)
@pytest.mark.parametrize("lag", [0, 3, 100], ids=lambda lag: f"lag {lag}")
def test_only_runs_that_kill_their_worker_are_given_up(deadly, workers, lag):
    summary, pool, journal = run(100, deadly=deadly.__contains__, workers=workers, lag=lag)
    assert set(summary.failed) == deadly
    assert summary.stopped_because is None
    assert summary.n_complete == 100 - len(deadly)
    assert len(journal.log) == 100
    assert all(2 <= pool.tries[run] <= 12 for run in deadly)
    assert all("the worker process died (killed)" in journal.log[run] for run in deadly)
    assert journal.folded[-1] == 100


def test_a_death_leaves_other_runs_all_their_tries():
    _, pool, _ = run(1000, deadly=lambda run: run == 700)
    assert [block.attempt for block in pool.blocks if list(block.runs) == [700]] == [1]
    assert {block.attempt for block in pool.blocks if 700 not in block.runs} == {0}


def test_where_the_journal_is_prompt_a_death_costs_two_tries():
    _, pool, _ = run(1000, deadly={500}.__contains__)
    assert pool.tries.pop(500) == DEATHS
    assert set(pool.tries.values()) == {1}


@given(
    n=st.integers(1, 120),
    workers=st.integers(1, 4),
    lag=st.integers(0, 50),
    deadly=st.sets(st.integers(0, 119), max_size=8),
    bad=st.sets(st.integers(0, 119), max_size=20),
)
def test_whatever_dies_and_fails_every_run_has_an_end(n, workers, lag, deadly, bad):
    summary, _, journal = run(
        n, workers=workers, lag=lag, deadly=deadly.__contains__, fails=lambda run: f"bad {run}" if run in bad else None
    )
    ended = summary.n_complete + len(summary.failed)
    assert ended + summary.n_left == n
    assert ended == len(journal.log)
    assert sorted(run for run, error in journal.log.items() if error is not None) == summary.failed
    assert set(summary.failed) <= deadly | bad
    assert (summary.n_left > 0) == (summary.stopped_because == "alike")


def test_a_study_whose_runs_all_die_stops():
    summary, pool, _ = run(10**5, deadly=lambda run: True)
    assert summary.stopped_because == "alike"
    assert set(summary.failed) >= {0, 10**5 - 1}
    assert sum(pool.tries.values()) < 20


def test_a_death_after_a_failing_run_keeps_the_failure():
    # the block 1, …, 8 fails at 3 and dies at 4
    summary, _, _ = run(20, fails=lambda run: "ValueError: bad" if run == 3 else None, deadly={4}.__contains__)
    assert summary.failed == [3, 4]
    assert [(f.error_type, f.message) for f in summary.failures if f.run == 3] == [("ValueError", "bad")]


def test_values_lost_with_a_worker_are_named():
    summary, _, _ = run(20, deadly={4}.__contains__)
    assert [run for run, _ in summary.values] == [0, *range(5, 20)]
    assert len(summary.warnings) == 1
    assert "3 finished runs" in summary.warnings[0]


# ending


class Breaking(VirtualPool):
    """Raises in its third wait."""

    error: BaseException = KeyboardInterrupt()

    def wait(self, timeout):
        if len(self.blocks) == 3:
            raise self.error
        return super().wait(timeout)

    def close(self, grace):
        self.closed = grace
        return super().wait(0)


@pytest.mark.parametrize(
    "error", [KeyboardInterrupt(), OSError(28, "No space left on device")], ids=["Ctrl-C", "ENOSPC"]
)
def test_finished_runs_are_folded_whatever_ends_the_study(error):
    journal = Journal()
    pool = Breaking(journal)
    pool.error = error
    reports = []
    with pytest.raises(type(error)):
        run_blocks(Plan(range(1000), (range(1000),)), pool, journal, reports.append)
    assert pool.closed < 1
    assert journal.folded == [len(journal.log)]
    assert sum(report.n_complete for report in reports) == len(journal.log) == 9


def test_an_error_while_folding_does_not_hide_the_first():
    journal = Journal()
    journal.fold = lambda: 1 / 0
    pool = Breaking(journal)
    pool.error = OSError("disk full")
    with pytest.raises(OSError, match="disk full") as caught:
        run_blocks(Plan(range(1000), (range(1000),)), pool, journal)
    assert "division by zero" in caught.value.__notes__[0]


def test_folds_are_rare_and_only_when_there_is_something(monkeypatch):
    clock = [0.0]
    monkeypatch.setattr("xpet.run.loop.monotonic", lambda: clock[0])
    journal = Journal()

    class Slow(VirtualPool):
        def wait(self, timeout):
            assert 0 <= timeout <= 5
            clock[0] += 1.0
            return [] if clock[0] % 20 else super().wait(timeout)

    run_blocks(Plan(range(5), (range(5),)), Slow(journal, seconds=lambda run: 100.0), journal)
    assert clock[0] == 100
    assert journal.folded == [1, 2, 3, 4, 5, 5]


def test_reports_are_passed_on():
    reports = []
    journal = Journal()
    run_blocks(Plan(range(50), (range(50),)), VirtualPool(journal), journal, reports.append)
    assert sum(report.n_complete for report in reports) == 50
