"""What is a defect or a trap in pypet 0.7 behaves here as its documentation, or common sense, has it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from xpet.utils.comparisons import nested_equal

import xpet


@pytest.fixture
def traj() -> xpet.Trajectory:
    made = xpet.Trajectory("study")
    made.f_add_parameter("g1.a", 1)
    made.f_add_parameter("g10.x", 10.0)
    made.f_add_parameter("free", 0)
    return made


@pytest.fixture
def env(traj: xpet.Trajectory, request: pytest.FixtureRequest) -> xpet.Environment:
    return xpet.Environment(traj, store=f"memory://bugs-{request.node.name}", overwrite_file=True)


def with_runs(traj: xpet.Trajectory) -> xpet.Trajectory:
    """Explore, and put a result of each run into memory."""
    traj.f_explore({"x": [1.0, 2.0]})
    for run in range(2):
        traj.f_add_result(f"runs.run_{run:08d}.z", run)
    return traj


class Uncopied(xpet.Parameter):
    """A parameter that cannot be copied."""

    def __copy__(self) -> Any:
        raise RuntimeError("not me")


def test_selecting_a_run_hides_the_others(traj: xpet.Trajectory):
    with_runs(traj).v_crun = "run_00000001"
    assert (traj.z, traj.results.z) == (1, 1)


def test_selecting_a_run_hides_the_others_in_the_store(env: xpet.Environment):
    env.traj.f_explore({"x": [1.0, 2.0]})
    env.run(lambda traj: traj.f_add_result("z", traj.x) and None)
    env.traj.v_idx = 1
    assert env.traj.z == 2.0


def test_full_copy_may_be_asked_for_before_exploring(traj: xpet.Trajectory):
    traj.v_full_copy = True
    traj.f_explore({"x": [1.0, 2.0]})
    assert traj.without_ranges().f_get("x").f_get_range() == [1.0, 2.0]


def test_the_last_index_is_the_newest(tmp_path):
    for name in ("z", "b", "a", "m"):
        made = xpet.Trajectory(name, store=tmp_path)
        made.f_add_parameter("x", 1)
        made.f_store()
    assert xpet.load_trajectory(index=-1, store=tmp_path).v_name == "m"


def test_an_error_while_copying_is_raised(traj: xpet.Trajectory):
    traj.f_add_parameter(Uncopied, "own", 1)
    with pytest.raises(RuntimeError, match="not me"):
        traj.f_copy()


def test_an_empty_token_is_not_found(traj: xpet.Trajectory):
    with pytest.raises(AttributeError, match="''"):
        traj.f_get("parameters..x")


@pytest.mark.parametrize(
    "look",
    [lambda traj: traj.par.g1.x, lambda traj: traj["g1.x"], lambda traj: traj.f_get("parameters.g1").f_get("x")],
    ids=["attribute", "item", "f_get"],
)
def test_a_group_lends_nothing_from_one_whose_name_begins_alike(traj: xpet.Trajectory, look: Callable[[Any], Any]):
    with pytest.raises(AttributeError):
        look(traj)
    assert "x" not in traj.par.g1
    assert traj.par.g1.f_get_all("x") == []


@pytest.mark.parametrize("name", ["parameters.gg.q", "par.gg.q", "gg.q"])
def test_a_parameter_may_be_given_its_whole_path(traj: xpet.Trajectory, name: str):
    assert traj.f_add_parameter(name, 1).v_full_name == "parameters.gg.q"
    assert list(traj.f_get_groups()) == ["parameters"]


def test_arrays_that_can_be_explored_can_be_stored(tmp_path):
    traj = xpet.Trajectory("study", store=tmp_path)
    traj.f_add_parameter("w", np.zeros(2))
    traj.f_explore({"w": [np.arange(2.0), np.arange(3.0)]})
    traj.f_store()
    found = xpet.load_trajectory("study", store=tmp_path).f_get("w").f_get_range()
    assert [each.tolist() for each in found] == [[0.0, 1.0], [0.0, 1.0, 2.0]]


@pytest.mark.parametrize(
    ("one", "other", "equal"),
    [([1, 2], [1, 2, 3], False), ((1,), (1, 2), False), ([1, 2], [1, 2], True), (float("nan"), float("nan"), True)],
)
def test_what_goes_on_is_not_equal(one: Any, other: Any, equal: bool):
    assert nested_equal(one, other) is equal


@pytest.mark.parametrize("wrap_mode", ["LOCAL", "QUEUE", "PIPE", "LOCK"])
def test_every_wrap_mode_does_without_workers(wrap_mode: str):
    env = xpet.Environment("study", store=f"memory://bugs-{wrap_mode}", overwrite_file=True, wrap_mode=wrap_mode)
    assert env.run(lambda traj: 3) == [(0, 3)]


def test_no_value_is_left_out_of_a_product():
    with pytest.raises(ValueError, match="b"):
        xpet.cartesian_product({"a": [1, 2], "b": [3, 4, 5]}, (("a", "b"),))
    with pytest.raises(ValueError, match="b"):
        xpet.cartesian_product({"a": [1, 2], "b": [3, 4, 5]}, ("a",))


def test_leaving_a_loop_over_runs_selects_none(traj: xpet.Trajectory):
    for _ in with_runs(traj).f_iter_runs():
        break
    assert (traj.v_idx, traj.x) == (-1, 10.0)


def test_a_name_that_a_run_has_twice_is_an_error(traj: xpet.Trajectory):
    with_runs(traj).f_add_derived_parameter("runs.run_00000001.z", 5)
    with pytest.raises(xpet.NotUniqueNodeError, match="z"):
        traj.f_get_from_runs("z")


def test_the_whole_tree_is_nested(traj: xpet.Trajectory):
    assert traj.f_to_dict(nested=True, fast_access=True)["parameters"]["g1"] == {"a": 1}


def test_what_a_result_lacks_is_named():
    with pytest.raises(AttributeError, match="nothing"):
        xpet.Result("z", 1).f_remove("nothing")


@pytest.mark.parametrize(
    "value", [2**31, -(2**31) - 1, 2**62, "größer", ["ä", "bc"], np.str_("x"), np.bool_(True)], ids=repr
)
def test_what_a_parameter_takes_comes_back(tmp_path, value: Any):
    traj = xpet.Trajectory("study", store=tmp_path)
    traj.f_add_parameter("x", value)
    traj.f_store()
    found = xpet.load_trajectory("study", store=tmp_path).x
    assert (found, type(found)) == (value, type(value))


@pytest.mark.filterwarnings("ignore:.*failed")
def test_a_failed_run_leaves_the_trajectory_usable_and_is_done_again(env: xpet.Environment):
    env.traj.f_explore({"x": [1.0, 2.0, 3.0]})
    done: list[float] = []

    def fails_once(traj: Any) -> float:
        done.append(traj.x)
        if traj.x == 2.0 and done.count(2.0) == 1:
            raise ValueError("once")
        return float(traj.x)

    assert env.run(fails_once) == [(0, 1.0), (2, 3.0)]
    assert not env.traj.v_is_run
    assert env.run(fails_once) == [(1, 2.0)]


@pytest.mark.parametrize(
    ("owner", "member"),
    [("Environment", "pipeline"), ("Trajectory", "f_merge")],
    ids=["a bare function as pipeline", "runs that move while merging, and the length before"],
)
def test_what_has_further_traps_is_not_here_yet(owner: str, member: str):
    """Whoever adds one replaces this by a test of what is sane."""
    assert not hasattr(getattr(xpet, owner), member)


@pytest.mark.parametrize("name", ["SharedTable", "make_shared_result"])
def test_what_pypet_never_mended_is_refused(name: str):
    with pytest.raises(NotImplementedError, match="refused"):
        getattr(xpet, name)("x")
