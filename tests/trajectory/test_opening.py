"""What happens when the store has a trajectory of that name already."""

from __future__ import annotations

import os
import shutil

import numpy as np
import pytest
import xarray as xr
import zarr
from fixtures_jobs import AXES, Noted, StoreAt, environment, listed, multiply, products, z_of

import xpet
from xpet import Environment, ForeignStoreError, StoreBusyError, Trajectory, TrajectoryExistsError, load_trajectory

MODES = [None, "continue", "extend", "overwrite", "new"]
MORE = {"x": [*AXES["x"], 5.0], "y": AXES["y"]}
WORDS = ("'continue'", "'overwrite'", "'new'")


@pytest.fixture
def at(tmp_path):
    return StoreAt(str(tmp_path / "store.zarr"))


@pytest.fixture
def noted(tmp_path):
    return Noted(multiply, tmp_path)


@pytest.mark.parametrize("if_exists", MODES, ids=str)
def test_the_same(if_exists, at, noted):
    environment(at).run(multiply)
    env = environment(at, if_exists=if_exists)
    env.run(noted)
    assert noted.taken() == (list(range(12)) if if_exists in ("overwrite", "new") else [])
    assert z_of(env) == products()
    assert env.traj.v_name == ("Multiplication_1" if if_exists == "new" else "Multiplication")
    assert env.run(noted) == []
    assert noted.taken() == []
    names = {"Multiplication", "Multiplication_1"} if if_exists == "new" else {"Multiplication"}
    assert {path for path in os.listdir(at.url) if path != "zarr.json"} == names


def test_a_cell_that_is_run_twice(store, tmp_path):
    noted = Noted(multiply, tmp_path)
    for calls in (list(range(12)), [], []):
        env = environment(store)
        env.run(noted)
        assert noted.taken() == calls
        assert env.traj.r_11.z == 32.0
        assert z_of(env) == products()


def test_a_cell_that_failed_in_between(at, noted):
    with pytest.warns(UserWarning, match="1 of 12 runs failed"):
        environment(at).run(lambda traj: 1 / 0 if traj.v_idx == 5 else multiply(traj))
    env = environment(at)
    assert env.run(noted) == [(5, None)]
    assert z_of(env) == products()


# more points


@pytest.mark.parametrize("more", [MORE, {"x": AXES["x"], "y": [5.0, *AXES["y"]]}], ids=["last axis", "first value"])
def test_more_points(more, store, tmp_path):
    noted = Noted(multiply, tmp_path)
    environment(store).run(multiply)
    old = xpet.open(store.url, view="flat", storage_options=store.storage_options or None).load()
    with pytest.raises(TrajectoryExistsError, match="if_exists='extend'") as caught:
        environment(store, more).run(noted)
    new = len(more["x"]) * len(more["y"]) - 12
    assert f"{new} are new here" in str(caught.value)
    assert store.url.removeprefix("memory://").removeprefix("s3://") in str(caught.value)
    assert noted.taken() == []
    env = environment(store, more, if_exists="extend")
    assert [run for run, _ in env.run(noted)] == list(range(12, 12 + new)) == noted.taken()
    ds = env.dataset()
    assert ds.z.dims == ("x", "y")
    assert ds.z.values.ravel().tolist() == [x * y for x in ds.x.values for y in ds.y.values]
    flat = env.dataset("flat").load().isel(run=slice(12))
    assert flat.equals(old)
    assert environment(store, more).run(noted) == []


@pytest.mark.parametrize("if_exists", ["continue", "overwrite", "new"])
def test_more_points_with_another_word(if_exists, at, noted):
    environment(at).run(multiply)
    env = environment(at, MORE, if_exists=if_exists)
    env.run(noted)
    assert len(noted.taken()) == (0 if if_exists == "continue" else 15)
    assert z_of(env) == products(AXES if if_exists == "continue" else MORE)
    assert len(env.traj) == (12 if if_exists == "continue" else 15)
    assert env.traj.f_get("x").f_get_range()[-1] == (4.0 if if_exists == "continue" else 5.0)


def test_a_list_with_more_points(at, noted):
    points = {"x": [1.0, 2.0, 2.0], "y": [3.0, 4.0, 5.0]}
    listed(Environment("list", store=at.url), points).run(multiply)
    more = {"x": [7.0, 2.0, 1.0, 2.0, 2.0], "y": [7.0, 5.0, 3.0, 4.0, 4.0]}
    with pytest.raises(TrajectoryExistsError, match="2 are new here"):
        listed(Environment("list", store=at.url), more).run(noted)
    env = listed(Environment("list", store=at.url, if_exists="extend"), more)
    env.run(noted)
    assert noted.taken() == [3, 4]
    # the point that comes twice is computed twice
    assert z_of(env) == [3.0, 8.0, 10.0, 49.0, 8.0]


def test_the_same_points_in_another_order(at, noted):
    environment(at).run(multiply)
    backwards = {name: values[::-1] for name, values in AXES.items()}
    env = environment(at, backwards)
    assert env.run(noted) == []
    assert noted.taken() == []
    assert env.traj.f_get("x").f_get_range()[0] == 1.0
    env.traj.v_idx = 7
    assert (env.traj.x, env.traj.y, env.traj.z) == (3.0, 7.0, 21.0)


def test_the_order_of_points_not_computed_yet_is_the_stored_one(at, noted):
    with pytest.warns(UserWarning, match="failed"):
        environment(at).run(lambda traj: multiply(traj) if traj.v_idx < 6 else 1 / 0)
    env = environment(at, {name: values[::-1] for name, values in AXES.items()})
    env.run(noted)
    assert noted.taken() == list(range(6, 12))
    assert z_of(env) == products()


# fewer points


@pytest.mark.parametrize("if_exists", [None, "continue", "extend"])
def test_the_first_of_the_stored_points(if_exists, store, tmp_path):
    noted = Noted(multiply, tmp_path)
    environment(store).run(multiply)
    first = {"x": AXES["x"][:2], "y": AXES["y"]}
    env = environment(store, first, if_exists=if_exists)
    assert env.run(noted) == []
    assert noted.taken() == []
    assert (len(env.traj), z_of(env), list(env.runs().x)) == (6, products(first), [1.0] * 3 + [2.0] * 3)
    assert env.dataset().z.values.tolist() == [[6.0, 7.0, 8.0], [12.0, 14.0, 16.0]]
    assert env.traj.f_get_from_runs("z", fast_access=True) == {f"run_{k:08d}": z for k, z in enumerate(products(first))}
    assert env.traj.results.runs.r_5.z == 16.0
    assert not env.traj.f_contains("results.runs.r_6")
    assert xpet.open(store.url, storage_options=store.storage_options or None).z.shape == (4, 3)


def test_the_first_of_the_stored_points_that_failed_before(at, noted):
    with pytest.warns(UserWarning, match="failed"):
        environment(at).run(lambda traj: 1 / 0 if traj.v_idx in (2, 9) else multiply(traj))
    env = environment(at, {"x": AXES["x"][:2], "y": AXES["y"]})
    assert [run for run, _ in env.run(noted)] == [2]
    assert noted.taken() == [2]
    assert [run for run, _ in environment(at).run(noted)] == [9]


def expanding(at, job, generations=3, **options):
    """A script that runs, and goes on from what it found: the next points are one more than the largest product."""
    env = listed(Environment("adaptive", store=at.url, **options), {"x": [1.0, 2.0], "y": [3.0, 4.0]})
    env.run(job)
    for _ in range(generations):
        best = max(env.traj.f_get_from_runs("z", fast_access=True).values())
        env.traj.f_expand({"x": [best + 1], "y": [best / 2]})
        env.run(job)
    return env


@pytest.mark.parametrize("if_exists", [None, "continue", "extend"])
def test_a_script_that_expands_runs_again(if_exists, at, noted):
    once = z_of(expanding(at, noted, if_exists=if_exists))
    assert noted.taken() == list(range(5))
    for _ in range(2):
        env = expanding(at, noted, if_exists=if_exists)
        assert noted.taken() == []
        assert z_of(env) == once
    assert len(once) == xpet.open(at.url).z.size == 5


def test_a_script_that_expands_goes_on_where_it_was_stopped(at, noted):
    expanding(at, multiply, generations=1)
    expanding(at, noted)
    assert noted.taken() == [3, 4]
    assert xpet.open(at.url).z.size == 5


def test_a_script_that_expands_elsewhere_the_second_time(at, noted):
    def study(x, **options):
        env = listed(Environment("study", store=at.url, **options), {"x": [1.0, 2.0], "y": [3.0, 4.0]})
        env.run(noted)
        env.traj.f_expand({"x": [x], "y": [x]})
        env.run(noted)
        return env

    study(5.0)
    with pytest.raises(TrajectoryExistsError, match=r"the points here are not those.*if_exists='extend'"):
        study(6.0)
    assert noted.taken() == [0, 1, 2]
    assert z_of(study(6.0, if_exists="extend")) == [3.0, 8.0, 25.0, 36.0]
    assert noted.taken() == [3]


@pytest.mark.parametrize("if_exists", [None, "continue", "extend"])
def test_a_script_that_stores_before_it_explores_runs_again(if_exists, at, noted):
    for calls in ([0, 1, 2], [], []):
        env = Environment("study", store=at.url, if_exists=if_exists)
        env.traj.f_add_parameter("x", 0.0)
        env.traj.f_add_parameter("y", 2.0)
        env.traj.f_store()
        assert not env.traj.f_contains("z")
        env.traj.f_explore({"x": [1.0, 2.0, 3.0]})
        env.run(noted)
        assert noted.taken() == calls
        assert z_of(env) == [2.0, 4.0, 6.0]


def test_running_without_the_points_that_are_stored(at, noted):
    listed(Environment("study", store=at.url), {"x": [1.0, 2.0], "y": [3.0, 4.0]}).run(multiply)

    def unexplored(**options):
        env = Environment("study", store=at.url, **options)
        env.traj.f_add_parameter("x", 1.0)
        env.traj.f_add_parameter("y", 3.0)
        return env

    env = unexplored()
    env.traj.f_store()
    with pytest.raises(TrajectoryExistsError, match=r"explored are parameters\.x, parameters\.y in the store and no"):
        env.run(noted)
    env = unexplored(if_exists="continue")
    assert env.run(noted) == []
    assert z_of(env) == [3.0, 8.0]
    env = unexplored(if_exists="overwrite")
    env.traj.f_store()
    assert len(xpet.load_trajectory("study", store=at.url)) == 1
    env.run(noted)
    assert noted.taken() == [0]


# other things


def with_more(env, **values):
    for name, value in values.items():
        env.traj.f_add_parameter(name, value)
    return env


def differing(store, kind, **options):
    if kind == "points":
        return environment(store, {"x": [1.0, 2.0, 3.0, 4.5], "y": AXES["y"]}, **options)
    if kind == "fewer":
        return environment(store, {"x": [3.0, 4.0], "y": AXES["y"]}, **options)
    if kind == "explored":
        env = Environment("Multiplication", store=store.url, **options)
        env.traj.f_add_parameter("x", 1.0)
        env.traj.f_add_parameter("y", 1.0)
        env.traj.f_explore({"x": AXES["x"]})
        return env
    if kind == "type":
        return environment(store, {"x": [1, 2, 3, 4], "y": AXES["y"]}, **options)
    if kind == "value":
        return with_more(environment(store, **options), ncars=43, mode="fast")
    if kind == "less":
        return environment(store, **options)
    return with_more(environment(store, **options), ncars=42, other=1)


DIFFERENCES = {
    "points": [
        "3 stored points are not among the points here (x=4.0, y=6.0; x=4.0, y=7.0; x=4.0, y=8.0)",
        "3 points are new here (x=4.5, y=6.0; x=4.5, y=7.0; x=4.5, y=8.0)",
    ],
    "fewer": ["6 stored points are not among the points here (x=1.0, y=6.0; x=1.0, y=7.0; x=1.0, y=8.0; …)"],
    "explored": ["explored are parameters.x, parameters.y in the store and parameters.x here"],
    "type": [
        "the points of parameters.x are of type float, such as 1.0, in the store and of type int, such as 1, here"
    ],
    "value": ["parameters.ncars is 42 in the store and 43 here", "parameters.mode is only here"],
    "less": ["parameters.ncars is only in the store"],
    "more": ["parameters.other is only here"],
}


def has_ncars(kind):
    return kind in ("value", "less", "more")


def start(store, kind):
    with_more(environment(store), **({"ncars": 42} if has_ncars(kind) else {})).run(multiply)


@pytest.mark.parametrize("kind", DIFFERENCES)
def test_other_values(kind, at, noted):
    start(at, kind)
    with pytest.raises(TrajectoryExistsError) as caught:
        differing(at, kind).run(noted)
    for words in (*DIFFERENCES[kind], *WORDS, "if_exists=", f"{at.url}/Multiplication"):
        assert words in str(caught.value)
    assert ("'extend'" in str(caught.value)) == (kind in ("points", "fewer"))
    assert noted.taken() == []
    assert xpet.open(at.url).z.size == 12


@pytest.mark.parametrize("kind", DIFFERENCES)
def test_other_values_continue(kind, at, noted):
    start(at, kind)
    env = differing(at, kind, if_exists="continue")
    assert env.run(noted) == []
    assert len(env.traj) == 12
    assert set(env.traj.f_get_parameters()) == {"parameters.x", "parameters.y"} | (
        {"parameters.ncars"} if has_ncars(kind) else set()
    )
    assert not has_ncars(kind) or env.traj.ncars == 42
    assert z_of(env) == products()
    assert env.run(noted) == []


@pytest.mark.parametrize("kind", DIFFERENCES)
def test_other_values_extend(kind, at, noted):
    start(at, kind)
    env = differing(at, kind, if_exists="extend")
    if kind not in ("points", "fewer"):
        with pytest.raises(TrajectoryExistsError) as caught:
            env.run(noted)
        assert DIFFERENCES[kind][0] in str(caught.value)
        return
    env.run(noted)
    assert noted.taken() == ([12, 13, 14] if kind == "points" else [])
    assert z_of(env) == products() + ([4.5 * y for y in AXES["y"]] if kind == "points" else [])
    assert env.run(noted) == []


@pytest.mark.parametrize("if_exists", ["overwrite", "new"])
@pytest.mark.parametrize("kind", DIFFERENCES)
def test_other_values_overwrite_and_new(kind, if_exists, at, noted):
    start(at, kind)
    env = differing(at, kind, if_exists=if_exists)
    calls = len(env.traj)
    env.run(noted)
    assert len(noted.taken()) == calls
    assert env.run(noted) == []
    old = xpet.open(at.url, "Multiplication", view="flat")
    if if_exists == "new":
        assert old.z.values.tolist() == products()
        assert xpet.open(at.url, "Multiplication_1").identical(env.dataset())
    else:
        assert old.identical(env.dataset("flat"))


def test_new_takes_the_first_free_name(at):
    for name in ("Multiplication", "Multiplication_1", "Multiplication_2"):
        env = environment(at, if_exists="new")
        env.run(multiply)
        assert env.traj.v_name == name


def test_explored_types_that_numpy_tells_apart(at):
    for kind, fine in ((np.float32, True), (np.float64, False)):
        env = Environment("types", store=at.url)
        env.traj.f_add_parameter("x", kind(1))
        env.traj.f_explore({"x": [kind(1), kind(2)]})
        if fine:
            env.run(lambda traj: None)
        else:
            with pytest.raises(TrajectoryExistsError, match=r"parameters\.x.*float32.*float64"):
                env.run(lambda traj: None)


@pytest.mark.parametrize(
    "values",
    [[1, 2], [True, False], ["a", ""], [float("nan"), 1.0], [(1, "a"), (2, "b")], [1j, 2j], [2**70, 1]],
    ids=str,
)
def test_kinds_of_points(values, at, noted):
    def open_with(values, **options):
        return listed(Environment("kinds", store=at.url, **options), {"x": values})

    job = Noted(lambda traj: traj.f_add_result("z", traj.x), at_folder(at))
    open_with(values).run(job)
    job.taken()
    assert open_with(values).run(job) == []
    assert open_with(values[::-1]).run(job) == []
    with pytest.raises(TrajectoryExistsError, match="extend"):
        open_with([*values, values[0]]).run(job)
    env = open_with([*values, values[0]], if_exists="extend")
    env.run(job)
    assert job.taken() == [2]
    traj = load_trajectory("kinds", store=at.url)
    back = traj.f_get("x").f_get_range()
    assert list(map(repr, back)) == list(map(repr, [*values, values[0]]))
    assert [repr(traj[f"r_{run}"].z) for run in range(3)] == list(map(repr, back))


def at_folder(at):
    from pathlib import Path

    return Path(at.url).parent


# a trajectory that is the stored one


def test_a_parameter_that_is_changed_after_storing(at):
    env = with_more(environment(at), ncars=42)
    env.run(multiply)
    env.traj.f_get("ncars").f_unlock()
    env.traj.ncars = 43
    with pytest.raises(TrajectoryExistsError, match=r"parameters\.ncars is 42 in the store and 43 here"):
        env.run(multiply)


def fail(traj):
    raise ValueError("not today")


OTHER_POINTS = {
    "others": {"x": [5.0, 7.0] * 6, "y": [6.0] * 12},
    "fewer": {"x": [5.0, 7.0], "y": [6.0, 8.0]},
    "the first ones": {"x": [1.0, 1.0], "y": [6.0, 7.0]},
    "more": {"x": [5.0] * 13, "y": [float(k) for k in range(13)]},
    "another parameter": {"y": [1.0, 2.0, 3.0]},
}


@pytest.mark.filterwarnings("ignore:.*failed")
@pytest.mark.parametrize("before", ["stored", "failed", "loaded"])
@pytest.mark.parametrize("points", OTHER_POINTS.values(), ids=OTHER_POINTS)
@pytest.mark.parametrize("if_exists", [None, "continue", "extend"])
def test_other_points_after_shrinking(points, before, if_exists, at, noted):
    env = environment(at, if_exists=if_exists)
    env.traj.f_store() if before == "stored" else env.run(fail)
    if before == "loaded":
        env = Environment(load_trajectory(store=at.url), store=at.url, if_exists=if_exists)
    env.traj.f_shrink()
    env.traj.f_explore(points)
    n = len(points["y"])
    assert len(env.run(noted)) == n
    assert noted.taken() == list(range(n))
    assert env.run(noted) == []
    expected = [x * y for x, y in zip(points.get("x", [1.0] * n), points["y"], strict=True)]
    assert z_of(env) == expected
    assert xpet.open(at.url, view="flat").z.values.tolist() == expected
    assert len(load_trajectory(store=at.url)) == n


def test_other_points_after_shrinking_where_another_process_completed_runs(at):
    env = environment(at)
    env.traj.f_store()
    environment(at).run(multiply)
    env.traj.f_shrink()
    env.traj.f_explore({"x": [5.0, 7.0], "y": [6.0, 8.0]})
    with pytest.raises(TrajectoryExistsError, match="has complete runs; give the trajectory another name"):
        env.run(multiply)
    assert xpet.open(at.url, view="flat").z.values.tolist() == products()


def test_other_points_after_shrinking_what_has_complete_runs(at):
    env = environment(at)
    env.run(multiply)
    with pytest.raises(TypeError, match="complete runs"):
        env.traj.f_shrink()
    env.traj.f_shrink(force=True)
    with pytest.raises(TypeError, match="explored anew; explore in a trajectory of another name, or start again"):
        env.traj.f_explore({"x": [5.0]})


def test_points_that_another_process_changed(at):
    env = environment(at)
    env.traj.f_store()
    other = Environment(load_trajectory(store=at.url), store=at.url)
    other.traj.f_shrink()
    other.traj.f_explore({"x": [5.0] * 12, "y": [6.0] * 12})
    other.traj.f_store()
    with pytest.raises(TrajectoryExistsError, match="points"):
        env.run(multiply)


def test_another_process_that_extended_it(at, noted):
    mine = environment(at)
    mine.run(multiply)
    environment(at, MORE, if_exists="extend").run(multiply)
    assert mine.run(noted) == []
    assert (len(mine.traj), z_of(mine), len(mine.runs())) == (12, products(), 12)
    assert mine.dataset().z.dims == ("x", "y")
    assert list(mine.traj.f_get_from_runs("z")) == mine.traj.f_get_run_names()
    assert xpet.open(at.url, view="flat").z.values.tolist() == products(MORE)


def test_another_process_that_overwrote_it(at, noted):
    mine = environment(at)
    mine.run(multiply)
    environment(at, {"x": [0.0, *AXES["x"]], "y": AXES["y"]}, if_exists="overwrite").run(multiply)
    with pytest.raises(TrajectoryExistsError, match="3 stored points"):
        mine.run(noted)


def test_a_trajectory_that_was_stored_before_it_was_explored(at, noted):
    env = Environment("Multiplication", store=at.url)
    env.traj.f_add_parameter("x", 1.0)
    env.traj.f_add_parameter("y", 1.0)
    env.traj.f_add_result("before", np.arange(1000), comment="kept")
    env.traj.f_store()
    env.traj.f_explore(xpet.cartesian_product(dict(AXES)))
    env.run(noted)
    assert z_of(env) == products()
    assert load_trajectory(store=at.url).before.tolist() == list(range(1000))
    assert not {"x", "y"} & set(xpet.open(at.url).attrs)


def test_what_was_there_when_it_is_explored_stays_while_it_is(at, monkeypatch):
    from xpet.store.writer import Writer

    env = Environment("Multiplication", store=at.url)
    env.traj.f_add_parameter("x", 1.0)
    env.traj.f_add_result("before", np.arange(1000))
    env.traj.f_store()
    env.traj.f_explore({"x": [1.0, 2.0]})
    monkeypatch.setattr(Writer, "publish", lambda *_: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        env.run(multiply)
    monkeypatch.undo()
    assert load_trajectory(store=at.url).before.tolist() == list(range(1000))


def test_a_kill_at_any_write_while_it_is_explored_leaves_what_can_be_loaded(tmp_path, monkeypatch):
    from xpet.store.places.local import LocalPlace

    write = LocalPlace.write
    for last in range(1, 60):
        at = StoreAt(str(tmp_path / f"{last}.zarr"))
        env = Environment("Multiplication", store=at.url)
        env.traj.f_add_parameter("x", 1.0)
        env.traj.f_add_result("before", np.arange(10))
        env.traj.f_store()
        env.traj.f_add_parameter("y", 1.0)
        env.traj.f_explore({"y": [1.0, 2.0, 3.0]})
        count = 0

        def dying(self, key, data):
            nonlocal count
            count += "/lease/" not in key
            if count >= last and "/lease/" not in key:  # noqa: B023
                raise KeyboardInterrupt
            write(self, key, data)

        monkeypatch.setattr(LocalPlace, "write", dying)
        try:
            env.traj.f_store()
            return
        except KeyboardInterrupt:
            pass
        finally:
            monkeypatch.setattr(LocalPlace, "write", write)
        back = load_trajectory(store=at.url)
        assert (len(back), back.before.tolist()) in [(1, list(range(10))), (3, list(range(10)))]
        env.traj.f_store()
        assert load_trajectory(store=at.url).f_get("y").f_get_range() == [1.0, 2.0, 3.0]
    raise AssertionError("it never got to the end")


def test_exploring_with_another_value_changes_nothing(at):
    env = Environment("Multiplication", store=at.url)
    env.traj.f_add_parameter("x", 1.0)
    env.traj.f_add_parameter("y", 1.0)
    env.traj.f_store()
    env.traj.f_get("y").f_unlock()
    env.traj.y = 2.0
    env.traj.f_explore({"x": [1.0, 2.0]})
    with pytest.raises(TrajectoryExistsError, match=r"parameters\.y is 1\.0 in the store and 2\.0 here"):
        env.traj.f_store()
    assert len(load_trajectory(store=at.url)) == 1


def test_what_is_not_explored_any_more_is_an_attribute_again(at):
    env = Environment("Multiplication", store=at.url)
    env.traj.f_add_parameter("x", 1.0)
    env.traj.f_add_parameter("y", 5.0)
    env.traj.f_explore({"x": [1.0, 2.0]})
    env.traj.f_store()
    env.traj.f_shrink(force=True)
    env.traj.f_explore({"y": [3.0, 4.0]})
    env.run(lambda traj: traj.f_add_result("z", traj.x * traj.y))
    ds = xpet.open(at.url)
    assert (ds.attrs["x"], "y" in ds.attrs, ds.z.dims, ds.z.values.tolist()) == (1.0, False, ("y",), [3.0, 4.0])


def test_exploring_after_the_one_run_failed(at):
    env = Environment("Multiplication", store=at.url)
    env.traj.f_add_parameter("x", 1.0)
    with pytest.warns(UserWarning, match="failed"):
        env.run(lambda traj: 1 / 0)
    env.traj.f_explore({"x": [1.0, 2.0]})
    env.traj.f_store()
    assert env.runs().status.tolist() == ["new", "new"]
    assert env.runs().error.tolist() == ["", ""]


def test_a_coordinate_does_not_take_the_name_of_a_result_that_was_there(at):
    env = Environment("Multiplication", store=at.url)
    env.traj.f_add_parameter("x", 1.0)
    env.traj.f_add_result("neuron.X", 7)
    env.traj.f_store()
    env.traj.f_explore({"x": [1.0, 2.0]})
    env.run(lambda traj: traj.f_add_result("neuron.z", traj.x))
    back = load_trajectory(store=at.url)
    assert (back.results.neuron.X, back.r_1.neuron.z) == (7, 2.0)
    assert xpet.open(at.url)["neuron.z"].sel({"x.1": 2.0}).item() == 2.0


def test_a_loaded_trajectory_that_was_stored_before_it_was_explored(at, noted):
    traj = Trajectory("Multiplication", store=at.url)
    traj.f_add_parameter("x", 1.0)
    traj.f_add_parameter("y", 1.0)
    traj.f_add_parameter("big", np.arange(5000.0))
    traj.f_add_result("before", np.arange(1000), comment="kept")
    traj.f_store()
    traj = load_trajectory(store=at.url)
    traj.f_explore(xpet.cartesian_product(dict(AXES)))
    env = Environment(traj)
    env.run(noted)
    assert len(noted.taken()) == 12
    assert z_of(env) == products()
    back = load_trajectory(store=at.url)
    assert back.before.tolist() == list(range(1000))
    assert back.big.tolist() == list(range(5000))
    assert back.f_get("before").v_comment == "kept"


def test_one_more_explored_parameter_before_the_first_run(at, noted):
    env = Environment("Multiplication", store=at.url)
    env.traj.f_add_parameter("x", 1.0)
    env.traj.f_add_parameter("y", 1.0)
    env.traj.f_explore({"x": [1.0, 2.0]})
    env.traj.f_store()
    env.traj.f_explore({"y": [3.0, 4.0]})
    env.run(noted)
    assert z_of(env) == [3.0, 8.0]


def test_a_loaded_trajectory_in_another_store(at, noted, tmp_path):
    with_more(environment(at), big=np.arange(5000)).run(multiply)
    env = Environment(load_trajectory(store=at.url), store=tmp_path / "other.zarr")
    env.run(noted)
    assert noted.taken() == list(range(12))
    assert z_of(env) == products()
    assert load_trajectory(store=tmp_path / "other.zarr").big.tolist() == list(range(5000))
    assert xpet.open(at.url, view="flat").z.values.tolist() == products()


# what is not ours


def test_a_foreign_store(tmp_path):
    zarr.create_group(tmp_path / "theirs.zarr", zarr_format=3)
    env = environment(StoreAt(str(tmp_path / "theirs.zarr")))
    with pytest.raises(ForeignStoreError, match=r"theirs\.zarr.*xpet did not write.*choose another store"):
        env.run(multiply)
    with pytest.raises(OSError, match=r"theirs\.zarr"):
        load_trajectory("Multiplication", store=tmp_path / "theirs.zarr")


@pytest.mark.parametrize("if_exists", MODES, ids=str)
def test_a_name_that_something_foreign_has(if_exists, store):
    from xpet.store.place import open_place, resolve

    first = Environment("other", store=store.url, storage_options=store.storage_options or None)
    first.traj.f_store()
    place = open_place(resolve(store.url, store.storage_options))
    place.write("Multiplication/zarr.json", b'{"zarr_format":3,"node_type":"group","attributes":{}}')
    env = environment(store, if_exists=if_exists)
    if if_exists == "new":
        env.run(multiply)
        assert env.traj.v_name == "Multiplication_1"
    else:
        with pytest.raises(ForeignStoreError, match=r"Multiplication.*xpet did not write.*another name"):
            env.run(multiply)
    assert place.read("Multiplication/zarr.json") is not None


def test_a_name_that_a_folder_of_other_files_has(at):
    Environment("other", store=at.url).traj.f_store()
    os.makedirs(f"{at.url}/Multiplication")
    (at_folder(at) / "store.zarr" / "Multiplication" / "notes.txt").write_text("mine")
    with pytest.raises(ForeignStoreError, match=r"notes\.txt.*xpet did not write"):
        environment(at).run(multiply)
    assert os.listdir(f"{at.url}/Multiplication") == ["notes.txt"]


def test_overwrite_file(store):
    from xpet.store.place import open_place, resolve

    given = {"store": store.url, "storage_options": store.storage_options or None}
    environment(store).run(multiply)
    Environment("other", **given).traj.f_store()
    place = open_place(resolve(store.url, store.storage_options))
    foreign = {
        "notes.txt": b"mine",
        "theirs/zarr.json": b'{"zarr_format":3,"node_type":"group","attributes":{}}',
        "folder/file.txt": b"mine",
        "damaged/zarr.json": b"{",
    }
    for key, data in foreign.items():
        place.write(key, data)
    with pytest.warns(UserWarning, match="stays") as caught:
        env = environment(store, overwrite_file=True)
    (warning,) = caught
    assert all(name in str(warning.message) for name in ("damaged", "folder", "notes.txt", "theirs"))
    assert sorted(place.children()) == ["damaged", "folder", "notes.txt", "theirs", "zarr.json"]
    assert [place.read(key) for key in foreign] == list(foreign.values())
    assert len(env.run(multiply)) == 12


def test_overwrite_file_where_nothing_is(at):
    env = environment(at, overwrite_file=True)
    assert len(env.run(multiply)) == 12


def test_overwrite_file_with_a_loaded_trajectory(at, noted):
    with_more(environment(at), big=np.arange(5000)).run(multiply)
    traj = load_trajectory(store=at.url)
    env = Environment(traj, store=at.url, overwrite_file=True)
    env.run(noted)
    assert len(noted.taken()) == 12
    assert z_of(env) == products()
    assert load_trajectory(store=at.url).big.tolist() == list(range(5000))


def test_overwriting_what_another_one_writes(at):
    env = environment(at)
    env.run(multiply)
    with env.traj.f_open():
        for given in ({"overwrite_file": True}, {"if_exists": "overwrite"}):
            with pytest.raises(StoreBusyError, match="is being written by"):
                environment(at, **given).run(multiply)
    assert z_of(env) == products()


def test_overwriting_deletes_nothing_before_the_new_one_is_sure_to_be_stored(tmp_path):
    def script(**options):
        env = xpet.Environment("study", store=tmp_path / "s.zarr", **options)
        env.traj.f_add_parameter("x", 1.0)
        env.traj.f_explore({"x": [1.0, 2.0]})
        return env

    script().run(lambda traj: traj.f_add_result("z", traj.x))
    env = script(if_exists="overwrite")
    env.traj.f_add_result("bad", 1).v_annotations.f_set(what=object())
    with pytest.raises(xpet.UnsupportedValueError, match=r"results\.bad \(annotations\)"):
        env.run(lambda traj: None)
    assert xpet.load_trajectory("study", store=tmp_path / "s.zarr").r_1.z == 2.0


def test_an_object_of_a_trajectory_that_another_one_took_the_place_of(at, monkeypatch):
    from xpet.store import reading

    mine = environment(at)
    mine.run(multiply)
    loaded = load_trajectory(store=at.url)
    environment(at, {"x": [7.0, 8.0], "y": AXES["y"]}, overwrite_file=True).run(multiply)
    monkeypatch.setattr(reading.time, "monotonic", lambda: float("inf"))
    for look in (
        lambda: mine.dataset(),
        lambda: mine.runs(),
        lambda: mine.traj.f_refresh(),
        lambda: mine.traj.r_1.z,
        lambda: loaded.r_1.z,
        lambda: loaded.f_dataset(),
    ):
        with pytest.raises(xpet.StoreError, match=r"Multiplication: .*another one of its name has taken its place"):
            look()


@pytest.mark.parametrize("key", ["results/z/c/0", "runs/x/c/0", "results/x/c/0"])
def test_what_was_lost_does_not_become_fill_when_runs_are_added(key, at, noted):
    environment(at).run(multiply)
    chunk = at_folder(at) / "store.zarr" / "Multiplication" / key
    data = chunk.read_bytes()
    chunk.unlink()
    with pytest.raises(xpet.CorruptStoreError, match=rf"{key}: .*missing"):
        environment(at, MORE, if_exists="extend").run(multiply)
    chunk.write_bytes(data)
    env = environment(at, MORE, if_exists="extend")
    env.run(noted)
    assert z_of(env) == products(MORE)
    assert set(noted.taken()) <= {12, 13, 14}


@pytest.mark.parametrize("damage", [b'{"za', b"", b"[]"], ids=["cut off", "empty", "no object"])
@pytest.mark.parametrize("given", [{"if_exists": "overwrite"}, {"overwrite_file": True}], ids=str)
def test_a_trajectory_whose_document_is_damaged(damage, given, at):
    from xpet.store.place import open_place, resolve

    environment(at).run(multiply)
    Environment("other", store=at.url).traj.f_store()
    place = open_place(resolve(at.url))
    place.write("Multiplication/zarr.json", damage)
    with pytest.raises(xpet.CorruptStoreError) as caught:
        environment(at).run(multiply)
    assert "if_exists='overwrite'" in caught.value.__notes__[0]
    env = environment(at, **given)
    env.run(multiply)
    assert z_of(env) == products()
    assert ("other" in place.children()) == ("if_exists" in given)


def uneven(traj):
    run = traj.v_idx
    traj.f_add_result("train", np.arange(float(run % 5)))
    traj.f_add_result("map", np.ones((run % 3, 2)))
    traj.f_add_result("raw", b"x" * run)
    traj.f_add_result("names", [f"n{k}" for k in range(run)])
    traj.f_add_result("text", f"run {run}")
    traj.f_add_result("n", run)
    if run % 2:
        traj.f_add_result("odd", run)
    if run % 3:
        traj.f_add_result("kinds", run if run % 2 else "even")


def test_no_chunk_that_was_lost_becomes_fill_when_runs_are_added(tmp_path):
    at = StoreAt(str(tmp_path / "store.zarr"))
    environment(at).run(uneven)
    folder = tmp_path / "store.zarr" / "Multiplication"
    keys = [str(path.relative_to(folder)) for name in ("results", "runs") for path in folder.glob(f"{name}/**/c/**/*")]
    keys = sorted(key for key in keys if (folder / key).is_file())
    assert {"results/train.len/c/0", "results/odd.which/c/0", "results/raw/c/0/0", "runs/run_status/c/0"} <= set(keys)
    kept = tmp_path / "kept.zarr"
    shutil.copytree(at.url, kept)
    for key in keys:
        (folder / key).unlink()
        if "/run/" in key:
            # what is in it is known
            environment(at, MORE, if_exists="extend").run(uneven)
            with xr.open_dataset(folder, group=key.partition("/")[0], engine="zarr") as ds:
                assert ds.run.values.tolist() == list(range(15))
        else:
            with pytest.raises(xpet.CorruptStoreError, match=rf"{key}: the chunk .* is missing"):
                environment(at, MORE, if_exists="extend").run(uneven)
            assert not (folder / key).exists()
        shutil.rmtree(at.url)
        shutil.copytree(kept, at.url)


def test_runs_that_a_lost_chunk_does_not_reach_are_written(tmp_path):
    def job(traj):
        traj.f_add_result("train", np.arange(float(2**17 if traj.v_idx in (1, 13) else 3)))

    at = StoreAt(str(tmp_path / "store.zarr"))
    environment(at).run(job)
    env = environment(at, MORE, if_exists="extend")
    env.run(job)
    assert [len(value) for value in env.traj.f_get_from_runs("train", fast_access=True).values()] == [
        2**17 if run in (1, 13) else 3 for run in range(15)
    ]


@pytest.mark.parametrize("key", ["odd.which/c/0", "kinds.which/c/0", "train.len/c/0", "train/c/0/0"])
def test_what_a_run_has_is_not_guessed_where_a_chunk_was_lost(key, at):
    environment(at).run(uneven)
    (at_folder(at) / "store.zarr" / "Multiplication" / "results" / key).unlink()
    traj = load_trajectory(store=at.url)
    with pytest.raises(xpet.CorruptStoreError, match=rf"{key}: the chunk .* is missing"):
        traj.f_get_from_runs(key.partition(".")[0].partition("/")[0], fast_access=True)


def test_who_looks_at_points_of_a_while_ago(at):
    env = environment(at)
    env.traj.f_store()
    old = []
    for k in range(6):
        old.append((load_trajectory(store=at.url), xpet.open(at.url, view="flat"), env.traj.f_get("x").f_get_range()))
        env.traj.f_shrink()
        env.traj.f_explore({"x": [k + 10.0, k + 20.0], "y": [6.0, 8.0]})
        env.traj.f_store()
    told = 0
    for traj, ds, expected in old:
        for look in (lambda traj=traj: traj.f_get("x").f_get_range(), lambda ds=ds: ds.x.values.tolist()):
            try:
                assert look() == expected
            except xpet.StoreError as error:
                told += "another one of its name has taken its place" in str(error)
    assert told
    env.run(multiply)
    assert z_of(env) == [15.0 * 6, 25.0 * 8]
