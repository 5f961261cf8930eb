"""As ``pypet.parameter``: the leaves."""

from __future__ import annotations

from xpet.tree import (
    ArrayParameter,
    BaseParameter,
    BaseResult,
    Parameter,
    PickleParameter,
    PickleResult,
    Result,
    SparseParameter,
    SparseResult,
)
from xpet.values.objecttable import ObjectTable

__all__ = [
    "ArrayParameter",
    "BaseParameter",
    "BaseResult",
    "ObjectTable",
    "Parameter",
    "PickleParameter",
    "PickleResult",
    "Result",
    "SparseParameter",
    "SparseResult",
]
