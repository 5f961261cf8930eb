"""The children of a group, and walks over all that is below it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from itertools import islice
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

from xpet.names import in_run

if TYPE_CHECKING:
    from xpet.tree.group import Group, Predicate
    from xpet.tree.node import Node

MAX_SHOWN = 6
MAX_LOOKED_AT = 1000
"""How many children of a group a person is offered; a million runs would only be in the way."""


def child(group: Group, name: str, with_links: bool = True) -> Node | None:
    """The child of that name, from memory, through a link, or from the store."""
    node = group.v_nodes.get(name)
    if node is not None:
        return node
    if with_links and group.v_linked:
        node = group.v_linked.get(name)
        if node is not None:
            return node
    virtual = group.v_state.virtual
    if virtual is None:
        return None
    node = virtual.child(group, name)
    return virtual.linked(group, name) if node is None and with_links else node


def is_link(group: Group, name: str) -> bool:
    """Whether a name is that of a link of the group, in memory or in the store."""
    virtual = group.v_state.virtual
    return name in (group.v_linked or ()) or (virtual is not None and name in virtual.links(group))


def link_names(group: Group) -> list[str]:
    """The names of the links, of those too that are in the store only."""
    virtual = group.v_state.virtual
    stored = {} if virtual is None else virtual.links(group)
    return [*(group.v_linked or {}), *(name for name in stored if name not in (group.v_linked or {}))]


def child_names(group: Group, with_links: bool = True) -> Iterator[str]:
    """The names of the children."""
    yield from list(group.v_nodes)
    if with_links:
        yield from link_names(group)
    virtual = group.v_state.virtual
    if virtual is not None:
        yield from (name for name in virtual.names(group) if name not in group.v_nodes)


def children(group: Group, with_links: bool = True) -> Iterator[tuple[str, Node]]:
    """The children by name; those in the store are fetched one by one."""
    for name in child_names(group, with_links):
        node = child(group, name, with_links)
        if node is not None:
            yield name, node


def breadth_first(
    start: Group, with_links: bool, max_depth: float, keep: Callable[[Node], bool]
) -> Iterator[tuple[str, Node]]:
    """Everything below `start`, by name; what links lead to is visited once, so that cycles end."""
    targets = start.v_state.link_targets if with_links else {}
    virtual = start.v_state.virtual
    # What the links of stored runs lead to is known only when they are followed, and is made anew each time.
    any_may_be = with_links and virtual is not None and virtual.may_link
    visited = {start.v_full_name}
    level: Iterable[Group] = [start]
    depth = 1
    while depth <= max_depth:
        below: list[Group] = []
        for group in level:
            for name, node in children(group, with_links):
                if any_may_be or node in targets:
                    if node.v_full_name in visited:
                        continue
                    visited.add(node.v_full_name)
                if not keep(node):
                    continue
                yield name, node
                if node.v_is_group:
                    below.append(node)  # type: ignore[arg-type]  # a group says so itself
        if not below:
            return
        level, depth = below, depth + 1


def iter_nodes(
    group: Group, recursive: bool, with_links: bool, max_depth: int | None, predicate: Predicate
) -> Iterator[Node]:
    """See :meth:`Group.f_iter_nodes`."""
    depth = 1.0 if not recursive else float("inf") if max_depth is None else max_depth
    return (node for _, node in breadth_first(group, with_links, depth, as_filter(group, predicate)))


def as_filter(group: Group, predicate: Predicate) -> Callable[[Node], bool]:
    """A predicate as a function: a tuple of runs keeps those and what belongs to no run."""
    if predicate is None:
        return lambda node: True
    if callable(predicate):
        return predicate
    cards = group.v_state.wildcards
    wanted = {run if isinstance(run, str) else cards.run_name(run) for run in predicate}

    def keep(node: Node) -> bool:
        branch = node.v_run_branch
        return branch == "trajectory" or branch in wanted

    return keep


def to_dict(group: Group, fast_access: bool, short_names: bool, nested: bool, with_links: bool) -> dict[str, Any]:
    """See :meth:`Group.f_to_dict`."""
    if nested and short_names:
        raise ValueError("`nested=True` gives names level by level; it cannot go with `short_names=True`.")
    flat: dict[str, Any] = {}
    for leaf in group.f_iter_leaves(with_links and not group.v_is_root):
        key = leaf.v_name if short_names else leaf.v_full_name
        if key in flat and short_names:
            raise ValueError(
                f"Several leaves below {group.v_full_name or 'the root'!r} are called {key!r}; use `short_names=False`."
            )
        flat[key] = leaf.f_fast_access() if fast_access else leaf
    return nest(flat, group.v_full_name) if nested else flat


def as_namespace(group: Group) -> SimpleNamespace:
    """The tree as plain objects, of each group as many children as one can look at."""
    return SimpleNamespace(
        **{
            name: as_namespace(node) if node.v_is_group else node  # type: ignore[arg-type]  # a group says so itself
            for name, node in islice(children(group, with_links=False), MAX_LOOKED_AT)
        }
    )


def nest(flat: dict[str, Any], prefix: str) -> dict[str, Any]:
    """Dictionaries in dictionaries, by the segments of the paths beyond `prefix`."""
    out: dict[str, Any] = {}
    for path, value in flat.items():
        inner = out
        relative = path.removeprefix(prefix + ".") if prefix else path
        *groups, name = relative.split(".")
        for segment in groups:
            inner = inner.setdefault(segment, {})
        inner[name] = value
    return out


def group_text(group: Group) -> str:
    """One line about a group and its first children, as far as they are in memory."""
    shown: list[str] = []
    for name in child_names(group) if group.v_tree is not None else ():
        if len(shown) == MAX_SHOWN:
            shown.append("...")
            break
        node = group.v_nodes.get(name)
        shown.append(f"{name}: {node.f_get_class_name()}" if node is not None else name)
    return ", ".join(shown)


def is_below(node: Node, top: Group) -> bool:
    """Whether `node` is in the subtree of `top`, and not `top` itself."""
    above: Node | None = node.v_parent
    while above is not None and above is not top:
        above = above.v_parent
    return above is top


def belongs_to_other_run(node: Node, run: int) -> bool:
    """Whether `node` lies in the group of another run than `run`."""
    return node.v_index >= 0 and node.v_index != run and in_run(node.v_template)
