"""A trajectory that is stored, run and loaded again, beside its model in plain dictionaries."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from functools import partial
from typing import Any

import pytest
from fixtures_tree_model import Model, Path
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

import xpet
from xpet.tree import BaseParameter, Node

pytestmark = [
    pytest.mark.timeout(400),  # a failure takes a while to be made short
    pytest.mark.filterwarnings("ignore:.*complete already"),
]

NAMES = st.sampled_from(["a", "b", "c"])
PATHS = st.lists(NAMES, min_size=1, max_size=2).map(".".join)
WITH_RUN = st.sampled_from(["$.a", "b.$.a", "$set.$.c", "b.$.c.d"])
WHICH = st.sampled_from([(0, 1), (0,), (1,)])
PLANS = st.lists(st.tuples(st.one_of(PATHS, PATHS, WITH_RUN), st.booleans(), WHICH), min_size=1, max_size=3)
TOKENS = st.sampled_from(["a", "b", "c", "d", "x", "$", "crun", "$set", "r_0", "r_2", "res", "par", "dpar", "runs", 1])
SMALL = st.integers(0, 3)
POINTS = st.lists(SMALL, min_size=1, max_size=3)
NUMBERS = itertools.count()
Plan = list[tuple[str, bool, tuple[int, ...]]]


def job(traj: Any, plan: Plan) -> None:
    """Add what the plan has for runs that are even, or odd; what cannot be added is left out."""
    for number, (name, derived, which) in enumerate(plan):
        if traj.v_idx % 2 in which:
            add = traj.f_add_derived_parameter if derived else traj.f_add_result
            outcome(lambda add=add, name=name, number=number: add(name, 10 * traj.v_idx + number))


def outcome(act: Callable[[], object]) -> object:
    """What came of it; of an error, its class."""
    try:
        return act()
    except (AttributeError, ValueError, KeyError, TypeError) as error:
        return type(error)


def text(found: object) -> object:
    """Nodes by their paths, as the model has them."""
    return tuple(found.v_full_name.split(".")) if isinstance(found, Node) and not found.v_is_root else found


class StoredTrees(RuleBasedStateMachine):
    """A trajectory in a store beside its model."""

    def __init__(self) -> None:
        super().__init__()
        self.store = f"memory://machine-{next(NUMBERS)}"
        self.traj: Any = xpet.Trajectory("study", store=self.store)
        self.model = Model()
        self.complete: set[int] = set()

    def same(self, act: Callable[[], object], modelled: Callable[[], object]) -> object:
        expected, got = outcome(modelled), text(outcome(act))
        assert got == (expected if expected != () else self.traj), f"{got!r}, expected {expected!r}"
        return expected

    @initialize(values=st.lists(SMALL, min_size=2, max_size=2))
    def begin(self, values: list[int]) -> None:
        for name, value in zip(("x", "b.c"), values, strict=True):
            self.traj.f_add_parameter(name, value)
            self.model.add((), name, "parameters", "parameter", {"": value})

    # ----------------------------------------------------------------- writing

    @rule(name=PATHS, value=SMALL, what=st.sampled_from(["result", "derived", "own", "group"]))
    def add(self, name: str, value: int, what: str) -> None:
        adders: dict[str, tuple[Callable[..., object], tuple[object, ...]]] = {
            "result": (self.traj.f_add_result, ("results", "result")),
            "derived": (self.traj.f_add_derived_parameter, ("derived_parameters", "parameter")),
            "own": (self.traj.f_add_leaf, (None, "leaf")),
            "group": (self.traj.f_add_group, (None, "group")),
        }
        add, (branch, kind) = adders[what]
        args = (name,) if what == "group" else (name, value)
        more = {"comment": "of it"} if what == "group" else {}
        items = {} if what == "group" else {"": value}
        self.same(lambda: add(*args, **more), lambda: self.model.add((), name, branch, kind, items))  # type: ignore[arg-type]  # as listed

    @rule(name=NAMES, to=st.sampled_from(["parameters.x", "parameters.b", "parameters.b.c"]))
    def link(self, name: str, to: str) -> None:
        self.same(
            lambda: self.traj.f_add_link(name, to) and None, lambda: self.model.link((), name, list(to.split(".")))
        )

    @precondition(lambda self: not self.complete)
    @rule(values=POINTS, name=st.sampled_from(["x", "parameters.b.c"]))
    def explore(self, values: list[int], name: str) -> None:
        ranges: dict[str, list[object]] = {name: list(values)}
        self.same(lambda: self.traj.f_explore(ranges), lambda: self.model.explore(ranges))

    @precondition(lambda self: self.model.explored)
    @rule(values=POINTS)
    def expand(self, values: list[int]) -> None:
        ranges: dict[str, list[object]] = {".".join(path): list(values) for path in self.model.explored}
        self.same(lambda: self.traj.f_expand(ranges), lambda: self.model.explore(ranges, expanding=True))

    @rule(plan=PLANS, chosen=st.lists(st.integers(0, 4), min_size=1, max_size=4, unique=True), whole=st.booleans())
    def run(self, plan: Plan, chosen: list[int], whole: bool) -> None:
        runs = [run for run in sorted(chosen) if run < self.model.length]
        env = xpet.Environment(self.traj)
        done = env.run(job, plan, **({} if whole else {"runs": runs}))
        wanted = range(self.model.length) if whole else runs
        expected = [run for run in wanted if run not in self.complete]
        assert [run for run, _ in done] == expected
        for run in expected:
            self.model.enter(run)
            for number, (name, derived, which) in enumerate(plan):
                if run % 2 in which:
                    what = ("derived_parameters", "parameter") if derived else ("results", "result")
                    outcome(partial(self.model.add, (), name, *what, {"": 10 * run + number}))
            for entry in self.model.nodes.values():
                entry.own = False
            self.model.running = False
            self.complete.add(run)
        self.model.run = -1

    @rule()
    def store_and_load(self) -> None:
        self.traj.f_store()
        self.traj = xpet.load_trajectory("study", store=self.store)
        self.model.run = -1

    # ----------------------------------------------------------------- reading

    @rule(run=st.integers(-2, 5))
    def select(self, run: int) -> None:
        self.same(lambda: self.traj.f_set_crun(run), lambda: self.model.select(run))

    @rule(data=st.data(), shortcuts=st.booleans(), links=st.booleans())
    def find(self, data: st.DataObject, shortcuts: bool, links: bool) -> None:
        groups = sorted(path for path, entry in self.model.nodes.items() if entry.kind == "group")
        start: Path = data.draw(st.sampled_from(groups))
        group = self.traj.f_get(".".join(start), shortcuts=False) if start else self.traj
        name = data.draw(st.lists(TOKENS, min_size=1, max_size=3))
        self.same(
            lambda: group.f_get(name, shortcuts=shortcuts, with_links=links),
            lambda: self.model.find(start, name, shortcuts, None, links),
        )
        self.same(lambda: group[name], lambda: self.model.read(self.model.find(start, name)))

    # -------------------------------------------------------------- invariants

    @invariant()
    def agree(self) -> None:
        nodes: dict[str, object] = {}
        for node in self.traj.f_iter_nodes(with_links=False):
            if node.v_is_group:
                nodes[node.v_full_name] = None
            else:
                value = node.f_get() if isinstance(node, BaseParameter) else node.f_to_dict()
                nodes[node.v_full_name] = value
        ours = {
            ".".join(path): None if entry.kind == "group" else self.model.value(path)
            for path, entry in self.model.nodes.items()
            if path
        }
        for branch in ("parameters", "config", "derived_parameters", "results"):
            ours.setdefault(branch, None)
            nodes.setdefault(branch, None)
        assert nodes == ours
        links = {name: node.v_full_name for name, node in self.traj.f_get_links().items()}
        assert links == {".".join(path): ".".join(link.to) for path, link in self.model.links.items()}
        assert list(self.traj.f_get_explored_parameters()) == [".".join(path) for path in self.model.explored]
        assert (len(self.traj), self.traj.v_idx) == (self.model.length, self.model.run)
        assert {run for run in range(len(self.traj)) if self.traj.f_is_completed(run)} == self.complete

    @invariant()
    def all_of_a_name_are_found(self) -> None:
        for name in ("a", "c"):
            paths = sorted(".".join(path) for path in self.model.nodes if path and path[-1] == name)
            assert sorted(node.v_full_name for node in self.traj.f_get_all(name)) == paths


StoredTrees.TestCase.settings = settings(
    max_examples=40, stateful_step_count=15, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck)
)
test_stored_trees = StoredTrees.TestCase
