"""NumPy arrays of numbers, of any rank."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from xpet.errors import CorruptStoreError
from xpet.values.parts import Encoded, Part

if TYPE_CHECKING:
    import numpy as np

_DTYPE = re.compile(r"[<>|=](b1|[iu][1248]|f[248]|c(8|16))")


def is_numeric(dtype: np.dtype[Any]) -> bool:
    """Whether a dtype is of the numbers that a store can hold: platform-dependent long doubles are not."""
    return _DTYPE.fullmatch(dtype.str) is not None


def safe_dtype(text: object) -> np.dtype[Any]:
    """The dtype of numbers that ``text`` names; a store is not trusted to name others."""
    import numpy as np

    if not isinstance(text, str) or not _DTYPE.fullmatch(text):
        raise CorruptStoreError(f"the dtype {text!r} of a stored value is not one of numbers; the store is damaged")
    return np.dtype(text)


class NumericArray:
    """``numpy.ndarray`` with bool, integer, float or complex dtype, byte order kept."""

    name = "numpy.ndarray"

    def encode(self, value: Any) -> Encoded | None:
        """One part in native byte order. Other dtypes are other codecs'."""
        if not is_numeric(value.dtype):
            return None
        data = value.astype(value.dtype.newbyteorder("="), copy=False)
        return Encoded(self.name, (Part(data),), meta={"dtype": value.dtype.str})

    def decode(self, encoded: Encoded) -> Any:
        """The array, C-contiguous, with its dtype and byte order."""
        import numpy as np

        return np.asarray(encoded.part()).astype(safe_dtype(encoded.meta["dtype"]), copy=False)


codec = NumericArray()
