"""Runs that are in the store, shown as groups of the tree.

The templates of the store say what lies below which group; the groups of the runs themselves are made when they are
asked for, and only the last few are kept.
"""

from __future__ import annotations

import warnings
from bisect import bisect_left
from collections import OrderedDict
from collections.abc import Callable, Container, Iterable, Iterator, Mapping
from functools import partial
from itertools import islice
from typing import TYPE_CHECKING, Any, TypeAlias

from xpet.names import RUNS_PER_SET, in_run, set_number
from xpet.tree.annotations import Annotations
from xpet.tree.lookup import Candidate, walk
from xpet.tree.node import put

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

    __slots__ = (
        "_below",
        "_groups",
        "_inside",
        "_linking",
        "_named",
        "_only",
        "_positions",
        "_said",
        "_says",
        "_templates",
        "_told",
        "_tree",
        "backing",
    )

    def __init__(self, backing: RunBacking, tree: TreeState) -> None:
        self.backing = backing
        self._tree = tree
        self._groups: OrderedDict[tuple[str, int], Group] = OrderedDict()
        self._only: dict[str, tuple[tuple[int, int, bool], int | None]] = {}
        self._said: OrderedDict[tuple[str, int], _Said] = OrderedDict()
        self._linking, self._told = set[str](), set[str]()
        self._named: dict[str, tuple[int, dict[str, list[int]]]] = {}
        self._below: dict[str, dict[str, None]] = {}
        self._inside: dict[str, list[tuple[Callable[[str], Container[int]], str]]] = {}
        self._positions: dict[str, dict[str, None]] = {}
        self._templates = frozenset(backing.templates())
        for template in backing.templates():
            self._enter(template, backing.runs_with)
        for template in backing.groups():
            self._enter(template, backing.runs_with_group)
            self._below.setdefault(template, {})
        self._says = frozenset(backing.groups())

    def _enter(self, template: str, runs: Callable[[str], Container[int]]) -> None:
        segments = template.split(".")
        for depth, segment in enumerate(segments):
            above, path = ".".join(segments[:depth]), ".".join(segments[: depth + 1])
            self._below.setdefault(above, {})[segment] = None
            self._inside.setdefault(path, []).append((runs, template))
            if "$" in path or path == template:
                self._positions.setdefault(segment, {})[path] = None

    def groups(self) -> list[str]:
        """The paths of the groups that lie above all runs, shallowest first."""
        paths = [path for path in self._below if path and "$" not in path and not self._may_be_leaf(path)]
        return sorted(paths, key=lambda path: path.count("."))

    def _may_be_leaf(self, path: str) -> bool:
        """Whether a path, or one above it, is a leaf in some run."""
        return any(f"{path}.".startswith(f"{leaf}.") for leaf in self._templates)

    def knows(self, name: str) -> bool:
        """Whether a group or leaf of a run may have that name."""
        return (
            name in self._positions
            or name in self._linking
            or set_number(name) is not None
            or self._tree.wildcards.run_index(name, self._tree.length) is not None
            or any(path[0] == "$" and path not in ("$", "$set") for path in self._positions)
        )

    # -------------------------------------------------------------- children

    def names(self, group: Group) -> Iterator[str]:
        """The names of the children that the store has."""
        for segment in self._below.get(group.v_template, ()):
            path = _below(group, segment)
            if segment[0] == "$":
                yield from self._wild_names(group, segment, path)
            elif self._resolve(group, path) is not None:
                yield segment

    def _wild_names(self, group: Group, segment: str, path: str) -> Iterator[str]:
        cards = self._tree.wildcards
        last = None
        by_set = segment == "$set" and cards.counts_sets and group.v_index < 0
        for run in self._set_by_set() if by_set else self._runs(group):
            name = cards.segment(segment, run)
            if name != last and self._shown(path, run):
                last = name
                yield name

    def child(self, group: Group, name: str) -> Node | None:
        """The child of that name that the store has, or ``None``."""
        below = self._below.get(group.v_template)
        if below is None:
            return None
        if name in below and name[0] != "$":
            path = _below(group, name)
            run = self._resolve(group, path)
            return None if run is None else self._make(group, path, run)
        for segment in below:
            if segment[0] == "$":
                path = _below(group, segment)
                run = self._run_named(group, segment, name, path)
                if run is not None:
                    return self._make(group, path, run)
        return None

    def _run_named(self, group: Group, segment: str, name: str, path: str) -> int | None:
        return next((run for run in self._runs_named(group, segment, name) if self._shown(path, run)), None)

    def _runs_named(self, start: Group, segment: str, name: str) -> Iterable[int]:
        """The complete runs below `start` for which a wildcard segment means `name`."""
        cards = self._tree.wildcards
        if segment == "$":
            run = cards.run_index(name, self._tree.length)
            runs: Iterable[int] = () if run is None else (run,)
        elif segment == "$set" and cards.counts_sets:
            number = set_number(name)
            runs = () if number is None else self._between(number * RUNS_PER_SET)
        else:
            runs = self._by_name(segment).get(name, ())
        if start.v_index < 0:
            return runs
        own = start.v_full_name
        return (run for run in runs if cards.expand(start.v_template, run) == own)

    def _by_name(self, segment: str) -> dict[str, list[int]]:
        """The complete runs by what a wildcard of the user means in them."""
        complete = self.backing.complete()
        known = self._named.get(segment)
        if known is None or known[0] != len(complete):
            names: dict[str, list[int]] = {}
            for run in complete:
                names.setdefault(self._tree.wildcards.segment(segment, run), []).append(run)
            known = self._named[segment] = (len(complete), names)
        return known[1]

    def _shown(self, path: str, run: int) -> bool:
        return self._visible(run) and self._has(path, run)

    def _make(self, group: Group, path: str, run: int) -> Node:
        name = path.rpartition(".")[2]
        known = group.v_nodes.get(name)
        if known is not None:
            return known
        if not self._is_leaf(path, run):
            return self._group(group, path, name, run)
        if "$" not in path and path not in self._told and not self._narrowed(group):
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
        run = next((run for run in self._runs(group) if run in having and self._visible(run)), None)
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
        run = start.v_index if start.v_run is not None else self._tree.run if self._narrowed(start) else -1
        top = f"{start.v_template}." if start.v_template else ""
        found = []
        for path in self._says if run >= 0 else ():
            if path.startswith(top) and "$" in path and self._shown(path, run):
                full = self._tree.wildcards.expand(path, run).split(".")
                group: Any = walk(start, tuple(full[start.v_depth :]), with_links=False)
                if group is not None and group.v_is_group and name in self.links(group):
                    fetch = partial(self.linked, group, name)
                    found.append(Candidate(len(full) + 1 - start.v_depth, ".".join([*full, name]), fetch))
        return found

    # ------------------------------------------------------------------ runs

    def _visible(self, run: int) -> bool:
        """A run that is being computed does not see what an earlier attempt stored."""
        return not (self._tree.is_run and run == self._tree.run)

    def _has(self, path: str, run: int) -> bool:
        return any(run in runs(template) for runs, template in self._inside[path])

    def _is_leaf(self, path: str, run: int) -> bool:
        """Whether a path is a leaf in that run; it may be a group in another one."""
        if path not in self._below:
            return True
        return path in self._templates and run in self.backing.runs_with(path)

    def _between(self, first: int) -> Iterator[int]:
        """The complete runs of the set that starts with run `first`."""
        complete = self.backing.complete()
        for position in range(bisect_left(complete, first), bisect_left(complete, first + RUNS_PER_SET)):
            yield complete[position]

    def _set_by_set(self) -> Iterator[int]:
        """The first complete run of every set."""
        complete = self.backing.complete()
        position = 0
        while position < len(complete):
            run = complete[position]
            yield run
            position = bisect_left(complete, (run // RUNS_PER_SET + 1) * RUNS_PER_SET)

    def _runs(self, group: Group) -> Iterator[int]:
        """The complete runs that the path of a group leaves open."""
        if group.v_index < 0:
            return iter(self.backing.complete())
        if group.v_run is not None:
            return iter((group.v_index,))
        if "$set" in group.v_template.split("."):
            return self._between(group.v_index // RUNS_PER_SET * RUNS_PER_SET)
        cards, own = self._tree.wildcards, group.v_full_name
        return (run for run in self.backing.complete() if cards.expand(group.v_template, run) == own)

    def _resolve(self, group: Group, path: str) -> int | None:
        """The run whose `path` a group shows.

        For a group the first that has one there; for a leaf the group's own, the selected one, or the lowest.
        """
        if path in self._below:
            if path in self._templates and self._narrowed(group) and self._shown(path, self._tree.run):
                return self._tree.run
            runs = (run for run in self._runs(group) if self._shown(path, run))
            found = next((run for run in runs if not self._is_leaf(path, run)), None)
            if found is not None or path not in self._templates:
                return found
        state = (len(self.backing.complete()), self._tree.run, self._tree.is_run)
        known = self._only.get(path) if group.v_index < 0 else None
        if known is None or known[0] != state:
            known = (state, next(self._candidates(group, path), None))
            if group.v_index < 0:
                self._only[path] = known
        return known[1]

    def _narrowed(self, start: Group) -> bool:
        """Whether a run is selected that a group stands for, among others."""
        selected = self._tree.run
        if selected < 0 or start.v_run is not None:
            return False
        return start.v_index < 0 or self._tree.wildcards.expand(start.v_template, selected) == start.v_full_name

    def _candidates(self, start: Group, path: str) -> Iterator[int]:
        """The runs that have `path`, below `start`; of the selected run only, if one is selected there."""
        runs = iter((self._tree.run,)) if self._narrowed(start) else self._runs(start)
        return (run for run in runs if self._shown(path, run))

    # ---------------------------------------------------------------- search

    def candidates(self, start: Group, name: str) -> list[Candidate]:
        """What a search for `name` below `start` may find in the store; of many runs, two."""
        found: dict[str, Candidate] = {}
        paths = list(self._positions.get(name, ()))
        cards = self._tree.wildcards
        for segment in self._positions:
            if segment[0] == "$":
                paths += self._positions[segment]
        top = f"{start.v_template}." if start.v_template else ""
        for path in paths:
            if not path.startswith(top):
                continue
            for index in islice(self._matching(start, path, name), 2):
                full = cards.expand(path, index)
                names = tuple(full.split(".")[start.v_depth :])
                found[full] = Candidate(len(names), full, partial(walk, start, names, False))
        return list(found.values())

    def _matching(self, start: Group, path: str, name: str) -> Iterator[int]:
        segment = path.rpartition(".")[2]
        if segment[0] != "$":
            return self._candidates(start, path)
        return (run for run in self._runs_named(start, segment, name) if self._shown(path, run))

    def run_parents(self, run: int) -> Iterator[Group]:
        """The groups that have a group of this run."""
        for path in self._positions.get("$", ()):
            above = self._tree.wildcards.expand(path.rpartition(".")[0], run)
            parent = walk(self._tree.root, tuple(above.split(".")))
            if parent is not None and parent.v_is_group and self._has(path, run):
                yield parent  # type: ignore[misc]  # a group says so itself

    def kept_runs(self) -> frozenset[int]:
        """The runs of which something may be in memory."""
        return frozenset(run for _, run in self._groups)

    def has(self, name: str, run: int) -> bool:
        """Whether a run has a group or a leaf of that name anywhere."""
        return any(self._has(path, run) for path in self._positions.get(name, ()))

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


def _below(group: Group, name: str) -> str:
    above = group.v_template
    return f"{above}.{name}" if above else name
