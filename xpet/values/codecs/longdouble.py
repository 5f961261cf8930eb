"""Long doubles, which differ between machines: as the double nearest to each, and what is left."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from xpet.errors import CorruptStoreError, UnsupportedValueError
from xpet.values.parts import Encoded, Part, UnknownCodec

if TYPE_CHECKING:
    import numpy as np

    from xpet.values.parts import Array

_DTYPE = re.compile(r"[<>](f(12|16)|c(24|32))")

_REMEDY = "the long doubles of this machine are shorter; read it on one like that which wrote it"


def is_long(dtype: np.dtype[Any]) -> bool:
    """Whether a dtype is of long doubles that are longer than doubles."""
    return _DTYPE.fullmatch(dtype.str) is not None


def safe_long_dtype(text: object) -> np.dtype[Any]:
    """The dtype of long doubles that ``text`` names.

    Raises
    ------
    UnknownCodec
        If this machine does not have them.
    """
    import numpy as np

    if not isinstance(text, str) or not _DTYPE.fullmatch(text):
        raise CorruptStoreError(f"the dtype {text!r} of a stored value is not one of long doubles")
    try:
        return np.dtype(text)
    except TypeError:
        raise UnknownCodec(LongDoubles.name, _REMEDY) from None


class LongDoubles:
    """Arrays of ``longdouble`` and ``clongdouble`` where those differ from double and complex."""

    name = "numpy.longdouble"

    def encode(self, value: Any) -> Encoded | None:
        """The doubles as main part and the rest as another. What is not the sum of the two is refused."""
        if not is_long(value.dtype):
            return None
        native = value.astype(value.dtype.newbyteorder("="), copy=False)
        near, rest = _split(native)
        lost = ~_same(_join(near, rest, native.dtype), native)
        if lost.any():
            raise UnsupportedValueError(
                f"the long double {native[lost][0]!s} is not the sum of two doubles, so it cannot be kept without "
                "loss; round the array with .astype(float)"
            )
        return Encoded(self.name, (Part(near), Part(rest, "rest")), meta={"dtype": value.dtype.str})

    def decode(self, encoded: Encoded) -> Any:
        """The array with its dtype, if this machine's long doubles are long enough for it."""
        import numpy as np

        dtype = safe_long_dtype(encoded.meta["dtype"])
        near, rest = np.asarray(encoded.part()), np.asarray(encoded.part("rest"))
        if near.shape != rest.shape or {near.dtype, rest.dtype} != {np.dtype("c16" if dtype.kind == "c" else "f8")}:
            raise CorruptStoreError("the two parts of stored long doubles do not belong together")
        made = _join(near, rest, dtype.newbyteorder("="))
        if not _same(_split(made)[1], rest).all():
            raise UnknownCodec(self.name, _REMEDY)
        return made.astype(dtype, copy=False)


def _split(x: Array) -> tuple[Array, Array]:
    import numpy as np

    if x.dtype.kind == "c":
        (near, near_i), (rest, rest_i) = zip(_split(x.real), _split(x.imag), strict=True)
        return _complex(near, near_i, np.dtype("c16")), _complex(rest, rest_i, np.dtype("c16"))
    with np.errstate(all="ignore"):
        near = np.asarray(x.astype("f8"))
        rest = np.asarray(np.where(np.isfinite(near), x - near, 0).astype("f8"))
    return near, rest


def _join(near: Array, rest: Array, dtype: np.dtype[Any]) -> Array:
    import numpy as np

    if dtype.kind == "c":
        parts = np.empty((), dtype).real.dtype
        return _complex(_join(near.real, rest.real, parts), _join(near.imag, rest.imag, parts), dtype)
    # Adding a zero would change the sign of another one.
    with np.errstate(all="ignore"):
        return np.asarray(np.where(rest == 0, near.astype(dtype), near.astype(dtype) + rest), dtype)


def _complex(real: Array, imag: Array, dtype: np.dtype[Any]) -> Array:
    import numpy as np

    out = np.empty(real.shape, dtype)
    out.real, out.imag = real, imag
    return out


def _same(a: Array, b: Array) -> Array:
    import numpy as np

    if a.dtype.kind == "c":
        return np.asarray(_same(a.real, b.real) & _same(a.imag, b.imag))
    return np.asarray((a == b) | ((a != a) & (b != b)))


codec = LongDoubles()
