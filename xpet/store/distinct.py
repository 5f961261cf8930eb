"""Values that differ, numbered in the order in which they appear, and all of them as one set of arrays."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from xpet.errors import CorruptStoreError, UnsupportedValueError
from xpet.values import Coord, Encoded, Labels, Part, canonical, decode, encode
from xpet.values.coordinates import as_stored, on_disk, shown_attrs
from xpet.values.equality import same_encoded
from xpet.values.parts import MOST_DIMS
from xpet.values.text import PACKED, from_text, to_text

if TYPE_CHECKING:
    from xpet.values.parts import Array, Data

#: the encoding of several values at once
STACK = "stack"
#: Values of more kinds than this share one, so that a store has no more arrays than a reader can look through.
_MOST_KINDS = 64


class Distinct:
    """Encodings of values that differ; the position of each is its number."""

    def __init__(self, known: Iterable[Encoded] = ()) -> None:
        self.encodings: list[Encoded] = []
        self._found: dict[Hashable, list[tuple[int, Encoded]]] = {}
        for encoded in known:
            self._add(encoded, _key(encoded))
        #: what may have been stored when its codec made other parts of it
        self._old = [at for at, each in enumerate(self.encodings) if each.labels.dims or "of" in each.meta]

    def number(self, encoded: Encoded) -> int:
        """The position of a value; if it is new, it comes behind the others."""
        key = _key(encoded)
        found = self._find(encoded, key)
        if found is None and self._old:
            self._renew()
            found = self._find(encoded, key)
        return self._add(encoded, key) if found is None else found

    def _find(self, encoded: Encoded, key: Hashable) -> int | None:
        return next((at for at, each in self._found.get(key, ()) if same_encoded(each, encoded)), None)

    def _add(self, encoded: Encoded, key: Hashable) -> int:
        self._found.setdefault(key, []).append((len(self.encodings), encoded))
        self.encodings.append(encoded)
        return len(self.encodings) - 1

    def _renew(self) -> None:
        """Have known values found as their codecs make them now, too."""
        for at in self._old:
            again = encode(decode(self.encodings[at]))
            self._found.setdefault(_key(again), []).append((at, again))
        self._old = []


def _key(encoded: Encoded) -> Hashable:
    """Something hashable that is equal for equal values, and hardly ever for others."""
    data = [(part.name, _bytes(part.data)) for part in encoded.parts]
    coords = [(name, _bytes(coord.values)) for name, coord in sorted(encoded.labels.coords.items())]
    return encoded.codec, encoded.version, canonical(encoded.meta), encoded.labels.dims, (*data, *coords)


def _bytes(data: Data) -> Hashable:
    import hashlib

    import numpy as np

    if isinstance(data, str):
        return data
    array = np.asarray(data)
    if array.dtype == object:
        return array.shape, tuple(array.ravel().tolist())
    if array.dtype.kind in "fc":
        # NaN equals NaN, whatever its payload.
        array = np.where(np.isnan(array), array.dtype.type(np.nan), array)
    return array.dtype.str, array.shape, hashlib.blake2b(array.tobytes(), digest_size=16).digest()


def stack(encodings: Sequence[Encoded], dim: str, attrs: Mapping[str, Any]) -> Encoded:
    """One encoding of several values: a part of values of one kind becomes one array along ``dim``.

    Shapes that differ are flattened behind each other. ``attrs`` are for the main part, beside its own.
    """
    import numpy as np

    kinds: dict[str, list[Encoded]] = {}
    which: list[int] = []
    for encoded in encodings:
        kind = _kind(encoded)
        if kind not in kinds and len(kinds) >= _MOST_KINDS - 1:
            encoded = Encoded(PACKED, (Part(to_text(encoded)),))
            kind = _kind(encoded)
        kinds.setdefault(kind, []).append(encoded)
        which.append(list(kinds).index(kind))
    stacking = _Stacking(dim)
    meta: dict[str, Any] = {"kinds": [stacking.add(alike) for alike in kinds.values()]}
    if len(kinds) > 1:
        meta["which"] = stacking.put("which", np.array(which, np.uint8))
    labels = stacking.labels
    labels = Labels(labels.dims, labels.coords, {**attrs, **labels.attrs})
    return Encoded(STACK, tuple(stacking.parts), meta=meta, labels=labels)


def _kind(encoded: Encoded) -> str:
    """What must be the same in values whose parts are stacked."""
    labels = encoded.labels
    parts = [[part.name, *_type(part.data)] for part in encoded.parts]
    coords = {name: [coord.values.dtype.str, dict(coord.attrs)] for name, coord in labels.coords.items()}
    meta: list[Any] = [encoded.codec, encoded.version, dict(encoded.meta)]
    return canonical({"of": [*meta, parts, list(labels.dims), coords, dict(labels.attrs)]})


def _type(data: Data) -> tuple[str, int]:
    import numpy as np

    if isinstance(data, str):
        return "text", 0
    array = np.asarray(data)
    return array.dtype.str, array.ndim


class _Stacking:
    """The parts of a stack, as they are added kind by kind."""

    def __init__(self, dim: str) -> None:
        self._dim = dim
        self._taken: set[str] = set()
        self.parts: list[Part] = []
        self.labels = Labels()
        self._main_dims: tuple[str, ...] = ()

    def put(
        self, wanted: str, data: Array, attrs: Mapping[str, str | float] | None = None, dims: tuple[str, ...] = ()
    ) -> str:
        """Add a part; ``dims`` are those of each value. Returns the name that it got."""
        name, k = wanted, 0
        while name.lower() in self._taken:
            k += 1
            name = f"{wanted}-{k}"
        self._taken.add(name.lower())
        main = not self.parts
        dims = (self._dim, *dims) if dims else ()
        self.parts.append(Part(data, name, attrs or {}, () if main else dims))
        self._main_dims = dims if main else self._main_dims
        return name

    def add(self, alike: Sequence[Encoded]) -> dict[str, Any]:
        """Stack values of one kind; returns what it takes to have them back."""
        first = alike[0]
        prefix = f"kind{len(self.parts)}" if self.parts else ""
        main = not self.parts
        parts: list[dict[str, Any]] = []
        for part in first.parts:
            name = ".".join(filter(None, (prefix, part.name if parts else "")))
            # Only what is of the kind of the main part is labelled: others may have dims of the same names.
            dims = first.dims_of(part) if main else ()
            node = self._stacked(name, [each.part(part.name) for each in alike], part, dims)
            named = {"dims": list(part.dims)} if part.dims else {}
            parts.append({"name": part.name, **node, **named})
        labels = first.labels
        shared = self._share(alike) if main else set()
        coords = {}
        for dim, coord in labels.coords.items():
            coords[dim] = {"dtype": coord.values.dtype.str, "attrs": dict(coord.attrs)}
            if dim not in shared:
                given = [on_disk(each.labels.coords[dim].values) for each in alike]
                like = Part(given[0], attrs=shown_attrs(coord))
                name = ".".join(filter(None, (prefix, dim.replace("/", "."))))
                coords[dim] |= self._stacked(name, given, like)
        about = {"codec": first.codec, "version": first.version, "meta": dict(first.meta), "n": len(alike)}
        return {**about, "parts": parts, "dims": list(labels.dims), "attrs": dict(labels.attrs), "coords": coords}

    def _share(self, alike: Sequence[Encoded]) -> set[str]:
        """Label the parts; returns the dims whose coordinate is that of all values."""
        labels = alike[0].labels
        used = {*self._main_dims, *(dim for part in self.parts[1:] for dim in part.dims)}
        same = {
            dim: coord
            for dim, coord in labels.coords.items()
            if dim in used and all(_bytes(each.labels.coords[dim].values) == _bytes(coord.values) for each in alike)
        }
        self.labels = Labels(self._main_dims, same, labels.attrs)
        return set(same)

    def _stacked(self, wanted: str, data: Sequence[Data], like: Part, dims: tuple[str, ...] = ()) -> dict[str, Any]:
        import numpy as np

        attrs = like.attrs
        if isinstance(data[0], str):
            texts = np.empty(len(data), object)
            texts[:] = data
            return {"stack": self.put(wanted, texts, attrs), "text": True}
        arrays = [np.asarray(each) for each in data]
        if len({each.shape for each in arrays}) == 1 and arrays[0].ndim < MOST_DIMS:
            return {"stack": self.put(wanted, np.stack(arrays), attrs, dims)}
        name = self.put(wanted, np.concatenate([each.ravel() for each in arrays]), attrs)
        lengths = np.array([each.shape for each in arrays], np.int64)
        return {"stack": name, "len": self.put(f"{name}.len" if name else "len", lengths)}


def unstack(encoded: Encoded) -> list[Encoded]:
    """The encodings of :func:`stack`."""
    try:
        kinds = [_of_one_kind(kind, encoded) for kind in encoded.meta["kinds"]]
        if len(kinds) == 1:
            return kinds[0]
        rest = [iter(kind) for kind in kinds]
        return [next(rest[number]) for number in _array(encoded, encoded.meta["which"]).tolist()]
    except (KeyError, IndexError, TypeError, ValueError, AttributeError, StopIteration, UnsupportedValueError) as error:
        raise CorruptStoreError(f"stored values of an explored parameter are damaged ({error!r})") from error


def _of_one_kind(node: Mapping[str, Any], stacked: Encoded) -> list[Encoded]:
    n, dims, attrs = int(node["n"]), tuple(map(str, node["dims"])), node["attrs"]
    parts = [(str(each["name"]), _rows(each, n, stacked)) for each in node["parts"]]
    dims_of = {str(each["name"]): tuple(map(str, each["dims"])) for each in node["parts"] if "dims" in each}
    coords = {str(dim): _coords(str(dim), each, n, stacked) for dim, each in node["coords"].items()}
    if node["codec"] == PACKED:
        return [from_text(str(text)) for text in parts[0][1]]
    return [
        Encoded(
            str(node["codec"]),
            tuple(Part(rows[k], name, {}, dims_of.get(name, ())) for name, rows in parts),
            int(node["version"]),
            node["meta"],
            Labels(dims, {dim: each[k] for dim, each in coords.items()}, attrs),
        )
        for k in range(n)
    ]


def _coords(dim: str, node: Mapping[str, Any], n: int, stacked: Encoded) -> list[Coord]:
    if "stack" not in node:
        return [stacked.labels.coords[dim]] * n
    return [Coord(as_stored(_as_array(row), node["dtype"]), node["attrs"]) for row in _rows(node, n, stacked)]


def _as_array(data: Data) -> Array:
    import numpy as np

    return np.asarray(data)


def _array(stacked: Encoded, name: object) -> Array:
    return _as_array(stacked.part(str(name)))


def _rows(node: Mapping[str, Any], n: int, stacked: Encoded) -> list[Data]:
    """What each value has of a part."""
    import numpy as np

    data = _array(stacked, node["stack"])
    if "len" in node:
        shapes = _array(stacked, node["len"])
        if shapes.ndim != 2 or shapes.dtype.kind != "i" or len(shapes) != n or (shapes < 0).any() or data.ndim != 1:
            raise ValueError(f"lengths of shape {shapes.shape} for {n} values")
        ends = np.cumsum(shapes.prod(axis=1))
        if ends[-1] != len(data):
            raise ValueError(f"{len(data)} numbers where {ends[-1]} are said to be")
        cut = zip(np.split(data, ends[:-1]), shapes.tolist(), strict=True)
        return [piece.reshape(shape) for piece, shape in cut]
    if data.ndim == 0 or len(data) != n:
        raise ValueError(f"an array of shape {data.shape} for {n} values")
    if node.get("text"):
        return [str(text) for text in data.tolist()]
    return [_as_array(row) if data.dtype != object or data.ndim > 1 else _zero_d(row) for row in data]


def _zero_d(text: str) -> Array:
    import numpy as np

    made = np.empty((), object)
    made[()] = text
    return made
