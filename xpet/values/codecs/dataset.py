"""xarray's objects of any data, coordinates and indexes: each variable is a value of its own.

What xarray calls ``encoding`` (how a file held a variable) is not kept, and lazy data are computed.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from xpet.errors import CorruptStoreError, UnsupportedValueError
from xpet.values.attrs import plain_attrs
from xpet.values.codecs.dataarray import codec as plain_codec
from xpet.values.codecs.dataarray import from_text, index_values, label_dims, loaded, plain, text
from xpet.values.codecs.pandas_arrays import is_mostly_fill
from xpet.values.codecs.xarray_indexes import as_texts, described, restored
from xpet.values.compose import compose, decompose, more_of
from xpet.values.coordinates import as_stored, is_coordinate
from xpet.values.parts import Coord, Encoded, Labels

if TYPE_CHECKING:
    import numpy as np

_LEVEL = re.compile(r"[<>|=]?(O|b1|[iu][1248]|f[248]|c8|c16|U\d{1,4}|[mM]8\[(s|ms|us|ns)\])")


class VariableCodec:
    """``xarray.Variable`` and ``IndexVariable``: the data as main part, with dims and attributes as labels."""

    name = "xarray.Variable"

    def encode(self, value: Any) -> Encoded:
        """The data by their own codec; ``encoding`` is not kept."""
        return _variable(value, type(value).__name__ == "IndexVariable")

    def decode(self, encoded: Encoded) -> Any:
        """The variable, loaded."""
        import numpy as np
        import pandas as pd
        import xarray as xr

        more, data = more_of(encoded), decompose(encoded)[""]
        attrs = from_text(more["attrs"])
        if is_mostly_fill(data):
            raise CorruptStoreError(f"a stored variable of xarray's is a sparse array of the length {len(data)}")
        if isinstance(data, pd.api.extensions.ExtensionArray):
            # xarray makes objects of times with zones that are no index; arrays of pandas' are none once loaded.
            data = pd.Index(data)
        is_object = isinstance(data, np.ndarray) and data.dtype == object
        if more["index"]:
            index = data if isinstance(data, pd.Index) else pd.Index(data, dtype=object if is_object else None)
            kind: Any = xr.IndexVariable
            return kind(more["dims"], restored(index, more.get("indexes")), attrs)
        if not is_object:
            return xr.Variable(more["dims"], data, attrs)
        # xarray makes NaN of what else is missing among objects that it is given, and datetimes of such.
        made = xr.Variable(more["dims"], np.empty(data.shape, object), attrs)
        made.data[...] = data
        return made


class DatasetCodec:
    """``xarray.Dataset``: each variable is parts of its own, the main part is a text.

    In version 1 all coordinates are parts.
    """

    name, version = "xarray.Dataset", 2

    def encode(self, value: Any) -> Encoded:
        """The variables by their own codecs, with their dims; index coordinates label these if they can."""
        parts = _Parts(tuple(value.sizes))
        data = [parts.add(name, variable.variable) for name, variable in value.data_vars.items()]
        coords, more = _coordinates(value, parts)
        meta = {"data": data, "attrs": text(dict(value.attrs)), **more}
        made = compose(self.name, parts.values, meta, self.version, one_space=True)
        return made._replace(labels=Labels((), coords, plain(value.attrs)))

    def decode(self, encoded: Encoded) -> Any:
        """The Dataset, loaded."""
        import xarray as xr

        more, values = more_of(encoded), decompose(encoded)
        data = {from_text(name): _found(values, part).load() for name, part in more["data"]}
        return xr.Dataset(data, _rebuilt(more, values, encoded.labels), from_text(more["attrs"]))


class DataArrayCodec:
    """``xarray.DataArray`` of any data and coordinates; the column has its dims, index coordinates and attributes.

    Version 1 is that of :mod:`xpet.values.codecs.dataarray`.
    """

    name, version = "xarray.DataArray", 2

    def encode(self, value: Any) -> Encoded:
        """The data as main part; coordinates that cannot be labels are parts; ``encoding`` is not kept."""
        parts = _Parts(value.dims)
        main = parts.add_main(value.variable)
        coords, more = _coordinates(value, parts)
        made = compose(self.name, parts.values, {"name": text(value.name), **more}, self.version, one_space=True)
        return made._replace(labels=main.labels._replace(coords=coords))

    def decode(self, encoded: Encoded) -> Any:
        """The DataArray, loaded."""
        import xarray as xr

        if encoded.version == 1:
            return plain_codec.decode(encoded)
        more, values = more_of(encoded), decompose(encoded)
        coords = _rebuilt(more, values, encoded.labels)
        return xr.DataArray(_found(values, "").load(), coords, name=from_text(more["name"]))


class _Parts:
    """Variables by the names of their parts, which are texts of their own; those of xarray are anything hashable."""

    def __init__(self, dims: tuple[Any, ...]) -> None:
        #: the names that dims have as labels
        self.called = dict(zip(dims, label_dims(dims), strict=True))
        self.values: dict[str, object] = {}
        #: the labels of dims that a part has
        self.dims: set[str] = set()

    def add_main(self, variable: Any) -> Encoded:
        """Take a variable in as main part."""
        return self._take("", variable)

    def add(self, name: object, value: Any) -> list[object]:
        """Take a variable, or another value, in; returns its name as text and that of its part."""
        # The texts that name parts are UTF-8.
        stem = part = str(name).encode(errors="replace").decode() or "_"
        k = 0
        while part in self.values:
            k += 1
            part = f"{stem}-{k}"
        if type(value).__module__ == "xarray.core.variable":
            self._take(part, value)
        else:
            self.values[part] = value
        return [text(name), part]

    def _take(self, part: str, variable: Any) -> Encoded:
        from xpet.values.registry import Opaque

        made = _variable(variable, called=self.called)
        self.values[part] = Opaque(made._replace(labels=Labels(made.labels.dims)))
        self.dims.update(made.labels.dims)
        return made


def _variable(value: Any, index: bool = False, called: Mapping[Any, str] | None = None) -> Encoded:
    """A variable as its data, dims and attributes; ``called`` are the names of dims where others have them, too."""
    dims = label_dims(value.dims)
    meta = {"dims": list(value.dims), "attrs": text(dict(value.attrs)), "index": index}
    data = _data(value)
    if index:
        own = value.to_index()
        data = own if own.nlevels > 1 else data
        meta |= {"indexes": kind} if (kind := described(own, value.dtype)) and own.nlevels == 1 else {}
    made = compose(VariableCodec.name, {"": data}, meta)
    main = made.parts[0]
    if getattr(main.data, "shape", ()) != value.shape or isinstance(main.data, str):
        dims = ()
    elif called is not None:
        dims = tuple(called[dim] for dim in value.dims)
    attrs = {**plain(value.attrs), **made.labels.attrs}
    shown = main._replace(attrs={**plain_attrs(attrs), **main.attrs})
    return made._replace(parts=(shown, *made.parts[1:]), labels=Labels(dims, {}, attrs))


def _data(variable: Any) -> Any:
    """The data of a variable, loaded. Those of pandas' that xarray itself fails at are refused."""
    import pandas as pd

    data = loaded(variable).data
    if isinstance(data, pd.api.extensions.ExtensionArray) and (variable.ndim != 1 or is_mostly_fill(data)):
        raise UnsupportedValueError(
            f"an xarray object of {variable.ndim} dimensions with pandas' {type(data).__name__}, or with one of far "
            "more labels than entries, cannot be kept; give it an array of NumPy's"
        )
    return data


def _as_label(value: Any, dim: str) -> Coord | None:
    """The coordinate of a dim that can be stored as its label; None if it cannot."""
    values = index_values(value, dim) if dim in value.coords else None
    if values is not None and values.dtype == object:
        values = as_texts(values)
    return Coord(values, plain(value.coords[dim].attrs)) if values is not None and is_coordinate(values) else None


def _from_label(values: np.ndarray[Any, Any], dtype: str) -> np.ndarray[Any, Any]:
    """The values of a label; times were once integers, of a dtype to be known besides."""
    return as_stored(values, dtype) if dtype else values


def _coordinates(value: Any, parts: _Parts) -> tuple[dict[str, Coord], dict[str, Any]]:
    """Take coordinates and their indexes in; returns those that are labels, and what has to be known besides."""
    from xarray.indexes import PandasIndex

    labels = {dim: label for dim in parts.called if (label := _as_label(value, dim)) is not None}
    meta = _as_parts(value, parts, {name: coord for name, coord in value.coords.items() if name not in labels})
    for dim in [dim for dim in labels if parts.called[dim] not in parts.dims]:
        # Labels of a dim that no array has would be lost.
        del labels[dim]
        meta["coords"] += _as_parts(value, parts, {dim: value.coords[dim]})["coords"]
    meta["order"] = [text(name) for name in value.coords]
    meta["labels"] = [[dim, parts.called[dim], "", text(dict(value[dim].attrs))] for dim in labels]
    indexes = {name: index for name, index in value.xindexes.items() if type(index) is PandasIndex}
    kinds = {text(name): kind for name, each in indexes.items() if (kind := described(each.index, each.coord_dtype))}
    if kinds:
        meta["indexes"] = kinds
    return {parts.called[dim]: coord for dim, coord in labels.items()}, meta


def _as_parts(value: Any, parts: _Parts, coords: Mapping[Any, Any]) -> dict[str, Any]:
    """Take coordinates in as parts; returns what has to be known of them besides."""
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


def _rebuilt(more: Mapping[str, Any], values: Mapping[str, Any], given: Labels) -> Any:
    """The coordinates with their indexes."""
    import xarray as xr

    order: Iterable[str] = more.get("order", ())
    kinds = more.get("indexes", {})
    variables, indexes = {}, {}
    for dim, called, dtype, attrs in more.get("labels", ()):
        labels = xr.Variable((dim,), _from_label(given.coords[called].values, dtype), from_text(attrs))
        variables[dim], indexes[dim] = _single_rebuilt(dim, labels, kinds.get(text(dim)))
    # A name can hold a NaN, which is found again only as the same object.
    names = {given: from_text(given) for given in order}
    for called, part, has_index in more["coords"]:
        name, variable = names.setdefault(called, from_text(called)), _found(values, part)
        if has_index:
            variables[name], indexes[name] = _single_rebuilt(name, variable, kinds.get(called))
        else:
            variables[name] = variable.load()
    for _, part, dtypes, attrs in more["multiple"]:
        index, made = _multiple_rebuilt(values[part], dtypes, attrs)
        variables.update(made)
        indexes.update(dict.fromkeys(made, index))
    return xr.Coordinates({name: variables[name] for name in (*(names[given] for given in order), *variables)}, indexes)


def _single_rebuilt(name: Any, variable: Any, kind: Mapping[str, Any] | None) -> tuple[Any, Any]:
    """The coordinate and its index."""
    from xarray.indexes import PandasIndex

    if variable.dtype.kind == "U" and kind:
        variable = variable.astype(object)
    index = PandasIndex.from_variables({name: variable}, options={})
    if kind:
        index = PandasIndex(restored(index.index, kind), index.dim, index.coord_dtype)
    return index.create_variables({name: variable})[name], index


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
