"""Which records count when several speak of one run: the highest attempt, and never over a complete run."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, NamedTuple

from xpet.store.unpacking import Batch, Failure

if TYPE_CHECKING:
    from xpet.values.parts import Array

#: how many attempts an epoch has room for; a run's attempt number is epoch * ATTEMPTS + try
ATTEMPTS = 256


class Outcomes(NamedTuple):
    """How runs ended, ascending; a run that failed has an error."""

    rows: Array
    failed: Array
    attempts: Array
    started: Array
    duration: Array
    errors: Array

    @property
    def has_errors(self) -> bool:
        """Whether some of them failed."""
        return bool(self.failed.any())


def outcomes(batches: Sequence[Batch], failures: Mapping[int, Failure]) -> Outcomes:
    """How the runs of the batches, all of them different, and the failed ones ended."""
    import numpy as np

    n_done = sum(len(batch.runs) for batch in batches)
    lost = list(failures.values())
    rows = np.concatenate([*(batch.runs for batch in batches), np.array([each.run for each in lost], np.int64)])
    order = np.argsort(rows, kind="stable")

    def column(done: Sequence[Array], then: Sequence[float], dtype: type) -> Array:
        return np.concatenate([*done, np.array(then, dtype)])[order]

    return Outcomes(
        rows[order],
        order >= n_done,
        column([batch.attempts for batch in batches], [each.attempt for each in lost], np.int64),
        column([batch.started for batch in batches], [each.started for each in lost], np.float64),
        column([batch.duration for batch in batches], [each.duration for each in lost], np.float64),
        np.array([""] * n_done + [each.error for each in lost], object)[order],
    )


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
            out.append(take(batch, np.flatnonzero(mine)))
    return out


def take(batch: Batch, index: Array) -> Batch:
    """Some of the runs of a batch."""
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
