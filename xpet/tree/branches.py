"""The group classes of the four branches, and what each can add."""

from __future__ import annotations

from typing import Any

from xpet.tree.adding import add_group, add_leaf, add_result
from xpet.tree.children import Children
from xpet.tree.group import Group
from xpet.tree.placement import BRANCH_RULES

PARAMETERS, CONFIG = BRANCH_RULES["parameters"], BRANCH_RULES["config"]
DERIVED, RESULTS = BRANCH_RULES["derived_parameters"], BRANCH_RULES["results"]


class NNGroupNode(Children):
    """A group of anything: those outside of the four branches, and what these have in common.

    Examples
    --------
    >>> from xpet.tree import Root
    >>> Root("study").f_add_group("notes")
    <NNGroupNode notes: >
    """

    __slots__ = ()


class ParameterGroup(NNGroupNode):
    """A group of parameters.

    Examples
    --------
    >>> from xpet.tree import Root
    >>> Root("study").f_add_parameter_group("cell", comment="one compartment")
    <ParameterGroup parameters.cell (`one compartment`): >
    """

    __slots__ = ()

    def f_add_parameter(self, *args: Any, **kwargs: Any) -> Any:
        """Add a parameter: path, value, comment; or a parameter; or a class, path and its arguments."""
        return add_leaf(self, PARAMETERS, args, kwargs)

    def f_add_parameter_group(self, *args: Any, **kwargs: Any) -> Any:
        """Add a group of parameters."""
        return add_group(self, PARAMETERS, args, kwargs)

    f_apar = f_add_parameter


class ConfigGroup(NNGroupNode):
    """A group of configuration.

    Examples
    --------
    >>> from xpet.tree import Root
    >>> Root("study").config.f_add_config("machine.cores", 8)
    <Parameter config.machine.cores: 8>
    """

    __slots__ = ()

    def f_add_config(self, *args: Any, **kwargs: Any) -> Any:
        """Add a configuration parameter: path, value, comment."""
        return add_leaf(self, CONFIG, args, kwargs)

    def f_add_config_group(self, *args: Any, **kwargs: Any) -> Any:
        """Add a group of configuration parameters."""
        return add_group(self, CONFIG, args, kwargs)

    f_aconf = f_add_config


class DerivedParameterGroup(NNGroupNode):
    """A group of derived parameters.

    Examples
    --------
    >>> from xpet.tree import Root
    >>> Root("study").dpar.f_add_derived_parameter("weights", 0.5)
    <Parameter derived_parameters.weights: 0.5>
    """

    __slots__ = ()

    def f_add_derived_parameter(self, *args: Any, **kwargs: Any) -> Any:
        """Add a derived parameter: path, value, comment; in a run it goes to the run's group."""
        return add_leaf(self, DERIVED, args, kwargs)

    def f_add_derived_parameter_group(self, *args: Any, **kwargs: Any) -> Any:
        """Add a group of derived parameters."""
        return add_group(self, DERIVED, args, kwargs)

    f_adpar = f_add_derived_parameter


class ResultGroup(NNGroupNode):
    """A group of results.

    Examples
    --------
    >>> from xpet.tree import Root
    >>> Root("study").results.f_add_result("spikes", 3)
    <Result results.spikes: spikes=3>
    """

    __slots__ = ()

    def f_add_result(self, *args: Any, **kwargs: Any) -> Any:
        """Add a result: path and values, ``comment=``; in a run it goes to the run's group."""
        return add_result(self, args, kwargs)

    def f_add_result_group(self, *args: Any, **kwargs: Any) -> Any:
        """Add a group of results."""
        return add_group(self, RESULTS, args, kwargs)

    f_ares = f_add_result


GROUP_CLASSES: dict[str, type[Group]] = {
    "parameters": ParameterGroup,
    "config": ConfigGroup,
    "derived_parameters": DerivedParameterGroup,
    "results": ResultGroup,
    "": NNGroupNode,
}
