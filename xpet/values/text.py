"""An encoding as one text, for where there is no array to hold its parts."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from xpet.errors import CorruptStoreError
from xpet.values.codecs.ndarray import safe_dtype
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
        return np.frombuffer(bytearray(base64.b64decode(node["data"])), safe_dtype(node["dtype"]))
    texts = np.empty(len(node["data"]), object)
    texts[:] = [str(text) for text in node["data"]]
    return texts if node["dtype"] == "|O" else as_stored(texts, node["dtype"])


def as_stored(values: Array, dtype: object) -> Array:
    """Labels as they were given, by the dtype that a store names: of numbers, or of texts, which are objects here."""
    import numpy as np

    if values.dtype != object:
        return values.astype(safe_dtype(dtype))
    width = max(map(len, values.ravel().tolist()), default=0)
    if str(dtype)[:2] not in ("<U", ">U") or not width <= int(str(dtype)[2:]) <= 1024 + 64 * width:
        raise CorruptStoreError(f"the dtype {dtype!r} of a stored coordinate does not fit its texts")
    return values.astype(np.dtype(str(dtype)))


def to_text(encoded: Encoded) -> str:
    """An encoding as one text."""
    parts = {part.name: _data_to_json(part.data) for part in encoded.parts}
    head = {"codec": encoded.codec, "version": encoded.version, "meta": dict(encoded.meta)}
    return json.dumps({**head, "parts": parts, "labels": labels_to_json(encoded.labels)})


def from_text(text: str) -> Encoded:
    """The encoding of :func:`to_text`."""
    node = json.loads(text)
    parts = tuple(Part(_data_from_json(data), name) for name, data in node["parts"].items())
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
