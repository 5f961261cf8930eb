"""Groups, parameters, results, links and annotations, and finding them by name.

Pure memory: nothing here reads or writes a store. `Root` is the tree of a trajectory; what a store must offer to have
its runs shown is `RunBacking`.
"""

from __future__ import annotations

from xpet.tree.annotations import Annotations
from xpet.tree.backing import RunBacking
from xpet.tree.branches import ConfigGroup, DerivedParameterGroup, NNGroupNode, ParameterGroup, ResultGroup
from xpet.tree.containers import ArrayParameter, PickleParameter, PickleResult, SparseParameter, SparseResult
from xpet.tree.group import Group
from xpet.tree.leaf import Leaf
from xpet.tree.node import Node
from xpet.tree.parameter import NO_VALUE, BaseParameter, Parameter
from xpet.tree.result import BaseResult, Result
from xpet.tree.root import Root

__all__ = [
    "NO_VALUE",
    "Annotations",
    "ArrayParameter",
    "BaseParameter",
    "BaseResult",
    "ConfigGroup",
    "DerivedParameterGroup",
    "Group",
    "Leaf",
    "NNGroupNode",
    "Node",
    "Parameter",
    "ParameterGroup",
    "PickleParameter",
    "PickleResult",
    "Result",
    "ResultGroup",
    "Root",
    "RunBacking",
    "SparseParameter",
    "SparseResult",
]
