"""As ``pypet.utils.comparisons``: whether leaves and values are equal, NaN being equal to NaN."""

from __future__ import annotations

from typing import Any

from xpet.pypet.absent import absent
from xpet.tree import BaseParameter, BaseResult
from xpet.values import same_value as nested_equal

__all__ = ["get_all_attributes", "nested_equal", "parameters_equal", "results_equal"]

get_all_attributes = absent("get_all_attributes")


def results_equal(a: Any, b: Any) -> bool:
    """Whether two results have the same path and the same values; comments may differ.

    Raises
    ------
    ValueError
        If neither is a result.

    Examples
    --------
    >>> from xpet import Result
    >>> results_equal(Result("z", 1.0, comment="one"), Result("z", 1.0)), results_equal(Result("z", 1), Result("z", 2))
    (True, False)
    """
    if not _both(a, b, BaseResult):
        return False
    ours, theirs = a.f_to_dict(), b.f_to_dict()
    return ours.keys() == theirs.keys() and all(nested_equal(value, theirs[name]) for name, value in ours.items())


def parameters_equal(a: Any, b: Any) -> bool:
    """Whether two parameters have the same path, value and range; comments may differ.

    Raises
    ------
    ValueError
        If neither is a parameter.

    Examples
    --------
    >>> from xpet import Parameter
    >>> parameters_equal(Parameter("x", 1.0), Parameter("x", 1.0)), parameters_equal(Parameter("x", 1), Parameter("x"))
    (True, False)
    """
    if not _both(a, b, BaseParameter) or a.f_is_empty() != b.f_is_empty() or a.f_has_range() != b.f_has_range():
        return False
    if a.f_is_empty():
        return True
    if a.f_has_range() and not nested_equal(list(a.f_get_range()), list(b.f_get_range())):
        return False
    return nested_equal(a.f_get(), b.f_get())


def _both(a: Any, b: Any, kind: type[Any]) -> bool:
    if not isinstance(a, kind) and not isinstance(b, kind):
        wanted = "results" if kind is BaseResult else "parameters"
        raise ValueError(f"Two {wanted} were expected, not {type(a).__name__} and {type(b).__name__}.")
    return isinstance(a, kind) and isinstance(b, kind) and bool(a.v_full_name == b.v_full_name)
