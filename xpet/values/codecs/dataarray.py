"""``xarray.DataArray`` of numbers: its dims, coordinates, name and attributes become the column's labels.

What xarray calls ``encoding`` (how a file held it) is not kept, and lazy data are computed.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from xpet.errors import UnsupportedValueError
from xpet.values.codecs.ndarray import codec as ndarray_codec
from xpet.values.codecs.ndarray import is_numeric
from xpet.values.codecs.structure import codec as structure_codec
from xpet.values.coordinates import is_coordinate
from xpet.values.parts import Coord, Encoded, Labels, Part

if TYPE_CHECKING:
    from xpet.values.parts import Array

_PLAIN = (str, int, float)


class DataArrayCodec:
    """A DataArray with text dim names whose coordinates are 1-D index coordinates of numbers or texts."""

    name = "xarray.DataArray"

    def encode(self, value: Any) -> Encoded | None:
        """The numbers as main part, the rest as labels and meta; other data and coordinates are another codec's."""
        coords = {name: _coord(value, name) for name in value.coords}
        array = None if None in coords.values() else _numbers(value.variable)
        if array is None:
            return None
        labels = label_dims(value.dims)
        named = {label: coord for dim, label in zip(value.dims, labels, strict=True) if (coord := coords.get(dim))}
        meta = {
            "array": dict(array.meta),
            "name": text(value.name),
            "attrs": text(dict(value.attrs)),
            "dims": list(value.dims),
            "coords": {name: text(dict(coord.attrs)) for name, coord in value.coords.items()},
        }
        return Encoded(self.name, array.parts, meta=meta, labels=Labels(labels, named, plain(value.attrs)))

    def decode(self, encoded: Encoded) -> Any:
        """The DataArray, loaded."""
        import xarray as xr

        meta, labels = encoded.meta, encoded.labels
        data = ndarray_codec.decode(Encoded("numpy.ndarray", encoded.parts, meta=meta["array"]))
        called = dict(zip(meta["dims"], labels.dims, strict=True))
        coords = {
            name: xr.Variable((name,), labels.coords[called[name]].values, from_text(attrs))
            for name, attrs in meta["coords"].items()
        }
        return xr.DataArray(data, coords, tuple(meta["dims"]), from_text(meta["name"]), from_text(meta["attrs"]))


def loaded(variable: Any) -> Any:
    """A variable with its data in memory."""
    return variable if variable.chunks is None else variable.compute()


def text(value: object) -> str:
    """A name, or attributes, as text."""
    return str(structure_codec.encode(value).part())


def from_text(value: str) -> Any:
    """What :func:`text` made a text of."""
    return structure_codec.decode(Encoded("json", (Part(value),)))


def plain(attrs: Mapping[Any, Any]) -> dict[str, str | float]:
    """The attributes that can be those of a column; a NaN, unlike itself, would make columns differ."""
    return {str(key): value for key, value in attrs.items() if type(value) in _PLAIN and value == value}


def label_dims(dims: Sequence[Any]) -> tuple[str, ...]:
    """The dims as names: other characters than letters, digits, ``_`` and ``-`` are not for a store's keys."""
    if not all(isinstance(dim, str) for dim in dims) or len(set(dims)) < len(dims):
        raise UnsupportedValueError(
            f"an xarray object with the dims {dims} cannot be kept; each needs a text of its own, see .rename()"
        )
    made = tuple(re.sub(r"[^A-Za-z0-9_-]", "_", dim) or "_" for dim in dims)
    return made if len(set(made)) == len(made) else tuple(f"{name}-{k}" for k, name in enumerate(made))


def index_values(value: Any, name: object) -> Array | None:
    """The values of a coordinate of a dimension with the usual index; None of another coordinate."""
    import numpy as np
    from xarray.indexes import PandasIndex

    variable = value.coords[name].variable
    if variable.dims != (name,) or type(value.xindexes.get(name)) is not PandasIndex:
        return None
    return variable.data if type(variable.data) is np.ndarray else None


def _coord(value: Any, name: object) -> Coord | None:
    """A coordinate as a label; None if it is not one of a dimension, of numbers or texts that say all of its index."""
    from xpet.values.codecs.xarray_indexes import described

    values = index_values(value, name)
    if values is None or not is_coordinate(values) or described(value.xindexes[name].index, values.dtype):
        return None
    return Coord(values, plain(value.coords[name].attrs))


def _numbers(variable: Any) -> Encoded | None:
    import numpy as np

    if not isinstance(variable.dtype, np.dtype) or not is_numeric(variable.dtype):
        return None
    data = loaded(variable).data
    return ndarray_codec.encode(data) if type(data) is np.ndarray else None


codec = DataArrayCodec()
