"""Anything in any order: a tree, and the same in plain dictionaries, do the same and refuse the same."""

from __future__ import annotations

import copy
import pickle
from collections.abc import Callable
from typing import Any

import pytest
from fixtures_tree_model import BRANCHES, Model, Path
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from xpet.tree import Root
from xpet.tree.leaf import Leaf
from xpet.tree.node import Node
from xpet.tree.parameter import BaseParameter

pytestmark = pytest.mark.timeout(400)  # a failure takes a while to be made short

PLAIN = st.sampled_from(["a", "b", "c", "a", "b", "c", "runs", "results", "par"])
ODD = st.sampled_from(["$", "crun", "$set", "r_0", "r_1", "run_2", "run_ALL", "_p", "", "x y", "g$"])
TOKENS = st.one_of(PLAIN, PLAIN, PLAIN, ODD)
PATHS = st.lists(TOKENS, min_size=1, max_size=3)
ANYTHING = st.one_of(PATHS, st.lists(st.one_of(TOKENS, st.integers(-1, 4)), min_size=1, max_size=2))
SMALL = st.integers(0, 3)
POINTS = st.lists(SMALL, min_size=2, max_size=3)
RANGES = st.one_of(POINTS, POINTS, POINTS, st.lists(st.sampled_from([1, 0.5]), max_size=2))
ADDERS = {
    "f_add_parameter": ("parameters", "parameter"),
    "f_add_config": ("config", "parameter"),
    "f_add_derived_parameter": ("derived_parameters", "parameter"),
    "f_add_result": ("results", "result"),
    "f_add_leaf": (None, "leaf"),
    "f_add_group": (None, "group"),
    "f_add_result_group": ("results", "group"),
    "f_add_parameter_group": ("parameters", "group"),
}


def outcome(act: Callable[[], object]) -> object:
    """What came of it; of an error, its class."""
    try:
        return act()
    except Exception as error:
        return type(error)


def text(found: object) -> object:
    """Nodes by their paths, as the model has them."""
    return tuple(found.v_full_name.split(".")) if isinstance(found, Node) and not found.v_is_root else found


class Trees(RuleBasedStateMachine):
    """A tree beside its model."""

    def __init__(self) -> None:
        super().__init__()
        self.traj: Any = Root("study")
        self.model = Model()
        self.asked: list[tuple[Path, list[Any]]] = []

    def same(self, act: Callable[[], object], modelled: Callable[[], object]) -> object:
        """Do the same here and there; an error must not change anything in the model, but for branches and locks."""
        expected, got = outcome(modelled), text(outcome(act))
        assert got == (expected if expected != () else self.traj), f"{got!r}, expected {expected!r}"
        return expected

    def start(self, data: st.DataObject) -> tuple[Path, Any]:
        """Some group, found by its full name."""
        groups = [path for path, entry in self.model.nodes.items() if entry.kind == "group"]
        path = data.draw(st.sampled_from(groups))
        return path, self.traj.f_get(".".join(path), shortcuts=False) if path else self.traj

    def name(self, data: st.DataObject, integers: bool = False, kind: str = "") -> list[Any]:
        """Names of nodes that there are, in their order, with others left out; or anything."""
        nodes = self.model.nodes
        known = sorted(
            path
            for path in [*nodes, *self.model.links]
            if path and (not kind or (path in nodes and nodes[path].kind == kind))
        )
        if not known or data.draw(st.integers(0, 3)) == 0:
            return data.draw(ANYTHING if integers else PATHS)
        *above, last = data.draw(st.sampled_from(known))
        return [*(name for name in above if data.draw(st.booleans())), last]

    @initialize(paths=st.lists(st.lists(PLAIN, min_size=1, max_size=2), min_size=1, max_size=3))
    def begin(self, paths: list[list[str]]) -> None:
        for number, path in enumerate(paths):
            self.same(
                lambda path=path, number=number: self.traj.f_add_parameter(".".join(path), number),
                lambda path=path, number=number: self.model.add(
                    (), ".".join(path), "parameters", "parameter", {"": number}
                ),
            )

    # ----------------------------------------------------------------- adding

    @rule(data=st.data(), how=st.sampled_from(sorted(ADDERS)), name=PATHS, value=SMALL, several=st.booleans())
    def add(self, data: st.DataObject, how: str, name: list[str], value: int, several: bool) -> None:
        start, group = self.start(data)
        branch, kind = ADDERS[how]
        if not hasattr(type(group), how):
            start, group = (), self.traj
        path = ".".join(name) or "a"
        items = {} if kind == "group" else {"": value}
        if kind == "result" and several:
            items["more"] = 7
        call = (path,) if kind == "group" else (path, value)
        more = {"more": 7} if "more" in items else {}
        self.same(lambda: getattr(group, how)(*call, **more), lambda: self.model.add(start, path, branch, kind, items))

    @rule(name=st.lists(PLAIN, min_size=1, max_size=3), value=SMALL, derived=st.booleans())
    def compute(self, name: list[str], value: int, derived: bool) -> None:
        path = ".".join(name)
        if derived:
            self.same(
                lambda: self.traj.f_add_derived_parameter(path, value),
                lambda: self.model.add((), path, "derived_parameters", "parameter", {"": value}),
            )
        else:
            self.same(
                lambda: self.traj.f_add_result(path, value),
                lambda: self.model.add((), path, "results", "result", {"": value}),
            )

    @rule(data=st.data(), name=TOKENS)
    def link(self, data: st.DataObject, name: str) -> None:
        start, group = self.start(data)
        to = self.name(data)
        self.same(lambda: group.f_add_link(name, ".".join(to)) and None, lambda: self.model.link(start, name, list(to)))

    # ---------------------------------------------------------------- getting

    @rule(
        data=st.data(),
        shortcuts=st.booleans(),
        depth=st.sampled_from([None, None, 1, 2, 3]),
        links=st.booleans(),
    )
    def find(self, data: st.DataObject, shortcuts: bool, depth: int | None, links: bool) -> None:
        start, group = self.start(data)
        name = self.name(data, integers=True)
        found = self.same(
            lambda: group.f_get(name, shortcuts=shortcuts, max_depth=depth, with_links=links),
            lambda: self.model.find(start, name, shortcuts, depth, links),
        )
        missing = isinstance(found, type) and found.__name__ != "NotUniqueNodeError"
        assert group.f_contains(name, links, shortcuts, depth) is not missing
        if missing or isinstance(found, type):
            assert found is ValueError or group.f_get_default(name, "?", True, links, shortcuts, depth) == "?"

    @rule(data=st.data())
    def read(self, data: st.DataObject) -> None:
        start, group = self.start(data)
        name = self.name(data, integers=True)
        self.asked = [*self.asked[-3:], (start, name)]
        key: Any = name[0] if len(name) == 1 else ".".join(map(str, name)) if len(name) == 2 else name
        plain = isinstance(key, str) and "." not in key and key.isidentifier() and key[0] != "_"
        for _ in range(2):  # the second answer is a remembered one
            self.same(
                lambda: getattr(group, key) if plain else group[key],
                lambda: self.model.read(self.model.find(start, list(name))),
            )
        found = outcome(lambda: self.model.find(start, list(name)))
        assert (key in group) is (not isinstance(found, type) or found.__name__ == "NotUniqueNodeError")

    @rule(data=st.data(), value=SMALL)
    def assign(self, data: st.DataObject, value: int) -> None:
        start, group = self.start(data)
        name = self.name(data, kind=data.draw(st.sampled_from(["", "result", "parameter"])))
        key = ".".join(name)
        self.same(lambda: group.__setitem__(key, value), lambda: self.model.assign(start, list(name), value))

    @rule(data=st.data(), locked=st.booleans())
    def lock(self, data: st.DataObject, locked: bool) -> None:
        paths = [path for path, entry in self.model.nodes.items() if entry.kind == "parameter"]
        if paths:
            path = data.draw(st.sampled_from(paths))
            parameter = self.traj.f_get(".".join(path), shortcuts=False)
            act = parameter.f_lock if locked else parameter.f_unlock
            self.same(act, lambda: self.model.lock(path, locked))

    # --------------------------------------------------------------- removing

    @rule(data=st.data(), recursive=st.booleans())
    def remove(self, data: st.DataObject, recursive: bool) -> None:
        start, group = self.start(data)
        names = sorted({name for name, _ in self.model.children(start)}) or ["a"]
        name = data.draw(st.sampled_from([*names, "c"]))
        self.same(lambda: group.f_remove_child(name, recursive), lambda: self.model.remove(start, name, recursive))

    @precondition(lambda self: self.model.links)
    @rule(data=st.data())
    def remove_link(self, data: st.DataObject) -> None:
        *above, name = data.draw(st.sampled_from(sorted(self.model.links)))
        group = self.traj.f_get(list(above), shortcuts=False) if above else self.traj
        self.same(lambda: group.f_remove_link(name), lambda: self.model.remove_link(tuple(above), name))

    # ------------------------------------------------------------------- runs

    @rule(data=st.data(), both=st.booleans(), expanding=st.booleans(), equal=st.booleans())
    def explore(self, data: st.DataObject, both: bool, expanding: bool, equal: bool) -> None:
        first, second = self.name(data, kind="parameter"), self.name(data, kind="parameter")
        known = sorted(path for path, entry in self.model.nodes.items() if entry.kind == "parameter")
        if known and equal:
            first, second = list(data.draw(st.sampled_from(known))), list(data.draw(st.sampled_from(known)))
        if expanding and equal and self.model.explored:
            first, *rest = map(list, self.model.explored)
            second, both = (rest[0], True) if rest else (first, False)
        values: list[object] = data.draw(RANGES)
        ranges = {".".join(first): values}
        if both:
            ranges[".".join(second)] = list(reversed(values)) if equal else data.draw(RANGES)
        act = self.traj.f_expand if expanding else self.traj.f_explore
        self.same(lambda: act(ranges), lambda: self.model.explore(ranges, expanding))

    @rule(run=st.integers(-2, 5))
    def select(self, run: int) -> None:
        self.same(lambda: self.traj.f_set_crun(run), lambda: self.model.select(run))

    @precondition(lambda self: self.model.explored)
    @rule()
    def shrink(self) -> None:
        self.same(self.traj.f_shrink, self.model.shrink)

    @rule(data=st.data(), least=SMALL)
    def find_runs(self, data: st.DataObject, least: int) -> None:
        name = self.name(data, kind="parameter")
        self.same(
            lambda: list(self.traj.f_find_idx(".".join(name), lambda value: value >= least)),
            lambda: self.model.find_idx(list(name), least),
        )

    @precondition(lambda self: not self.model.running)
    @rule(run=SMALL)
    def enter(self, run: int) -> None:
        if run < self.model.length:
            self.traj.enter_run(run)
            self.model.enter(run)

    @precondition(lambda self: self.model.running)
    @rule()
    def leave(self) -> None:
        assert [leaf.v_full_name for leaf in self.traj.leave_run() if isinstance(leaf, Leaf)] == self.model.leave()

    @precondition(lambda self: not self.model.running)
    @rule(how=st.sampled_from([copy.copy, lambda traj: pickle.loads(pickle.dumps(traj)), lambda traj: traj.f_copy()]))
    def duplicate(self, how: Callable[[Any], Any]) -> None:
        old, self.traj = self.traj, how(self.traj)
        assert old is not self.traj

    # -------------------------------------------------------------- invariants

    @invariant()
    def answers_follow_the_tree(self) -> None:
        for start, name in self.asked:
            if start in self.model.nodes and self.model.nodes[start].kind == "group":
                group = self.traj.f_get(".".join(start), shortcuts=False) if start else self.traj
                key: Any = name[0] if len(name) == 1 else name
                self.same(lambda: group[key], lambda: self.model.read(self.model.find(start, list(name))))  # noqa: B023

    @invariant()
    def agree(self) -> None:
        nodes: dict[str, object] = {}
        links: dict[str, str] = {}
        for node in [self.traj, *self.traj.f_iter_nodes(with_links=False)]:
            path = node.v_full_name
            if node.v_is_group:
                nodes[path] = None
                links |= {f"{path}.{name}".lstrip("."): to.v_full_name for name, to in node.f_get_links().items()}
            elif isinstance(node, BaseParameter):
                nodes[path] = "parameter", int(node.f_val_to_str()), node.v_locked
            else:
                nodes[path] = "result", node.f_to_dict(), False
            assert node.v_name == (path.rpartition(".")[2] or "study")
        del nodes[""]
        explored = list(self.traj.f_get_explored_parameters())
        assert (nodes, links, explored, len(self.traj), self.traj.v_idx) == self.model.state()

    @invariant()
    def walks_agree(self) -> None:
        leaves = {".".join(path) for path, entry in self.model.nodes.items() if entry.kind != "group"}
        assert set(self.traj.f_to_dict()) == leaves
        names = [node.v_full_name for node in self.traj.f_iter_nodes()]
        assert len(names) == len(set(names))
        branches = sorted(name for name, _ in self.model.children(()) if name in BRANCHES)
        assert sorted(name for name in self.traj.f_get_children() if name in BRANCHES) == branches


Trees.TestCase.settings = settings(
    max_examples=60, stateful_step_count=30, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck)
)
test_trees = Trees.TestCase
