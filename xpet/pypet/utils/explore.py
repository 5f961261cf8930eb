"""As ``pypet.utils.explore``."""

from __future__ import annotations

from xpet.space import cartesian_product, find_unique_points

__all__ = ["cartesian_product", "find_unique_points"]
