"""Adding points: only what is new is computed, and the old cells stay as they are."""

from __future__ import annotations

import hashlib
from pathlib import Path

import numpy as np
import pytest
from fixtures_jobs import AXES, Noted, StoreAt, environment, listed, multiply, z_of

import xpet
from xpet import Environment, Trajectory, cartesian_product, load_trajectory


@pytest.fixture
def at(tmp_path):
    return StoreAt(str(tmp_path / "store.zarr"))


def irregular(traj):
    traj.f_add_result("z", traj.x * traj.y, comment=f"{traj.x} times {traj.y}")
    traj.f_add_result("neuron.spikes", np.arange(int(traj.y)) * traj.x)
    traj.f_add_result("label", f"{traj.x}/{traj.y}")


GROWN = cartesian_product({"x": [5.0, 6.0], "y": AXES["y"]})


def cells(ds):
    """The bytes of every variable of a flat Dataset by run."""
    ds = ds.load()
    return {
        (str(name), run): ds[name].isel(run=run).values.tobytes()
        if ds[name].dtype.kind != "T"
        else ds[name].values[run]
        for name in ds.variables
        for run in range(12)
        if "run" in ds[name].dims and "neuron.spikes" not in str(name)
    }


@pytest.mark.parametrize("way", ["same object", "loaded", "new environment"])
def test_expanding_a_product(way, store, tmp_path):
    noted = Noted(irregular, tmp_path)
    given = {"storage_options": store.storage_options or None}
    env = environment(store)
    env.run(noted)
    assert noted.taken() == list(range(12))
    old = cells(xpet.open(store.url, view="flat", **given))
    if way != "same object":
        env = Environment(load_trajectory("Multiplication", filename=store.url, **given))
    env.traj.f_expand(GROWN)
    if way == "new environment":
        env.traj.f_store()
        env = Environment(load_trajectory("Multiplication", filename=store.url, **given))
    assert len(env.traj) == 18
    assert env.run(noted) == [(run, None) for run in range(12, 18)]
    assert noted.taken() == list(range(12, 18))
    assert cells(xpet.open(store.url, view="flat", **given)) == old
    ds = env.dataset()
    assert ds.z.dims == ("x", "y")
    assert ds.x.values.tolist() == [1.0, 2.0, 3.0, 4.0, 5.0, 6.0]
    assert ds.z.values.ravel().tolist() == [x * y for x in ds.x.values for y in ds.y.values]
    traj = load_trajectory("Multiplication", filename=store.url, **given)
    assert traj.f_get("x").f_get_range() == [x for x in (1.0, 2.0, 3.0, 4.0, 5.0, 6.0) for _ in range(3)]
    for run in range(18):
        traj.v_idx = run
        assert traj.spikes.tolist() == (np.arange(int(traj.y)) * traj.x).tolist()
        assert traj.label == f"{traj.x}/{traj.y}"
        assert traj.f_get("z").v_comment == f"{traj.x} times {traj.y}"
    assert env.run(noted) == []


def test_expanding_by_a_list_gives_the_flat_view(at, tmp_path):
    noted = Noted(multiply, tmp_path)
    env = environment(at)
    env.run(noted)
    noted.taken()
    env.traj.f_expand({"x": [9.0], "y": [9.5]})
    assert env.run(noted) == [(12, None)]
    assert env.dataset().z.dims == ("run",)
    assert z_of(env)[-1] == 85.5
    with pytest.raises(ValueError, match="cannot be viewed as a grid"):
        env.dataset("grid")
    # and back to a product
    env.traj.f_expand({"x": [x for x in (*AXES["x"],) for _ in range(1)] + [9.0] * 3, "y": [9.5] * 4 + AXES["y"]})
    env.run(noted)
    assert env.dataset().z.dims == ("x", "y")
    assert env.dataset().z.sel(x=9.0, y=9.5) == 85.5


def test_expanding_several_times_before_running(at, tmp_path):
    noted = Noted(multiply, tmp_path)
    env = environment(at)
    env.traj.f_expand({"x": [5.0], "y": [6.0]})
    env.traj.f_expand({"x": [5.0], "y": [7.0]})
    env.run(noted)
    env.traj.f_expand({"x": [5.0], "y": [8.0]})
    env.traj.f_store()
    env.traj.f_expand({"x": [6.0], "y": [8.0]})
    noted.taken()
    assert env.run(noted) == [(14, None), (15, None)]
    assert z_of(env)[12:] == [30.0, 35.0, 40.0, 48.0]


def test_expanding_while_runs_are_missing(at, tmp_path):
    noted = Noted(multiply, tmp_path)
    env = environment(at)
    with pytest.warns(UserWarning, match="run 5"):
        env.run(lambda traj: 1 / 0 if traj.v_idx == 5 else multiply(traj))
    env.traj.f_expand({"x": [5.0], "y": [6.0]})
    assert env.run(noted) == [(5, None), (12, None)]
    assert noted.taken() == [5, 12]


def test_points_may_come_twice(at, tmp_path):
    env = listed(Environment("list", store=at.url), {"x": [1.0, 1.0], "y": [2.0, 2.0]})
    env.traj.f_expand({"x": [1.0], "y": [2.0]})
    assert len(env.run(multiply)) == 3


def test_exploring_again_is_not_expanding(at):
    env = environment(at)
    env.run(multiply)
    with pytest.raises(TypeError, match="f_expand"):
        env.traj.f_explore({"x": [1.0] * 12})
    with pytest.raises(TypeError, match="f_expand"):
        load_trajectory(store=at.url).f_explore({"x": [1.0] * 12})


@pytest.mark.parametrize(
    ("points", "kind", "said"),
    [
        ({"x": [5.0]}, TypeError, ["parameters.x", "parameters.y", "together"]),
        ({"x": [5.0], "y": [6.0, 7.0]}, ValueError, ["x", "y", "1", "2"]),
        ({"x": [5], "y": [6.0]}, TypeError, ["parameters.x", "a float", "an int", "5"]),
        ({"x": [], "y": []}, ValueError, ["x"]),
        ({"w": [5.0], "y": [6.0]}, AttributeError, ["w"]),
    ],
    ids=str,
)
def test_points_that_do_not_fit(points, kind, said, at):
    env = environment(at)
    env.run(multiply)
    with pytest.raises(kind) as caught:
        env.traj.f_expand(points)
    for words in said:
        assert words in str(caught.value)
    assert len(env.traj) == 12
    assert env.run(multiply) == []


def test_a_trajectory_without_an_environment(at):
    traj = Trajectory("alone", store=at.url)
    traj.f_add_parameter("x", 1)
    traj.f_explore({"x": [1, 2]})
    traj.f_store()
    traj.f_expand({"x": [3]})
    traj.f_store()
    assert load_trajectory(store=at.url).f_get("x").f_get_range() == [1, 2, 3]


def digest(folder):
    return {
        path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in Path(folder).rglob("*")
        if path.is_file() and "_xpet" not in path.parts
    }


def test_nothing_is_written_when_nothing_is_new(at):
    env = environment(at)
    env.run(multiply)
    before = digest(at.url)
    env.run(multiply)
    environment(at).run(multiply)
    load_trajectory(store=at.url).r_3.z  # noqa: B018 - looking is all
    assert digest(at.url) == before
