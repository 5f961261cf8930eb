"""The root explores, selects runs and iterates over them."""

from __future__ import annotations

import copy
import operator
from bisect import bisect_left
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any, Literal, cast

from xpet.tree import exploring
from xpet.tree.guard import not_in_run
from xpet.tree.queries import Queries

if TYPE_CHECKING:
    from xpet.tree.state import SeedBy


class Runs(Queries):
    """A root that knows runs."""

    __slots__ = ()

    # ------------------------------------------------------------ exploration

    @not_in_run
    def f_explore(
        self, build_dict: Mapping[str, Iterable[Any]], *, replicates: int | None = None, seed_by: SeedBy | None = None
    ) -> None:
        """Explore parameters: give each one value per run.

        Parameters
        ----------
        build_dict
            The values by parameter, all of the same number; see :func:`cartesian_product` for grids.
        replicates
            Do every point so many times: the parameter ``replicate``, which is added, numbers them from 0 and becomes a
            coordinate of the results.
        seed_by
            What :attr:`rng` depends on: ``'run'``, so that no two runs have the same numbers, which holds if it is not
            given; or ``'replicate'``, so that all points have the same ones in their replicates of the same number
            (common random numbers: what differs between points is then due to the parameters).

        Raises
        ------
        ValueError
            Values of different numbers, or none; something else than a parameter.
        TypeError
            A value of another type than the parameter's, a parameter without value, or one explored before.

        Examples
        --------
        >>> from xpet.tree import Root
        >>> traj = Root("study")
        >>> _ = traj.f_add_parameter("tau", 20.0)
        >>> traj.f_explore({"tau": [10.0, 20.0, 40.0]})
        >>> len(traj)
        3
        """
        tree, ranges = self.v_state, exploring.as_ranges(build_dict)
        if replicates is not None:
            ranges = exploring.replicated(tree, ranges, replicates)
        with exploring.numbering(tree, replicates):
            if seed_by is not None:
                exploring.check_seed_by(tree, ranges, seed_by)
            exploring.explore(tree, ranges)
        tree.seed_by = seed_by or tree.seed_by

    @not_in_run
    def f_expand(
        self, build_dict: Mapping[str, Iterable[Any]], fail_safe: bool = True, *, replicates: int | None = None
    ) -> None:
        """Append points to every explored parameter; a failure leaves all as it was.

        Parameters
        ----------
        build_dict
            The further values by parameter, all of the same number.
        fail_safe
            As in pypet; it holds in any case.
        replicates
            Do each of them so many times, as in :meth:`f_explore`.

        Examples
        --------
        >>> from xpet.tree import Root
        >>> traj = Root("study")
        >>> _ = traj.f_add_parameter("tau", 20.0)
        >>> traj.f_explore({"tau": [10.0]})
        >>> traj.f_expand({"tau": [20.0, 40.0]})
        >>> traj.f_get("tau").f_get_range()
        [10.0, 20.0, 40.0]
        """
        tree, ranges = self.v_state, exploring.as_ranges(build_dict)
        if replicates is not None:
            ranges = exploring.replicated(tree, ranges, replicates)
        with exploring.numbering(tree, replicates):
            exploring.check_seed_by(tree, ranges, tree.seed_by)
            exploring.expand(tree, ranges, fail_safe)

    @not_in_run
    def f_shrink(self, force: bool = False) -> None:
        """Drop all ranges, so that a single run is left; ``force=True`` even if the store has complete runs."""
        tree = self.v_state
        if tree.virtual is not None and tree.virtual.any_complete() and not force:
            raise TypeError(
                f"The trajectory {self.v_name!r} has complete runs in the store; `force=True` shrinks it here anyway."
            )
        exploring.shrink(tree)

    def f_get_explored_parameters(self, fast_access: bool = False, copy: bool = True) -> dict[str, Any]:
        """The explored parameters by path, in the order of their exploration."""
        explored = self.v_state.explored
        if fast_access:
            if not copy:
                raise ValueError("`copy=False` cannot go with `fast_access=True`.")
            return {path: parameter.f_get() for path, parameter in explored.items()}
        return dict(explored) if copy else cast("dict[str, Any]", explored)

    # ------------------------------------------------------------- completion

    @not_in_run
    def f_is_completed(self, name_or_id: str | int | None = None) -> bool:
        """Whether a run is complete in the store, or all of them are.

        Raises
        ------
        KeyError
            If there is no such run.

        Examples
        --------
        >>> from xpet.tree import Root
        >>> Root("study").f_is_completed()
        False
        """
        tree = self.v_state
        complete = () if tree.virtual is None else tree.virtual.backing.complete()
        if name_or_id is None:
            return len(complete) == tree.length
        run = self.run_of(name_or_id)
        position = bisect_left(complete, run)
        return position < len(complete) and complete[position] == run

    @not_in_run
    def f_is_empty(self) -> bool:
        """Whether there is nothing but configuration: no parameters, results or other leaves.

        Examples
        --------
        >>> from xpet.tree import Root
        >>> traj = Root("study")
        >>> _ = traj.f_add_config("debug", True)
        >>> traj.f_is_empty()
        True
        """
        virtual = self.v_state.virtual
        if virtual is not None and virtual.any_complete():
            return False
        return all(leaf.v_branch == "config" for leaf in self.f_iter_leaves(with_links=False))

    def run_of(self, name_or_idx: str | int) -> int:
        """The index of a run by its name or index; :class:`KeyError` if there is no such run."""
        run = self._index_of(name_or_idx)
        if run < 0:
            raise KeyError(f"{name_or_idx!r} is no run of {self.v_name!r}, which has the runs 0 to {len(self) - 1}.")
        return run

    # -------------------------------------------------------------- selection

    @property
    def v_idx(self) -> int:
        """The index of the selected run; −1 if there is none."""
        return self.v_state.run

    @v_idx.setter
    def v_idx(self, index: int) -> None:
        self.f_set_crun(index)

    @property
    def v_crun(self) -> str | None:
        """The name of the selected run, or ``None``."""
        run = self.v_state.run
        return None if run < 0 else self.v_state.wildcards.run_name(run)

    @v_crun.setter
    def v_crun(self, run: str | int | None) -> None:
        self.f_set_crun(run)

    @property
    def v_crun_(self) -> str:
        """The name of the selected run, or ``'run_ALL'``."""
        return self.v_state.wildcards.run_name(self.v_state.run)

    @property
    def v_is_run(self) -> bool:
        """Whether a run is being computed."""
        return self.v_state.is_run

    @not_in_run
    def f_set_crun(self, name_or_idx: str | int | None) -> None:
        """Select a run: explored parameters and searches are those of that run.

        Parameters
        ----------
        name_or_idx
            The run; ``None``, −1 or ``'run_ALL'`` select none.

        Raises
        ------
        KeyError
            If there is no such run.
        """
        exploring.select(self.v_state, self._index_of(name_or_idx))

    def _index_of(self, name_or_idx: str | int | None) -> int:
        cards, length = self.v_state.wildcards, self.v_state.length
        if name_or_idx is None:
            return -1
        if isinstance(name_or_idx, str):
            name = cards.translate(name_or_idx)
            run = -1 if name == cards.run_name(-1) else cards.run_index(name, length)
        else:
            run = operator.index(name_or_idx) if hasattr(name_or_idx, "__index__") else None
        if run is None or not -1 <= run < length:
            raise KeyError(f"There is no run {name_or_idx!r} in {self.v_name!r}, which has {length} runs.")
        return run

    @not_in_run
    def f_restore_default(self) -> None:
        """Select no run; explored parameters have their defaults again."""
        exploring.select(self.v_state, -1)

    def f_idx_to_run(self, name_or_idx: str | int) -> str | int:
        """The name of a run by its index, or its index by its name.

        Examples
        --------
        >>> from xpet.tree import Root
        >>> Root("study").f_idx_to_run(0), Root("study").f_idx_to_run("run_00000000")
        ('run_00000000', 0)
        """
        run = self.run_of(name_or_idx)
        return run if isinstance(name_or_idx, str) else self.v_state.wildcards.run_name(run)

    def f_get_run_names(self, sort: bool = True) -> list[str]:
        """The names of all runs, in their order."""
        return [self.v_state.wildcards.run_name(run) for run in range(self.v_state.length)]

    @not_in_run
    def f_iter_runs(
        self,
        start: int = 0,
        stop: int | None = None,
        step: int = 1,
        yields: Literal["name", "idx", "self", "copy"] = "name",
    ) -> Iterator[Any]:
        """Select one run after the other; afterwards, or when the loop is left, none.

        Parameters
        ----------
        start, stop, step
            Which runs.
        yields
            What to yield: the run's ``'name'``, its ``'idx'``, the trajectory itself, or a ``'copy'`` of it.
        """
        if yields not in ("name", "idx", "self", "copy"):
            raise ValueError(f"`yields` must be 'name', 'idx', 'self' or 'copy', not {yields!r}.")
        length = self.v_state.length
        if stop is not None and stop > length:
            raise ValueError(f"`stop` is {stop}, but {self.v_name!r} has {length} runs only.")
        return self._runs(range(start, length if stop is None else stop, step), yields)

    def _runs(self, runs: range, yields: str) -> Iterator[Any]:
        give: dict[str, Callable[[int], Any]] = {
            "name": self.v_state.wildcards.run_name,
            "idx": lambda run: run,
            "self": lambda run: self,
            "copy": lambda run: copy.copy(self),
        }
        try:
            for run in runs:
                self.f_set_crun(self.run_of(run))
                yield give[yields](run)
        finally:
            exploring.select(self.v_state, -1)
