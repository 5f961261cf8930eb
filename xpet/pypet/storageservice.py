"""As ``pypet.storageservice``, whose services are refused."""

from __future__ import annotations

from xpet.pypet.absent import absent

HDF5StorageService = absent("HDF5StorageService")
LazyStorageService = absent("LazyStorageService")
