"""``pandas.Series`` and ``pandas.DataFrame``: each column as what it is, under its label."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterable
from typing import Any

import numpy as np
import pandas as pd

from xpet.errors import CorruptStoreError
from xpet.values.codecs.ndarray import is_numeric
from xpet.values.codecs.pandas_arrays import values, values_of
from xpet.values.codecs.pandas_index import text_of, value_of
from xpet.values.compose import compose, decompose, more_of
from xpet.values.coordinates import is_coordinate
from xpet.values.parts import Coord, Encoded, Labels
from xpet.values.registry import Opaque, decode_whole, encode
from xpet.values.text import from_text, is_too_wide, to_text

#: More columns than this would be more arrays than a reader of the store can look through.
_MOST_COLUMNS = 64


class SeriesCodec:
    """A Series: its values, labelled by its index where plain tools can have that, and its index."""

    name = "pandas.Series"

    def encode(self, value: Any) -> Encoded:
        """The values, ``index``, and ``attrs`` if there are any; the name is meta."""
        parts = {"": values_of(value), "index": value.index, **_attrs(value)}
        encoded = compose(self.name, parts, {"name": text_of(value.name), **_flags(value)})
        if getattr(encoded.part(), "shape", ()) != (len(value),):
            return encoded
        return encoded._replace(labels=Labels((_dim(value.index),), _coords(value.index)))

    def decode(self, encoded: Encoded) -> Any:
        """The Series."""
        meta, parts = more_of(encoded), decompose(encoded)
        data, index = values(parts[""]), _index(parts["index"])
        return _finish(pd.Series(data, index, data.dtype, value_of(meta["name"])), parts.get("attrs"), meta)


class FrameCodec:
    """A DataFrame: a part for each column, or one for all columns of the same numbers if there are very many."""

    name = "pandas.DataFrame"

    def encode(self, value: Any) -> Encoded:
        """The columns by their labels, ``index``, and ``attrs`` if there are any; the exact labels are meta."""
        columns = [values_of(column) for _, column in value.items()]
        of, parts = _by_dtype(columns) if len(columns) > _MOST_COLUMNS else _by_label(value.columns, columns)
        meta: dict[str, Any] = {"columns": json.loads(to_text(encode(value.columns))), "of": of, **_flags(value)}
        parts = {name: Opaque(_along(value.index, encode(part, name))) for name, part in parts.items()}
        for role, each in {"index": value.index, **_attrs(value)}.items():
            meta[role] = _free(role, parts)
            parts[meta[role]] = each
        made = compose(self.name, parts, meta, one_space=True)
        coords = _coords(value.index) if any(part.dims for part in made.parts) else {}
        return made._replace(labels=Labels((), coords))

    def decode(self, encoded: Encoded) -> Any:
        """The DataFrame."""
        meta, parts = more_of(encoded), decompose(encoded)
        index, columns = _index(parts[meta["index"]]), _index(_decode(meta["columns"]))
        arrays = list(_columns(meta["of"], parts))
        if len(arrays) != len(columns) or any(len(array) != len(index) for array in arrays):
            raise CorruptStoreError(f"a stored DataFrame of {len(columns)} columns has parts that do not fit together")
        if not arrays:
            made = pd.DataFrame(index=index, columns=columns)
        else:
            # By number, as labels may repeat; and without the index, which may do so too.
            made = pd.DataFrame({k: _exactly(array) for k, array in enumerate(arrays)})
            made.index, made.columns = index, columns
        return _finish(made, parts[meta["attrs"]] if "attrs" in meta else None, meta)


def _exactly(array: Any) -> Any:
    """An array as a column of its own dtype: of other things than numbers pandas tries to make what they look like."""
    return array if array.dtype.kind in "biufc" and type(array) is np.ndarray else pd.Series(array, dtype=array.dtype)


def _along(index: Any, column: Encoded) -> Encoded:
    """A column with the dim that all have, where its main part has one value for each row."""
    one_each = getattr(column.parts[0].data, "shape", ()) == (len(index),)
    return column._replace(labels=Labels((_dim(index),))) if one_each else column


def _dim(index: Any) -> str:
    """What the dim along an index is called."""
    name = index.name
    return re.sub(r"[^A-Za-z0-9_-]", "_", name) if type(name) is str and name else "index"


def _by_label(labels: Any, columns: list[Any]) -> tuple[list[str], dict[str, Any]]:
    parts: dict[str, Any] = {}
    for label, column in zip(labels, columns, strict=True):
        text = "_".join(map(str, label)) if isinstance(label, tuple) else str(label)
        parts[_free(text or "_", parts)] = column
    return list(parts), parts


def _by_dtype(columns: list[Any]) -> tuple[list[str], dict[str, Any]]:
    """Each kind of number as one array, a column of which is one of the DataFrame's; what else there is by number."""
    of: list[str] = []
    alike: dict[str, list[Any]] = {}
    other: dict[str, Any] = {}
    for k, column in enumerate(columns):
        if isinstance(column, np.ndarray) and is_numeric(column.dtype):
            of.append(column.dtype.str[1:] if column.dtype.isnative else column.dtype.str[1:] + "-swapped")
            alike.setdefault(of[-1], []).append(column)
        else:
            of.append(str(k))
            other[of[-1]] = column
    return of, {**{name: np.stack(each, axis=1, dtype=each[0].dtype) for name, each in alike.items()}, **other}


def _columns(of: Iterable[str], parts: dict[str, Any]) -> Iterable[Any]:
    taken: Counter[str] = Counter()
    for name in of:
        part, k = parts[name], taken[name]
        if not isinstance(part, np.ndarray) or part.ndim == 1:
            if k:
                raise CorruptStoreError(f"the part {name!r} of a stored DataFrame is named as two columns")
            yield values(part)
        else:
            yield part[:, k]
        taken[name] += 1


def _free(wanted: str, taken: Iterable[str]) -> str:
    name, k = wanted, 0
    while name in taken:
        k += 1
        name = f"{wanted}-{k}"
    return name


def _attrs(value: Any) -> dict[str, Any]:
    return {"attrs": dict(value.attrs)} if value.attrs else {}


def _flags(value: Any) -> dict[str, Any]:
    return {} if value.flags.allows_duplicate_labels else {"unique": True}


def _finish(made: Any, attrs: Any, meta: Any) -> Any:
    made.attrs.update(attrs or {})
    return made.set_flags(allows_duplicate_labels=False) if "unique" in meta else made


def _index(value: Any) -> Any:
    if not isinstance(value, pd.Index):
        raise CorruptStoreError(f"a stored index is a {type(value).__name__}")
    return value


def _coords(index: Any) -> dict[str, Coord]:
    """The coordinate that an index is to plain tools, if it is of numbers or texts and not just the position."""
    if isinstance(index, pd.MultiIndex) or (isinstance(index, pd.RangeIndex) and (index.start, index.step) == (0, 1)):
        return {}
    values = index.to_numpy()
    if values.dtype == object and all(type(each) is str for each in values):
        if is_too_wide(values, 4 * len(values) * max(map(len, values), default=0)):
            return {}
        # Texts of one width lose the NULs at their ends, and would be other labels.
        if any(each.endswith("\0") for each in values):
            return {}
        values = values.astype(str)
    return {_dim(index): Coord(values)} if is_coordinate(values) else {}


def _decode(node: object) -> Any:
    return decode_whole(from_text(json.dumps(node)))


series_codec = SeriesCodec()
frame_codec = FrameCodec()
