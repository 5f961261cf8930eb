"""What the tree needs of a store to show runs that are not in memory."""

from __future__ import annotations

from collections.abc import Container, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from xpet.tree.leaf import Leaf

SAID, LINKS = "@group", "@links"
"""The items under which a run leaves what a group says of itself, and its links."""


class RunBacking(Protocol):
    """Runs as the store has them."""

    def templates(self) -> Sequence[str]:
        """The paths of all leaves of runs, with ``$`` for the run: ``results.runs.$.z``."""

    def runs_with(self, template: str) -> Container[int]:
        """The runs that have this leaf; ``in`` must be cheap."""

    def groups(self) -> Sequence[str]:
        """The paths of all groups of runs that say something of themselves, with ``$`` for the run."""

    def runs_with_group(self, template: str) -> Container[int]:
        """The runs in which this group says something."""

    def said(self, template: str, run: int) -> tuple[str, Mapping[str, Any], Mapping[str, str]]:
        """The comment and the annotations of the group of one run, and by name the paths that its links lead to."""

    def complete(self) -> Sequence[int] | range:
        """The complete runs, ascending."""

    def kinds(self) -> Sequence[int]:
        """A number for each run: the same for those that have the same leaves, and groups; negative if it has links."""

    def differ(self, template: str) -> bool:
        """Whether runs left different values at a path that is the same in all of them."""

    def load(self, template: str, run: int) -> Leaf:
        """The leaf of one run, with data, comment and annotations.

        Raises
        ------
        DataNotInStorageError
            If this run lacks it.
        """
