"""Codecs that users write: two methods, from a value to other values by their names, and back."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any, Protocol

from xpet.errors import CorruptStoreError, UnsupportedValueError
from xpet.values.compose import compose, decompose
from xpet.values.parts import Encoded, UnknownCodec
from xpet.values.registry import add_codec, added_codecs, has_codec, is_built_in

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_-]*(\.[A-Za-z0-9_-]+)+")


class ValueCodec(Protocol):
    """How values of a class are kept: as other values, each of a kind that can be kept.

    Attributes
    ----------
    name
        What stores call the encoding, for good; with a dot, such as ``'mylab.Cell'``. A store gets nothing else, and no
        name in a store makes anything be imported.
    version
        Optional, 1 by default: a store of a newer version is not read, one of an older version is, so that
        :meth:`decode` must take what each older version made.
    """

    name: str

    def encode(self, value: Any) -> Mapping[str, object]:
        """What a value is made of: other values by their names; one named ``''`` is the main part, which plots show."""
        ...

    def decode(self, parts: Mapping[str, Any]) -> Any:
        """The value that is made of these, equal to the one that was encoded."""
        ...


class _Registered:
    """A user's codec as the registry takes it."""

    def __init__(self, name: str, version: int, own: ValueCodec) -> None:
        self.name = name
        self.version = version
        self.own = own

    def encode(self, value: Any) -> Encoded:
        """The parts of what the value is made of."""
        made: Any = self.own.encode(value)
        if not isinstance(made, Mapping) or not all(isinstance(name, str) for name in made):
            raise UnsupportedValueError(
                f"its codec {self.name!r} made a {type(made).__name__} of it, or one with names that are no texts; "
                "encode() must return a dictionary of values that can be kept, by texts"
            )
        return compose(self.name, made, version=self.version)

    def decode(self, encoded: Encoded) -> Any:
        """The value that the user's codec makes of them."""
        parts = decompose(encoded)
        try:
            return self.own.decode(parts)
        except (CorruptStoreError, UnknownCodec):
            raise
        except Exception as error:
            raise CorruptStoreError(
                f"a stored value in the encoding {self.name!r} cannot be rebuilt: decode() of its codec, "
                f"{_path(type(self.own))}, raised {type(error).__name__}: {error}; it must take "
                f"{', '.join(parts) or 'nothing'} as it once made them. If it does, they are damaged: rerun what made "
                "the value"
            ) from error


def register_codec(codec: ValueCodec, *types: type | str, replace: bool = False) -> None:
    """Keep values of further classes: as parameters, config and results, alone, over many runs, in lists and dicts.

    Parameters
    ----------
    codec
        An object with a ``name`` and two methods: ``encode(value)`` returns a dictionary of values that can be kept,
        numbers, arrays, texts and so on, by names; ``decode(parts)`` makes the value of that dictionary again. Each of
        them becomes a column of its own.
    types
        The classes whose values it takes, exactly these: a subclass is another class. A text ``'module.Class'`` stands
        for a class that need not be imported.
    replace
        Take the place of a codec of the same name, or for the same classes. An object of the same class, for the same
        classes, does so anyway.

    Raises
    ------
    ValueError
        The name cannot be one, or it or a class has a codec already, or a class is one of Python's own.
    TypeError
        The codec is a class or lacks a method, or no class of values is given.

    Examples
    --------
    >>> import xpet
    >>> class Cell:
    ...     def __init__(self, area, kind):
    ...         self.area, self.kind = area, kind
    >>> class CellCodec:
    ...     name = 'docs.Cell'
    ...     def encode(self, value):
    ...         return {'area': value.area, 'kind': value.kind}
    ...     def decode(self, parts):
    ...         return Cell(parts['area'], parts['kind'])
    >>> xpet.register_codec(CellCodec(), Cell, replace=True)
    >>> def grow(a):
    ...     return {'cell': Cell(a * a, 'basket')}
    >>> ds = xpet.sweep(grow, {'a': [1.0, 2.0]}, store='memory://docs-codec')
    >>> ds['cell.area'].values, xpet.load_trajectory('grow', filename='memory://docs-codec').r_1.cell.kind
    (array([1., 4.]), 'basket')
    """
    if isinstance(codec, type):
        raise TypeError(f"register_codec: {codec.__name__} is a class; give an object of it, {codec.__name__}()")
    name, version = getattr(codec, "name", None), getattr(codec, "version", 1)
    if not isinstance(name, str) or not _NAME.fullmatch(name):
        raise ValueError(f"register_codec: the name {name!r} must be a text with a dot, such as 'mylab.Cell'")
    if type(version) is not int or version < 1:
        raise ValueError(f"register_codec: the version of {name!r} is {version!r}; it must be 1 or more")
    for method in ("encode", "decode"):
        if not callable(getattr(codec, method, None)):
            raise TypeError(f"register_codec: {name!r} has no method {method}(); a codec needs encode() and decode()")
    if not types:
        raise TypeError(f"register_codec: give the classes whose values {name!r} takes")
    known = [_path(kind) for kind in types]
    if is_built_in(name):
        raise ValueError(f"register_codec: {name!r} is the name of a codec of xpet's own; take another one")
    own = [each for each in known if each.startswith("builtins.")]
    if own:
        raise ValueError(
            f"register_codec: {', '.join(own)} cannot have another codec, as runs store Python's own values without "
            "asking for one; make a class of your own for what is to be kept in another way"
        )
    taken = [each for each in (name, *known) if has_codec(each)]
    if taken and not replace and not _is_again(name, codec, known):
        raise ValueError(
            f"register_codec: there is a codec for {', '.join(taken)} already; give replace=True to take its place"
        )
    add_codec(known, _Registered(name, version, codec))


def registered_codecs() -> list[tuple[ValueCodec, tuple[str, ...]]]:
    """The codecs of users, and the types that they take, for another process to :func:`adopt_codecs`."""
    return [(each.own, types) for each, types in added_codecs() if isinstance(each, _Registered)]


def adopt_codecs(codecs: Iterable[tuple[ValueCodec, tuple[str, ...]]]) -> None:
    """Register the codecs of another process as they are there."""
    for codec, types in codecs:
        add_codec(types, _Registered(codec.name, getattr(codec, "version", 1), codec))


def _is_again(name: str, codec: ValueCodec, types: list[str]) -> bool:
    """Whether the codec is registered already: a module, or the cell of a notebook, may run twice."""
    return any(
        own.name == name and _path(type(own)) == _path(type(codec)) and set(known) == set(types)
        for own, known in registered_codecs()
    )


def _path(kind: Any) -> str:
    if isinstance(kind, type):
        return f"{kind.__module__}.{kind.__qualname__}"
    if not isinstance(kind, str) or "." not in kind:
        raise TypeError(f"register_codec: {kind!r} is no class; give a class, or a text such as 'module.Class'")
    return kind
