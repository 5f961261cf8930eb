"""Taking nodes out of memory."""

from __future__ import annotations

from typing import TYPE_CHECKING

from xpet.names import split_path
from xpet.tree.guard import check_own, check_own_link
from xpet.tree.node import Node
from xpet.tree.walking import as_filter, child, is_link

if TYPE_CHECKING:
    from xpet.tree.group import Group, Predicate


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
    if not node.v_is_group:
        if predicate is None or as_filter(group, predicate)(node):
            _drop(group, name, node)
        return
    if not recursive and (node.v_nodes or node.v_linked):  # type: ignore[attr-defined]  # a group
        raise TypeError(f"The group {node.v_full_name!r} has children; remove it with `recursive=True`.")
    _drop_subtree(group, name, node, predicate)  # type: ignore[arg-type]  # a group


def _drop_subtree(parent: Group, name: str, group: Group, predicate: Predicate) -> bool:
    """Remove what the predicate selects; the group itself goes if nothing is left in it."""
    keep_going = as_filter(group, predicate)
    for key, node in list(group.v_nodes.items()):
        if node.v_is_group:
            _drop_subtree(group, key, node, predicate)  # type: ignore[arg-type]  # a group
        elif keep_going(node):
            _drop(group, key, node)
    if group.v_nodes or (predicate is not None and not keep_going(group)):
        return False
    for key in list(group.v_linked or ()):
        remove_link(group, key)
    _drop(parent, name, group)
    return True


def _drop(parent: Group, name: str, node: Node) -> None:
    check_own(node, "removed")
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
        for name in list(group.v_nodes):
            remove_child(group, name, True, predicate)
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
