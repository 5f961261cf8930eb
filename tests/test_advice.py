"""Errors that say what can be done, and advice that does not lead in a circle."""

from __future__ import annotations

import pytest

import xpet
from xpet import Environment, Trajectory, cartesian_product
from xpet.space import cartesian_product as product


@pytest.fixture
def url(tmp_path):
    return tmp_path / "study.zarr"


@pytest.fixture
def traj():
    traj = Trajectory("study")
    traj.f_add_parameter("cell.tau", 1.0)
    traj.f_add_parameter("x", 1)
    return traj


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("q", "There is no parameter 'q' in the trajectory; there are 'x', 'cell.tau'."),
        ("X", "There is no parameter 'X' in the trajectory; did you mean 'x'."),
        (
            "parameters.cell.tua",
            "There is no parameter 'parameters.cell.tua' in the trajectory; did you mean 'cell.tau'.",
        ),
    ],
)
def test_exploring_what_is_not_there(name, said, traj):
    with pytest.raises(AttributeError) as caught:
        traj.f_explore({name: [1]})
    assert str(caught.value) == said


def test_exploring_without_parameters():
    with pytest.raises(AttributeError, match="there are none yet, add one with `f_add_parameter`"):
        Trajectory("study").f_explore({"q": [1]})


def test_integers_among_floats_in_a_sweep():
    with pytest.raises(TypeError, match=r"sweep: among the values of 'I' are the int 1 and the float 2\.5, .* 1\.0$"):
        xpet.sweep(lambda I: I, {"I": [1, 2.5]}, store="memory://advice", name="mixed")  # noqa: E741


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"x": [1, 2], "y": 3}, "'y' has the int 3; put a single value into a list"),
        (3, r"a dictionary of parameters and their values, .* not int 3"),
    ],
)
def test_what_no_product_is_of(given, said):
    assert cartesian_product is product
    with pytest.raises(TypeError, match=said):
        cartesian_product(given)


def test_an_abbreviation_of_a_branch(traj):
    with pytest.raises(ValueError, match="'par' is short for 'parameters', which is the branch itself"):
        traj.f_add_parameter("par", 3)


NO_TEXT = {
    "parameter": lambda traj: traj.f_add_parameter("p", 1, comment=3),
    "result": lambda traj: traj.f_add_result("p", 1, comment=["a"]),
    "group": lambda traj: traj.f_add_group("p", comment=3),
    "attribute": lambda traj: setattr(traj.f_get("x"), "v_comment", 3),
    "trajectory": lambda traj: Trajectory("other", comment=3),
    "root": lambda traj: setattr(traj, "v_comment", 3),
    "title": lambda traj: Environment("other", store="memory://advice", file_title=3.5),
}


@pytest.mark.parametrize("make", NO_TEXT.values(), ids=NO_TEXT)
def test_comments_and_titles_are_texts(make, traj):
    with pytest.raises(TypeError, match="is a text, not"):
        make(traj)


def test_a_comment_in_a_run_is_a_text(traj):
    traj.f_explore({"x": [1, 2]})
    for run in range(2):
        traj.enter_run(run)
        traj.f_add_result("z", 1, comment="first")
        traj.leave_run()
    traj.enter_run(0)
    with pytest.raises(TypeError, match=r"The comment of 'results\.runs\.\$\.z' is a text, not int 3"):
        traj.f_add_result("z", 1, comment=3)


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("f_load", "'f_load' is planned and not in this version of xpet"),
        ("f_lod", "'f_lod' is nothing that groups have"),
    ],
)
def test_methods_that_are_not_there(name, said, traj):
    with pytest.raises(AttributeError, match=said):
        getattr(traj, name)
    assert not hasattr(traj, name)


def leave(traj):
    traj.f_add_result("z", traj.x)


def fail(traj):
    raise ValueError("bad")


def study(url, points, if_exists=None):
    env = Environment("study", store=url, if_exists=if_exists)
    env.traj.f_add_parameter("x", 0)
    if points:
        env.traj.f_explore({"x": points})
    return env


def test_points_for_what_was_run_without(url):
    first = study(url, [])
    first.run(leave)
    for method in (first.traj.f_expand, first.traj.f_explore):
        with pytest.raises(
            TypeError, match="no points can be appended to a run that explored nothing, so explore in"
        ) as c:
            method({"x": [0, 1]})
        assert "f_expand" not in str(c.value)
    with pytest.raises(xpet.TrajectoryExistsError, match="explored are no parameters in the store") as caught:
        study(url, [0, 1], "extend").run(leave)
    assert "'extend'" not in str(caught.value)
    assert "'overwrite'" in str(caught.value)


@pytest.mark.filterwarnings("ignore:.*runs failed")
def test_other_points_when_every_run_failed(url):
    first = study(url, [1, 2])
    first.run(fail)
    with pytest.raises(
        xpet.TrajectoryExistsError, match=r"'extend'.*'overwrite' to delete it, of which no run is complete,"
    ):
        study(url, [5, 6]).run(leave)
    assert study(url, [5, 6], "overwrite").run(leave) == [(0, None), (1, None)]


@pytest.mark.filterwarnings("ignore:.*runs failed")
def test_shrinking_when_every_run_failed(url):
    env = study(url, [1, 2])
    env.run(fail)
    for traj in (env.traj, xpet.load_trajectory("study", store=url)):
        with pytest.raises(TypeError, match="or drop the points with `f_shrink` first"):
            traj.f_explore({"x": [5, 6]})
        traj.f_shrink()
        traj.f_explore({"x": [5, 6]})
    env = study(url, [1, 2])
    env.run(leave)
    with pytest.raises(TypeError, match="has complete runs in the store; `force=True`"):
        env.traj.f_shrink()
