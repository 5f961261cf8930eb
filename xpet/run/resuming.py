"""The job of a launch that ended before its runs were complete, from the store."""

from __future__ import annotations

from xpet.errors import CorruptStoreError
from xpet.run.job import Job
from xpet.store.launches import read_job
from xpet.trajectory import Trajectory


def stored_job(traj: Trajectory) -> Job:
    """The job that was run last, if it was kept and pickles may be read.

    Raises
    ------
    ValueError
        It was not kept, or pickles may not be read.
    CorruptStoreError
        It cannot be read.
    """
    place = traj.f_snapshot().place
    data = read_job(place)
    if data is None:
        raise ValueError(
            f"{place.url}: what job was run last is not known, as it was run without resumable=True or has done all "
            "runs; give it, as in env.run(job), which does what is not complete"
        )
    if not traj.v_allow_pickle:
        raise ValueError(
            f"{place.url}: the job that was run last is there as a pickle, which runs whatever is in it; give "
            "allow_pickle=True if you trust who wrote it, or the job itself, as in env.run(job)"
        )
    try:
        return Job.from_bytes(data)
    except Exception as error:
        raise CorruptStoreError(
            f"{place.url}: the job that was run last cannot be read ({type(error).__name__}: {error}); give it, as in "
            "env.run(job), which does what is not complete"
        ) from error
