"""Every public name resolves, is documented, and its examples run."""

from __future__ import annotations

import ast
import doctest
import inspect
import io
import re
from importlib import import_module
from pathlib import Path

import pytest

import xpet

PACKAGE = Path(xpet.__file__).parent
NAMES = [name for name in xpet.__all__ if not name.startswith("__")]
OPTIONS = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE | doctest.IGNORE_EXCEPTION_DETAIL


def is_exception(thing: object) -> bool:
    """Tell whether a public name is an exception."""
    return inspect.isclass(thing) and issubclass(thing, BaseException)


def modules_with_examples() -> list[str]:
    """Return the modules whose text holds a doctest prompt."""
    names = []
    for path in sorted(PACKAGE.rglob("*.py")):
        if ">>> " in path.read_text(encoding="utf-8"):
            parts = path.relative_to(PACKAGE.parent).with_suffix("").parts
            names.append(".".join(part for part in parts if part != "__init__"))
    return names


def test_all_is_sorted_out():
    assert len(set(xpet.__all__)) == len(xpet.__all__)
    assert dir(xpet) == sorted(xpet.__all__)


def test_lazy_names_are_the_public_names():
    tree = ast.parse((PACKAGE / "__init__.py").read_text(encoding="utf-8"))
    homes = next(n.value for n in tree.body if isinstance(n, ast.Assign) and ast.unparse(n.targets[0]) == "_HOMES")
    assert set(ast.literal_eval(homes)) == set(NAMES)


def test_every_exception_is_public():
    errors = import_module("xpet.errors")
    defined = {name for name, thing in vars(errors).items() if is_exception(thing)}
    assert {name for name in NAMES if is_exception(getattr(xpet, name))} == defined


@pytest.mark.parametrize("name", NAMES)
def test_name_resolves_and_is_documented(name: str):
    thing = getattr(xpet, name)
    assert (inspect.getdoc(thing) or "").strip(), f"xpet.{name} has no docstring"
    assert thing.__doc__, f"xpet.{name} only inherits its docstring"


@pytest.mark.parametrize("name", NAMES)
def test_name_has_an_example(name: str):
    thing = getattr(xpet, name)
    if is_exception(thing) or not callable(thing):
        return
    doc = inspect.getdoc(thing) or ""
    assert re.search(r"^Examples\n-{8}$", doc, re.MULTILINE), f"the docstring of xpet.{name} has no Examples section"
    assert ">>> " in doc, f"the example of xpet.{name} has no line that runs"


@pytest.mark.parametrize("name", [name for name in NAMES if name[0].isupper()])
def test_public_members_are_documented(name: str):
    cls = getattr(xpet, name)
    members = {key: member for key, member in vars(cls).items() if not key.startswith("_") and is_described(member)}
    assert [key for key, member in members.items() if not inspect.getdoc(member)] == []


def is_described(member: object) -> bool:
    """Tell whether a class member is one that carries a docstring."""
    return inspect.isroutine(member) or isinstance(member, property | classmethod | staticmethod)


@pytest.mark.parametrize("name", modules_with_examples())
def test_examples_run(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.chdir(tmp_path)
    module = import_module(name)
    report = io.StringIO()
    runner = doctest.DocTestRunner(optionflags=OPTIONS)
    for example in doctest.DocTestFinder(exclude_empty=True).find(module):
        runner.run(example, out=report.write)
    assert runner.failures == 0, report.getvalue()
    assert runner.tries > 0, f"{name} holds a prompt, but no example was found in its docstrings"
