"""When SciPy's sparse matrices and arrays are identical: the entries as they are kept, not as they are summed up."""

from __future__ import annotations

from typing import Any

import numpy as np
import scipy.sparse as sp

from xpet.testing.equality import identical


def same(a: Any, b: Any) -> bool:
    """Tell whether two values of one type are identical."""
    return _same_entries(a, b) if sp.issparse(a) else bool(a == b)


def _same_entries(a: Any, b: Any) -> bool:
    if a.shape != b.shape or not identical(a.dtype, b.dtype):
        return False
    if a.format == "dok":
        keys = list(a.keys()) == list(b.keys())
        return keys and identical(np.array(list(a.values()), a.dtype), np.array(list(b.values()), b.dtype))
    if a.format == "lil":
        rows = [[np.array(row, a.dtype) for row in each.data] for each in (a, b)]
        return list(map(list, a.rows)) == list(map(list, b.rows)) and identical(*rows)
    if a.format == "coo":
        coords = all(map(identical, a.coords, b.coords))
        return coords and identical(a.data, b.data) and a.has_canonical_format == b.has_canonical_format
    names = ["data", "offsets"] if a.format == "dia" else ["data", "indices", "indptr"]
    state = a.format == "dia" or a.has_sorted_indices == b.has_sorted_indices
    return state and all(identical(getattr(a, name), getattr(b, name)) for name in names)
