"""What every place can do, and how its failures are said."""

from __future__ import annotations

import errno
import io
import os
import re
from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Literal

from xpet.errors import StoreError, cut, shown

Kind = Literal["local", "memory", "fsspec", "zarr"]
Data = bytes | bytearray | memoryview
Names = list[str]

_LONGEST_SHOWN = 300
PARTIAL = ".partial"
"""How the names of half-written local files end; such names are never keys."""


@dataclass(frozen=True)
class PlaceSpec:
    """Where a store is, and all that another process needs to open it there.

    Parameters
    ----------
    url : str
        An absolute local path, an fsspec URL, or the name of a Zarr store object.
    storage_options : dict
        What fsspec takes beside the URL; may hold secrets, which `repr` hides.
    kind : {'local', 'memory', 'fsspec', 'zarr'}
        Who does the reading and writing.
    store : object
        The Zarr store itself, for the kind ``'zarr'`` only.
    prefix : str
        The keys of `store` that belong to this place, for the kind ``'zarr'`` only.

    Examples
    --------
    >>> PlaceSpec('s3://bucket/study', {'secret': 'x'}, 'fsspec')
    PlaceSpec('s3://bucket/study', storage_options=<1 hidden>, kind='fsspec')
    """

    url: str
    storage_options: Mapping[str, object] = field(default_factory=dict, hash=False)
    kind: Kind = "local"
    store: object = field(default=None, hash=False)
    prefix: str = ""

    def __repr__(self) -> str:
        hidden = f", storage_options=<{len(self.storage_options)} hidden>" if self.storage_options else ""
        return f"PlaceSpec({readable_url(self.url)!r}{hidden}, kind={self.kind!r})"

    def __getstate__(self) -> dict[str, object]:
        if self.store is not None:
            raise StoreError(
                f"{self.url} is a Zarr store object, which lives in one process, but was to be sent to another one; "
                "give a path or URL as store, or run serially or with threads"
            )
        return dict(self.__dict__)

    def below(self, sub: str) -> PlaceSpec:
        """The place under the prefix `sub` of this one."""
        check_key(sub)
        if self.kind == "zarr":
            return replace(self, url=f"{self.url}/{sub}", prefix=f"{self.prefix}/{sub}" if self.prefix else sub)
        if self.kind == "local":
            return replace(self, url=os.path.join(self.url, *sub.split("/")))
        first, chain, rest = self.url.partition("::")
        # In zip://inner::s3://bucket/x.zip the path is the first link's, in simplecache::s3://bucket/x the last one's.
        if chain and "://" in first:
            return replace(self, url=f"{first}{'' if first.endswith('/') else '/'}{sub}::{rest}")
        return replace(self, url=f"{self.url}{'' if self.url.endswith('/') else '/'}{sub}")


class Place(ABC):
    """A flat namespace of keys with bytes: a directory, a bucket's prefix, a Zarr store.

    Keys are relative, separated by ``/`` and mean the same everywhere. A missing key reads as
    ``None``; everything else that goes wrong raises :class:`~xpet.errors.StoreError` with one
    sentence, whose `errno` is the system's where there is one.
    """

    is_local: bool = False
    in_process_only: bool = False

    def __init__(self, spec: PlaceSpec) -> None:
        self.spec = spec

    @property
    def url(self) -> str:
        """Where it is, for people: without credentials."""
        return readable_url(self.spec.url)

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.url!r})"

    @abstractmethod
    def below(self, sub: str) -> Place:
        """The same place, with keys relative to the prefix `sub`."""

    @abstractmethod
    def read(self, key: str) -> bytes | None:
        """The bytes under `key`; None if there are none."""

    def read_many(self, keys: Iterable[str]) -> dict[str, bytes]:
        """The bytes under each of `keys`, without the missing ones; concurrently where that pays."""
        found = ((key, self.read(key)) for key in keys)
        return {key: data for key, data in found if data is not None}

    @abstractmethod
    def write(self, key: str, data: Data) -> None:
        """Put `data` under `key`: readers see the old bytes or the new ones, never a part."""

    def write_many(self, items: Mapping[str, Data]) -> None:
        """Write each of `items`, in no order; concurrently where that pays."""
        for key, data in items.items():
            self.write(key, data)

    @abstractmethod
    def create(self, key: str, data: Data) -> bool:
        """Write `key` if it is not there: True if this call made it, False if it was there."""

    @abstractmethod
    def delete(self, keys: Iterable[str]) -> None:
        """Delete `keys`; those that are missing do not matter."""

    def delete_tree(self, prefix: str) -> None:
        """Delete everything beneath `prefix`, its own ``zarr.json`` last.

        The mark of ownership goes last so that a deletion cut short can be taken up again.
        """
        last = f"{check_key(prefix)}/zarr.json"
        keys = self.list(prefix)
        self.delete(key for key in keys if key != last)
        self.delete([last] if last in keys else [])

    def prune(self, but: str) -> None:
        """Remove empty directories and half-written files, where there are such, but for those beneath `but`.

        Only for who alone may write there.
        """
        return

    def drop_empty(self, prefix: str) -> None:
        """Remove the directory of `prefix` and those that it is in, the place's own too, as far as they are empty."""
        return

    @abstractmethod
    def list(self, prefix: str = "") -> Names:
        """All keys beneath `prefix`, sorted, relative to the place."""

    @abstractmethod
    def children(self, prefix: str = "") -> Names:
        """The names directly beneath `prefix`, sorted, of keys and of prefixes alike."""

    @abstractmethod
    def exists(self, key: str) -> bool:
        """Whether there are bytes under `key`; False for a prefix."""

    def move(self, src: str, dst: str) -> None:
        """Rename `src` to `dst`, replacing it; a missing `src` is fine if `dst` is there."""
        data = self.read(src)
        if data is not None:
            self.write(dst, data)
            self.delete([src])
        elif not self.exists(dst):
            raise failure(FileNotFoundError("no such key"), f"moved to {dst}", f"{self.url}/{src}")

    def copy_many(self, pairs: Iterable[tuple[str, str]]) -> None:
        """Have what is under each ``src`` of `pairs` under its ``dst`` too, replacing that, without moving the bytes.

        What is under `src` must not be changed in place; concurrently where that pays.
        """
        for src, dst in pairs:
            data = self.read(src)
            if data is None:
                raise failure(FileNotFoundError("no such key"), f"copied to {dst}", f"{self.url}/{src}")
            self.write(dst, data)

    def sizes(self, prefix: str) -> dict[str, int]:
        """How many bytes are under each key beneath `prefix`."""
        return {key: len(self.read(key) or b"") for key in self.list(prefix)}

    def append_file(self, key: str) -> io.FileIO | None:
        """An unbuffered file that appends to `key`, for :func:`append_all`; None if not local."""
        check_key(key)
        return None

    def sweep(self, older_than: float = 86400.0) -> int:
        """Remove what writers killed half-way left, if older than `older_than` seconds; their number."""
        return 0

    @abstractmethod
    def zarr_store_args(self) -> tuple[object, dict[str, object] | None]:
        """``(store, storage_options)`` as zarr and xarray take them."""

    def zarr_url(self) -> str:
        """The path or URL that zarr and xarray open, credentials in it included."""
        return self.spec.url

    def __reduce__(self) -> tuple[object, ...]:
        return type(self), (self.spec,)


def append_all(file: io.FileIO, data: Data) -> None:
    """Append `data` with one system call, or leave the file as it was and raise OSError.

    Only for files with a single writer.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder, open(folder + '/log', 'ab', buffering=0) as file:
    ...     append_all(file, b'one record')
    ...     file.tell()
    10
    """
    written = file.write(data)
    if written == len(data):
        return
    done = written or 0
    try:
        # The system tells why a write was cut short only when the rest is tried.
        rest = memoryview(data)[done:]
        while rest:
            step = file.write(rest)
            if not step:
                raise OSError(errno.ENOSPC, f"only {done} of {len(data)} bytes could be appended", file.name)
            done += step
            rest = rest[step:]
    except OSError:
        file.truncate(os.fstat(file.fileno()).st_size - done)
        raise


def check_key(key: str) -> str:
    """`key`, if it is one: relative, ``/`` between segments, none of them empty, ``.`` or ``..``."""
    if (
        not key
        or key[0] in "/."
        or key[-1] == "/"
        or "\\" in key
        or "\0" in key
        or "//" in key
        or "/." in key
        or key.endswith(PARTIAL)
    ):
        _explain(key)
    return key


def check_prefix(prefix: str) -> str:
    """`prefix` without a ``/`` at its end; the empty one means everything."""
    prefix = prefix.rstrip("/")
    return check_key(prefix) if prefix else ""


def _explain(key: str) -> None:
    bad = {"", ".", ".."}.intersection(key.split("/"))
    if not bad and not any(mark in key for mark in ("\\", "\0")) and not key.endswith(PARTIAL):
        return
    raise ValueError(
        f"{shown(key)} is not a key of a store: expected relative segments separated by '/', none of them empty, '.' "
        f"or '..', without backslashes and not ending in {PARTIAL!r}"
    )


def readable_url(url: str) -> str:
    """`url` without user names, passwords and signatures."""
    if "://" not in url:
        return url
    return re.sub(r"\?.*", "?…", re.sub(r"://[^/@:]*(:[^/@]*)?@", "://…@", url))


_REASONS = {
    errno.EACCES: "permission was denied; check the rights or the credentials",
    errno.EPERM: "permission was denied; check the rights or the credentials",
    errno.EROFS: "it is read-only; choose a store that can be written",
    errno.ENOSPC: "no space is left; free some and run again, nothing finished is lost",
    errno.EDQUOT: "the quota is used up; free some space and run again, nothing finished is lost",
    errno.ENOTDIR: "a file is where a directory is needed; choose another path",
    errno.EISDIR: "a directory is where a file is needed; choose another path",
}


def failure(error: BaseException, doing: str, where: str) -> StoreError:
    """The sentence for `error`, which came while `doing` something to the key or URL `where`."""
    code = getattr(error, "errno", None)
    if isinstance(error, PermissionError) and code is None:
        code = errno.EACCES
    cause = getattr(error, "strerror", None) or str(error)
    if isinstance(error, NotImplementedError):
        reason = "this kind of store cannot do it; choose a local path or an object store"
    elif code in _REASONS:
        reason = f"{_REASONS[code]} ({cause})"
    else:
        reason = f"{type(error).__name__}: {cause}"
    said = StoreError(f"{cut(where, _LONGEST_SHOWN)} could not be {doing}: {reason}")
    said.errno = code
    return said
