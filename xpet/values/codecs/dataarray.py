"""``xarray.DataArray`` of numbers: its dims, coordinates, name and attributes become the column's labels."""

from __future__ import annotations

from typing import Any

from xpet.errors import UnsupportedValueError
from xpet.values.codecs.ndarray import codec as ndarray_codec
from xpet.values.codecs.structure import codec as structure_codec
from xpet.values.parts import Coord, Encoded, Labels, Part

_PLAIN = (str, int, float)


class DataArrayCodec:
    """A DataArray with text dim names whose coordinates are 1-D index coordinates of numbers or texts."""

    name = "xarray.DataArray"

    def encode(self, value: Any) -> Encoded:
        """The numbers as main part, the rest as labels and meta."""
        array = ndarray_codec.encode(value.values)
        if array is None:
            raise UnsupportedValueError(f"a DataArray of dtype {value.dtype} cannot be kept without loss; use numbers")
        coords = {str(name): _coord(name, coord) for name, coord in value.coords.items()}
        meta = {
            "array": dict(array.meta),
            "name": structure_codec.encode(value.name).part(),
            "attrs": structure_codec.encode(dict(value.attrs)).part(),
            "dims": [_name(dim) for dim in value.dims],
            "coords": {
                str(name): structure_codec.encode(dict(coord.attrs)).part() for name, coord in value.coords.items()
            },
        }
        labels = Labels(tuple(str(dim) for dim in value.dims), coords, _plain(value.attrs))
        return Encoded(self.name, array.parts, meta=meta, labels=labels)

    def decode(self, encoded: Encoded) -> Any:
        """The DataArray, loaded."""
        import xarray as xr

        def unpack(text: str) -> Any:
            return structure_codec.decode(Encoded("json", (Part(text),)))

        meta, labels = encoded.meta, encoded.labels
        data = ndarray_codec.decode(Encoded("numpy.ndarray", encoded.parts, meta=meta["array"]))
        coords = {
            name: xr.Variable((name,), labels.coords[name].values, unpack(attrs))
            for name, attrs in meta["coords"].items()
        }
        return xr.DataArray(data, coords, tuple(meta["dims"]), unpack(meta["name"]), unpack(meta["attrs"]))


def _name(dim: object) -> str:
    if not isinstance(dim, str):
        raise UnsupportedValueError(f"a DataArray with the dim {dim!r} cannot be kept; dims must have text names")
    return dim


def _coord(name: object, coord: Any) -> Coord:
    values = coord.values
    if coord.dims != (name,) or values.dtype.kind not in "biufU":
        raise UnsupportedValueError(
            f"a DataArray with the coordinate {name!r} of dims {coord.dims} and dtype {values.dtype} cannot be kept; "
            "drop it with .reset_coords(drop=True) or store it as a result of its own"
        )
    return Coord(values, _plain(coord.attrs))


def _plain(attrs: Any) -> dict[str, str | float]:
    return {str(key): value for key, value in attrs.items() if type(value) in _PLAIN}


codec = DataArrayCodec()
