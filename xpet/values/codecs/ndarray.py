"""NumPy arrays of numbers, of any rank."""

from __future__ import annotations

import re
from functools import cache
from typing import TYPE_CHECKING, Any

from xpet.errors import CorruptStoreError
from xpet.values.parts import Encoded, Part

if TYPE_CHECKING:
    import numpy as np

    from xpet.values.parts import Array

#: The last ones are C's names, for types that have the size of another one but are not it.
_DTYPE = re.compile(r"[<>|=](b1|[iu][1248]|f[248]|c(8|16)|[iIqQgG])")


def is_numeric(dtype: np.dtype[Any]) -> bool:
    """Whether a dtype is of the numbers that a store can hold: platform-dependent long doubles are not."""
    return _DTYPE.fullmatch(dtype.str) is not None


def dtype_text(dtype: np.dtype[Any]) -> str:
    """A dtype of numbers as the text that :func:`safe_dtype` takes."""
    return _text(dtype.str, dtype.char)


@cache
def _text(text: str, char: str) -> str:
    import numpy as np

    return text if np.dtype(text).char == char else text[0] + char


def _text_of(dtype: np.dtype[Any]) -> str:
    """The text of a dtype of numbers, empty for others."""
    return dtype_text(dtype) if is_numeric(dtype) else ""


@cache
def _built_in(char: str) -> str:
    """The text of one of NumPy's own dtypes, kept, as it is asked for with every array."""
    import numpy as np

    return _text_of(np.dtype(char))


def safe_dtype(text: object) -> np.dtype[Any]:
    """The dtype of numbers that ``text`` names; a store is not trusted to name others."""
    return _dtype(text if type(text) is str else repr(text))


@cache
def _dtype(text: str) -> np.dtype[Any]:
    import numpy as np

    if not _DTYPE.fullmatch(text):
        raise CorruptStoreError(f"the dtype {text!r} of a stored value is not one of numbers; the store is damaged")
    return np.dtype(text)


def as_dtype(array: Array, dtype: np.dtype[Any]) -> Array:
    """An array with exactly this dtype; NumPy takes types of the same size for equal."""
    if array.dtype is dtype:
        return array
    made = array.astype(dtype, copy=False)
    return made if made.dtype.type is dtype.type else made.view(dtype)


class NumericArray:
    """``numpy.ndarray`` with bool, integer, float or complex dtype, byte order kept."""

    name = "numpy.ndarray"

    def encode(self, value: Any) -> Encoded | None:
        """One part in native byte order. Other dtypes are other codecs'."""
        dtype = value.dtype
        text = _built_in(dtype.char) if dtype.isbuiltin == 1 else _text_of(dtype)
        if not text:
            return None
        data = value if dtype.isnative else value.astype(dtype.newbyteorder("="))
        return Encoded(self.name, (Part(data),), 1, {"dtype": text})

    def decode(self, encoded: Encoded) -> Any:
        """The array, C-contiguous, with its dtype and byte order."""
        import numpy as np

        return as_dtype(np.asarray(encoded.part()), safe_dtype(encoded.meta["dtype"]))


codec = NumericArray()
