"""Names, run names, abbreviations, wildcards."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from xpet import names
from xpet.names import Wildcards

VALID = st.from_regex(r"\A[A-Za-z0-9-][A-Za-z0-9_-]{0,126}\Z")


@given(VALID)
def test_valid_names_pass(name):
    assert names.is_valid_name(name)
    assert names.name_faults(name) == ""
    names.check_names([name], "here")


@given(st.text(max_size=140))
def test_a_name_is_valid_exactly_if_it_has_no_fault(name):
    assert names.is_valid_name(name) == (names.name_faults(name) == "")
    allowed = set("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-")
    assert names.is_valid_name(name) == (0 < len(name) < 128 and name[0] != "_" and set(name) <= allowed)


@pytest.mark.parametrize(
    ("name", "fault"),
    [
        pytest.param("", "empty", id="empty"),
        pytest.param("_a", "underscore", id="private"),
        pytest.param("a b", "characters", id="blank"),
        pytest.param("ä", "characters", id="umlaut"),
        pytest.param("a\n", "characters", id="newline"),
        pytest.param("x" * 128, "128 characters", id="long"),
        pytest.param("a.b", "characters", id="dot"),
        pytest.param("$", "characters", id="dollar"),
    ],
)
def test_faults_are_named(name, fault):
    assert fault in names.name_faults(name)
    with pytest.raises(ValueError, match="no valid path"):
        names.check_names(["ok", name], "The path")
    with pytest.raises(ValueError, match="choose another name"):
        names.check_trajectory_name(name)


@given(st.integers(0, 10**9))
def test_run_names_and_indices_are_inverse(run):
    cards = Wildcards()
    name = cards.run_name(run)
    assert cards.run_index(name, run + 1) == run
    assert cards.run_index(name, run) is None
    assert names.set_number(names.set_name(run)) == run // 1000


@pytest.mark.parametrize("name", ["run_1", "run_0000001", "run_000000001", "run_ALL", "xrun_00000001", "run_0000000x"])
def test_what_is_no_run_name_has_no_index(name):
    assert Wildcards().run_index(name, 100) is None


@pytest.mark.parametrize("name", ["run_set_1", "run_set_000001", "run_set_ALL", "run_00000001"])
def test_what_is_no_set_name_has_no_number(name):
    assert names.set_number(name) is None


@pytest.mark.parametrize(
    ("token", "full"),
    [
        ("par", "parameters"),
        ("dpar", "derived_parameters"),
        ("res", "results"),
        ("conf", "config"),
        (2, "run_00000002"),
        (-1, "run_ALL"),
        ("run_7", "run_00000007"),
        ("r_7", "run_00000007"),
        ("r_123456789", "run_123456789"),
        ("run_00000007", "run_00000007"),
        ("run_A", "run_ALL"),
        ("r_A", "run_ALL"),
        ("rts_4042", "run_set_00004"),
        ("runtoset_4042", "run_set_00004"),
        ("rts_A", "run_set_ALL"),
        ("runtoset_A", "run_set_ALL"),
        ("run_x", "run_x"),
        ("run_1_2", "run_1_2"),
        ("r_", "r_"),
        ("parameters", "parameters"),
        ("Par", "Par"),
        ("run_set_00004", "run_set_00004"),
    ],
    ids=str,
)
def test_abbreviations(token, full):
    assert Wildcards().translate(token) == full


@pytest.mark.parametrize(
    ("path", "tokens"),
    [
        ("a.b", ("a", "b")),
        ("a", ("a",)),
        ("", ("",)),
        (3, (3,)),
        (["a", "b.c", 1], ("a", "b", "c", 1)),
        (("a",), ("a",)),
    ],
    ids=str,
)
def test_split_path(path, tokens):
    assert names.split_path(path) == tokens


@pytest.mark.parametrize("path", [None, 1.5, {"a"}], ids=str)
def test_split_path_refuses_what_is_no_path(path):
    with pytest.raises(TypeError, match="dotted string"):
        names.split_path(path)


@given(st.lists(VALID, min_size=1, max_size=5), st.integers(0, 10**7))
def test_only_dollars_are_filled_in_a_template(segments, run):
    cards = Wildcards()
    template = ".".join(["results", *segments, "$set", "$", "z"])
    assert cards.expand(template, run).split(".")[: len(segments) + 1] == ["results", *segments]
    assert cards.expand(template, run).split(".")[-3:] == [names.set_name(run), names.run_name(run), "z"]
    assert names.is_template(template)
    assert names.in_run(template)
    assert not names.in_run(".".join(["results", *segments, "$set", "z"]))
    assert not names.in_run(".".join(segments))


def test_wildcards_of_the_user():
    cards = Wildcards({("$tens", "tens"): lambda run: f"tens_{run // 10}", "odd": lambda run: f"odd{run % 2}"})
    assert [cards.is_wildcard(token) for token in ("$tens", "tens", "odd", "$", "crun", "x")] == [True] * 5 + [False]
    assert (cards.placeholder("tens"), cards.placeholder("odd"), cards.placeholder("crunset")) == (
        "$tens",
        "$odd",
        "$set",
    )
    assert cards.expand("results.$tens.$odd.$", 13) == "results.tens_1.odd1.run_00000013"
    assert set(cards.tokens()) == {"$", "crun", "$set", "crunset", "$tens", "tens", "odd"}


def test_run_names_of_the_user():
    cards = Wildcards({("$", "crun"): lambda run: f"trial{run}"})
    cards.check_unique(20)
    assert cards.translate("r_3") == "trial3"
    assert (cards.run_index("trial3", 20), cards.run_index("trial20", 20), cards.run_index("run_00000003", 20)) == (
        3,
        None,
        None,
    )
    cards.add({("$", "crun"): lambda run: f"trial{run % 3}"})
    with pytest.raises(RuntimeError, match="different names"):
        cards.check_unique(4)


@pytest.mark.parametrize(
    ("functions", "error"),
    [
        pytest.param({"$": str}, ValueError, id="half-of-a-known-one"),
        pytest.param({("$x", "crun"): str}, ValueError, id="token-taken"),
        pytest.param({"a b": str}, ValueError, id="bad-name"),
        pytest.param({(): str}, ValueError, id="no-token"),
        pytest.param({"$x": "x"}, TypeError, id="no-function"),
    ],
)
def test_bad_wildcards(functions, error):
    with pytest.raises(error):
        Wildcards(functions)


def test_unknown_placeholders_still_have_names():
    assert Wildcards().expand("results.$tens.$.z", 4) == "results.tens_00000004.run_00000004.z"
