"""What was changed in memory is stored, refused or told, never dropped without a word."""

from __future__ import annotations

import warnings

import pytest

import xpet


@pytest.fixture
def url(tmp_path):
    return tmp_path / "s.zarr"


def script(url, version=3, comment="of a leaf", about="of the study", **annotations):
    env = xpet.Environment("study", store=url, comment=about)
    env.traj.f_add_parameter("x", 1.0, comment=comment)
    env.traj.f_explore({"x": [1.0, 2.0]})
    env.traj.f_add_config("version", version)
    env.traj.f_add_result("summary", total=1).v_annotations.f_set(**annotations)
    env.run(lambda traj: traj.f_add_result("z", traj.x))
    return env.traj


def load(url):
    return xpet.load_trajectory("study", store=url)


def test_the_same_again_says_nothing(url):
    script(url, note="n")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        script(url, note="n")
        traj = load(url)
        traj.f_store()


def test_another_value_in_a_script_that_runs_again(url):
    script(url)
    with pytest.warns(UserWarning, match=r"the store keeps what it has .*config\.version is 3 in the store and 4 here"):
        script(url, version=4)
    assert load(url).config.version == 3


def test_a_result_that_is_set_again(url):
    traj = script(url)
    traj.f_get("summary").f_set(total=2, more=3)
    said = r"results\.summary\.total is 1 in the store and 2 here; results\.summary\.more is only here"
    with pytest.raises(xpet.TrajectoryExistsError, match=said):
        traj.f_store()


def test_an_item_of_a_loaded_result(url):
    script(url)
    traj = load(url)
    traj.f_get("summary").f_set(more=3)
    with pytest.raises(xpet.TrajectoryExistsError, match=r"results\.summary\.more is only here"):
        traj.f_store()


def test_comments_and_annotations_follow(url):
    script(url)
    script(url, comment="another", about="also another", note={"a": (1, 2)})
    traj = load(url)
    assert traj.v_comment == "also another"
    assert traj.f_get("x").v_comment == "another"
    assert traj.f_get("summary").v_annotations.note == {"a": (1, 2)}
    assert traj.f_get("summary").total == 1
    script(url, comment="", about="")
    assert load(url).f_get("x").v_comment == "another"
    assert load(url).v_comment == "also another"
