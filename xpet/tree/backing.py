"""What the tree needs of a store to show runs that are not in memory."""

from __future__ import annotations

from collections.abc import Container, Sequence
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from xpet.tree.leaf import Leaf


class RunBacking(Protocol):
    """Runs as the store has them."""

    def templates(self) -> Sequence[str]:
        """The paths of all leaves of runs, with ``$`` for the run: ``results.runs.$.z``."""

    def runs_with(self, template: str) -> Container[int]:
        """The runs that have this leaf; ``in`` must be cheap."""

    def complete(self) -> Sequence[int] | range:
        """The complete runs, ascending."""

    def load(self, template: str, run: int) -> Leaf:
        """The leaf of one run, with data, comment and annotations.

        Raises
        ------
        DataNotInStorageError
            If this run lacks it.
        """
