"""Runs that are in the store, shown as groups of the tree.

The templates of the store say what lies below which group; the groups of the runs themselves are made when they are
asked for, and only the last few are kept.
"""

from __future__ import annotations

import warnings
from collections import OrderedDict
from collections.abc import Iterator, Mapping
from functools import partial
from itertools import islice
from typing import TYPE_CHECKING, Any, TypeAlias

from xpet.names import in_run, set_number
from xpet.tree.annotations import Annotations
from xpet.tree.lookup import Candidate, walk
from xpet.tree.node import put
from xpet.tree.paths import RunPaths, below

if TYPE_CHECKING:
    from xpet.tree.backing import RunBacking
    from xpet.tree.group import Group
    from xpet.tree.leaf import Leaf
    from xpet.tree.node import Node
    from xpet.tree.state import TreeState

KEPT_GROUPS = 64
_Said: TypeAlias = tuple[str, Mapping[str, Any], Mapping[str, str]]


class VirtualRuns:
    """The view of a store's runs as groups.

    Parameters
    ----------
    backing
        The runs.
    tree
        The tree that shows them.
    """

    __slots__ = ("_groups", "_linking", "_said", "_says", "_told", "_tree", "backing", "paths")

    def __init__(self, backing: RunBacking, tree: TreeState) -> None:
        self.backing = backing
        self.paths = RunPaths(backing, tree)
        self._tree = tree
        self._groups: OrderedDict[tuple[str, int], Group] = OrderedDict()
        self._said: OrderedDict[tuple[str, int], _Said] = OrderedDict()
        self._linking, self._told = set[str](), set[str]()
        self._says = frozenset(backing.groups())

    def knows(self, name: str) -> bool:
        """Whether a group or leaf of a run may have that name."""
        return (
            name in self.paths.positions
            or name in self._linking
            or set_number(name) is not None
            or self._tree.wildcards.run_index(name, self._tree.length) is not None
            or any(path[0] == "$" and path not in ("$", "$set") for path in self.paths.positions)
        )

    # -------------------------------------------------------------- children

    def names(self, group: Group) -> Iterator[str]:
        """The names of the children that the store has."""
        for segment in self.paths.below.get(group.v_template, ()):
            path = below(group, segment)
            if segment[0] == "$":
                yield from self._wild_names(group, segment, path)
            elif self.paths.resolve(group, path) is not None:
                yield segment

    def _wild_names(self, group: Group, segment: str, path: str) -> Iterator[str]:
        cards = self._tree.wildcards
        if segment == "$set" and cards.counts_sets and group.v_index < 0:
            yield from (cards.segment(segment, run) for run in self.paths.set_by_set(path))
            return
        last = None
        for run in self.paths.runs(group):
            name = cards.segment(segment, run)
            if name != last and self.paths.shown(path, run):
                last = name
                yield name

    def child(self, group: Group, name: str) -> Node | None:
        """The child of that name that the store has, or ``None``."""
        segments = self.paths.below.get(group.v_template)
        if segments is None:
            return None
        if name in segments and name[0] != "$":
            path = below(group, name)
            run = self.paths.resolve(group, path)
            return None if run is None else self._make(group, path, run)
        for segment in segments:
            if segment[0] == "$":
                path = below(group, segment)
                run = self._run_named(group, segment, name, path)
                if run is not None:
                    return self._make(group, path, run)
        return None

    def _run_named(self, group: Group, segment: str, name: str, path: str) -> int | None:
        return next((run for run in self.paths.named(group, segment, name) if self.paths.shown(path, run)), None)

    def _make(self, group: Group, path: str, run: int) -> Node:
        name = path.rpartition(".")[2]
        known = group.v_nodes.get(name)
        if known is not None:
            return known
        if not self.paths.is_leaf(path, run):
            return self._group(group, path, name, run)
        if "$" not in path and path not in self._told and not self.paths.narrowed(group):
            self._told.add(path)
            if self.backing.differ(path):
                shown = f"that of run {run} is shown; select a run with `v_idx` to see its own"
                warnings.warn(f"Runs left different values at {path!r}, and {shown}.", stacklevel=2)
        leaf: Leaf = self.backing.load(path, run)
        leaf.f_place(group, path, run if "$" in path else -1)
        put(leaf, "v_is_new", False)
        if group.v_run is not None and name[0] != "$":
            group.v_nodes[name] = leaf
        return leaf

    def _group(self, parent: Group, path: str, segment: str, run: int) -> Group:
        key = (path, run)
        group = self._groups.get(key)
        if group is None:
            group = self._tree.new_group(parent, segment, run, lasting=True)
            self._groups[key] = group
            self.describe(group, path)
            if len(self._groups) > KEPT_GROUPS:
                self._groups.popitem(last=False)
        return group

    def describe(self, group: Group, path: str) -> None:
        """Give a group the comment and annotations of its run, or of the first of its runs that has some."""
        said = self._said_by(group, path)
        if said is not None:
            put(group, "_comment", said[0])
            notes = Annotations()
            notes.f_set(**said[1])
            put(group, "_annotations", notes)

    def _said_by(self, group: Group, path: str) -> _Said | None:
        if path not in self._says:
            return None
        having = self.backing.runs_with_group(path)
        run = next((run for run in self.paths.runs(group) if run in having and self.paths.visible(run)), None)
        if run is None:
            return None
        said = self._said.get((path, run))
        if said is None:
            said = self._said[path, run] = self.backing.said(path, run)
            self._linking.update(said[2])
            if len(self._said) > KEPT_GROUPS:
                self._said.popitem(last=False)
        return said

    # ----------------------------------------------------------------- links

    @property
    def may_link(self) -> bool:
        """Whether a group of a run may have links."""
        return bool(self._says)

    def links(self, group: Group) -> Mapping[str, str]:
        """By name, the paths that the links lead to which a run left in a group of its own."""
        said = self._said_by(group, group.v_template) if "$" in group.v_template else None
        return {} if said is None else said[2]

    def linked(self, group: Group, name: str) -> Node | None:
        """What a link leads to that a run left in a group; ``None`` if there is no such link, or nothing is there."""
        target = self.links(group).get(name)
        return None if target is None else walk(self._tree.root, tuple(target.split(".")), with_links=False)

    def link_candidates(self, start: Group, name: str) -> list[Candidate]:
        """The links of that name that a search below `start` may find: in the run of `start`, or the selected one."""
        run = start.v_index if start.v_run is not None else self._tree.run if self.paths.narrowed(start) else -1
        top = f"{start.v_template}." if start.v_template else ""
        found = []
        for path in self._says if run >= 0 else ():
            if path.startswith(top) and "$" in path and self.paths.shown(path, run):
                full = self._tree.wildcards.expand(path, run).split(".")
                group: Any = walk(start, tuple(full[start.v_depth :]), with_links=False)
                if group is not None and group.v_is_group and name in self.links(group):
                    fetch = partial(self.linked, group, name)
                    found.append(Candidate(len(full) + 1 - start.v_depth, ".".join([*full, name]), fetch))
        return found

    # ---------------------------------------------------------------- search

    def candidates(self, start: Group, name: str) -> list[Candidate]:
        """What a search for `name` below `start` may find in the store; of many runs, two."""
        found = {}
        for path in self.paths.ending(start, name):
            for run in islice(self._matching(start, path, name), 2):
                candidate = self._found(start, path, run)
                found[candidate.path] = candidate
        return list(found.values())

    def everything(self, start: Group, name: str, only: int | None) -> dict[str, Candidate]:
        """All that is called `name` below `start` in the store, by path; of one run only, or of all."""
        found = {}
        for path in self.paths.ending(start, name):
            segment = path.rpartition(".")[2]
            runs = self.paths.runs(start) if segment[0] != "$" else self.paths.named(start, segment, name)
            having = (run for run in runs if only in (None, run) and self.paths.shown(path, run))
            for run in having if "$" in path else islice(having, 1):
                candidate = self._found(start, path, run)
                found[candidate.path] = candidate
        return found

    def _found(self, start: Group, path: str, run: int) -> Candidate:
        full = self._tree.wildcards.expand(path, run)
        names = tuple(full.split(".")[start.v_depth :])
        return Candidate(len(names), full, partial(walk, start, names, False))

    def _matching(self, start: Group, path: str, name: str) -> Iterator[int]:
        segment = path.rpartition(".")[2]
        if segment[0] != "$":
            return self.paths.candidates(start, path)
        return (run for run in self.paths.named(start, segment, name) if self.paths.shown(path, run))

    def run_parents(self, run: int) -> Iterator[Group]:
        """The groups that have a group of this run."""
        for path in self.paths.positions.get("$", ()):
            above = self._tree.wildcards.expand(path.rpartition(".")[0], run)
            parent = walk(self._tree.root, tuple(above.split(".")))
            if parent is not None and parent.v_is_group and self.paths.has(path, run):
                yield parent  # type: ignore[misc]  # a group says so itself

    def kept_runs(self) -> frozenset[int]:
        """The runs of which something may be in memory."""
        return frozenset(run for _, run in self._groups)

    def has(self, name: str, run: int) -> bool:
        """Whether a run has a group or a leaf of that name anywhere."""
        return any(self.paths.has(path, run) for path in self.paths.positions.get(name, ()))

    def at(self, path: str, run: int) -> Node:
        """What a run has at a path, if nothing of the run is in memory."""
        return self._make(self._group_at(path.rpartition(".")[0], run), path, run)

    def _group_at(self, path: str, run: int) -> Group:
        if in_run(path):
            above, _, segment = path.rpartition(".")
            return self._group(self._group_at(above, run), path, segment, run)
        group = walk(self._tree.root, tuple(self._tree.wildcards.expand(path, run).split(".")))
        return group  # type: ignore[return-value]  # the runs that are alike have groups above what was found

    def seen_from(self, tree: TreeState) -> VirtualRuns:
        """The same runs, shown by another tree."""
        return VirtualRuns(self.backing, tree)

    def any_complete(self) -> bool:
        """Whether a run is complete."""
        return len(self.backing.complete()) > 0
