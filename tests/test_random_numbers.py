"""The same seed gives the same numbers in any order, with any workers, after any break."""

from __future__ import annotations

import numpy as np
import pytest
import xarray as xr
from numpy.random import PCG64, Generator, SeedSequence

import xpet
from xpet.errors import TrajectoryExistsError


def expected(key: int, seed: int) -> float:
    return Generator(PCG64(SeedSequence(seed, spawn_key=(key,)))).random()


def draw(traj):
    if traj.fails:
        raise ValueError("not yet")
    traj.f_add_result("u", traj.rng.random())


def environment(store, seed=None, fails=False, **options):
    env = xpet.Environment("study", store=str(store), seed=seed, **options)
    env.traj.f_add_parameter("x", 0)
    env.traj.f_add_config("fails", fails)
    return env


@pytest.mark.parametrize("how", [{}, {"multiproc": True, "ncores": 2}], ids=["here", "processes"])
def test_every_executor_draws_the_same(tmp_path, how):
    env = environment(tmp_path / "s.zarr", seed=7, **how)
    env.traj.f_explore({"x": [1, 2, 3, 4]})
    env.run(draw)
    assert env.dataset("flat").u.values.tolist() == [expected(run, 7) for run in range(4)]
    assert env.replay(2, lambda traj: traj.rng.random()) == expected(2, 7)


def test_a_drawn_seed_is_kept(tmp_path):
    store = tmp_path / "s.zarr"
    env = environment(store)
    env.traj.f_explore({"x": [1, 2]})
    env.run(draw)
    seed = env.traj.v_seed
    again = environment(store, if_exists="extend")
    again.traj.f_explore({"x": [1, 2, 3]})
    again.run(draw)
    assert again.traj.v_seed == seed
    assert again.dataset("flat").u.values.tolist() == [expected(run, seed) for run in range(3)]
    loaded = xpet.load_trajectory("study", store=str(store))
    loaded.v_idx = 1
    assert loaded.rng.random() == expected(1, seed)


def test_a_failed_run_has_its_numbers_again(tmp_path):
    def job(traj):
        u = traj.rng.random()
        if traj.x == 2 and not (tmp_path / "go").exists():
            raise ValueError
        traj.f_add_result("u", u)

    env = environment(tmp_path / "s.zarr", seed=7)
    env.traj.f_explore({"x": [1, 2]})
    with pytest.warns(UserWarning, match="1 run failed|failed"):
        env.run(job)
    (tmp_path / "go").touch()
    env.run(job)
    assert env.dataset("flat").u.values.tolist() == [expected(0, 7), expected(1, 7)]


def test_another_seed_is_a_difference(tmp_path):
    store = tmp_path / "s.zarr"
    env = environment(store, seed=7)
    env.traj.f_explore({"x": [1, 2]})
    env.run(draw)
    with pytest.raises(TypeError, match="seed 7, which cannot change now"):
        env.traj.v_seed = 8
    other = environment(store, seed=8)
    other.traj.f_explore({"x": [1, 2]})
    with pytest.raises(TrajectoryExistsError, match="the seed is 7 in the store and 8 here"):
        other.run(draw)
    other = environment(store, seed=8, if_exists="continue")
    other.traj.f_explore({"x": [1, 2]})
    other.run(draw)
    assert other.traj.v_seed == 7


def test_a_seed_may_be_given_until_a_run_is_complete(tmp_path):
    store = tmp_path / "s.zarr"
    env = environment(store)
    env.traj.f_explore({"x": [1, 2]})
    env.traj.f_store()
    loaded = xpet.load_trajectory("study", store=str(store))
    loaded.v_seed = 9
    xpet.Environment(loaded).run(draw)
    assert loaded.f_dataset().u.values.tolist() == [expected(0, 9), expected(1, 9)]
    # The first object takes over what another one stored.
    env.run(draw)
    assert env.traj.v_seed == 9


def test_an_object_that_comes_second_with_a_seed_is_refused(tmp_path):
    env = environment(tmp_path / "s.zarr")
    env.traj.f_explore({"x": [1, 2]})
    env.traj.f_store()
    env.traj.v_seed = 8
    xpet.Environment(xpet.load_trajectory("study", store=str(tmp_path / "s.zarr"))).run(draw)
    with pytest.raises(TrajectoryExistsError, match="and 8 here; take the stored one"):
        env.run(draw)


def test_replicates_are_an_axis_that_comes_back(tmp_path):
    store = tmp_path / "s.zarr"
    points = xpet.cartesian_product({"x": [1, 2, 3]})
    for _ in range(2):
        env = environment(store, seed=7)
        env.traj.f_explore(points, replicates=2, seed_by="replicate")
        env.run(draw)
    ds = env.dataset()
    assert ds.u.sizes == {"x": 3, "replicate": 2}
    assert (ds.u.values == [[expected(0, 7), expected(1, 7)]] * 3).all()
    plain = xr.open_dataset(store / "study", group="results", engine="zarr")
    assert plain.replicate.values.tolist() == [0, 1] * 3
    loaded = xpet.load_trajectory("study", store=str(store))
    loaded.v_idx = 5
    assert loaded.rng.random() == expected(1, 7)
    other = environment(store, seed=7)
    other.traj.f_explore(points, replicates=2)
    with pytest.raises(TrajectoryExistsError, match="seeded by replicate in the store and by run here"):
        other.run(draw)


def test_exploring_a_stored_trajectory_seeds_by_replicate(tmp_path):
    env = environment(tmp_path / "s.zarr", seed=7)
    env.traj.f_store()
    env.traj.f_explore({"x": [1, 2]}, replicates=2, seed_by="replicate")
    env.run(draw)
    assert env.dataset("flat").u.values.tolist() == [expected(0, 7), expected(1, 7)] * 2
    assert xpet.load_trajectory("study", store=str(tmp_path / "s.zarr")).rng_in_words(3).endswith("spawn_key=(1,))))")


# Plain functions ------------------------------------------------------------------------------------------------------


def noisy(x, rng):
    return {"u": x + rng.random()}


def test_a_function_that_takes_rng_gets_it(tmp_path):
    ds = xpet.sweep(noisy, {"x": [1.0, 2.0]}, store=str(tmp_path / "s.zarr"), seed=7, replicates=3, ncores=2)
    wanted = np.add.outer([1.0, 2.0], np.zeros(3)).ravel() + [expected(run, 7) for run in range(6)]
    assert ds.u.dims == ("x", "replicate")
    assert ds.u.values.ravel().tolist() == wanted.tolist()


def test_a_function_may_have_a_parameter_rng_of_its_own():
    ds = xpet.sweep(lambda x, rng: {"y": x + rng}, {"x": [1.0], "rng": [5.0, 6.0]}, "memory://own-rng", name="own")
    assert ds.y.values.tolist() == [[6.0, 7.0]]


def test_a_failing_function_says_how_to_make_its_numbers_again():
    def fragile(x, replicate, rng):
        raise ValueError(rng.random())

    with pytest.warns(UserWarning, match="runs failed") as caught:
        xpet.sweep(fragile, {"x": [1.0, 2.0]}, "memory://repeat-rng", seed=7, replicates=2)
    (sentence,) = [str(each.message) for each in caught if "fragile(" in str(each.message)]
    call = sentence[sentence.index("fragile(") :].split("`")[0]
    with pytest.raises(ValueError, match=str(expected(0, 7))):
        eval(call[: call.rindex(")") + 1], {"fragile": fragile, "np": np})
