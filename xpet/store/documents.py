"""The metadata documents of a Zarr v3 hierarchy, as values.

The store writes these itself, because one consolidated document written in one piece is what makes
a publish atomic; zarr-python reads and validates them in the tests.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from functools import cache
from typing import Any, Literal, NamedTuple, TypeAlias, get_args

from xpet.errors import CorruptStoreError

#: zarr data types that are written: core ones only, which warn on no version
DTYPES = frozenset(
    {"bool", "int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64"}
    | {"float16", "float32", "float64", "complex64", "complex128", "string"}
)
#: a document must not ask for more memory than there is; what is written has an eighth of this at most
_LARGEST_CHUNK = 2**28
Fill: TypeAlias = "bool | int | float | complex | str"
#: how the keys of chunks are written: ``c/0/1``, ``c.0.1``, or ``0.1`` as in Zarr v2; sets of them lie side by side
Keys: TypeAlias = Literal["/", ".", "v2"]
KEYS: tuple[Keys, ...] = get_args(Keys)


class GroupDoc(NamedTuple):
    """The document of a group: plain attributes, and ours under ``xpet``."""

    attrs: Mapping[str, Any] = {}
    xpet: Mapping[str, Any] = {}

    def to_json(self) -> dict[str, Any]:
        """The document as Zarr wants it."""
        return {"zarr_format": 3, "node_type": "group", "attributes": _attributes(self)}


class ArrayDoc(NamedTuple):
    """The document of an array: its shape, dtype, dims, how it is cut and compressed, its attributes."""

    shape: tuple[int, ...]
    dtype: str
    dims: tuple[str, ...]
    chunks: tuple[int, ...]
    fill: Fill
    attrs: Mapping[str, Any] = {}
    xpet: Mapping[str, Any] = {}
    keys: Keys = "/"

    def to_json(self) -> dict[str, Any]:
        """The document as Zarr wants it."""
        return {
            "zarr_format": 3,
            "node_type": "array",
            "shape": list(self.shape),
            "data_type": self.dtype,
            "chunk_grid": {"name": "regular", "configuration": {"chunk_shape": list(self.chunks)}},
            "chunk_key_encoding": _keys_to_json(self.keys),
            "fill_value": _fill_to_json(self.fill),
            "codecs": _codecs(self.dtype),
            "attributes": _attributes(self),
            "dimension_names": list(self.dims),
            "storage_transformers": [],
        }


Doc: TypeAlias = "GroupDoc | ArrayDoc"


def _attributes(doc: Doc) -> dict[str, Any]:
    return {**doc.attrs, "xpet": json.dumps(doc.xpet, separators=(",", ":"))} if doc.xpet else dict(doc.attrs)


def _codecs(dtype: str) -> list[dict[str, Any]]:
    if dtype == "string":
        return [
            {"name": "vlen-utf8", "configuration": {}},
            {"name": "zstd", "configuration": {"level": 1, "checksum": False}},
        ]
    blosc = {"typesize": itemsize(dtype), "cname": "lz4", "clevel": 5, "shuffle": "shuffle", "blocksize": 0}
    return [{"name": "bytes", "configuration": {"endian": "little"}}, {"name": "blosc", "configuration": blosc}]


def _keys_to_json(keys: Keys) -> dict[str, Any]:
    name, separator = ("v2", ".") if keys == "v2" else ("default", keys)
    return {"name": name, "configuration": {"separator": separator}}


def _keys_from_json(node: Mapping[str, Any]) -> Keys:
    for keys in KEYS:
        if node == _keys_to_json(keys):
            return keys
    raise ValueError(f"chunk key encoding {node}")


@cache
def itemsize(dtype: str) -> int:
    """Bytes of one number of a zarr data type."""
    return 1 if dtype == "bool" else int(dtype.lstrip("uintfloacmpex")) // 8


def _fill_to_json(fill: Fill) -> Any:
    if isinstance(fill, complex):
        return [_fill_to_json(fill.real), _fill_to_json(fill.imag)]
    if isinstance(fill, float) and not math.isfinite(fill):
        return "NaN" if fill != fill else "Infinity" if fill > 0 else "-Infinity"
    return fill


def _fill_from_json(fill: Any, dtype: str) -> Fill:
    if dtype.startswith("complex"):
        return complex(*(float(part) for part in fill))
    if dtype.startswith("float"):
        return float(fill)
    if dtype == "string":
        return str(fill)
    if dtype == "bool":
        return bool(fill)
    bits = int(dtype.lstrip("uint"))
    lowest = -(2 ** (bits - 1)) if dtype[0] == "i" else 0
    if not lowest <= int(fill) < lowest + 2**bits:
        raise ValueError(f"the fill {fill} in an array of {dtype}")
    return int(fill)


def _sizes(given: Any, least: int) -> tuple[int, ...]:
    sizes = tuple(int(size) for size in given)
    if not all(least <= size < 2**63 for size in sizes):
        raise ValueError(f"sizes {sizes}")
    return sizes


def doc_from_json(node: Mapping[str, Any], key: str) -> Doc:
    """The document of a node as published; ``key`` is where it stands, for errors."""
    try:
        attrs = dict(node.get("attributes", {}))
        ours = attrs.pop("xpet", None)
        xpet = json.loads(ours) if isinstance(ours, str) else {}
        if not isinstance(xpet, dict) or node["node_type"] not in ("group", "array"):
            raise ValueError(f"a node of type {node['node_type']!r} with the attribute xpet={ours!r}")
        if node["node_type"] == "group":
            return GroupDoc(attrs, xpet)
        dtype = node["data_type"]
        if dtype not in DTYPES:
            raise ValueError(f"data type {dtype!r}")
        codecs = [codec["name"] for codec in node["codecs"]]
        if codecs != [codec["name"] for codec in _codecs(dtype)]:
            raise ValueError(f"codecs {codecs}")
        shape = _sizes(node["shape"], 0)
        chunks = _sizes(node["chunk_grid"]["configuration"]["chunk_shape"], 1)
        if math.prod(chunks) * (16 if dtype == "string" else itemsize(dtype)) > _LARGEST_CHUNK:
            raise ValueError(f"chunks of shape {chunks}, which are larger than {_LARGEST_CHUNK} bytes")
        dims = tuple(str(name) for name in node.get("dimension_names") or ())
        if not len(shape) == len(chunks) == len(dims):
            raise ValueError(f"shape {shape}, chunks {chunks} and dims {dims} differ in length")
        return ArrayDoc(
            shape=shape,
            dtype=dtype,
            dims=dims,
            chunks=chunks,
            fill=_fill_from_json(node["fill_value"], dtype),
            attrs=attrs,
            xpet=xpet,
            keys=_keys_from_json(node["chunk_key_encoding"]),
        )
    except (KeyError, TypeError, ValueError, AttributeError, OverflowError, RecursionError) as error:
        raise CorruptStoreError(
            f"{key}: not a metadata document that xpet writes ({type(error).__name__}: {error})"
        ) from error


def dumps(document: Mapping[str, Any]) -> bytes:
    """A document as bytes."""
    return json.dumps(document, separators=(",", ":")).encode()
