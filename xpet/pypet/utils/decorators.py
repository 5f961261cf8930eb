"""As ``pypet.utils.decorators``."""

from __future__ import annotations

from xpet.pypet.absent import absent

manual_run = absent("manual_run")
