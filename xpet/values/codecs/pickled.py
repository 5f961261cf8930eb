"""Pickles: values that no codec keeps, as bytes that nobody unpickles who did not say so."""

from __future__ import annotations

import pickle
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

from xpet.errors import CorruptStoreError, UnsupportedValueError
from xpet.values.labels import Labelled
from xpet.values.parts import Encoded, Part, UnknownCodec
from xpet.values.registry import Opaque, encode

_REMEDY = "it is a pickle, which runs whatever is in it when it is read; give allow_pickle=True if you trust its writer"
_ALLOWED: ContextVar[bool] = ContextVar("unpickling is allowed", default=False)


@contextmanager
def unpickling() -> Iterator[None]:
    """Have pickles read as the values they are, in this thread, while the context lasts."""
    token = _ALLOWED.set(True)
    try:
        yield
    finally:
        _ALLOWED.reset(token)


def pickled(value: Any, protocol: int = pickle.DEFAULT_PROTOCOL, where: str = "") -> Any:
    """A value as it is if it can be kept, else its pickle; ``where`` is the tree path, for the message of an error.

    Raises
    ------
    UnsupportedValueError
        If it does not pickle either.
    """
    import numpy as np

    try:
        encode(value, where)
    except UnsupportedValueError:
        if isinstance(value, Labelled):
            raise
    else:
        return value
    data = np.frombuffer(_dumps(value, protocol, where), np.uint8)
    return Opaque(Encoded(Pickle.name, (Part(data),)), _REMEDY)


def _dumps(value: object, protocol: int, where: str) -> bytes:
    import cloudpickle

    try:
        try:
            return pickle.dumps(value, protocol)
        except Exception:
            # Functions and classes that no module has by their name go by value.
            return bytes(cloudpickle.dumps(value, max(protocol, pickle.DEFAULT_PROTOCOL)))
    except Exception as error:
        kind = f"{type(value).__module__}.{type(value).__qualname__}"
        raise UnsupportedValueError(
            f"{where or 'value'}: a value of type {kind} does not pickle ({type(error).__name__}: {error}); store what "
            "it is made of instead"
        ) from error


class Pickle:
    """The bytes of a pickle."""

    name = "pickle"

    def encode(self, value: Any) -> Encoded | None:
        """None: values are pickled by :func:`pickled` alone, where the user asks for it."""
        return None

    def decode(self, encoded: Encoded) -> Any:
        """The value, if that is allowed; see :func:`unpickling`."""
        data: Any = encoded.part()
        if getattr(data, "ndim", 0) != 1 or data.dtype != "uint8":
            raise CorruptStoreError("a stored pickle is damaged, as it is not a series of bytes; rerun what made it")
        if not _ALLOWED.get():
            raise UnknownCodec(self.name, _REMEDY)
        try:
            return pickle.loads(data.tobytes())
        except Exception as error:
            raise UnknownCodec(
                self.name,
                f"it does not unpickle here ({type(error).__name__}: {error}); install or import what it is made of",
            ) from error


codec = Pickle()
