"""pandas' arrays of nullable numbers, texts, intervals and categories."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from xpet.errors import CorruptStoreError
from xpet.values.compose import compose, decompose, more_of
from xpet.values.parts import Encoded, Part, UnknownCodec, is_utf8

if TYPE_CHECKING:
    from collections.abc import Mapping

    from xpet.values.parts import Array


#: Labels and ends of intervals may be laid out in full; beyond this, few entries would ask for much memory.
_MOST_FILL, _FILL_RATIO = 2**16, 256


def vector(part: object, kinds: str = "") -> Array:
    """A part that must be a 1-D array of NumPy's, of one of these kinds of dtype."""
    if not isinstance(part, np.ndarray) or part.ndim != 1 or (kinds and part.dtype.kind not in kinds):
        raise CorruptStoreError(f"pandas' stored value has a {type(part).__name__} that is no 1-D array of its kind")
    return part


def values(part: object) -> Any:
    """A part that must be a 1-D array, of NumPy's or of pandas' own; an index may be far longer than what is stored."""
    return part if isinstance(part, pd.api.extensions.ExtensionArray) else vector(part)


def is_mostly_fill(array: Any) -> bool:
    """Whether an array is sparse and so long that it would take far more memory as what is none."""
    entries = getattr(array, "sp_values", None)
    return entries is not None and len(array) > _MOST_FILL + _FILL_RATIO * len(entries)


def values_of(value: Any) -> Any:
    """The values of a Series or an Index: an array of NumPy's, or one of pandas' own."""
    dtype = value.dtype
    return value.to_numpy() if isinstance(dtype, np.dtype) and dtype.kind not in "mM" else value.array


class MaskedCodec:
    """``Int64`` and its like, ``Float64``, ``boolean``: numbers, and which of them are missing."""

    name = "pandas.masked"
    _kinds = ("IntegerArray", "FloatingArray", "BooleanArray")

    def encode(self, value: Any) -> Encoded:
        """The numbers, with one that plain tools take for none where one is missing, and ``na``."""
        dtype, na = value.dtype.numpy_dtype, np.asarray(value.isna())
        whole = np.dtype("int8") if dtype.kind == "b" else dtype
        spare = _spare(whole)
        numbers = value.to_numpy(whole, na_value=spare)
        # Plain tools compare them as floats; one that is there is not to be missing to them.
        hidden = whole.kind != "f" and not (numbers[~na].astype(float) == float(spare)).any()
        encoded = compose(self.name, {"": numbers, "na": na}, {"kind": type(value).__name__, "hidden": hidden})
        attrs = {"missing_value": spare, "_FillValue": spare} if hidden else {}
        main, *rest = encoded.parts
        return encoded._replace(parts=(main._replace(attrs=attrs), *rest))

    def decode(self, encoded: Encoded) -> Any:
        """The array."""
        kind, parts = more_of(encoded)["kind"], decompose(encoded)
        if kind not in self._kinds:
            raise CorruptStoreError(f"a stored array names the kind {kind!r}, which is none of pandas'")
        na, numbers = vector(parts["na"], "b"), vector(parts[""])
        if kind == "BooleanArray":
            if numbers.dtype != np.int8:
                raise CorruptStoreError(f"stored bools are made of {numbers.dtype}")
            numbers = numbers == 1
        return getattr(pd.arrays, kind)(numbers, na)


def _spare(dtype: np.dtype[Any]) -> float:
    """A number that is hardly ever data; of 64 bits, one that is exact as a float."""
    bits = 8 * dtype.itemsize
    spares: dict[str, float] = {"i": -(2 ** (bits - 1)), "u": 2**bits - (4096 if bits == 64 else 1)}
    return spares.get(dtype.kind, np.nan)


class TextCodec:
    """``string`` and ``str``, kept by Python or by pyarrow: texts, and which of them are missing."""

    name = "pandas.string"

    def encode(self, value: Any) -> Encoded:
        """The texts, empty where one is missing, and ``na``; with escapes if one of them is not UTF-8."""
        na = np.asarray(value.isna())
        texts = np.asarray(value, object).copy()
        texts[na] = ""
        escaped = not is_utf8("".join(texts))
        if escaped:
            texts[:] = [text.encode("unicode_escape").decode() for text in texts]
        meta = {**text_meta(value.dtype), "escaped": escaped}
        return Encoded(self.name, (Part(texts), Part(na, "na")), meta=meta)

    def decode(self, encoded: Encoded) -> Any:
        """The array; one of pyarrow's is not read without it."""
        meta, na = encoded.meta, vector(encoded.part("na"), "b")
        texts = vector(encoded.part()).astype(object)
        if texts.shape != na.shape or any(type(text) is not str for text in texts):
            raise CorruptStoreError(f"a stored array of texts holds {len(texts)} for {len(na)} marks, or other things")
        if meta["escaped"]:
            texts[:] = [text.encode("ascii").decode("unicode_escape") for text in texts]
        dtype = text_dtype(meta)
        texts[na] = dtype.na_value
        return pd.array(texts, dtype=dtype)


def text_meta(dtype: Any) -> dict[str, str]:
    """What is to be known of a ``StringDtype``."""
    return {"storage": dtype.storage, "missing": "NA" if dtype.na_value is pd.NA else "NaN"}


def text_dtype(meta: Mapping[str, Any]) -> Any:
    """The ``StringDtype`` that :func:`text_meta` told of."""
    missing = {"NA": pd.NA, "NaN": np.nan}[meta["missing"]]
    if meta["storage"] not in ("python", "pyarrow"):
        raise CorruptStoreError(f"a stored array of texts names the storage {meta['storage']!r}")
    given: Any = {} if missing is pd.NA else {"na_value": missing}
    try:
        return pd.StringDtype(meta["storage"], **given)
    except ImportError:
        raise UnknownCodec(TextCodec.name, "pyarrow keeps its texts; install pyarrow") from None


class CategoricalCodec:
    """``Categorical``: which category each one is, -1 where it is missing, and the categories in their order."""

    name = "pandas.Categorical"

    def encode(self, value: Any) -> Encoded:
        """The codes, and ``categories``."""
        parts = {"": np.asarray(value.codes), "categories": value.categories}
        return compose(self.name, parts, {"ordered": bool(value.ordered)})

    def decode(self, encoded: Encoded) -> Any:
        """The Categorical."""
        parts = decompose(encoded)
        ordered = more_of(encoded)["ordered"] is True
        return pd.Categorical.from_codes(vector(parts[""], "iu"), categories=parts["categories"], ordered=ordered)


class IntervalsCodec:
    """Intervals closed on the same side: their left and right ends."""

    name = "pandas.intervals"

    def encode(self, value: Any) -> Encoded:
        """``left`` and ``right``."""
        ends = {"left": values_of(value.left), "right": values_of(value.right)}
        return compose(self.name, ends, {"closed": value.closed})

    def decode(self, encoded: Encoded) -> Any:
        """The array."""
        parts, closed = decompose(encoded), more_of(encoded)["closed"]
        left, right = values(parts["left"]), values(parts["right"])
        if is_mostly_fill(left) or is_mostly_fill(right):
            raise CorruptStoreError("the ends of stored intervals are sparse")
        return pd.arrays.IntervalArray.from_arrays(left, right, closed)


class IntervalCodec:
    """One ``Interval`` of numbers or times."""

    name = "pandas.Interval"

    def encode(self, value: Any) -> Encoded:
        """``left`` and ``right``."""
        return compose(self.name, {"left": value.left, "right": value.right}, {"closed": value.closed})

    def decode(self, encoded: Encoded) -> Any:
        """The interval."""
        return pd.Interval(**decompose(encoded), closed=more_of(encoded)["closed"])


class PlainCodec:
    """An array of NumPy's in pandas' clothes."""

    name = "pandas.numpy"

    def encode(self, value: Any) -> Encoded:
        """The array."""
        return compose(self.name, {"": value.to_numpy()})

    def decode(self, encoded: Encoded) -> Any:
        """The array in its clothes."""
        return pd.arrays.NumpyExtensionArray(decompose(encoded)[""])


masked = MaskedCodec()
texts = TextCodec()
categorical = CategoricalCodec()
intervals = IntervalsCodec()
interval = IntervalCodec()
plain = PlainCodec()
