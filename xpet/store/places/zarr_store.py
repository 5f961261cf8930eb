"""Any ``zarr.abc.store.Store``, driven through zarr's own event loop."""

from __future__ import annotations

import threading
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, TypeVar, cast

from xpet.store.places.base import Data, Names, Place, PlaceSpec, check_key, check_prefix, failure

if TYPE_CHECKING:
    from zarr.abc.store import Store

T = TypeVar("T")

CONCURRENCY = 64
_CREATING = threading.Lock()


class ZarrPlace(Place):
    """The keys of a Zarr store object, or those below a prefix."""

    in_process_only = True

    def __init__(self, spec: PlaceSpec) -> None:
        super().__init__(spec)
        self._store = cast("Store", spec.store)
        self._base = f"{spec.prefix}/" if spec.prefix else ""

    def below(self, sub: str) -> ZarrPlace:
        """The same place, with keys relative to the prefix `sub`."""
        return ZarrPlace(self.spec.below(sub))

    def read(self, key: str) -> bytes | None:
        """The bytes under `key`; None if there are none."""
        return self.read_many([key]).get(key)

    def read_many(self, keys: Iterable[str]) -> dict[str, bytes]:
        """The bytes under each of `keys`, without the missing ones; concurrently where that pays."""
        from zarr.core.buffer import default_buffer_prototype

        prototype = default_buffer_prototype()
        names = [check_key(key) for key in keys]
        found = self._each("read", names, lambda path: self._store.get(path, prototype))
        return {key: buffer.to_bytes() for key, buffer in zip(names, found, strict=True) if buffer is not None}

    def write(self, key: str, data: Data) -> None:
        """Put `data` under `key`: readers see the old bytes or the new ones, never a part."""
        self.write_many({key: data})

    def write_many(self, items: Mapping[str, Data]) -> None:
        """Write each of `items`, in no order; concurrently where that pays."""
        from zarr.core.buffer import default_buffer_prototype

        buffer = default_buffer_prototype().buffer
        content = {self._base + check_key(key): buffer.from_bytes(bytes(data)) for key, data in items.items()}
        self._each("written", list(items), lambda path: self._store.set(path, content[path]))

    def create(self, key: str, data: Data) -> bool:
        """Write `key` if it is not there: True if this call made it, False if it was there."""
        # A Zarr store has no exclusive write that tells who won; it lives in this process, so a lock will do.
        with _CREATING:
            if self.exists(key):
                return False
            self.write(key, data)
            return True

    def delete(self, keys: Iterable[str]) -> None:
        """Delete `keys`; those that are missing do not matter."""

        async def one(path: str) -> None:
            try:
                await self._store.delete(path)
            except (FileNotFoundError, KeyError):
                return

        self._each("deleted", [check_key(key) for key in keys], one)

    def list(self, prefix: str = "") -> Names:
        """All keys beneath `prefix`, sorted, relative to the place."""
        below = check_prefix(prefix)
        start = f"{self._base}{below}/" if below else self._base
        found = self._all(below, lambda: self._store.list_prefix(start))
        return sorted(name[len(self._base) :] for name in found if name.startswith(start))

    def children(self, prefix: str = "") -> Names:
        """The names directly beneath `prefix`, sorted, of keys and of prefixes alike."""
        below = check_prefix(prefix)
        found = self._all(below, lambda: self._store.list_dir((self._base + below).rstrip("/")))
        return sorted({name.strip("/").rpartition("/")[2] for name in found})

    def exists(self, key: str) -> bool:
        """Whether there are bytes under `key`; False for a prefix."""
        return self._each("looked up", [check_key(key)], self._store.exists)[0]

    def zarr_store_args(self) -> tuple[object, dict[str, object] | None]:
        """``(store, storage_options)`` as zarr and xarray take them."""
        from zarr.storage import StorePath

        return StorePath(self._store, self.spec.prefix) if self.spec.prefix else self._store, None

    def _each(self, doing: str, keys: Names, call: Callable[[str], Awaitable[T]]) -> Sequence[T]:
        results = _sync_each([self._base + key for key in keys], call)
        for key, result in zip(keys, results, strict=True):
            if isinstance(result, BaseException):
                raise failure(result, doing, f"{self.url}/{key}") from result
        return cast("Sequence[T]", results)

    def _all(self, prefix: str, names: Callable[[], AsyncIterator[str]]) -> Names:
        from zarr.core.sync import sync

        async def collect() -> Names:
            return [name async for name in names()]

        try:
            return sync(collect())
        except (FileNotFoundError, NotADirectoryError):
            return []
        except Exception as error:
            raise failure(error, "listed", f"{self.url}/{prefix}") from error


def _sync_each(paths: list[str], call: Callable[[str], Awaitable[T]]) -> list[T | BaseException]:
    import asyncio

    from zarr.core.sync import sync

    async def gather() -> list[T | BaseException]:
        slots = asyncio.Semaphore(CONCURRENCY)

        async def one(path: str) -> T:
            async with slots:
                return await call(path)

        return await asyncio.gather(*map(one, paths), return_exceptions=True)

    return sync(gather())
