"""An encoding as one text, for where there is no array to hold its parts."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from xpet.values.codecs.ndarray import safe_dtype
from xpet.values.codecs.times import safe_time_dtype
from xpet.values.coordinates import as_stored
from xpet.values.parts import Coord, Data, Encoded, Labels, Part

if TYPE_CHECKING:
    from xpet.values.parts import Array

#: Text arrays are as wide as their widest text, and mostly empty; beyond this, few bytes would ask for much memory.
_WIDE_BYTES, _WIDE_RATIO = 2**28, 256
#: the codec that stands for any other: its one part is the text of an encoding
PACKED = "packed"


def labels_to_json(labels: Labels) -> dict[str, Any]:
    """Labels as JSON, coordinate values included."""
    coords = {
        name: {**_array_to_json(coord.values), "attrs": dict(coord.attrs)} for name, coord in labels.coords.items()
    }
    return {"dims": list(labels.dims), "coords": coords, "attrs": dict(labels.attrs)}


def labels_from_json(node: Mapping[str, Any]) -> Labels:
    """The labels of :func:`labels_to_json`."""
    coords = {name: Coord(_array_from_json(given), given["attrs"]) for name, given in node["coords"].items()}
    return Labels(tuple(node["dims"]), coords, node["attrs"])


def is_too_wide(texts: Sequence[str], size: int) -> bool:
    """Whether an array of texts has far more bytes, ``size``, than its texts need."""
    return size > _WIDE_BYTES + _WIDE_RATIO * sum(map(len, texts))


def _array_to_json(array: Array) -> dict[str, Any]:
    text = array.dtype.kind in "UO"
    data = array.ravel().tolist() if text else base64.b64encode(array.tobytes()).decode()
    return {"dtype": array.dtype.str, "data": data}


def _array_from_json(node: Mapping[str, Any]) -> Array:
    import numpy as np

    if not isinstance(node["data"], list):
        # Of bytes it would be an array that cannot be written to.
        raw, dtype = bytearray(base64.b64decode(node["data"])), str(node["dtype"])
        return np.frombuffer(raw, safe_time_dtype(dtype) if dtype[1:2] in ("m", "M") else safe_dtype(dtype))
    texts = np.empty(len(node["data"]), object)
    texts[:] = [str(text) for text in node["data"]]
    return texts if node["dtype"] == "|O" else as_stored(texts, node["dtype"])


def to_text(encoded: Encoded) -> str:
    """An encoding as one text."""
    parts = {part.name: _data_to_json(part.data) for part in encoded.parts}
    head = {"codec": encoded.codec, "version": encoded.version, "meta": dict(encoded.meta)}
    dims = {part.name: list(part.dims) for part in encoded.parts if part.dims}
    named = {"dims": dims} if dims else {}
    return json.dumps({**head, "parts": parts, **named, "labels": labels_to_json(encoded.labels)})


def from_text(text: str) -> Encoded:
    """The encoding of :func:`to_text`."""
    node = json.loads(text)
    dims = {name: tuple(map(str, each)) for name, each in node.get("dims", {}).items()}
    parts = tuple(Part(_data_from_json(data), name, {}, dims.get(name, ())) for name, data in node["parts"].items())
    return Encoded(str(node["codec"]), parts, int(node["version"]), node["meta"], labels_from_json(node["labels"]))


def _data_to_json(data: Data) -> Any:
    import numpy as np

    if isinstance(data, str):
        return data
    array = np.asarray(data)
    return {**_array_to_json(array), "shape": list(array.shape)}


def _data_from_json(node: Any) -> Data:
    if isinstance(node, str):
        return node
    return _array_from_json(node).reshape(tuple(node["shape"]))
