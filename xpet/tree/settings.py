"""The settings of a tree, as properties of its root."""

from __future__ import annotations

from typing import Any

from xpet.tree.branches import NNGroupNode


class Settings(NNGroupNode):
    """A root with settings."""

    __slots__ = ()

    @property
    def v_fast_access(self) -> bool:
        """Whether attributes that are leaves give their values."""
        return self.v_state.fast_access

    @v_fast_access.setter
    def v_fast_access(self, value: bool) -> None:
        self.v_state.fast_access = bool(value)

    @property
    def v_shortcuts(self) -> bool:
        """Whether groups may be left out of a path."""
        return self.v_state.shortcuts

    @v_shortcuts.setter
    def v_shortcuts(self, value: bool) -> None:
        self.v_state.shortcuts = bool(value)
        self.v_state.forget()

    @property
    def v_max_depth(self) -> int | None:
        """How deep attributes are searched; ``None`` means without limit."""
        return self.v_state.max_depth

    @v_max_depth.setter
    def v_max_depth(self, value: int | None) -> None:
        self.v_state.max_depth = value
        self.v_state.forget()

    @property
    def v_with_links(self) -> bool:
        """Whether attributes follow links."""
        return self.v_state.with_links

    @v_with_links.setter
    def v_with_links(self, value: bool) -> None:
        self.v_state.with_links = bool(value)
        self.v_state.forget()

    @property
    def v_iter_recursive(self) -> bool:
        """Whether ``for node in group`` goes beyond the children."""
        return self.v_state.iter_recursive

    @v_iter_recursive.setter
    def v_iter_recursive(self, value: bool) -> None:
        self.v_state.iter_recursive = bool(value)

    @property
    def v_no_clobber(self) -> bool:
        """Whether adding what exists is ignored, with a warning, instead of an error."""
        return self.v_state.no_clobber

    @v_no_clobber.setter
    def v_no_clobber(self, value: bool) -> None:
        self.v_state.no_clobber = bool(value)

    @property
    def v_auto_run_prepend(self) -> bool:
        """Whether results and derived parameters added in a run go below ``runs.run_…``."""
        return self.v_state.auto_run_prepend

    @v_auto_run_prepend.setter
    def v_auto_run_prepend(self, value: bool) -> None:
        self.v_state.auto_run_prepend = bool(value)
        self.v_state.forget()

    @property
    def v_standard_parameter(self) -> type[Any]:
        """The class of parameters that are added by name."""
        return self.v_state.standard_parameter

    @v_standard_parameter.setter
    def v_standard_parameter(self, kind: type[Any]) -> None:
        self.v_state.standard_parameter = kind

    @property
    def v_standard_result(self) -> type[Any]:
        """The class of results that are added by name."""
        return self.v_state.standard_result

    @v_standard_result.setter
    def v_standard_result(self, kind: type[Any]) -> None:
        self.v_state.standard_result = kind
        self.v_state.forget()

    @property
    def v_standard_leaf(self) -> type[Any]:
        """The class of leaves that are added by name outside of the four branches."""
        return self.v_state.standard_leaf

    @v_standard_leaf.setter
    def v_standard_leaf(self, kind: type[Any]) -> None:
        self.v_state.standard_leaf = kind

    @property
    def v_full_copy(self) -> bool:
        """Whether the values of all runs travel to each worker, so that jobs can look at other points than theirs."""
        return self.v_state.full_copy

    @v_full_copy.setter
    def v_full_copy(self, value: bool) -> None:
        if self.v_state.is_run:
            raise TypeError("`v_full_copy` cannot be set during a single run; set it before the runs.")
        self.v_state.full_copy = bool(value)

    @property
    def v_auto_load(self) -> bool:
        """Always true: what is in the store is found, and read when it is used; setting it to false is an error."""
        return True

    @v_auto_load.setter
    def v_auto_load(self, value: bool) -> None:
        if not value:
            raise ValueError(
                "`v_auto_load=False` is refused: what is in the store is found, and read when it is used; leave it out."
            )

    def f_set_properties(self, **kwargs: Any) -> None:
        """Set several settings; the prefix ``v_`` may be left out.

        Raises
        ------
        AttributeError
            If there is no such setting.

        Examples
        --------
        >>> from xpet.tree import Root
        >>> traj = Root("study")
        >>> traj.f_set_properties(fast_access=False, v_max_depth=3)
        >>> traj.v_fast_access, traj.v_max_depth
        (False, 3)
        """
        for name, value in kwargs.items():
            full = name if name.startswith("v_") else f"v_{name}"
            known = getattr(type(self), full, None)
            if not isinstance(known, property) or known.fset is None:
                raise AttributeError(f"A trajectory has no setting {full!r}.")
            setattr(self, full, value)
