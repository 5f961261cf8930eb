"""The surface of a trajectory that explores, selects runs, and iterates over them."""

from __future__ import annotations

import copy
import operator
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, Literal, TypeVar, cast

from xpet.errors import DataNotInStorageError, NotUniqueNodeError
from xpet.tree import exploring, lookup
from xpet.tree.group import Group
from xpet.tree.leaf import Leaf
from xpet.tree.node import Node
from xpet.tree.parameter import Parameter
from xpet.tree.settings import Settings
from xpet.tree.walking import child

Method = TypeVar("Method", bound=Callable[..., Any])

NOT_IN_RUN: set[str] = set()


def not_in_run(method: Method) -> Method:
    """Make a method of the root raise ``TypeError`` during a run."""
    name = method.__name__
    NOT_IN_RUN.add(name)

    def guarded(self: Any, *args: Any, **kwargs: Any) -> Any:
        if self.v_state.is_run:
            raise TypeError(
                f"`{name}` is not available during a single run, here run {self.v_state.run} of {self.v_name!r}; "
                "call it before or after the runs."
            )
        return method(self, *args, **kwargs)

    guarded.__name__, guarded.__qualname__ = name, method.__qualname__
    guarded.__doc__, guarded.__wrapped__ = method.__doc__, method  # type: ignore[attr-defined]  # as functools.wraps
    guarded.__module__ = method.__module__
    return cast(Method, guarded)


class Runs(Settings):
    """A root that knows runs."""

    __slots__ = ()

    # ------------------------------------------------------------ exploration

    @not_in_run
    def f_explore(self, build_dict: Mapping[str, Iterable[Any]]) -> None:
        """Explore parameters: give each one value per run.

        Parameters
        ----------
        build_dict
            The values by parameter, all of the same number; see :func:`cartesian_product` for grids.

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
        exploring.explore(self.v_state, exploring.as_ranges(build_dict))

    @not_in_run
    def f_expand(self, build_dict: Mapping[str, Iterable[Any]], fail_safe: bool = True) -> None:
        """Append points to every explored parameter; a failure leaves all as it was.

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
        exploring.expand(self.v_state, exploring.as_ranges(build_dict), fail_safe)

    @not_in_run
    def f_shrink(self, force: bool = False) -> None:
        """Drop all ranges, so that a single run is left; ``force=True`` even if runs are in the store."""
        tree = self.v_state
        if tree.virtual is not None and not force:
            raise TypeError(f"The trajectory {self.v_name!r} has runs in the store; `force=True` shrinks it anyway.")
        exploring.shrink(tree)

    def f_get_explored_parameters(self, fast_access: bool = False, copy: bool = True) -> dict[str, Any]:
        """The explored parameters by path, in the order of their exploration."""
        explored = self.v_state.explored
        if fast_access:
            if not copy:
                raise ValueError("`copy=False` cannot go with `fast_access=True`.")
            return {path: parameter.f_get() for path, parameter in explored.items()}
        return dict(explored) if copy else cast("dict[str, Any]", explored)

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
            run = operator.index(name_or_idx)
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
        run = self._index_of(name_or_idx)
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
                self.f_set_crun(run)
                yield give[yields](run)
        finally:
            exploring.select(self.v_state, -1)

    # --------------------------------------------------------------- querying

    def f_find_idx(self, name_list: str | list[str] | tuple[str, ...], predicate: Callable[..., Any]) -> Iterator[int]:
        """The indices of the runs whose parameters fulfil a predicate.

        Parameters
        ----------
        name_list
            One name of a parameter, or several.
        predicate
            A function of the parameters' values, in the order of the names.

        Examples
        --------
        >>> from xpet.tree import Root
        >>> traj = Root("study")
        >>> _ = traj.f_add_parameter("tau", 20.0)
        >>> traj.f_explore({"tau": [10.0, 20.0, 40.0]})
        >>> list(traj.f_find_idx("tau", lambda tau: tau > 15))
        [1, 2]
        """
        names = [name_list] if isinstance(name_list, str) else list(name_list)
        parameters = [self.f_get(name) for name in names]
        for name, parameter in zip(names, parameters, strict=True):
            if not isinstance(parameter, Parameter):
                raise TypeError(f"{name!r} is no parameter; only values of parameters can be searched.")
            if parameter.v_explored and not parameter.f_has_range():
                raise TypeError(f"The values of all runs of {name!r} are not here; they do not travel to the runs.")
        return self._matching(parameters, predicate)

    def _matching(self, parameters: list[Parameter], predicate: Callable[..., Any]) -> Iterator[int]:
        columns = [p.f_get_range(copy=False) if p.f_has_range() else None for p in parameters]
        for run in range(self.v_state.length):
            values = [
                parameter.f_get_default() if column is None else column[run]
                for parameter, column in zip(parameters, columns, strict=True)
            ]
            if predicate(*values):
                yield run

    @not_in_run
    def f_get_from_runs(
        self,
        name: str,
        include_default_run: bool = True,
        use_indices: bool = False,
        fast_access: bool = False,
        with_links: bool = True,
        shortcuts: bool = True,
        max_depth: int | None = None,
        auto_load: bool = False,
    ) -> dict[Any, Any]:
        """What `name` is in every run that has it.

        Parameters
        ----------
        name
            The path below the group of a run.
        include_default_run
            Take what is in ``run_ALL`` for runs that lack it.
        use_indices
            Keys are indices instead of names.
        fast_access
            Values instead of leaves.
        with_links, shortcuts, max_depth, auto_load
            See :meth:`f_get`.

        Raises
        ------
        NotUniqueNodeError
            If a run has it below two groups.
        """
        search = lookup.Search(shortcuts, max_depth, with_links)
        cards = self.v_state.wildcards
        fallback = self._find_in_run(-1, name, search) if include_default_run else None
        found: dict[Any, Any] = {}
        for run in range(self.v_state.length):
            node = self._find_in_run(run, name, search)
            node = fallback if node is None else node
            if node is not None:
                value = node.f_fast_access() if fast_access else node
                found[run if use_indices else cards.run_name(run)] = value
        return found

    def _find_in_run(self, run: int, name: str, search: lookup.Search) -> Node | None:
        hits: dict[int, Node] = {}
        for group in self._run_groups(run):
            try:
                node = lookup.find(group, name, search)
            except NotUniqueNodeError:
                raise
            except (AttributeError, DataNotInStorageError):
                continue
            hits[id(node)] = node
        if len(hits) > 1:
            where = " and ".join(repr(node.v_full_name) for node in hits.values())
            raise NotUniqueNodeError(f"{name!r} is not unique in run {run}: there are {where}; give a longer path.")
        return next(iter(hits.values()), None)

    def _run_groups(self, run: int) -> Iterator[Group]:
        tree = self.v_state
        run_name = tree.wildcards.run_name(run)
        seen: set[str] = set()
        for node in tree.named(run_name):
            if isinstance(node, Group):
                seen.add(node.v_full_name)
                yield node
        if tree.virtual is not None and run >= 0:
            for parent in tree.virtual.run_parents(run):
                group = child(parent, run_name)
                if isinstance(group, Group) and group.v_full_name not in seen:
                    yield group

    # ---------------------------------------------------------------- leaves

    def f_get_parameters(self, fast_access: bool = False, copy: bool = True) -> dict[str, Any]:
        """All parameters by path."""
        return self._branch("parameters", fast_access, copy)

    def f_get_derived_parameters(self, fast_access: bool = False, copy: bool = True) -> dict[str, Any]:
        """All derived parameters by path."""
        return self._branch("derived_parameters", fast_access, copy)

    def f_get_config(self, fast_access: bool = False, copy: bool = True) -> dict[str, Any]:
        """All configuration by path."""
        return self._branch("config", fast_access, copy)

    def f_get_results(self, fast_access: bool = False, copy: bool = True) -> dict[str, Any]:
        """All results by path."""
        return self._branch("results", fast_access, copy)

    def _branch(self, branch: str, fast_access: bool, copy: bool) -> dict[str, Any]:
        if fast_access and not copy:
            raise ValueError("`copy=False` cannot go with `fast_access=True`.")
        group = self.v_nodes.get(branch)
        if not isinstance(group, Group):
            return {}
        return {
            leaf.v_full_name: cast(Any, leaf).f_get() if fast_access else leaf
            for leaf in group.f_iter_leaves(with_links=False)
        }

    def _lock(self, branch: str) -> None:
        group = self.v_nodes.get(branch)
        leaves: Iterator[Leaf] = group.f_iter_leaves(with_links=False) if isinstance(group, Group) else iter(())
        for leaf in leaves:
            if isinstance(leaf, Parameter) and not leaf.f_is_empty():
                leaf.f_lock()

    @not_in_run
    def f_lock_parameters(self) -> None:
        """Lock all parameters that have a value."""
        self._lock("parameters")

    @not_in_run
    def f_lock_derived_parameters(self) -> None:
        """Lock all derived parameters that have a value."""
        self._lock("derived_parameters")

    def f_get_wildcards(self) -> list[str]:
        """All wildcards."""
        return self.v_state.wildcards.tokens()

    def f_is_wildcard(self, wildcard: str) -> bool:
        """Whether this is a wildcard."""
        return self.v_state.wildcards.is_wildcard(wildcard)

    def f_wildcard(self, wildcard: str = "$", run_idx: int | None = None) -> str:
        """What a wildcard means in a run; by default in the selected one."""
        cards = self.v_state.wildcards
        if not cards.is_wildcard(wildcard):
            raise ValueError(f"{wildcard!r} is no wildcard; there are {cards.tokens()}.")
        return cards.name(wildcard, self.v_state.run if run_idx is None else run_idx)

    def f_add_wildcard_functions(self, func_dict: Mapping[tuple[str, ...] | str, Callable[[int], str]]) -> None:
        """Add wildcards; see :class:`xpet.names.Wildcards`."""
        self.v_state.wildcards.add(func_dict)
        self.v_state.wildcards.check_unique(self.v_state.length)
        self.v_state.forget()
