"""SciPy's sparse matrices and arrays: the arrays they are made of, as they are, and the shape."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from xpet.errors import CorruptStoreError, UnsupportedValueError
from xpet.values.codecs.ndarray import is_numeric
from xpet.values.compose import compose, decompose, more_of
from xpet.values.parts import Encoded

_COMPRESSED = ("csr", "csc", "bsr")
_FORMATS = (*_COMPRESSED, "coo", "dia", "lil", "dok")
_CLASSES = frozenset(f"{name}_{kind}" for name in _FORMATS for kind in ("matrix", "array"))


class SparseCodec:
    """All formats of ``scipy.sparse``: explicit zeros, order, duplicates and the dtype of indices are kept."""

    name = "scipy.sparse"

    def encode(self, value: Any) -> Encoded:
        """The arrays of its format and its shape, each under its name."""
        if not _is_number(value.dtype):
            raise UnsupportedValueError(f"a sparse matrix of {value.dtype} cannot be kept; use one of numbers")
        name = value.format
        parts, more = _TAKE_APART.get(name, _compressed_parts)(value)
        parts["shape"] = np.array(value.shape, "int64")
        return compose(self.name, parts, {"class": type(value).__name__, **more})

    def decode(self, encoded: Encoded) -> Any:
        """The matrix or array; whatever does not fit together is refused."""
        import scipy.sparse

        more, parts = more_of(encoded), decompose(encoded)
        kind = more["class"]
        if kind not in _CLASSES:
            raise CorruptStoreError(f"a stored sparse matrix names the class {kind!r}, which is none of SciPy's")
        if any(type(part) is not np.ndarray or not _is_number(part.dtype) for part in parts.values()):
            raise CorruptStoreError(f"a stored {kind} has parts that are no arrays of numbers")
        if any(parts[name].dtype.kind not in "iu" for name in parts if name != "data"):
            raise CorruptStoreError(f"a stored {kind} has indices that are no integers")
        shape = tuple(parts["shape"].tolist())
        return _PUT_TOGETHER.get(kind[:3], _compressed)(getattr(scipy.sparse, kind), parts, shape, more)


_Parts = dict[str, Any]


def _is_number(dtype: np.dtype[Any]) -> bool:
    return is_numeric(dtype) or dtype.char in "gG"


def _compressed_parts(value: Any) -> tuple[_Parts, _Parts]:
    return {"data": value.data, "indices": value.indices, "indptr": value.indptr}, {}


def _compressed(kind: Any, parts: _Parts, shape: tuple[int, ...], more: Any) -> Any:
    made = kind((parts["data"], parts["indices"], parts["indptr"]), shape=shape)
    # SciPy chooses a dtype for the indices by the shape, even one that cannot hold them: these are those given.
    _give(made, parts)
    made.check_format(full_check=True)
    _give(made, parts)
    return made


def _give(made: Any, parts: _Parts) -> None:
    made.data, made.indices, made.indptr = parts["data"], parts["indices"], parts["indptr"]


def _coo_parts(value: Any) -> tuple[_Parts, _Parts]:
    coords = {f"indices{axis}": each for axis, each in enumerate(value.coords)}
    return {"data": value.data, **coords}, {"canonical": bool(value.has_canonical_format)}


def _coo(kind: Any, parts: _Parts, shape: tuple[int, ...], more: Any) -> Any:
    coords = tuple(parts[f"indices{axis}"] for axis in range(len(shape)))
    for each, size in zip(coords, shape, strict=True):
        _check_indices(each, size)
    made = kind((parts["data"], coords), shape=shape)
    made.data, made.coords = parts["data"], coords
    made.has_canonical_format = more["canonical"] is True
    return made


def _dia_parts(value: Any) -> tuple[_Parts, _Parts]:
    return {"data": value.data, "offsets": value.offsets}, {}


def _dia(kind: Any, parts: _Parts, shape: tuple[int, ...], more: Any) -> Any:
    made = kind((parts["data"], parts["offsets"]), shape=shape)
    made.data, made.offsets = parts["data"], parts["offsets"]
    return made


def _lil_parts(value: Any) -> tuple[_Parts, _Parts]:
    lengths = np.array([len(row) for row in value.rows], "int64")
    indices = np.array([column for row in value.rows for column in row], "int64")
    data = np.array([number for row in value.data for number in row], value.dtype)
    return {"data": data, "indices": indices, "lengths": lengths}, {}


def _lil(kind: Any, parts: _Parts, shape: tuple[int, ...], more: Any) -> Any:
    data, indices, lengths = parts["data"], parts["indices"], parts["lengths"]
    if lengths.shape != shape[:1] or (lengths < 0).any() or not lengths.sum() == len(indices) == len(data):
        raise CorruptStoreError(f"a stored {kind.__name__} of shape {shape} has rows that do not fit its entries")
    _check_indices(indices, shape[1])
    made = kind(shape, dtype=data.dtype)
    ends = np.cumsum(lengths).tolist()
    for row, (end, length) in enumerate(zip(ends, lengths.tolist(), strict=True)):
        made.rows[row], made.data[row] = indices[end - length : end].tolist(), data[end - length : end].tolist()
    return made


def _dok_parts(value: Any) -> tuple[_Parts, _Parts]:
    keys = np.array(list(value.keys()), "int64").reshape(len(value.keys()), len(value.shape))
    return {"data": np.array(list(value.values()), value.dtype), "indices": keys}, {}


def _dok(kind: Any, parts: _Parts, shape: tuple[int, ...], more: Any) -> Any:
    data, indices = parts["data"], parts["indices"]
    if indices.shape != (len(data), len(shape)):
        raise CorruptStoreError(f"a stored {kind.__name__} has {len(data)} entries and indices of {indices.shape}")
    for axis, size in enumerate(shape):
        _check_indices(indices[:, axis], size)
    made = kind(shape, dtype=data.dtype)
    keys = indices[:, 0].tolist() if len(shape) == 1 else map(tuple, indices.tolist())
    for key, number in zip(keys, data, strict=True):
        # Not item assignment, which drops zeros.
        made.setdefault(key, number)
    return made


def _check_indices(indices: Any, size: int) -> None:
    if indices.size and not 0 <= int(indices.min()) <= int(indices.max()) < size:
        raise CorruptStoreError(f"the indices of a stored sparse matrix go beyond its size of {size}")


_TAKE_APART: dict[str, Callable[[Any], tuple[_Parts, _Parts]]] = {
    "coo": _coo_parts, "dia": _dia_parts, "lil": _lil_parts, "dok": _dok_parts,
}
_PUT_TOGETHER: dict[str, Callable[[Any, _Parts, tuple[int, ...], Any], Any]] = {
    "coo": _coo, "dia": _dia, "lil": _lil, "dok": _dok,
}

codec = SparseCodec()
