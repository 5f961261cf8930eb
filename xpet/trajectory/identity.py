"""Which trajectory it is: its name, when it was made, and where it is stored."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import TYPE_CHECKING, Literal, Self, TypeAlias

from xpet.errors import StoreError
from xpet.names import WildcardFunctions, checked_text
from xpet.store.place import PlaceSpec, open_place
from xpet.trajectory.places import into_folder, locate
from xpet.trajectory.trust import DynamicImports, Trust
from xpet.tree import Root
from xpet.tree.guard import not_in_run
from xpet.tree.node import put

if TYPE_CHECKING:
    from xpet.trajectory.agreed import Agreed

# A text, as Jedi, which completes in IPython, gives up on a Literal that it meets made.
IfExists: TypeAlias = "Literal['continue', 'extend', 'overwrite', 'new']"
IF_EXISTS: tuple[IfExists, ...] = ("continue", "extend", "overwrite", "new")


def in_words(timestamp: float) -> str:
    """A time as pypet writes it.

    Examples
    --------
    >>> in_words(0.0).endswith("m00s")
    True
    """
    return time.strftime("%Y_%m_%d_%Hh%Mm%Ss", time.localtime(timestamp))


class Identity(Root):
    """A root that knows which trajectory it is, and where that is stored."""

    __slots__ = ("_agreed", "_if_exists", "_left_out", "_spec", "_timestamp", "_title", "_trust", "_uuid")
    _agreed: Agreed | None
    _spec: PlaceSpec | None
    _uuid: str
    _title: str
    _trust: Trust
    _left_out: frozenset[str]
    _if_exists: IfExists | None
    _timestamp: float

    def __init__(self, name: str, comment: str, wildcard_functions: WildcardFunctions | None, made: float) -> None:
        super().__init__(name, comment, wildcard_functions)
        put(self, "_agreed", None)
        put(self, "_spec", None)
        put(self, "_uuid", "")
        put(self, "_title", "")
        put(self, "_left_out", frozenset())
        put(self, "_if_exists", None)
        put(self, "_timestamp", made)
        put(self, "_trust", Trust())

    @property
    def v_timestamp(self) -> float:
        """When the trajectory was made, in seconds since 1970; loading it again does not change that."""
        return self._timestamp

    @property
    def v_time(self) -> str:
        """When the trajectory was made, as in ``2026_01_31_12h00m00s``."""
        return in_words(self._timestamp)

    def f_take_identity(self, other: Self) -> None:
        """Be the same trajectory as another one, of which this is a copy."""
        for name in Identity.__slots__:
            put(self, name, getattr(other, name))
        put(self, "_trust", other.v_trust.copy())
        # What is known grows with the points, which are each one's own.
        put(self, "_agreed", None)

    def f_leave_store(self) -> None:
        """Forget where the trajectory is stored, and what that may bring back."""
        put(self, "_agreed", None)
        put(self, "_spec", None)
        put(self, "_trust", Trust())

    # Where it is stored -----------------------------------------------------------------------------------------------

    @not_in_run
    def f_set_store(
        self, filename: object = None, store: object = None, storage_options: Mapping[str, object] | None = None
    ) -> None:
        """Say where the trajectory is stored; nothing is written.

        Raises
        ------
        ValueError
            If both names of the option are given and differ.
        """
        spec = locate(filename, store, storage_options, self.v_name)
        self.f_set_spec(into_folder(spec, self.v_name, filename if store is None else store))

    def f_set_spec(self, spec: PlaceSpec) -> None:
        """Say where the trajectory is stored, by a place that is resolved already."""
        if self._spec is not None and spec != self._spec:
            put(self, "_uuid", "")
        put(self, "_spec", spec)

    @property
    def v_store(self) -> str | None:
        """The path or URL of the store; None if there is none."""
        return None if self._spec is None else open_place(self._spec).url

    @property
    def v_spec(self) -> PlaceSpec:
        """Where the store is, as workers need it.

        Raises
        ------
        StoreError
            If the trajectory has no store.
        """
        if self._spec is None:
            raise StoreError(
                f"{self.v_name}: the trajectory has no store; give it one with filename= or store=, or hand it to an "
                "Environment"
            )
        return self._spec

    @property
    def v_uuid(self) -> str:
        """Which stored trajectory this one is; empty before it is stored."""
        return self._uuid

    @property
    def v_agreed(self) -> Agreed | None:
        """What is known of the points here and in the store."""
        return self._agreed

    def f_agree(self, agreed: Agreed | None) -> None:
        """Remember what is known of the points; the package calls it when it stores."""
        put(self, "_agreed", agreed)

    @property
    def v_title(self) -> str:
        """The title of the stored trajectory, pypet's ``file_title``."""
        return self._title

    @v_title.setter
    def v_title(self, title: str) -> None:
        put(self, "_title", checked_text(title, "The title of a trajectory"))

    @property
    def v_if_exists(self) -> IfExists | None:
        """What to do if the store has another trajectory of this name, where nothing else is said."""
        return self._if_exists

    @v_if_exists.setter
    def v_if_exists(self, if_exists: IfExists | None) -> None:
        put(self, "_if_exists", if_exists)

    @property
    def v_left_out(self) -> frozenset[str]:
        """The branches that were left out when the trajectory was loaded."""
        return self._left_out

    def f_leave_out(self, branches: frozenset[str]) -> None:
        """Remember that branches are in the store but not here; the package calls it when it loads."""
        put(self, "_left_out", branches)

    @not_in_run
    def f_add_to_dynamic_imports(self, dynamic_imports: DynamicImports) -> None:
        """Have leaves of further classes of the user's come back as what they are.

        Parameters
        ----------
        dynamic_imports
            Classes, or where to import them from, such as ``'package.module.Class'``; one or several.
        """
        self._trust.add(dynamic_imports)

    @property
    def v_allow_pickle(self) -> bool:
        """Whether pickles are read, which runs whatever is in them."""
        return self._trust.pickles

    @v_allow_pickle.setter
    def v_allow_pickle(self, allow: bool) -> None:
        self._trust.pickles = bool(allow)

    @property
    def v_trust(self) -> Trust:
        """What a store may bring back."""
        return self._trust

    def f_trust(self, trust: Trust) -> None:
        """Let a store bring back what this says; the package calls it when it loads."""
        put(self, "_trust", trust)

    @property
    def v_stored(self) -> bool:
        """Whether the trajectory is in its store."""
        return bool(self._uuid)

    def f_bind(self, name: str, uuid: str, made: float | None = None) -> None:
        """Take over the identity of a stored trajectory; the package calls it when it stores or loads."""
        put(self, "_name", name)
        put(self, "_uuid", uuid)
        if made is not None:
            put(self, "_timestamp", made)
