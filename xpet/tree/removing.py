"""Taking nodes out of memory."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, TypeAlias

from xpet.names import split_path
from xpet.tree.guard import check_own, check_own_link
from xpet.tree.node import Node
from xpet.tree.walking import as_filter, child, is_link

if TYPE_CHECKING:
    from xpet.tree.group import Group, Predicate

_Place: TypeAlias = "tuple[Group, str, Node]"


def remove_child(group: Group, name: str, recursive: bool, predicate: Predicate) -> None:
    """See :meth:`Group.f_remove_child`."""
    name = group.v_state.wildcards.translate(name)
    if group.v_linked and name in group.v_linked:
        remove_link(group, name)
        return
    node = group.v_nodes.get(name)
    if node is None:
        stored = child(group, name) is not None
        raise ValueError(
            f"{name!r} is no child of {group.v_full_name or 'the trajectory'!r} that is in memory"
            f"{'; it is in the store only' if stored else ''}."
        )
    if node.v_is_group and not recursive and (node.v_nodes or node.v_linked):  # type: ignore[attr-defined]  # a group
        raise TypeError(f"The group {node.v_full_name!r} has children; remove it with `recursive=True`.")
    _drop_all(_selected(group, name, node, as_filter(group, predicate)))


def _selected(parent: Group, name: str, node: Node, selects: Callable[[Node], bool]) -> list[_Place]:
    """What goes of a subtree, from below: leaves that are selected, and groups in which nothing is left."""
    if not node.v_is_group:
        return [(parent, name, node)] if selects(node) else []
    group: Group = node  # type: ignore[assignment]  # a group says so itself
    found: list[_Place] = []
    stays = False
    for key, below in group.v_nodes.items():
        gone = _selected(group, key, below, selects)
        found += gone
        stays = stays or not gone or gone[-1][2] is not below
    if not stays and selects(group):
        found.append((parent, name, group))
    return found


def _drop_all(places: list[_Place]) -> None:
    """Take nodes out of the tree, all or none of them."""
    for _, _, node in places:
        check_own(node, "removed")
    for parent, name, node in places:
        for key in list(node.v_linked or ()) if node.v_is_group else ():  # type: ignore[attr-defined]  # a group
            remove_link(node, key)  # type: ignore[arg-type]  # ditto
        _drop(parent, name, node)


def _drop(parent: Group, name: str, node: Node) -> None:
    tree = parent.v_state
    del parent.v_nodes[name]
    tree.attached = [(group, key) for group, key in tree.attached if not (group is parent and key == name)]
    tree.unregister(name, node)
    if tree.link_names:
        remove_links_to(tree.root, node)


def remove_links_to(group: Group, target: Node) -> None:
    """Remove every link that leads to `target`."""
    for name, node in list((group.v_linked or {}).items()):
        if node is target:
            remove_link(group, name)
    for node in group.v_nodes.values():
        if node.v_is_group:
            remove_links_to(node, target)  # type: ignore[arg-type]  # a group


def remove_link(group: Group, name: str) -> None:
    """See :meth:`Group.f_remove_link`."""
    if not group.v_linked or name not in group.v_linked:
        stored = is_link(group, name)
        raise ValueError(
            f"{name!r} is no link of {group.v_full_name or 'the trajectory'!r} that is in memory"
            f"{'; it is in the store only' if stored else ''}."
        )
    check_own_link(group, name)
    tree = group.v_state
    tree.count_link(name, group.v_linked.pop(name), -1)


def remove(group: Group, recursive: bool, predicate: Predicate) -> None:
    """See :meth:`Group.f_remove`."""
    if group.v_parent is None:
        if not recursive:
            raise ValueError("The root cannot be removed, only all that is below it: use `recursive=True`.")
        selects = as_filter(group, predicate)
        _drop_all([place for key, node in group.v_nodes.items() for place in _selected(group, key, node, selects)])
        return
    remove_child(group.v_parent, group.v_name, recursive, predicate)


def remove_item(root: Group, item: str | Node, recursive: bool) -> None:
    """Remove a node, given itself or by its path; the groups above it stay."""
    if isinstance(item, Node):
        node = item
    else:
        node = root.f_get(item)
        linked = any(key in root.v_state.link_names for key in map(str, split_path(item)))
        if linked and root.f_get_default(item, fast_access=False, with_links=False) is not node:
            raise RuntimeError(f"{item!r} leads over a link; remove the link itself with `f_remove_link`.")
    if node.v_parent is None:
        raise ValueError("The root cannot be removed.")
    remove_child(node.v_parent, node.v_name, recursive, None)
