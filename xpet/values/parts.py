"""What a value becomes: an encoding and its parts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeAlias

from xpet.errors import UnsupportedValueError

if TYPE_CHECKING:
    import numpy as np

    Array: TypeAlias = np.ndarray[Any, Any]

#: What a part may hold: a number, a text, or an array: of numbers, or of texts that are UTF-8, as objects.
Data: TypeAlias = "bool | int | float | complex | str | Array"
#: the dimensions that a part has at most: runs are one more, and NumPy has up to 64
MOST_DIMS = 63


def is_utf8(text: str) -> bool:
    """Whether a text has no surrogates, so that files and other languages can hold it."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def is_coordinate(values: Array) -> bool:
    """Whether an array can label a dimension: real numbers, but not long doubles, or texts that are UTF-8."""
    if values.dtype.kind == "U":
        return all(map(is_utf8, values.ravel().tolist()))
    return values.dtype.kind in "biuf" and values.dtype.itemsize <= 8


@dataclass(frozen=True, slots=True, eq=False)
class Coord:
    """The labels along one dimension: a 1-D array of numbers or texts, with attributes."""

    values: Array
    attrs: Mapping[str, str | float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, eq=False)
class Labels:
    """Dimension names, coordinates and attributes around an array."""

    dims: tuple[str, ...] = ()
    coords: Mapping[str, Coord] = field(default_factory=dict)
    attrs: Mapping[str, str | float] = field(default_factory=dict)


_NO_LABELS = Labels()


@dataclass(frozen=True, slots=True, eq=False)
class Part:
    """One array of an encoded value; the main part has the name ``''``.

    A part has no notion of runs: a column adds them. ``attrs`` are what plain tools should see of it, such as the units
    of a time; rebuilding the value does not need them.
    """

    data: Data
    name: str = ""
    attrs: Mapping[str, str | float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, eq=False)
class Encoded:
    """A value as named arrays.

    ``meta`` is what the codec needs besides the parts to rebuild the value; it is JSON and the
    same for all values that one column can hold. ``labels`` describe the main part.
    """

    codec: str
    parts: tuple[Part, ...]
    version: int = 1
    meta: Mapping[str, Any] = field(default_factory=dict)
    labels: Labels = _NO_LABELS

    def __post_init__(self) -> None:
        if len(self.parts) > 1 and len({part.name for part in self.parts}) < len(self.parts):
            names = ", ".join(repr(part.name) for part in self.parts)
            raise UnsupportedValueError(f"two parts of its encoding {self.codec!r} have one name, of {names}")
        for part in self.parts:
            if getattr(part.data, "ndim", 0) > MOST_DIMS:
                raise UnsupportedValueError(f"an array of more than {MOST_DIMS} dimensions cannot be kept; reshape it")

    def part(self, name: str = "") -> Data:
        """The data of the part called ``name``."""
        for part in self.parts:
            if part.name == name:
                return part.data
        raise KeyError(name)


class UnknownCodec(Exception):
    """A value, or a part of one, is in an encoding that cannot be read here; ``remedy`` says what to do."""

    def __init__(self, codec: str, remedy: str) -> None:
        super().__init__(codec)
        self.remedy = remedy
