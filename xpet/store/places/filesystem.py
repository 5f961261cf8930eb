"""fsspec file systems: opening them, and what they do to many keys at once."""

from __future__ import annotations

import re
from glob import has_magic
from typing import Any

from xpet.errors import MissingPackageError, StoreError
from xpet.store.places.base import PlaceSpec, readable_url

CONCURRENCY = 64
"""Requests under way at once; latency, not bandwidth, is what costs with small objects."""

BULK = 4
"""Above this many keys one bulk deletion is worth its coarser errors."""

_EXTRAS = {"s3": "s3", "s3a": "s3", "gs": "gcs", "gcs": "gcs", "az": "azure", "abfs": "azure", "abfss": "azure"}


def code_of(error: BaseException) -> str | None:
    """The code in a server's answer, where `error` carries one."""
    for one in (error, error.__cause__):
        response = getattr(one, "response", None)
        if isinstance(response, dict):
            code = response.get("Error", {}).get("Code")
            return None if code is None else str(code)
    return None


def delete_in_bulk(fs: Any, paths: list[str]) -> list[str]:
    """Delete many at once; what is left to delete one by one, which tells what is wrong with it."""
    if not hasattr(fs, "call_s3"):
        try:
            fs.rm([path for path in paths if not has_magic(path)])
        except Exception:
            return paths
        return [path for path in paths if has_magic(path)]
    refused: list[str] = []
    for start in range(0, len(paths), 1000):
        split = [(path, *fs.split_path(path)[:2]) for path in paths[start : start + 1000]]
        wanted = {"Objects": [{"Key": key} for _, _, key in split], "Quiet": True}
        try:
            # Asked for directly, because s3fs keeps silent about the keys that the server refuses to delete.
            answer = fs.call_s3("delete_objects", Bucket=split[0][1], Delete=wanted)
        except Exception:
            return paths[start:] + refused
        bad = {error.get("Key") for error in answer.get("Errors", [])}
        refused += [path for path, _, key in split if key in bad]
    return refused


def open_filesystem(spec: PlaceSpec) -> tuple[Any, str]:
    """A file system of this process alone, without a cache of listings, and the root's path in it."""
    from fsspec.core import url_to_fs

    options: dict[str, Any] = dict(spec.storage_options)
    scheme = re.split(r"://|::", spec.url, maxsplit=1)[0]
    if "::" not in spec.url:
        options |= {"use_listings_cache": False, "skip_instance_cache": True}
        if scheme in ("s3", "s3a"):
            config = dict(options.get("config_kwargs") or {})
            options["config_kwargs"] = {"max_pool_connections": CONCURRENCY} | config
    try:
        fs, root = url_to_fs(spec.url, **options)
    except ImportError as error:
        extra = _EXTRAS.get(scheme)
        what = f"; pip install 'xpet[{extra}]' brings it" if extra else ""
        raise MissingPackageError(
            f"{readable_url(spec.url)} needs a package that is not installed ({error}){what}"
        ) from error
    except (ValueError, TypeError) as error:
        raise StoreError(
            f"{readable_url(spec.url)} could not be opened ({error}); expected a local path, a URL that fsspec knows "
            "(s3://, gs://, az://, memory://, …) with its storage_options, or a Zarr store"
        ) from error
    return fs, str(root)
