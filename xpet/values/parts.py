"""What a value becomes: an encoding and its parts."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any, NamedTuple, Self, TypeAlias

from xpet.errors import UnsupportedValueError

if TYPE_CHECKING:
    import numpy as np

    Array: TypeAlias = np.ndarray[Any, Any]

#: What a part may hold: a number, a text, or an array: of numbers, or of texts that are UTF-8, as objects.
Data: TypeAlias = "bool | int | float | complex | str | Array"
#: the dimensions that a part has at most: runs are one more, and NumPy has up to 64
MOST_DIMS = 63
_NOTHING: Mapping[str, Any] = {}


def is_utf8(text: str) -> bool:
    """Whether a text has no surrogates, so that files and other languages can hold it.

    Of many texts it is quicker to ask of all in one, joined.
    """
    if text.isascii():
        return True
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


class Coord(NamedTuple):
    """The labels along one dimension: a 1-D array of numbers, times or texts, with attributes."""

    values: Array
    attrs: Mapping[str, str | float] = _NOTHING


class Labels(NamedTuple):
    """What a value says of itself to whoever looks at its arrays.

    ``dims`` and ``attrs`` are those of its main part, ``coords`` the coordinates of all dims that its parts have.
    """

    dims: tuple[str, ...] = ()
    coords: Mapping[str, Coord] = _NOTHING
    attrs: Mapping[str, str | float] = _NOTHING


NO_LABELS = Labels()


class Part(NamedTuple):
    """One array of an encoded value; the main part has the name ``''``.

    A part has no notion of runs: a column adds them. ``attrs`` are what plain tools should see of it, such as the units
    of a time, and ``dims`` the names of its dimensions, unless it is the main part, whose dims are labels; rebuilding
    the value needs neither. Parts of a value that have a dim in common have one size along it. A name may be that of
    another value within this one: ``V/time`` is the dim ``time`` of what is called ``V``.
    """

    data: Data
    name: str = ""
    attrs: Mapping[str, str | float] = _NOTHING
    dims: tuple[str, ...] = ()


class _Encoded(NamedTuple):
    codec: str
    parts: tuple[Part, ...]
    version: int
    meta: Mapping[str, Any]
    labels: Labels


class Encoded(_Encoded):
    """A value as named arrays.

    ``meta`` is what the codec needs besides the parts to rebuild the value; it is JSON and the
    same for all values that one column can hold. ``labels`` are for whoever looks at the arrays.

    Raises
    ------
    UnsupportedValueError
        If the parts do not fit together.
    """

    __slots__ = ()

    def __new__(
        cls, codec: str, parts: tuple[Part, ...], version: int = 1, meta: Mapping[str, Any] = _NOTHING,
        labels: Labels = NO_LABELS,
    ) -> Self:  # fmt: skip
        """Check that parts and labels fit together."""
        made = tuple.__new__(cls, (codec, parts, version, meta, labels))
        if len(parts) > 1 and len({part.name for part in parts}) < len(parts):
            names = ", ".join(repr(part.name) for part in parts)
            raise UnsupportedValueError(f"two parts of its encoding {codec!r} have one name, of {names}")
        has_dims = bool(labels.dims or labels.coords)
        for part in parts:
            if getattr(part.data, "ndim", 0) > MOST_DIMS:
                raise UnsupportedValueError(f"an array of more than {MOST_DIMS} dimensions cannot be kept; reshape it")
            has_dims = has_dims or bool(part.dims)
        if has_dims:
            made._check_dims()
        return made

    @classmethod
    def _make(cls, iterable: Iterable[Any]) -> Self:  # type: ignore[override]  # mypy's own name of the first argument
        # What is replaced in one is checked, too.
        return cls(*iterable)

    def _check_dims(self) -> None:
        sizes: dict[str, int] = {}
        for part in self.parts:
            dims, shape = self.dims_of(part), getattr(part.data, "shape", ())
            if dims and len(dims) != len(shape):
                raise UnsupportedValueError(f"the part {part.name!r} of shape {shape} has the dims {dims}")
            for dim, size in zip(dims, shape, strict=False):
                if sizes.setdefault(dim, size) != size:
                    raise UnsupportedValueError(
                        f"the parts of its encoding {self.codec!r} have {sizes[dim]} and {size} values along {dim!r}"
                    )
        for dim, coord in self.labels.coords.items():
            if sizes.get(dim) != len(coord.values):
                raise UnsupportedValueError(
                    f"a coordinate of its encoding {self.codec!r} has {len(coord.values)} values along {dim!r}, and "
                    f"its parts have {sizes.get(dim, 'no such dim')}"
                )

    def part(self, name: str = "") -> Data:
        """The data of the part called ``name``."""
        for part in self.parts:
            if part.name == name:
                return part.data
        raise KeyError(name)

    def dims_of(self, part: Part) -> tuple[str, ...]:
        """What the dimensions of a part are called; nothing if they have no names."""
        return self.labels.dims if part is self.parts[0] else part.dims


class UnknownCodec(Exception):
    """A value, or a part of one, is in an encoding that cannot be read here; ``remedy`` says what to do."""

    def __init__(self, codec: str, remedy: str) -> None:
        super().__init__(codec)
        self.remedy = remedy
