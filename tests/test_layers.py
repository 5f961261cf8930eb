"""Imports go down only, nothing private crosses a module, and no file or function outgrows its idea."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

PACKAGE = Path(__file__).resolve().parent.parent / "xpet"

LAYERS = (
    "errors",
    "names",
    "values",
    "space",
    "tree",
    "store",
    "table",
    "trajectory",
    "run",
    "environment",
    "frontdoor",
    "accessor",
    "backend",
    "cli",
    "hdf5",
    "integrations",
    "testing",
    "pypet",
)
LONGEST_FILE = 400
LONGEST_FUNCTION = 40
MOST_ARGUMENTS = 6
# Signatures that others set (pypet's, xarray's), and the front door, which takes what Environment takes.
FOREIGN_SIGNATURES = re.compile(
    r"(\w+\.)?(f_\w+|open_dataset|open_datatree)|(Environment|Trajectory)\.__init__|load_trajectory|sweep|open"
)
PUBLIC_DESPITE_UNDERSCORE = {"_asdict", "_exit", "_fields", "_getframe", "_make", "_replace"}
# fsspec documents the coroutines of its asynchronous file systems under these names.
FSSPEC_COROUTINES = {"_cat_file", "_cp_file", "_exists", "_find", "_info", "_ls", "_pipe_file", "_rm", "_rm_file"}
Function = ast.FunctionDef | ast.AsyncFunctionDef
RAW_KEYS = ("store/place.py", "store/places/")

FILES = sorted(path for path in PACKAGE.rglob("*.py"))
IDS = [path.relative_to(PACKAGE).as_posix() for path in FILES]
each_file = pytest.mark.parametrize("path", FILES, ids=IDS)


def layer_of(path: Path) -> str | None:
    """Return the layer of a file; None for the package's own `__init__`, which stands above all."""
    first = path.relative_to(PACKAGE).parts[0].removesuffix(".py")
    return None if first == "__init__" else first


def imported(path: Path) -> Iterator[tuple[int, str, tuple[str, ...]]]:
    """Yield (line, module, names) of every import, deferred and typing-only ones too."""
    home = ("xpet", *path.relative_to(PACKAGE).with_suffix("").parts)
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield node.lineno, alias.name, ()
        elif isinstance(node, ast.ImportFrom):
            base = ".".join(home[: len(home) - node.level]) if node.level else ""
            module = ".".join(part for part in (base, node.module or "") if part)
            yield node.lineno, module, tuple(alias.name for alias in node.names)


def targets(module: str, names: tuple[str, ...]) -> Iterator[str]:
    """Yield the layers that an import of xpet reaches."""
    parts = module.split(".")
    if parts[0] != "xpet":
        return
    if len(parts) > 1:
        yield parts[1]
    elif names != ("__version__",):
        # `from xpet import x` is layer x, or a public name, which only the topmost may use
        yield from names or ("xpet",)


def test_there_is_something_to_check():
    assert FILES
    assert {layer_of(path) for path in FILES} <= {None, *LAYERS}


@each_file
def test_imports_go_down(path: Path):
    layer = layer_of(path)
    if layer is None:
        return
    allowed = set(LAYERS[: LAYERS.index(layer) + 1])
    if layer in {"integrations", "testing", "cli"}:
        allowed |= set(public_names()) | {"xpet"}
    upwards = [
        f"line {line}: {layer} imports {target}"
        for line, module, names in imported(path)
        for target in targets(module, names)
        if target not in allowed
    ]
    assert upwards == []


@each_file
def test_no_private_name_is_imported(path: Path):
    private = [
        f"line {line}: from {module} import {name}"
        for line, module, names in imported(path)
        for name in names
        if is_private(name) and not (module == "xpet" and name == "__version__")
    ]
    assert private == []


@each_file
def test_no_private_access_across_modules(path: Path):
    tree = ast.parse(path.read_text(encoding="utf-8"))
    own = set(defined_names(tree))
    if path.relative_to(PACKAGE).as_posix().startswith(RAW_KEYS):
        own |= FSSPEC_COROUTINES
    foreign = [
        f"line {node.lineno}: {ast.unparse(node)}"
        for node in ast.walk(tree)
        if isinstance(node, ast.Attribute) and is_private(node.attr)
        if node.attr not in own and not is_own(node.value)
    ]
    assert foreign == []


@each_file
def test_a_file_is_short(path: Path):
    lines = len(path.read_text(encoding="utf-8").splitlines())
    assert lines <= LONGEST_FILE, f"{path.name} has {lines} lines: split it by idea"


@each_file
def test_functions_are_short(path: Path):
    functions = functions_of(ast.parse(path.read_text(encoding="utf-8")))
    long = [f"{name}: {n} lines" for name, node in functions if (n := length(name, node)) > LONGEST_FUNCTION]
    assert long == []


@each_file
def test_functions_take_few_arguments(path: Path):
    functions = functions_of(ast.parse(path.read_text(encoding="utf-8")))
    many = [
        f"{name}: {count} arguments"
        for name, node in functions
        if (count := argument_count(node)) > MOST_ARGUMENTS and not FOREIGN_SIGNATURES.fullmatch(name)
    ]
    assert many == []


def functions_of(tree: ast.AST, owner: str = "") -> Iterator[tuple[str, Function]]:
    """Yield (name, function) of every function; a method's name is Class.method."""
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, Function):
            yield owner + node.name, node
        yield from functions_of(node, f"{node.name}." if isinstance(node, ast.ClassDef) else owner)


def argument_count(node: Function) -> int:
    """Count the arguments of a function, without self and cls."""
    arguments = [*node.args.posonlyargs, *node.args.args, *node.args.kwonlyargs]
    return sum(argument.arg not in {"self", "cls"} for argument in arguments)


def length(name: str, node: Function) -> int:
    """Count the lines of a function without its docstring, and without a signature that others set."""
    first, last = node.lineno, node.end_lineno or node.lineno
    if FOREIGN_SIGNATURES.fullmatch(name):
        first = node.body[0].lineno - 1
    lines = last - first + 1
    if ast.get_docstring(node) is not None:
        lines -= (node.body[0].end_lineno or 0) - node.body[0].lineno + 1
    return lines


def is_private(name: str) -> bool:
    """Tell whether a name is private and not a public one that merely looks so."""
    return name.startswith("_") and not name.startswith("__") and name not in PUBLIC_DESPITE_UNDERSCORE


def is_own(value: ast.expr) -> bool:
    """Tell whether an attribute is looked up on the object or class itself."""
    if isinstance(value, ast.Call) and isinstance(value.func, ast.Name):
        return value.func.id in {"super", "type"}
    return isinstance(value, ast.Name) and value.id in {"self", "cls"}


def defined_names(tree: ast.Module) -> Iterator[str]:
    """Yield what a file itself defines: functions, variables, attributes set on self, slots."""
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            yield node.name
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            yield node.id
        elif isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Store) and is_own(node.value):
            yield node.attr
        elif isinstance(node, ast.Constant) and isinstance(node.value, str) and is_private(node.value):
            yield node.value


def public_names() -> tuple[str, ...]:
    """Return `xpet.__all__` without importing anything."""
    tree = ast.parse((PACKAGE / "__init__.py").read_text(encoding="utf-8"))
    for node in tree.body:
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "__all__":
            return tuple(ast.literal_eval(node.value))
    raise AssertionError("xpet/__init__.py has no __all__")
