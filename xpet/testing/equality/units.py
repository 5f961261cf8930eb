"""When quantities of pint and BRIAN2 are identical; the registry that they come from does not matter."""

from __future__ import annotations

from typing import Any

import numpy as np

from xpet.testing.equality import identical


def same(a: Any, b: Any) -> bool:
    """Tell whether two values of one type are identical."""
    if hasattr(a, "magnitude"):
        return identical(a.magnitude, b.magnitude) and sorted(a.unit_items()) == sorted(b.unit_items())
    if hasattr(a, "dim"):
        return identical(np.asarray(a), np.asarray(b)) and bool(a.dim == b.dim)
    return bool(a == b)
