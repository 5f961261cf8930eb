"""Adding points again and again: each time only the new ones are looked at, and nothing wrong comes of that."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest
import xarray as xr
from fixtures_jobs import StoreAt

import xpet
from xpet import Environment, Trajectory, load_trajectory
from xpet.errors import TrajectoryExistsError
from xpet.run import blocks, loop, provenance
from xpet.store.places.local import LocalPlace
from xpet.trajectory import comparing
from xpet.tree.ranges import Grown

POINTS = 16
FEW, MANY = 4, 64


@pytest.fixture
def at(tmp_path):
    return StoreAt(str(tmp_path / "store.zarr"))


def add(traj: Any) -> None:
    traj.f_add_result("z", traj.x + traj.y)


def begun(at: StoreAt, points: dict[str, list[Any]], generations: int = 2) -> Environment:
    """A study whose points were added in several generations, so that much is known of them."""
    env = Environment("study", store=at.url)
    for name, values in points.items():
        env.traj.f_add_parameter(name, values[0])
    env.traj.f_explore(points)
    env.run(count)
    for _ in range(generations):
        env.traj.f_expand(points)
        env.run(count)
    return env


def count(traj: Any) -> None:
    traj.f_add_result("k", traj.v_idx)


def product(generation: int) -> dict[str, list[float]]:
    return {"x": [float(generation)] * POINTS, "y": [float(y) for y in range(POINTS)]}


def alone(generation: int) -> dict[str, list[float]]:
    first = generation * POINTS
    return {"x": [first + x / 7 for x in range(POINTS)], "y": [first - y / 9 for y in range(POINTS)]}


def counted(monkeypatch: pytest.MonkeyPatch) -> Iterator[dict[str, int]]:
    """How many values of points are taken up, here and from the store, from one ``next`` to the other."""
    seen: dict[str, int] = {}

    def note(what: str, n: int) -> None:
        seen[what] = seen.get(what, 0) + n

    def wrap(owner: Any, name: str, length: Callable[[Any], int]) -> None:
        original = getattr(owner, name)

        def call(*args: Any) -> Any:
            found = original(*args)
            note(name, length(found))
            return found

        monkeypatch.setattr(owner, name, call)

    wrap(Grown, "__getitem__", lambda found: len(found) if isinstance(found, list) else 1)
    wrap(comparing, "read_points", lambda column: len(column.values))
    wrap(comparing, "encode_alike", lambda column: len(column.values))
    through = Grown.__iter__

    def each(self: Grown) -> Iterator[Any]:
        for value in through(self):
            note("__iter__", 1)
            yield value

    monkeypatch.setattr(Grown, "__iter__", each)
    while True:
        yield dict(seen)
        seen.clear()


def calls_of(action: Callable[[], object]) -> int:
    """How many functions are called, those of C too."""
    made = 0

    def profile(frame: Any, event: str, arg: Any) -> None:
        nonlocal made
        made += event in ("call", "c_call")

    before = sys.getprofile()
    sys.setprofile(profile)
    try:
        action()
    finally:
        sys.setprofile(before)
    return made


@pytest.mark.parametrize("points", [product, alone], ids=["product", "list"])
def test_a_generation_is_no_more_work_after_many(points, at, monkeypatch):
    # as many blocks and folds in each of them, however fast it goes
    monkeypatch.setattr(loop, "FOLD_SECONDS", 0.0)
    monkeypatch.setattr(blocks, "TARGET_SECONDS", 1e9)
    monkeypatch.setattr(provenance, "git_state", lambda folder: None)
    env = Environment("study", store=at.url, progress=False)
    env.traj.f_add_parameter("x", 1.0)
    env.traj.f_add_parameter("y", 1.0)
    env.traj.f_explore(points(0))
    env.run(add)

    def generation(number: int) -> None:
        env.traj.f_expand(points(number))
        env.run(add)

    taken, calls = counted(monkeypatch), {}
    for number in range(1, MANY + 1):
        next(taken)
        calls[number] = calls_of(lambda number=number: generation(number))
        if number == FEW:
            few = next(taken)
    assert next(taken) == few
    # a call for each point there is would be hundreds more
    assert calls[MANY] - calls[FEW] < 2 * POINTS
    with xr.open_dataset(f"{at.url}/study", group="results", engine="zarr") as ds:
        all_points = [points(number) for number in range(MANY + 1)]
        x, y = (np.concatenate([each[name] for each in all_points]) for name in ("x", "y"))
        assert ds.run.values.tolist() == list(range(len(x)))
        for name, values in {"x": x, "y": y, "z": x + y}.items():
            np.testing.assert_array_equal(ds[name].values, values)
    assert env.dataset().z.dims == (("x", "y") if points is product else ("run",))


@pytest.mark.parametrize(
    ("value", "change"),
    [
        pytest.param(np.arange(3.0), lambda value: value.fill(7.0), id="array"),
        pytest.param({"a": [1, 2]}, lambda value: value["a"].append(3), id="dict"),
        pytest.param([1, 2], lambda value: value.append(3), id="list"),
    ],
)
def test_values_that_are_changed_in_place_are_noticed(value, change, at):
    env = begun(at, {"w": [value]})
    change(value)
    env.traj.f_expand({"w": [type(value)(value) if not isinstance(value, np.ndarray) else value + 1]})
    with pytest.raises(TrajectoryExistsError, match="the points here are not those"):
        env.traj.f_store()


@pytest.mark.parametrize(
    "points",
    [
        pytest.param({"x": [1.0, float("nan")], "n": [1, 2]}, id="numbers"),
        pytest.param({"x": [np.float32(0.5), np.float32(2)], "s": ["a", "é"]}, id="numpy"),
        pytest.param({"t": [np.datetime64("2026-01-01", "D"), np.datetime64("2026-01-02", "D")]}, id="times"),
        pytest.param({"b": [True, False], "w": [{"a": 1}, {"b": 2}]}, id="dicts"),
        pytest.param({"a": [np.zeros(2), np.ones(2)]}, id="arrays"),
    ],
)
def test_others_may_add_the_same_points_and_no_others(points, at):
    env = begun(at, points)
    first = {name: values[:1] for name, values in points.items()}
    last = {name: values[1:] for name, values in points.items()}

    other = Environment(load_trajectory("study", store=at.url))
    other.traj.f_expand(first)
    other.run(count)
    env.traj.f_expand(first)
    assert env.run(count) == []
    other = Environment(load_trajectory("study", store=at.url))
    other.traj.f_expand(last)
    other.run(count)
    env.traj.f_expand(first)
    with pytest.raises(TrajectoryExistsError, match="the points here are not those"):
        env.run(count)
    assert xpet.open(at.url, view="flat").k.values.tolist() == list(range(8))


def test_another_trajectory_in_its_place_is_noticed(at):
    points = {"x": [1.0, 2.0]}
    env = begun(at, points)
    other = Environment("study", store=at.url, overwrite_file=True)
    other.traj.f_add_parameter("x", 1.0)
    other.traj.f_explore({"x": [5.0] * 8})
    other.run(count)
    env.traj.f_expand(points)
    with pytest.raises(TrajectoryExistsError):
        env.run(count)


def test_points_that_others_explore_anew_are_noticed(at):
    # without complete runs other points may take their place, and the trajectory is the same one
    traj = Trajectory("study", store=at.url)
    traj.f_add_parameter("x", 1.0)
    traj.f_explore({"x": [1.0, 2.0]})
    for _ in range(3):
        traj.f_expand({"x": [3.0]})
        traj.f_store()
    other = load_trajectory("study", store=at.url)
    other.f_shrink()
    other.f_explore({"x": [9.0] * 5})
    other.f_store()
    traj.f_expand({"x": [4.0]})
    with pytest.raises(TrajectoryExistsError, match="the points here are not those"):
        traj.f_store()


def test_a_product_after_a_list_after_a_product(at):
    env = Environment("study", store=at.url)
    env.traj.f_add_parameter("x", 1.0)
    env.traj.f_add_parameter("y", 1.0)
    env.traj.f_explore({"x": [1.0, 1.0], "y": [1.0, 2.0]})
    shapes = []
    for x, y in [([1.0, 1.0], [3.0, 4.0]), ([2.0, 2.0], [4.0, 3.0]), ([2.0], [2.0]), ([2.0], [1.0]), ([3.0], [1.0])]:
        env.run(add)
        env.traj.f_expand({"x": x, "y": y})
        env.run(add)
        shapes.append((env.traj.f_snapshot().meta.space.axes, env.dataset().z.dims))
    product, several = ("x", "y"), ((), ("run",))
    assert shapes == [
        ((("x", 1), ("y", 4)), product), several, several, ((("x", 2), ("y", 4)), product), several,
    ]  # fmt: skip


def test_axes_have_the_names_that_the_coordinates_got(at):
    env = begun(at, {"a.x": [1.0, 2.0]}, generations=0)
    # which would be called "x" as well
    env.traj.f_add_parameter("b.x", 3.0)
    env.traj.f_expand({"a.x": [3.0]})
    env.run(count)
    assert env.dataset().k.dims == ("x",)
    assert xpet.open(at.url).k.sel(x=3.0) == 2
    space = env.traj.f_snapshot().meta.space
    assert [name for name, _ in space.axes] == [each.name for each in space.coordinates] == ["x"]


def test_the_numbers_of_runs_are_written_once(at, monkeypatch):
    monkeypatch.setattr("xpet.store.runs._RUN_CHUNK", 8)
    env = begun(at, {"x": [1.0, 2.0]}, generations=1)
    written: list[str] = []
    write = LocalPlace.write
    monkeypatch.setattr(LocalPlace, "write", lambda self, key, data: (written.append(key), write(self, key, data))[1])
    env.traj.f_expand({"x": [3.0, 4.0, 5.0, 6.0]})
    env.run(count)
    assert [key for key in written if "/run/c" in key] == []
    env.traj.f_expand({"x": [7.0] * 10})
    env.run(count)
    assert sorted(key for key in written if "/run/c" in key) == [
        "results/run/c/1", "results/run/c/2", "runs/run/c/1", "runs/run/c/2"
    ]  # fmt: skip
    for group in ("results", "runs"):
        with xr.open_dataset(f"{at.url}/study", group=group, engine="zarr") as ds:
            assert ds.run.values.tolist() == list(range(18))


def test_the_numbers_of_runs_after_exploring_anew(at):
    traj = Trajectory("study", store=at.url)
    traj.f_add_parameter("x", 1.0)
    traj.f_explore({"x": [1.0, 2.0]})
    traj.f_store()
    traj.f_expand({"x": [3.0] * 4})
    traj.f_store()
    traj.f_shrink()
    traj.f_explore({"x": [9.0] * 3})
    traj.f_store()
    traj.f_expand({"x": [1.0]})
    traj.f_store()
    with xr.open_dataset(f"{at.url}/study", group="runs", engine="zarr") as ds:
        assert ds.run.values.tolist() == [0, 1, 2, 3]
        assert ds.x.values.tolist() == [9.0, 9.0, 9.0, 1.0]
