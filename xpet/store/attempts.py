"""Which records count when several speak of one run: the highest attempt, and never over a complete run."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from xpet.store.packets import Batch, Failure

if TYPE_CHECKING:
    from xpet.values.parts import Array


def winners(batches: Sequence[Batch], complete: Array) -> list[Batch]:
    """The rows that count: of runs that are not complete yet, and of each its highest attempt."""
    import numpy as np

    if not batches:
        return []
    rows = np.concatenate([batch.runs for batch in batches])
    attempts = np.concatenate([batch.attempts for batch in batches])
    known = (rows >= 0) & (rows < len(complete))
    known[known] &= ~complete[rows[known]]
    order = np.lexsort((attempts, rows))
    last = np.ones(len(order), bool)
    last[:-1] = rows[order][1:] != rows[order][:-1]
    wins = np.zeros(len(rows), bool)
    wins[order[last]] = True
    wins &= known
    out = []
    at = 0
    for batch in batches:
        mine = wins[at : at + len(batch.runs)]
        at += len(batch.runs)
        if mine.all():
            out.append(batch)
        elif mine.any():
            out.append(_take(batch, np.flatnonzero(mine)))
    return out


def _take(batch: Batch, index: Array) -> Batch:
    data = tuple(
        tuple([part[i] for i in index] if isinstance(part, list) else part[index] for part in parts)
        for parts in batch.data
    )
    return Batch(
        batch.fields, batch.runs[index], batch.attempts[index], batch.started[index], batch.duration[index], data
    )


def last_failures(failures: Iterable[Failure], complete: Array) -> dict[int, Failure]:
    """The last failure of each run that did not become complete all the same."""
    out: dict[int, Failure] = {}
    for each in failures:
        known = out.get(each.run)
        is_run = 0 <= each.run < len(complete) and not complete[each.run]
        if is_run and (known is None or known.attempt <= each.attempt):
            out[each.run] = each
    return out
