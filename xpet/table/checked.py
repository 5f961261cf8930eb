"""What zarr reads of a trajectory, checked before zarr believes what it claims."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
import xarray as xr
import zarr
from xarray.backends import BackendArray
from xarray.core import indexing
from zarr.abc.store import Store
from zarr.core.buffer import default_buffer_prototype
from zarr.core.group import GroupMetadata
from zarr.storage import FsspecStore, LocalStore, StorePath, WrapperStore

from xpet.errors import CorruptStoreError, StoreError, warn
from xpet.store.chunks import Touched, check_chunk, check_reach, chunk_index, find_damage, is_touched, key_form, lost
from xpet.store.snapshot import ROOT, Snapshot, same_points
from xpet.table.written import Written, touched

if TYPE_CHECKING:
    from zarr.abc.store import ByteRequest
    from zarr.core.buffer import Buffer, BufferPrototype

#: what zarr and xarray raise when something is not as it should be
DAMAGE = (ValueError, TypeError, LookupError, AttributeError, RuntimeError, ArithmeticError)


@contextmanager
def believing(where: str) -> Iterator[None]:
    """Within, documents at a URL are taken for what they should be; if they are not, that is what is said.

    Not for reading chunks: what fails there may be as it should be.
    """
    try:
        yield
    except DAMAGE as error:
        if not _zarr_reads_groups():
            raise StoreError(
                f"{where}: zarr {zarr.__version__} cannot read under `python -O`, which drops an assert that it needs, "
                "and that says nothing of the store; run Python without -O or PYTHONOPTIMIZE, or take zarr 3.4.2"
            ) from error
        raise CorruptStoreError(
            f"{where}: what is stored there is not what xpet writes ({error!r}); bring it back from a copy, or start "
            "the trajectory again with if_exists='overwrite'"
        ) from error


def _zarr_reads_groups() -> bool:
    """Whether zarr takes a group that is as it should be; the assert of older ones has a side effect."""
    try:
        GroupMetadata.from_dict({"zarr_format": 3, "node_type": "group", "attributes": {}})
    except TypeError:
        return False
    return True


#: from here on, not every integer is a float
_ROUNDED = 2**53


class CheckedStore(WrapperStore[Store]):
    """The store of a trajectory as its published document, which was read already, describes it."""

    def __init__(self, store: Store, base: str, document: bytes, snapshot: Snapshot) -> None:
        super().__init__(store)
        self._base = base
        self._document = document
        self._missing: set[tuple[str, tuple[int, ...], str]] = set()
        self._written: Written | None = None
        self.snapshot = snapshot

    def with_read_only(self, read_only: bool = False) -> CheckedStore:
        """The same of the wrapped store."""
        return CheckedStore(self._store.with_read_only(read_only), self._base, self._document, self.snapshot)

    async def get(self, key: str, prototype: BufferPrototype, byte_range: ByteRequest | None = None) -> Buffer | None:
        """What is there; a chunk that claims what its document does not is refused."""
        if key == self._base + ROOT:
            return prototype.buffer.from_bytes(self._document)
        return self._check(key, await self._store.get(key, prototype, byte_range))

    def get_sync(
        self, key: str, *, prototype: BufferPrototype | None = None, byte_range: ByteRequest | None = None
    ) -> Buffer | None:
        """The same for versions of zarr that read without a loop."""
        if key == self._base + ROOT:
            return (prototype or default_buffer_prototype()).buffer.from_bytes(self._document)
        get: Any = getattr(super(), "get_sync")  # noqa: B009  # not every version has it
        return self._check(key, get(key, prototype=prototype, byte_range=byte_range))

    def node(self, path: str) -> str:
        """The key of a node from its path in the store."""
        return path.removeprefix(self._base)

    def _check(self, key: str, data: Buffer | None) -> Buffer | None:
        docs = self.snapshot.hierarchy
        chunk = node = self.node(key)
        while node and node not in docs:
            node = node.rpartition("/")[0]
        if not node or (data is None and (chunk.endswith(ROOT) or not key_form(chunk[len(node) + 1 :]))):
            return data
        doc = docs.array(node)
        index = chunk_index(doc, chunk[len(node) + 1 :])
        if data is not None:
            check_chunk(doc, data.to_bytes(), f"{self.snapshot.place.url}/{chunk}")
            self._missing.discard((node, index or (), chunk))
        elif index is not None:
            self._missing.add((node, index, chunk))
        return data

    def check_written(self, node: str, some: Touched | None = None) -> None:
        """Raise if one of some chunks of an array, or of all, was found missing that was written."""
        for array, index, chunk in sorted(self._missing):
            if array == node and (some is None or is_touched(index, some)):
                if self._written is None:
                    self._written = Written(self.snapshot)
                if self._written.has(node, index):
                    raise lost(self.snapshot.hierarchy.array(node), f"{self.snapshot.place.url}/{chunk}")


def checked_store(document: bytes, snapshot: Snapshot) -> StorePath:
    """What zarr opens to read a trajectory whose document was read already."""
    where, options = snapshot.place.zarr_store_args()
    store, path = (where.store, where.path) if isinstance(where, StorePath) else (where, "")
    if isinstance(store, str):
        local = snapshot.place.is_local
        store = LocalStore(store) if local else FsspecStore.from_url(store, storage_options=options, read_only=True)
    assert isinstance(store, Store)
    return StorePath(CheckedStore(store, f"{path}/" if path else "", document, snapshot), path)


class CheckedArray(BackendArray):
    """A lazy variable of which what cannot be read is named.

    Parameters
    ----------
    variable
        What is read.
    store
        Where it is read from.
    node
        The key of its array.
    """

    __slots__ = ("_node", "_store", "_variable", "dtype", "shape")

    def __init__(self, variable: xr.Variable, store: CheckedStore, node: str) -> None:
        self._variable = variable
        self._store = store
        self._node = node
        self.shape = variable.shape
        self.dtype = variable.dtype

    def __getitem__(self, key: indexing.ExplicitIndexer) -> Any:
        return indexing.explicit_indexing_adapter(key, self.shape, indexing.IndexingSupport.OUTER, self._read)

    async def async_getitem(self, key: indexing.ExplicitIndexer) -> Any:
        """Read in a thread, so that several columns wait for the store at once."""
        return await asyncio.to_thread(self.__getitem__, key)

    def _read(self, key: tuple[Any, ...]) -> npt.NDArray[Any]:
        snapshot = self._store.snapshot
        some, doc = self._variable[key], snapshot.hierarchy.array(self._node)
        check_reach(snapshot.place, self._node, doc, some.size)
        chunks = touched(doc, key)
        try:
            with same_points(snapshot):
                values = np.asarray(some.values)
        except DAMAGE as error:
            find_damage(snapshot.place, self._node, doc, chunks)
            error.add_note(f"{snapshot.place.url}/{self._node} was being read; its chunks are as its document says.")
            raise
        self._store.check_written(self._node, chunks)
        if doc.dtype in ("int64", "uint64") and values.dtype.kind == "f" and (np.abs(values) >= _ROUNDED).any():
            warn(
                f"{snapshot.place.url}/{self._node}: integers of {_ROUNDED} and beyond are rounded here, as floats are "
                "what can show that other values are missing; `f_get_from_runs` of the trajectory gives them exactly"
            )
        return values


def checked(variable: xr.Variable, store: CheckedStore, node: str) -> xr.Variable:
    """The same variable, unread, of which what cannot be read is named."""
    lazy = indexing.LazilyIndexedArray(CheckedArray(variable, store, node))
    return xr.Variable(variable.dims, lazy, variable.attrs, variable.encoding)
