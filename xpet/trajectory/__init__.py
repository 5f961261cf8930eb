"""A trajectory: the tree, the space and the store as one."""

from __future__ import annotations

from xpet.trajectory.loading import load_trajectory
from xpet.trajectory.trajectory import IfExists, Trajectory

__all__ = ["IfExists", "Trajectory", "load_trajectory"]
