"""How deep the value is in others that is being encoded, whatever codecs these have.

Reading takes several frames of Python's stack a level, so that what is written must leave room for it. Lists, tuples,
dicts and sets in each other are kept in pieces, and need none.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

from xpet.errors import UnsupportedValueError

DEEPEST = 100
_LEVELS: ContextVar[int] = ContextVar("levels of nesting around the value", default=0)


class TooDeep(UnsupportedValueError):
    """A value is nested too deeply, or holds itself; the outermost one is to be named."""


def levels() -> int:
    """How many levels are around the value that is being encoded."""
    return _LEVELS.get()


@contextmanager
def deeper(by: int) -> Iterator[None]:
    """What is encoded in this context is ``by`` levels further in."""
    token = _LEVELS.set(levels() + by)
    try:
        if levels() > DEEPEST:
            raise TooDeep
        yield
    finally:
        _LEVELS.reset(token)
