"""As ``pypet.utils``, whose modules are its attributes."""

from __future__ import annotations

from importlib import import_module
from types import ModuleType

_MODULES = frozenset({"comparisons", "decorators", "explore", "helpful_functions"})


def __getattr__(name: str) -> ModuleType:
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return import_module(f"xpet.utils.{name}")
