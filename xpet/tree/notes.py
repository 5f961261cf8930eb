"""What groups that a run made say of themselves, on its way to the store."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from xpet.tree.backing import LINKS, SAID

if TYPE_CHECKING:
    from collections.abc import Iterable

    from xpet.tree.group import Group


class GroupNote:
    """A group of a run as a run leaves it: like a leaf, with what the group says as its items."""

    __slots__ = ("_items", "v_class_name", "v_template")
    v_kind = "group"
    v_comment = ""

    def __init__(self, group: Group) -> None:
        self.v_template = group.v_template
        self.v_class_name = type(group).__name__
        notes = group.f_notes()
        self._items: dict[str, Any] = {}
        if group.v_comment or notes:
            self._items[SAID] = {"comment": group.v_comment, "annotations": notes}
        if group.v_linked:
            self._items[LINKS] = {name: target.v_full_name for name, target in group.v_linked.items()}

    def f_notes(self) -> dict[str, Any]:
        """None: what the group says are its items."""
        return {}

    def f_items(self) -> dict[str, Any]:
        """What the group says."""
        return self._items


def notes_of(groups: Iterable[Group]) -> list[GroupNote]:
    """The notes of those groups that say something."""
    return [GroupNote(group) for group in groups if group.v_comment or group.v_linked or group.f_ann_to_str()]
