"""What trajectories and groups have in pypet and not here, with what to do instead."""

from __future__ import annotations

_IN_RUNS = "what runs add is stored when they end"
_AS_A_WHOLE = "`f_store()` of the trajectory stores what is new, and nothing else"
_ON_DEMAND = "what is in the store is found, and read when it is used"
_LAUNCHES = "`f_launches()` has it for each launch"

PLANNED = {
    "f_backup": "copy the folder of the trajectory",
    "f_delete_item": "nothing in a store is deleted yet",
    "f_delete_items": "nothing in a store is deleted yet",
    "f_delete_link": "nothing in a store is deleted yet",
    "f_delete_links": "nothing in a store is deleted yet",
    "f_finalize_run": "do the runs with `Environment.run`",
    "f_load": "`xpet.load_trajectory` loads one",
    "f_load_child": _ON_DEMAND,
    "f_load_item": _ON_DEMAND,
    "f_load_items": _ON_DEMAND,
    "f_load_skeleton": _ON_DEMAND,
    "f_merge": "`xarray` joins the datasets of several trajectories",
    "f_merge_many": "`xarray` joins the datasets of several trajectories",
    "f_migrate": "copy the folder of the trajectory",
    "f_start_run": "do the runs with `Environment.run`",
    "f_store": _AS_A_WHOLE,
    "f_store_child": _AS_A_WHOLE,
    "f_store_item": _AS_A_WHOLE,
    "f_store_items": _AS_A_WHOLE,
    "v_stored": "`v_stored` of the trajectory and of leaves is there",
}
"""What is to come, and what does nearly the same until then."""

REFUSED = {
    "v_environment_hexsha": _LAUNCHES,
    "v_environment_name": _LAUNCHES,
    "v_python": _LAUNCHES,
    "v_storage_service": "`v_store` says where the trajectory is stored, `f_set_store` sets it",
    "v_version": _LAUNCHES,
}
"""What will not come, and what to use instead."""


NOT_NOW = {"rng": "is that of a run; outside of runs select one first, as in `traj.v_idx = 0`"}
"""What is there at times, and when."""


def why(name: str) -> str:
    """Say that a member is planned or refused, or not there now, or nothing at all.

    Examples
    --------
    >>> why("v_python"), why("f_get_nothing")
    ('is refused: `f_launches()` has it for each launch', 'is nothing that groups have')
    """
    if name in NOT_NOW:
        return NOT_NOW[name]
    if name in PLANNED:
        return f"is planned and not in this version of xpet: {PLANNED[name]}"
    return f"is refused: {REFUSED[name]}" if name in REFUSED else "is nothing that groups have"
