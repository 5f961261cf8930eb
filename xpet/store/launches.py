"""The records of launches, which runs cite by number."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from xpet.errors import CorruptStoreError
from xpet.store.journal import ROOT

if TYPE_CHECKING:
    from xpet.store.place import Place

PREFIX = f"{ROOT}/launch"
JOB = f"{ROOT}/job"


def write_launch(place: Place, number: int, record: Mapping[str, Any]) -> None:
    """Keep the record of a launch."""
    place.write(f"{PREFIX}/{number:08d}", json.dumps(record).encode())


def write_job(place: Place, job: bytes) -> None:
    """Keep the job of the last launch; it is a pickle."""
    place.write(JOB, job)


def read_job(place: Place) -> bytes | None:
    """The pickled job of the last launch that kept it."""
    return place.read(JOB)


def drop_job(place: Place) -> None:
    """Forget the job."""
    place.delete([JOB])


def read_launches(place: Place) -> list[dict[str, Any]]:
    """The records of all launches, in their order.

    Raises
    ------
    CorruptStoreError
        One of them is damaged.
    """
    found = place.read_many(sorted(place.list(PREFIX)))
    return [_record(data, f"{place.url}/{key}") for key, data in found.items()]


def _record(data: bytes, where: str) -> dict[str, Any]:
    try:
        record = json.loads(data)
        if not isinstance(record, dict) or not isinstance(record["launch"], int):
            raise TypeError("it is no record of a launch")
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise CorruptStoreError(f"{where}: the record of a launch is damaged ({error}); delete it to go on") from error
    return record
