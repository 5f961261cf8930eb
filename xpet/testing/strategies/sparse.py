"""SciPy's sparse matrices and arrays."""

from __future__ import annotations

from typing import Any

import numpy as np
import scipy
import scipy.sparse as sp
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from xpet.testing.strategies.frames import PLAIN

SCIPY = tuple(map(int, scipy.__version__.split(".")[:2]))
FORMATS = ["csr", "csc", "coo", "bsr", "dia", "lil", "dok"]
#: The first one takes one dimension since SciPy 1.15.
ONE_DIMENSIONAL = ("csr_array", "coo_array", "dok_array")[SCIPY < (1, 15) :]
KINDS = [f"{name}_{kind}" for name in FORMATS for kind in ("matrix", "array")]


@st.composite
def sparse(draw: st.DrawFn) -> Any:
    """Draw a matrix or array, with explicit zeros, duplicates and any order where its format has them."""
    kind = draw(st.sampled_from(KINDS))
    dtype = draw(st.sampled_from(PLAIN))
    shape: tuple[int, ...] = draw(st.tuples(st.integers(1, 5), st.integers(1, 5)))
    if kind in ONE_DIMENSIONAL and draw(st.booleans()):
        shape = (shape[0],)
    entries = draw(st.lists(st.tuples(*(st.integers(0, size - 1) for size in shape)), max_size=6))
    data = draw(hnp.arrays(dtype, (len(entries),), elements={"allow_nan": True} if dtype[0] in "fc" else None))
    coords: list[Any] = [np.array([entry[axis] for entry in entries], "i4") for axis in range(len(shape))]
    coo = (sp.coo_matrix if kind.endswith("matrix") else sp.coo_array)((data, tuple(coords)), shape=shape)
    if kind.startswith(("csr", "csc")) and len(shape) == 2:
        return _compressed(kind, coo, draw(st.sampled_from(["i4", "i8"])))
    # What is there twice is added up.
    with np.errstate(all="ignore"):
        if kind.startswith("coo"):
            if draw(st.booleans()):
                coo.sum_duplicates()
            return coo
        return getattr(coo, f"to{kind[:3]}")()


def _compressed(kind: str, coo: Any, dtype: str) -> Any:
    """Make one whose entries are in the order of a COO matrix, duplicates and all."""
    axis = 0 if kind.startswith("csr") else 1
    major = coo.coords[axis]
    order = np.argsort(major, kind="stable")
    indptr = np.searchsorted(major[order], np.arange(coo.shape[axis] + 1))
    made = getattr(sp, kind)((coo.data[order], coo.coords[1 - axis][order], indptr), shape=coo.shape)
    made.indices, made.indptr = made.indices.astype(dtype), made.indptr.astype(dtype)
    return made


SPARSE = sparse()
