"""What parameters and results have in common."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, ClassVar, Self

from xpet.errors import UnsupportedValueError, shown
from xpet.names import check_path, checked_text
from xpet.tree.node import Node, put
from xpet.values import Labelled, copy_of

if TYPE_CHECKING:
    from xpet.tree.group import Group

Loader = Callable[[], Mapping[str, object]]

KINDS = {
    "parameters": "parameter",
    "derived_parameters": "derived_parameter",
    "config": "config",
    "results": "result",
}
MAX_TEXT = 64
IMMUTABLE = frozenset((bool, int, float, complex, str, bytes, type(None)))
"""Types whose values are given away as they are, also in a run."""


class Leaf(Node):
    """A leaf: a parameter or a result.

    Parameters
    ----------
    full_name
        The path, or the end of it that is still to be placed.
    comment
        What it is about.
    """

    __slots__ = ("_loader", "_unknown_class", "v_is_new")

    _loader: Loader | None
    _unknown_class: str | None
    v_is_new: bool

    v_is_leaf: ClassVar[bool] = True
    v_is_parameter: ClassVar[bool] = False

    def __init__(self, full_name: str, comment: str = "") -> None:
        check_path(full_name)
        put(self, "v_parent", None)
        put(self, "v_template", full_name)
        put(self, "v_index", -1)
        put(self, "v_is_new", True)
        said = comment if type(comment) is str else checked_text(comment, f"The comment of {full_name!r}")
        put(self, "_comment", said)
        put(self, "_annotations", None)
        put(self, "_loader", None)
        put(self, "_unknown_class", None)

    def f_place(self, parent: Group, template: str, index: int) -> None:
        """Say where in the tree the leaf is; the package calls it when the leaf is added."""
        put(self, "v_parent", parent)
        put(self, "v_template", template)
        put(self, "v_index", index)

    @property
    def v_kind(self) -> str:
        """``'parameter'``, ``'derived_parameter'``, ``'config'``, ``'result'``, or ``'other'`` — by branch."""
        return KINDS.get(self.v_template.partition(".")[0], "other")

    @property
    def v_class_name(self) -> str:
        """The name of the class, as a store keeps it: that which a store says, if there is no such class here."""
        return self._unknown_class or type(self).__name__

    @property
    def v_stored(self) -> bool:
        """Whether a store has the leaf."""
        return not self.v_is_new

    def f_keep_class(self, name: str) -> None:
        """Remember the class that a store says, as there is none of that name here; until the data change."""
        put(self, "_unknown_class", name)

    # ----------------------------------------------------------------- data

    def f_set_loader(self, loader: Loader) -> None:
        """Have the data, by name as in :meth:`f_items`, fetched by `loader` on first access.

        A class with a ``_load`` of its own gets them at once: it keeps them where only it looks.
        """
        if not self._loads_itself():
            put(self, "_loader", loader)
            return
        try:
            self.f_take(loader())
        except Exception as error:
            error.add_note(f"{type(self).__qualname__}._load was taking what is stored of {self.v_full_name!r}.")
            raise

    def f_unshare(self) -> None:
        """Give a fresh copy containers of its own."""

    def f_items(self) -> dict[str, Any]:
        """The data as they are kept, labels and all; a parameter's value, and a result's own item, is called ``''``."""
        if not self._stores_itself():
            return self._kept()
        if self.f_is_empty():
            return {}
        made: Any = self._alone()._store()
        if not isinstance(made, Mapping) or not all(isinstance(name, str) for name in made):
            raise UnsupportedValueError(
                f"{self.v_full_name}: {type(self).__qualname__}._store() must return a dictionary of values by names, "
                f"which are texts; it returned {shown(made)}"
            )
        return self._keyed(made)

    def f_take(self, items: Mapping[str, Any]) -> None:
        """Take data as :meth:`f_items` gave them."""
        self._load(self._named(items))

    def _store(self) -> dict[str, Any]:
        """What is kept of the leaf, by name: ``'data'`` is a parameter's value.

        A class of the user's may make of it what can be kept, of any type and under any names; its ``_load`` gets that.
        """
        return self._named(self._kept())

    def _load(self, load_dict: dict[str, Any]) -> None:
        """Take what ``_store`` made."""
        self._adopt(self._keyed(load_dict))

    def _stores_itself(self) -> bool:
        """Whether a class of the user's says what is kept of it."""
        return type(self)._store is not Leaf._store

    def _loads_itself(self) -> bool:
        return type(self)._load is not Leaf._load

    def _kept(self) -> dict[str, Any]:
        raise NotImplementedError

    def _adopt(self, items: Mapping[str, Any]) -> None:
        raise NotImplementedError

    def _alone(self) -> Self:
        """The leaf without what other runs have of it."""
        return self

    def _main(self) -> str:
        """What users call the item ``''``."""
        raise NotImplementedError

    def _named(self, items: Mapping[str, Any]) -> dict[str, Any]:
        return {key or self._main(): value for key, value in items.items()}

    def _keyed(self, named: Mapping[str, Any]) -> dict[str, Any]:
        return {"" if key == self._main() else key: value for key, value in named.items()}

    def f_is_empty(self) -> bool:
        """Whether there are no data."""
        raise NotImplementedError

    def f_empty(self) -> None:
        """Drop the data and keep the leaf."""
        raise NotImplementedError

    def f_supports_fast_access(self) -> bool:
        """Whether attribute access to the leaf gives its value."""
        raise NotImplementedError

    def f_val_to_str(self) -> str:
        """The data as text."""
        raise NotImplementedError

    def _check(self, value: object) -> None:
        """Ask the tree whether it takes the value, if that is what is kept; see :attr:`Root.check_value`."""
        tree = None if self._stores_itself() else self.v_tree
        if tree is not None and tree.check is not None:
            tree.check(self.v_template, value)

    def _own(self, value: Any) -> Any:
        """The value itself, or in a run its copy for that run: no run may see what another one did to a value."""
        kind = type(value)
        if kind in IMMUTABLE or (kind is tuple and IMMUTABLE.issuperset(map(type, value))):
            return value
        copies = self._copies()
        return value if copies is None else copy_of(value, copies)

    def _copies(self) -> dict[int, Any] | None:
        """The copies of the present run, by the ids of what they are of; ``None`` if the leaf needs none."""
        parent = self.v_parent
        if parent is None or not (tree := parent.v_state).is_run:
            return None
        copies = tree.copies
        if self not in copies:
            copies[self] = None if self in tree.added else {}
        return copies[self]

    def __str__(self) -> str:
        facts = ", ".join(self._facts())
        text = "" if self.f_is_empty() else f": {self.f_val_to_str()}"
        return f"{self.v_class_name} {self.v_full_name}{f' ({facts})' if facts else ''}{text}"

    def __repr__(self) -> str:
        return f"<{self}>"

    def _facts(self) -> list[str]:
        return [f"`{self.v_comment}`"] if self.v_comment else []


def shorten(text: str) -> str:
    """Text of at most 64 characters."""
    return text if len(text) <= MAX_TEXT else text[: MAX_TEXT - 3] + "..."


def describe(value: object) -> str:
    """The type of a value, with its article, so that numpy's floats do not look like Python's."""
    kind = type(value)
    if kind is tuple and isinstance(value, tuple):
        return f"a tuple of ({', '.join(type(item).__name__ for item in value)})"
    name = kind.__name__ if kind.__module__ == "builtins" else f"{kind.__module__}.{kind.__name__}"
    return f"a {name}" if name[:1] not in "aeiou" else f"an {name}"


def is_no_time(value: object) -> bool:
    """Whether a value is pandas' ``NaT``, which stands for a missing time of any kind."""
    return type(value).__name__ == "NaTType"


def is_time_of_pandas(value: object) -> bool:
    """Whether a value is a Timestamp or a Timedelta, among which ``NaT`` may be."""
    kind = type(value)
    return kind.__name__ in ("Timestamp", "Timedelta") and kind.__module__.partition(".")[0] == "pandas"


def advice(value: object) -> str:
    """What to do about a value that is of another type than the default."""
    if isinstance(value, Labelled):
        return "explore with plain values; the units belong to the parameter, as in `xpet.label(1.0, units='mV')`"
    numpy = sys.modules.get("numpy")
    if numpy is not None and isinstance(value, numpy.generic):
        return "explore with Python numbers (`values.tolist()`), or give the parameter a numpy value"
    return "explore with values of the same type, or set another default before exploring"
