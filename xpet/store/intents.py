"""Points that are about to change, written before anything is, so that another writer can finish it."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, NamedTuple, get_args

from xpet.errors import CorruptStoreError
from xpet.store.documents import dumps
from xpet.store.hierarchy import TABLE, Hierarchy
from xpet.store.journal import ROOT
from xpet.store.meta import Axes, Kind
from xpet.store.points import PointColumn
from xpet.values.text import from_text, to_text

if TYPE_CHECKING:
    from xpet.values import Encoded
    from xpet.values.parts import Array

INTENTS = f"{ROOT}/expand"


class Intent(NamedTuple):
    """Further points: from ``old`` to ``new`` runs, and the values of the new ones by the names of the coordinates.

    With ``explored``, other points instead: the wanted names and the values of all coordinates.
    """

    old: int
    new: int
    kind: Kind
    axes: Axes
    points: Mapping[str, Array]
    explored: Sequence[tuple[str, PointColumn]] | None = None
    #: of coordinates that hold positions: the values that come behind the known ones
    distinct: Mapping[str, Sequence[Encoded]] = MappingProxyType({})

    def to_json(self) -> bytes:
        """The intent as it is written."""
        node: dict[str, Any] = {"old": self.old, "new": self.new, "kind": self.kind}
        node["axes"] = [list(axis) for axis in self.axes]
        node["points"] = {name: _to_json(values) for name, values in self.points.items()}
        if self.distinct:
            node["distinct"] = {name: list(map(to_text, values)) for name, values in self.distinct.items()}
        if self.explored is not None:
            node["explored"] = [
                {"name": name, "parameter": column.parameter, "dtype": column.dtype, "values": _to_json(column.values),
                 "codec": column.codec, "meta": dict(column.meta), "attrs": dict(column.attrs),
                 "cf": dict(column.cf),
                 **({"distinct": list(map(to_text, column.distinct))} if column.distinct else {})}
                for name, column in self.explored
            ]  # fmt: skip
        return dumps(node)


def read_intent(data: bytes, hierarchy: Hierarchy, where: str) -> Intent:
    """The intent of :meth:`Intent.to_json`; the documents say of what type the points are."""
    try:
        node = json.loads(data)
        points = {
            name: _from_json(given, hierarchy.array(f"{TABLE}/{name}").dtype) for name, given in node["points"].items()
        }
        axes = tuple((str(name), int(size)) for name, size in node["axes"])
        explored = [_column(each) for each in node["explored"]] if "explored" in node else None
        distinct = {str(name): list(map(from_text, texts)) for name, texts in node.get("distinct", {}).items()}
        intent = Intent(int(node["old"]), int(node["new"]), node["kind"], axes, points, explored, distinct)
        if explored is None:
            lengths, wanted = {len(values) for values in points.values()}, intent.new - intent.old
        else:
            lengths, wanted = {len(column.values) for _, column in explored}, intent.new
        if intent.kind not in get_args(Kind) or lengths != {wanted}:
            raise ValueError(f"{lengths} points of kind {intent.kind!r} for runs {intent.old} to {intent.new}")
        return intent
    except (KeyError, TypeError, ValueError, AttributeError, RecursionError, CorruptStoreError) as error:
        raise CorruptStoreError(f"{where}: the intent to expand is damaged ({error}); delete it") from error


def _column(node: Mapping[str, Any]) -> tuple[str, PointColumn]:
    values = _from_json(node["values"], str(node["dtype"]))
    distinct = list(map(from_text, node.get("distinct", ())))
    about = (str(node["codec"]), node["meta"], node["attrs"], distinct, node.get("cf", {}))
    return str(node["name"]), PointColumn(str(node["parameter"]), values, *about)


def _to_json(values: Array) -> Any:
    if values.dtype == object:
        return values.tolist()
    return base64.b64encode(values.tobytes()).decode()


def _from_json(given: Any, dtype: str) -> Array:
    import numpy as np

    if dtype != "string":
        return np.frombuffer(base64.b64decode(given), dtype)
    texts = np.empty(len(given), object)
    texts[:] = [str(text) for text in given]
    return texts
