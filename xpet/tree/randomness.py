"""The random numbers of runs: each run has its own, whoever does it and whenever."""

from __future__ import annotations

import operator
import os
from typing import TYPE_CHECKING, Any

from xpet.errors import shown
from xpet.tree.exploring import REPLICATE
from xpet.tree.group import Group
from xpet.tree.setting import assign

if TYPE_CHECKING:
    from numpy.random import Generator

    from xpet.tree.state import SeedBy, TreeState

_BITS = 128
_MOST_BITS = 1024


class Randomness(Group):
    """A root with random numbers."""

    __slots__ = ()

    @property
    def rng(self) -> Any:
        """The random generator of the run, the same however often and wherever the run is done.

        ``Generator(PCG64(SeedSequence(v_seed, spawn_key=(run,))))``; with ``seed_by='replicate'`` the key is the
        replicate, so that all points have the same numbers. A node that the user calls ``rng`` goes first.

        Returns
        -------
        numpy.random.Generator

        Raises
        ------
        AttributeError
            Neither is a run being done nor one selected.

        Examples
        --------
        >>> from xpet.tree import Root
        >>> traj = Root("study")
        >>> traj.v_seed = 42
        >>> traj.enter_run(0)
        >>> traj.rng.normal() == traj.rng.normal()
        False
        """
        tree = self.v_state
        if tree.rng is None or "rng" in tree.index or "rng" in tree.overlay:
            if tree.run < 0 or tree.named("rng"):
                return Group.__getattr__(self, "rng")
            tree.rng = _generator(tree)
        return tree.rng

    @rng.setter
    def rng(self, value: object) -> None:
        assign(self, "rng", value)

    @property
    def v_seed(self) -> int | None:
        """What the random numbers of all runs come from; None until it is given, or drawn when it is first needed."""
        return self.v_state.seed

    @v_seed.setter
    def v_seed(self, seed: int | None) -> None:
        tree = self.v_state
        if tree.is_run:
            raise TypeError("The seed of a trajectory cannot be changed during a single run.")
        checked = None if seed is None else checked_seed(seed)
        if tree.virtual is not None and tree.virtual.any_complete() and checked != tree.seed:
            raise TypeError(
                f"The runs of {self.v_name!r} that are complete have the seed {tree.seed}, which cannot change now; "
                "start again with if_exists='overwrite', or give the trajectory another name."
            )
        tree.seed, tree.seed_given, tree.rng = checked, checked is not None, None

    def rng_in_words(self, run: int) -> str:
        """What makes the random generator of a run, as one would type it.

        Examples
        --------
        >>> from xpet.tree import Root
        >>> traj = Root("study")
        >>> traj.v_seed = 42
        >>> traj.rng_in_words(0)
        'np.random.Generator(np.random.PCG64(np.random.SeedSequence(42, spawn_key=(0,))))'
        """
        tree = self.v_state
        key = tree.explored[REPLICATE].f_get_range(copy=False)[run] if tree.seed_by == "replicate" else run
        seed = f"np.random.SeedSequence({_settled(tree)}, spawn_key=({key},))"
        return f"np.random.Generator(np.random.PCG64({seed}))"

    def settle_seed(self) -> int:
        """The seed, drawn now if there is none."""
        return _settled(self.v_state)

    def adopt_seed(self, seed: int | None, seed_by: SeedBy) -> None:
        """Take over the seed of a stored trajectory."""
        tree = self.v_state
        tree.seed, tree.seed_given, tree.seed_by, tree.rng = seed, False, seed_by, None


def checked_seed(seed: object) -> int:
    """A seed as an integer of Python.

    Raises
    ------
    TypeError
        It is no integer.
    ValueError
        It is negative.

    Examples
    --------
    >>> checked_seed(42)
    42
    """
    try:
        if isinstance(seed, bool):
            raise TypeError
        number = operator.index(seed)  # type: ignore[arg-type]  # that is what is found out
    except TypeError:
        raise TypeError(f"seed is {seed!r}, a {type(seed).__name__}; it must be an integer, 0 or more.") from None
    if not 0 <= number < 2**_MOST_BITS:
        raise ValueError(f"seed is {shown(number)}; it must be 0 or more, and below 2**{_MOST_BITS}.")
    return number


def _settled(tree: TreeState) -> int:
    if tree.seed is None:
        tree.seed = int.from_bytes(os.urandom(_BITS // 8))
    return tree.seed


def _generator(tree: TreeState) -> Generator:
    # the submodule: it is ready sooner than the whole package where a run is the first to need it
    from numpy.random import PCG64, Generator, SeedSequence

    key = tree.explored[REPLICATE].f_get() if tree.seed_by == "replicate" else tree.run
    return Generator(PCG64(SeedSequence(_settled(tree), spawn_key=(key,))))
