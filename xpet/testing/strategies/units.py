"""Quantities with units, of the packages that are installed."""

from __future__ import annotations

from importlib import import_module
from importlib.util import find_spec
from typing import Any

from hypothesis import strategies as st

from xpet.testing.strategies.arrays import NUMERIC
from xpet.testing.strategies.plain import FLOATS, INTS

UNITS = ["", "m", "mV", "meter / second ** 2", "degC", "delta_degF", "kg * m ** 0.5", "1 / hour", "percent"]
EXPONENTS = st.lists(st.sampled_from([0, 1, -3, 0.5, 1 / 3, -2.25]), min_size=7, max_size=7)


def pint_quantities() -> st.SearchStrategy[Any]:
    """Quantities of pint's application registry."""
    registry: Any = import_module("pint").get_application_registry()
    return st.builds(
        lambda magnitude, units: registry.Quantity(magnitude, registry.Unit(units)),
        FLOATS | INTS | NUMERIC,
        st.sampled_from(UNITS),
    )


def quantities() -> st.SearchStrategy[Any]:
    """Quantities of pint, or nothing if it is not installed; BRIAN2 takes too long to be imported unasked."""
    return pint_quantities() if find_spec("pint") is not None else st.nothing()
