"""Methods that a run must not call."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar, cast

Method = TypeVar("Method", bound=Callable[..., Any])

NOT_IN_RUN: set[str] = set()


def not_in_run(method: Method) -> Method:
    """Make a method of the root raise ``TypeError`` during a run."""
    name = method.__name__
    NOT_IN_RUN.add(name)

    def guarded(self: Any, *args: Any, **kwargs: Any) -> Any:
        if self.v_state.is_run:
            raise TypeError(
                f"`{name}` is not available during a single run, here run {self.v_state.run} of {self.v_name!r}; "
                "call it before or after the runs."
            )
        return method(self, *args, **kwargs)

    guarded.__name__, guarded.__qualname__ = name, method.__qualname__
    guarded.__doc__, guarded.__wrapped__ = method.__doc__, method  # type: ignore[attr-defined]  # as functools.wraps
    guarded.__module__ = method.__module__
    return cast(Method, guarded)
