"""Values of all kinds that are kept, for tests with hypothesis."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

from xpet.testing.strategies.frames import PANDAS
from xpet.testing.strategies.labelled import LABELLED, plain_data_arrays
from xpet.testing.strategies.nested import FLAT, LEAVES, SETS, nested
from xpet.testing.strategies.plain import LIBRARY
from xpet.testing.strategies.sparse import SPARSE
from xpet.testing.strategies.units import quantities

#: values of Python, NumPy and xarray of which examples are made, and made smaller, quickly
BASIC = st.one_of(nested(LEAVES), FLAT, FLAT.map(tuple), SETS, plain_data_arrays())


def values() -> st.SearchStrategy[Any]:
    """Values of every kind that is kept, in each other: of Python, NumPy, SciPy, pandas, xarray and, if there, pint.

    Examples
    --------
    >>> from hypothesis import given
    >>> from xpet.testing import identical, values
    >>> from xpet.values import decode, encode
    >>> @given(values())
    ... def test_comes_back(value):
    ...     assert identical(value, decode(encode(value)))
    """
    others = st.one_of(LIBRARY, PANDAS, SPARSE, LABELLED, quantities())
    return st.one_of(nested(LEAVES), nested(LEAVES | others), others, FLAT, FLAT.map(tuple), SETS)
