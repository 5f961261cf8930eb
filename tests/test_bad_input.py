"""Bad input: each gets its exception, and a sentence with what, where, expected, got and what to do."""

from __future__ import annotations

import numpy as np
import pytest
from fixtures_jobs import AXES

from xpet import NotUniqueNodeError, ParameterLockedException, PresettingError, Trajectory, UnsupportedValueError


@pytest.fixture
def traj():
    traj = Trajectory("study")
    traj.f_add_parameter("x", 1.0)
    traj.f_add_parameter("y", 1.0)
    traj.f_add_parameter("a.w", 1)
    traj.f_add_parameter("b.w", 1)
    traj.f_add_parameter("pair", (1, "a"))
    traj.f_add_result("r", 1)
    traj.f_add_parameter("unset")
    return traj


def locked(traj):
    assert traj.x == 1.0
    traj.x = 2.0


def explored_twice(traj):
    traj.f_explore({"x": [1.0, 2.0]})
    traj.f_explore({"x": [1.0, 2.0]})


def other_length(traj):
    traj.f_explore({"x": [1.0, 2.0]})
    traj.f_explore({"y": [1.0, 2.0, 3.0]})


def preset(traj):
    traj.f_preset_parameter("nowhere", 3)
    traj.freeze()


TABLE = [
    ("wrong name", lambda traj: traj.f_explore({"v": [1.0]}), AttributeError, ["'v'", "the trajectory"]),
    ("ambiguous name", lambda traj: traj.f_explore({"w": [1]}), NotUniqueNodeError, ["w", "a.w", "b.w"]),
    ("no parameter", lambda traj: traj.f_explore({"r": [1]}), ValueError, ["r", "parameter"]),
    ("unequal lengths", lambda traj: traj.f_explore({"x": [1.0], "y": [1.0, 2.0]}), ValueError, ["x", "1", "y", "2"]),
    ("other length", other_length, ValueError, ["2", "3"]),
    ("no values", lambda traj: traj.f_explore({"x": []}), ValueError, ["x"]),
    ("not iterable", lambda traj: traj.f_explore({"x": 1.0}), TypeError, ["x"]),
    (
        "int for float",
        lambda traj: traj.f_explore({"x": [1.0, 2]}),
        TypeError,
        ["parameters.x", "a float", "an int", "2"],
    ),
    (
        "numpy for float",
        lambda traj: traj.f_explore({"x": np.arange(2.0)}),
        TypeError,
        ["parameters.x", "numpy", "tolist"],
    ),
    (
        "other tuple",
        lambda traj: traj.f_explore({"pair": [(1, 2)]}),
        TypeError,
        ["parameters.pair", "(int, str)", "(int, int)"],
    ),
    (
        "no default",
        lambda traj: traj.f_explore({"unset": [1]}),
        TypeError,
        ["parameters.unset", "set a default"],
    ),
    ("explored twice", explored_twice, TypeError, ["x", "explored"]),
    ("name taken", lambda traj: traj.f_add_parameter("x", 2.0), AttributeError, ["x", "exist"]),
    ("group taken", lambda traj: traj.f_add_parameter("x.z", 2.0), AttributeError, ["x"]),
    ("bad name", lambda traj: traj.f_add_parameter("a b", 2.0), ValueError, ["'a b'", "characters"]),
    ("underscore", lambda traj: traj.f_add_result("_z", 2.0), ValueError, ["'_z'", "underscore"]),
    ("too long", lambda traj: traj.f_add_result("z" * 128, 2.0), ValueError, ["128 characters", "127"]),
    ("name of a trajectory", lambda traj: Trajectory("a/b"), ValueError, ["a/b", "characters"]),
    ("no text", lambda traj: Trajectory(3), TypeError, ["int", "3"]),
    ("locked", locked, ParameterLockedException, ["parameters.x", "locked", "f_unlock"]),
    ("unsupported", lambda traj: traj.f_add_parameter("f", print), UnsupportedValueError, ["parameters.f", "builtin"]),
    (
        "unsupported inside",
        lambda traj: traj.f_add_result("f", {"a": [1, print]}),
        UnsupportedValueError,
        ["results.f"],
    ),
    ("no such run", lambda traj: traj.f_set_crun(3), KeyError, ["3", "study"]),
    ("unused preset", preset, PresettingError, ["nowhere"]),
    ("missing", lambda traj: traj.nothing, AttributeError, ["nothing"]),
]


@pytest.mark.parametrize(("do", "kind", "said"), [row[1:] for row in TABLE], ids=[row[0] for row in TABLE])
def test_what_is_said(do, kind, said, traj):
    before = sorted(traj.f_get_parameters())
    with pytest.raises(kind) as caught:
        do(traj)
    for words in said:
        assert words in str(caught.value)
    assert sorted(traj.f_get_parameters()) == before


def test_a_failed_exploration_leaves_all_as_it_was(traj):
    traj.f_explore({"x": AXES["x"]})
    with pytest.raises(TypeError):
        traj.f_explore({"y": [1.0, 2.0, 3.0, 4]})
    assert len(traj) == 4
    assert list(traj.f_get_explored_parameters()) == ["parameters.x"]
    assert not traj.f_get("y").v_explored
    traj.f_explore({"y": [1.0, 2.0, 3.0, 4.0]})
