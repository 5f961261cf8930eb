"""The children of a group, by name and by kind."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import islice

from xpet.tree import walking
from xpet.tree.group import Group
from xpet.tree.leaf import Leaf
from xpet.tree.node import Node


class Children(Group):
    """A group that tells its children."""

    __slots__ = ()

    def f_get_children(self, copy: bool = True) -> dict[str, Node]:
        """The children by name, links included."""
        return dict(walking.children(self))

    def f_get_groups(self, copy: bool = True) -> dict[str, Group]:
        """The groups among the children, by name; those linked to are not among them."""
        found = walking.children(self, with_links=False)
        return {name: node for name, node in found if isinstance(node, Group)}

    def f_get_leaves(self, copy: bool = True) -> dict[str, Leaf]:
        """The leaves among the children, by name; those linked to are not among them."""
        found = walking.children(self, with_links=False)
        return {name: node for name, node in found if isinstance(node, Leaf)}

    def f_get_links(self, copy: bool = True) -> Mapping[str, Node]:
        """The nodes linked to, by the name of the link."""
        found = {name: walking.child(self, name) for name in walking.link_names(self)}
        return {name: node for name, node in found.items() if node is not None}

    def f_children(self) -> int:
        """The number of children, links included."""
        return sum(1 for _ in walking.child_names(self))

    def f_groups(self) -> int:
        """The number of groups among the children."""
        return len(self.f_get_groups())

    def f_leaves(self) -> int:
        """The number of leaves among the children."""
        return len(self.f_get_leaves())

    def f_links(self) -> int:
        """The number of links."""
        return len(walking.link_names(self))

    def f_has_children(self) -> bool:
        """Whether there are children."""
        return next(iter(walking.child_names(self)), None) is not None

    def f_has_groups(self) -> bool:
        """Whether there are groups among the children."""
        return any(node.v_is_group for _, node in walking.children(self, with_links=False))

    def f_has_leaves(self) -> bool:
        """Whether there are leaves among the children."""
        return any(node.v_is_leaf for _, node in walking.children(self, with_links=False))

    def f_has_links(self) -> bool:
        """Whether there are links."""
        return bool(walking.link_names(self))

    def f_dir_data(self) -> list[str]:
        """The names of the children."""
        return list(walking.child_names(self))

    def __dir__(self) -> list[str]:
        return sorted({*super().__dir__(), *self._offered()})

    def _ipython_key_completions_(self) -> list[str]:
        """What IPython offers for ``group["<tab>``; it asks for it by this name."""
        return self._offered()

    def _offered(self) -> list[str]:
        return list(islice(walking.child_names(self), walking.MAX_LOOKED_AT))
