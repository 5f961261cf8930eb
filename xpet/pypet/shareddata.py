"""As ``pypet.shareddata``, which is refused."""

from __future__ import annotations

from xpet.pypet.absent import absent

SharedArray = absent("SharedArray")
SharedCArray = absent("SharedCArray")
SharedEArray = absent("SharedEArray")
SharedPandasFrame = absent("SharedPandasFrame")
SharedResult = absent("SharedResult")
SharedTable = absent("SharedTable")
SharedVLArray = absent("SharedVLArray")
StorageContextManager = absent("StorageContextManager")
make_ordinary_result = absent("make_ordinary_result")
make_shared_result = absent("make_shared_result")
