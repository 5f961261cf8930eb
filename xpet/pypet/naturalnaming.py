"""As ``pypet.naturalnaming``: the groups."""

from __future__ import annotations

from xpet.tree import ConfigGroup, DerivedParameterGroup, NNGroupNode, ParameterGroup, ResultGroup
from xpet.tree import Leaf as NNLeafNode

__all__ = ["ConfigGroup", "DerivedParameterGroup", "NNGroupNode", "NNLeafNode", "ParameterGroup", "ResultGroup"]
