"""A trajectory: the tree, the space and the store as one."""

from __future__ import annotations

from xpet.trajectory.identity import IfExists
from xpet.trajectory.loading import load_trajectory
from xpet.trajectory.trajectory import Trajectory
from xpet.trajectory.trust import DynamicImports

__all__ = ["DynamicImports", "IfExists", "Trajectory", "load_trajectory"]
