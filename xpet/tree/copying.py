"""Copies of trees."""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING, Literal

from xpet.tree.annotations import Annotations
from xpet.tree.leaf import Leaf
from xpet.tree.node import Node, put
from xpet.tree.parameter import BaseParameter

if TYPE_CHECKING:
    from xpet.tree.group import Group
    from xpet.tree.root import Root
    from xpet.tree.state import TreeState

Which = Literal["all", "none", "explored"]


def copy_tree(source: Root, target: Root, which: Which, with_links: bool) -> None:
    """Fill an empty tree with the nodes of another; a run that goes on there is not taken over."""
    old, new = source.v_state, target.v_state
    new.set_as(old)
    for name in ("length", "run", "seed", "seed_by", "seed_given", "shrunk"):
        setattr(new, name, getattr(old, name))
    if getattr(old.check, "__self__", None) is None and new.check is None:
        new.check = old.check
    new.presets = dict(old.presets)
    target.v_comment = source.v_comment
    twins: dict[int, Node] = {id(source): target}
    _annotate(source, target)
    _copy_children(source, target, which, twins)
    if with_links and old.link_names:
        _copy_links(source, twins, new)
    new.explored = {path: twins[id(parameter)] for path, parameter in old.explored.items()}  # type: ignore[misc]  # twins are of the same class
    new.explored_list = list(new.explored.values())


def _copy_children(source: Group, target: Group, which: Which, twins: dict[int, Node]) -> None:
    tree = target.v_state
    for name, node in source.v_nodes.items():
        twin: Node
        if isinstance(node, Leaf):
            twin = _copy_leaf(node, which)
            twin.f_place(target, node.v_template, node.v_index)
        else:
            group: Group = node  # type: ignore[assignment]  # what is no leaf is a group
            copied = type(group)("", None, group.v_comment)
            copied.f_place(target, group.v_template, group.v_index, True)
            _annotate(group, copied)
            _copy_children(group, copied, which, twins)
            twin = copied
        target.v_nodes[name] = twin
        tree.index.setdefault(name, []).append(twin)
        twins[id(node)] = twin


def _copy_leaf(leaf: Leaf, which: Which) -> Leaf:
    twin = copy.copy(leaf)
    if which == "all" or (which == "explored" and isinstance(leaf, BaseParameter) and leaf.v_explored):
        twin.f_unshare()
    _annotate(leaf, twin)
    return twin


def _annotate(source: Node, target: Node) -> None:
    notes = Annotations()
    notes.f_set(**source.v_annotations.f_to_dict())
    put(target, "_annotations", notes)


def _copy_links(source: Group, twins: dict[int, Node], tree: TreeState) -> None:
    twin: Group = twins[id(source)]  # type: ignore[assignment]  # the twin of a group is one
    for name, node in (source.v_linked or {}).items():
        if id(node) not in twins:
            continue  # of a run in the store, which is not copied
        if twin.v_linked is None:
            put(twin, "v_linked", {})
        twin.v_linked[name] = twins[id(node)]  # type: ignore[index]  # made above
        tree.count_link(name, twins[id(node)], 1)
    for node in source.v_nodes.values():
        if node.v_is_group:
            _copy_links(node, twins, tree)  # type: ignore[arg-type]  # a group says so itself
