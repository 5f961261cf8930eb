"""Which paths runs have in the store, and which runs have them."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Container, Iterable, Iterator
from itertools import islice
from typing import TYPE_CHECKING

from xpet.names import RUNS_PER_SET, set_number

if TYPE_CHECKING:
    from xpet.tree.backing import RunBacking
    from xpet.tree.group import Group
    from xpet.tree.state import TreeState


class RunPaths:
    """The paths of a store's runs, with ``$`` for the run.

    Parameters
    ----------
    backing
        The runs.
    tree
        The tree that shows them: its wildcards, and the run that is selected.

    Attributes
    ----------
    below
        By the path of a group, the segments below it.
    positions
        By a segment, the paths that end with it, as far as they depend on the run or are leaves.
    templates
        The paths of leaves.
    """

    __slots__ = ("_backing", "_inside", "_named", "_only", "_tree", "below", "positions", "templates")

    def __init__(self, backing: RunBacking, tree: TreeState) -> None:
        self._backing = backing
        self._tree = tree
        self._only: dict[str, tuple[tuple[int, int, bool], int | None]] = {}
        self._named: dict[str, tuple[int, dict[str, list[int]]]] = {}
        self._inside: dict[str, list[tuple[Callable[[str], Container[int]], str]]] = {}
        self.below: dict[str, dict[str, None]] = {}
        self.positions: dict[str, dict[str, None]] = {}
        self.templates = frozenset(backing.templates())
        for template in backing.templates():
            self._enter(template, backing.runs_with)
        for template in backing.groups():
            self._enter(template, backing.runs_with_group)
            self.below.setdefault(template, {})

    def _enter(self, template: str, runs: Callable[[str], Container[int]]) -> None:
        segments = template.split(".")
        for depth, segment in enumerate(segments):
            above, path = ".".join(segments[:depth]), ".".join(segments[: depth + 1])
            self.below.setdefault(above, {})[segment] = None
            self._inside.setdefault(path, []).append((runs, template))
            if "$" in path or path == template:
                self.positions.setdefault(segment, {})[path] = None

    def groups(self) -> list[str]:
        """The paths of the groups that lie above all runs, shallowest first."""
        paths = [path for path in self.below if path and "$" not in path and not self._may_be_leaf(path)]
        return sorted(paths, key=lambda path: path.count("."))

    def _may_be_leaf(self, path: str) -> bool:
        """Whether a path, or one above it, is a leaf in some run."""
        return any(f"{path}.".startswith(f"{leaf}.") for leaf in self.templates)

    def named(self, start: Group, segment: str, name: str) -> Iterable[int]:
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
        complete = self._backing.complete()
        known = self._named.get(segment)
        if known is None or known[0] != len(complete):
            names: dict[str, list[int]] = {}
            for run in complete:
                names.setdefault(self._tree.wildcards.segment(segment, run), []).append(run)
            known = self._named[segment] = (len(complete), names)
        return known[1]

    def shown(self, path: str, run: int) -> bool:
        """Whether a run has something at a path, or below it, that may be seen."""
        return self.visible(run) and self.has(path, run)

    def visible(self, run: int) -> bool:
        """A run that is being computed does not see what an earlier attempt stored."""
        return not (self._tree.is_run and run == self._tree.run)

    def has(self, path: str, run: int) -> bool:
        """Whether a run has something at a path, or below it."""
        return any(run in runs(template) for runs, template in self._inside[path])

    def is_leaf(self, path: str, run: int) -> bool:
        """Whether a path is a leaf in that run; it may be a group in another one."""
        if path not in self.below:
            return True
        return path in self.templates and run in self._backing.runs_with(path)

    def _between(self, first: int) -> Iterator[int]:
        """The complete runs of the set that starts with run `first`."""
        complete = self._backing.complete()
        for position in range(bisect_left(complete, first), bisect_left(complete, first + RUNS_PER_SET)):
            yield complete[position]

    def set_by_set(self, path: str) -> Iterator[int]:
        """Of every set the first complete run that has something at a path, or below it."""
        complete = self._backing.complete()
        position = 0
        while position < len(complete):
            first = complete[position] // RUNS_PER_SET * RUNS_PER_SET
            yield from islice((run for run in self._between(first) if self.shown(path, run)), 1)
            position = bisect_left(complete, first + RUNS_PER_SET)

    def runs(self, group: Group) -> Iterator[int]:
        """The complete runs that the path of a group leaves open."""
        if group.v_index < 0:
            return iter(self._backing.complete())
        if group.v_run is not None:
            return iter((group.v_index,))
        if "$set" in group.v_template.split("."):
            return self._between(group.v_index // RUNS_PER_SET * RUNS_PER_SET)
        cards, own = self._tree.wildcards, group.v_full_name
        return (run for run in self._backing.complete() if cards.expand(group.v_template, run) == own)

    def ending(self, start: Group, name: str) -> Iterator[str]:
        """The paths below `start` that end with `name`, or with what may stand for it."""
        top = f"{start.v_template}." if start.v_template else ""
        for segment, paths in self.positions.items():
            if segment == name or segment[0] == "$":
                yield from (path for path in paths if path.startswith(top))

    def resolve(self, group: Group, path: str) -> int | None:
        """The run whose `path` a group shows.

        For a group the first that has one there; for a leaf the group's own, the selected one, or the lowest.
        """
        if path in self.below:
            if path in self.templates and self.narrowed(group) and self.shown(path, self._tree.run):
                return self._tree.run
            runs = (run for run in self.runs(group) if self.shown(path, run))
            found = next((run for run in runs if not self.is_leaf(path, run)), None)
            if found is not None or path not in self.templates:
                return found
        state = (len(self._backing.complete()), self._tree.run, self._tree.is_run)
        known = self._only.get(path) if group.v_index < 0 else None
        if known is None or known[0] != state:
            known = (state, next(self.candidates(group, path), None))
            if group.v_index < 0:
                self._only[path] = known
        return known[1]

    def narrowed(self, start: Group) -> bool:
        """Whether a run is selected that a group stands for, among others."""
        selected = self._tree.run
        if selected < 0 or start.v_run is not None:
            return False
        return start.v_index < 0 or self._tree.wildcards.expand(start.v_template, selected) == start.v_full_name

    def candidates(self, start: Group, path: str) -> Iterator[int]:
        """The runs that have `path`, below `start`; of the selected run only, if one is selected there."""
        runs = iter((self._tree.run,)) if self.narrowed(start) else self.runs(start)
        return (run for run in runs if self.shown(path, run))


def below(group: Group, name: str) -> str:
    """The path of a child of a group, with ``$`` for the run."""
    above = group.v_template
    return f"{above}.{name}" if above else name
