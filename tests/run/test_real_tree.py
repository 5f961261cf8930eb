"""The run loop over the real tree and the real journal."""

from __future__ import annotations

import pytest

from xpet.run.blocks import Block
from xpet.run.job import Job
from xpet.run.loop import Plan, run_blocks
from xpet.run.pools import open_pool
from xpet.run.ports import PackerSpec
from xpet.run.worker import Task, replay
from xpet.store.journal import open_packer, recorded
from xpet.store.place import open_place, resolve
from xpet.tree.root import Root


class Journal:
    def __init__(self, spec):
        self._spec = spec
        self._place = open_place(spec).below("study")
        self.blocks = {}

    def finished(self, block):
        return recorded(self._place, block.number, 1)

    def fail(self, run, error, started, duration, attempt=0):
        packer = open_packer(self._spec, "study", 1)
        packer.begin(0, run)
        packer.fail(run, error, started, duration, attempt)
        packer.end()

    def fold(self):
        pass

    def all(self, n_blocks):
        return {run: error for number in range(n_blocks) for run, error in self.finished(Block(number, ())).items()}


@pytest.fixture
def tree():
    root = Root("study")
    root.f_add_parameter("x", 1.0)
    root.f_add_parameter("group.y", 1)
    root.f_explore({"x": [float(i) for i in range(50)], "y": list(range(50, 100))})
    root.freeze()
    return root


def job(traj, die=False):
    if die and traj.v_idx == 7:
        import os

        os._exit(2)
    if traj.v_idx == 11:
        raise ValueError("eleven")
    traj.f_add_result("z", traj.x * traj.group.y, comment="a product")
    traj.f_add_result("$.more", a=1, b="text")
    return traj.v_crun, traj.x, traj.y


def go(tree, folder, executor, die):
    spec = resolve(str(folder / "store.zarr"))
    packer = PackerSpec("xpet.store.journal:open_packer", (spec, "study", 1))
    pool = open_pool(executor, Task(tree, Job(job, (), {"die": die}), packer), 2)
    journal, numbers = Journal(spec), []
    plan = Plan(range(50), [p.f_get_range(copy=False) for p in tree.explored.values()])
    try:
        return run_blocks(plan, pool, journal, lambda report: numbers.append(report.block)), journal.all(
            max(numbers) + 1
        )
    finally:
        pool.close(5.0)


@pytest.mark.parametrize("executor", ["serial", "process"])
def test_runs_of_the_real_tree(tree, tmp_path, executor):
    summary, journal = go(tree, tmp_path, executor, die=False)
    assert summary.failed == [11]
    assert summary.values == [(i, (f"run_{i:08d}", float(i), 50 + i)) for i in range(50) if i != 11]
    assert sorted(journal) == list(range(50))
    assert [run for run, error in journal.items() if error] == [11]
    assert "ValueError: eleven" in journal[11]
    assert not tree.v_is_run
    assert "results" not in tree or not list(tree.results.f_iter_leaves())


def test_a_worker_dies_over_the_real_journal(tree, tmp_path):
    summary, journal = go(tree, tmp_path, "process", die=True)
    assert summary.failed == [7, 11]
    assert sorted(journal) == list(range(50))
    assert "worker process died" in journal[7]


def test_replay(tree):
    assert replay(tree, Job(job), 3) == ("run_00000003", 3.0, 53)
    with pytest.raises(ValueError, match="eleven"):
        replay(tree, Job(job), 11)
    assert not tree.v_is_run
