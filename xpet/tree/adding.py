"""Adding leaves, groups and links."""

from __future__ import annotations

import inspect
import warnings
from typing import TYPE_CHECKING, Any

from xpet.names import BRANCHES, check_names
from xpet.tree import lookup
from xpet.tree.leaf import Leaf
from xpet.tree.node import Node, put
from xpet.tree.placement import BRANCH_RULES, Branch, Placement, place
from xpet.tree.result import Result, quick_result
from xpet.tree.state import Plan
from xpet.tree.walking import child, is_link

if TYPE_CHECKING:
    from xpet.tree.group import Group
    from xpet.tree.state import TreeState


def add_result(group: Group, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """Add a result; in a run this is the short way for names that were added in a run before."""
    tree = group.v_state
    if tree.is_run and len(args) == 2:
        plan = tree.plans.get((group, args[0])) if type(args[0]) is str else None
        if plan is not None and (not kwargs or (len(kwargs) == 1 and "comment" in kwargs)):
            parent = tree.run_groups.get(plan.parent_template)
            if parent is None:
                parent = _run_group(tree, plan.parent_template)
            if plan.name not in parent.v_nodes:
                return _quick_result(tree, parent, plan, args[1], kwargs.get("comment", ""))
    return add_leaf(group, BRANCH_RULES["results"], args, kwargs)


def _quick_result(tree: TreeState, parent: Group, plan: Plan, value: object, comment: str) -> Result:
    if tree.check is not None:
        tree.check(plan.template, value)
    name = plan.name
    leaf = quick_result(parent, plan.template, tree.run, value, comment)
    parent.v_nodes[name] = leaf
    tree.added.append(leaf)
    overlay = tree.overlay
    if name in overlay:
        overlay[name].append(leaf)
    else:
        overlay[name] = [leaf]
    tree.found.pop(name, None)
    if parent.v_node_lasts:
        tree.attached.append((parent, name))
    return leaf


def _run_group(tree: TreeState, template: str) -> Group:
    """The group of that template in the current run; made if need be."""
    base = tree.bases.get(template)
    if base is None:
        base = tree.bases[template] = _base(tree, template)
    group, segments = base
    for segment in segments:
        group = _step(group, segment, tree.run, lasting=False)
    tree.run_groups[template] = group
    return group


def _base(tree: TreeState, template: str) -> tuple[Group, tuple[str, ...]]:
    """The part of a path that outlives the run, as a group, and the segments beyond."""
    group: Group = tree.root
    segments = template.split(".")
    wild = next((i for i, segment in enumerate(segments) if segment[0] == "$"), 1)
    for segment in segments[:wild]:
        group = _step(group, segment, tree.run, lasting=True)
    return group, tuple(segments[wild:])


def _step(group: Group, segment: str, index: int, lasting: bool) -> Group:
    """The child group for a segment of a template; made if need be."""
    tree = group.v_state
    name = tree.wildcards.segment(segment, index)
    node = group.v_nodes.get(name)
    if node is None:
        if is_link(group, name):
            raise AttributeError(f"Nothing can be added through the link {name!r} of {group.v_full_name!r}.")
        if not tree.is_run and (node := child(group, name)) is not None:
            pin(group, name, node)
    if node is None:
        wild = segment[0] == "$" or group.v_index >= 0
        node = tree.new_group(group, segment, index if wild else -1, lasting or not tree.is_run)
        tree.register(group, name, node, lasting)
    if not node.v_is_group:
        raise AttributeError(f"{node.v_full_name!r} is a leaf, so nothing can be added below it.")
    return node  # type: ignore[return-value]  # a group says so itself


def pin(parent: Group, name: str, node: Node) -> None:
    """Keep in memory what was shown from the store."""
    _keep(parent)
    parent.v_state.register(parent, name, node, lasting=True)


def _keep(group: Group) -> None:
    """Keep a group in memory, before something is entered below it."""
    if group.v_parent is not None and group.v_name not in group.v_parent.v_nodes:
        pin(group.v_parent, group.v_name, group)


def add_leaf(group: Group, branch: Branch | None, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """Add a leaf: an instance, a class with name and arguments, or a name with arguments for the standard class."""
    instance, kind, name, args, kwargs = _read(args, kwargs)
    if instance is not None:
        if not isinstance(instance, Leaf):
            raise TypeError(f"{instance!r} is no parameter and no result; add groups with `f_add_group`.")
        return _insert(group, branch, instance)
    placement = place(group, name, branch)
    if (there := _there(group, placement)) is not None:
        return there
    tree = group.v_state
    rule = _rule(group, placement)
    if kind is None:
        kind = _standard(tree, rule, generic=branch is None)
    leaf = _finish(group, placement, kind(_path(group, placement), *args, **kwargs))
    if placement.always and tree.is_run and branch is not None and kind is Result:
        _plan(group, name, leaf)
    return leaf


def _plan(group: Group, name: str, leaf: Leaf) -> None:
    parent, _, key = leaf.v_template.rpartition(".")
    if key[0] != "$":
        group.v_state.plans[group, name] = Plan(parent, leaf.v_template, key)


def _standard(tree: TreeState, rule: Branch | None, generic: bool) -> type[Any]:
    if rule is None:
        return tree.standard_leaf
    return tree.standard_parameter if rule.parameters else tree.standard_result


def _rule(group: Group, placement: Placement) -> Branch | None:
    return BRANCH_RULES.get(group.v_branch or placement.segments[0])


def add_group(group: Group, branch: Branch | None, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """Add a group: an instance, a class with a name, or a name."""
    instance, kind, name, args, kwargs = _read(args, kwargs)
    if instance is not None:
        if not instance.v_is_group:
            raise TypeError(f"{instance!r} is a leaf; add it with `f_add_leaf`.")
        return _insert(group, branch, instance)
    placement = place(group, name, branch)
    if (there := _there(group, placement)) is not None:
        return there
    tree = group.v_state
    rule = _rule(group, placement)
    if kind is None:
        kind = tree.group_classes[rule.name if rule else ""]
    comment = kwargs.pop("comment", args[0] if args else "")
    return _finish(group, placement, kind(_path(group, placement), comment=comment, **kwargs))


def add_instance(group: Group, node: Node) -> Any:
    """Add a node that is in no tree yet, exactly where its name says."""
    return _insert(group, None, node)


def _insert(group: Group, branch: Branch | None, node: Node) -> Any:
    if node.v_parent is not None or node.v_is_root:
        raise ValueError(
            f"{node.v_full_name!r} is in a tree already; remove it there first, or link it with `f_add_link`."
        )
    if not node.v_template:
        raise ValueError("The node has no name; give its constructor the path where it belongs.")
    placement = place(group, node.v_template, branch)
    classes = group.v_state.group_classes
    rule = _rule(group, placement)
    if node.v_is_group and type(node) in classes.values():
        expected = classes[rule.name if rule else ""]
        if type(node) is not expected:
            raise TypeError(
                f"A {type(node).__name__} cannot be added to {rule.name if rule else 'the trajectory'!r}; "
                f"use a {expected.__name__}."
            )
    there = _there(group, placement)
    return _finish(group, placement, node) if there is None else there


def _read(args: tuple[Any, ...], kwargs: dict[str, Any]) -> tuple[Any, Any, str, tuple[Any, ...], dict[str, Any]]:
    """Tell the call forms apart: (instance, class, name, further arguments)."""
    kwargs = dict(kwargs)
    kind = None
    if args and isinstance(args[0], Node):
        return args[0], None, "", args[1:], kwargs
    if args and inspect.isclass(args[0]):
        kind, args = args[0], args[1:]
    if "full_name" in kwargs:
        name = kwargs.pop("full_name")
    elif args and isinstance(args[0], str):
        name, args = args[0], args[1:]
    elif "name" in kwargs:
        name = kwargs.pop("name")
    else:
        name = ""
    if not isinstance(name, str) or not name:
        raise ValueError("A new node needs a name: give its path as the first argument, or a node that has one.")
    return None, kind, name, args, kwargs


def _there(group: Group, placement: Placement) -> Node | None:
    """What is already where a node is to go, if that is to be kept; ``None`` if there is nothing."""
    tree = group.v_state
    node: Node | None = group
    for name in _names(group, placement):
        if node is None:
            break
        if not node.v_is_group:
            raise AttributeError(f"{node.v_full_name!r} is a leaf, so nothing can be added below it.")
        above: Group = node  # type: ignore[assignment]  # a group says so itself
        if is_link(above, name):
            raise AttributeError(
                f"{name!r} is a link of {above.v_full_name or 'the trajectory'!r}; nothing can be added there, "
                "add it where the link leads."
            )
        node = child(above, name)
    if node is None:
        return None
    if tree.no_clobber:
        warnings.warn(f"{node.v_full_name!r} exists and is kept; what was to be added is dropped.", stacklevel=5)
        return node
    raise AttributeError(
        f"{node.v_full_name!r} exists already; remove it first with `f_remove_item`, or set its value."
    )


def _path(group: Group, placement: Placement) -> str:
    """The path that a constructor is told."""
    return ".".join([*([group.v_full_name] if group.v_template else []), *_names(group, placement)])


def _names(group: Group, placement: Placement) -> list[str]:
    cards = group.v_state.wildcards
    return [cards.segment(segment, placement.run) for segment in placement.segments]


def _finish(group: Group, placement: Placement, node: Any) -> Any:
    """Make the groups above, and enter the node."""
    tree = group.v_state
    *above, last = placement.segments
    base = group.v_template.count("$")
    wild = next((i for i, segment in enumerate(placement.segments) if segment[0] == "$"), -1)
    parent = group
    _keep(parent)
    for position, segment in enumerate(above):
        lasting = not tree.is_run or (not base and (position < wild or _is_branch(parent, segment)))
        parent = _step(parent, segment, placement.run, lasting)
    template = f"{parent.v_template}.{last}" if parent.v_template else last
    index = placement.run if "$" in template else -1
    lasting = not tree.is_run or _is_branch(parent, last)
    if node.v_is_group:
        node.f_place(parent, template, index, lasting)
    else:
        node.f_place(parent, template, index)
        _check(tree, node)
    tree.register(parent, tree.wildcards.segment(last, placement.run), node, lasting)
    if not node.v_is_group:
        _apply_preset(tree, node)
        if tree.is_run:
            tree.added.append(node)
    return node


def _is_branch(parent: Group, segment: str) -> bool:
    return parent.v_is_root and segment in BRANCHES


def _check(tree: TreeState, leaf: Leaf) -> None:
    """Ask for the values that a leaf brings along, before it is entered."""
    if tree.check is not None:
        try:
            for value in leaf.f_items().values():
                tree.check(leaf.v_template, value)
        except BaseException:
            put(leaf, "v_parent", None)
            raise


def _apply_preset(tree: TreeState, leaf: Any) -> None:
    preset = tree.presets.pop(leaf.v_full_name, None) if tree.presets else None
    if preset is not None:
        leaf.f_set(*preset[0], **preset[1])


def add_link(group: Group, name_or_item: str | Node, full_name_or_item: str | Node | None) -> Node:
    """See :meth:`Group.f_add_link`."""
    tree = group.v_state
    if isinstance(name_or_item, Node):
        name, target = name_or_item.v_name, full_name_or_item or name_or_item
    elif full_name_or_item is None:
        name, target = name_or_item.rpartition(".")[2], name_or_item
    else:
        name, target = name_or_item, full_name_or_item
    if not isinstance(target, Node):
        target = lookup.find(tree.root, target, lookup.Search(True, None, True))
    name = tree.wildcards.translate(name)
    check_names(name.split("."), f"The link {name!r}")
    *above, name = name.split(".")
    _keep(group)
    for segment in above:
        group = _step(group, segment, -1, lasting=not tree.is_run)
    _check_link(group, name, target)
    if group.v_linked is None:
        put(group, "v_linked", {})
    group.v_linked[name] = target  # type: ignore[index]  # made above
    tree.count_link(name, target, 1)
    if tree.is_run and group.v_node_lasts:
        tree.attached.append((group, name))
    return target


def _check_link(group: Group, name: str, target: Node) -> None:
    tree = group.v_state
    if target.v_is_root:
        raise ValueError("The root cannot be linked.")
    if target.v_tree is not tree:
        raise ValueError(f"{target.v_full_name!r} is not in this tree and cannot be linked here; add it first.")
    if group.v_is_root and name in BRANCHES:
        raise ValueError(f"{name!r} is a branch of the trajectory; choose another name for the link.")
    if child(group, name) is not None:
        raise AttributeError(f"{name!r} exists already below {group.v_full_name or 'the trajectory'!r}.")
