"""Groups: the inner nodes, and natural naming."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, ClassVar

from xpet.errors import DataNotInStorageError
from xpet.names import checked_text
from xpet.tree import adding, lookup, removing, setting, walking
from xpet.tree.kids import Kids
from xpet.tree.leaf import Leaf
from xpet.tree.node import Node, put

if TYPE_CHECKING:
    from xpet.tree.root import Root
    from xpet.tree.state import TreeState

Predicate = Callable[[Node], bool] | tuple[Any, ...] | None


class Group(Node):
    """A group: its children are its attributes.

    Parameters
    ----------
    full_name
        The path, or the end of it that is still to be placed.
    comment
        What the group is about.

    Examples
    --------
    >>> from xpet.tree import Root
    >>> traj = Root("study")
    >>> _ = traj.f_add_parameter("cell.tau", 20.0)
    >>> traj.parameters.cell.tau, traj.tau, traj["cell.tau"], "tau" in traj
    (20.0, 20.0, 20.0, True)
    """

    __slots__ = ("__weakref__", "v_linked", "v_node_lasts", "v_nodes", "v_state")

    v_state: TreeState
    v_nodes: dict[str, Node]
    v_linked: dict[str, Node] | None
    v_node_lasts: bool

    v_is_group: ClassVar[bool] = True

    def __init__(self, full_name: str = "", trajectory: object = None, comment: str = "") -> None:
        if isinstance(trajectory, str):
            comment, trajectory = trajectory, None
        put(self, "v_parent", None)
        put(self, "v_template", checked_text(full_name, "The path of a node"))
        put(self, "v_index", -1)
        put(self, "_comment", checked_text(comment, "The comment of a group"))
        put(self, "_annotations", None)
        put(self, "v_nodes", {})
        put(self, "v_linked", None)
        put(self, "v_node_lasts", True)

    def f_place(self, parent: Group, template: str, index: int, lasts: bool) -> None:
        """Say where in the tree the group is; the package calls it when the group is added."""
        put(self, "v_parent", parent)
        put(self, "v_template", template)
        put(self, "v_index", index)
        put(self, "v_state", parent.v_state)
        put(self, "v_node_lasts", lasts)

    @property
    def v_tree(self) -> TreeState | None:
        """The state that all nodes of one tree share; ``None`` outside a tree."""
        return getattr(self, "v_state", None)

    @property
    def v_root(self) -> Root:
        """The root of the tree."""
        root: Root = self.v_state.root
        return root

    # -------------------------------------------------------- natural naming

    def __getattr__(self, name: str) -> Any:
        if name[0] == "_":
            raise AttributeError(f"{type(self).__name__} has no attribute {name!r}.")
        if name == "v_state":
            raise AttributeError(f"This {type(self).__name__} is not in a tree yet; add it with `f_add_group` first.")
        tree = self.v_state
        known = tree.found.get(name)
        node = None if known is None else known.get(self)
        if node is None:
            node = lookup.attribute(self, name)
        return node.f_fast_access() if tree.fast_access else node

    def __setattr__(self, name: str, value: object) -> None:
        known = getattr(type(self), name, None)
        if name[0] == "_":
            setting.keep_private(self, name, value)
        elif known is None:
            setting.assign(self, name, value)
        elif isinstance(known, property) and known.fset is not None:
            known.fset(self, value)
        else:
            raise AttributeError(
                f"{name!r} belongs to every {type(self).__name__} and cannot be set; "
                f"for a node of this name use group[{name!r}]."
            )

    def __getitem__(self, name: str | int | tuple[str | int, ...] | list[str | int]) -> Any:
        tree = self.v_state
        known = tree.found.get(name) if type(name) is str else None
        node = None if known is None else known.get(self)
        if node is None:
            node = lookup.remembered(self, name)
        return node.f_fast_access() if tree.fast_access else node

    def __setitem__(self, name: str | int, value: object) -> None:
        setting.assign_path(self, name, value)

    def __contains__(self, item: object) -> bool:
        tree = self.v_state
        return lookup.contains(self, item, lookup.Search(tree.shortcuts, tree.max_depth, tree.with_links))

    def __iter__(self) -> Iterator[Node]:
        return self.f_iter_nodes(recursive=self.v_state.iter_recursive)

    def __bool__(self) -> bool:
        return True

    def f_debug(self) -> SimpleNamespace:
        """Plain objects that mirror the tree, for the inspectors of editors; of a million runs the first thousand."""
        return walking.as_namespace(self)

    @property
    def kids(self) -> Kids:
        """The children, and nothing but them, as attributes: ``group.kids.f_get`` is a child called ``f_get``."""
        return Kids(self)

    # --------------------------------------------------------------- lookup

    def f_get(
        self,
        name: str | int | list[str | int] | tuple[str | int, ...],
        fast_access: bool = False,
        with_links: bool = True,
        shortcuts: bool = True,
        max_depth: int | None = None,
        auto_load: bool = False,
    ) -> Any:
        """Find a node below this group.

        Parameters
        ----------
        name
            The path; groups in it may be left out if `shortcuts`.
        fast_access
            Give the value of a leaf instead of the leaf.
        with_links, shortcuts, max_depth
            Whether links are followed, whether groups may be skipped, and how deep the search goes.
        auto_load
            Accepted for pypet's sake: what is in the store is found anyway.

        Raises
        ------
        AttributeError
            If there is nothing of that name.
        NotUniqueNodeError
            If there are several at the shallowest depth.

        Examples
        --------
        >>> from xpet.tree import Root
        >>> traj = Root("study")
        >>> _ = traj.f_add_parameter("cell.tau", 20.0)
        >>> traj.f_get("tau")
        <Parameter parameters.cell.tau: 20.0>
        """
        if auto_load and not with_links:
            raise ValueError("`auto_load=True` follows links; it cannot go with `with_links=False`.")
        node = lookup.find(self, name, lookup.Search(shortcuts, max_depth, with_links))
        return node.f_fast_access() if fast_access else node

    def f_get_default(
        self,
        name: str | int,
        default: Any = None,
        fast_access: bool = True,
        with_links: bool = True,
        shortcuts: bool = True,
        max_depth: int | None = None,
        auto_load: bool = False,
    ) -> Any:
        """Like :meth:`f_get`, but gives `default` if the name is not found, or not unique.

        A store that cannot be read is an error all the same.
        """
        try:
            return self.f_get(name, fast_access, with_links, shortcuts, max_depth, auto_load)
        except (AttributeError, DataNotInStorageError):
            return default

    def f_get_all(self, name: str, max_depth: int | None = None, shortcuts: bool = True) -> list[Node]:
        """Every node whose path matches `name`, from the deepest search start upwards; links are ignored."""
        return lookup.find_all(self, name, max_depth, shortcuts)

    def f_contains(
        self, item: object, with_links: bool = True, shortcuts: bool = False, max_depth: int | None = None
    ) -> bool:
        """Whether a node, or something of that name, is below this group."""
        return lookup.contains(self, item, lookup.Search(shortcuts, max_depth, with_links))

    # ------------------------------------------------------------- iteration

    def f_iter_nodes(
        self,
        recursive: bool = True,
        with_links: bool = True,
        max_depth: int | None = None,
        predicate: Predicate = None,
    ) -> Iterator[Node]:
        """Iterate over the nodes below, breadth first.

        Parameters
        ----------
        recursive
            Whether to go beyond the children.
        with_links
            Whether to follow links; each linked node is visited once.
        max_depth
            How deep to go.
        predicate
            A function of a node; what it refuses is left out with all that is below. Or a tuple of runs, by index or
            name: only their nodes and those that belong to no run.
        """
        return walking.iter_nodes(self, recursive, with_links, max_depth, predicate)

    def f_iter_leaves(self, with_links: bool = True) -> Iterator[Leaf]:
        """Iterate over the leaves below, breadth first."""
        nodes = walking.iter_nodes(self, True, with_links, None, None)
        return (node for node in nodes if isinstance(node, Leaf))

    def f_to_dict(
        self,
        fast_access: bool = False,
        short_names: bool = False,
        nested: bool = False,
        copy: bool = True,
        with_links: bool = True,
    ) -> dict[str, Any]:
        """The leaves below as a dictionary.

        Parameters
        ----------
        fast_access
            Values instead of leaves.
        short_names
            Keys are names instead of paths; a clash raises ``ValueError``.
        nested
            Groups are dictionaries.
        copy
            Must be true together with any of these.
        with_links
            Whether to follow links.

        Examples
        --------
        >>> from xpet.tree import Root
        >>> traj = Root("study")
        >>> _ = traj.f_add_parameter("cell.tau", 20.0)
        >>> traj.f_to_dict(fast_access=True)
        {'parameters.cell.tau': 20.0}
        """
        if not copy and (fast_access or short_names or nested):
            raise ValueError("`copy=False` cannot go with `fast_access`, `short_names` or `nested`.")
        return walking.to_dict(self, fast_access, short_names, nested, with_links)

    def f_get_parent(self) -> Group:
        """The group above."""
        if self.v_parent is None:
            raise TypeError("The root has no parent.")
        return self.v_parent

    # ---------------------------------------------------- adding and removing

    def f_add_group(self, *args: Any, **kwargs: Any) -> Group:
        """Add a group below this one: a path, or a group that is not in a tree yet; see also ``comment=``."""
        group: Group = adding.add_group(self, None, args, kwargs)
        return group

    def f_add_leaf(self, *args: Any, **kwargs: Any) -> Any:
        """Add a leaf below this group, at exactly this place: the run is never inserted into the path."""
        return adding.add_leaf(self, None, args, kwargs)

    def f_add_link(self, name_or_item: str | Node, full_name_or_item: str | Node | None = None) -> Node:
        """Add a link: a second name, below this group, of a node elsewhere in the tree.

        Examples
        --------
        >>> from xpet.tree import Root
        >>> traj = Root("study")
        >>> _ = traj.f_add_parameter("cell.tau", 20.0)
        >>> _ = traj.parameters.f_add_link("membrane", "parameters.cell")
        >>> traj.membrane.tau
        20.0
        """
        return adding.add_link(self, name_or_item, full_name_or_item)

    def f_remove_link(self, name: str) -> None:
        """Remove a link; the node it leads to stays."""
        removing.remove_link(self, name)

    def f_remove_child(self, name: str, recursive: bool = False, predicate: Predicate = None) -> None:
        """Remove a child from memory.

        Raises
        ------
        ValueError
            If there is no such child.
        TypeError
            If it has children itself and not `recursive`.
        """
        removing.remove_child(self, name, recursive, predicate)

    def f_remove(self, recursive: bool = True, predicate: Predicate = None) -> None:
        """Remove this group from memory; the root stays and loses its children."""
        removing.remove(self, recursive, predicate)

    def __str__(self) -> str:
        facts = ", ".join(self._facts())
        return (
            f"{type(self).__name__} {self.v_full_name or self.v_name}{f' ({facts})' if facts else ''}: "
            f"{walking.group_text(self)}"
        )

    def __repr__(self) -> str:
        return f"<{self}>"

    def _facts(self) -> list[str]:
        return [f"`{self.v_comment}`"] if self.v_comment else []
