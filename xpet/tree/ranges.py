"""The values of all runs, to which those of further runs are added without a copy of them all."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import islice
from typing import Any, Self, overload


class Grown(Sequence[Any]):
    """The first values of a list that only ever gets longer; how many they are does not change.

    Parameters
    ----------
    values
        A list that nobody else changes.

    Examples
    --------
    >>> first = Grown([1, 2])
    >>> more = first.grown([3])
    >>> list(first), list(more), first.starts(more), more.starts(first)
    ([1, 2], [1, 2, 3], True, False)
    """

    __slots__ = ("_length", "_values")

    def __init__(self, values: list[Any]) -> None:
        self._values = values
        self._length = len(values)

    def grown(self, more: Sequence[Any]) -> Self:
        """These values, and others behind them."""
        values = self._values
        if len(values) > self._length:
            # Others were put behind these already.
            values = values[: self._length]
        values.extend(more)
        return type(self)(values)

    def starts(self, other: object) -> bool:
        """Whether other values are known to begin with these, without looking at them."""
        return isinstance(other, Grown) and self._values is other._values and self._length <= other._length

    def __len__(self) -> int:
        return self._length

    def __iter__(self) -> Iterator[Any]:
        return islice(self._values, self._length)

    @overload
    def __getitem__(self, index: int) -> Any: ...
    @overload
    def __getitem__(self, index: slice) -> list[Any]: ...
    def __getitem__(self, index: int | slice) -> Any:
        if isinstance(index, slice):
            start, stop, step = index.indices(self._length)
            return self._values[start:stop:step] if step > 0 else list(self)[index]
        if not -self._length <= index < self._length:
            raise IndexError(f"{index} is not among {self._length} values")
        return self._values[index if index >= 0 else index + self._length]

    def __eq__(self, other: object) -> bool:
        return list(self) == list(other) if isinstance(other, list | Grown) else NotImplemented

    __hash__ = None  # type: ignore[assignment]  # as of lists

    def __repr__(self) -> str:
        return repr(list(self))

    def __reduce__(self) -> tuple[object, ...]:
        return type(self), (list(self),)


def grown(values: Sequence[Any], more: Sequence[Any]) -> Grown:
    """Values, and others behind them."""
    return (values if isinstance(values, Grown) else Grown(list(values))).grown(more)
