"""What errors say."""

from __future__ import annotations

import sys

import pytest

import xpet
from xpet.errors import cut, shown

LONG = "n" * 5000


@pytest.mark.parametrize(
    "wrong",
    [
        lambda at: xpet.Trajectory(LONG),
        lambda at: xpet.Trajectory("t").f_add_parameter(LONG, 1),
        lambda at: xpet.Trajectory("t").f_add_parameter(f"{'a.' * 1000}b c", 1),
        lambda at: xpet.Trajectory("t").f_get(LONG),
        lambda at: getattr(xpet.Trajectory("t"), LONG),
        lambda at: xpet.Trajectory("t").f_explore({LONG: [1]}),
        lambda at: xpet.sweep(lambda x: x, {LONG: [1.0]}, at),
        lambda at: xpet.sweep(lambda x: x, {"x": [1.0]}, f"{at}/{LONG}", name="t"),
        lambda at: xpet.open(f"{at}/{LONG}"),
        lambda at: xpet.open(at, LONG),
        lambda at: xpet.load_trajectory(LONG, filename=at),
        lambda at: xpet.Environment("t", if_exists=LONG),
        lambda at: xpet.Environment("t", **{LONG: 1}),
    ],
)
def test_long_names_are_cut(wrong, tmp_path):
    at = f"{tmp_path}/s.zarr"
    xpet.sweep(lambda x: {"y": x}, {"x": [1.0]}, at, name="t")
    with pytest.raises((ValueError, AttributeError, TypeError, OSError)) as caught:
        wrong(at)
    assert len(str(caught.value)) < 700


def test_what_is_short_is_shown_whole():
    assert shown("a" * 127) == repr("a" * 127)
    assert cut("a" * 160) == "a" * 160
    assert cut("ab" * 100, 5) == "ab…ab"


def test_what_has_no_end_is_cut():
    doubled: list[object] = [1]
    for _ in range(100):
        doubled = [doubled, doubled]
    assert len(shown(doubled)) == 160
    assert shown([1, ("a" * 100, {"k": {2}})]) == repr([1, ("a" * 100, {"k": {2}})])


@pytest.mark.skipif(sys.int_info.default_max_str_digits == 0, reason="integers of any size have a text here")
def test_what_python_does_not_show_is_an_error_of_nobody():
    assert shown(10**5000) == "<int that cannot be shown, ValueError>"
    traj = xpet.Trajectory("t")
    assert "cannot be shown" in repr(traj.f_add_parameter("p", 10**5000))
    assert "cannot be shown" in repr(traj.f_add_result("z", [10**5000]))
