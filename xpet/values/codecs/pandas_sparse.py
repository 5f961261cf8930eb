"""pandas' sparse arrays: the entries, where they are, and what all others are."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from xpet.errors import CorruptStoreError
from xpet.values.codecs.pandas_arrays import vector
from xpet.values.compose import compose, decompose, more_of
from xpet.values.parts import Encoded

_KINDS: Any = ("integer", "block")


class SparseCodec:
    """``SparseArray``, with its entries that equal the fill value; which of them make a block is not kept."""

    name = "pandas.SparseArray"

    def encode(self, value: Any) -> Encoded:
        """The entries as main part, ``at``, ``length``, and ``fill``, the value of all others."""
        parts = {"": np.asarray(value.sp_values), "at": np.asarray(value.sp_index.indices)}
        return compose(self.name, {**parts, "length": len(value), "fill": value.fill_value}, {"kind": value.kind})

    def decode(self, encoded: Encoded) -> Any:
        """The array."""
        parts, kind = decompose(encoded), more_of(encoded)["kind"]
        entries, at, length = vector(parts[""]), vector(parts["at"]), parts["length"]
        if type(length) is not int or length < 0 or at.dtype != np.int32 or kind not in _KINDS:
            raise CorruptStoreError(f"a stored sparse array is of the length {length!r} and the kind {kind!r}")
        # pandas itself does not look at where blocks are.
        if at.size and (at[0] < 0 or at[-1] >= length or (at[1:] <= at[:-1]).any()):
            raise CorruptStoreError(f"the entries of a stored sparse array are not in order within {length} places")
        made = _made(entries, at, length, parts["fill"], kind)
        if entries.dtype == object:
            # pandas takes the liberty to make its own times of others.
            made.sp_values[:] = entries
        return made


def _made(entries: Any, at: Any, length: int, fill: Any, kind: Any) -> Any:
    array: Any = pd.arrays.SparseArray
    if hasattr(array, "from_indices"):
        return array.from_indices(entries, at, length, fill, kind, entries.dtype)
    # Before version 3.1.
    from pandas._libs import sparse

    of_ints: Any = sparse.IntIndex
    index = of_ints(length, at)
    index = index.to_block_index() if kind == "block" else index
    return array(entries, sparse_index=index, dtype=pd.SparseDtype(entries.dtype, fill))


codec = SparseCodec()
