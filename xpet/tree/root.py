"""The root of a tree: settings, runs as they are computed, and the way to workers."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, ClassVar, Literal

from xpet.errors import PresettingError
from xpet.names import WildcardFunctions, Wildcards, check_trajectory_name, checked_text
from xpet.tree import adding, copying, exploring, removing
from xpet.tree.backing import RunBacking
from xpet.tree.branches import CONFIG, DERIVED, GROUP_CLASSES, PARAMETERS, RESULTS
from xpet.tree.guard import NOT_IN_RUN, not_in_run
from xpet.tree.leaf import Leaf
from xpet.tree.node import Node, put
from xpet.tree.notes import GroupNote, notes_of
from xpet.tree.parameter import BaseParameter, put_point
from xpet.tree.randomness import Randomness
from xpet.tree.runs import Runs
from xpet.tree.state import TreeState
from xpet.tree.virtual import VirtualRuns


def accept(path: str, value: object) -> None:
    """Take any value."""


class Root(Runs, Randomness):
    """The tree of a trajectory.

    Parameters
    ----------
    name
        The name of the trajectory.
    comment
        What it is about.
    wildcard_functions
        See :class:`xpet.names.Wildcards`.

    Examples
    --------
    >>> traj = Root("study", comment="a grid")
    >>> _ = traj.f_add_parameter("x", 1.0, comment="in mV")
    >>> traj.f_explore({"x": [1.0, 2.0]})
    >>> traj.enter_run(1)
    >>> _ = traj.f_add_result("z", traj.x * 2)
    >>> traj.z, [leaf.v_full_name for leaf in traj.leave_run()]
    (4.0, ['results.runs.run_00000001.z'])
    """

    __slots__ = ("_name",)
    _name: str

    v_is_root: ClassVar[bool] = True
    check_value: Callable[[str, object], None] = staticmethod(accept)
    """Called with a path (``$`` for the run) and a value when a leaf in the tree gets one; raises to refuse it."""

    def __init__(self, name: str, comment: str = "", wildcard_functions: WildcardFunctions | None = None) -> None:
        check_trajectory_name(name)
        super().__init__("", None, comment)
        put(self, "_name", name)
        check = self.check_value
        tree = TreeState(self, Wildcards(wildcard_functions), None if check is accept else check)
        tree.group_classes = dict(GROUP_CLASSES)
        put(self, "v_state", tree)

    @property
    def v_name(self) -> str:
        """The name of the trajectory."""
        return self._name

    @property
    def v_comment(self) -> str:
        """What the trajectory is about."""
        return self._comment

    @v_comment.setter
    def v_comment(self, comment: object) -> None:
        if self.v_state.is_run:
            raise TypeError("The comment of a trajectory cannot be changed during a single run.")
        put(self, "_comment", checked_text(comment, "The comment of a trajectory"))

    def __len__(self) -> int:
        return self.v_state.length

    # ----------------------------------------------------------- exploration

    def explore(self, ranges: Mapping[str, Sequence[object]]) -> None:
        """Explore parameters with sequences that are kept as they are; see :meth:`f_explore`."""
        exploring.explore(self.v_state, ranges)

    def expand(self, ranges: Mapping[str, Sequence[object]]) -> None:
        """Append points; see :meth:`f_expand`."""
        exploring.expand(self.v_state, ranges)

    def adopt_exploration(self, ranges: Mapping[str, Sequence[object]], length: int) -> None:
        """Take over an exploration that was checked before, for instance when it was stored.

        Parameters
        ----------
        ranges
            Sequences, lazy ones too, by the full path of their parameter.
        length
            The number of runs.
        """
        exploring.adopt(self.v_state, {self.f_get(path, shortcuts=False): ranges[path] for path in ranges}, length)

    @property
    def explored(self) -> dict[str, BaseParameter]:
        """The explored parameters by path, in the order of their exploration."""
        return dict(self.v_state.explored)

    @property
    def length(self) -> int:
        """The number of runs; 1 if nothing is explored."""
        return self.v_state.length

    # ---------------------------------------------------------------- one run

    def freeze(self) -> None:
        """Lock the parameters, as the first thing before runs.

        Raises
        ------
        PresettingError
            If a preset was for a parameter that nobody added.
        """
        if self.v_state.presets:
            raise PresettingError(
                f"The presets of {sorted(self.v_state.presets)} were never used: no parameter of this name was added."
            )
        self._lock("parameters")
        self._lock("derived_parameters")
        self._lock("config")

    def enter_run(self, run: int, point: Sequence[object] | None = None) -> None:
        """Start a run: explored parameters take its values, and what is added belongs to it.

        Parameters
        ----------
        run
            The index of the run.
        point
            The values of the explored parameters, in the order of `explored`; by default from their ranges.
        """
        tree = self.v_state
        if tree.is_run:
            self.leave_run()
        if point is None:
            for parameter in tree.explored_list:
                parameter.select(run)
        else:
            put_point(tree.explored_list, point)
        tree.run = run
        tree.rng = None
        tree.is_run = True
        tree.remember_settings()

    def leave_run(self) -> list[Leaf | GroupNote]:
        """End a run, and take out of the tree what it added.

        Returns
        -------
        list of Leaf or GroupNote
            The leaves that the run added, in their order, and what groups that it added say of themselves.
        """
        tree = self.v_state
        added: list[Leaf | GroupNote] = [*tree.added, *notes_of(tree.made)]
        for group in tree.made:
            if group.v_linked:
                for name in list(group.v_linked):
                    removing.remove_link(group, name)
        tree.added, tree.made = [], []
        for group, name in tree.attached:
            if group.v_nodes.pop(name, None) is None and group.v_linked and name in group.v_linked:
                removing.remove_link(group, name)
                tree.dropped.append(f"{group.v_full_name}.{name}".lstrip("."))
        tree.attached.clear()
        tree.overlay.clear()
        tree.copies.clear()
        tree.run_groups.clear()
        for name in tree.fleeting:
            tree.found.pop(name, None)
        tree.fleeting.clear()
        tree.restore_settings()
        tree.is_run = False
        tree.run = -1
        tree.rng = None
        for parameter in tree.explored_list:
            parameter.restore()
        return added

    def take_dropped(self) -> list[str]:
        """The links that runs made in groups of all runs, which end with the run; each is told once."""
        tree = self.v_state
        dropped, tree.dropped = tree.dropped, []
        return dropped

    def without_ranges(self) -> Root:
        """A copy for workers: the explored parameters know only that they are explored, unless :attr:`v_full_copy`."""
        other = self.blank()
        copying.copy_tree(self, other, "all", with_links=True)
        for parameter in other.v_state.explored_list:
            if self.v_state.full_copy:
                parameter.set_range(list(parameter.f_get_range(copy=False)))
            else:
                parameter.drop_range(forget=False)
        return other

    def blank(self) -> Root:
        """An empty tree of the same name, comment and wildcards, into which copies are made."""
        return Root(self._name, self._comment, self.v_state.wildcards.functions())

    def attach_runs(self, backing: RunBacking | None) -> None:
        """Show the runs of a store; ``None`` shows none."""
        tree = self.v_state
        tree.forget_fetched()
        tree.virtual = None if backing is None else VirtualRuns(backing, tree)
        if tree.virtual is None:
            return
        for path in tree.virtual.paths.groups():
            above, _, name = path.rpartition(".")
            parent = self.f_get(above, shortcuts=False) if above else self
            if name not in parent.v_nodes:
                group = tree.new_group(parent, name, -1, lasting=True)
                tree.register(parent, name, group, lasting=True)
                tree.virtual.describe(group, path)

    def f_copy(self, copy_leaves: bool | Literal["explored"] = True, with_links: bool = True) -> Any:
        """A copy of the tree; values are shared.

        Parameters
        ----------
        copy_leaves
            Whether the results get items of their own, or share them with the original. A leaf is in one tree only,
            so there is always a new one. ``'explored'`` is accepted for pypet's sake and shares.
        with_links
            Whether links are copied.
        """
        other = self.blank()
        which: copying.Which = "explored" if copy_leaves == "explored" else "all" if copy_leaves else "none"
        copying.copy_tree(self, other, which, with_links)
        other.v_state.virtual = None if self.v_state.virtual is None else self.v_state.virtual.seen_from(other.v_state)
        return other

    def __copy__(self) -> Any:
        return self.f_copy()

    # ------------------------------------------------------------------ nodes

    @not_in_run
    def f_add_parameter(self, *args: Any, **kwargs: Any) -> Any:
        """Add a parameter: path, value, comment; or a parameter; or a class, path and its arguments.

        Examples
        --------
        >>> Root("study").f_add_parameter("cell.tau", 20.0, comment="in ms")
        <Parameter parameters.cell.tau (`in ms`): 20.0>
        """
        return adding.add_leaf(self, PARAMETERS, args, kwargs)

    @not_in_run
    def f_add_parameter_group(self, *args: Any, **kwargs: Any) -> Any:
        """Add a group of parameters."""
        return adding.add_group(self, PARAMETERS, args, kwargs)

    @not_in_run
    def f_add_config(self, *args: Any, **kwargs: Any) -> Any:
        """Add a configuration parameter: path, value, comment."""
        return adding.add_leaf(self, CONFIG, args, kwargs)

    @not_in_run
    def f_add_config_group(self, *args: Any, **kwargs: Any) -> Any:
        """Add a group of configuration parameters."""
        return adding.add_group(self, CONFIG, args, kwargs)

    def f_add_derived_parameter(self, *args: Any, **kwargs: Any) -> Any:
        """Add a derived parameter: path, value, comment; in a run it goes to the run's group."""
        return adding.add_leaf(self, DERIVED, args, kwargs)

    def f_add_derived_parameter_group(self, *args: Any, **kwargs: Any) -> Any:
        """Add a group of derived parameters."""
        return adding.add_group(self, DERIVED, args, kwargs)

    def f_add_result(self, *args: Any, **kwargs: Any) -> Any:
        """Add a result: path and values, ``comment=``; in a run it goes to the run's group.

        Examples
        --------
        >>> Root("study").f_add_result("spikes", [1.5, 2.5], count=2, comment="in ms")
        <Result results.spikes (`in ms`): spikes=[1.5, 2.5], count=2>
        """
        return adding.add_result(self, args, kwargs)

    def f_add_result_group(self, *args: Any, **kwargs: Any) -> Any:
        """Add a group of results."""
        return adding.add_group(self, RESULTS, args, kwargs)

    f_apar = f_add_parameter
    f_aconf = f_add_config
    f_adpar = f_add_derived_parameter
    f_ares = f_add_result

    def f_remove_item(self, item: str | Node, recursive: bool = False) -> None:
        """Remove a node from memory; the groups above it stay.

        Raises
        ------
        TypeError
            If it is a group with children and not `recursive`.
        """
        removing.remove_item(self, item, recursive)

    def f_remove_items(self, iterator: Iterable[str | Node], recursive: bool = False) -> None:
        """Remove several nodes from memory."""
        for item in list(iterator):
            removing.remove_item(self, item, recursive)

    @not_in_run
    def f_preset_parameter(self, param_name: str, *args: Any, **kwargs: Any) -> None:
        """Have a parameter of that path set to this when it is added."""
        self._preset("parameters", param_name, args, kwargs)

    @not_in_run
    def f_preset_config(self, config_name: str, *args: Any, **kwargs: Any) -> None:
        """Have a configuration parameter of that path set to this when it is added."""
        self._preset("config", config_name, args, kwargs)

    def _preset(self, branch: str, name: str, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        path = ".".join(map(self.v_state.wildcards.translate, name.split(".")))
        path = path if path.startswith(f"{branch}.") else f"{branch}.{path}"
        if self.f_contains(path):
            raise ValueError(f"{path!r} exists already; set it directly.")
        self.v_state.presets[path] = (args, kwargs)

    def __dir__(self) -> list[str]:
        names = super().__dir__()
        return [name for name in names if name not in NOT_IN_RUN] if self.v_state.is_run else names

    def _facts(self) -> list[str]:
        running = ["during single run"] if self.v_state.is_run else []
        return [f"len:{len(self)}", *super()._facts(), *running]
