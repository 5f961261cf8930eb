"""Finding nodes: names, shortcuts, depth, ambiguity."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from xpet.errors import NotUniqueNodeError, ParameterLockedException
from xpet.tree import Parameter, Result, Root


@pytest.fixture
def traj():
    traj = Root("study")
    traj.f_add_parameter("x", 0)
    traj.f_add_parameter("a.x1", 1.0)
    traj.f_add_parameter("b.c.d.e", 2)
    traj.f_add_parameter("b.c2.f", 3)
    traj.f_add_parameter("g1.other", 4)
    traj.f_add_parameter("g10.leak", 5)
    traj.f_add_parameter("deep.er.twin", 6)
    traj.f_add_parameter("twin", 7)
    traj.f_add_parameter("left.same", 8)
    traj.f_add_parameter("right.same", 9)
    traj.f_add_result("a.r", 10)
    traj.f_add_result("m", 1, 2, k=3)
    traj.f_add_derived_parameter("b.q", 11)
    traj.f_add_config("cc", 12)
    return traj


FOUND = [
    ("", "e", "parameters.b.c.d.e"),
    ("", "a", NotUniqueNodeError),
    ("", "a.x1", NotUniqueNodeError),  # token by token, without going back
    ("", "par.a.x1", "parameters.a.x1"),
    ("", "b.e", NotUniqueNodeError),
    ("", "parameters.b.e", "parameters.b.c.d.e"),
    ("", "par.d.e", "parameters.b.c.d.e"),
    ("", "twin", "parameters.twin"),  # the shallowest wins
    ("", "er.twin", "parameters.deep.er.twin"),
    ("", "same", NotUniqueNodeError),
    ("", "left.same", "parameters.left.same"),
    ("", "conf.cc", "config.cc"),
    ("", ["par", "b.c", "d"], "parameters.b.c.d"),
    ("", ("par", "x"), "parameters.x"),
    ("", "config", "config"),
    ("", "nope", AttributeError),
    ("", "par.nope", AttributeError),
    ("", "e.b", AttributeError),
    ("", "x.e", AttributeError),
    ("", "a..x", AttributeError),
    ("", "_x", AttributeError),
    ("", "par._x", AttributeError),
    ("", 3, AttributeError),
    ("parameters", "parameters.b.c.d.e", "parameters.b.c.d.e"),
    ("parameters", "e", "parameters.b.c.d.e"),
    ("parameters", "r", AttributeError),
    ("parameters.b", "parameters.b.c2", "parameters.b.c2"),
    ("parameters.b", "parameters.x", AttributeError),
    ("parameters.g1", "leak", AttributeError),  # not that of g10
    ("parameters.g1", "parameters.g10.leak", AttributeError),
    ("results", "a", "results.a"),
]


@pytest.mark.parametrize(("start", "name", "expected"), FOUND, ids=str)
def test_search(traj, start, name, expected):
    group = traj.f_get(start, shortcuts=False) if start else traj
    if isinstance(expected, str):
        assert group.f_get(name).v_full_name == expected
        assert group.f_contains(name, shortcuts=True)
        assert name in group
    else:
        with pytest.raises(expected):
            group.f_get(name)
        assert group.f_contains(name, shortcuts=True) == (expected is NotUniqueNodeError)
        assert group.f_get_default(name, "none") == "none"


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("parameters.b.c.d.e", "parameters.b.c.d.e"),
        ("par.x", "parameters.x"),
        ("par", "parameters"),
        ("par.e", AttributeError),
        ("e", AttributeError),
    ],
)
def test_without_shortcuts(traj, name, expected):
    if isinstance(expected, str):
        assert traj.f_get(name, shortcuts=False).v_full_name == expected
        assert traj.f_contains(name)
    else:
        with pytest.raises(expected, match="shortcuts"):
            traj.f_get(name, shortcuts=False)
        assert not traj.f_contains(name)
    traj.v_shortcuts = False
    assert (name in traj) == isinstance(expected, str)


@pytest.mark.parametrize(
    ("name", "depth", "found"),
    [("e", 5, True), ("e", 4, False), ("par.e", 5, True), ("par.e", 4, False), ("x", 2, True), ("x", 1, False)],
)
def test_max_depth(traj, name, depth, found):
    assert traj.f_contains(name, shortcuts=True, max_depth=depth) == found
    assert traj[name] is not None
    traj.v_max_depth = depth
    assert (name in traj) == found
    assert hasattr(traj, name) == found


def test_longer_than_max_depth(traj):
    with pytest.raises(ValueError, match="maximum depth"):
        traj.f_get("par.b.c.d.e", max_depth=3)
    assert not traj.f_contains("par.b.c.d.e", shortcuts=True, max_depth=3)


def test_auto_load_needs_links(traj):
    assert traj.f_get("e", auto_load=True).v_name == "e"
    with pytest.raises(ValueError, match="with_links"):
        traj.f_get("e", auto_load=True, with_links=False)


def test_attributes_give_values_and_f_get_gives_nodes(traj):
    assert (traj.e, traj["e"], traj.f_get("e", fast_access=True)) == (2, 2, 2)
    assert traj.f_get("e") is traj.parameters.b.c.d.f_get("e")
    assert isinstance(traj.m, Result)
    assert traj.f_get_default("nope") is None
    traj.v_fast_access = False
    assert (type(traj.e), type(traj["e"])) == (Parameter, Parameter)


def test_the_answer_follows_the_tree(traj):
    assert traj.e == 2
    traj.f_add_parameter("e", 99)
    assert traj.e == 99
    traj.f_remove_item("parameters.e")
    assert traj.e == 2
    traj.f_remove_item("parameters.b", recursive=True)
    with pytest.raises(AttributeError):
        _ = traj.e
    assert traj.parameters.twin == 7
    traj.f_add_parameter("other2.twin", 5)
    assert traj.twin == 7


def test_branches_are_there_when_asked_for():
    traj = Root("study")
    assert not traj.f_has_children()
    assert traj.parameters.v_full_name == "parameters"
    assert traj.dpar.v_full_name == "derived_parameters"
    assert sorted(traj.f_get_children()) == ["derived_parameters", "parameters"]


def test_root_by_the_empty_name(traj):
    assert traj.f_get("") is traj
    with pytest.raises(AttributeError):
        traj.parameters.f_get("")


def test_nodes_are_contained_by_identity(traj):
    e = traj.f_get("e")
    assert e in traj
    assert traj.parameters.f_contains(e)
    assert e not in traj.results
    assert not traj.f_contains(e, max_depth=3)
    assert Parameter("parameters.b.c.d.e", 2) not in traj
    assert 3.5 not in traj


def test_find_all(traj):
    assert {node.v_full_name for node in traj.f_get_all("same")} == {"parameters.left.same", "parameters.right.same"}
    assert [node.v_full_name for node in traj.f_get_all("par.c.e")] == ["parameters.b.c.d.e"]
    assert traj.f_get_all("e.c") == []
    assert traj.f_get_all("c.e", shortcuts=False) == []
    assert traj.f_get_all("c.e", max_depth=4) == []
    assert traj.parameters.g1.f_get_all("leak") == []


def test_iteration_is_breadth_first(traj):
    names = [node.v_full_name for node in traj.f_iter_nodes()]
    assert [name.count(".") for name in names] == sorted(name.count(".") for name in names)
    assert len(names) == len(set(names)) == 31
    assert {leaf.v_full_name for leaf in traj.f_iter_leaves()} == set(traj.f_to_dict())
    assert [node.v_name for node in traj.parameters.b] == ["c", "c2"]
    traj.v_iter_recursive = True
    assert [node.v_name for node in traj.parameters.b] == ["c", "c2", "d", "f", "e"]
    assert [node.v_name for node in traj.parameters.b.f_iter_nodes(max_depth=1)] == ["c", "c2"]
    pruned = traj.f_iter_nodes(predicate=lambda node: node.v_name != "b")
    assert not [node for node in pruned if "b" in node.v_full_name.split(".")]


def test_dictionaries(traj):
    assert traj.parameters.b.f_to_dict(fast_access=True) == {"parameters.b.c.d.e": 2, "parameters.b.c2.f": 3}
    assert traj.parameters.b.f_to_dict(fast_access=True, short_names=True) == {"e": 2, "f": 3}
    assert traj.parameters.b.f_to_dict(fast_access=True, nested=True) == {"c": {"d": {"e": 2}}, "c2": {"f": 3}}
    assert traj.f_to_dict(nested=True)["config"] == {"cc": traj.f_get("cc")}
    assert traj.f_to_dict(fast_access=True)["results.m"] is traj.f_get("m")
    assert traj.f_get_config(fast_access=True) == {"config.cc": 12}
    assert set(traj.f_get_results()) == {"results.a.r", "results.m"}
    assert traj.f_get_derived_parameters(fast_access=True) == {"derived_parameters.b.q": 11}
    with pytest.raises(ValueError, match="m, m_1, k"):
        traj.f_get_results(fast_access=True)
    for arguments in ({"copy": False, "fast_access": True}, {"nested": True, "short_names": True}):
        with pytest.raises(ValueError, match="cannot go with"):
            traj.f_to_dict(**arguments)
    with pytest.raises(ValueError, match=r"'same'|'twin'"):
        traj.f_to_dict(short_names=True)


def test_children(traj):
    b = traj.parameters.b
    assert (b.f_children(), b.f_groups(), b.f_leaves(), b.f_links()) == (2, 2, 0, 0)
    assert (b.f_has_children(), b.f_has_groups(), b.f_has_leaves(), b.f_has_links()) == (True, True, False, False)
    assert list(b.f_get_groups()) == ["c", "c2"]
    assert list(b.c2.f_get_leaves()) == ["f"]
    assert b.f_get_parent() is traj.parameters
    assert not hasattr(traj.f_get("e"), "f_get_parent")
    with pytest.raises(TypeError, match="no parent"):
        traj.f_get_parent()
    assert {"c", "c2", "f_get", "v_name"} <= set(dir(b))
    assert b.f_dir_data() == ["c", "c2"]
    assert b.f_debug().c.d.e is traj.f_get("e")


def test_facts(traj):
    c = traj.parameters.b.c
    assert (c.v_full_name, c.v_name, c.v_location, c.v_depth, c.v_branch) == (
        "parameters.b.c",
        "c",
        "parameters.b",
        3,
        "parameters",
    )
    assert (c.v_is_group, c.v_is_leaf, c.v_is_root, c.v_root, c.v_run_branch) == (
        True,
        False,
        False,
        traj,
        "trajectory",
    )
    assert (traj.v_full_name, traj.v_name, traj.v_location, traj.v_depth, traj.v_branch) == ("", "study", "", 0, None)
    assert traj.v_is_root
    assert traj.f_get("e").v_is_leaf
    assert (c.vars.full_name, c.func.get("e").v_name, traj.kids.config) == ("parameters.b.c", "e", traj.config)
    assert "full_name" in dir(c.vars)
    with pytest.raises(AttributeError, match="v_nonsense"):
        _ = c.vars.nonsense
    c.vars.comment = "words"
    assert c.v_comment == "words"


def test_texts(traj):
    traj.v_comment = "a study"
    assert str(traj).startswith("Root study (len:1, `a study`): parameters: ParameterGroup, ")
    assert str(traj.parameters) == (
        "ParameterGroup parameters: x: Parameter, a: ParameterGroup, b: ParameterGroup, g1: ParameterGroup, "
        "g10: ParameterGroup, deep: ParameterGroup, ..."
    )
    assert repr(traj.f_get("e")) == "<Parameter parameters.b.c.d.e: 2>"


# ------------------------------------------------------------------ setting


def test_setting_values(traj):
    traj.f_get("e").f_set("free")
    traj.x1 = 5.0
    traj["parameters.b.c2.f"] = "text"
    traj.r = 6
    assert (traj.x1, traj.f, traj.r) == (5.0, "text", 6)
    with pytest.raises(ParameterLockedException, match="f_unlock"):
        traj.x1 = 6.0


@pytest.mark.parametrize(
    ("name", "error", "match"),
    [
        ("nope", AttributeError, "nope"),
        ("m", AttributeError, "one by one"),
        ("config", AttributeError, "takes no value"),
        ("same", NotUniqueNodeError, "unique"),
        ("v_depth", AttributeError, "cannot be set"),
        ("v_nodes", AttributeError, "cannot be set"),
        ("f_get", AttributeError, "cannot be set"),
    ],
)
def test_setting_is_refused(traj, name, error, match):
    with pytest.raises(error, match=match):
        setattr(traj, name, 5)


def test_names_with_our_prefixes_are_the_users(traj):
    traj.f_add_parameter("v_threshold", 1)
    traj.f_add_parameter("f_rate", 2)
    traj.v_threshold = 3
    assert (traj.v_threshold, traj.f_rate) == (3, 2)


@pytest.mark.parametrize(
    ("node", "path"),
    [
        pytest.param(Parameter("", 5), "parameters.new", id="nameless"),
        pytest.param(Parameter("new", 5), "parameters.new", id="same-name"),
        pytest.param(Parameter("new.sub", 5), "parameters.new.sub", id="beginning"),
        pytest.param(Parameter("other", 5), None, id="other-name"),
        pytest.param(Parameter("newer", 5), None, id="prefix-only"),
    ],
)
def test_setting_a_new_node_adds_it(traj, node, path):
    if path is None:
        with pytest.raises(AttributeError, match="cannot be added as"):
            traj.parameters.new = node
    else:
        traj.parameters.new = node
        assert traj.f_get(path, shortcuts=False) is node


def test_settings(traj):
    traj.f_set_properties(fast_access=False, v_no_clobber=True)
    assert (traj.v_fast_access, traj.v_no_clobber, traj.v_with_links, traj.v_auto_run_prepend) == (
        False,
        True,
        True,
        True,
    )
    with pytest.raises(AttributeError, match="v_nope"):
        traj.f_set_properties(nope=1)


# ------------------------------------------------------------------ removing


def test_removing(traj):
    traj.f_remove_item("e")
    assert ("e" in traj, "d" in traj) == (False, True)
    with pytest.raises(TypeError, match="recursive=True"):
        traj.f_remove_item("parameters.b")
    with pytest.raises(ValueError, match="no child"):
        traj.parameters.f_remove_child("nope")
    traj.parameters.b.f_remove()
    assert "parameters.b" not in traj
    traj.f_remove_items(["x1", traj.f_get("twin")])
    assert ("x1" in traj, traj.twin) == (False, 6)
    traj.f_remove(predicate=lambda node: node.v_name != "deep" and "twin" not in node.v_full_name)
    assert set(traj.f_to_dict()) == {"parameters.deep.er.twin"}
    with pytest.raises(ValueError, match="recursive=True"):
        traj.f_remove(recursive=False)
    traj.f_remove()
    assert traj.f_children() == 0


def test_removing_an_explored_parameter(traj):
    traj.f_explore({"x": [1, 2]})
    traj.v_idx = 1
    traj.f_remove_item("x")
    assert (len(traj), traj.v_idx, traj.f_get_explored_parameters()) == (1, -1, {})


# ------------------------------------------------------------- against a model

NAMES = st.lists(st.sampled_from("abcd"), min_size=1, max_size=4)


@given(
    st.lists(NAMES, min_size=1, max_size=12), st.lists(st.sampled_from("abcd"), min_size=1, max_size=3), st.booleans()
)
def test_search_agrees_with_a_walk_over_the_tree(paths, tokens, linked):
    traj = Root("study")
    for path in paths:
        try:
            traj.f_add_leaf(".".join(["top", *path]), 1)
        except AttributeError:
            pass
    if linked:  # any link makes the search walk instead of using the index
        traj.f_add_group("elsewhere").f_add_link("unrelated", "top")

    def search(start, token):
        level = list(start.v_nodes.values())
        while level:
            hits = [node for node in level if node.v_name == token]
            if hits:
                return hits
            level = [below for node in level if node.v_is_group for below in node.v_nodes.values()]
        return []

    nodes = [traj.top]
    full = traj.top
    for token in tokens:
        full = full.v_nodes.get(token) if full is not None and full.v_is_group else None
    for token in tokens:
        if len(nodes) == 1:
            nodes = search(nodes[0], token) if nodes[0].v_is_group else []
    try:
        found = traj.top.f_get(".".join(tokens))
    except NotUniqueNodeError:
        assert full is None
        assert len(nodes) != 1
    except AttributeError:
        assert full is None
        assert not nodes
    else:
        assert found is (full if full is not None else nodes[0])


# ---------------------------------------------------------------------- links


@pytest.mark.parametrize("by", ["name", "node", "attribute"])
def test_links(traj, by):
    if by == "name":
        traj.parameters.f_add_link("ln", "parameters.b.c")
    elif by == "node":
        traj.parameters.f_add_link("ln", traj.parameters.b.c)
    else:
        traj.parameters.ln = traj.parameters.b.c
    assert traj.ln is traj.parameters.b.c
    assert traj.ln.d.e == 2
    assert (traj.parameters.f_links(), list(traj.parameters.f_get_links())) == (1, ["ln"])
    assert not traj.f_contains("ln", with_links=False, shortcuts=True)
    names = [node.v_full_name for node in traj.f_iter_nodes()]
    assert len(names) == len(set(names))
    with pytest.raises(AttributeError, match="link"):
        traj.f_add_parameter("ln.z", 1)
    with pytest.raises(RuntimeError, match="over a link"):
        traj.f_remove_item("ln.d", recursive=True)
    traj.v_with_links = False
    assert "ln" not in traj
    traj.v_with_links = True
    traj.parameters.f_remove_link("ln")
    assert "ln" not in traj
    with pytest.raises(ValueError, match="no link"):
        traj.parameters.f_remove_link("ln")


def test_links_vanish_with_their_target(traj):
    traj.parameters.f_add_link("ln", "parameters.b")
    traj.f_add_link(traj.f_get("e"))
    assert traj.e == 2
    traj.f_remove_item("parameters.b", recursive=True)
    assert (traj.parameters.f_links(), traj.f_links()) == (0, 0)


def test_circles_end(traj):
    traj.parameters.b.f_add_link("up", traj.parameters)
    assert traj.parameters.b.up.b.up.e == 2
    names = [node.v_full_name for node in traj.f_iter_nodes()]
    assert len(names) == len(set(names))
    assert "nope" not in traj


def test_a_link_makes_a_name_ambiguous(traj):
    traj.results.f_add_link("x", "parameters.twin")
    with pytest.raises(NotUniqueNodeError):
        _ = traj.x


@pytest.mark.parametrize(
    ("link", "error"),
    [
        pytest.param(lambda t: t.parameters.f_add_link("ln", "nope"), AttributeError, id="no-target"),
        pytest.param(lambda t: t.parameters.f_add_link("ln", t), ValueError, id="root"),
        pytest.param(lambda t: t.f_add_link("results", "parameters.b"), ValueError, id="branch"),
        pytest.param(lambda t: t.parameters.f_add_link("ln", Parameter("p", 1)), ValueError, id="outside"),
        pytest.param(lambda t: t.parameters.f_add_link("ln", Root("u").parameters), ValueError, id="other-tree"),
        pytest.param(lambda t: t.parameters.f_add_link("x", "parameters.b"), AttributeError, id="taken"),
    ],
)
def test_links_are_refused(traj, link, error):
    with pytest.raises(error):
        link(traj)
    assert not any(isinstance(node, Result) and node.f_is_empty() for node in traj.f_iter_leaves())
    assert traj.f_links() == traj.parameters.f_links() == 0
