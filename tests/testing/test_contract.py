"""The contract of codecs holds for one that is right, and each of its tests fails for one that is not."""

from __future__ import annotations

import contextlib
import itertools
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pytest
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from xpet.errors import CorruptStoreError
from xpet.testing import CodecContract
from xpet.testing import contract as module
from xpet.values import pickled
from xpet.values.registry import codec_names


class Cell:
    def __init__(self, area: Any, kind: Any) -> None:
        self.area, self.kind = area, kind

    def __repr__(self) -> str:
        return f"Cell({self.area!r}, {self.kind!r})"


class CellCodec:
    name = "tests.ContractCell"

    def encode(self, value):
        return {"area": value.area, "kind": value.kind}

    def decode(self, parts):
        return Cell(parts["area"], parts["kind"])


class NewCodec(CellCodec):
    """Once it knew no kinds."""

    version = 2

    def decode(self, parts):
        return Cell(parts["area"], parts.get("kind", "basket"))


CELLS = [Cell(1.5, "basket"), Cell(np.arange(3.0), None), Cell([1, {"a": np.zeros((2, 2), ">i4")}], "é\0"), Cell({}, 1)]


class TestCellCodec(CodecContract):
    codec, cls, values = CellCodec(), Cell, CELLS
    refused: ClassVar = [Cell(object(), 1), Cell(1, {"a": len})]


class TestWhatPicklesLose(CodecContract):
    codec, cls = CellCodec(), Cell
    values: ClassVar = [Cell(np.longlong(1), np.arange(2, dtype=np.longlong)), Cell(np.str_("a\0"), 1)]


class TestNewCodec(CodecContract):
    codec, cls = NewCodec(), Cell
    values = st.builds(Cell, st.floats() | hnp.arrays("f4", 3), st.text(max_size=3) | st.none())
    older: ClassVar = {1: ({"area": 1.5}, Cell(1.5, "basket"))}

    @pytest.mark.parametrize("options", [{}], ids=["serial"])
    def test_in_a_study(self, options: Any, tmp_path: Path) -> None:
        super().test_in_a_study(options, tmp_path)


class Loses(CellCodec):
    def decode(self, parts):
        return Cell(parts["area"], str(parts["kind"]))


class Changes(CellCodec):
    def encode(self, value):
        value.kind, kind = f"{value.kind} (stored)", value.kind
        return {"area": value.area, "kind": kind}


class Once(CellCodec):
    known: ClassVar[dict[int, Any]] = {}

    def encode(self, value):
        self.known[id(value)] = value
        return {"key": id(value)}

    def decode(self, parts):
        return self.known.pop(parts["key"])


class Counts(CellCodec):
    numbers = itertools.count()

    def encode(self, value):
        return {**super().encode(value), "number": next(self.numbers)}


class Pickles(CellCodec):
    def encode(self, value):
        return {"area": value.area, "kind": pickled(value.kind, 5)}


class TakesAll(CellCodec):
    def encode(self, value):
        return {"area": repr(value.area), "kind": value.kind}


class Remembers(Once):
    """Works as long as the process lives."""

    def decode(self, parts):
        return self.known[parts["key"]]


class Unversioned(NewCodec):
    pass


class ForgetsTheOld(CellCodec):
    version = 2


def contract(codec: Any, **more: Any) -> CodecContract:
    values = more.pop("values", [Cell(np.arange(3.0), 1), Cell(np.ones(2), 2)])
    return type("Broken", (CodecContract,), {"codec": codec, "cls": Cell, "values": values, **more})()


BROKEN = {
    "loses a type": ("comes_back", contract(Loses())),
    "changes the value": ("encode_leaves_the_value_as_it_is", contract(Changes())),
    "decodes once": ("decode_leaves_its_parts_as_they_are", contract(Once())),
    "counts": ("equal_values_have_equal_encodings", contract(Counts())),
    "pickles": ("needs_no_pickle", contract(Pickles(), values=[Cell(1, slice(3))])),
    "takes all": ("refuses_what_it_cannot_keep", contract(TakesAll(), refused=[Cell(object(), 1)])),
    "older versions are not given": ("versions", contract(Unversioned())),
    "older versions are not read": ("versions", contract(ForgetsTheOld(), older={1: ({"kind": 1}, Cell(None, 1))})),
    "no values": ("comes_back", contract(CellCodec(), values=[])),
    "another codec takes the class": ("comes_back", contract(CellCodec(), values=[1.5])),
}


@pytest.mark.parametrize(("check", "broken"), BROKEN.values(), ids=BROKEN)
def test_a_broken_codec_fails(check: str, broken: CodecContract):
    with broken.registered(), pytest.raises((AssertionError, CorruptStoreError)):
        getattr(broken, f"test_{check}")()


PROCESSES = {"multiproc": True, "ncores": 2}
BROKEN_IN_STORES = {
    "loses a type": (contract(Loses()), {}, "as parameter comes back as"),
    "remembers": (contract(Remembers()), PROCESSES, "damaged"),
}


@pytest.mark.parametrize(("broken", "options", "said"), BROKEN_IN_STORES.values(), ids=BROKEN_IN_STORES)
def test_a_broken_codec_fails_in_stores(broken: CodecContract, options: Any, said: str, tmp_path: Path):
    with broken.registered(), pytest.raises((AssertionError, CorruptStoreError), match=said):
        broken.test_in_a_study(options, tmp_path)


def test_a_codec_that_cannot_be_taken_away_fails(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    right = contract(CellCodec())
    with right.registered():
        monkeypatch.setattr(module, "codecs_apart", lambda without: contextlib.nullcontext())
        with pytest.raises(AssertionError, match="should be a record that names it"):
            right.test_without_the_codec(tmp_path)


def test_the_message_says_what_came_back():
    with contract(Loses()).registered(), pytest.raises(AssertionError) as caught:
        contract(Loses(), values=[Cell(1.5, 1)]).test_comes_back()
    assert str(caught.value) == (
        "tests.ContractCell: Cell(1.5, 1) alone comes back as Cell(1.5, '1'), which is not the same"
    )


def test_names_and_classes_that_cannot_be_registered_are_told():
    class Nameless(CellCodec):
        name = "Cell"

    with pytest.raises(ValueError, match="a text with a dot"), contract(Nameless()).registered():
        pass


def test_the_registry_is_as_before():
    names = codec_names()
    with contract(CellCodec()).registered():
        assert "tests.ContractCell" in codec_names()
    assert codec_names() == names
