"""The root asks for what is in all runs, and in a branch."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any, cast

from xpet.errors import DataNotInStorageError, NotUniqueNodeError
from xpet.tree import lookup
from xpet.tree.alike import Alike
from xpet.tree.group import Group
from xpet.tree.guard import not_in_run
from xpet.tree.leaf import Leaf
from xpet.tree.node import Node
from xpet.tree.parameter import BaseParameter
from xpet.tree.settings import Settings
from xpet.tree.walking import child


class Queries(Settings):
    """A root that can be asked."""

    __slots__ = ()

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
            if not isinstance(parameter, BaseParameter):
                raise TypeError(f"{name!r} is no parameter; only values of parameters can be searched.")
            if parameter.v_explored and not parameter.f_has_range():
                raise TypeError(f"The values of all runs of {name!r} are not here; they do not travel to the runs.")
        return self._matching(parameters, predicate)

    def _matching(self, parameters: list[BaseParameter], predicate: Callable[..., Any]) -> Iterator[int]:
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
        alike = Alike(self.v_state, name, lambda run: self._find_in_run(run, name, search))
        for run in range(self.v_state.length):
            node = alike.find(run)
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
            if isinstance(leaf, BaseParameter) and not leaf.f_is_empty():
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

    @not_in_run
    def f_add_wildcard_functions(self, func_dict: Mapping[tuple[str, ...] | str, Callable[[int], str]]) -> None:
        """Add wildcards; see :class:`xpet.names.Wildcards`."""
        self.v_state.wildcards.add(func_dict)
        self.v_state.wildcards.check_unique(self.v_state.length)
        self.v_state.forget()
