"""What all nodes of one tree share: settings, the selected run, indices and caches."""

from __future__ import annotations

from collections.abc import Callable
from operator import attrgetter
from typing import TYPE_CHECKING, Any, Literal, NamedTuple, TypeAlias

from xpet.names import BRANCHES, Wildcards
from xpet.tree.node import put
from xpet.tree.parameter import BaseParameter, Parameter
from xpet.tree.result import Result

if TYPE_CHECKING:
    from numpy.random import Generator

    from xpet.tree.group import Group
    from xpet.tree.leaf import Leaf
    from xpet.tree.node import Node
    from xpet.tree.root import Root
    from xpet.tree.virtual import VirtualRuns

CheckValue = Callable[[str, object], None]
SeedBy: TypeAlias = Literal["run", "replicate"]

SETTINGS = (
    "auto_run_prepend",
    "fast_access",
    "full_copy",
    "iter_recursive",
    "max_depth",
    "no_clobber",
    "shortcuts",
    "standard_leaf",
    "standard_parameter",
    "standard_result",
    "with_links",
)
"""What the user may set; a run sets it for itself only."""
_settings = attrgetter(*SETTINGS)


class Plan(NamedTuple):
    """Where a name that is added in a run goes, worked out once for all runs."""

    parent_template: str
    template: str
    name: str


class TreeState:
    """The state of a tree.

    Nodes that a run adds are kept apart (`overlay`, `added`, `made`, `attached`): leaving the run forgets them as a
    whole, and what was cached about the rest of the tree stays true. So it does with the copies of values in which a
    run may change something (`copies`).
    """

    __slots__ = (
        "added",
        "attached",
        "auto_run_prepend",
        "bases",
        "before",
        "check",
        "copies",
        "dropped",
        "explored",
        "explored_list",
        "fast_access",
        "fleeting",
        "found",
        "full_copy",
        "group_classes",
        "index",
        "is_run",
        "iter_recursive",
        "length",
        "link_names",
        "link_targets",
        "made",
        "max_depth",
        "no_clobber",
        "overlay",
        "plans",
        "presets",
        "rng",
        "root",
        "run",
        "run_groups",
        "seed",
        "seed_by",
        "seed_given",
        "shortcuts",
        "shrunk",
        "standard_leaf",
        "standard_parameter",
        "standard_result",
        "virtual",
        "wildcards",
        "with_links",
    )

    def __init__(self, root: Root, wildcards: Wildcards, check: CheckValue | None) -> None:
        self.root = root
        self.group_classes: dict[str, type[Group]] = {}
        self.wildcards = wildcards
        self.check = check
        self.length = 1
        self.run = -1
        self.is_run = False
        self.explored: dict[str, BaseParameter] = {}
        self.explored_list: list[BaseParameter] = []
        self.index: dict[str, list[Node]] = {}
        self.link_names: dict[str, int] = {}
        self.link_targets: dict[Node, int] = {}
        self.overlay: dict[str, list[Node]] = {}
        self.added: list[Leaf] = []
        self.made: list[Group] = []
        self.attached: list[tuple[Group, str]] = []
        self.before: tuple[Any, ...] = ()
        self.dropped: list[str] = []
        self.copies: dict[Leaf, dict[int, Any] | None] = {}
        self.run_groups: dict[str, Group] = {}
        self.bases: dict[str, tuple[Group, tuple[str, ...]]] = {}
        self.plans: dict[tuple[Group, str], Plan] = {}
        self.fleeting: list[str] = []
        self.found: dict[str, dict[Group, Node]] = {}
        self.presets: dict[str, tuple[tuple[Any, ...], dict[str, Any]]] = {}
        self.virtual: VirtualRuns | None = None
        self.seed: int | None = None
        self.seed_given = False
        #: whether points were dropped that a store may have
        self.shrunk = False
        self.seed_by: SeedBy = "run"
        self.rng: Generator | None = None
        self.fast_access = self.shortcuts = self.with_links = self.auto_run_prepend = True
        self.no_clobber = self.iter_recursive = self.full_copy = False
        self.max_depth: int | None = None
        self.standard_parameter: type[Any] = Parameter
        self.standard_result: type[Any] = Result
        self.standard_leaf: type[Any] = Result

    def __getstate__(self) -> dict[str, Any]:
        fleeting: dict[str, Any] = {name: {} for name in ("found", "plans", "bases", "run_groups", "copies")}
        fleeting["fleeting"], fleeting["rng"] = [], None
        return {name: getattr(self, name) for name in self.__slots__} | fleeting

    def __setstate__(self, state: dict[str, Any]) -> None:
        for name, value in state.items():
            setattr(self, name, value)

    def remember_settings(self) -> None:
        """Note the settings that the run begins with."""
        self.before = _settings(self)

    def restore_settings(self) -> None:
        """Take back what the run set."""
        if _settings(self) != self.before:
            self._set(self.before)

    def set_as(self, other: TreeState) -> None:
        """Have the settings of another tree."""
        self._set(_settings(other))

    def _set(self, settings: tuple[Any, ...]) -> None:
        for name, value in zip(SETTINGS, settings, strict=True):
            setattr(self, name, value)
        self.forget()

    def forget(self) -> None:
        """Drop what was cached about the tree."""
        self.found.clear()
        self.plans.clear()
        self.bases.clear()
        self.run_groups.clear()

    def register(self, parent: Group, name: str, node: Node, lasting: bool) -> None:
        """Enter a node under its parent; `lasting` keeps it when the run that adds it is over."""
        parent.v_nodes[name] = node
        if self.is_run and not lasting:
            if parent.v_node_lasts:
                self.attached.append((parent, name))
            self.overlay.setdefault(name, []).append(node)
            if node.v_is_group:
                self.made.append(node)  # type: ignore[arg-type]  # a group says so itself
            self.found.pop(name, None)
        else:
            self.index.setdefault(name, []).append(node)
            self.forget()

    def unregister(self, name: str, node: Node) -> None:
        """Take a node out of the indices."""
        for index in (self.index, self.overlay):
            nodes = index.get(name, [])
            if any(other is node for other in nodes):
                nodes[:] = [other for other in nodes if other is not node]
                if not nodes:
                    del index[name]
        self.added = [leaf for leaf in self.added if leaf is not node]
        self.made = [group for group in self.made if group is not node]
        for path, parameter in list(self.explored.items()):
            if parameter is node:
                del self.explored[path]
                self.explored_list = list(self.explored.values())
                if not self.explored:
                    self.length, self.run = 1, -1
        self.forget()

    def new_group(self, parent: Group, segment: str, index: int, lasting: bool) -> Group:
        """Make an empty group of the class of its branch; it is not entered under its parent yet."""
        template = f"{parent.v_template}.{segment}" if parent.v_template else segment
        kind = self.group_classes.get(template.partition(".")[0]) or self.group_classes[""]
        group = object.__new__(kind)
        put(group, "v_state", self)
        put(group, "v_parent", parent)
        put(group, "v_template", template)
        put(group, "v_index", index)
        put(group, "v_nodes", {})
        put(group, "v_linked", None)
        put(group, "v_node_lasts", lasting)
        put(group, "_comment", "")
        put(group, "_annotations", None)
        return group

    def ensure_branch(self, name: str) -> None:
        """Make one of the four branches if it is asked for the first time."""
        if name in BRANCHES and name not in self.root.v_nodes:
            self.register(self.root, name, self.new_group(self.root, name, -1, True), lasting=True)

    def forget_fetched(self) -> None:
        """Drop the leaves of a store that groups kept."""
        for nodes in self.index.values():
            for node in nodes:
                if node.v_is_group:
                    children: dict[str, Node] = node.v_nodes  # type: ignore[attr-defined]  # a group says so itself
                    for name, child in list(children.items()):
                        if not any(child is known for known in self.named(name)):
                            del children[name]
        self.forget()

    def count_link(self, name: str, target: Node, change: int) -> None:
        """Keep count of the links by name and by target."""
        self.link_names[name] = self.link_names.get(name, 0) + change
        self.link_targets[target] = self.link_targets.get(target, 0) + change
        if not self.link_names[name]:
            del self.link_names[name]
        if not self.link_targets[target]:
            del self.link_targets[target]
        self.forget()

    def named(self, name: str) -> list[Node]:
        """The nodes in memory of that name."""
        return self.index.get(name, []) + self.overlay.get(name, [])
