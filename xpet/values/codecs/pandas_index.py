"""pandas' indexes of every kind."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from xpet.errors import CorruptStoreError, UnsupportedValueError
from xpet.values.codecs.pandas_arrays import is_mostly_fill, values, values_of
from xpet.values.codecs.pandas_times import freq_text
from xpet.values.codecs.structure import codec as structure
from xpet.values.compose import compose, decompose, more_of
from xpet.values.parts import Encoded, Part

_KINDS: dict[str, Any] = {
    kind.__name__: kind
    for kind in (
        *(pd.Index, pd.RangeIndex, pd.MultiIndex, pd.CategoricalIndex, pd.IntervalIndex),
        *(pd.DatetimeIndex, pd.TimedeltaIndex, pd.PeriodIndex),
    )
}


class IndexCodec:
    """An Index: its values, as what they are; of a RangeIndex its bounds; of a MultiIndex its levels and codes."""

    name = "pandas.Index"

    def encode(self, value: Any) -> Encoded:
        """The values, bounds, or levels and codes; kind, names and frequency are meta."""
        meta: dict[str, Any] = {"kind": type(value).__name__, "names": text_of(list(value.names))}
        if type(value) is pd.RangeIndex:
            return compose(self.name, {"": np.array([value.start, value.stop, value.step], "int64")}, meta)
        if type(value) is pd.MultiIndex:
            levels = {f"level{k}": level.rename(None) for k, level in enumerate(value.levels)}
            codes = {f"codes{k}": np.asarray(each) for k, each in enumerate(value.codes)}
            return compose(self.name, {**levels, **codes}, {**meta, "sortorder": getattr(value, "sortorder", None)})
        if type(value) in (pd.DatetimeIndex, pd.TimedeltaIndex) and value.freq is not None:
            meta["freq"] = freq_text(value.freq)
        array = values_of(value)
        if is_mostly_fill(array):
            raise UnsupportedValueError(f"a sparse index of {len(array)} labels cannot be kept; use a dense one")
        return compose(self.name, {"": array}, meta)

    def decode(self, encoded: Encoded) -> Any:
        """The index."""
        meta, parts = more_of(encoded), decompose(encoded)
        names = value_of(meta["names"])
        if meta["kind"] == "RangeIndex":
            start, stop, step = map(int, parts[""])
            made: Any = pd.RangeIndex(start, stop, step, name=names[0])
        elif meta["kind"] == "MultiIndex":
            levels = [parts[f"level{k}"] for k in range(len(names))]
            codes = [parts[f"codes{k}"] for k in range(len(names))]
            made = pd.MultiIndex(levels, codes, meta["sortorder"], names)
        else:
            freq = {"freq": str(meta["freq"])} if "freq" in meta else {}
            array = values(parts[""])
            if is_mostly_fill(array):
                raise CorruptStoreError(f"a stored index is a sparse array of the length {len(array)}")
            made = _KINDS[meta["kind"]](array, dtype=array.dtype, name=names[0], **freq)
        if type(made).__name__ != meta["kind"]:
            raise CorruptStoreError(f"a stored {meta['kind']} holds what makes a {type(made).__name__}")
        return made


def text_of(value: object) -> str:
    """A label, or what holds labels, as a text."""
    return str(structure.encode(value).part())


def value_of(text: str) -> Any:
    """What the text of :func:`text_of` is of."""
    return structure.decode(Encoded(structure.name, (Part(text),)))


codec = IndexCodec()
