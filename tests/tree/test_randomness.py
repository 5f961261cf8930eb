"""Each run has its own random numbers, or each replicate has; a seed says which."""

from __future__ import annotations

import copy
import pickle

import numpy as np
import pytest
from numpy.random import PCG64, Generator, SeedSequence

from xpet.tree import Root

SEED = 42


def expected(key: int, seed: int = SEED) -> float:
    return Generator(PCG64(SeedSequence(seed, spawn_key=(key,)))).random()


@pytest.fixture
def traj() -> Root:
    traj = Root("study")
    traj.v_seed = SEED
    traj.f_add_parameter("x", 1)
    return traj


def drawn(traj: Root, run: int) -> float:
    traj.enter_run(run)
    value = traj.rng.random()
    traj.leave_run()
    return value


def test_a_run_has_numbers_of_its_own(traj):
    traj.f_explore({"x": [1, 2, 3]})
    assert [drawn(traj, run) for run in (2, 0, 1, 2)] == [expected(2), expected(0), expected(1), expected(2)]


def test_the_generator_of_a_run_goes_on(traj):
    traj.enter_run(0)
    assert traj.rng is traj.rng
    first, second = traj.rng.random(2)
    assert (first, second) == tuple(Generator(PCG64(SeedSequence(SEED, spawn_key=(0,)))).random(2))


def test_a_selected_run_has_its_generator_anew(traj):
    traj.f_explore({"x": [1, 2, 3]})
    for _ in range(2):
        traj.v_idx = 1
        assert traj.rng.random() == expected(1)
    traj.f_restore_default()
    with pytest.raises(AttributeError, match="outside of runs select one first"):
        traj.rng.random()


def test_a_seed_is_drawn_once_if_none_is_given():
    traj, other = Root("study"), Root("study")
    assert traj.v_seed is None
    assert drawn(traj, 0) == drawn(traj, 0) == expected(0, traj.v_seed)
    assert other.settle_seed() != traj.v_seed


@pytest.mark.parametrize("twin", [copy.copy, lambda t: pickle.loads(pickle.dumps(t)), Root.without_ranges])
def test_copies_have_the_same_numbers(traj, twin):
    traj.enter_run(0)
    traj.rng.random(5)
    traj.leave_run()
    assert drawn(twin(traj), 3) == expected(3)


@pytest.mark.parametrize(
    ("seed", "error", "words"),
    [
        ("1", TypeError, "'1', a str; it must be an integer"),
        (1.0, TypeError, "1.0, a float"),
        (True, TypeError, "True, a bool"),
        (-1, ValueError, "0 or more"),
        (2**1024, ValueError, r"below 2\*\*1024"),
    ],
    ids=str,
)
def test_what_is_no_seed_is_refused(traj, seed, error, words):
    with pytest.raises(error, match=words):
        traj.v_seed = seed
    assert traj.v_seed == SEED


def test_numpy_integers_are_seeds(traj):
    traj.v_seed = np.uint32(7)
    assert type(traj.v_seed) is int
    assert drawn(traj, 0) == expected(0, 7)


def test_a_run_cannot_change_the_seed(traj):
    traj.enter_run(0)
    with pytest.raises(TypeError, match="during a single run"):
        traj.v_seed = 1


def test_a_node_of_that_name_goes_first(traj):
    traj.f_add_parameter("cell.rng", "mine")
    traj.rng = "new"
    assert (traj.rng, traj.cell.rng) == ("new", "new")
    traj.f_remove_child("parameters", recursive=True)
    traj.v_idx = 0
    assert traj.rng.random() == expected(0)
    traj.enter_run(0)
    traj.rng.random()
    traj.f_add_result("rng", 5)
    assert traj.rng == 5
    traj.leave_run()
    assert drawn(traj, 0) == expected(0)


# Replicates -----------------------------------------------------------------------------------------------------------


def test_replicates_repeat_each_point(traj):
    traj.f_explore({"x": [5, 6]}, replicates=3)
    assert traj.f_get("x").f_get_range() == [5, 5, 5, 6, 6, 6]
    assert traj.f_get("replicate").f_get_range() == [0, 1, 2, 0, 1, 2]
    traj.f_expand({"x": [7]}, replicates=2)
    assert traj.f_get("x").f_get_range()[6:] == [7, 7]
    assert traj.f_get("replicate").f_get_range()[6:] == [0, 1]
    assert len({drawn(traj, run) for run in range(8)}) == 8


def test_what_cannot_be_replicated_leaves_all_as_it_was(traj):
    with pytest.raises(AttributeError, match="no parameter 'nope'"):
        traj.f_explore({"nope": [5, 6]}, replicates=3)
    with pytest.raises(ValueError, match="seed_by is 'x'"):
        traj.f_explore({"x": [5, 6]}, replicates=3, seed_by="x")
    traj.f_explore({"x": [5, 6]})
    with pytest.raises(TypeError, match="must be expanded together"):
        traj.f_expand({"x": [7]}, replicates=3)
    assert "replicate" not in traj
    assert len(traj) == 2


def test_further_replicates_must_seed_too(traj):
    traj.f_explore({"x": [5]}, replicates=2, seed_by="replicate")
    with pytest.raises(ValueError, match="integers, 0 or more"):
        traj.f_expand({"x": [6], "replicate": [-1]})
    assert len(traj) == 2


def test_replicates_alone_are_points(traj):
    traj.f_explore({}, replicates=3)
    assert list(traj.explored) == ["parameters.replicate"]
    assert len(traj) == 3


def test_seeded_by_replicate_all_points_have_the_same_numbers(traj):
    traj.f_explore({"x": [5, 6]}, replicates=3, seed_by="replicate")
    assert [drawn(traj, run) for run in range(6)] == [expected(0), expected(1), expected(2)] * 2
    assert drawn(traj.f_copy(), 4) == expected(1)
    assert "spawn_key=(1,)" in traj.rng_in_words(4)
    traj.f_shrink()
    traj.f_explore({"x": [5, 6]})
    assert drawn(traj, 1) == expected(1)
    assert "spawn_key=(1,)" in traj.rng_in_words(1)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"replicates": 0}, "replicates is 0"),
        ({"replicates": 2.0}, "replicates is 2.0"),
        ({"replicates": True}, "replicates is True"),
        ({"seed_by": "replicate"}, "give replicates="),
        ({"replicates": 2, "seed_by": "point"}, "one of 'run', 'replicate'"),
    ],
    ids=str,
)
def test_replicates_that_cannot_be_are_refused(traj, options, words):
    with pytest.raises(ValueError, match=words):
        traj.f_explore({"x": [1, 2]}, **options)
    assert not traj.explored


def test_replicates_beside_points_that_number_them_are_refused(traj):
    traj.f_add_parameter("replicate", 0)
    with pytest.raises(ValueError, match="give one of the two"):
        traj.f_explore({"replicate": [1, 2]}, replicates=3)
    with pytest.raises(ValueError, match="integers, 0 or more"):
        traj.f_explore({"replicate": [1, -1]}, seed_by="replicate")
    traj.f_explore({"replicate": [1, 2]}, seed_by="replicate")
    assert drawn(traj, 0) == expected(1)
