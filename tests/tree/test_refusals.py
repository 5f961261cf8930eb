"""What cannot be is refused where it is said, in a sentence."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

import xpet

REFUSED: dict[str, tuple[Callable[[Any], object], type[Exception], str]] = {
    "a path that is no text": (lambda traj: xpet.Parameter(3), TypeError, "path of a node is a text, not int 3"),
    "a group's path that is no text": (lambda traj: xpet.NNGroupNode(3), TypeError, "path of a node is a text"),
    "a class as private attribute": (lambda traj: setattr(traj, "_mine", 3), AttributeError, "no room for '_mine'"),
    "a private attribute of a group": (lambda traj: setattr(traj.par, "_mine", 3), AttributeError, "ParameterGroup"),
    "an item without a name": (lambda traj: traj.f_get("z").f_set(**{"": 3}), AttributeError, "has no name"),
    "setting below a parameter": (lambda traj: traj.__setitem__("x.data", 3), AttributeError, "is a parameter"),
    "a run that is no number": (lambda traj: traj.f_set_crun(1.5), KeyError, "no run 1.5"),
    "not loading": (lambda traj: setattr(traj, "v_auto_load", False), ValueError, "`v_auto_load=False` is refused"),
    "not loading, of all settings": (lambda traj: traj.f_set_properties(auto_load=False), ValueError, "is refused"),
    "a range of one's own": (
        lambda traj: type("Own", (xpet.BaseParameter,), {"_explore": print, "_shrink": print}),
        NotImplementedError,
        r"Own has a range of its own \(_explore, _shrink\), which is refused",
    ),
}


@pytest.fixture
def traj() -> xpet.Trajectory:
    traj = xpet.Trajectory("study")
    traj.f_add_parameter("x", 1)
    traj.f_add_result("z", 1, count=2)
    return traj


@pytest.mark.parametrize(("act", "error", "said"), REFUSED.values(), ids=REFUSED)
def test_a_sentence_says_so(traj: Any, act: Callable[[Any], object], error: type[Exception], said: str):
    with pytest.raises(error, match=said):
        act(traj)
    assert traj.f_get("z").f_to_dict() == {"z": 1, "count": 2}


def test_a_class_of_the_users_has_room_for_its_own():
    class Mine(xpet.Trajectory):
        pass

    traj = Mine("study")
    traj._mine = 3
    assert traj._mine == 3


def test_outside_of_runs_there_is_no_rng(traj: Any):
    assert not hasattr(traj, "rng")
    assert getattr(traj, "rng", None) is None
    with pytest.raises(AttributeError, match=r"outside of runs select one first, as in `traj.v_idx = 0`"):
        _ = traj.rng
    traj.v_idx = 0
    assert hasattr(traj, "rng")


@pytest.mark.parametrize("value", [object(), len, [object()]], ids=["object", "function", "in a list"])
def test_a_parameter_says_before_what_it_will_not_take(traj: Any, value: object):
    alone, placed = xpet.Parameter("y", 1), traj.f_get("x")
    assert not alone.f_supports(value)
    assert not placed.f_supports(value)
    with pytest.raises(TypeError):
        traj.f_add_parameter("y", value)
    assert xpet.PickleParameter("y", 1).f_supports(len)
    assert alone.f_supports({"a": (1, None)})
    assert alone.f_get() == 1


def test_an_item_of_a_result_is_set_by_its_path(traj: Any):
    traj["results.z.count"] = 3
    traj.results["z.more"] = 4
    assert traj.f_get("z").f_to_dict() == {"z": 1, "count": 3, "more": 4}
