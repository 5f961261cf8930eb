"""Runs of which the store has the same leaves: what is found in one of them is in all the others, at the same path."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from xpet.errors import DataNotInStorageError
from xpet.names import set_number, split_path

if TYPE_CHECKING:
    from xpet.tree.lookup import Path
    from xpet.tree.node import Node
    from xpet.tree.state import TreeState


class Alike:
    """Finds a name in run after run, and searches only one of those that are alike.

    Parameters
    ----------
    tree
        The tree; what is added to it meanwhile may be missed.
    name
        What to find.
    search
        Finds it in one run, or returns ``None``.
    """

    def __init__(self, tree: TreeState, name: Path, search: Callable[[int], Node | None]) -> None:
        self._tree = tree
        self._search = search
        self._last = tree.wildcards.translate(split_path(name)[-1])
        self._kinds: Sequence[int] = ()
        self._apart: frozenset[int] = frozenset()
        self._wild: frozenset[str] = frozenset()
        self._paths: dict[int, str | None] = {}
        virtual = tree.virtual
        if virtual is not None and tree.run < 0 and not tree.link_names:
            backing = virtual.backing
            segments = {each for path in (*backing.templates(), *backing.groups()) for each in path.split(".")}
            if all(map(self._is_plain, split_path(name))) and all(map(self._is_known, segments)):
                self._kinds, self._apart = backing.kinds(), virtual.kept_runs()
                self._wild = frozenset({"$", *(segment for segment in segments if segment[0] == "$")})

    def find(self, run: int) -> Node | None:
        """The node in one run; ``None`` if there is none."""
        virtual = self._tree.virtual
        if virtual is None or not self._is_of_kind(run):
            return self._search(run)
        kind = self._kinds[run]
        if kind in self._paths:
            path = self._paths[kind]
            try:
                return None if path is None else virtual.at(path, run)
            except (AttributeError, DataNotInStorageError):
                return self._search(run)
        node = self._search(run)
        if node is not None and node.v_run == run:
            self._paths[kind] = node.v_template
        elif node is None and not virtual.has(self._last, run):
            self._paths[kind] = None
        return node

    def _is_of_kind(self, run: int) -> bool:
        """Whether all that can be found in a run is in the store, and nothing of it in memory."""
        if run >= len(self._kinds) or self._kinds[run] < 0 or run in self._apart:
            return False
        index, cards = self._tree.index, self._tree.wildcards
        return all(cards.segment(segment, run) not in index for segment in self._wild)

    def _is_plain(self, token: str | int) -> bool:
        """Whether a name means the same in every run."""
        cards = self._tree.wildcards
        full = cards.translate(token)
        is_run = cards.run_index(full, self._tree.length) is not None
        return not (cards.is_wildcard(token) or is_run or set_number(full) is not None)

    def _is_known(self, segment: str) -> bool:
        """Whether a segment of a template is plain, or a wildcard that cannot be taken for another one."""
        return self._tree.wildcards.counts_sets and (segment in ("$", "$set") or self._is_plain(segment))
