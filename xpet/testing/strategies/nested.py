"""Values in values."""

from __future__ import annotations

from typing import Any

import numpy as np
from hypothesis import strategies as st

from xpet.testing.strategies.arrays import (
    ARRAYS,
    MASKED,
    MATRICES,
    NUMERIC,
    NUMPY_SCALARS,
    OTHER_SCALARS,
    RECORDS,
    TICKS,
    objects_of,
)
from xpet.testing.strategies.plain import COMPLEXES, FLOATS, INTS, SCALARS, TEXTS

HASHABLE = st.recursive(
    st.one_of(SCALARS, NUMPY_SCALARS, TEXTS.map(np.str_), TICKS.map(lambda tick: np.datetime64(tick, "ms"))),
    lambda inner: st.tuples(inner, inner),
    max_leaves=3,
).filter(lambda value: value == value)
_SIMPLE = st.one_of(SCALARS, NUMPY_SCALARS, OTHER_SCALARS, ARRAYS, MASKED, MATRICES, RECORDS)
OBJECTS = st.builds(objects_of, st.lists(_SIMPLE, max_size=4), st.integers(1, 2))
LEAVES = _SIMPLE | OBJECTS


def nested(leaves: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    """Lists, tuples and dicts of some values, or one of these."""
    return st.recursive(
        leaves,
        lambda inner: st.one_of(
            st.lists(inner, max_size=4),
            st.lists(inner, max_size=4).map(tuple),
            st.dictionaries(TEXTS, inner, max_size=3),
            st.dictionaries(HASHABLE, inner, max_size=3),
        ),
        max_leaves=8,
    )


FLAT = st.one_of(*(st.lists(each, min_size=1, max_size=5) for each in (INTS, FLOATS, COMPLEXES, st.booleans())))
SETS = st.one_of(st.sets(HASHABLE, max_size=4), st.frozensets(HASHABLE, max_size=4))

ATTRS = st.dictionaries(st.sampled_from(["units", "x y", "_FillValue"]), st.one_of(SCALARS, NUMERIC), max_size=2)
