"""Only parameters can be explored, so their names need no branch."""

from __future__ import annotations

import pytest

from xpet.errors import NotUniqueNodeError
from xpet.tree import Root


def test_groups_of_one_name_in_two_branches():
    root = Root("study")
    root.f_add_parameter("neuron.I", 1.0)
    root.f_add_derived_parameter("neuron.tau", 2.0)
    root.f_explore({"neuron.I": [1.0, 2.0]})
    root.f_expand({"parameters.neuron.I": [3.0]})
    assert root.f_get("parameters.neuron.I").f_get_range() == [1.0, 2.0, 3.0]


def test_two_parameters_of_one_name_stay_ambiguous():
    root = Root("study")
    root.f_add_parameter("a.x", 1.0)
    root.f_add_parameter("b.x", 1.0)
    with pytest.raises(NotUniqueNodeError):
        root.f_explore({"x": [1.0]})
