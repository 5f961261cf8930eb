"""Exploring, expanding, shrinking; selecting runs and asking for them."""

import numpy as np
import pytest

from xpet.errors import NotUniqueNodeError, ParameterLockedException
from xpet.tree import Parameter, Root
from xpet.tree.backing import RunBacking


@pytest.fixture
def traj():
    traj = Root("study")
    traj.f_add_parameter("x", 0)
    traj.f_add_parameter("g.y", 1.5)
    traj.f_add_parameter("empty")
    traj.f_add_parameter("pair", (1, 2.0))
    traj.f_add_parameter("list", [1, 2])
    traj.f_add_parameter("array", np.zeros(2))
    traj.f_add_parameter("flag", True)
    traj.f_add_parameter("text", "a")
    traj.f_add_parameter("nothing", None)
    traj.f_add_parameter("g1.twin", 1)
    traj.f_add_parameter("g2.twin", 1)
    traj.f_add_derived_parameter("derived", 1)
    traj.f_add_result("r", 1)
    return traj


def state(traj):
    facts = [
        (p.v_full_name, p.v_locked, p.v_explored, p.f_get_range() if p.f_has_range() else None)
        for p in traj.f_iter_leaves()
        if isinstance(p, Parameter)
    ]
    return len(traj), facts, list(traj.explored)


@pytest.mark.parametrize(
    ("ranges", "error", "match"),
    [
        pytest.param({"x": [1, 2], "y": [1.0]}, ValueError, "not the same size", id="sizes"),
        pytest.param({"x": []}, ValueError, "No values", id="empty-range"),
        pytest.param({"r": [1]}, ValueError, "only parameters", id="result"),
        pytest.param({"g": [1]}, ValueError, "only parameters", id="group"),
        pytest.param({"nope": [1]}, AttributeError, "nope", id="not-found"),
        pytest.param({"twin": [1]}, NotUniqueNodeError, "not unique", id="ambiguous"),
        pytest.param({"empty": [1]}, TypeError, "no value", id="empty-parameter"),
        pytest.param({"x": [1, 2.0]}, TypeError, "value 1", id="float-for-int"),
        pytest.param({"flag": [1]}, TypeError, "bool", id="int-for-bool"),
        pytest.param({"x": [True]}, TypeError, "int", id="bool-for-int"),
        pytest.param({"x": [None]}, TypeError, "NoneType", id="none-for-int"),
        pytest.param({"text": [b"a"]}, TypeError, "bytes", id="bytes-for-str"),
        pytest.param({"pair": [(1, 2)]}, TypeError, "tuple of", id="tuple-types"),
        pytest.param({"pair": [(1, 2.0, 3)]}, TypeError, "tuple of", id="tuple-length"),
        pytest.param({"y": np.arange(3.0)}, TypeError, r"numpy\.float64.*tolist\(\)", id="numpy-floats"),
        pytest.param({"x": np.arange(3)}, TypeError, r"numpy\.int64.*tolist\(\)", id="numpy-ints"),
        pytest.param({"x": 5}, TypeError, "iterable", id="no-iterable"),
        pytest.param([1], TypeError, "dictionary", id="no-dictionary"),
        pytest.param({"x": [1], "parameters.x": [1]}, TypeError, "same parameter", id="twice"),
        pytest.param({"x": [1, 2], "y": [1.0, "x"]}, TypeError, "value 1", id="second-of-two"),
    ],
)
def test_explore_refuses_and_leaves_all_as_it_was(traj, ranges, error, match):
    before = state(traj)
    with pytest.raises(error, match=match):
        traj.f_explore(ranges)
    assert state(traj) == before
    traj.f_explore({"derived": [1, 2]})
    before = state(traj)
    with pytest.raises((error, ValueError)):  # two runs are explored, so the size may be wrong first
        traj.f_explore(ranges)
    assert state(traj) == before


@pytest.mark.parametrize(
    ("ranges", "length"),
    [
        pytest.param({"x": range(3)}, 3, id="range"),
        pytest.param({"x": (i for i in (5, 6))}, 2, id="generator"),
        pytest.param({"y": np.arange(3.0).tolist()}, 3, id="tolist"),
        pytest.param({"text": "abc"}, 3, id="string"),
        pytest.param({"list": [[1], [1, 2, 3]]}, 2, id="lists"),
        pytest.param({"array": [np.zeros(3), np.zeros((2, 2), int)]}, 2, id="arrays-of-any-shape"),
        pytest.param({"array": np.zeros((4, 2))}, 4, id="rows-of-an-array"),
        pytest.param({"pair": [(3, 4.0)]}, 1, id="tuples"),
        pytest.param({"nothing": [None, None]}, 2, id="nones"),
        pytest.param({"derived": [1]}, 1, id="derived-parameter"),
        pytest.param({}, 1, id="nothing-at-all"),
    ],
)
def test_explore(traj, ranges, length):
    traj.f_explore(ranges)
    assert len(traj) == traj.length == length
    assert len(traj.explored) == len(ranges)
    for parameter in traj.explored.values():
        assert (len(parameter), parameter.v_locked, parameter.v_explored) == (length, True, True)


def test_numpy_parameters_take_numpy_values(traj):
    traj.f_add_parameter("np", np.float64(1.0))
    traj.f_explore({"np": np.arange(3.0)})
    assert [type(value) for value in traj.f_get("np").f_get_range()] == [np.float64] * 3


def test_explore_more_parameters(traj):
    traj.f_explore({"x": [1, 2]})
    traj.f_explore({"y": [1.0, 2.0]})
    assert list(traj.explored) == ["parameters.x", "parameters.g.y"]
    with pytest.raises(ValueError, match="2 runs"):
        traj.f_explore({"derived": [1]})
    with pytest.raises(TypeError, match="explored already"):
        traj.f_explore({"x": [1, 2]})
    assert traj.f_get_explored_parameters(fast_access=True) == {"parameters.x": 0, "parameters.g.y": 1.5}
    with pytest.raises(ValueError, match="copy"):
        traj.f_get_explored_parameters(fast_access=True, copy=False)


def test_explored_parameters_cannot_be_set(traj):
    traj.f_explore({"x": [1, 2]})
    with pytest.raises(ParameterLockedException):
        traj.x = 5
    traj.f_get("x").f_unlock()
    with pytest.raises(AttributeError, match="explored"):
        traj.x = 5


def test_locked_parameters_can_be_explored(traj):
    assert traj.x == 0
    traj.f_explore({"x": [1, 2]})
    assert traj.f_get("x").f_get_range() == [1, 2]


class Lazy:
    """A range that counts what is read of it."""

    def __init__(self, length):
        self.length, self.read = length, 0

    def __len__(self):
        return self.length

    def __getitem__(self, index):
        if not 0 <= index < self.length:
            raise IndexError(index)
        self.read += 1
        return index * 10


def test_ranges_stay_lazy(traj):
    lazy = Lazy(10**6)
    traj.adopt_exploration({"parameters.x": lazy}, 10**6)
    traj.f_set_crun(999_999)
    traj.enter_run(7)
    assert (traj.x, lazy.read, len(traj)) == (70, 2, 10**6)
    assert traj.f_get("x").f_get_range(copy=False) is lazy
    traj.leave_run()


def test_a_range_that_grew_looks_like_a_list(traj):
    traj.f_explore({"x": [1, 2]})
    traj.f_expand({"x": [3]})
    before = traj.f_get("x").f_get_range(copy=False)
    assert (before == [1, 2, 3], before == [1, 2], before == 3, repr(before)) == (True, False, False, "[1, 2, 3]")
    traj.f_expand({"x": [4]})
    assert traj.f_get("x").f_get_range(copy=False) != before


def test_f_get_range_is_a_copy(traj):
    mine = [1, 2]
    traj.f_explore({"x": mine})
    mine.append(3)
    traj.f_get("x").f_get_range().append(4)
    assert traj.f_get("x").f_get_range() == [1, 2]


def test_expand(traj):
    traj.f_expand({"x": [1], "y": [2.0]})  # nothing is explored yet
    traj.f_expand({"parameters.g.y": [3.0, 4.0], "x": [2, 3]})
    assert len(traj) == 3
    assert traj.f_get("x").f_get_range() == [1, 2, 3]
    assert traj.f_get("y").f_get_range() == [2.0, 3.0, 4.0]


@pytest.mark.parametrize(
    ("ranges", "error"),
    [
        pytest.param({"x": [1]}, TypeError, id="missing"),
        pytest.param({"x": [1], "y": [1.0], "derived": [1]}, TypeError, id="too-many"),
        pytest.param({"x": [1], "y": [1.0, 2.0]}, ValueError, id="sizes"),
        pytest.param({"x": [1], "y": [1]}, TypeError, id="type"),
        pytest.param({"x": [], "y": []}, ValueError, id="empty"),
        pytest.param({"x": [1], "r": [1.0]}, ValueError, id="no-parameter"),
        pytest.param({}, TypeError, id="nothing"),
    ],
)
def test_expand_refuses_and_leaves_all_as_it_was(traj, ranges, error):
    traj.f_explore({"x": [1, 2], "y": [1.0, 2.0]})
    before = state(traj)
    with pytest.raises(error):
        traj.f_expand(ranges)
    assert state(traj) == before


def test_expand_needs_the_ranges(traj):
    traj.f_explore({"x": [1, 2]})
    with pytest.raises(TypeError, match="not loaded"):
        traj.without_ranges().expand({"x": [3]})


def test_shrink(traj):
    traj.f_explore({"x": [1, 2]})
    traj.f_set_crun(1)
    traj.f_shrink()
    assert (len(traj), traj.x, traj.v_idx, traj.explored) == (1, 0, -1, {})
    assert not traj.f_get("x").v_explored
    traj.f_explore({"x": [1, 2, 3]})


# ---------------------------------------------------------------- selection


@pytest.mark.parametrize(
    ("run", "index"),
    [(2, 2), (np.int64(2), 2), ("run_00000002", 2), ("r_2", 2), (-1, -1), (None, -1), ("run_ALL", -1)],
    ids=str,
)
def test_selecting(traj, run, index):
    traj.f_explore({"x": [10, 20, 30]})
    traj.f_set_crun(1)
    traj.f_set_crun(run)
    name = "run_00000002" if index == 2 else None
    assert (traj.v_idx, traj.v_crun, traj.v_crun_) == (index, name, name or "run_ALL")
    assert traj.x == (30 if index == 2 else 0)
    traj.f_restore_default()
    assert (traj.v_idx, traj.x) == (-1, 0)
    traj.v_idx = 0
    assert traj.x == 10
    traj.v_crun = "run_00000001"
    assert traj.x == 20


@pytest.mark.parametrize("run", [3, -2, "run_00000003", "nope"])
def test_unknown_runs(traj, run):
    traj.f_explore({"x": [10, 20, 30]})
    with pytest.raises(KeyError, match="3 runs"):
        traj.f_set_crun(run)
    with pytest.raises(KeyError):
        traj.f_idx_to_run(run)


def test_iterating_over_runs(traj):
    traj.f_explore({"x": [10, 20, 30]})
    assert list(traj.f_iter_runs()) == traj.f_get_run_names() == ["run_00000000", "run_00000001", "run_00000002"]
    assert list(traj.f_iter_runs(1, yields="idx")) == [1, 2]
    assert list(traj.f_iter_runs(0, 3, 2, yields="idx")) == [0, 2]
    assert [each.x for each in traj.f_iter_runs(yields="self")] == [10, 20, 30]
    copies = list(traj.f_iter_runs(yields="copy"))
    assert [(each.x, each.v_idx) for each in copies] == [(10, 0), (20, 1), (30, 2)]
    assert (traj.v_idx, traj.x) == (-1, 0)
    for _ in traj.f_iter_runs():
        break
    assert traj.v_idx == -1
    for arguments in ({"yields": "nonsense"}, {"stop": 4}):
        with pytest.raises(ValueError, match=r"yields|3 runs"):
            traj.f_iter_runs(**arguments)


def test_finding_runs(traj):
    traj.f_explore({"x": [10, 20, 30], "text": ["a", "b", "c"]})
    assert list(traj.f_find_idx("x", lambda x: x > 10)) == [1, 2]
    assert list(traj.f_find_idx(["x", "text", "y"], lambda x, text, y: x * y == 30.0 and text == "b")) == [1]
    assert not traj.f_get("x").v_locked or traj.v_idx == -1
    with pytest.raises(TypeError, match="no parameter"):
        traj.f_find_idx("r", bool)
    with pytest.raises(TypeError, match="do not travel"):
        traj.without_ranges().f_find_idx("x", bool)


def test_a_selected_run_hides_the_others(traj):
    traj.f_explore({"x": [10, 20, 30]})
    for run in (0, 2):
        traj.f_add_result(f"runs.run_{run}.z", run)
    with pytest.raises(NotUniqueNodeError, match="select a run"):
        _ = traj.z
    for run in (0, 2, 0):
        traj.v_idx = run
        assert (traj.z, traj.results.z, traj["z"], traj.crun.z, traj["$.z"]) == (run,) * 5
        assert (traj.res.runs[2].z, traj.r_0.z, traj.r_2.z) == (2, 0, 2)  # who names a run means it
    traj.v_idx = 1
    with pytest.raises(AttributeError):
        _ = traj.z
    assert traj.f_get("results.runs.run_00000002").z == 2


def test_wildcards_fall_back_to_all_runs(traj):
    traj.f_explore({"x": [10, 20, 30]})
    traj.f_add_derived_parameter("vec.$", 5)
    assert traj.f_get("vec.run_ALL").v_full_name == "derived_parameters.vec.run_ALL"
    traj.enter_run(1)
    assert traj.dpar.vec.crun == 5
    traj.f_add_derived_parameter("vec.$", 6)
    assert traj.dpar.vec.crun == 6
    traj.leave_run()
    assert traj.dpar.vec.crun == 5


def test_get_from_runs(traj):
    traj.f_explore({"x": [10, 20, 30]})
    traj.f_add_result("runs.run_0.deep.z", 7)
    traj.f_add_result("runs.run_2.z", 9)
    assert traj.f_get_from_runs("z", fast_access=True) == {"run_00000000": 7, "run_00000002": 9}
    assert traj.f_get_from_runs("z", use_indices=True)[2] is traj.f_get("results.runs.run_00000002.z")
    assert traj.f_get_from_runs("z", use_indices=True, shortcuts=False, fast_access=True) == {2: 9}
    traj.f_add_result("runs.$.z", 8)
    assert traj.f_get_from_runs("z", use_indices=True, fast_access=True) == {0: 7, 1: 8, 2: 9}
    assert traj.f_get_from_runs("z", include_default_run=False, use_indices=True, fast_access=True) == {0: 7, 2: 9}
    traj.f_add_derived_parameter("runs.run_2.z", 1)
    with pytest.raises(NotUniqueNodeError, match="run 2"):
        traj.f_get_from_runs("z")


def test_predicate_of_runs(traj):
    traj.f_explore({"x": [10, 20, 30]})
    for run in range(3):
        traj.f_add_result(f"runs.run_{run}.z", run)
    kept = {node.v_run_branch for node in traj.f_iter_nodes(predicate=(0, "run_00000002"))}
    assert kept == {"trajectory", "run_00000000", "run_00000002"}


def test_wildcard_questions(traj):
    traj.f_explore({"x": list(range(3))})
    assert (traj.f_wildcard(), traj.f_wildcard("crun", 2), traj.f_wildcard("$set", 4042)) == (
        "run_ALL",
        "run_00000002",
        "run_set_00004",
    )
    assert traj.f_is_wildcard("crun")
    traj.f_add_wildcard_functions({("$odd", "odd"): lambda run: f"odd_{run % 2}"})
    assert "odd" in traj.f_get_wildcards()
    traj.v_idx = 1
    leaf = traj.f_add_result("$odd.$.z", 4)
    assert (leaf.v_full_name, leaf.v_template) == ("results.odd_1.run_00000001.z", "results.$odd.$.z")
    assert traj["odd.z"] == 4
    with pytest.raises(ValueError, match="no wildcard"):
        traj.f_wildcard("nope")


def test_names_of_runs_must_differ():
    traj = Root("study", wildcard_functions={("$", "crun"): lambda run: f"trial{run % 2}" if run >= 0 else "all"})
    traj.f_add_parameter("x", 0)
    with pytest.raises(RuntimeError, match="different names"):
        traj.f_explore({"x": [1, 2, 3]})
    traj.f_explore({"x": [1, 2]})
    traj.enter_run(1)
    assert traj.f_add_result("z", 1).v_full_name == "results.runs.trial1.z"
    with pytest.raises(RuntimeError, match="different names"):
        traj.leave_run() and traj.f_expand({"x": [3]})
    assert len(traj) == 2


def test_presets(traj):
    traj.f_preset_parameter("new.p", 42)
    traj.f_preset_config("c", "text")
    assert traj.f_add_parameter("new.p", 1.5).f_get() == 42
    with pytest.raises(ValueError, match="exists"):
        traj.f_preset_parameter("x", 1)
    with pytest.raises(RuntimeError, match=r"config\.c"):
        traj.freeze()
    traj.f_add_config("c", 0)
    traj.freeze()
    assert traj.f_get("c").v_locked
    assert traj.f_get("new.p").v_locked
    assert not traj.f_get("empty").v_locked


def test_locking(traj):
    traj.f_lock_parameters()
    assert (traj.f_get("x").v_locked, traj.f_get("derived").v_locked) == (True, False)
    traj.f_lock_derived_parameters()
    assert traj.f_get("derived").v_locked


def test_backings_are_a_protocol():
    assert {"templates", "runs_with", "complete", "load", "kinds"} <= set(dir(RunBacking))
