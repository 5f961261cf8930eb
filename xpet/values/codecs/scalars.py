"""Single values: numbers, texts and bytes, of Python and of NumPy."""

from __future__ import annotations

from typing import Any, NamedTuple

from xpet.errors import CorruptStoreError
from xpet.values.compose import compose, decompose
from xpet.values.parts import Encoded, Part, is_utf8

_TYPES: dict[str, Any] = {"float": float, "int": int, "bool": bool, "complex": complex, "str": str}
_INT64 = range(-(2**63), 2**63)


class PythonScalar(NamedTuple):
    """``float``, ``bool``, ``complex``, and with limits ``int`` and ``str``."""

    name: str

    def encode(self, value: Any) -> Encoded | None:
        """One part: the value itself. An int beyond 64 bits or text that is not UTF-8 is another codec's."""
        if self.name == "int" and value not in _INT64:
            return None
        if self.name == "str" and not is_utf8(value):
            return None
        return Encoded(self.name, (Part(value),))

    def decode(self, encoded: Encoded) -> Any:
        """The value as its Python type."""
        return _TYPES[self.name](encoded.part())


class NumpyScalar:
    """A NumPy scalar; the dtype is kept."""

    name = "numpy.scalar"

    def encode(self, value: Any) -> Encoded:
        """One 0-d part."""
        import numpy as np

        from xpet.values.codecs.ndarray import dtype_text

        return Encoded(self.name, (Part(np.asarray(value)),), meta={"dtype": dtype_text(value.dtype)})

    def decode(self, encoded: Encoded) -> Any:
        """The scalar with its dtype."""
        import numpy as np

        from xpet.values.codecs.ndarray import as_dtype, safe_dtype

        return as_dtype(np.asarray(encoded.part()), safe_dtype(encoded.meta["dtype"]))[()]


class NumpyGeneric:
    """Another scalar of NumPy's: a time, a time difference, a long double, a record."""

    name = "numpy.generic"

    def encode(self, value: Any) -> Encoded:
        """What the 0-d array of it is."""
        import numpy as np

        return compose(self.name, {"": np.asarray(value)})

    def decode(self, encoded: Encoded) -> Any:
        """The scalar of the 0-d array."""
        array = decompose(encoded)[""]
        if array.shape != ():
            raise CorruptStoreError(f"a stored scalar of NumPy's is an array of shape {array.shape}")
        return array[()]


class NumpyText:
    """``numpy.str_`` that is UTF-8."""

    name = "numpy.str_"

    def encode(self, value: Any) -> Encoded | None:
        """One part: the text."""
        # Not str(value), which drops NULs at the end.
        return Encoded(self.name, (Part(value[:]),)) if is_utf8(value) else None

    def decode(self, encoded: Encoded) -> Any:
        """The text with its type."""
        import numpy as np

        return np.str_(_text(encoded))


class Bytes(NamedTuple):
    """``bytes`` and ``numpy.bytes_``."""

    name: str

    def encode(self, value: Any) -> Encoded:
        """One 1-d part of uint8."""
        import numpy as np

        return Encoded(self.name, (Part(np.frombuffer(bytes(value), np.uint8)),))

    def decode(self, encoded: Encoded) -> Any:
        """The bytes with their type."""
        import numpy as np

        data = encoded.part()
        if not isinstance(data, np.ndarray) or data.ndim != 1 or data.dtype != np.uint8:
            raise CorruptStoreError("stored bytes are not an array of bytes")
        return data.tobytes() if self.name == "bytes" else np.bytes_(data.tobytes())


def _text(encoded: Encoded) -> str:
    text = encoded.part()
    if not isinstance(text, str):
        raise CorruptStoreError(f"a stored text is of type {type(text).__name__}")
    return text


float_codec = PythonScalar("float")
int_codec = PythonScalar("int")
bool_codec = PythonScalar("bool")
complex_codec = PythonScalar("complex")
str_codec = PythonScalar("str")
numpy_codec = NumpyScalar()
generic_codec = NumpyGeneric()
numpy_str_codec = NumpyText()
bytes_codec = Bytes("bytes")
numpy_bytes_codec = Bytes("numpy.bytes_")
