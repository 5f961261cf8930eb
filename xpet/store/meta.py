"""What the root document of a trajectory says of it: the attribute ``xpet`` of FORMAT §5."""

from __future__ import annotations

import base64
import json
import zlib
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Literal, NamedTuple, TypeAlias

from xpet.errors import CorruptStoreError, VersionMismatchError

if TYPE_CHECKING:
    from xpet.values.parts import Array

Kind: TypeAlias = Literal["product", "list", "adaptive"]
#: the axes of a product: names of coordinates, and sizes
Axes: TypeAlias = tuple[tuple[str, int], ...]

FORMAT = "1.0"
#: a damaged number of runs must not ask for more memory than there is
_MOST_RUNS = 2**30
#: seeds are below 2**1024
_SEED_DIGITS = 309
MARK = "xpet"


class Coordinate(NamedTuple):
    """An explored parameter, and the name its values have along ``run``."""

    parameter: str
    name: str


class Space(NamedTuple):
    """How the points were given: a product of axes, or a list."""

    kind: Kind = "list"
    axes: Axes = ()
    coordinates: tuple[Coordinate, ...] = ()


class Meta(NamedTuple):
    """The published facts of a trajectory."""

    name: str
    uuid: str
    created: float
    n_runs: int
    complete: str = ""
    comment: str = ""
    generation: int = 0
    space: Space = Space()
    state: Literal["creating", "ready", "expanding", "merging"] = "ready"
    #: what the random numbers of the runs come from, in decimal digits, and whether a run's own depend on its number
    #: or on its replicate
    seed: str | None = None
    seed_by: Literal["run", "replicate"] = "run"
    writer: Mapping[str, str] = {}
    annotations: str = ""
    links: Mapping[str, str] = {}
    format: str = FORMAT
    min_reader: str = FORMAT
    extra: Mapping[str, Any] = {}

    def to_json(self) -> str:
        """The text of the attribute; keys that a newer version put there stay."""
        out: dict[str, Any] = dict(self.extra)
        out.update({name: value for name, value in self._asdict().items() if name != "extra"})
        out["writer"], out["links"] = dict(self.writer), dict(self.links)
        out["space"] = {
            "kind": self.space.kind,
            "axes": [{"name": name, "size": size} for name, size in self.space.axes],
            "coordinates": [{"parameter": each.parameter, "name": each.name} for each in self.space.coordinates],
        }
        return json.dumps(out, separators=(",", ":"))

    @staticmethod
    def from_json(text: object, where: str) -> Meta:
        """The facts of the attribute; ``where`` names the trajectory for errors."""
        try:
            node = json.loads(str(text))
            check_format(node, where)
            space = node.pop("space")
            known = {*Meta._fields} - {"extra", "space"}
            made = Space(
                space["kind"],
                tuple((axis["name"], int(axis["size"])) for axis in space["axes"]),
                tuple(Coordinate(each["parameter"], each["name"]) for each in space["coordinates"]),
            )
            extra = {key: value for key, value in node.items() if key not in known}
            meta = Meta(**{key: value for key, value in node.items() if key in known}, space=made, extra=extra)
            _check_types(meta)
        except (KeyError, TypeError, ValueError, AttributeError, RecursionError) as error:
            raise CorruptStoreError(f"{where}: the attribute 'xpet' is damaged ({error})") from error
        return meta


def _check_types(meta: Meta) -> None:
    texts = [meta.name, meta.uuid, meta.complete, meta.comment, meta.annotations, *meta.links.values()]
    texts += [name for name, _ in meta.space.axes]
    for each in meta.space.coordinates:
        texts += [each.parameter, each.name]
    if meta.seed is not None and not (meta.seed.isascii() and meta.seed.isdigit() and len(meta.seed) <= _SEED_DIGITS):
        raise ValueError("the seed is not a number")
    if meta.seed_by not in ("run", "replicate"):
        raise ValueError("the random numbers are of an unknown kind")
    if not isinstance(meta.created, (int, float)):
        raise TypeError("the time of creation is no number")
    numbers = (meta.n_runs, meta.generation)
    if not all(isinstance(text, str) for text in texts) or not all(type(number) is int for number in numbers):
        raise TypeError("a text or a number is of another type")
    if not 0 < meta.n_runs <= _MOST_RUNS:
        raise ValueError(f"n_runs is {meta.n_runs}")


def check_format(node: Mapping[str, Any], where: str) -> None:
    """Refuse a format that this version cannot read."""
    theirs, needed = str(node["format"]), str(node["min_reader"])
    major, needs = int(theirs.partition(".")[0]), tuple(int(part) for part in needed.split("."))
    if major > int(FORMAT.partition(".")[0]) or needs > tuple(int(part) for part in FORMAT.split(".")):
        raise VersionMismatchError(
            f"{where}: written in format {theirs}, which needs a reader of format {needed} or newer; "
            f"this version reads format {FORMAT}; update xpet"
        )


def pack_complete(complete: Array) -> str:
    """The bitmap of complete runs as text."""
    import numpy as np

    return base64.b64encode(zlib.compress(np.packbits(complete).tobytes(), 6)).decode()


def unpack_complete(text: str, n_runs: int, where: str) -> Array:
    """The bitmap of :func:`pack_complete` as bools."""
    import numpy as np

    size = -(-n_runs // 8)
    try:
        raw = zlib.decompressobj().decompress(base64.b64decode(text), size + 1) if text else bytes(size)
        if len(raw) > size:
            raise ValueError("too long")
    except (ValueError, zlib.error) as error:
        raise CorruptStoreError(f"{where}: the bitmap of complete runs is damaged ({error})") from error
    # A bitmap from before an expansion is shorter; the new runs are not complete.
    bits = np.unpackbits(np.frombuffer(raw, np.uint8))
    return np.concatenate([bits, np.zeros(max(0, n_runs - len(bits)), np.uint8)])[:n_runs].astype(bool)
