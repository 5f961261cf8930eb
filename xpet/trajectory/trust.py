"""What a user lets a store bring back: classes of leaves by their names, and pickles."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import AbstractContextManager, nullcontext
from importlib import import_module
from typing import Any, TypeAlias

from xpet.errors import warn
from xpet.tree import (
    ArrayParameter,
    BaseParameter,
    BaseResult,
    Leaf,
    Parameter,
    PickleParameter,
    PickleResult,
    Result,
    SparseParameter,
    SparseResult,
)
from xpet.values import unpickling

#: one or several classes, or where to import them from, as ``'package.module.Class'``
DynamicImports: TypeAlias = "type[Any] | str | Iterable[type[Any] | str] | None"

_PARAMETERS = frozenset({"parameter", "derived_parameter", "config"})
_OWN: dict[str, type[Leaf]] = {
    kind.__name__: kind
    for kind in (
        ArrayParameter, Parameter, PickleParameter, PickleResult, Result, SparseParameter, SparseResult,
    )
}  # fmt: skip


class Trust:
    """The classes that a store may name, and whether its pickles are read.

    Nothing is ever imported because a store names it: the classes are the package's own, and those that the user gave.
    """

    def __init__(self, dynamic_imports: DynamicImports = None, pickles: bool = False) -> None:
        self.pickles = bool(pickles)
        self._classes: dict[str, type[Leaf]] = {}
        self._told: set[str] = set()
        self.add(dynamic_imports)

    def add(self, dynamic_imports: DynamicImports) -> None:
        """Take further classes, or import them from where the user says.

        Raises
        ------
        TypeError
            If one is no class of parameters or results.
        ImportError
            If there is no such class.
        ValueError
            If there is another one of its name: stores know classes by that alone.
        """
        if dynamic_imports is None:
            return
        given: Any = [dynamic_imports] if isinstance(dynamic_imports, str | type) else dynamic_imports
        for each in given:
            kind = _import(each) if isinstance(each, str) else each
            if not (isinstance(kind, type) and issubclass(kind, BaseParameter | BaseResult)):
                raise TypeError(
                    f"dynamic_imports: {each!r} is no class of parameters or results; give classes that derive from "
                    "xpet.Parameter or xpet.Result, or texts such as 'package.module.Class'"
                )
            known = _OWN.get(kind.__name__) or self._classes.get(kind.__name__, kind)
            if known is not kind:
                raise ValueError(
                    f"dynamic_imports: {kind!r} has the name of {known!r}, and stores know classes by that alone; "
                    "give it another one"
                )
            self._classes[kind.__name__] = kind

    def copy(self) -> Trust:
        """As much trust, for a copy of a trajectory."""
        return Trust(self._classes.values(), self.pickles)

    def leaf(self, kind: str, class_name: object, path: str, comment: str) -> Leaf:
        """A new leaf of the class that a store names, or a plain one that remembers it."""
        standard: type[Any] = Parameter if kind in _PARAMETERS else Result
        named: type[Any] | None = _OWN.get(str(class_name)) or self._classes.get(str(class_name))
        name = path.rpartition(".")[2].replace("$", "") or "value" if "$" in path else path
        if named is None:
            leaf: Leaf = standard(name, comment=comment)
            leaf.f_keep_class(str(class_name))
            self._tell(str(class_name), path, standard.__name__)
            return leaf
        if kind != "other" and issubclass(named, BaseParameter) != issubclass(standard, BaseParameter):
            named = standard
        made: Leaf = named(name, comment=comment)
        return made

    def _tell(self, class_name: str, path: str, shown_as: str) -> None:
        if class_name not in self._told:
            self._told.add(class_name)
            warn(
                f"{path} was stored as a {class_name}, which is no class that is known here, so it is shown as a plain "
                f"{shown_as}; give the class with dynamic_imports=, to load_trajectory, Environment or Trajectory"
            )

    def reading(self) -> AbstractContextManager[None]:
        """A context in which pickles are read, if they are trusted."""
        return unpickling() if self.pickles else nullcontext()


def _import(target: str) -> object:
    module, _, name = target.rpartition(".")
    try:
        return getattr(import_module(module), name)
    except (ImportError, AttributeError, ValueError) as error:
        raise ImportError(
            f"dynamic_imports: there is no class {target!r} ({error}); give it as 'package.module.Class'"
        ) from error
