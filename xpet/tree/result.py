"""Results: named values."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from xpet.names import checked_text
from xpet.tree.leaf import Leaf, shorten
from xpet.tree.node import put
from xpet.values import copy_of, shown, unlabelled

if TYPE_CHECKING:
    from xpet.tree.group import Group


class BaseResult(Leaf):
    """What all results are; a class of one's own derives from :class:`Result`.

    Examples
    --------
    >>> isinstance(Result("z", 1), BaseResult)
    True
    """

    __slots__ = ()


class Result(BaseResult):
    """A result: one value or several, each with a name.

    The first positional value has the result's own name, the next ones ``name_1``, ``name_2``, …

    Parameters
    ----------
    full_name
        The path.
    *args, **kwargs
        The values.
    comment
        What it is about.

    Examples
    --------
    >>> spikes = Result("neuron.spikes", [1.5, 2.5], count=2, comment="in ms")
    >>> spikes.count, spikes["spikes"], spikes[0], sorted(spikes)
    (2, [1.5, 2.5], [1.5, 2.5], ['count', 'spikes'])
    """

    __slots__ = ("_items",)
    _items: dict[str, Any]

    def __init__(self, full_name: str, *args: object, comment: str = "", **kwargs: object) -> None:
        super().__init__(full_name, comment)
        put(self, "_items", {})
        if args or kwargs:
            self.f_set(*args, **kwargs)

    @property
    def _data(self) -> dict[str, Any]:
        """The items; in a run, those of a result that was there before are copies for that run."""
        items = self._items if self._loader is None else self._stored()
        copies = self._copies()
        return items if copies is None else copy_of(items, copies)

    def _stored(self) -> dict[str, Any]:
        loader = self._loader
        if loader is not None:
            loaded = loader()
            put(self, "_loader", None)
            self._adopt(self._keyed(loaded))
        return self._items

    def _kept(self) -> dict[str, Any]:
        return dict(self._stored())

    def _adopt(self, items: Mapping[str, Any]) -> None:
        self._items.update(items)

    def _main(self) -> str:
        return self.v_name

    def f_take(self, items: Mapping[str, Any]) -> None:
        """Take items as :meth:`f_items` gave them."""
        super().f_take(items)
        put(self, "_items", self._keyed(self._items))

    def f_translate_key(self, key: int | str) -> str:
        """The name of an item; 0 means the result's own name, `i` means ``name_i``."""
        if isinstance(key, str):
            return key
        return self.v_name if key == 0 else f"{self.v_name}_{key}"

    def _key(self, key: int | str) -> str:
        name = self.f_translate_key(key)
        return "" if name == self.v_name else name

    def f_set(self, *args: object, **kwargs: object) -> None:
        """Set items; those without a name get theirs from the result's name and their position.

        Examples
        --------
        >>> result = Result("z")
        >>> result.f_set(1, 2, error=0.5)
        >>> result.f_to_dict()
        {'z': 1, 'z_1': 2, 'error': 0.5}
        """
        if args and not self.v_template:
            raise AttributeError("A result without a name cannot name its items; name the result or give keywords.")
        for position, value in enumerate(args):
            self.f_set_single(position, value)
        for name, value in kwargs.items():
            self.f_set_single(name, value)

    def f_set_single(self, name: int | str, item: object) -> None:
        """Set one item."""
        if name == "":
            raise AttributeError(f"An item of the result {self.v_full_name!r} has no name; give it one.")
        self._check(item)
        self._data[self._key(name)] = item
        self._note_change()

    def f_get(self, *names: int | str) -> Any:
        """The item of that name; several as a list; without a name the only item.

        Raises
        ------
        AttributeError
            If there is none of that name, or none at all.
        ValueError
            If there are several and none was named.
        """
        data = self._data
        if not names:
            if len(data) == 1:
                return unlabelled(next(iter(data.values())))
            if not data:
                raise AttributeError(f"The result {self.v_full_name!r} is empty.")
            raise ValueError(f"The result {self.v_full_name!r} has the items {', '.join(self)}; name the one you want.")
        found = [self._one(name) for name in names]
        return found[0] if len(found) == 1 else found

    def _one(self, name: int | str) -> Any:
        data = self._data
        key = self._key(name)
        if key in data:
            return unlabelled(data[key])
        if name == "data" and len(data) == 1:
            return unlabelled(next(iter(data.values())))
        raise AttributeError(
            f"The result {self.v_full_name!r} has no item {self.f_translate_key(name)!r}; it has {list(self)}."
        )

    def f_remove(self, *names: int | str) -> None:
        """Remove items."""
        for name in names:
            key = self._key(name)
            if key not in self._data:
                self._one(name)
            del self._data[key]
            self._note_change()

    def _note_change(self) -> None:
        put(self, "_unknown_class", None)
        if self._copies() is None:
            put(self, "v_is_new", True)

    def f_to_dict(self, copy: bool = True) -> dict[str, Any]:
        """The items by name."""
        own = self.v_name
        return {key or own: unlabelled(value) for key, value in self._data.items()}

    def f_unshare(self) -> None:
        """Give a fresh copy a dictionary of its own."""
        put(self, "_items", dict(self._items))

    def f_is_empty(self) -> bool:
        """Whether there are no items."""
        return self._loader is None and not self._data

    def f_empty(self) -> None:
        """Remove all items."""
        if self._copies() is None:
            put(self, "_loader", None)
        self._data.clear()

    def f_supports_fast_access(self) -> bool:
        """Whether there is one item and it is named like the result."""
        data = self._data
        return len(data) == 1 and "" in data

    def f_fast_access(self) -> Any:
        """The value, if there is one item and it is named like the result; else the result itself."""
        data = self._data
        return unlabelled(data[""]) if len(data) == 1 and "" in data else self

    def f_val_to_str(self) -> str:
        """The items as text, at most 64 characters."""
        if self._loader is not None:
            return "<to be loaded>"
        return shorten(", ".join(f"{name}={shown(value)}" for name, value in self.f_to_dict().items()))

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_") or name in Result.__slots__ or name in _NODE_SLOTS:
            raise AttributeError(f"A result has no attribute {name!r}.")
        return self._one(name)

    def __setattr__(self, name: str, value: object) -> None:
        known = getattr(type(self), name, None)
        if name.startswith("_") or name == "v_is_new":
            put(self, name, value)
        elif known is None:
            self.f_set_single(name, value)
        elif isinstance(known, property) and known.fset is not None:
            known.fset(self, value)
        else:
            raise AttributeError(
                f"{name!r} belongs to every result and cannot be set; for an item of this name use `f_set`."
            )

    def __delattr__(self, name: str) -> None:
        self.f_remove(name)

    def __getitem__(self, name: int | str) -> Any:
        return self._one(name)

    def __setitem__(self, name: int | str, value: object) -> None:
        self.f_set_single(name, value)

    def __delitem__(self, name: int | str) -> None:
        self.f_remove(name)

    def __contains__(self, name: object) -> bool:
        return isinstance(name, (int, str)) and self._key(name) in self._data

    def __iter__(self) -> Iterator[str]:
        return iter(self.f_to_dict())

    def __bool__(self) -> bool:
        return True

    def __dir__(self) -> list[str]:
        names = set(super().__dir__())
        with contextlib.suppress(Exception):
            names.update(self.f_to_dict())
        return sorted(names)


def quick_result(parent: Group, template: str, index: int, value: object, comment: str) -> Result:
    """A placed result of one item; the short way of the constructor, for what runs add."""
    leaf = _new(Result)
    put(leaf, "v_parent", parent)
    put(leaf, "v_template", template)
    put(leaf, "v_index", index if "$" in template else -1)
    put(leaf, "v_is_new", True)
    put(leaf, "_comment", comment if type(comment) is str else checked_text(comment, f"The comment of {template!r}"))
    put(leaf, "_annotations", None)
    put(leaf, "_loader", None)
    put(leaf, "_unknown_class", None)
    put(leaf, "_items", {"": value})
    return leaf


_new = object.__new__
_NODE_SLOTS = frozenset({"v_parent", "v_template", "v_index", "v_is_new"})
