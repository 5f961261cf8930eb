"""Parameters: one value, and a range of values once explored."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from copy import copy
from typing import Any, ClassVar, Self

from xpet.errors import ParameterLockedException
from xpet.tree.guard import check_own
from xpet.tree.leaf import IMMUTABLE, Leaf, advice, describe, is_no_time, is_time_of_pandas, shorten
from xpet.values import Labelled, Labels, encode, shown

_PYPETS_RANGES = ("_explore", "_expand", "_shrink", "_restore_default", "_set_parameter_access")
"""By which a parameter class of pypet's keeps its range itself; nobody would call them here."""


class _NoValue:
    """The type of the mark of a parameter without a value."""

    __slots__ = ()

    def __repr__(self) -> str:
        return "<empty>"

    def __reduce__(self) -> str:
        return "NO_VALUE"


NO_VALUE: Any = _NoValue()


class Items(dict[str, Any]):
    """The value of a parameter whose class is not known here: all that the class keeps, by name."""


class BaseParameter(Leaf):
    """What all parameters are: a value that is locked by its first use, and a range of values once explored.

    A class of one's own derives from it, or from :class:`Parameter`, and may say which values it takes (`f_supports`),
    which of them can be explored together (``_values_of_same_type``), and what is kept of them (``_store``, ``_load``).

    Parameters
    ----------
    full_name
        The path.
    comment
        What it is about.

    Examples
    --------
    >>> class Even(BaseParameter):
    ...     def f_supports(self, data):
    ...         return data % 2 == 0
    >>> Even("n").f_set(3)
    Traceback (most recent call last):
    TypeError: The parameter 'n' does not support 3, an int; give it another value.
    """

    __slots__ = ("_data", "_default", "_explored", "_explored_range", "_labels", "_locked", "v_full_copy")

    v_is_parameter: ClassVar[bool] = True

    def __init__(self, full_name: str, comment: str = "") -> None:
        super().__init__(full_name, comment)
        self._data = self._default = NO_VALUE
        self._explored_range: Sequence[Any] | None = None
        self._labels: Labels | None = None
        self._locked = self._explored = self.v_full_copy = False

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        own = [name for name in _PYPETS_RANGES if name in vars(cls)]
        if own:
            raise NotImplementedError(
                f"The parameter class {cls.__name__} has a range of its own ({', '.join(own)}), which is refused: the "
                "values of all runs are kept for it; leave these out, and say with `_store` and `_load` what is kept."
            )

    # ----------------------------------------------------------------- store

    def _fetch(self) -> None:
        loader, self._loader = self._loader, None
        if loader is None:
            return
        try:
            self.f_take(loader())
        except BaseException:
            self._loader = loader
            raise

    def f_take(self, items: Mapping[str, Any]) -> None:
        """Take the default as :meth:`f_items` gave it; of an explored parameter the range, and the value, stay."""
        before = self._data, self._explored_range, self._explored, self._locked
        self._locked = False
        super().f_take(items)
        if self._default is NO_VALUE:
            self._default = self._data
        value, self._explored_range, self._explored, self._locked = before
        if value is not NO_VALUE:
            self._data = value

    def _adopt(self, items: Mapping[str, Any]) -> None:
        self._data = self._default = items[""] if items.keys() == {""} else Items(self._named(items))

    def _kept(self) -> dict[str, Any]:
        self._fetch()
        if self._default is NO_VALUE:
            return {}
        if type(self._default) is Items:
            return self._keyed(self._default)
        return {"": self._default if self._labels is None else Labelled(self._default, self._labels)}

    def _alone(self) -> Self:
        return self._with(self._default)

    def _with(self, value: Any) -> Self:
        """A copy with another value, and without a range."""
        twin = copy(self)
        twin.v_parent = None
        twin._data = twin._default = value
        twin._explored_range, twin._explored, twin._locked = None, False, False
        return twin

    def _main(self) -> str:
        return "data"

    def f_kept_range(self, start: int = 0) -> Sequence[Any]:
        """The values of the runs from ``start`` on as they are kept: what a class with a ``_store`` makes of them."""
        values = self._known_range()[start:] if start else self._known_range()
        if type(self)._kept is BaseParameter._kept and not self._stores_itself():
            return values
        made: dict[int, Any] = {}
        for value in values:
            if id(value) not in made:
                made[id(value)] = self._point(self._with(value).f_items())
        return [made[id(value)] for value in values]

    def _point(self, items: dict[str, Any]) -> Any:
        """What is kept of one run: the value, or by name what a class makes of it."""
        if not self._stores_itself() or (items.keys() == {""} and type(items[""]) is not dict):
            return items[""]
        return self._named(items)

    def f_restored(self, kept: Any) -> Any:
        """The value of one run, from what :meth:`f_kept_range` made of it."""
        if not self._loads_itself():
            return kept
        twin = self._with(NO_VALUE)
        twin.f_take(self._keyed(kept) if type(kept) is dict else {"": kept})
        return twin.f_get()

    # ---------------------------------------------------------------- value

    def f_set(self, data: Any) -> None:
        """Set the value.

        Raises
        ------
        ParameterLockedException
            If the parameter is locked.
        AttributeError
            If it is explored.
        """
        self._check_unlocked("set")
        if self._explored:
            raise AttributeError(
                f"The parameter {self.v_full_name!r} is explored, so its value belongs to the runs; "
                "shrink the trajectory before setting another default."
            )
        self._check_supported(data)
        self._loader = self._unknown_class = None
        self._labels = data.labels if isinstance(data, Labelled) else None
        self._data = self._default = data.value if isinstance(data, Labelled) else data

    def f_get(self) -> Any:
        """The current value; locks the parameter. In a run, what could be changed in place is a copy for that run.

        Raises
        ------
        TypeError
            If the parameter is empty.
        """
        if self._data is NO_VALUE:
            self._fill()
        self._locked = True
        return self._own(self._data)

    def f_get_default(self) -> Any:
        """The value outside of all runs; locks the parameter."""
        if self._default is NO_VALUE:
            self._fill()
        self._locked = True
        return self._own(self._default)

    def _fill(self) -> None:
        self._fetch()
        if self._default is NO_VALUE:
            raise TypeError(f"The parameter {self.v_full_name!r} is empty; give it a value with `f_set` first.")

    @property
    def data(self) -> Any:
        """The current value; see :meth:`f_get`."""
        return self.f_get()

    @property
    def default(self) -> Any:
        """The value outside of all runs; see :meth:`f_get_default`."""
        return self.f_get_default()

    def f_fast_access(self) -> Any:
        """The current value, or the parameter itself if it is empty."""
        value = self._data
        if type(value) in IMMUTABLE:
            self._locked = True
            return value
        return self if self.f_is_empty() else self.f_get()

    def f_supports_fast_access(self) -> bool:
        """Whether the parameter has a value."""
        return not self.f_is_empty()

    def f_is_empty(self) -> bool:
        """Whether the parameter has no value."""
        return self._default is NO_VALUE and self._loader is None

    def f_empty(self) -> None:
        """Drop value, default and range."""
        self._check_unlocked("empty")
        self._data = self._default = NO_VALUE
        self._explored_range, self._explored, self._loader, self._labels = None, False, None, None

    def f_supports(self, data: Any) -> bool:
        """Whether the value can be kept."""
        try:
            self._check(data)
            if self.v_tree is None and not self._stores_itself():
                encode(self._with(data)._kept()[""], self.v_template)
        except TypeError:
            return False
        return True

    def _check_supported(self, data: Any) -> None:
        if type(self).f_supports is not BaseParameter.f_supports and not self.f_supports(data):
            raise TypeError(
                f"The parameter {self.v_full_name!r} does not support {shorten(repr(data))}, {describe(data)}; "
                "give it another value."
            )
        self._check(data)

    # ---------------------------------------------------------------- locks

    @property
    def v_locked(self) -> bool:
        """Whether the parameter may not be changed."""
        return self._locked

    def f_lock(self) -> None:
        """Forbid changes."""
        self._locked = True

    def f_unlock(self) -> None:
        """Allow changes again; not in a run, as the runs share the parameters that were there before."""
        check_own(self, "unlocked", ParameterLockedException)
        self._locked = False

    def _check_unlocked(self, verb: str) -> None:
        check_own(self, verb if verb != "empty" else "emptied", ParameterLockedException)
        if self._locked:
            raise ParameterLockedException(
                f"The parameter {self.v_full_name!r} is locked, because it was read, explored or stored, and cannot be "
                f"{verb if verb != 'empty' else 'emptied'}; call its `f_unlock()` first if you mean it."
            )

    # ---------------------------------------------------------------- range

    @property
    def v_explored(self) -> bool:
        """Whether the parameter has a range, or had one before it was sent elsewhere without it."""
        return self._explored

    def f_has_range(self) -> bool:
        """Whether the values of all runs are here."""
        return self._explored_range is not None

    def f_get_range(self, copy: bool = True) -> Any:
        """The values of all runs, as a list; with ``copy=False`` the sequence itself.

        Raises
        ------
        TypeError
            If there is no range.
        """
        values = self._known_range()
        return list(map(self._own, values)) if copy else values

    def f_get_range_length(self) -> int:
        """The number of values of the range."""
        return len(self._known_range())

    def _known_range(self) -> Sequence[Any]:
        if self._explored_range is None:
            raise TypeError(f"The parameter {self.v_full_name!r} has no range; explore it with `f_explore` first.")
        return self._explored_range

    def _values_of_same_type(self, val1: Any, val2: Any) -> bool:
        """Whether a run may have the one value if the default is the other."""
        if type(val1) is not type(val2):
            return any(is_no_time(a) and is_time_of_pandas(b) for a, b in ((val1, val2), (val2, val1)))
        return type(val1) is not tuple or [type(item) for item in val1] == [type(item) for item in val2]

    def check_range(self, values: Iterable[Any]) -> None:
        """Raise ``TypeError`` if a value is not of the default's type, or is refused by the trajectory."""
        like = self.f_get_default()
        for index, value in enumerate(values):
            if not self._values_of_same_type(value, like):
                raise TypeError(
                    f"The parameter {self.v_full_name!r} is {describe(like)} and cannot be explored with "
                    f"{describe(value)} (value {index}, {shorten(shown(value))}); {advice(value)}."
                )
            self._check_supported(value)
            # The first time says of what kind a missing one is.
            like = value if is_no_time(like) else like

    def set_range(self, values: Sequence[Any]) -> None:
        """Take the values of all runs, unchecked; ``v_explored`` from now on."""
        self._explored_range, self._explored, self._locked = values, True, True

    def drop_range(self, forget: bool = True) -> None:
        """Drop the values of all runs; with ``forget=False`` it stays known that they exist somewhere."""
        self._explored_range, self._explored = None, not forget
        self.restore()

    def select(self, index: int) -> None:
        """Take the value of run `index`; −1 means the default."""
        self._data = self._default if index < 0 or self._explored_range is None else self._explored_range[index]

    def restore(self) -> None:
        """Take the default."""
        self._data = self._default

    # ------------------------------------------------------------- protocol

    def _facts(self) -> list[str]:
        return ([f"len:{len(self)}"] if self.f_has_range() else []) + super()._facts()

    def f_val_to_str(self) -> str:
        """The current value as text; does not lock."""
        return "<to be loaded>" if self._loader is not None else shown(self._data)

    def __getitem__(self, key: int | str) -> Any:
        if key == "data":
            return self.f_get()
        if key == "default" or key == -1:
            return self.f_get_default()
        if isinstance(key, str):
            raise KeyError(f"A parameter has 'data' and 'default', not {key!r}.")
        return self._own(self._known_range()[key])

    def __len__(self) -> int:
        if self._explored_range is not None:
            return len(self._explored_range)
        return 0 if self.f_is_empty() else 1

    def __bool__(self) -> bool:
        return True


class Parameter(BaseParameter):
    """A parameter: a value that is locked by its first use.

    Parameters
    ----------
    full_name
        The path.
    data
        The value; without it the parameter is empty. :func:`xpet.label` gives it units, which the store keeps.
    comment
        What it is about.

    Examples
    --------
    >>> speed = Parameter("speed", 2.5, comment="in m/s")
    >>> speed.f_get(), speed.v_locked
    (2.5, True)
    """

    __slots__ = ()

    def __init__(self, full_name: str, data: Any = NO_VALUE, comment: str = "") -> None:
        super().__init__(full_name, comment)
        if data is not NO_VALUE:
            self.f_set(data)


def put_point(parameters: Iterable[BaseParameter], point: Iterable[Any]) -> None:
    """Give explored parameters the values of one run."""
    for parameter, value in zip(parameters, point, strict=True):
        parameter._data = value
