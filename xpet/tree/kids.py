"""The children of a group, and nothing but them, as attributes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from xpet.tree import lookup, setting, walking
from xpet.tree.node import put

if TYPE_CHECKING:
    from xpet.tree.group import Group


class Kids:
    """The children of a group as attributes."""

    __slots__ = ("_group",)

    def __init__(self, group: Group) -> None:
        put(self, "_group", group)

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_"):
            raise AttributeError(f"No child is called {name!r}: names of nodes do not start with an underscore.")
        return lookup.find(self._group, name, lookup.Search(False, None, True))

    def __setattr__(self, name: str, value: object) -> None:
        setting.assign(self._group, name, value)

    def __dir__(self) -> list[str]:
        return list(walking.child_names(self._group))
