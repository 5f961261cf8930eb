"""As ``pypet.annotations``."""

from __future__ import annotations

from xpet.tree import Annotations
from xpet.tree import Node as WithAnnotations

__all__ = ["Annotations", "WithAnnotations"]
