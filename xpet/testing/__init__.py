"""For tests: an equality that sees every difference, values of every kind, the contracts of codecs and executors.

The extra ``testing`` brings what it needs. Nothing else of xpet imports it.
"""

from __future__ import annotations

from importlib import import_module

try:
    for _needed in ("hypothesis", "pytest"):
        import_module(_needed)
except ModuleNotFoundError as error:
    raise ModuleNotFoundError(
        f"xpet.testing needs {error.name}, which is not installed; pip install 'xpet[testing]'", name=error.name
    ) from error

from xpet.testing.contract import CodecContract
from xpet.testing.equality import identical
from xpet.testing.executors import ExecutorContract
from xpet.testing.strategies import values

__all__ = ["CodecContract", "ExecutorContract", "identical", "values"]
