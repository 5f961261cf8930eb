"""Where added nodes go: the table of pypet's placement rules, outside of runs and in run 1 of 4."""

import pytest

from xpet.tree import NNGroupNode, Parameter, ParameterGroup, Result, ResultGroup, Root

RUN = "run_00000001"


def tree():
    traj = Root("study")
    traj.f_add_parameter("x", 0)
    traj.f_explore({"x": [0, 1, 2, 3]})
    traj.f_add_result_group("runs")
    traj.f_add_result_group("zz.deep")
    return traj


#   start, name, outside of runs, in run 1
RESULTS = [
    ("", "a.b", "results.a.b", f"results.runs.{RUN}.a.b"),
    ("", "$.a", "results.run_ALL.a", f"results.{RUN}.a"),
    ("", "g.$.a", "results.g.run_ALL.a", f"results.g.{RUN}.a"),
    ("", "g.crun.a", "results.g.run_ALL.a", f"results.g.{RUN}.a"),
    ("", "$set.$.a", "results.run_set_ALL.run_ALL.a", f"results.run_set_00000.{RUN}.a"),
    ("", "$set.a", "results.run_set_ALL.a", f"results.runs.{RUN}.run_set_00000.a"),
    ("", "results.a", "results.a", "results.a"),
    ("", "res.a", "results.a", "results.a"),
    ("", f"{RUN}.a", f"results.{RUN}.a", f"results.{RUN}.a"),
    ("", f"foo.{RUN}.a", f"results.foo.{RUN}.a", f"results.foo.{RUN}.a"),
    ("", "runs.r_2.a", "results.runs.run_00000002.a", "results.runs.run_00000002.a"),
    ("", "run_ALL.a", "results.run_ALL.a", "results.run_ALL.a"),
    ("", "run_99.a", "results.run_00000099.a", f"results.runs.{RUN}.run_00000099.a"),
    ("", "runs.q", "results.runs.q", f"results.runs.{RUN}.runs.q"),
    ("", "foo.par.x", "results.foo.parameters.x", f"results.runs.{RUN}.foo.parameters.x"),
    ("results", "a", "results.a", f"results.runs.{RUN}.a"),
    ("results", "results.a", "results.results.a", f"results.runs.{RUN}.results.a"),
    ("results", "$.a", "results.run_ALL.a", f"results.{RUN}.a"),
    ("results.runs", "a", "results.runs.a", f"results.runs.{RUN}.a"),
    ("results.runs", "$.a", "results.runs.run_ALL.a", f"results.runs.{RUN}.a"),
    ("results.zz", "a", "results.zz.a", "results.zz.a"),
    ("results.zz", "$.a", "results.zz.run_ALL.a", f"results.zz.{RUN}.a"),
    ("results.zz.deep", "a", "results.zz.deep.a", "results.zz.deep.a"),
]


@pytest.mark.parametrize("again", [False, True], ids=["first", "second-time"])
@pytest.mark.parametrize(("start", "name", "outside", "inside"), RESULTS, ids=lambda value: value or "root")
def test_results(start, name, outside, inside, again):
    traj = tree()
    group = traj.f_get(start) if start else traj
    assert group.f_add_result(name, 1).v_full_name == outside
    traj = tree()
    group = traj.f_get(start) if start else traj
    if again:  # names known from an earlier run go another way
        traj.enter_run(2)
        group.f_add_result(name, 1)
        traj.leave_run()
    traj.enter_run(1)
    leaf = group.f_add_result(name, 7)
    assert leaf.v_full_name == inside
    assert traj.f_get(inside, shortcuts=False) is leaf
    assert traj.leave_run() == [leaf]
    assert inside not in traj


@pytest.mark.parametrize(
    ("template", "name"),
    [
        ("results.runs.$.a", "a"),
        ("results.$.a", "$.a"),
        ("results.$set.$.a", "$set.$.a"),
        ("results.runs.$.$set.a", "$set.a"),
        ("results.g.$.h.a", "g.crun.h.a"),
        ("results.a", "results.a"),
        ("results.$.a", f"{RUN}.a"),
        ("results.$set.$.a", f"run_set_00000.{RUN}.a"),
        ("results.runs.run_00000002.a", "runs.run_2.a"),
        ("results.run_ALL.a", "run_ALL.a"),
    ],
    ids=str,
)
def test_templates_in_a_run(template, name):
    traj = tree()
    traj.enter_run(1)
    leaf = traj.f_add_result(name, 1)
    assert leaf.v_template == template
    assert leaf.v_run == (1 if "$" in template else None)
    full = leaf.v_full_name
    traj.leave_run()
    assert leaf.v_full_name == full


@pytest.mark.parametrize(
    ("name", "template", "run"),
    [
        ("a", "results.a", None),
        ("$.a", "results.run_ALL.a", None),
        ("runs.run_2.a", "results.runs.$.a", 2),
        ("run_set_00000.run_2.a", "results.$set.$.a", 2),
        ("runs.run_99.a", "results.runs.run_00000099.a", None),
    ],
    ids=str,
)
def test_templates_outside_of_runs(name, template, run):
    leaf = tree().f_add_result(name, 1)
    assert (leaf.v_template, leaf.v_run) == (template, run)


def test_a_selected_run_fills_wildcards_only():
    traj = tree()
    traj.f_set_crun(1)
    assert traj.f_add_result("$.a", 1).v_full_name == f"results.{RUN}.a"
    assert traj.f_add_result("a", 1).v_full_name == "results.a"


@pytest.mark.parametrize(
    ("start", "name", "path", "run"),
    [
        ("", "runs.r_2.$.a", f"results.runs.run_00000002.{RUN}.a", 2),
        ("results.runs.run_00000002", "$.a", f"results.runs.run_00000002.{RUN}.a", 2),
        ("results.runs.run_00000002", "a", "results.runs.run_00000002.a", 2),
        ("results.run_set_00000", "$.a", f"results.run_set_00000.{RUN}.a", 1),
        ("results.run_set_00000", "a", "results.run_set_00000.a", None),
    ],
    ids=["run-named", "group-of-a-run", "no-wildcard", "group-of-a-set", "set-without-wildcard"],
)
def test_wildcards_mean_the_selected_run_wherever_they_are(start, name, path, run):
    traj = tree()
    traj.f_add_result("runs.r_2.q", 1)
    traj.f_set_crun(3)
    traj.f_add_result("$set.$.q", 1)
    traj.f_set_crun(1)
    leaf = (traj.f_get(start) if start else traj).f_add_result(name, 1)
    assert (leaf.v_full_name, leaf.v_run) == (path, run)
    assert traj.f_get(path, shortcuts=False) is leaf


def test_without_prefix():
    traj = tree()
    traj.v_auto_run_prepend = False
    traj.enter_run(1)
    assert traj.f_add_result("a", 1).v_full_name == "results.a"
    assert traj.f_add_derived_parameter("a", 1).v_full_name == "derived_parameters.a"


@pytest.mark.parametrize(
    ("method", "name", "outside", "inside"),
    [
        ("f_add_derived_parameter", "a", "derived_parameters.a", f"derived_parameters.runs.{RUN}.a"),
        ("f_adpar", "dpar.a", "derived_parameters.a", "derived_parameters.a"),
        ("f_add_derived_parameter_group", "a", "derived_parameters.a", f"derived_parameters.runs.{RUN}.a"),
        ("f_add_result_group", "a", "results.a", f"results.runs.{RUN}.a"),
        ("f_add_leaf", "a", "a", "a"),
        ("f_add_leaf", "res.a", "results.a", "results.a"),
        ("f_add_leaf", "results.$.a", "results.run_ALL.a", f"results.{RUN}.a"),
        ("f_add_group", "a.b", "a.b", "a.b"),
        ("f_add_group", "res.a", "results.a", "results.a"),
        ("f_add_parameter", "a", "parameters.a", TypeError),
        ("f_add_parameter", "par.a", "parameters.a", TypeError),
        ("f_apar", "parameters.a", "parameters.a", TypeError),
        ("f_add_parameter_group", "a", "parameters.a", TypeError),
        ("f_add_config", "a", "config.a", TypeError),
        ("f_aconf", "conf.a", "config.a", TypeError),
        ("f_add_config_group", "a", "config.a", TypeError),
        ("f_add_leaf", "par.a", "parameters.a", TypeError),
        ("f_add_group", "config.a", "config.a", TypeError),
    ],
    ids=lambda value: getattr(value, "__name__", value),
)
def test_other_branches(method, name, outside, inside):
    args = () if "group" in method else (1,)
    assert getattr(tree(), method)(name, *args).v_full_name == outside
    traj = tree()
    traj.enter_run(1)
    if isinstance(inside, str):
        assert getattr(traj, method)(name, *args).v_full_name == inside
    else:
        with pytest.raises(inside, match="during a single run"):
            getattr(traj, method)(name, *args)


@pytest.mark.parametrize(
    ("add", "kind"),
    [
        pytest.param(lambda t: t.f_add_parameter("p", 1), Parameter, id="parameter"),
        pytest.param(lambda t: t.f_add_result("r", 1), Result, id="result"),
        pytest.param(lambda t: t.f_add_leaf("config.l", 1), Parameter, id="leaf-in-config"),
        pytest.param(lambda t: t.f_add_leaf("results.l", 1), Result, id="leaf-in-results"),
        pytest.param(lambda t: t.f_add_leaf("mine.l", 1), Result, id="leaf-elsewhere"),
        pytest.param(lambda t: t.f_add_result(Parameter, "p", 1), Parameter, id="class-first"),
        pytest.param(lambda t: t.f_add_group("mine"), NNGroupNode, id="group-elsewhere"),
        pytest.param(lambda t: t.f_add_group("results.g"), ResultGroup, id="group-in-results"),
        pytest.param(lambda t: t.f_add_group(ParameterGroup("parameters.g")), ParameterGroup, id="group-instance"),
    ],
)
def test_classes(add, kind):
    assert type(add(tree())) is kind


@pytest.mark.parametrize(
    ("leaf", "path"),
    [
        (Parameter("u.v", 3), "parameters.u.v"),
        (Parameter("parameters.u.v", 3), "parameters.u.v"),
    ],
    ids=["relative", "full"],
)
def test_instances(leaf, path):
    traj = tree()
    assert traj.f_add_parameter(leaf) is leaf
    assert leaf.v_full_name == path
    with pytest.raises(ValueError, match="in a tree already"):
        traj.f_add_parameter(leaf)


def test_standard_classes_may_be_set():
    class MyResult(Result):
        __slots__ = ()

    traj = tree()
    traj.v_standard_result = MyResult
    traj.enter_run(0)
    assert type(traj.f_add_result("a", 1)) is MyResult
    traj.leave_run()
    traj.enter_run(1)
    assert type(traj.f_add_result("a", 1)) is MyResult


def test_constructors_get_all_other_arguments():
    traj = tree()
    result = traj.f_add_result("a", 1, 2, k=3, comment="words")
    assert (result.f_to_dict(), result.v_comment) == ({"a": 1, "a_1": 2, "k": 3}, "words")
    assert traj.f_add_result(name="b", k=3).f_to_dict() == {"k": 3}
    assert traj.f_add_parameter(full_name="c", data=4, comment="more").v_comment == "more"
    assert traj.f_add_result_group("d", comment="group").v_comment == "group"


@pytest.mark.parametrize(
    ("add", "error"),
    [
        pytest.param(lambda t: t.f_add_parameter(), ValueError, id="no-name"),
        pytest.param(lambda t: t.f_add_result("x y", 1), ValueError, id="blank"),
        pytest.param(lambda t: t.f_add_result("a..b", 1), ValueError, id="empty-segment"),
        pytest.param(lambda t: t.f_add_result("_a", 1), ValueError, id="private"),
        pytest.param(lambda t: t.f_add_result("$foo", 1), ValueError, id="unknown-wildcard"),
        pytest.param(lambda t: t.f_add_result("a$", 1), ValueError, id="dollar-in-name"),
        pytest.param(lambda t: t.f_add_result("x" * 128, 1), ValueError, id="long"),
        pytest.param(lambda t: t.f_add_leaf("overview", 1), ValueError, id="reserved"),
        pytest.param(lambda t: t.f_add_parameter("x", 1), AttributeError, id="twice"),
        pytest.param(lambda t: t.f_add_parameter("x.y", 1), AttributeError, id="below-a-leaf"),
        pytest.param(lambda t: t.f_add_result("zz", 1), AttributeError, id="group-of-that-name"),
        pytest.param(lambda t: t.f_add_result_group(ParameterGroup("u")), TypeError, id="group-of-other-branch"),
        pytest.param(lambda t: t.parameters.f_add_result("a", 1), AttributeError, id="method-of-other-branch"),
        pytest.param(lambda t: t.f_add_group(Result("a")), TypeError, id="leaf-as-group"),
        pytest.param(lambda t: t.f_add_leaf(ResultGroup("a")), TypeError, id="group-as-leaf"),
        pytest.param(lambda t: t.f_add_result(Result("")), ValueError, id="nameless"),
    ],
)
def test_refused(add, error):
    traj = tree()
    before = [node.v_full_name for node in traj.f_iter_nodes()]
    with pytest.raises(error):
        add(traj)
    assert [node.v_full_name for node in traj.f_iter_nodes()] == before


def test_failing_constructors_leave_nothing():
    traj = tree()
    with pytest.raises(TypeError):
        traj.f_add_parameter("new.group.p", 1, nonsense=3)
    assert "new" not in traj


def test_duplicates_in_a_run():
    traj = tree()
    for run in range(2):
        traj.enter_run(run)
        traj.f_add_result("a", 1)
        with pytest.raises(AttributeError, match=r"results\.runs\.run_0000000. *\.a|exists already"):
            traj.f_add_result("a", 2)
        (leaf,) = traj.leave_run()
        assert leaf.f_get() == 1


def test_no_clobber_keeps_what_is_there():
    traj = tree()
    traj.v_no_clobber = True
    with pytest.warns(UserWarning, match="kept"):
        assert traj.f_add_parameter("x", 99).f_get() == 0


@pytest.mark.parametrize("name", ["f_get", "v_name", "kids", "lambda"])
def test_names_of_ours_are_allowed_with_a_warning(name):
    traj = tree()
    with pytest.warns(SyntaxWarning, match="belongs to"):
        traj.f_add_result(name, 5)
    assert traj["results." + name] == 5
    assert getattr(traj.results.kids, name).f_get() == 5


def test_values_are_checked_where_they_enter():
    class Strict(Root):
        __slots__ = ()

        @staticmethod
        def check_value(path, value):
            if value == 13:
                raise TypeError(f"{path} {value}")

    traj = Strict("study")
    traj.f_add_parameter("x", 0)
    traj.f_explore({"x": [0, 1]})
    for add in (
        lambda: traj.f_add_parameter("p", 13),
        lambda: traj.f_add_result("p", 1, k=13),
        lambda: traj.f_add_parameter(Parameter("p", 13)),
        lambda: traj.f_get("x").f_supports(13) or traj.f_add_result("p", 13),
    ):
        with pytest.raises(TypeError, match=r"\.p 13"):
            add()
        assert "p" not in traj
    for run in range(2):
        traj.enter_run(run)
        result = traj.f_add_result("p", 1)
        with pytest.raises(TypeError, match=r"results\.runs\.\$\.p 13"):
            result.f_set(13)
        with pytest.raises(TypeError, match=r"results\.runs\.\$\.q 13"):
            traj.f_add_result("q", 13)
        assert traj.leave_run() == [result]
    with pytest.raises(TypeError, match="13"):
        traj.f_expand({"x": [13]})
