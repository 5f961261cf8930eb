"""Writing an array anew at its node, beside the chunks that published readers still use."""

from __future__ import annotations

import time
from collections.abc import Iterable
from dataclasses import replace
from typing import TYPE_CHECKING, Literal

from xpet.store.chunks import read_rows, write_rows
from xpet.store.documents import ArrayDoc

if TYPE_CHECKING:
    from xpet.store.place import Place
    from xpet.values.parts import Array


def relayout(place: Place, node: str, old: ArrayDoc, new: ArrayDoc, rows: Array) -> ArrayDoc:
    """Copy ``rows`` from the layout ``old`` into the layout ``new`` and return the document to publish.

    A published array only grows; every other change (other chunks, another fill) comes through here. The new chunks
    lie under the other separator of chunk keys, so that readers of the published document are not disturbed; the old
    ones are dropped at a later open, once no reader can still be at them.
    """
    import numpy as np

    separator: Literal["/", "."] = "." if old.separator == "/" else "/"
    drop_chunks(place, node, separator)
    made = replace(
        new, separator=separator, xpet={**new.xpet, "retired": {"separator": old.separator, "since": time.time()}}
    )
    step = max(old.chunks[0], new.chunks[0])
    for start in range(0, old.shape[0], step):
        stop = min(old.shape[0], start + step)
        some = rows[np.searchsorted(rows, start) : np.searchsorted(rows, stop)]
        if len(some):
            write_rows(place, node, made, some, read_rows(place, node, old, start, stop)[some - start])
    return made


def drop_chunks(place: Place, node: str, separator: str) -> None:
    """Delete the chunks of a node that lie under one separator."""
    place.delete(key for key in place.list(node) if _separator(key[len(node) + 1 :]) == separator)


def _separator(key: str) -> str:
    return key[1:2] if key.startswith("c") else ""


def drop_retired(place: Place, arrays: Iterable[tuple[str, ArrayDoc]], age: float = 3600.0) -> list[str]:
    """Delete chunk sets that were replaced at least ``age`` seconds ago; the keys of their arrays."""
    done = []
    for node, doc in arrays:
        retired = doc.xpet.get("retired")
        if retired and time.time() - retired["since"] > age:
            drop_chunks(place, node, retired["separator"])
            done.append(node)
    return done
