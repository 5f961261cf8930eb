"""``xarray.DataArray`` of numbers: its dims, coordinates, name and attributes become the column's labels."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from xpet.errors import UnsupportedValueError
from xpet.values.codecs.ndarray import codec as ndarray_codec
from xpet.values.codecs.structure import codec as structure_codec
from xpet.values.parts import Coord, Encoded, Labels, Part, is_coordinate

_PLAIN = (str, int, float)


class DataArrayCodec:
    """A DataArray with text dim names whose coordinates are 1-D index coordinates of numbers or texts."""

    name = "xarray.DataArray"

    def encode(self, value: Any) -> Encoded:
        """The numbers as main part, the rest as labels and meta."""
        array = ndarray_codec.encode(value.values)
        if array is None:
            raise UnsupportedValueError(f"a DataArray of dtype {value.dtype} cannot be kept without loss; use numbers")
        if not all(isinstance(dim, str) for dim in value.dims) or len(set(value.dims)) < len(value.dims):
            raise UnsupportedValueError(
                f"a DataArray with the dims {value.dims} cannot be kept; each needs a text of its own"
            )
        coords = {name: _coord(name, coord) for name, coord in value.coords.items()}
        labels = _labels(value.dims)
        named = {label: coords[dim] for dim, label in zip(value.dims, labels, strict=True) if dim in coords}
        meta = {
            "array": dict(array.meta),
            "name": _text(value.name),
            "attrs": _text(dict(value.attrs)),
            "dims": list(value.dims),
            "coords": {name: _text(dict(coord.attrs)) for name, coord in value.coords.items()},
        }
        return Encoded(self.name, array.parts, meta=meta, labels=Labels(labels, named, _plain(value.attrs)))

    def decode(self, encoded: Encoded) -> Any:
        """The DataArray, loaded."""
        import xarray as xr

        meta, labels = encoded.meta, encoded.labels
        data = ndarray_codec.decode(Encoded("numpy.ndarray", encoded.parts, meta=meta["array"]))
        called = dict(zip(meta["dims"], labels.dims, strict=True))
        coords = {
            name: xr.Variable((name,), labels.coords[called[name]].values, _value(attrs))
            for name, attrs in meta["coords"].items()
        }
        return xr.DataArray(data, coords, tuple(meta["dims"]), _value(meta["name"]), _value(meta["attrs"]))


def _text(value: object) -> object:
    return structure_codec.encode(value).part()


def _value(text: str) -> Any:
    return structure_codec.decode(Encoded("json", (Part(text),)))


def _labels(dims: Sequence[str]) -> tuple[str, ...]:
    """The dims as names: other characters than letters, digits, ``_`` and ``-`` are not for a store's keys."""
    made = tuple(re.sub(r"[^A-Za-z0-9_-]", "_", dim) or "_" for dim in dims)
    return made if len(set(made)) == len(made) else tuple(f"{name}-{k}" for k, name in enumerate(made))


def _coord(name: object, coord: Any) -> Coord:
    values = coord.values
    if coord.dims != (name,) or not is_coordinate(values):
        raise UnsupportedValueError(
            f"a DataArray with the coordinate {name!r} of dims {coord.dims} and dtype {values.dtype} cannot be kept; "
            "drop it with .reset_coords(drop=True) or store it as a result of its own"
        )
    return Coord(values, _plain(coord.attrs))


def _plain(attrs: Any) -> dict[str, str | float]:
    return {str(key): value for key, value in attrs.items() if type(value) in _PLAIN}


codec = DataArrayCodec()
