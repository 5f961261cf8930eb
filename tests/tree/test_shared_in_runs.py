"""What was there before the runs is shared by them, so a run cannot change it."""

import pytest

from xpet import ParameterLockedException, Trajectory
from xpet.tree import Root


@pytest.fixture
def traj():
    traj = Root("study")
    traj.f_add_parameter("p", 1, comment="words")
    traj.f_add_parameter("empty.one")
    traj.f_add_parameter("x", 0)
    traj.f_add_result("before.r", [1])
    traj.f_add_link("ln", traj.f_get("p"))
    traj.f_get("p").f_set_annotations(note=["a"])
    traj.f_explore({"x": [1, 2, 3]})
    traj.freeze()
    return traj


def paths(traj):
    # where the results of runs go stays, whether or not a store shows some
    return sorted(node.v_full_name for node in traj.f_iter_nodes() if node.v_name != "runs")


CHANGES = {
    "f_remove_item": lambda traj: traj.f_remove_item("parameters.p"),
    "f_remove_items": lambda traj: traj.f_remove_items(["parameters.p"]),
    "f_remove_child": lambda traj: traj.parameters.f_remove_child("p"),
    "f_remove_child-recursive": lambda traj: traj.f_remove_child("parameters", recursive=True),
    "f_remove": lambda traj: traj.parameters.f_remove(),
    "f_remove-root": lambda traj: traj.f_remove(),
    "result": lambda traj: traj.f_remove_item("results.before.r"),
    "link": lambda traj: traj.f_remove_link("ln"),
    "link-as-child": lambda traj: traj.f_remove_child("ln"),
    "f_unlock": lambda traj: traj.f_get("p").f_unlock(),
    "f_set": lambda traj: traj.f_get("p").f_set(2),
    "assignment": lambda traj: setattr(traj, "p", 2),
    "f_set-empty": lambda traj: traj.f_get("one").f_set(2),
    "f_empty": lambda traj: traj.f_get("p").f_empty(),
    "comment": lambda traj: setattr(traj.f_get("p"), "v_comment", "other"),
    "comment-group": lambda traj: setattr(traj.results, "v_comment", "other"),
    "comment-root": lambda traj: setattr(traj, "v_comment", "other"),
    "annotations": lambda traj: traj.f_get("p").f_set_annotations(note="b"),
    "annotations-attribute": lambda traj: setattr(traj.f_get("p").v_annotations, "note", "b"),
    "annotations-item": lambda traj: traj.f_get("p").v_annotations.__setitem__("note", "b"),
    "annotations-remove": lambda traj: traj.f_get("p").v_annotations.f_remove("note"),
    "annotations-empty": lambda traj: traj.f_get("p").v_annotations.f_empty(),
    "annotations-group": lambda traj: traj.results.f_set_annotations(note="b"),
    "annotations-root": lambda traj: traj.f_set_annotations(note="b"),
    "wildcards": lambda traj: traj.f_add_wildcard_functions({("$h",): str}),
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
def test_a_change_is_refused(traj, change):
    before = paths(traj)
    traj.enter_run(0)
    with pytest.raises(TypeError, match=r"\brun\b"):
        change(traj)
    traj.f_add_result("z", traj.x + traj.p)
    assert [leaf.v_template for leaf in traj.leave_run()] == ["results.runs.$.z"]
    assert paths(traj) == before
    parameter = traj.f_get("p")
    assert (traj.p, traj.ln, traj.r, traj.f_get("one").f_is_empty()) == (1, 1, [1], True)
    assert (parameter.v_comment, traj.results.v_comment, parameter.v_annotations.note) == ("words", "", ["a"])
    assert (traj.results.f_ann_to_str(), traj.f_ann_to_str()) == ("", "")


def test_the_error_says_what_and_where(traj):
    traj.enter_run(2)
    with pytest.raises(TypeError, match=r"'parameters\.p' was there .* be removed in one, here run 2;"):
        traj.f_remove_item("p")
    with pytest.raises(ParameterLockedException, match="unlocked"):
        traj.f_get("p").f_unlock()


def test_a_note_is_a_copy_in_a_run(traj):
    traj.enter_run(0)
    traj.f_get("p").v_annotations.note.append("b")
    traj.leave_run()
    assert traj.f_get("p").v_annotations.note == ["a"]


def test_what_the_run_added_is_its_own(traj):
    traj.enter_run(0)
    own = traj.f_add_derived_parameter("group.d", 1)
    own.f_lock()
    own.f_unlock()
    own.f_set(2)
    own.v_comment = "mine"
    own.f_set_annotations(note="b")
    traj.results.f_add_leaf("direct", 1).v_comment = "mine"
    traj.f_add_result_group("mine").f_set_annotations(note="b")
    traj.f_add_link("last", own)
    traj.f_remove_link("last")
    traj.f_add_result("gone.z", 1)
    traj.results.runs.crun.f_remove_child("gone", recursive=True)
    left = {leaf.v_template: leaf.v_comment for leaf in traj.leave_run()}
    assert left == {"derived_parameters.runs.$.group.d": "mine", "results.direct": "mine", "results.runs.$.mine": ""}
    assert traj.take_dropped() == []


def test_settings_are_those_of_the_run(traj):
    traj.enter_run(0)
    traj.v_fast_access = False
    traj.f_set_properties(shortcuts=False, max_depth=2)
    assert traj.parameters.p.f_get() == 1
    traj.leave_run()
    assert (traj.v_fast_access, traj.v_shortcuts, traj.v_max_depth, traj.p) == (True, True, None, 1)


def test_where_it_is_stored_is_no_matter_of_a_run():
    traj = Trajectory("study", store="memory://shared-in-runs")
    traj.enter_run(0)
    with pytest.raises(TypeError, match="during a single run"):
        traj.f_set_store("memory://other")
