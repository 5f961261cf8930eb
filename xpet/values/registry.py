"""Which codec takes which type.

A codec is known by lazy ``'module:name'`` strings, so that no optional package is imported for
a type that never comes. Types are matched exactly: a subclass is another type, and storing it
as its base would lose it.
"""

from __future__ import annotations

import importlib
import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache, lru_cache
from typing import Any, Protocol

from xpet.errors import CorruptStoreError, UnsupportedValueError, warn
from xpet.values.known import BY_NAME, BY_TYPE
from xpet.values.labels import Labelled, relabelled
from xpet.values.nesting import DEEPEST, TooDeep
from xpet.values.parts import Encoded, UnknownCodec
from xpet.values.text import PACKED, from_text


class Codec(Protocol):
    """Turns values of some types into parts and back; ``decode(encode(v)) == v``, type included."""

    name: str

    def encode(self, value: Any) -> Encoded | None:
        """The parts of a value, or None if another codec must take this one."""
        ...

    def decode(self, encoded: Encoded) -> Any:
        """The value of the parts."""
        ...


@dataclass(frozen=True, slots=True, eq=False)
class Opaque:
    """A stored value whose codec is not installed; it can be stored again unchanged."""

    encoded: Encoded
    remedy: str = "nobody has tried to"

    def __repr__(self) -> str:
        name, version = self.encoded.codec, self.encoded.version
        return f"<a value in the encoding {name!r}, version {version}, that cannot be read: {self.remedy}>"


#: type as 'module.name' -> codecs as 'module:name', tried in order
_BY_TYPE = dict(BY_TYPE)
#: what stores call an encoding -> its codec
_BY_NAME = dict(BY_NAME)
#: what the codecs of users are known by
_REGISTERED = "registered:"
_loaded: dict[str, Codec] = {}
#: how many types are remembered with their codecs
_KNOWN = 1024
#: how classes are hashed
_AS_ITSELF: object = type.__hash__


def add_codec(types: Iterable[str], codec: Codec) -> None:
    """Have a codec take some types, given as ``'module.name'``."""
    target = _REGISTERED + codec.name
    _loaded[target] = codec
    _BY_NAME[codec.name] = target
    _BY_TYPE.update(dict.fromkeys(types, (target,)))
    _takers.cache_clear()


def added_codecs() -> Iterator[tuple[Codec, tuple[str, ...]]]:
    """The codecs that were added, and the types that they take."""
    for target in _BY_NAME.values():
        if target.startswith(_REGISTERED):
            yield _loaded[target], tuple(kind for kind, targets in _BY_TYPE.items() if targets == (target,))


@contextmanager
def codecs_apart(without: str = "") -> Iterator[None]:
    """Have what is registered in this context only in it; a user's codec called ``without`` is not there meanwhile."""
    kept = [(known, dict(known)) for known in (_BY_NAME, _BY_TYPE, _loaded)]
    target = _REGISTERED + without
    for key in [key for key, targets in _BY_TYPE.items() if targets == (target,)]:
        del _BY_TYPE[key]
    if _BY_NAME.get(without) == target:
        del _BY_NAME[without]
    _takers.cache_clear()
    try:
        yield
    finally:
        for known, before in kept:
            known.clear()
            known.update(before)  # type: ignore[arg-type]  # each by what it held
        _takers.cache_clear()


def codec_names() -> tuple[str, ...]:
    """What stores call the encodings that there are codecs for."""
    return tuple(_BY_NAME)


def has_codec(key: str) -> bool:
    """Whether there is a codec of a name, or for a type."""
    return key in _BY_NAME or key in _BY_TYPE


def codecs_of(kind: str) -> tuple[str, ...]:
    """The codecs for a type, each the same object as long as it is the same codec."""
    return _BY_TYPE.get(kind, ())


def is_built_in(name: str) -> bool:
    """Whether a name is that of a codec that comes with the package."""
    return not _BY_NAME.get(name, _REGISTERED).startswith(_REGISTERED)


@lru_cache(_KNOWN)
def _takers(kind: type[Any]) -> tuple[str, ...]:
    """The codecs for a type, after a look for packages that bring one if there is none."""
    if _name(kind) not in _BY_TYPE:
        load_codecs()
    return codecs_of(_name(kind))


def _codec(target: str) -> Codec:
    found = _loaded.get(target)
    if found is None:
        module, _, name = target.partition(":")
        found = _loaded[target] = getattr(importlib.import_module(module), name)
    return found


def encode(value: object, where: str = "") -> Encoded:
    """The parts of a value; ``where`` is the tree path, for the message of an error."""
    kind: type[Any] = type(value)
    if isinstance(value, Opaque):
        return value.encoded
    if isinstance(value, Labelled):
        encoded = encode(value.value, where)
        if len(value.labels.dims) not in (0, getattr(encoded.parts[0].data, "ndim", 0)):
            raise UnsupportedValueError(
                f"{where or 'value'} of type {_name(type(value.value))} is not kept as an array of numbers, so "
                f"its dims {value.labels.dims} would be lost; give an array of numbers, or leave the dims out"
            )
        return encoded._replace(labels=relabelled(encoded, value.labels))
    # What says itself which classes it equals cannot be hashed, or would be taken for another one.
    takers: Callable[[type], tuple[str, ...]] = _takers if type(kind).__hash__ is _AS_ITSELF else _takers.__wrapped__
    for target in takers(kind):
        try:
            found = _codec(target).encode(value)
        except (TooDeep, RecursionError):
            raise TooDeep(
                f"{where or 'value'} of type {_name(kind)}: it is nested more than about {DEEPEST} levels deep, not in "
                "lists and dicts only, or holds itself; store what it is made of under names of its own"
            ) from None
        except UnsupportedValueError as error:
            raise UnsupportedValueError(f"{where or 'value'} of type {_name(kind)}: {error}") from None
        if found is not None:
            return found
    raise UnsupportedValueError(
        f"{where or 'value'}: a value of type {_name(kind)} cannot be kept without loss; register a codec for it with "
        "xpet.register_codec, or use a PickleParameter or PickleResult, read back with allow_pickle=True only"
    )


@cache
def load_codecs() -> None:
    """Let the packages that are installed register their codecs, as reading a store does not by itself.

    Packages name a function that does it as an entry point of the group ``xpet.codecs``. A value to be stored that no
    codec takes has the same effect. One that fails is told by a warning.

    Examples
    --------
    >>> import xpet
    >>> xpet.load_codecs()
    """
    from importlib import metadata

    for each in metadata.entry_points(group="xpet.codecs"):
        try:
            each.load()()
        except Exception as error:
            warn(f"the codecs of {each.value} cannot be used: {type(error).__name__}: {error}")


def _name(kind: type) -> str:
    return f"{kind.__module__}.{kind.__qualname__}"


def decode(encoded: Encoded) -> Any:
    """The value of the parts; an :class:`Opaque` if its codec, or that of something in it, is not there.

    Raises
    ------
    CorruptStoreError
        If the parts are not what the codec makes.
    """
    if encoded.codec == PACKED:
        encoded = _unpacked(encoded)
    try:
        return decode_whole(encoded)
    except UnknownCodec as unknown:
        return Opaque(encoded, unknown.remedy)


def decode_whole(encoded: Encoded) -> Any:
    """The value of the parts, for what holds it.

    Raises
    ------
    UnknownCodec
        If its codec, or that of something in it, is not there.
    CorruptStoreError
        If the parts are not what the codec makes.
    """
    if encoded.codec == PACKED:
        encoded = _unpacked(encoded)
    if type(encoded.version) is not int:
        raise _damaged(encoded, TypeError(f"its version is {encoded.version!r}"))
    # Nothing is imported because a store names it: not the packages that might bring the codec either.
    target = _BY_NAME.get(encoded.codec)
    codec = None if target is None else _codec(target)
    if codec is None or encoded.version > getattr(codec, "version", 1):
        raise UnknownCodec(
            encoded.codec,
            f"no codec here knows the encoding {encoded.codec!r} in its version {encoded.version}; import the package "
            "that brings it, call xpet.load_codecs(), register it with xpet.register_codec, or update xpet",
        )
    try:
        return codec.decode(encoded)
    except (CorruptStoreError, UnknownCodec):
        raise
    except Exception as error:
        raise _damaged(encoded, error) from error


def _unpacked(encoded: Encoded) -> Encoded:
    try:
        return from_text(str(encoded.part()))
    except CorruptStoreError:
        raise
    except Exception as error:
        raise _damaged(encoded, error) from error


def _damaged(encoded: Encoded, error: Exception) -> CorruptStoreError:
    return CorruptStoreError(
        f"a stored value in the encoding {encoded.codec!r} is damaged, as it cannot be rebuilt "
        f"({type(error).__name__}: {error}); rerun what made it"
    )


def canonical(meta: Mapping[str, Any]) -> str:
    """One text for equal metas, so that encodings can be compared and hashed."""
    return _CANONICAL.encode(meta)


_CANONICAL = json.JSONEncoder(sort_keys=True, separators=(",", ":"))
