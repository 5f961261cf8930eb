"""``group.name = value``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from xpet.names import split_path
from xpet.tree import adding, lookup
from xpet.tree.leaf import Leaf
from xpet.tree.node import Node, put
from xpet.tree.result import Result

if TYPE_CHECKING:
    from xpet.tree.group import Group


def keep_private(group: Group, name: str, value: object) -> None:
    """Set an attribute that is no node, where a class of the user's has room for it."""
    try:
        put(group, name, value)
    except AttributeError:
        raise AttributeError(
            f"A {type(group).__name__} has no room for {name!r}, which would not travel to the runs; hand it to the "
            "job, or add it as config."
        ) from None


def assign(group: Group, name: str | int, value: object) -> None:
    """Give an existing leaf a value, or add a node, or link one that is in the tree."""
    if isinstance(value, Node):
        if value.v_parent is not None or value.v_is_root:
            adding.add_link(group, str(name), value)
        else:
            _add(group, str(name), value)
        return
    node = lookup.default(group, name)
    if not isinstance(node, Leaf):
        raise AttributeError(
            f"{node.v_full_name!r} is a group and takes no value; to add a leaf use one of the `f_add_...` methods."
        )
    if isinstance(node, Result) and not (node.f_is_empty() or node.f_supports_fast_access()):
        raise AttributeError(
            f"The result {node.v_full_name!r} has the items {list(node)}, so one value cannot replace them; "
            "set its items one by one."
        )
    leaf: Any = node
    leaf.f_set(value)


def assign_path(group: Group, path: str | int, value: object) -> None:
    """Like `assign` for a dotted path."""
    *groups, name = split_path(path)
    start: Any = lookup.default(group, tuple(groups)) if groups else group
    if start.v_is_group:
        assign(start, name, value)
    elif isinstance(start, Result):
        start.f_set_single(name, value)
    else:
        raise AttributeError(f"{start.v_full_name!r} is a parameter, so nothing can be set below it.")


def _add(group: Group, name: str, node: Node) -> None:
    own = node.v_template
    if not own:
        put(node, "v_template", name)
    elif own != name and not own.startswith(name + "."):
        raise AttributeError(
            f"A node called {own!r} cannot be added as {name!r}; give it the name '' or one that starts with {name!r}."
        )
    adding.add_instance(group, node)
