"""What a schema record says of the values in the run records that follow it."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any, Literal, NamedTuple, get_args

from xpet.store.documents import DTYPES
from xpet.values import Labels
from xpet.values.parts import MOST_DIMS
from xpet.values.text import labels_from_json, labels_to_json

#: what a leaf of one run says that the same leaf of other runs does not, as items beside its own
COMMENT, ANNOTATIONS = "@comment", "@annotations"
#: the kind of what a group of a run says of itself; a leaf of other runs may have the same path
GROUP = "group"

Form = Literal["scalar", "array", "text", "blob"]
_PLAIN = ("template", "item", "kind", "class_name", "comment", "codec", "version", "meta")


class PartSpec(NamedTuple):
    """What is the same for a part in all runs of a schema; ``attrs`` are those for plain tools, as JSON."""

    name: str
    form: Form
    dtype: str
    rank: int = 0
    attrs: str = "{}"
    dims: tuple[str, ...] = ()

    def to_json(self) -> list[Any]:
        """The part as a schema record has it."""
        return [self.name, self.form, self.dtype, self.rank, self.attrs, *([list(self.dims)] if self.dims else [])]

    def plain(self) -> dict[str, Any]:
        """The attributes."""
        made: dict[str, Any] = json.loads(self.attrs)
        return made


class Field(NamedTuple):
    """One item of a leaf, as a schema describes it."""

    template: str
    item: str
    kind: str
    class_name: str
    comment: str
    codec: str
    version: int
    meta: str
    parts: tuple[PartSpec, ...]
    labels: Labels = Labels()

    def to_json(self) -> dict[str, Any]:
        """The field as its schema record has it."""
        out: dict[str, Any] = {name: getattr(self, name) for name in _PLAIN}
        out["parts"] = [part.to_json() for part in self.parts]
        out["labels"] = labels_to_json(self.labels)
        return out

    @staticmethod
    def from_json(node: Mapping[str, Any]) -> Field:
        """The field of a schema record.

        Raises
        ------
        KeyError, TypeError, ValueError
            If it is not one.
        """
        parts = tuple(_part(*part) for part in node["parts"])
        if not parts:
            raise ValueError("no parts")
        plain = {name: _is_a(node[name], int if name == "version" else str) for name in _PLAIN}
        return Field(**plain, parts=parts, labels=labels_from_json(node["labels"]))


def _part(
    name: str, form: Form, dtype: str, rank: int, attrs: str = "{}", dims: Sequence[str] = ()
) -> PartSpec:
    if form not in get_args(Form) or dtype not in DTYPES or not 0 <= _is_a(rank, int) <= MOST_DIMS:
        raise ValueError(f"a part of form {form!r}, dtype {dtype!r} and rank {rank!r}")
    if not all(type(value) in (str, int, float) for value in json.loads(_is_a(attrs, str)).values()):
        raise ValueError(f"a part with the attributes {attrs}")
    if len(dims) not in (0, rank):
        raise ValueError(f"a part of rank {rank} with the dims {dims}")
    return PartSpec(_is_a(name, str), form, dtype, rank, attrs, tuple(_is_a(dim, str) for dim in dims))


def _is_a(value: Any, kind: type) -> Any:
    if type(value) is not kind:
        raise TypeError(f"{value!r} where a {kind.__name__} was expected")
    return value
