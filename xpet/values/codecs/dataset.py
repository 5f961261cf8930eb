"""xarray's objects of any data, coordinates and indexes: each variable is a value of its own.

What xarray calls ``encoding`` (how a file held a variable) is not kept, and lazy data are computed.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from xpet.errors import CorruptStoreError, UnsupportedValueError
from xpet.values.attrs import plain_attrs
from xpet.values.codecs.dataarray import codec as plain_codec
from xpet.values.codecs.dataarray import from_text, index_values, label_dims, loaded, plain, text
from xpet.values.compose import compose, decompose, more_of
from xpet.values.parts import Coord, Encoded, Labels, is_coordinate

if TYPE_CHECKING:
    import numpy as np

_TIME = re.compile(r"<([mM])8\[(s|ms|us|ns)\]")
_LEVEL = re.compile(r"[<>|=]?(O|b1|[iu][1248]|f[248]|c8|c16|U\d{1,4}|[mM]8\[(s|ms|us|ns)\])")
_UNITS = {"s": "seconds", "ms": "milliseconds", "us": "microseconds", "ns": "nanoseconds"}


class VariableCodec:
    """``xarray.Variable`` and ``IndexVariable``: the data as main part, with dims and attributes as labels."""

    name = "xarray.Variable"

    def encode(self, value: Any) -> Encoded:
        """The data by their own codec; ``encoding`` is not kept."""
        return _variable(value, type(value).__name__ == "IndexVariable")

    def decode(self, encoded: Encoded) -> Any:
        """The variable, loaded."""
        import pandas as pd
        import xarray as xr

        more, data = more_of(encoded), decompose(encoded)[""]
        if isinstance(data, pd.api.extensions.ExtensionArray):
            # xarray makes objects of times with zones that are no index.
            data = pd.Index(data)
        kind = xr.IndexVariable if more["index"] else xr.Variable
        return kind(more["dims"], data, from_text(more["attrs"]))


class DatasetCodec:
    """``xarray.Dataset``: each variable is parts of its own, the main part is a text."""

    name = "xarray.Dataset"

    def encode(self, value: Any) -> Encoded:
        """The variables by their own codecs; ``encoding`` is not kept."""
        parts = _Parts()
        data = [parts.add(name, variable.variable) for name, variable in value.data_vars.items()]
        meta = {"data": data, "attrs": text(dict(value.attrs)), **_coordinates(value, parts, value.coords)}
        made = compose(self.name, parts.values, meta)
        return replace(made, labels=Labels(attrs=plain(value.attrs)))

    def decode(self, encoded: Encoded) -> Any:
        """The Dataset, loaded."""
        import xarray as xr

        more, values = more_of(encoded), decompose(encoded)
        data = {from_text(name): _found(values, part) for name, part in more["data"]}
        return xr.Dataset(data, _rebuilt(more, values), from_text(more["attrs"]))


class DataArrayCodec:
    """``xarray.DataArray`` of any data and coordinates; the column has its dims, index coordinates and attributes.

    Version 1 is that of :mod:`xpet.values.codecs.dataarray`.
    """

    name, version = "xarray.DataArray", 2

    def encode(self, value: Any) -> Encoded:
        """The data as main part; coordinates that cannot be labels are parts; ``encoding`` is not kept."""
        main = _variable(value.variable)
        parts = _Parts({"": main})
        called = dict(zip(value.dims, main.labels.dims, strict=False))
        labels = {dim: label for dim in called if (label := _as_label(value, dim)) is not None}
        others = {name: coord for name, coord in value.coords.items() if name not in labels}
        meta = {
            "name": text(value.name),
            "order": [text(name) for name in value.coords],
            "labels": [[dim, called[dim], dtype, text(dict(value[dim].attrs))] for dim, (_, dtype) in labels.items()],
            **_coordinates(value, parts, others),
        }
        made = compose(self.name, parts.values, meta, self.version)
        coords = {called[dim]: coord for dim, (coord, _) in labels.items()}
        return replace(made, labels=replace(made.labels, coords=coords))

    def decode(self, encoded: Encoded) -> Any:
        """The DataArray, loaded."""
        import xarray as xr

        if encoded.version == 1:
            return plain_codec.decode(encoded)
        more, values = more_of(encoded), decompose(encoded)
        main = _found(values, "")
        labels = {
            dim: xr.Variable((dim,), _from_label(encoded.labels.coords[called].values, dtype), from_text(attrs))
            for dim, called, dtype, attrs in more["labels"]
        }
        coords = _rebuilt(more, values, labels, more["order"])
        return xr.DataArray(main, coords, name=from_text(more["name"]))


class _Parts:
    """Variables by the names of their parts, which are texts of their own; those of xarray are anything hashable."""

    def __init__(self, values: Mapping[str, Encoded] | None = None) -> None:
        from xpet.values.registry import Opaque

        self.values: dict[str, object] = {name: Opaque(encoded) for name, encoded in (values or {}).items()}

    def add(self, name: object, value: Any) -> list[object]:
        """Take a variable, or another value, in; returns its name as text and that of its part."""
        from xpet.values.registry import Opaque

        # The texts that name parts are UTF-8.
        stem = part = str(name).encode(errors="replace").decode() or "_"
        k = 0
        while part in self.values:
            k += 1
            part = f"{stem}-{k}"
        is_variable = type(value).__module__ == "xarray.core.variable"
        self.values[part] = Opaque(replace(_variable(value), labels=Labels())) if is_variable else value
        return [text(name), part]


def _variable(value: Any, index: bool = False) -> Encoded:
    """A variable as its data, dims and attributes."""
    import numpy as np

    dims = label_dims(value.dims)
    meta = {"dims": list(value.dims), "attrs": text(dict(value.attrs)), "index": index}
    made = compose(VariableCodec.name, {"": loaded(value).data}, meta)
    main = made.parts[0]
    fits = len(dims) == np.ndim(main.data) and not isinstance(main.data, str)
    attrs = {**plain(value.attrs), **made.labels.attrs}
    shown = replace(main, attrs={**plain_attrs(attrs), **main.attrs})
    return replace(made, parts=(shown, *made.parts[1:]), labels=Labels(dims if fits else (), {}, attrs))


def _as_label(value: Any, dim: str) -> tuple[Coord, str] | None:
    """The coordinate of a dim that can be stored as its label, and the dtype of its times; None if it cannot."""
    values = index_values(value, dim) if dim in value.coords else None
    if values is None:
        return None
    attrs, time = plain(value.coords[dim].attrs), _TIME.fullmatch(values.dtype.str)
    if time is None:
        return (Coord(values, attrs), "") if is_coordinate(values) else None
    units = _UNITS[time[2]] + (" since 1970-01-01" if time[1] == "M" else "")
    return Coord(values.view("i8"), {**attrs, "units": units}), values.dtype.str


def _from_label(values: np.ndarray[Any, Any], dtype: str) -> np.ndarray[Any, Any]:
    if dtype == "":
        return values
    if not _TIME.fullmatch(dtype) or values.dtype.kind != "i":
        raise CorruptStoreError(f"the dtype {dtype!r} of a stored coordinate of {values.dtype} is not one of times")
    return values.astype("i8").view(dtype)


def _coordinates(value: Any, parts: _Parts, coords: Mapping[Any, Any]) -> dict[str, Any]:
    """Take coordinates and their indexes in; returns what has to be known of them besides."""
    from xarray.indexes import PandasIndex, PandasMultiIndex

    single, multiple, done = [], [], set()
    for name, coord in coords.items():
        index = value.xindexes.get(name)
        if type(index) is PandasMultiIndex:
            if id(index) not in done:
                multiple.append(_multiple(index, value, parts))
            done.add(id(index))
        elif index is None or type(index) is PandasIndex:
            single.append([*parts.add(name, coord.variable), index is not None])
        else:
            raise UnsupportedValueError(
                f"an xarray object with an index of type {type(index).__name__} along {coord.dims} cannot be kept; "
                f"drop it with .drop_indexes({name!r})"
            )
    return {"coords": single, "multiple": multiple}


def _multiple(index: Any, value: Any, parts: _Parts) -> list[Any]:
    """Take the index of several coordinates in."""
    from xarray.indexes import PandasMultiIndex

    label_dims((index.dim,))
    levels = index.level_coords_dtype
    usual = PandasMultiIndex(index.index, index.dim).level_coords_dtype
    dtypes = [[text(name), getattr(dtype, "str", "")] for name, dtype in levels.items() if dtype != usual[name]]
    if not all(_LEVEL.fullmatch(dtype) for _, dtype in dtypes):
        raise UnsupportedValueError(f"a MultiIndex with the dtypes {levels} cannot be kept; use numbers or texts")
    attrs = [[text(name), text(dict(value[name].attrs))] for name in (index.dim, *levels)]
    return [*parts.add(index.dim, index.index), dtypes, attrs]


def _rebuilt(
    more: Mapping[str, Any],
    values: Mapping[str, Any],
    labels: Mapping[Any, Any] | None = None,
    order: Iterable[str] = (),
) -> Any:
    """The coordinates with their indexes; ``labels`` are those with one of the usual kind."""
    import xarray as xr
    from xarray.indexes import PandasIndex

    variables, indexes = {}, {}
    single = [(name, variable, True) for name, variable in (labels or {}).items()]
    # A name can hold a NaN, which is found again only as the same object.
    names = {given: from_text(given) for given in order}
    for name, part, has_index in more["coords"]:
        single.append((names.setdefault(name, from_text(name)), _found(values, part), has_index))
    for name, variable, has_index in single:
        variables[name] = variable
        if has_index:
            indexes[name] = index = PandasIndex.from_variables({name: variable}, options={})
            variables.update(index.create_variables({name: variable}))
    for _, part, dtypes, attrs in more["multiple"]:
        index, made = _multiple_rebuilt(values[part], dtypes, attrs)
        variables.update(made)
        indexes.update(dict.fromkeys(made, index))
    return xr.Coordinates({name: variables[name] for name in (*(names[given] for given in order), *variables)}, indexes)


def _multiple_rebuilt(index: Any, dtypes: Any, attrs: Any) -> tuple[Any, dict[Any, Any]]:
    import numpy as np
    from xarray.indexes import PandasMultiIndex

    own = {from_text(name): from_text(given) for name, given in attrs}
    dim = next(iter(own))
    levels = dict(PandasMultiIndex(index, dim).level_coords_dtype)
    for name, dtype in dtypes:
        if not _LEVEL.fullmatch(dtype):
            raise CorruptStoreError(f"the dtype {dtype!r} of a level of a stored index is not one")
        levels[from_text(name)] = np.dtype(dtype)
    made = PandasMultiIndex(index, dim, levels)
    variables = made.create_variables()
    for name, given in own.items():
        variables[name].attrs = given
    return made, dict(variables)


def _found(values: Mapping[str, Any], part: str) -> Any:
    """A variable among the parts."""
    found = values[part]
    if type(found).__module__ != "xarray.core.variable":
        raise CorruptStoreError(
            f"the part {part!r} of a stored xarray object is no variable but a {type(found).__name__}"
        )
    return found


variable_codec = VariableCodec()
dataset_codec = DatasetCodec()
dataarray_codec = DataArrayCodec()
