"""fsspec's ``memory://``: one dict per process."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from xpet.store.places.base import Data, Names, Place, PlaceSpec, check_key, check_prefix


class MemoryPlace(Place):
    """A prefix of the process's one ``memory://`` file system."""

    in_process_only = True

    def __init__(self, spec: PlaceSpec) -> None:
        import fsspec

        super().__init__(spec)
        self._fs = fsspec.filesystem("memory")
        root = spec.url.removeprefix("memory://").strip("/")
        self._base = f"/{root}/" if root else "/"

    def below(self, sub: str) -> MemoryPlace:
        """The same place, with keys relative to the prefix `sub`."""
        return MemoryPlace(self.spec.below(sub))

    def read(self, key: str) -> bytes | None:
        """The bytes under `key`; None if there are none."""
        try:
            return bytes(self._fs.store[self._base + check_key(key)].getbuffer())
        except KeyError:
            return None

    def write(self, key: str, data: Data) -> None:
        """Put `data` under `key`: readers see the old bytes or the new ones, never a part."""
        path = self._base + check_key(key)
        self._fs.store[path] = self._file(path, data)

    def create(self, key: str, data: Data) -> bool:
        """Write `key` if it is not there: True if this call made it, False if it was there."""
        path = self._base + check_key(key)
        file = self._file(path, data)
        # fsspec looks and then writes; a dict's setdefault is one step for all threads.
        return self._fs.store.setdefault(path, file) is file

    def delete(self, keys: Iterable[str]) -> None:
        """Delete `keys`; those that are missing do not matter."""
        for key in keys:
            self._fs.store.pop(self._base + check_key(key), None)

    def list(self, prefix: str = "") -> Names:
        """All keys beneath `prefix`, sorted, relative to the place."""
        below = check_prefix(prefix)
        start = f"{self._base}{below}/" if below else self._base
        return sorted(path[len(self._base) :] for path in tuple(self._fs.store) if path.startswith(start))

    def children(self, prefix: str = "") -> Names:
        """The names directly beneath `prefix`, sorted, of keys and of prefixes alike."""
        skip = len(prefix.rstrip("/")) + 1 if prefix else 0
        return sorted({key[skip:].partition("/")[0] for key in self.list(prefix)})

    def exists(self, key: str) -> bool:
        """Whether there are bytes under `key`; False for a prefix."""
        return self._base + check_key(key) in self._fs.store

    def zarr_store_args(self) -> tuple[object, dict[str, object] | None]:
        """``(store, storage_options)`` as zarr and xarray take them."""
        return self.spec.url, None

    def _file(self, path: str, data: Data) -> Any:
        from fsspec.implementations.memory import MemoryFile

        return MemoryFile(self._fs, path, bytes(data))
