"""What a run must not do to the tree: others see it too, and in no order."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar, cast

if TYPE_CHECKING:
    from xpet.tree.group import Group
    from xpet.tree.node import Node

Method = TypeVar("Method", bound=Callable[..., Any])

NOT_IN_RUN: set[str] = set()


def not_in_run(method: Method) -> Method:
    """Make a method of the root raise ``TypeError`` during a run."""
    name = method.__name__
    NOT_IN_RUN.add(name)

    def guarded(self: Any, *args: Any, **kwargs: Any) -> Any:
        if self.v_state.is_run:
            raise TypeError(
                f"`{name}` is not available during a single run, here run {self.v_state.run} of {self.v_name!r}; "
                "call it before or after the runs."
            )
        return method(self, *args, **kwargs)

    guarded.__name__, guarded.__qualname__ = name, method.__qualname__
    guarded.__doc__, guarded.__wrapped__ = method.__doc__, method  # type: ignore[attr-defined]  # as functools.wraps
    guarded.__module__ = method.__module__
    return cast(Method, guarded)


def is_from_before(node: Node) -> bool:
    """Whether a run is going on, and the node is none that this run added."""
    tree = node.v_tree
    if tree is None or not tree.is_run:
        return False
    group: Group | None = node if node.v_is_group else node.v_parent  # type: ignore[assignment]  # a group says so itself
    if group is None or not group.v_node_lasts:
        return False
    return node.v_is_group or not any(node is leaf for leaf in tree.added)


def check_own(node: Node, verb: str, error: type[TypeError] = TypeError) -> None:
    """Refuse to change in a run what was there before it."""
    if is_from_before(node):
        raise error(_refusal(node, node.v_full_name or "the trajectory", verb))


def check_own_link(group: Group, name: str) -> None:
    """Refuse to remove in a run a link that was there before it."""
    if is_from_before(group) and not any(key == name and other is group for other, key in group.v_state.attached):
        raise TypeError(_refusal(group, f"{group.v_full_name}.{name}".lstrip("."), "removed"))


def _refusal(node: Node, what: str, verb: str) -> str:
    run = node.v_tree.run if node.v_tree is not None else -1
    return (
        f"{what!r} was there before the runs, which share it, and cannot be {verb} in one, here run {run}; do it "
        "before or after the runs, or add a result instead."
    )
