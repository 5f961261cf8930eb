"""The user's function with its arguments, and how it travels."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from inspect import getclosurevars, isfunction
from typing import NamedTuple, Protocol, cast, runtime_checkable

from xpet.run.transport import dumps, loads, name_of


@runtime_checkable
class Repeatable(Protocol):
    """A job that knows what the user types to do a run again."""

    def how_to_repeat(self, point: Mapping[str, object], rng: str) -> str:
        """What to type, from the explored parameters of the run by their paths, and what makes its random generator."""
        ...


class Job(NamedTuple):
    """A function and what it is called with after the trajectory.

    Examples
    --------
    >>> Job.from_bytes(Job(lambda traj, n: n + 1, (41,)).to_bytes()).args
    (41,)
    """

    function: Callable[..., object]
    args: tuple[object, ...] = ()
    kwargs: Mapping[str, object] = {}

    def to_bytes(self) -> bytes:
        """Pickle the job: by value if a worker could not import the function.

        Raises
        ------
        TypeError
            Something does not pickle; the message names it.
        """
        function = unwrapped(self.function)
        modules = [getattr(function, "__module__", None), type(function).__module__]
        try:
            return dumps((self.function, self.args, dict(self.kwargs)), "the job", modules)
        except TypeError as error:
            raise TypeError(self._complaint(error)) from error

    @classmethod
    def from_bytes(cls, data: bytes) -> Job:
        """Unpickle a job."""
        function, args, kwargs = cast(tuple[Callable[..., object], tuple[object, ...], dict[str, object]], loads(data))
        return cls(function, args, kwargs)

    def repeat(self, run: int, columns: Mapping[str, Sequence[object]], rng: str = "") -> str:
        """What the user types to do a run again.

        Parameters
        ----------
        run : int
            The run.
        columns : mapping
            The explored parameters by their paths.
        rng : str
            What makes the random generator of the run.

        Examples
        --------
        >>> Job(print).repeat(3, {})
        'env.replay(3)'
        """
        function: object = self.function
        if isinstance(function, Repeatable):
            return function.how_to_repeat({path: values[run] for path, values in columns.items()}, rng)
        return f"env.replay({run})"

    def _complaint(self, error: TypeError) -> str:
        for name, value in self._ingredients():
            try:
                dumps(value, name)
            except TypeError as reason:
                return (
                    f"The job `{name_of(self.function)}` cannot be sent to another process, as {name} does not pickle "
                    f"({reason.__cause__ or reason}); create it inside the job, or run without `multiproc`."
                )
        return (
            f"The job `{name_of(self.function)}` cannot be sent to another process ({error.__cause__ or error}); "
            f"use a function that refers only to what pickles, or run without `multiproc`."
        )

    def _ingredients(self) -> list[tuple[str, object]]:
        found: list[tuple[str, object]] = []
        found += [(f"its argument {position}, a {_kind(value)},", value) for position, value in enumerate(self.args, 1)]
        found += [(f"its argument `{name}`, a {_kind(value)},", value) for name, value in self.kwargs.items()]
        function = unwrapped(self.function)
        if isfunction(function):
            variables = getclosurevars(function)
            found += [(f"the variable `{n}` of its closure, a {_kind(v)},", v) for n, v in variables.nonlocals.items()]
            found += [(f"the global variable `{n}`, a {_kind(v)},", v) for n, v in variables.globals.items()]
            defaults = zip(
                reversed(function.__code__.co_varnames[: function.__code__.co_argcount]),
                reversed(function.__defaults__ or ()),
                strict=False,
            )
            found += [(f"the default of its parameter `{n}`, a {_kind(v)},", v) for n, v in defaults]
        owner = getattr(self.function, "__self__", None)
        if owner is not None:
            found.append((f"the object it is a method of, a {_kind(owner)},", owner))
        return found


def unwrapped(function: Callable[..., object]) -> object:
    """Return the plain function behind partials and methods."""
    inner: object = function
    while isinstance(inner, partial):
        inner = inner.func
    return getattr(inner, "__func__", inner)


def _kind(value: object) -> str:
    return type(value).__qualname__
