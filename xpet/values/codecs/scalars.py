"""Single numbers and texts, of Python and of NumPy."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from xpet.values.parts import Encoded, Part, is_utf8

_TYPES: dict[str, Any] = {"float": float, "int": int, "bool": bool, "complex": complex, "str": str}
_INT64 = range(-(2**63), 2**63)


@dataclass(frozen=True, slots=True)
class PythonScalar:
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

        return Encoded(self.name, (Part(np.asarray(value)),), meta={"dtype": value.dtype.str})

    def decode(self, encoded: Encoded) -> Any:
        """The scalar with its dtype."""
        import numpy as np

        from xpet.values.codecs.ndarray import safe_dtype

        return np.asarray(encoded.part(), safe_dtype(encoded.meta["dtype"]))[()]


float_codec = PythonScalar("float")
int_codec = PythonScalar("int")
bool_codec = PythonScalar("bool")
complex_codec = PythonScalar("complex")
str_codec = PythonScalar("str")
numpy_codec = NumpyScalar()
