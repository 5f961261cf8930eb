"""What groups and leaves have in common: a place, a comment, annotations."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any, ClassVar

from xpet.names import checked_text, in_run
from xpet.tree.annotations import Annotations, SealedAnnotations
from xpet.tree.guard import check_own, is_from_before

if TYPE_CHECKING:
    from xpet.tree.group import Group
    from xpet.tree.state import TreeState

put = object.__setattr__
"""Sets a slot past the ``__setattr__`` by which groups and results give attributes to the user."""


class Node:
    """A node of the tree: a group or a leaf.

    Natural naming leaves only prefixed names to us. ``v_tree``, ``v_parent``, ``v_template``, ``v_index`` are for
    the package; users read the others.
    """

    __slots__ = ("_annotations", "_comment", "v_index", "v_parent", "v_template")

    v_parent: Group | None
    v_template: str
    v_index: int
    _comment: str
    _annotations: Annotations | None

    v_is_leaf: ClassVar[bool] = False
    v_is_group: ClassVar[bool] = False
    v_is_root: ClassVar[bool] = False

    def __setstate__(self, state: tuple[dict[str, Any] | None, dict[str, Any]]) -> None:
        for attributes in state:
            for name, value in (attributes or {}).items():
                put(self, name, value)

    @property
    def v_tree(self) -> TreeState | None:
        """The state that all nodes of one tree share; ``None`` outside a tree."""
        parent = self.v_parent
        return None if parent is None else parent.v_tree

    @property
    def v_full_name(self) -> str:
        """The path from the root; empty for the root itself."""
        template = self.v_template
        if "$" not in template:
            return template
        tree = self.v_tree
        return template if tree is None else tree.wildcards.expand(template, self.v_index)

    @property
    def v_name(self) -> str:
        """The last segment of the path."""
        name = self.v_template.rpartition(".")[2]
        tree = self.v_tree if name[:1] == "$" else None
        return name if tree is None else tree.wildcards.segment(name, self.v_index)

    @property
    def v_location(self) -> str:
        """The path without the last segment."""
        return self.v_full_name.rpartition(".")[0]

    @property
    def v_depth(self) -> int:
        """The number of segments of the path; 0 for the root."""
        return self.v_template.count(".") + 1 if self.v_template else 0

    @property
    def v_branch(self) -> str | None:
        """The first segment of the path; ``None`` for the root."""
        return self.v_template.partition(".")[0] or None

    @property
    def v_run(self) -> int | None:
        """The run to whose group the node belongs, or ``None``."""
        return self.v_index if self.v_index >= 0 and in_run(self.v_template) else None

    @property
    def v_run_branch(self) -> str:
        """The name of the run to whose group the node belongs, or ``'trajectory'``."""
        tree, run = self.v_tree, self.v_run
        return "trajectory" if tree is None or run is None else tree.wildcards.run_name(run)

    @property
    def v_comment(self) -> str:
        """What the node is about, in words."""
        return self._comment

    @v_comment.setter
    def v_comment(self, comment: object) -> None:
        check_own(self, "commented")
        put(self, "_comment", checked_text(comment, f"The comment of {self.v_full_name!r}"))

    @property
    def v_annotations(self) -> Annotations:
        """Notes of any type; see :class:`Annotations`."""
        if self._annotations is None:
            put(self, "_annotations", Annotations())
        notes: Annotations = self._annotations  # type: ignore[assignment]  # set above, past the type checker
        return SealedAnnotations(notes, partial(check_own, self, "annotated")) if is_from_before(self) else notes

    def f_set_annotations(self, *args: object, **kwargs: object) -> None:
        """Set annotations; see :meth:`Annotations.f_set`."""
        self.v_annotations.f_set(*args, **kwargs)

    def f_get_annotations(self, *names: str | int) -> Any:
        """Get annotations; see :meth:`Annotations.f_get`."""
        return self.v_annotations.f_get(*names)

    def f_notes(self) -> dict[str, Any]:
        """The annotations by name, for the package; unlike `v_annotations` it makes nothing where there are none."""
        return {} if self._annotations is None else self._annotations.f_to_dict()

    def f_ann_to_str(self) -> str:
        """All annotations as one line."""
        return "" if self._annotations is None else self._annotations.f_ann_to_str()

    def f_get_class_name(self) -> str:
        """The name of the class."""
        return type(self).__name__

    def f_fast_access(self) -> Any:
        """What fast access gives: the value of a leaf that has a single one, else the node itself."""
        return self

    @property
    def vars(self) -> Prefixless:
        """The ``v_`` attributes without their prefix: ``node.vars.name`` is ``node.v_name``."""
        return Prefixless(self, "v_")

    @property
    def func(self) -> Prefixless:
        """The ``f_`` methods without their prefix: ``node.func.get`` is ``node.f_get``."""
        return Prefixless(self, "f_")


class Prefixless:
    """The prefixed attributes of a node without their prefix."""

    __slots__ = ("_node", "_prefix")

    def __init__(self, node: Node, prefix: str) -> None:
        put(self, "_node", node)
        put(self, "_prefix", prefix)

    def _full(self, name: str) -> str:
        full = name if name.startswith(self._prefix) else self._prefix + name
        if name.startswith("_") or not hasattr(type(self._node), full):
            raise AttributeError(f"{type(self._node).__name__} has no attribute {full!r}.")
        return full

    def __getattr__(self, name: str) -> Any:
        return getattr(self._node, self._full(name))

    def __setattr__(self, name: str, value: object) -> None:
        setattr(self._node, self._full(name), value)

    def __dir__(self) -> list[str]:
        return [name.removeprefix(self._prefix) for name in dir(type(self._node)) if name.startswith(self._prefix)]
