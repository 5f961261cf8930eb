"""What an expansion is about to do, written before it does anything, so that another writer can finish it."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, get_args

from xpet.errors import CorruptStoreError
from xpet.store.documents import dumps
from xpet.store.hierarchy import TABLE, Hierarchy
from xpet.store.journal import ROOT
from xpet.store.meta import Axes, Kind

if TYPE_CHECKING:
    from xpet.values.parts import Array

INTENTS = f"{ROOT}/expand"


@dataclass(frozen=True, slots=True, eq=False)
class Intent:
    """An expansion: from ``old`` to ``new`` runs, and the values of the new ones by the names of the coordinates."""

    old: int
    new: int
    kind: Kind
    axes: Axes
    points: Mapping[str, Array]

    def to_json(self) -> bytes:
        """The intent as it is written."""
        points = {name: _to_json(values) for name, values in self.points.items()}
        axes = [list(axis) for axis in self.axes]
        return dumps({"old": self.old, "new": self.new, "kind": self.kind, "axes": axes, "points": points})


def read_intent(data: bytes, hierarchy: Hierarchy, where: str) -> Intent:
    """The intent of :meth:`Intent.to_json`; the documents say of what type the points are."""
    try:
        node = json.loads(data)
        points = {name: _from_json(given, hierarchy, name) for name, given in node["points"].items()}
        axes = tuple((str(name), int(size)) for name, size in node["axes"])
        intent = Intent(int(node["old"]), int(node["new"]), node["kind"], axes, points)
        lengths = {len(values) for values in points.values()}
        if intent.kind not in get_args(Kind) or lengths != {intent.new - intent.old}:
            raise ValueError(f"{lengths} points of kind {intent.kind!r} for runs {intent.old} to {intent.new}")
        return intent
    except (KeyError, TypeError, ValueError, AttributeError, RecursionError, CorruptStoreError) as error:
        raise CorruptStoreError(f"{where}: the intent to expand is damaged ({error}); delete it") from error


def _to_json(values: Array) -> Any:
    if values.dtype == object:
        return values.tolist()
    return base64.b64encode(values.tobytes()).decode()


def _from_json(given: Any, hierarchy: Hierarchy, name: str) -> Array:
    import numpy as np

    dtype = hierarchy.array(f"{TABLE}/{name}").dtype
    if dtype != "string":
        return np.frombuffer(base64.b64decode(given), dtype)
    texts = np.empty(len(given), object)
    texts[:] = [str(text) for text in given]
    return texts
