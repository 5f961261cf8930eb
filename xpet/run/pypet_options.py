"""The options of pypet's Environment that need nothing here, or are not there."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from xpet.errors import shown
from xpet.tree.settings import Settings

#: pypet's options that ask for what always holds here; any of the values given is fine
_ALWAYS: dict[str, tuple[object, ...]] = {
    "use_pool": (True, False),
    "freeze_input": (True, False),
    "wrap_mode": ("LOCK", "QUEUE", "PIPE", "LOCAL", "NONE", None),
    "automatic_storing": (True,),
    "clean_up_runs": (True,),
    "purge_duplicate_comments": (True, False),
    "do_single_runs": (True,),
}
#: pypet's further options with their defaults: these do what they say, other values are refused
_DEFAULTS: dict[str, object] = {
    "log_config": "DEFAULT", "log_stdout": False, "report_progress": (5, "pypet", 20),
    "use_scoop": False, "cpu_cap": 100.0, "memory_cap": 100.0, "swap_cap": 100.0, "niceness": None,
    "queue_maxsize": -1, "port": None, "gc_interval": None, "immediate_postproc": False,
    "resume_folder": None, "storage_service": None, "git_repository": None, "git_message": "",
    "git_fail": False, "sumatra_project": None, "sumatra_reason": "", "sumatra_label": None,
    "lazy_debug": False, "config": None,
}  # fmt: skip


_LAUNCHES = "`env.launches()` has what is known of each launch"
#: why options will not come, or what to use instead; those of the HDF5 format are refused whatever they are
_REFUSED = {
    "queue_maxsize": "there is no queue to limit", "port": "nothing listens", "gc_interval": "nothing needs collecting",
    "resume_folder": "what is needed is in the store", "storage_service": "`store=` says where",
    "sumatra_project": _LAUNCHES, "sumatra_reason": _LAUNCHES, "sumatra_label": _LAUNCHES,
    "lazy_debug": "for trying out, `store='memory://name'`",
}  # fmt: skip
_OF_HDF5 = frozenset({
    "encoding", "complevel", "complib", "shuffle", "fletcher32", "pandas_format", "summary_tables",
    "small_overview_tables", "large_overview_tables", "results_per_run", "derived_parameters_per_run", "display_time",
})  # fmt: skip


def check_options(options: Mapping[str, Any]) -> dict[str, Any]:
    """The properties of the trajectory among the options; the others must be fine as they are."""
    properties = {}
    for name, value in options.items():
        if name in _ALWAYS:
            if value not in _ALWAYS[name]:
                raise ValueError(f"{name}={value!r} is not available; it can be {_listed(_ALWAYS[name])}")
        elif name in _DEFAULTS:
            if value != _DEFAULTS[name] and not (value is None and name == "log_config"):
                why = f"refused: {_REFUSED[name]}" if name in _REFUSED else "not available in this version"
                raise ValueError(f"{name}={value!r} is {why}; leave it out")
        elif name in _OF_HDF5:
            raise ValueError(f"{name}={value!r} is refused: of the HDF5 format; leave it out")
        elif isinstance(vars(Settings).get(_property(name)), property):
            properties[_property(name)] = value
        else:
            raise ValueError(f"Environment has no option {shown(name)}; see help(xpet.Environment) for those it has")
    return properties


def _property(name: str) -> str:
    return name if name.startswith("v_") else f"v_{name}"


def _listed(values: tuple[object, ...]) -> str:
    return " or ".join(map(repr, values))
