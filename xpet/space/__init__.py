"""The points of a parameter space: grids, lists, and telling the two apart."""

from __future__ import annotations

from xpet.space.explore import cartesian_product, find_unique_points
from xpet.space.points import Points, as_points, is_single, product, zipped
from xpet.space.shape import Shape, is_product

__all__ = [
    "Points",
    "Shape",
    "as_points",
    "cartesian_product",
    "find_unique_points",
    "is_product",
    "is_single",
    "product",
    "zipped",
]
