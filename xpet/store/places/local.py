"""A directory: every write whole or not at all, with no more than the system calls that takes."""

from __future__ import annotations

import contextlib
import errno
import io
import itertools
import math
import os
import re
import time
from collections.abc import Callable, Iterable, Iterator
from typing import TypeVar

from xpet.store.places.base import PARTIAL, Data, Names, Place, PlaceSpec, check_key, check_prefix, failure

_ANY = getattr(os, "O_BINARY", 0) | getattr(os, "O_CLOEXEC", 0)
_READ = os.O_RDONLY | _ANY
_NEW = os.O_WRONLY | os.O_CREAT | os.O_EXCL | _ANY
_SMALL = 65536  # bytes that one read fetches; most keys are smaller
_NO_LINKS = {errno.EPERM, errno.ENOSYS, errno.ENOTSUP, errno.EOPNOTSUPP, errno.EMLINK, errno.EXDEV, errno.EINVAL}
_WINDOWS = os.name == "nt"
#: the names that :meth:`LocalPlace._whole` gives
_PARTIAL = re.compile(r"\.[0-9a-f]+-[0-9a-f]+-[0-9]+" + re.escape(PARTIAL))
_MISSING = (FileNotFoundError, NotADirectoryError)
_TRIES = 10
T = TypeVar("T")


class LocalPlace(Place):
    """A directory of the local file system."""

    is_local = True

    def __init__(self, spec: PlaceSpec) -> None:
        super().__init__(spec)
        self._root = spec.url
        self._base = os.path.join(spec.url, "")
        self._token = os.urandom(5).hex()
        self._count = itertools.count()

    def below(self, sub: str) -> LocalPlace:
        """The same place, with keys relative to the prefix `sub`."""
        return LocalPlace(self.spec.below(sub))

    def path(self, key: str) -> str:
        """The file of `key`."""
        return self._base + check_key(key)

    def read(self, key: str) -> bytes | None:
        """The bytes under `key`; None if there are none."""
        path = self._base + check_key(key)
        try:
            descriptor = os.open(path, _READ)
            try:
                data = os.read(descriptor, _SMALL)
                if len(data) < _SMALL:
                    return data
                os.lseek(descriptor, 0, os.SEEK_SET)
                with open(descriptor, "rb", buffering=0, closefd=False) as file:
                    return file.read()
            finally:
                os.close(descriptor)
        except (FileNotFoundError, NotADirectoryError, IsADirectoryError):
            return None
        except OSError as error:
            if os.path.isdir(path):
                return None
            raise failure(error, "read", path) from error

    def write(self, key: str, data: Data) -> None:
        """Put `data` under `key`: readers see the old bytes or the new ones, never a part."""
        path = self._base + check_key(key)
        try:
            temporary = self._whole(path, data)
            try:
                _replace(temporary, path)
            except BaseException:
                _remove(temporary)
                raise
        except OSError as error:
            raise failure(error, "written", path) from error

    def create(self, key: str, data: Data) -> bool:
        """Write `key` if it is not there: True if this call made it, False if it was there."""
        path = self._base + check_key(key)
        try:
            temporary = self._whole(path, data)
            try:
                return _claim(temporary, path, data)
            finally:
                _remove(temporary)
        except OSError as error:
            raise failure(error, "created", path) from error

    def delete(self, keys: Iterable[str]) -> None:
        """Delete `keys`; those that are missing do not matter."""
        for key in keys:
            path = self._base + check_key(key)
            try:
                os.unlink(path)
            except _MISSING:
                continue
            except OSError as error:
                raise failure(error, "deleted", path) from error

    def delete_tree(self, prefix: str) -> None:
        """Delete everything beneath `prefix`, its own ``zarr.json`` last."""
        import shutil

        path = self._base + check_key(prefix)
        try:
            with os.scandir(path) as entries:
                inside = sorted(entries, key=lambda entry: entry.name == "zarr.json")
            for entry in inside:
                if entry.is_dir(follow_symlinks=False):
                    shutil.rmtree(entry.path)
                else:
                    os.unlink(entry.path)
            os.rmdir(path)
        except _MISSING:
            return
        except OSError as error:
            raise failure(error, "deleted", path) from error

    def list(self, prefix: str = "") -> Names:
        """All keys beneath `prefix`, sorted, relative to the place."""
        prefix = check_prefix(prefix)
        path = self._base + prefix if prefix else self._root
        try:
            return sorted(_files(path, f"{prefix}/" if prefix else ""))
        except OSError as error:
            raise failure(error, "listed", path) from error

    def children(self, prefix: str = "") -> Names:
        """The names directly beneath `prefix`, sorted, of keys and of prefixes alike."""
        prefix = check_prefix(prefix)
        path = self._base + prefix if prefix else self._root
        try:
            return sorted(name for name in os.listdir(path) if not name.endswith(PARTIAL))
        except _MISSING:
            return []
        except OSError as error:
            raise failure(error, "listed", path) from error

    def exists(self, key: str) -> bool:
        """Whether there are bytes under `key`; False for a prefix."""
        return os.path.isfile(self._base + check_key(key))

    def move(self, src: str, dst: str) -> None:
        """Rename `src` to `dst`, replacing it; a missing `src` is fine if `dst` is there."""
        source, target = self._base + check_key(src), self._base + check_key(dst)
        try:
            try:
                _replace(source, target)
            except FileNotFoundError:
                if not os.path.exists(source):
                    if os.path.exists(target):
                        return
                    raise
                _in_folder(target, lambda: _replace(source, target))
        except OSError as error:
            raise failure(error, f"moved to {dst}", source) from error

    def copy_many(self, pairs: Iterable[tuple[str, str]]) -> None:
        """Give what is under each ``src`` of `pairs` the name ``dst`` too; copy it where files have one name only."""
        for src, dst in pairs:
            source, target = self._base + check_key(src), self._base + check_key(dst)
            try:
                self._link(source, target)
            except OSError as error:
                if error.errno not in _NO_LINKS:
                    raise failure(error, f"copied to {dst}", source) from error
                super().copy_many([(src, dst)])

    def sizes(self, prefix: str) -> dict[str, int]:
        """How many bytes are under each key beneath `prefix`."""
        found = {}
        for key in self.list(prefix):
            with contextlib.suppress(*_MISSING):
                found[key] = os.stat(self._base + key).st_size
        return found

    def append_file(self, key: str) -> io.FileIO:
        """An unbuffered file that appends to `key`, for :func:`append_all`."""
        path = self._base + check_key(key)
        try:
            return _in_folder(path, lambda: open(path, "ab", buffering=0))
        except OSError as error:
            raise failure(error, "opened for appending", path) from error

    def sweep(self, older_than: float = 86400.0) -> int:
        """Remove what writers killed half-way left, if older than `older_than` seconds; their number."""
        before = time.time() - older_than
        return sum(_sweep(folder, names, before) for folder, _, names in os.walk(self._root))

    def prune(self, but: str) -> None:
        """Remove empty directories and half-written files, but for those beneath `but`."""
        kept = os.path.join(self._root, *check_key(but).split("/"))
        for folder, _, names in os.walk(self._root, topdown=False):
            if folder != kept and not folder.startswith(os.path.join(kept, "")):
                _sweep(folder, names, math.inf)
                with contextlib.suppress(OSError):
                    os.rmdir(folder)

    def drop_empty(self, prefix: str) -> None:
        """Remove the directory of `prefix` and those that it is in, the place's own too, as far as they are empty."""
        parts = check_key(prefix).split("/")
        for count in range(len(parts), -1, -1):
            try:
                os.rmdir(os.path.join(self._root, *parts[:count]))
            except FileNotFoundError:
                continue
            except OSError:
                return

    def zarr_store_args(self) -> tuple[object, dict[str, object] | None]:
        """``(store, storage_options)`` as zarr and xarray take them."""
        return self._root, None

    def _whole(self, path: str, data: Data) -> str:
        """A new file beside `path` that holds all of `data`."""
        temporary = self._beside(path)
        _in_folder(path, lambda: _fill(temporary, data))
        return temporary

    def _link(self, source: str, target: str) -> None:
        temporary = self._beside(target)
        if not os.path.exists(source):
            raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), source)
        # Nobody else has this name: over NFS a link whose answer got lost is tried again, and then finds itself there.
        with contextlib.suppress(FileExistsError):
            _in_folder(target, lambda: os.link(source, temporary))
        try:
            _replace(temporary, target)
        finally:
            # it stays if the target is the same file already
            _remove(temporary)

    def _beside(self, path: str) -> str:
        """A new name for a file that is to become `path`."""
        folder = path[: path.rindex("/") + 1] if "/" in path else self._base
        # The pid keeps a forked child's names apart from its parent's, the token those of other hosts and places.
        return f"{folder}.{os.getpid():x}-{self._token}-{next(self._count)}{PARTIAL}"


def _in_folder(path: str, action: Callable[[], T]) -> T:
    """Do what needs the folder of `path`, which is made if it is missing, and again if a deletion takes it away."""
    for _ in range(_TRIES):
        try:
            return action()
        except FileNotFoundError:
            with contextlib.suppress(FileNotFoundError):
                os.makedirs(os.path.dirname(path), exist_ok=True)
    return action()


def _sweep(folder: str, names: Iterable[str], before: float) -> int:
    """Remove the half-written files among `names` that are older; their number."""
    removed = 0
    for path in (os.path.join(folder, name) for name in names if _PARTIAL.fullmatch(name)):
        with contextlib.suppress(OSError):
            if os.stat(path).st_mtime < before:
                os.unlink(path)
                removed += 1
    return removed


def _fill(path: str, data: Data) -> None:
    descriptor = os.open(path, _NEW, 0o666)
    try:
        try:
            written = os.write(descriptor, data)
            if written != len(data):
                rest = memoryview(data).cast("B")[written:]
                while rest:
                    rest = rest[os.write(descriptor, rest) :]
        finally:
            os.close(descriptor)
    except BaseException:
        _remove(path)
        raise


def _claim(temporary: str, path: str, data: Data) -> bool:
    """Give `temporary` the name `path` as well, unless that is taken."""
    try:
        if _WINDOWS:
            os.rename(temporary, path)
        else:
            os.link(temporary, path)
    except FileExistsError:
        # Over NFS a link whose answer got lost is tried again, and then finds itself there.
        return not _WINDOWS and os.stat(temporary).st_nlink == 2
    except OSError as error:
        if error.errno not in _NO_LINKS:
            raise
        try:
            _fill(path, data)
        except FileExistsError:
            return False
    return True


def _replace(source: str, target: str) -> None:
    if not _WINDOWS:
        os.replace(source, target)
        return
    _patiently(lambda: os.replace(source, target))


def _patiently(action: Callable[[], None]) -> None:
    """Windows refuses to replace a file while somebody reads it, which takes moments."""
    for pause in (0.001, 0.003, 0.01, 0.03, 0.1, 0.3):
        try:
            return action()
        except PermissionError:
            time.sleep(pause)
    return action()


def _remove(path: str) -> None:
    with contextlib.suppress(OSError):
        os.unlink(path)


def _files(path: str, prefix: str) -> Iterator[str]:
    try:
        entries = os.scandir(path)
    except _MISSING:
        return
    with entries:
        for entry in entries:
            if entry.is_dir():
                yield from _files(entry.path, f"{prefix}{entry.name}/")
            elif not entry.name.endswith(PARTIAL):
                yield prefix + entry.name
