"""The worker loop, in this process."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time

import pytest
from fixtures_run import FileJournal, FilePacker, PlainTree

from xpet.run.blocks import Block
from xpet.run.job import Job
from xpet.run.ports import PackerSpec
from xpet.run.worker import DETAILED_FAILURES, Task, Work, Worker, replay
from xpet.store.journal import recorded, waiting
from xpet.store.place import open_place, resolve


def product(traj, factor=2):
    traj.add("z", traj.x * factor)
    return traj.v_idx


def task(function, folder, n=5, **options):
    tree = PlainTree(x=[float(i) for i in range(n)])
    return Task(tree, Job(function), PackerSpec("fixtures_run:FilePacker", (str(folder),)), **options)


def test_results_are_in_the_journal_and_values_in_the_report(tmp_path):
    report = Worker(task(product, tmp_path)).work(Block(3, range(1, 4), attempt=2))
    assert [(r["run"], r["values"], r["attempt"]) for r in FileJournal(tmp_path).records()] == [
        (1, {"z": 2.0}, 2),
        (2, {"z": 4.0}, 2),
        (3, {"z": 6.0}, 2),
    ]
    assert (report.block, report.n_complete, report.failed, list(report.rest)) == (3, 3, [], [])
    assert report.values == [(1, 1), (2, 2), (3, 3)]


def test_values_are_not_kept_if_not_wanted(tmp_path):
    assert Worker(task(product, tmp_path, collect=False)).work(Block(0, range(3))).values == []


def test_work_travels(tmp_path):
    work = Work.of(task(lambda traj: traj.add("z", -traj.x), tmp_path))
    Worker(work.task()).work(Block(0, [4, 2], ([40.0, 20.0],)))
    assert [(r["run"], r["values"]["z"]) for r in FileJournal(tmp_path).records()] == [(4, -40.0), (2, -20.0)]


def test_a_trajectory_that_does_not_pickle_is_named(tmp_path):
    given = task(product, tmp_path)
    given.tree.without_ranges = lambda: (value for value in ())
    with pytest.raises(TypeError, match=r"the trajectory .* cannot be sent"):
        Work.of(given)


def half_bad(traj):
    if traj.x % 2:
        raise ValueError(f"{traj.x} is odd")
    traj.add("z", 1)


def test_a_failing_run_is_recorded_and_the_others_go_on(tmp_path):
    given = task(half_bad, tmp_path)
    report = Worker(given).work(Block(0, range(5)))
    journal = FileJournal(tmp_path)
    assert journal.complete() == [0, 2, 4]
    assert set(journal.failed()) == {1, 3}
    text = journal.failed()[3]
    assert text.startswith("Traceback (most recent call last):\n  File ")
    assert text.endswith("ValueError: 3.0 is odd\n")
    assert "_do" not in text
    assert text == report.failures[1].traceback
    assert (report.n_complete, report.failed) == (3, [1, 3])
    assert report.failures[0].where.startswith(__file__)
    assert report.failures[0].exception is None
    assert not given.tree.v_is_run


def test_a_block_ends_at_the_first_failure_if_told(tmp_path):
    report = Worker(task(half_bad, tmp_path, stop_on_failure=True), keep_exceptions=True).work(Block(0, range(5)))
    assert (report.n_complete, report.failed, list(report.rest)) == (1, [1], [2, 3, 4])
    assert isinstance(report.failures[0].exception, ValueError)


def test_a_job_with_the_wrong_signature_fails_without_a_place(tmp_path):
    report = Worker(task(lambda: None, tmp_path)).work(Block(0, [0]))
    assert report.failures[0].error_type == "TypeError"
    assert report.failures[0].where == ""


def test_a_value_that_cannot_be_kept_fails_the_run(tmp_path):
    report = Worker(task(lambda traj: traj.add("z", 1j), tmp_path)).work(Block(0, range(2)))
    assert report.failed == [0, 1]
    assert report.failures[0].message == "no codec for z"
    assert set(FileJournal(tmp_path).failed()) == {0, 1}


def full_at_two(traj):
    traj.add("z", "full" if traj.v_idx == 2 else 1)


def test_an_error_of_the_journal_is_no_failure_of_the_run(tmp_path):
    given = task(full_at_two, tmp_path)
    with pytest.raises(OSError, match="No space left"):
        Worker(given).work(Block(0, range(5)))
    assert FileJournal(tmp_path).complete() == [0, 1]
    assert FileJournal(tmp_path).failed() == {}
    assert not given.tree.v_is_run


def test_an_oserror_of_the_job_is_one(tmp_path):
    report = Worker(task(lambda traj: os.stat("/no/such/file"), tmp_path)).work(Block(0, [1]))
    assert report.failures[0].error_type == "FileNotFoundError"


def test_a_job_that_exits_costs_only_its_run(tmp_path):
    def job(traj):
        if traj.v_idx == 2:
            raise SystemExit(3)

    report = Worker(task(job, tmp_path)).work(Block(0, range(5)))
    assert (report.n_complete, list(report.failed), report.failures[0].error_type) == (4, [2], "SystemExit")


COPIES = {
    "returns": ("pass", 0, ""),
    "exits": ("sys.exit(7)", 7, ""),
    "exits with a text": ("sys.exit('said')", 1, ""),
    "raises": ("raise ValueError('of the copy')", 1, "of the copy"),
}


@pytest.mark.skipif(sys.platform == "win32", reason="there is no fork")
@pytest.mark.parametrize(("end", "status", "said"), COPIES.values(), ids=COPIES)
def test_a_copy_of_the_process_does_not_go_on_with_the_runs(tmp_path, end, status, said):
    script = f"""
import os, sys
from xpet import Environment

def job(traj):
    pid = os.fork()
    if not pid:
        {end}
        return
    traj.f_add_result("status", os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))

env = Environment("study", store="s.zarr")
env.trajectory.f_add_parameter("x", 0)
env.trajectory.f_explore({{"x": [0, 1, 2]}})
env.run(job)
print("ended", *[leaf.f_get() for leaf in env.trajectory.f_get_from_runs("status").values()])
"""
    command = [sys.executable, "-W", "ignore:This process", "-c", script]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=60)
    assert done.stdout.split() == ["ended", *[str(status)] * 3], done.stderr
    assert said in done.stderr


@pytest.mark.parametrize("error", [KeyboardInterrupt, GeneratorExit])
def test_interrupts_are_no_failures_and_leave_the_tree_outside_a_run(tmp_path, error):
    def job(traj):
        if traj.v_idx == 2:
            raise error

    given = task(job, tmp_path)
    with pytest.raises(error):
        Worker(given).work(Block(0, range(5)))
    assert FileJournal(tmp_path).complete() == [0, 1]
    assert FileJournal(tmp_path).failed() == {}
    assert not given.tree.v_is_run


def test_an_interrupt_waits_until_what_is_finished_is_written(tmp_path):
    given = task(product, tmp_path)
    Worker(given._replace(packer=PackerSpec(f"{__name__}:SlowPacker", (str(tmp_path),)))).work(Block(0, range(2)))
    slow = given._replace(packer=PackerSpec(f"{__name__}:SlowPacker", (str(tmp_path), True)))
    with pytest.raises(KeyboardInterrupt):
        Worker(slow).work(Block(1, range(2, 4)))
    assert FileJournal(tmp_path).complete() == [0, 1, 2, 3]


class SlowPacker(FilePacker):
    """Writes at the end of a block only; the user may lose patience then."""

    def __init__(self, folder, interrupted=False):
        super().__init__(folder)
        self._interrupted = interrupted
        self._waiting = []

    def _append(self, record):
        self._waiting.append(record)

    def end(self):
        if self._interrupted:
            signal.raise_signal(signal.SIGINT)
        for record in self._waiting:
            super()._append(record)
        super().end()


def test_a_short_run_is_written_while_a_long_one_of_its_block_goes_on():
    place = open_place(resolve("memory://a-long-run")).below("study")

    def job(traj):
        end = time.monotonic() + 30
        while traj.v_idx == 1 and 0 not in recorded(place, 0, 0) and time.monotonic() < end:
            time.sleep(0.01)
        traj.add("z", sorted(recorded(place, 0, 0)))

    packer = PackerSpec("xpet.store.journal:open_packer", (resolve("memory://a-long-run"), "study", 0, 0.05))
    worker = Worker(Task(PlainTree(x=[0.0] * 2), Job(job), packer))
    assert worker.work(Block(0, range(2))).n_complete == 2
    assert recorded(place, 0, 0) == {0: None, 1: None}
    assert len(waiting(place)) == 2


def test_a_block_that_takes_too_long_is_handed_back(tmp_path):
    report = Worker(task(lambda traj: time.sleep(0.03), tmp_path)).work(Block(0, range(5), seconds=0.05))
    assert 1 <= report.n_complete <= 2
    assert list(report.rest) == list(range(report.n_complete, 5))
    assert report.seconds >= 0.03


def test_a_worker_that_is_told_to_stop_ends_with_its_run(tmp_path):
    def job(traj):
        worker.stopping = traj.v_idx == 1

    worker = Worker(task(job, tmp_path))
    report = worker.work(Block(0, range(5)))
    assert (report.n_complete, list(report.rest)) == (2, [2, 3, 4])
    assert list(worker.work(Block(1, range(2))).rest) == [0, 1]


def test_many_failures_are_told_briefly(tmp_path):
    n = DETAILED_FAILURES + 5
    report = Worker(task(lambda traj: 1 / 0, tmp_path, n=n)).work(Block(0, range(n)))
    assert report.failed == list(range(n))
    assert [bool(failure.traceback) for failure in report.failures] == [True] * DETAILED_FAILURES + [False] * 5
    assert all(FileJournal(tmp_path).failed().values())


def test_replay_lets_the_exception_through_and_stores_nothing(tmp_path):
    tree = PlainTree(x=[0.0, 1.0])
    assert replay(tree, Job(product), 1) == 1
    with pytest.raises(ValueError, match=r"1\.0 is odd"):
        replay(tree, Job(half_bad), 1)
    assert not tree.v_is_run
    assert list(tmp_path.iterdir()) == []
