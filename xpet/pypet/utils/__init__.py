"""As ``pypet.utils``."""
