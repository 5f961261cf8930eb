"""Blocks, their sizes, and the queue they are cut from."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from xpet.run.blocks import GROWTH, LARGEST, LONGEST_SECONDS, Backlog, Block, Pace, pieces


@pytest.mark.parametrize(
    ("points", "expected"),
    [
        (None, [None, None]),
        ((), [(), ()]),
        (([1.0, 2.0],), [(1.0,), (2.0,)]),
        (([1, 2], ["a", "b"]), [(1, "a"), (2, "b")]),
    ],
    ids=["own ranges", "nothing explored", "one", "two"],
)
def test_a_block_has_one_point_per_run(points, expected):
    assert list(Block(0, range(2), points).each_point()) == expected


@pytest.mark.parametrize("per_run", [1e-6, 1e-4, 1e-2, 1.0, 3600.0], ids=lambda seconds: f"{seconds:g} s")
@pytest.mark.parametrize("workers", [1, 2, 16])
def test_blocks_grow_to_a_third_of_a_second_and_no_further(per_run, workers):
    pace, remaining, sizes = Pace(workers), 10**6, []
    while remaining and len(sizes) < 1000:
        sizes.append(size := pace.size(remaining))
        pace.learn(size, size * per_run)
        remaining -= size
    assert sizes[0] == 1
    assert all(after <= GROWTH * max(sizes[: i + 1]) for i, after in enumerate(sizes[1:]))
    assert max(sizes) <= LARGEST
    assert all(size == 1 or size * per_run < 0.5 for size in sizes)
    if per_run <= 1e-2:
        assert max(sizes) * per_run > 0.25 or max(sizes) >= min(LARGEST, 10**6 // (4 * workers))
    else:
        assert set(sizes) == {1}


def test_a_slow_first_run_does_not_keep_blocks_small():
    pace = Pace(1)
    pace.learn(1, 2.0)  # it imports
    pace.learn(1, 1e-6)
    assert pace.size(10**6) == GROWTH


def test_blocks_shrink_when_runs_become_slower():
    pace = Pace(1)
    for size in (1, 8, 64, 512):
        pace.learn(size, size * 1e-5)
    before = pace.size(10**6)
    pace.learn(4, LONGEST_SECONDS)
    assert pace.size(10**6) == 1 < before


def test_the_end_is_shared_by_the_workers():
    pace = Pace(4)
    for size in (1, 8, 64, 512):
        pace.learn(size, size * 1e-3)
    assert pace.size(80) == 20  # not below 20 ms
    assert pace.size(400) == 50  # an eighth of what is left
    assert pace.size(7) == 7


@pytest.mark.parametrize("n", [0, 1, 2, 3, 7, 8, 100])
def test_pieces_are_the_runs_in_order_and_few(n):
    cut = pieces(range(n))
    assert [run for piece in cut for run in piece] == list(range(n))
    assert len(cut) <= n.bit_length() + 1
    assert not cut or len(cut[0]) == 1


def test_columns_are_cut_like_the_runs():
    columns = ([10, 11, 12, 13, 14], "abcde")
    backlog = Backlog(range(1, 5), columns)
    assert backlog.take(2).points == ([11, 12], "bc")
    assert Backlog([4, 0], columns).take(2).points == ([14, 10], ["e", "a"])
    assert Backlog(range(5), None).take(3).points is None


@pytest.mark.parametrize("runs", [np.array([3, 1, 2]), (3, 1, 2), [3, 1, 2]], ids=["array", "tuple", "list"])
def test_runs_are_python_ints(runs):
    block = Backlog(runs, None).take(9)
    assert block.runs == [3, 1, 2]
    assert all(type(run) is int for run in block.runs)


@given(
    n=st.integers(0, 60),
    steps=st.lists(st.tuples(st.sampled_from(["take", "lose", "forward"]), st.integers(1, 20)), max_size=30),
)
def test_every_run_is_handed_out_once(n, steps):
    backlog, done = Backlog(range(n), None), []
    for step, size in steps:
        if not backlog.remaining:
            break
        if step == "forward":
            positions = {min(size, backlog.remaining - 1), 0}
            assert backlog.bring_forward(positions) == len(positions)
            continue
        block = backlog.take(size)
        if step == "lose":
            for piece in pieces(block.runs[1:]):
                backlog.put_back(piece, block.attempt + 1)
            done += block.runs[:1]
        else:
            done += block.runs
    while backlog.remaining:
        done += backlog.take(7).runs
    assert sorted(done) == list(range(n))


def test_runs_brought_forward_come_first_and_alone():
    backlog = Backlog(range(10), None)
    backlog.bring_forward((9, 4))
    assert [list(backlog.take(8).runs) for _ in range(4)] == [[4], [9], [0, 1, 2, 3], [5, 6, 7, 8]]


def test_block_numbers_go_on_from_the_first():
    backlog = Backlog(range(3), None, 7)
    assert [backlog.take(1).number for _ in range(3)] == [7, 8, 9]
