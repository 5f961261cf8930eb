"""As ``pypet.utils.helpful_functions``."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any

from xpet.pypet.absent import absent

__all__ = ["flatten_dictionary", "nest_dictionary", "progressbar", "racedirs"]

progressbar = absent("progressbar")


def flatten_dictionary(nested_dict: Mapping[str, Any], separator: str) -> dict[str, Any]:
    """Put what dictionaries within hold into one, under their keys joined.

    Examples
    --------
    >>> flatten_dictionary({"a": {"b": 1}, "c": 2}, ".")
    {'a.b': 1, 'c': 2}
    """
    flat: dict[str, Any] = {}
    for key, value in nested_dict.items():
        if isinstance(value, dict):
            flat |= {key + separator + below: each for below, each in flatten_dictionary(value, separator).items()}
        else:
            flat[key] = value
    return flat


def nest_dictionary(flat_dict: Mapping[str, Any], separator: str) -> dict[str, Any]:
    """Make dictionaries within of keys that are joined.

    Examples
    --------
    >>> nest_dictionary({"a.b": 1, "c": 2}, ".")
    {'a': {'b': 1}, 'c': 2}
    """
    nested: dict[str, Any] = {}
    for key, value in flat_dict.items():
        *above, name = key.split(separator)
        inner = nested
        for each in above:
            inner = inner.setdefault(each, {})
        inner[name] = value
    return nested


def racedirs(path: str) -> None:
    """Make a directory and those above it, if they are not there; others may do the same at once.

    Examples
    --------
    >>> racedirs(".")
    """
    os.makedirs(path, exist_ok=True)
