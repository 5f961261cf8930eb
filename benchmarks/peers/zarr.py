"""Plain zarr: processes write rows of one array, a chunk for each, with the codec that xpet uses by default."""

from __future__ import annotations

from concurrent.futures import ProcessPoolExecutor
from itertools import repeat

from peers.cases import BIG, Case, big, digest_rows


def version() -> str:
    """Return the version."""
    import zarr

    return f"zarr {zarr.__version__}"


def write(path: str, run: int) -> None:
    """Write one row."""
    import zarr

    zarr.open_array(path, mode="r+")[run] = big(run)


def run(case: Case) -> dict[str, float]:
    """Do the case."""
    import zarr
    from zarr.codecs import BloscCodec

    codec = BloscCodec(cname="lz4", clevel=5, shuffle="shuffle")
    zarr.create_array("store.zarr", shape=(case.runs, BIG), chunks=(1, BIG), dtype="f8", compressors=codec)
    with ProcessPoolExecutor(case.workers) as pool:
        list(pool.map(write, repeat("store.zarr"), range(case.runs)))
    return {}


def read(case: Case) -> str:
    """Return the digest of what the array holds."""
    import zarr

    array = zarr.open_array("store.zarr", mode="r")
    return digest_rows(array[run] for run in range(case.runs))
