"""NumPy's own subclasses of arrays: matrices, record arrays, masked arrays."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from xpet.errors import CorruptStoreError
from xpet.values.compose import compose, decompose, more_of
from xpet.values.parts import Encoded


@dataclass(frozen=True, slots=True)
class View:
    """``numpy.matrix`` and ``numpy.recarray``: another view of an array."""

    name: str

    def encode(self, value: Any) -> Encoded:
        """The array."""
        import numpy as np

        return compose(self.name, {"": value.view(np.ndarray)})

    def decode(self, encoded: Encoded) -> Any:
        """The view of the array."""
        import numpy as np

        return decompose(encoded)[""].view(np.matrix if self.name == "numpy.matrix" else np.recarray)


@dataclass(frozen=True, slots=True)
class Masked:
    """``numpy.ma.MaskedArray``, with what is under the mask, and ``numpy.ma.mvoid``, an element of one with fields."""

    name: str

    def encode(self, value: Any) -> Encoded:
        """The data, the mask, whether there is one, and the fill value if it is not the usual one."""
        import numpy as np

        mask, nomask = np.ma.getmaskarray(value), value.mask is np.ma.nomask
        values: dict[str, object] = {"": np.asarray(value.data), "mask": np.asarray(mask), "nomask": nomask}
        # An array begins to have a fill value when it is asked for it, as by printing it; it is the same one still.
        if vars(value).get("_fill_value") is not None and not _is_usual(value.fill_value, value.dtype):
            values["fill_value"] = value.fill_value
        return compose(self.name, values, {"hard": bool(value.hardmask)})

    def decode(self, encoded: Encoded) -> Any:
        """The masked array."""
        import numpy as np

        values = decompose(encoded)
        data, mask = values[""], values["mask"]
        if not isinstance(data, np.ndarray) or mask.shape != data.shape:
            raise CorruptStoreError("a stored masked array does not have the shape of its mask")
        mask = np.ma.nomask if values["nomask"] else mask
        out: Any = np.ma.MaskedArray(data, mask) if self.name == "numpy.ma.MaskedArray" else _element(data, mask)
        if "fill_value" in values:
            out.fill_value = values["fill_value"]
        if more_of(encoded)["hard"]:
            out.harden_mask()
        return out


def _element(data: Any, mask: Any) -> Any:
    import numpy as np

    if data.shape or data.dtype.kind != "V":
        raise CorruptStoreError(f"a stored masked record is made of {data.dtype} of {data.ndim} dimensions")
    record: Any = np.ma.mvoid
    return record(data, mask if mask is np.ma.nomask else mask[()])


def _is_usual(fill: Any, dtype: Any) -> bool:
    import numpy as np

    from xpet.values.equality import same_value

    return same_value(fill, np.ma.MaskedArray(np.empty(0, dtype)).fill_value)


class MaskedConstant:
    """``numpy.ma.masked``, which an element is that has none."""

    name = "numpy.ma.masked"

    def encode(self, value: Any) -> Encoded:
        """A text that says so."""
        return compose(self.name, {})

    def decode(self, encoded: Encoded) -> Any:
        """The one that there is."""
        import numpy as np

        return np.ma.masked


matrix_codec = View("numpy.matrix")
recarray_codec = View("numpy.recarray")
masked_codec = Masked("numpy.ma.MaskedArray")
mvoid_codec = Masked("numpy.ma.mvoid")
masked_constant_codec = MaskedConstant()
