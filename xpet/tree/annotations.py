"""Annotations: small notes on a node, of any type."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from copy import deepcopy
from typing import Any

from xpet.names import check_names

_FIRST = "annotation"


class Annotations:
    """Named notes, reached as attributes, by ``[]`` or by the ``f_`` methods.

    Positional ones are called ``annotation``, ``annotation_1``, …, and an integer key means those.

    Examples
    --------
    >>> notes = Annotations()
    >>> notes.f_set("seen", author="me")
    >>> notes.author, notes[0], sorted(notes)
    ('me', 'seen', ['annotation', 'author'])
    """

    __slots__ = ("_notes",)
    _notes: dict[str, Any]

    def __init__(self) -> None:
        object.__setattr__(self, "_notes", {})

    def f_set(self, *args: object, **kwargs: object) -> None:
        """Set annotations; positional ones get their names from their positions."""
        for position, value in enumerate(args):
            self._open()[self._key(position)] = value
        self._open().update(kwargs)

    def f_set_single(self, name: str | int, data: object) -> None:
        """Set one annotation."""
        self._open()[self._key(name)] = data

    def f_get(self, *names: str | int) -> Any:
        """The annotation of that name; several as a tuple; without a name the only one.

        Raises
        ------
        AttributeError
            If there is none of that name, or none at all.
        ValueError
            If there are several and none was named.
        """
        if not names:
            if not self._notes:
                raise AttributeError("There are no annotations; set one with `f_set_annotations`.")
            if len(self._notes) > 1:
                raise ValueError(f"There are several annotations, {', '.join(self._notes)}; name the one you want.")
            return next(iter(self._notes.values()))
        found = tuple(self._one(name) for name in names)
        return found[0] if len(found) == 1 else found

    def f_remove(self, key: str | int) -> None:
        """Remove one annotation."""
        self._one(key)
        del self._open()[self._key(key)]

    def f_empty(self) -> None:
        """Remove all annotations."""
        self._open().clear()

    def f_is_empty(self) -> bool:
        """Whether there are no annotations."""
        return not self._notes

    def f_to_dict(self, copy: bool = True) -> dict[str, Any]:
        """The annotations by name; ``copy=False`` gives the dictionary itself."""
        return dict(self._notes) if copy else self._notes

    def f_ann_to_str(self) -> str:
        """All annotations as one line."""
        return "; ".join(f"{name}={value}" for name, value in sorted(self._notes.items()))

    def _open(self) -> dict[str, Any]:
        """The notes, to be changed."""
        return self._notes

    @staticmethod
    def _key(name: str | int) -> str:
        if isinstance(name, str):
            return name
        return _FIRST if name == 0 else f"{_FIRST}_{name}"

    def _one(self, name: str | int) -> Any:
        key = self._key(name)
        try:
            return self._notes[key]
        except KeyError:
            raise AttributeError(f"There is no annotation {key!r}; there are {sorted(self._notes)}.") from None

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_"):
            raise AttributeError(f"Annotations have no attribute {name!r}.")
        return self._one(name)

    def __setattr__(self, name: str, value: object) -> None:
        if name.startswith("_"):
            object.__setattr__(self, name, value)
        elif hasattr(type(self), name):
            raise AttributeError(f"{name!r} is a method of annotations; use `f_set_single` for a note of this name.")
        else:
            check_names([name], f"The annotation {name!r}")
            self._open()[name] = value

    def __delattr__(self, name: str) -> None:
        self.f_remove(name)

    def __getitem__(self, name: str | int) -> Any:
        return self._one(name)

    def __setitem__(self, name: str | int, value: object) -> None:
        self.f_set_single(name, value)

    def __delitem__(self, name: str | int) -> None:
        self.f_remove(name)

    def __contains__(self, name: object) -> bool:
        return isinstance(name, (str, int)) and self._key(name) in self._notes

    def __iter__(self) -> Iterator[str]:
        return iter(self._notes)

    def __len__(self) -> int:
        return len(self._notes)

    def __repr__(self) -> str:
        return f"Annotations({self.f_ann_to_str()})"


class SealedAnnotations(Annotations):
    """A copy of annotations in which nothing can be changed.

    Parameters
    ----------
    notes
        What they are a copy of.
    refuse
        Raises; called when one is to be changed.
    """

    __slots__ = ("_refuse",)
    _refuse: Callable[[], None]

    def __init__(self, notes: Annotations, refuse: Callable[[], None]) -> None:
        object.__setattr__(self, "_notes", deepcopy(notes.f_to_dict()))
        object.__setattr__(self, "_refuse", refuse)

    def _open(self) -> dict[str, Any]:
        self._refuse()
        return self._notes
