"""A run may change a value in place: what was there before the runs stays as it was."""

import pandas as pd
import pytest

from xpet.tree import Result, Root
from xpet.values import label


def ways(name):
    """The ways to a value, each of which must give the same one in a run."""
    return {
        "attribute": lambda t: getattr(t, name),
        "item": lambda t: t[name],
        "f_get": lambda t: t.f_get(name).f_get(),
        "fast": lambda t: t.f_get(name, fast_access=True),
        "data": lambda t: t.f_get(name).data,
        "dict": lambda t: next(value for key, value in t.f_to_dict(fast_access=True).items() if key.endswith(name)),
    }


@pytest.fixture
def changing():
    traj = Root("study")
    traj.f_add_parameter("varied", [0])
    traj.f_add_parameter("fixed", {"a": [0]})
    traj.f_add_derived_parameter("derived", ([0],))
    traj.f_add_derived_parameter("frame", pd.DataFrame({"a": ["0"]}))
    traj.f_add_config("setting", bytearray(b"0"))
    traj.f_add_result("past", [0], label([1.0], units="mV"), other={0})
    traj.f_explore({"varied": [[1], [2], [3]]})
    return traj


CHANGES = {
    "varied": lambda value: value.append("changed"),
    "fixed": lambda value: value["a"].append("changed"),
    "derived": lambda value: value[0].append("changed"),
    "frame": lambda value: value.__setitem__("a", "changed"),
    "setting": lambda value: value.extend(b"changed"),
}


@pytest.mark.parametrize("way", ways(""))
@pytest.mark.parametrize("name", CHANGES)
def test_what_a_run_changes_in_a_value_is_gone_with_it(changing, name, way):
    get = ways(name)[way]
    before = [get(changing), *(repr(value) for value in changing.f_get("varied").f_get_range())]
    text = repr(before)
    for run in (0, 1, 0):
        changing.enter_run(run)
        seen = get(changing)
        assert repr(seen) == repr([run + 1] if name == "varied" else before[0])
        CHANGES[name](seen)
        assert "changed" in repr(seen)
        assert all(other(changing) is seen for other in ways(name).values())
        changing.leave_run()
        assert get(changing) is before[0]
        assert repr([get(changing), *(repr(value) for value in changing.f_get("varied").f_get_range())]) == text


def test_default_and_range_are_safe_from_a_run_too(changing):
    parameter = changing.f_get("varied")
    changing.enter_run(1)
    for value in (parameter.default, parameter["default"], parameter[0], parameter[-1], *parameter.f_get_range()):
        value.append("changed")
    changing.f_get("fixed").default["a"].append("changed")
    assert changing.fixed == {"a": [0, "changed"]}
    changing.leave_run()
    assert (parameter.default, parameter.f_get_range(), changing.fixed) == ([0], [[1], [2], [3]], {"a": [0]})


def test_a_result_from_before_the_runs_is_safe_from_them(changing):
    result = changing.f_get("past")
    result.v_is_new = False
    for _ in range(2):
        changing.enter_run(0)
        assert result.f_to_dict() == {"past": [0], "past_1": [1.0], "other": {0}}
        result.past.append("changed")
        result["past_1"].append("changed")
        result.f_get("other").add("changed")
        result.new = 1
        assert (result[0], result[1], result.other) == ([0, "changed"], [1.0, "changed"], {0, "changed"})
        assert list(result) == ["past", "past_1", "other", "new"]
        del result.new
        del result["past"]
        assert "past" not in result
        result.f_empty()
        assert result.f_is_empty()
        changing.leave_run()
    assert result.f_to_dict() == {"past": [0], "past_1": [1.0], "other": {0}}
    assert result.f_items()["past_1"].labels.attrs["units"] == "mV"
    assert not result.v_is_new


def test_a_value_that_is_fetched_in_a_run_is_safe_from_it(changing):
    result = Result("fetched")
    changing.f_add_result(result)
    result.f_set_loader(lambda: {"fetched": [0]})
    for _ in range(2):
        changing.enter_run(0)
        assert changing.fetched == [0]
        changing.fetched.append("changed")
        assert changing.fetched == [0, "changed"]
        changing.leave_run()
    assert changing.fetched == [0]


def test_what_a_run_adds_is_its_own(changing):
    changing.enter_run(0)
    mine = [[0], [1], [2], [3]]
    changing.f_add_result("z", mine[0])
    changing.f_add_result("results.direct", mine[1])
    changing.f_add_result("several", x=mine[2])
    changing.f_add_derived_parameter("d", mine[3])
    assert changing.z is mine[0]
    changing.z.append("more")
    changing.direct.append("more")
    changing.several.x.append("more")
    changing.d.append("more")
    leaves = changing.leave_run()
    assert [list(leaf.f_items().values()) for leaf in leaves] == [[[number, "more"]] for number in range(4)]


def test_two_names_of_one_value_are_two_values_in_a_run():
    shared = [0]
    traj = Root("study")
    traj.f_add_parameter("a", shared)
    traj.f_add_parameter("b", shared)
    traj.enter_run(0)
    traj.a.append("changed")
    # as in a worker process, where a point and the tree arrive one by one
    assert (traj.a, traj.b) == ([0, "changed"], [0])


@pytest.mark.parametrize("value", [1, 1.5, "text", b"bytes", None, True, (1, "a", (2, None)), print])
def test_what_cannot_be_changed_is_not_copied(value):
    traj = Root("study")
    traj.f_add_parameter("p", value)
    traj.enter_run(0)
    assert traj.p is value
