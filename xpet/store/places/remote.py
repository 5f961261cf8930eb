"""Every other fsspec file system: object stores, mostly."""

from __future__ import annotations

import contextlib
import os
import re
from collections.abc import Iterable, Mapping
from glob import has_magic
from typing import Any

from xpet.errors import StoreError
from xpet.store.places.base import Data, Names, Place, PlaceSpec, check_key, check_prefix, failure
from xpet.store.places.filesystem import BULK, CONCURRENCY, code_of, delete_in_bulk, open_filesystem

_NOT_THERE = (FileNotFoundError, IsADirectoryError, NotADirectoryError)


class RemotePlace(Place):
    """A prefix of an fsspec file system.

    Concurrent requests go to asynchronous file systems only; on others things happen one by one.
    """

    def __init__(self, spec: PlaceSpec, above: RemotePlace | None = None) -> None:
        super().__init__(spec)
        self._used: tuple[Any, ...] = ()
        self._pid: int = 0
        self._base: str = ""
        if above is None:
            self._connect()
        else:
            self._used, self._pid = above._used, above._pid
            self._base = above._base + spec.url[len(above.spec.url) :].lstrip("/") + "/"

    def below(self, sub: str) -> RemotePlace:
        """The same place, with keys relative to the prefix `sub`."""
        return RemotePlace(self.spec.below(sub), None if "::" in self.spec.url else self)

    @property
    def fs(self) -> Any:
        """The file system, made anew in a forked child, which cannot use its parent's."""
        if self._pid != os.getpid():
            self._connect()
        return self._used[-1]

    def read(self, key: str) -> bytes | None:
        """The bytes under `key`; None if there are none."""
        path = self._base + check_key(key)
        try:
            data: bytes = self.fs.cat_file(path)
        except _NOT_THERE as error:
            self._require_bucket(error)
            return None
        except Exception as error:
            raise failure(error, "read", self._where(key)) from error
        return data

    def read_many(self, keys: Iterable[str]) -> dict[str, bytes]:
        """The bytes under each of `keys`, without the missing ones; concurrently where that pays."""
        paths = {self._base + check_key(key): key for key in keys}
        fs = self.fs
        if len(paths) < 2 or not fs.async_impl or any(map(has_magic, paths)):
            return super().read_many(paths.values())
        try:
            results = fs.cat(list(paths), on_error="return", batch_size=CONCURRENCY)
        except Exception as error:
            raise failure(error, "read", self.url) from error
        found = {}
        for path, result in results.items():
            if isinstance(result, _NOT_THERE):
                self._require_bucket(result)
            elif isinstance(result, BaseException):
                raise failure(result, "read", self._where(paths[path])) from result
            else:
                found[paths[path]] = result
        return found

    def write(self, key: str, data: Data) -> None:
        """Put `data` under `key`: readers see the old bytes or the new ones, never a part."""
        path = self._writable(key)
        try:
            self.fs.pipe_file(path, bytes(data))
        except Exception as error:
            raise self._refusal(error, "written", key) from error

    def write_many(self, items: Mapping[str, Data]) -> None:
        """Write each of `items`, in no order; concurrently where that pays."""
        fs = self.fs
        if len(items) < 2 or not fs.async_impl:
            return super().write_many(items)
        content = {self._writable(key): bytes(data) for key, data in items.items()}
        try:
            fs.pipe(content, batch_size=CONCURRENCY)
        except Exception as error:
            raise self._refusal(error, "written", f"{min(items)} … {max(items)}") from error

    def create(self, key: str, data: Data) -> bool:
        """Write `key` if it is not there: True if this call made it, False if it was there."""
        path = self._writable(key)
        for last in (False, False, True):
            try:
                self.fs.pipe_file(path, bytes(data), mode="create")
                return True
            except FileExistsError:
                return False
            except Exception as error:
                code = code_of(error)
                if code in ("PreconditionFailed", "412") or (isinstance(error, OSError) and self.exists(key)):
                    return False
                # S3 answers so when another conditional write is under way; who won shows in the next try.
                if last or code not in ("ConditionalRequestConflict", "409"):
                    raise self._refusal(error, "created", key) from error
        return False

    def delete(self, keys: Iterable[str]) -> None:
        """Delete `keys`; those that are missing do not matter."""
        paths = [self._writable(key) for key in keys]
        fs = self.fs
        for path in delete_in_bulk(fs, paths) if len(paths) > BULK else paths:
            try:
                fs.rm_file(path)
            except FileNotFoundError:
                continue
            except Exception as error:
                raise self._refusal(error, "deleted", path[len(self._base) :]) from error

    def list(self, prefix: str = "") -> Names:
        """All keys beneath `prefix`, sorted, relative to the place."""
        prefix = check_prefix(prefix)
        path = (self._base + prefix).rstrip("/")
        try:
            found = self.fs.find(path)
        except _NOT_THERE as error:
            self._require_bucket(error)
            return []
        except Exception as error:
            raise failure(error, "listed", self._where(prefix)) from error
        return sorted(
            name[len(self._base) :] for name in found if name.startswith(f"{path}/") and not name.endswith("/")
        )

    def children(self, prefix: str = "") -> Names:
        """The names directly beneath `prefix`, sorted, of keys and of prefixes alike."""
        prefix = check_prefix(prefix)
        path = (self._base + prefix).rstrip("/")
        try:
            found = self.fs.ls(path, detail=False)
        except _NOT_THERE as error:
            self._require_bucket(error)
            return []
        except Exception as error:
            raise failure(error, "listed", self._where(prefix)) from error
        start = len(path) + 1
        names = {name.rstrip("/")[start:] for name in found if name.startswith(f"{path}/")}
        return sorted(name for name in names if name and "/" not in name)

    def exists(self, key: str) -> bool:
        """Whether there are bytes under `key`; False for a prefix."""
        try:
            return bool(self.fs.info(self._base + check_key(key))["type"] == "file")
        except _NOT_THERE as error:
            self._require_bucket(error)
            return False
        except Exception as error:
            raise failure(error, "looked up", self._where(key)) from error

    def move(self, src: str, dst: str) -> None:
        """Rename `src` to `dst`, replacing it; a missing `src` is fine if `dst` is there."""
        source, target = self._writable(src), self._writable(dst)
        try:
            self.fs.cp_file(source, target)
        except FileNotFoundError as error:
            if self.exists(dst):
                return
            raise self._refusal(error, f"moved to {dst}", src) from error
        except Exception as error:
            raise self._refusal(error, f"moved to {dst}", src) from error
        self.delete([src])

    def copy_many(self, pairs: Iterable[tuple[str, str]]) -> None:
        """Copy each ``(src, dst)`` of `pairs` within the file system; concurrently where that pays."""
        pairs = list(pairs)
        targets = {self._writable(src): self._writable(dst) for src, dst in pairs}
        fs = self.fs
        if len(targets) == len(pairs) > 1 and fs.async_impl and not any(map(has_magic, targets)):
            with contextlib.suppress(Exception):
                fs.copy(list(targets), list(targets.values()), batch_size=CONCURRENCY)
                return
        # one by one, the one that cannot be copied shows itself
        for src, dst in pairs:
            try:
                fs.cp_file(self._writable(src), self._writable(dst))
            except NotImplementedError:
                super().copy_many([(src, dst)])
            except Exception as error:
                raise self._refusal(error, f"copied to {dst}", src) from error

    def sizes(self, prefix: str) -> dict[str, int]:
        """How many bytes are under each key beneath `prefix`."""
        path = (self._base + check_prefix(prefix)).rstrip("/")
        try:
            found = self.fs.find(path, detail=True)
        except _NOT_THERE as error:
            self._require_bucket(error)
            return {}
        except Exception as error:
            raise failure(error, "listed", self._where(prefix)) from error
        return {name[len(self._base) :]: about["size"] or 0 for name, about in found.items()}

    def zarr_store_args(self) -> tuple[object, dict[str, object] | None]:
        """``(store, storage_options)`` as zarr and xarray take them."""
        options = dict(self.spec.storage_options)
        if "::" not in self.spec.url:
            options.setdefault("use_listings_cache", False)
        return self.spec.url, options or None

    def _connect(self) -> None:
        fs, root = open_filesystem(self.spec)
        # What was inherited over fork is kept: collecting it would close connections the parent still uses.
        self._used = (*self._used, fs)
        self._base = f"{root.rstrip('/')}/"
        self._pid = os.getpid()

    def _writable(self, key: str) -> str:
        if "::" in self.spec.url:
            raise StoreError(
                f"{self.url} is a chain of file systems, which can be read but not written, but {key!r} was to be "
                f"written; give the last link alone ({self.url.rpartition('::')[2]})"
            )
        return self._base + check_key(key)

    def _refusal(self, error: BaseException, doing: str, key: str) -> StoreError:
        if isinstance(error, FileNotFoundError):
            self._require_bucket(error)
        return failure(error, doing, self._where(key))

    def _require_bucket(self, error: BaseException) -> None:
        if code_of(error) == "NoSuchBucket" or re.search(r"bucket.*not exist", str(error), re.IGNORECASE):
            raise StoreError(
                f"{self.url} is in a bucket that does not exist; make it first, or check its name and the endpoint"
            ) from error

    def _where(self, key: str) -> str:
        return f"{self.url.rstrip('/')}/{key}" if key else self.url
