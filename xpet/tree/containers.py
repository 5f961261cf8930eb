"""pypet's special parameters and results. Any value works in any of them, so that there is little to them."""

from __future__ import annotations

import pickle
from typing import Any

from xpet.tree.leaf import Leaf
from xpet.tree.node import put
from xpet.tree.parameter import NO_VALUE, Parameter
from xpet.tree.result import Result
from xpet.values import pickled


class ArrayParameter(Parameter):
    """A parameter of arrays or tuples; those of one exploration may differ in shape and in what is in them.

    Examples
    --------
    >>> from xpet.tree import Root
    >>> traj = Root("study")
    >>> _ = traj.f_add_parameter(ArrayParameter, "weights", (1, 2))
    >>> traj.f_explore({"weights": [(0.5,), (1, 2, 3)]})
    >>> traj.f_get("weights").f_get_range()
    [(0.5,), (1, 2, 3)]
    """

    __slots__ = ()

    def _values_of_same_type(self, val1: Any, val2: Any) -> bool:
        return (type(val1) is tuple and type(val2) is tuple) or super()._values_of_same_type(val1, val2)


class SparseParameter(ArrayParameter):
    """A parameter of SciPy's sparse matrices and arrays; those of one exploration may be of different formats.

    Examples
    --------
    >>> import scipy.sparse as sp
    >>> links = SparseParameter("links", sp.eye(3, format="csr"))
    >>> links.f_get().nnz
    3
    """

    __slots__ = ()

    def _values_of_same_type(self, val1: Any, val2: Any) -> bool:
        return (_is_sparse(val1) and _is_sparse(val2)) or super()._values_of_same_type(val1, val2)


def _is_sparse(value: object) -> bool:
    return type(value).__module__.startswith("scipy.sparse.")


class _Pickling(Leaf):
    """What parameters and results that pickle have in common."""

    __slots__ = ()
    _protocol: int

    @property
    def v_protocol(self) -> int:
        """The protocol of :mod:`pickle` by which values will be stored."""
        return self._protocol

    @v_protocol.setter
    def v_protocol(self, protocol: int) -> None:
        put(self, "_protocol", protocol)

    def _check(self, value: object) -> None:
        super()._check(pickled(value, self._protocol, self.v_template))

    def _kept(self) -> dict[str, Any]:
        return {key: pickled(value, self._protocol, self.v_template) for key, value in super()._kept().items()}


class PickleParameter(_Pickling, Parameter):
    """A parameter that pickles what could not be kept otherwise.

    Reading it back takes ``allow_pickle=True``: a pickle runs whatever code is in it. Without that, the parameter holds
    a placeholder, which says so and is stored again unchanged.

    Parameters
    ----------
    full_name
        The path.
    data
        The value; without it the parameter is empty.
    comment
        What it is about.
    protocol
        That of :mod:`pickle`.

    Examples
    --------
    >>> import xpet
    >>> traj = xpet.Trajectory("shapes", filename="memory://docs-pickle", allow_pickle=True)
    >>> _ = traj.f_add_parameter(xpet.PickleParameter, "shape", slice(1, 5))
    >>> traj.f_store()
    >>> xpet.load_trajectory("shapes", store="memory://docs-pickle", allow_pickle=True).shape
    slice(1, 5, None)
    """

    __slots__ = ("_protocol",)

    def __init__(
        self, full_name: str, data: Any = NO_VALUE, comment: str = "", protocol: int = pickle.DEFAULT_PROTOCOL
    ) -> None:
        put(self, "_protocol", protocol)
        super().__init__(full_name, data, comment)


class PickleResult(_Pickling, Result):
    """A result that pickles what could not be kept otherwise.

    Reading it back takes ``allow_pickle=True``; see :class:`PickleParameter`.

    Parameters
    ----------
    full_name
        The path.
    *args, **kwargs
        The values.
    comment
        What it is about.
    protocol
        That of :mod:`pickle`.

    Examples
    --------
    >>> result = PickleResult("parts", slice(1, 5), whole=slice(9))
    >>> result.whole, result.v_protocol == pickle.DEFAULT_PROTOCOL
    (slice(None, 9, None), True)
    """

    __slots__ = ("_protocol",)

    def __init__(
        self,
        full_name: str,
        *args: object,
        comment: str = "",
        protocol: int = pickle.DEFAULT_PROTOCOL,
        **kwargs: object,
    ) -> None:
        put(self, "_protocol", protocol)
        super().__init__(full_name, *args, comment=comment, **kwargs)


class SparseResult(Result):
    """A result of SciPy's sparse matrices and arrays, among whatever else.

    Examples
    --------
    >>> import scipy.sparse as sp
    >>> SparseResult("links", sp.eye(3, format="csr"), n=3).links.nnz
    3
    """

    __slots__ = ()
