"""What a run sees, adds, must not do, and leaves behind; and the way to workers."""

import copy
import pickle

import cloudpickle
import pytest

from xpet.tree import Parameter, Result, Root


@pytest.fixture
def traj():
    traj = Root("study", comment="words")
    traj.f_add_parameter("x", 0)
    traj.f_add_parameter("g.y", 0.5)
    traj.f_add_parameter("fixed.value", "same", comment="never varied")
    traj.f_explore({"x": [1, 2, 3], "y": [1.5, 2.5, 3.5]})
    traj.f_add_result("before", 1)
    return traj


def paths(traj):
    return sorted(node.v_full_name for node in traj.f_iter_nodes())


@pytest.mark.parametrize("point", [None, (2, 2.5)], ids=["own-ranges", "given"])
def test_a_run_sees_its_point(traj, point):
    traj.enter_run(1, point)
    assert (traj.v_is_run, traj.v_idx, traj.v_crun, len(traj)) == (True, 1, "run_00000001", 3)
    assert (traj.x, traj.y, traj.value) == (2, 2.5, "same")
    assert "during single run" in str(traj)
    traj.leave_run()
    assert (traj.v_is_run, traj.v_idx, traj.v_crun, traj.x, traj.y) == (False, -1, None, 0, 0.5)


def test_what_is_added_is_reachable_and_then_gone(traj):
    before = paths(traj)
    for run in range(3):
        traj.enter_run(run)
        leaf = traj.f_add_result("z", run, comment="a result")
        traj.f_add_result("deep.er.w", run + 10)
        traj.f_add_derived_parameter("d", run + 20)
        name = f"run_{run:08d}"
        for found in (
            traj.z,
            traj.results.z,
            traj.res.runs.crun.z,
            traj.results.runs[run].z,
            getattr(traj.results.runs, name).z,
            getattr(traj.results.runs, f"r_{run}").z,
            traj[f"results.runs.{name}.z"],
            traj[f"results.{name}.z"],
            traj["res.$.z"],
        ):
            assert found == run
        assert (traj.w, traj.d, traj.er.w) == (run + 10, run + 20, run + 10)
        assert traj.f_get("z") is leaf
        added = traj.leave_run()
        assert [each.v_full_name for each in added] == [
            f"results.runs.{name}.z",
            f"results.runs.{name}.deep.er.w",
            f"derived_parameters.runs.{name}.d",
        ]
        assert [each.v_kind for each in added] == ["result", "result", "derived_parameter"]
        assert added[0].f_items() == {"": run}
        assert (added[0].v_comment, added[0].v_is_new, added[0].v_class_name) == ("a result", True, "Result")
        assert set(paths(traj)) - set(before) <= {"results.runs", "derived_parameters", "derived_parameters.runs"}
        assert not hasattr(traj, "z")
        assert "w" not in traj


def test_a_result_may_be_called_like_a_parameter(traj):
    for run in range(2):
        traj.enter_run(run)
        assert traj.x == run + 1
        traj.f_add_result("x", 99)
        traj.f_add_result("value2", 5)
        assert traj.x == run + 1  # the parameter is nearer to the root
        assert traj.results.x == 99
        assert traj.value2 == 5
        traj.leave_run()


@pytest.mark.parametrize("get", [getattr, lambda group, name: group[name]], ids=["attribute", "item"])
@pytest.mark.parametrize("name", ["far", "e.far"])
def test_a_nearer_result_of_a_run_comes_and_goes(traj, get, name):
    traj.f_add_parameter("a.b.c.d.e.far", "parameter")
    for _ in range(2):
        assert get(traj, name) == "parameter"
        traj.enter_run(0)
        assert get(traj, name) == "parameter"
        traj.f_add_result(name, "result")
        assert get(traj, name) == get(traj, name) == "result"
        traj.leave_run()
        assert get(traj, name) == "parameter"


def test_what_was_found_in_a_run_is_not_found_in_the_next(traj):
    traj.f_add_result("runs.run_2.z", 99)
    for run in range(3):
        traj.enter_run(run)
        assert hasattr(traj, "z") == (run == 2)
        if run < 2:
            traj.f_add_result("z", run)
            assert [traj.z, traj.results.z, traj.z, traj.results.z] == [run] * 4
        else:
            assert traj.z == traj.z == 99
        traj.f_add_result("g.$.w", run)
        assert traj.w == traj.w == run
        traj.f_add_result("near.w", 7)
        assert traj.res.g.w == run
        traj.f_add_result("results.w", 8)
        assert traj.w == traj.w == 8
        traj.leave_run()
        assert not hasattr(traj, "w")
        assert traj.z == 99


def test_groups_and_links_of_a_run_are_gone_too(traj):
    before = paths(traj)
    traj.enter_run(0)
    traj.f_add_group("mine.own")
    traj.f_add_result_group("results.more")
    traj.f_add_result("results.more.r", 1)
    traj.f_add_link("ln", traj.f_get("value"))
    assert (traj.ln, traj.r, "mine.own" in traj) == ("same", 1, True)
    (leaf,) = traj.leave_run()
    assert (traj.take_dropped(), traj.take_dropped()) == (["ln"], [])
    assert (leaf.v_template, leaf.v_run) == ("results.more.r", None)
    assert paths(traj) == before
    assert "ln" not in traj


def test_removing_in_a_run(traj):
    for _ in range(2):
        traj.enter_run(0)
        traj.f_add_result("z", 1)
        traj.f_remove_item("z")
        assert "z" not in traj
        kept = traj.f_add_result("z", 2)
        assert traj.leave_run() == [kept]


@pytest.mark.parametrize(
    "remove",
    [
        pytest.param(lambda t: t.f_remove_child("results", recursive=True), id="branch"),
        pytest.param(lambda t: t.f_remove(), id="root"),
        pytest.param(lambda t: t.results.f_remove(predicate=lambda node: node.v_name != "runs"), id="predicate"),
    ],
)
def test_what_cannot_be_removed_as_a_whole_stays_as_it_is(traj, remove):
    traj.f_add_result("late.r", 1)
    traj.f_add_group("apart")
    traj.enter_run(1)
    traj.f_add_result("mine", 1)
    traj.f_add_leaf("own.leaf", 1)
    before = [node.v_full_name for node in traj.f_iter_nodes()]
    with pytest.raises(TypeError, match="was there before the runs"):
        remove(traj)
    assert [node.v_full_name for node in traj.f_iter_nodes()] == before
    assert len(traj.leave_run()) == 2


def test_removing_the_group_of_a_run(traj):
    for _ in range(2):
        traj.enter_run(0)
        traj.f_add_result("z", 1)
        traj.results.runs.crun.f_remove()
        assert "z" not in traj
        traj.f_add_result("y2", 2)
        assert [leaf.v_name for leaf in traj.leave_run()] == ["y2"]


def test_multiple_items_and_classes_in_a_run(traj):
    for run in range(2):
        traj.enter_run(run)
        traj.f_add_result("z", 1, 2, k=3)
        traj.f_add_result(Result("w", 4))
        traj.f_add_result(Parameter, "p", 5)
        traj.f_add_result("empty")
        assert [leaf.f_items() for leaf in traj.leave_run()] == [{"": 1, "z_1": 2, "k": 3}, {"": 4}, {"": 5}, {}]


NOT_IN_RUN = {
    "f_add_parameter": lambda t: t.f_add_parameter("p", 1),
    "f_add_parameter_group": lambda t: t.f_add_parameter_group("p"),
    "f_add_config": lambda t: t.f_add_config("p", 1),
    "f_add_config_group": lambda t: t.f_add_config_group("p"),
    "f_explore": lambda t: t.f_explore({"value": ["a"] * 3}),
    "f_expand": lambda t: t.f_expand({"x": [1], "y": [1.0]}),
    "f_shrink": lambda t: t.f_shrink(),
    "f_set_crun": lambda t: t.f_set_crun(1),
    "f_iter_runs": lambda t: t.f_iter_runs(),
    "f_get_from_runs": lambda t: t.f_get_from_runs("z"),
    "f_lock_parameters": lambda t: t.f_lock_parameters(),
    "f_lock_derived_parameters": lambda t: t.f_lock_derived_parameters(),
    "f_preset_parameter": lambda t: t.f_preset_parameter("p", 1),
    "f_preset_config": lambda t: t.f_preset_config("p", 1),
    "f_restore_default": lambda t: t.f_restore_default(),
    "v_idx": lambda t: setattr(t, "v_idx", 1),
    "v_crun": lambda t: setattr(t, "v_crun", 1),
    "v_comment": lambda t: setattr(t, "v_comment", "new"),
}


@pytest.mark.parametrize("name", NOT_IN_RUN)
def test_not_available_in_a_run(traj, name):
    traj.enter_run(0)
    with pytest.raises(TypeError, match="during a single run"):
        NOT_IN_RUN[name](traj)
    assert (traj.v_idx, len(traj), traj.v_comment, traj.leave_run()) == (0, 3, "words", [])
    if name.startswith("f_"):
        assert name in dir(traj)
        traj.enter_run(0)
        assert name not in dir(traj)


def test_a_failing_job_leaves_a_sane_tree(traj):
    before = paths(traj)
    traj.enter_run(0)
    traj.f_add_result("z", 1)
    with pytest.raises(AttributeError):
        traj.f_add_result("z", 2)
    with pytest.raises(TypeError):
        traj.f_add_derived_parameter("new.d", 1, nonsense=1)
    assert [leaf.v_name for leaf in traj.leave_run()] == ["z"]
    assert set(paths(traj)) - set(before) <= {"results.runs"}
    traj.enter_run(1)
    assert "z" not in traj
    assert traj.f_add_result("z", 3).v_full_name == "results.runs.run_00000001.z"
    assert len(traj.leave_run()) == 1
    assert traj.leave_run() == []


def test_entering_twice_forgets_the_first(traj):
    traj.enter_run(0)
    traj.f_add_result("z", 1)
    traj.enter_run(1)
    assert (traj.x, "z" in traj, traj.leave_run()) == (2, False, [])


def test_many_runs_leave_no_trace(traj):
    traj.enter_run(0)
    traj.f_add_result("z", 1)
    traj.leave_run()
    size = len(pickle.dumps(traj))
    for _ in range(200):
        for run in range(3):
            traj.enter_run(run)
            traj.f_add_result("z", 1)
            traj.f_add_result("g.$.z", 1)
            _ = traj.res.g.crun.z
            traj.leave_run()
    assert len(pickle.dumps(traj)) < size + 500


# -------------------------------------------------------------- to workers


@pytest.mark.parametrize("dumps", [pickle.dumps, cloudpickle.dumps], ids=["pickle", "cloudpickle"])
def test_without_ranges(traj, dumps):
    traj.f_add_link("ln", "parameters.fixed")
    traj.f_set_annotations(note=1)
    traj.f_get("value").f_set_annotations(5)
    traj.v_auto_run_prepend = False
    traj.freeze()
    worker = pickle.loads(dumps(traj.without_ranges()))
    assert (len(worker), worker.v_name, worker.v_comment, list(worker.explored)) == (
        3,
        "study",
        "words",
        ["parameters.x", "parameters.g.y"],
    )
    assert (worker.x, worker.ln.value, worker.v_annotations.note) == (0, "same", 1)
    assert (worker.f_get("value").v_comment, worker.f_get("value").f_get_annotations()) == ("never varied", 5)
    for parameter in worker.explored.values():
        assert (parameter.v_explored, parameter.f_has_range(), parameter.v_locked) == (True, False, True)
    worker.enter_run(1, (20, 0.5))
    assert (worker.x, worker.y) == (20, 0.5)
    assert worker.f_add_result("z", 1).v_full_name == "results.z"
    assert len(worker.leave_run()) == 1
    assert (worker.x, traj.x, traj.f_get("x").f_get_range()) == (0, 0, [1, 2, 3])


def test_the_way_to_workers_is_short_for_a_million_runs():
    traj = Root("study")
    traj.f_add_parameter("x", 0)
    traj.f_explore({"x": range(10**6)})
    assert len(pickle.dumps(traj.without_ranges())) < 2000


def test_copies_share_values_only(traj):
    value = [1, 2]
    traj.f_add_parameter("p", value)
    traj.f_add_link("ln", "parameters.fixed")
    other = copy.copy(traj)
    assert paths(other) == paths(traj)
    assert other.p is value
    assert other.f_get("p") is not traj.f_get("p")
    assert other.f_get("x").f_get_range() == [1, 2, 3]
    other.f_get("before").f_set(99)
    other.f_add_parameter("new", 1)
    other.v_idx = 1
    assert (traj.before, "new" in traj, traj.v_idx, traj.x, other.x, other.ln.v_root) == (1, False, -1, 0, 2, other)
    assert "ln" not in traj.f_copy(with_links=False)


@pytest.mark.parametrize(("copy_leaves", "seen"), [(True, 1), (False, 99), ("explored", 99)])
def test_copies_share_items_if_asked(traj, copy_leaves, seen):
    other = traj.f_copy(copy_leaves=copy_leaves)
    other.f_get("before").f_set(99)
    other.f_get("value").f_set("other")
    assert (traj.before, traj.value) == (seen, "same")


def test_pickled_nodes_are_whole(traj):
    again = pickle.loads(pickle.dumps(traj))
    assert paths(again) == paths(traj)
    assert again.f_get("x").f_get_range() == [1, 2, 3]
    again.f_set_crun(2)
    assert (again.x, again.z if "z" in again else None) == (3, None)
