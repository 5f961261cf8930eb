"""How deep the value is in others that is being encoded, whatever codecs these have.

Reading takes several frames of Python's stack a level, so that what is written must leave room for it. Lists, tuples,
dicts and sets in each other are kept in pieces, and need none.
"""

from __future__ import annotations

from contextvars import ContextVar

from xpet.errors import UnsupportedValueError

DEEPEST = 100
_LEVELS: ContextVar[int] = ContextVar("levels of nesting around the value", default=0)


class TooDeep(UnsupportedValueError):
    """A value is nested too deeply, or holds itself; the outermost one is to be named."""


def levels() -> int:
    """How many levels are around the value that is being encoded."""
    return _LEVELS.get()


class deeper:  # a context, as those of contextlib
    """What is encoded in this context is ``by`` levels further in."""

    __slots__ = ("_by", "_token")

    def __init__(self, by: int) -> None:
        self._by = by

    def __enter__(self) -> None:
        around = levels() + self._by
        if around > DEEPEST:
            raise TooDeep
        self._token = _LEVELS.set(around)

    def __exit__(self, *_: object) -> None:
        _LEVELS.reset(self._token)
