"""What the labels along a dim of an xarray object do not tell of its index: ranges, frequencies, kinds of texts."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from xpet.errors import CorruptStoreError
from xpet.values.codecs.pandas_arrays import text_dtype, text_meta
from xpet.values.codecs.pandas_times import freq_text

if TYPE_CHECKING:
    from xpet.values.parts import Array


def described(index: Any, dtype: Any) -> dict[str, Any] | None:
    """What has to be known of an index besides its labels, of a dtype in xarray; None if these tell all.

    Of a range that is only that it is one, mostly, and of times with a fixed step that they have it: those of several
    lengths or steps, one in each run, are then of one kind.
    Which index texts of one width have is not said, as that is pandas' own choice, in each version another one.
    """
    if type(index) is pd.RangeIndex:
        bounds = [index.start, index.stop, index.step]
        return {"range": None if bounds == _bounds(np.asarray(index)) else bounds}
    if type(index) in (pd.DatetimeIndex, pd.TimedeltaIndex) and index.freq is not None:
        return {"freq": None if index.freq == _step(index) else freq_text(index.freq)}
    if not pd.api.types.is_object_dtype(dtype):
        return None
    return {"string": text_meta(index.dtype)} if isinstance(index.dtype, pd.StringDtype) else {"object": True}


def restored(index: Any, how: Mapping[str, Any] | None) -> Any:
    """The index that :func:`described` was asked about, out of one with its labels.

    Raises
    ------
    CorruptStoreError
        If the labels are not such.
    """
    match list(how.items()) if how is not None else []:
        case [("range", bounds)]:
            start, stop, step = map(int, bounds or _bounds(np.asarray(index)))
            made = pd.RangeIndex(start, stop, step, name=index.name)
            if len(made) == len(index) and made.equals(index):
                return made
        case [("freq", str() | None as freq)]:
            return type(index)(index, freq=freq or _step(index))
        case [("string", meta)]:
            return index.astype(text_dtype(meta))
        case [("object", True)]:
            return index.astype(object)
        case []:
            return index
    raise CorruptStoreError(f"the labels of a stored {type(index).__name__} are none of {how}")


def as_texts(values: Array) -> Array | None:
    """Objects as an array of texts of one width, which can label a dim; None if they are others or lose by it."""
    texts = values.tolist()
    if not all(type(text) is str for text in texts):
        return None
    longest, total = max(map(len, texts), default=0), sum(map(len, texts))
    if len(texts) * longest > 1024 + 64 * total:
        return None
    made = np.array(texts, "U")
    return made if made.tolist() == texts else None


def _bounds(labels: Array) -> list[int]:
    """Start, stop and step of the shortest range with these labels."""
    start = int(labels[0]) if len(labels) else 0
    step = int(labels[1]) - start if len(labels) > 1 else 1
    return [start, start + len(labels) * step, step]


def _step(index: Any) -> Any:
    """The frequency of times that are as far from each other as the first two of them."""
    return pd.tseries.frequencies.to_offset(index[1] - index[0]) if len(index) > 1 else None
