"""Parameters, results and annotations on their own."""

import copy
import pickle

import pytest

from xpet.errors import ParameterLockedException
from xpet.tree import Annotations, Parameter, Result, Root


def test_reading_locks():
    for read in (
        lambda p: p.f_get(),
        lambda p: p.data,
        lambda p: p["data"],
        lambda p: p.f_get_default(),
        lambda p: p.default,
        lambda p: p[-1],
        lambda p: p.f_fast_access(),
    ):
        parameter = Parameter("p", 5)
        str(parameter), parameter.f_val_to_str(), len(parameter), parameter.f_is_empty()
        assert not parameter.v_locked
        assert read(parameter) == 5
        assert parameter.v_locked
        for change in (lambda p: p.f_set(6), lambda p: p.f_empty()):
            with pytest.raises(ParameterLockedException, match="f_unlock"):
                change(parameter)
        parameter.f_unlock()
        parameter.f_set("another type")
        assert parameter.f_get() == "another type"


@pytest.mark.parametrize("read", [lambda p: p.f_get(), lambda p: p.f_get_default(), lambda p: p.f_get_range()])
def test_empty_parameters(read):
    parameter = Parameter("p")
    assert (parameter.f_is_empty(), len(parameter), parameter.f_supports_fast_access(), parameter.f_items()) == (
        True,
        0,
        False,
        {},
    )
    assert parameter.f_fast_access() is parameter
    assert bool(parameter)
    with pytest.raises(TypeError, match=r"empty|range"):
        read(parameter)


def test_none_is_a_value():
    parameter = Parameter("p", None)
    assert (parameter.f_is_empty(), parameter.f_get(), parameter.f_items()) == (False, None, {"": None})


def test_parameters_take_no_other_attributes():
    parameter = Parameter("p", 1)
    with pytest.raises(AttributeError):
        parameter.nonsense = 1
    with pytest.raises(AttributeError):
        _ = parameter.nonsense
    with pytest.raises(KeyError):
        _ = parameter["nonsense"]
    with pytest.raises(TypeError, match="no range"):
        _ = parameter[0]


def test_ranges_by_index():
    traj = Root("study")
    parameter = traj.f_add_parameter("p", 1)
    traj.f_explore({"p": [5, 6, 7]})
    assert (parameter[0], parameter[2], parameter[-1], parameter.f_get_range_length()) == (5, 7, 1, 3)
    assert parameter.f_items() == {"": 1}
    assert str(parameter) == "Parameter parameters.p (len:3): 1"


@pytest.mark.parametrize("name", ["a b", "_a", "a..b", "$", "é"])
def test_leaves_refuse_bad_names(name):
    for kind in (Parameter, Result):
        with pytest.raises(ValueError, match="valid"):
            kind(name)


def test_lazy_parameters():
    calls = []
    parameter = Parameter("p")
    parameter.f_set_loader(lambda: calls.append(1) or {"data": 5})
    assert (parameter.f_is_empty(), str(parameter), calls) == (False, "Parameter p: <to be loaded>", [])
    assert (parameter.f_fast_access(), parameter.f_get(), parameter.f_get_default()) == (5, 5, 5)
    assert calls == [1]


def test_lazy_results():
    calls = []
    result = Result("g.r")
    result.f_set_loader(lambda: calls.append(1) or {"r": 5, "k": 6})
    assert (result.f_is_empty(), str(result), calls) == (False, "Result g.r: <to be loaded>", [])
    assert (result.k, result.r, result.f_items()) == (6, 5, {"": 5, "k": 6})
    assert calls == [1]


@pytest.mark.parametrize("leaf", [Parameter("p"), Result("p")], ids=["parameter", "result"])
def test_failing_loaders_are_tried_again(leaf):
    answers = [OSError("away"), {"": 5}]

    def load():
        answer = answers.pop(0)
        if isinstance(answer, OSError):
            raise answer
        return answer

    leaf.f_set_loader(load)
    with pytest.raises(OSError, match="away"):
        leaf.f_get()
    assert leaf.f_get("p") == 5 if isinstance(leaf, Result) else leaf.f_get() == 5


# ------------------------------------------------------------------- results


@pytest.mark.parametrize(
    ("args", "kwargs", "items", "internal"),
    [
        ((), {}, {}, {}),
        ((1,), {}, {"r": 1}, {"": 1}),
        ((1, 2, 3), {"k": 4}, {"r": 1, "r_1": 2, "r_2": 3, "k": 4}, {"": 1, "r_1": 2, "r_2": 3, "k": 4}),
        ((), {"r": 1}, {"r": 1}, {"": 1}),
        ((), {"a.b": 1}, {"a.b": 1}, {"a.b": 1}),
        ((None,), {}, {"r": None}, {"": None}),
    ],
    ids=str,
)
def test_items(args, kwargs, items, internal):
    result = Result("g.r", *args, **kwargs)
    assert (result.f_to_dict(), result.f_items(), list(result)) == (items, internal, list(items))
    assert result.f_supports_fast_access() == (list(items) == ["r"])
    assert result.f_fast_access() is (internal[""] if list(items) == ["r"] else result)
    assert result.f_is_empty() == (not items)
    assert bool(result)


def test_getting_items():
    result = Result("r", 1, 2, k=3)
    assert (result.r, result.r_1, result.k, result[0], result[1], result["k"]) == (1, 2, 3, 1, 2, 3)
    assert result.f_get("r", "k") == [1, 3]
    assert result.f_get(1) == 2
    assert ("k" in result, 1 in result, "x" in result, 2 in result) == (True, True, False, False)
    with pytest.raises(ValueError, match="r, r_1, k"):
        result.f_get()
    with pytest.raises(AttributeError, match="'x'"):
        result.f_get("x")
    with pytest.raises(AttributeError, match="'r_5'"):
        _ = result[5]
    with pytest.raises(AttributeError, match="empty"):
        Result("r").f_get()
    assert Result("r", k=5).f_get() == Result("r", k=5).data == 5


def test_changing_items():
    result = Result("r", 1)
    result.k = 2
    result["l"] = 3
    result[1] = 4
    result.f_set_single("m", 5)
    assert result.f_to_dict() == {"r": 1, "k": 2, "l": 3, "r_1": 4, "m": 5}
    del result.k
    del result["l"]
    result.f_remove("m", 1)
    assert result.f_to_dict() == {"r": 1}
    with pytest.raises(AttributeError, match="'x'"):
        result.f_remove("x")
    with pytest.raises(AttributeError, match="f_set"):
        result.f_get = 5
    result.f_set(f_get=5)
    assert result["f_get"] == 5
    result.v_comment = "words"
    assert result.v_comment == "words"
    result.f_empty()
    assert result.f_is_empty()
    with pytest.raises(AttributeError, match="without a name"):
        Result("", 1)


@pytest.mark.parametrize("name", ["kind", "run", "template", "items", "name", "comment", "is_new"])
def test_everyday_names_are_free_for_items(name):
    result = Result("r")
    setattr(result, name, 5)
    assert getattr(result, name) == 5
    assert result.f_items() == {name: 5}


def test_text_of_a_result():
    assert str(Result("g.r", 1, k="x", comment="c")) == "Result g.r (`c`): r=1, k='x'"
    assert len(Result("r", "x" * 1000).f_val_to_str()) == 64
    assert str(Result("r")) == "Result r"


@pytest.mark.parametrize("again", [copy.copy, lambda leaf: pickle.loads(pickle.dumps(leaf))], ids=["copy", "pickle"])
@pytest.mark.parametrize("leaf", [Parameter("g.p", 5, comment="c"), Result("g.r", 5, k=6, comment="c")], ids=repr)
def test_leaves_travel(leaf, again):
    leaf.f_set_annotations(note=[1])
    other = again(leaf)
    assert type(other) is type(leaf)
    assert (other.v_full_name, other.v_comment, other.f_items(), other.v_annotations.f_to_dict()) == (
        leaf.v_full_name,
        leaf.v_comment,
        leaf.f_items(),
        leaf.v_annotations.f_to_dict(),
    )


# --------------------------------------------------------------- annotations


def test_annotations():
    notes = Annotations()
    assert notes.f_is_empty()
    with pytest.raises(AttributeError, match="no annotations"):
        notes.f_get()
    notes.f_set("first", "second", key=3)
    notes.own = 4
    notes["more"] = 5
    assert (notes.f_get(0), notes.annotation, notes[1], notes.key, notes["own"]) == ("first", "first", "second", 3, 4)
    assert notes.f_get("key", "own") == (3, 4)
    assert ("key" in notes, 1 in notes, 5 in notes, len(notes)) == (True, True, False, 5)
    assert list(notes) == ["annotation", "annotation_1", "key", "own", "more"]
    assert notes.f_ann_to_str() == "annotation=first; annotation_1=second; key=3; more=5; own=4"
    with pytest.raises(ValueError, match="several"):
        notes.f_get()
    with pytest.raises(AttributeError, match="'nope'"):
        _ = notes.nope
    with pytest.raises(AttributeError, match="method"):
        notes.f_get = 5
    del notes.key
    del notes["own"]
    notes.f_remove(1)
    notes.f_remove("more")
    assert (notes.f_to_dict(), notes.f_get()) == ({"annotation": "first"}, "first")
    notes.f_empty()
    assert notes.f_is_empty()


def test_every_node_has_annotations():
    traj = Root("study")
    for node in (traj, traj.f_add_group("g"), traj.f_add_parameter("p", 1), traj.f_add_result("r", 1)):
        assert node.f_ann_to_str() == ""
        node.f_set_annotations(7, note=8)
        assert (node.f_get_annotations("note"), node.f_get_annotations(0), node.v_annotations.note) == (8, 7, 8)
        assert node.f_get_class_name() == type(node).__name__
