"""Quantities with units, of pint and of BRIAN2: the number is what is stored, and ``units`` its attribute."""

from __future__ import annotations

import importlib
import math
from typing import Any

from xpet.errors import CorruptStoreError, UnsupportedValueError
from xpet.values.codecs.dataarray import from_text, text
from xpet.values.compose import compose, decompose, more_of
from xpet.values.parts import Encoded, UnknownCodec


class PintCodec:
    """``pint.Quantity`` of any registry, by the names of its units; read back in pint's application registry."""

    name = "pint"

    def encode(self, value: Any) -> Encoded:
        """The magnitude by its own codec."""
        units = dict(value.unit_items())
        if not all(type(exponent) in (int, float) for exponent in units.values()):
            # Another registry would make floats of them.
            raise UnsupportedValueError(f"the exponents of its units {units} cannot be kept; use ints or floats")
        return _with_units(self.name, value.magnitude, {"units": text(units)}, pint_units(value))

    def decode(self, encoded: Encoded) -> Any:
        """The quantity."""
        registry = _imported("pint", "pint").get_application_registry()
        units = from_text(more_of(encoded)["units"])
        for name in units:
            # pint would calculate what is no name.
            if not name.isidentifier():
                raise CorruptStoreError(f"the unit {name!r} of a stored quantity is not a name")
            if name not in registry:
                remedy = f"define its unit {name!r}, such as with pint.get_application_registry().define(...)"
                raise UnknownCodec(self.name, remedy)
        return registry.Quantity(decompose(encoded)[""], registry.Unit(registry.UnitsContainer(units)))


class Brian2Codec:
    """``brian2.Quantity``: the number in base units, and the exponents of the seven dimensions."""

    name = "brian2"

    def encode(self, value: Any) -> Encoded:
        """The number as NumPy array."""
        import numpy as np

        units = _imported("brian2", "brian2.units.fundamentalunits")
        names = ("m", "kg", "s", "A", "K", "mol", "cd")
        dim = [float(value.dim.get_dimension(name)) for name in names]
        if units.get_or_create_dimension(dim) is not value.dim:
            raise UnsupportedValueError(f"the exponents of its dimensions {value.dim} are not exact as floats")
        return _with_units(self.name, np.asarray(value), {"dim": dim}, brian2_units(value))

    def decode(self, encoded: Encoded) -> Any:
        """The quantity."""
        units = _imported("brian2", "brian2.units.fundamentalunits")
        dim = [float(exponent) for exponent in more_of(encoded)["dim"]]
        if len(dim) != 7 or not all(map(math.isfinite, dim)):
            raise CorruptStoreError(f"{dim} of a stored quantity are not the exponents of seven dimensions")
        return units.Quantity(decompose(encoded)[""], dim=units.get_or_create_dimension(dim), force_quantity=True)


def numbers_of(value: Any) -> tuple[Any, str | None]:
    """A value without its units, and these as text; None if it has none."""
    package = type(value).__module__.partition(".")[0]
    if package == "pint" and hasattr(value, "magnitude"):
        return value.magnitude, pint_units(value)
    if package == "brian2" and hasattr(value, "dim"):
        import numpy as np

        return np.asarray(value), brian2_units(value)
    return value, None


def pint_units(value: Any) -> str:
    """The units as plots show them, such as ``'m/s**2'``."""
    return f"{value.units:~C}"


def brian2_units(value: Any) -> str:
    """The units of the number that is stored, which is in base units, such as ``'V'``."""
    units = _imported("brian2", "brian2.units.fundamentalunits")
    return "" if value.dim is units.DIMENSIONLESS else str(units.get_unit_for_display(value.dim))


def _with_units(codec: str, numbers: Any, meta: dict[str, Any], units: str) -> Encoded:
    made = compose(codec, {"": numbers}, meta)
    if not units:
        return made
    main = made.parts[0]._replace(attrs={"units": units, **made.parts[0].attrs})
    attrs = {**made.labels.attrs, "units": units}
    return made._replace(parts=(main, *made.parts[1:]), labels=made.labels._replace(attrs=attrs))


def _imported(package: str, module: str) -> Any:
    try:
        return importlib.import_module(module)
    except Exception as error:
        # A package that is there but does not go with another one fails in whatever way.
        remedy = f"pip install 'xpet[{package}]', as {package} cannot be imported ({type(error).__name__}: {error})"
        raise UnknownCodec(package, remedy) from error


pint_codec = PintCodec()
brian2_codec = Brian2Codec()
