"""``import xpet`` is light, and the backend that xarray finds imports nothing but xarray."""

from __future__ import annotations

import ast
import json
import subprocess
import sys
from pathlib import Path

import pytest

import xpet

HEAVY = ("numpy", "pandas", "xarray", "zarr", "fsspec", "scipy", "numcodecs", "dask", "matplotlib", "hypothesis")
LIGHT_MODULES = ("errors", "names", "space", "tree", "run", "trajectory", "environment", "frontdoor")
PACKAGE = Path(xpet.__file__).parent


def loaded_by(statement: str) -> list[str]:
    """Return the top-level modules that a fresh interpreter has after a statement."""
    code = f"import json, sys; {statement}; print(json.dumps(sorted({{m.partition('.')[0] for m in sys.modules}})))"
    # -S: what site-packages' own .pth files import is no concern of ours, but its packages must stay in reach
    path = json.dumps([str(PACKAGE.parent), *sys.path])
    done = subprocess.run(
        [sys.executable, "-S", "-c", f"import sys; sys.path[:] = {path}; {code}"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_import_loads_nothing_heavy():
    assert set(loaded_by("import xpet")).isdisjoint(HEAVY)


def test_dir_loads_nothing_heavy():
    assert set(loaded_by("import xpet; dir(xpet); xpet.__version__; xpet.RunError")).isdisjoint(HEAVY)


@pytest.mark.parametrize("module", LIGHT_MODULES)
def test_light_module_loads_nothing_heavy(module: str):
    if not ((PACKAGE / module).is_dir() or (PACKAGE / f"{module}.py").is_file()):
        pytest.fail(f"xpet.{module} is in the list of light modules, but there is no such module")
    assert set(loaded_by(f"import xpet.{module}")).isdisjoint(HEAVY)


def test_backend_imports_only_xarray():
    tree = ast.parse((PACKAGE / "backend.py").read_text(encoding="utf-8"))
    modules = {alias.name for node in tree.body if isinstance(node, ast.Import) for alias in node.names}
    modules |= {node.module or "" for node in tree.body if isinstance(node, ast.ImportFrom)}
    assert {name.partition(".")[0] for name in modules} - set(sys.stdlib_module_names) == {"xarray"}


def test_backend_loads_no_other_part_of_xpet():
    code = "import sys, xpet.backend; print(*sorted(m for m in sys.modules if m.startswith('xpet')))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout.split() == ["xpet", "xpet.backend"]


def test_a_misspelt_name_is_an_attribute_error():
    with pytest.raises(AttributeError, match=r"'xpet' has no attribute 'Enviroment'.*dir\(xpet\)"):
        _ = xpet.Enviroment


@pytest.mark.parametrize("missing", ["hypothesis", "pytest"])
def test_what_the_tests_of_users_need_is_named(missing: str):
    code = f"import sys; sys.modules[{missing!r}] = None; import xpet; print('light'); import xpet.testing"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.stdout == "light\n"
    last = done.stderr.splitlines()[-1]
    assert (
        last
        == f"ModuleNotFoundError: xpet.testing needs {missing}, which is not installed; pip install 'xpet[testing]'"
    )
