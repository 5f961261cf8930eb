"""Write pypet-0.7-members.json: every public name, member and option of pypet, as inspection finds them.

Run it with a Python that has pypet 0.7: ``python tests/data/make_pypet_members.py``.
"""

from __future__ import annotations

import importlib
import inspect
import json
from pathlib import Path
from typing import Any

TARGET = Path(__file__).with_name("pypet-0.7-members.json")
MODULES = (  # the documented modules beside `pypet` itself, and the names that each documents
    ("pypet.annotations", ("Annotations", "WithAnnotations")),
    ("pypet.utils.comparisons", ("results_equal", "parameters_equal", "nested_equal", "get_all_attributes")),
    ("pypet.utils.explore", ("cartesian_product", "find_unique_points")),
    ("pypet.utils.decorators", ("manual_run",)),
    ("pypet.utils.helpful_functions", ("flatten_dictionary", "nest_dictionary", "progressbar", "racedirs")),
)


def kind_of(owner: Any, value: Any) -> str:
    """Say what a public member is: function, class, property or value."""
    if inspect.isclass(value):
        return "class"
    if callable(value):
        return "function"
    return "property" if isinstance(value, property) or inspect.isdatadescriptor(value) else "value"


def parameters_of(value: Any) -> list[list[str]] | None:
    """Return [name, kind, default] of each parameter, None where there is no signature."""
    try:
        parameters = inspect.signature(value).parameters.values()
    except (TypeError, ValueError):
        return None
    return [[one.name, one.kind.name, "" if one.default is one.empty else text_of(one.default)] for one in parameters]


def text_of(default: Any) -> str:
    """Show a default so that it reads the same in every process."""
    return default.__name__ if inspect.isclass(default) else repr(default)


def from_pypet(owner: type, name: str) -> bool:
    """Tell whether pypet itself defines the member (ObjectTable has all those of pandas)."""
    definer = next((one for one in owner.__mro__ if name in vars(one)), owner)
    return definer.__module__.split(".")[0] == "pypet"


def members_of(owner: type, exported: set[type]) -> dict[str, Any]:
    """Return the public members of a class that none of its exported bases has just so."""
    bases = [one for one in owner.__mro__[1:] if one in exported]
    found = {}
    for name in dir(owner):
        value = inspect.getattr_static(owner, name)
        if name.startswith("_") or not from_pypet(owner, name):
            continue
        if not any(inspect.getattr_static(base, name, None) is value for base in bases):
            found[name] = entry(owner, value)
    return found


def entry(owner: Any, value: Any) -> dict[str, Any]:
    """Return what is known of one name."""
    value = value.__func__ if isinstance(value, (staticmethod, classmethod)) else value
    kind = kind_of(owner, value)
    found: dict[str, Any] = {"kind": kind}
    if kind in ("class", "function"):
        found["parameters"] = parameters_of(value)
    return found


def names_of(module: Any, names: tuple[str, ...]) -> dict[str, Any]:
    """Return the entries of names of a module, those of its classes with their members."""
    found = {}
    exported = {value for value in map(vars(module).get, names) if inspect.isclass(value)}
    for name in names:
        value = getattr(module, name)
        found[name] = entry(module, value)
        if inspect.isclass(value):
            found[name]["bases"] = [one.__name__ for one in value.__mro__[1:-1] if public_base(one, exported)]
            found[name]["members"] = members_of(value, exported)
    return found


def public_base(base: type, exported: set[type]) -> bool:
    """Tell whether users can name a base of a class."""
    return base in exported or base.__module__ == "builtins"


def constants() -> dict[str, Any]:
    """Return the public constants."""
    module = importlib.import_module("pypet.pypetconstants")
    plain = {name: value for name, value in vars(module).items() if name.isupper() and not name.startswith("_")}
    return {
        name: {"kind": "value", "value": value if isinstance(value, (int, str)) else None}
        for name, value in sorted(plain.items())
    }


def main() -> None:
    """Inspect pypet and write what it has."""
    pypet = importlib.import_module("pypet")
    found = {"version": pypet.__version__, "pypet": names_of(pypet, tuple(sorted(pypet.__all__)))}
    for module, names in MODULES:
        found[module] = names_of(importlib.import_module(module), names)
    found["pypet.pypetconstants"] = constants()
    TARGET.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
