"""Codecs of users' classes."""

from __future__ import annotations

import subprocess
import sys
from typing import Any

import numpy as np
import pytest

import xpet
from xpet.errors import CorruptStoreError, UnsupportedValueError
from xpet.values import Encoded, Opaque, adopt_codecs, decode, encode, label, registered_codecs, same_value


class Cell:
    def __init__(self, area: Any, kind: Any) -> None:
        self.area, self.kind = area, kind

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Cell) and same_value(self.area, other.area) and self.kind == other.kind

    __hash__ = None  # type: ignore[assignment]


class Small(Cell):
    """A subclass is another class."""


class CellCodec:
    name = "tests.Cell"

    def encode(self, value):
        return {"area": value.area, "the kind": value.kind}

    def decode(self, parts):
        return Cell(parts["area"], parts["the kind"])


class Stored(CellCodec):
    name = "tests.Stored"


@pytest.fixture
def registered():
    from xpet.values import registry

    with registry.codecs_apart():
        xpet.register_codec(CellCodec(), Cell)
        yield registry


VALUES = [
    Cell(1.5, "basket"),
    Cell(np.arange(6.0).reshape(2, 3), {"a": 1, "b": [np.zeros(2)]}),
    Cell(label(np.arange(3), "time", {"time": [0.0, 0.5, 1.0]}, units="mV").value, None),
    Cell(Cell(1, 2), Cell([], "é\0")),
]


@pytest.mark.parametrize("value", VALUES, ids=range(len(VALUES)))
def test_comes_back(value: Cell, registered):
    for each in (value, [value, {"x": value}], {"c": value}, (value,)):
        encoded = encode(each)
        assert same_value(each, decode(encoded))
    assert encode(value).codec == "tests.Cell"
    assert decode(encode(value)) == value


def test_what_it_is_made_of_are_parts(registered):
    parts = {part.name: part.data for part in encode(Cell(1.5, "basket")).parts}
    assert parts == {"": "tests.Cell of area, the kind", "area": 1.5, "the_kind": "basket"}


def test_a_main_part(registered):
    class Main(CellCodec):
        def encode(self, value):
            return {"kind": value.kind, "": label(value.area, "x", units="um")}

        def decode(self, parts):
            return Cell(parts[""], parts["kind"])

    xpet.register_codec(Main(), Cell, replace=True)
    encoded = encode(Cell(np.arange(2), "a"))
    assert [part.name for part in encoded.parts] == ["", "kind"]
    assert (encoded.labels.dims, encoded.labels.attrs) == (("x",), {"units": "um"})
    assert decode(encoded) == Cell(np.arange(2), "a")


def test_names_that_differ_only_in_what_keys_cannot_hold(registered):
    class Odd(CellCodec):
        def encode(self, value):
            return {"a b": 1, "a/b": 2, "A_b": 3, "é": 4, "..": 5, "x" * 300: 6}

        def decode(self, parts):
            return Cell(list(parts.values()), list(parts))

    xpet.register_codec(Odd(), Cell, replace=True)
    encoded = encode(Cell(0, 0))
    names = [part.name for part in encoded.parts]
    assert len(set(map(str.lower, names))) == 7
    assert decode(encoded) == Cell([1, 2, 3, 4, 5, 6], ["a b", "a/b", "A_b", "é", "..", "x" * 300])


def test_a_module_may_run_twice(registered):
    class CellCodec(Stored):
        pass

    xpet.register_codec(Stored(), Small)
    xpet.register_codec(Stored(), Small)
    assert len([codec for codec, _ in registered_codecs() if codec.name == "tests.Stored"]) == 1
    with pytest.raises(ValueError, match="replace=True"):
        xpet.register_codec(CellCodec(), Small)
    with pytest.raises(ValueError, match="replace=True"):
        xpet.register_codec(Stored(), Small, Cell)


def test_another_process_can_have_the_codecs(registered, monkeypatch):
    codecs, encoded = registered_codecs(), encode(VALUES[0])
    (types,) = [types for codec, types in codecs if codec.name == "tests.Cell"]
    assert types == (f"{__name__}.Cell",)
    for name in ("_BY_NAME", "_BY_TYPE", "_loaded"):
        known = getattr(registered, name)
        monkeypatch.setattr(registered, name, {k: v for k, v in known.items() if "ests." not in k})
    assert isinstance(decode(encoded), Opaque)
    adopt_codecs(codecs)
    assert decode(encoded) == VALUES[0] == decode(encode(VALUES[0]))


def test_a_subclass_is_another_class(registered):
    with pytest.raises(UnsupportedValueError, match=r"Small cannot be kept.*register_codec"):
        encode(Small(1, 2))


def test_without_the_codec_it_is_kept_as_it_is(registered, monkeypatch):
    value = {"a": np.arange(3), "c": Cell(np.arange(3), "x")}
    encoded = encode(value)
    for registry in ("_BY_NAME", "_BY_TYPE", "_loaded"):
        known = getattr(registered, registry)
        monkeypatch.setattr(registered, registry, {k: v for k, v in known.items() if "ests." not in k})
    found = decode(encoded)
    assert isinstance(found, Opaque)
    assert encode(found) is encoded
    assert "in the encoding 'nested'" in repr(found)
    assert "no codec here knows the encoding 'tests.Cell' in its version 1; import the package" in repr(found)
    assert "tests.Cell" in repr(decode(encode(Opaque(encode_of_cell()))))
    xpet.register_codec(CellCodec(), Cell)
    assert same_value(value, decode(encode(found)))


def encode_of_cell() -> Encoded:
    from xpet.values.compose import compose

    return compose("tests.Cell", {"area": 1, "the kind": 2})


def test_a_newer_version_is_kept_as_it_is(registered):
    encoded = encode(Cell(1, 2))
    newer = Encoded(encoded.codec, encoded.parts, 2, encoded.meta, encoded.labels)
    assert isinstance(decode(newer), Opaque)


class NoDecode:
    name = "tests.No"

    def encode(self, value):
        return {}


def named(name: Any, version: Any = 1) -> Any:
    made = CellCodec()
    made.name, made.version = name, version  # type: ignore[attr-defined]
    return made


@pytest.mark.parametrize(
    ("codec", "types", "error", "words"),
    [
        (named("Cell"), (Small,), ValueError, "with a dot, such as 'mylab.Cell'"),
        (named("a b.c"), (Small,), ValueError, "with a dot"),
        (named(3), (Small,), ValueError, "with a dot"),
        (named("numpy.ndarray"), (Small,), ValueError, "xpet's own"),
        (named("tests.x", 0), (Small,), ValueError, "version"),
        (named("tests.Cell"), (Small,), ValueError, "replace=True"),
        (named("tests.x"), (Cell,), ValueError, "replace=True"),
        (named("tests.x"), (np.ndarray,), ValueError, "replace=True"),
        (named("tests.x"), (float, "builtins.list"), ValueError, "float, builtins.list cannot have another codec"),
        (CellCodec, (Small,), TypeError, r"give an object of it, CellCodec\(\)"),
        (NoDecode(), (Small,), TypeError, r"no method decode\(\)"),
        (named("tests.x"), (), TypeError, "give the classes"),
        (named("tests.x"), (3,), TypeError, "3 is no class"),
        (named("tests.x"), ("Cell",), TypeError, "'Cell' is no class"),
    ],
)
def test_bad_codecs(codec, types, error, words, registered):
    with pytest.raises(error, match=words):
        xpet.register_codec(codec, *types)


@pytest.mark.parametrize("made", [[1], None, {1: 2}], ids=str)
def test_what_encode_must_return(made, registered):
    class Bad(CellCodec):
        def encode(self, value):
            return made

    xpet.register_codec(Bad(), Cell, replace=True)
    with pytest.raises(UnsupportedValueError, match=r"x.y of type .*Cell: .*encode\(\) must return a dictionary"):
        encode(Cell(1, 2), "x.y")


def test_what_is_in_it_must_be_kept_too(registered):
    with pytest.raises(UnsupportedValueError, match=r"x\.y of type .*Cell: area: .*object cannot be kept"):
        encode(Cell(object(), 2), "x.y")


def test_a_class_that_cannot_be_hashed(registered):
    class Alike(type):
        def __eq__(cls, other: object) -> bool:
            return True

        __hash__ = None  # type: ignore[assignment]

    class Kind(metaclass=Alike):
        pass

    with pytest.raises(UnsupportedValueError, match=r"x\.y: a value of type .*Kind cannot be kept"):
        encode(Kind(), "x.y")


@pytest.mark.parametrize(
    ("ask", "load"), [("import lab", "encode(lab.Dish(7))"), ("", "xpet.load_codecs()")], ids=["to store", "by name"]
)
def test_codecs_of_installed_packages(ask, load, tmp_path):
    (tmp_path / "lab.py").write_text(
        "import xpet\n"
        "class Dish:\n    def __init__(self, n): self.n = n\n"
        "class DishCodec:\n"
        "    name = 'lab.Dish'\n"
        "    def encode(self, value): return {'n': value.n}\n"
        "    def decode(self, parts): return Dish(parts['n'])\n"
        "def register(): xpet.register_codec(DishCodec(), Dish)\n"
        "def broken(): raise OSError('no disk')\n"
    )
    info = tmp_path / "lab-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: lab\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text("[xpet.codecs]\nlab = lab:register\nbroken = lab:broken\n")
    code = f"""
import sys, warnings
sys.path.insert(0, {str(tmp_path)!r})
import xpet
from xpet.values import Encoded, Opaque, Part, encode, decode
stored = Encoded('lab.Dish', (Part('lab.Dish of n'), Part(7, 'n')), meta={{'of': [
    {{'name': 'n', 'stem': 'n', 'codec': 'int', 'version': 1, 'meta': {{}}, 'parts': ['']}}]}})
assert encode([1.5, 'a']) and isinstance(decode(stored), Opaque) and 'lab' not in sys.modules
assert 'xpet.load_codecs()' in repr(decode(stored))
{ask}
with warnings.catch_warnings(record=True) as caught:
    warnings.simplefilter('always')
    {load}
assert ['lab:broken' in str(each.message) for each in caught] == [True], caught
print(decode(stored).n, decode(stored).__class__.__name__)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (done.stdout, done.stderr) == ("7 Dish\n", "")


def test_a_codec_that_fails_is_named(registered):
    """It is the codec that has changed, mostly; nobody should do runs again for that."""

    class Newer(CellCodec):
        def decode(self, parts):
            return Cell(parts["area"], parts["color"])

    encoded = encode(Cell(1, 2))
    xpet.register_codec(Newer(), Cell, replace=True)
    with pytest.raises(CorruptStoreError, match=r"Newer, raised KeyError: 'color'; it must take area, the kind as it"):
        decode(encoded)


@pytest.mark.parametrize("meta", [{}, {"of": 3}, {"of": [{}]}, {"of": [{"name": "a", "stem": "a"}]}], ids=str)
def test_damaged(meta, registered):
    with pytest.raises(CorruptStoreError, match=r"tests\.Cell"):
        decode(Encoded("tests.Cell", encode(Cell(1, 2)).parts, meta=meta))
