"""Each row of docs/pypet-compatibility.md is true, and pypet has no member without a row."""

from __future__ import annotations

import builtins
import inspect
import json
import re
from fnmatch import fnmatchcase
from importlib import import_module
from pathlib import Path
from typing import Any, NamedTuple

import pytest

import xpet
from xpet.pypet.absent import SENTENCES

HERE = Path(__file__).parent
ROW = re.compile(r"\| `([^`]+)` \| (same|better|by design|refused|planned) \| (.*) \|")
OPTION = re.compile(r"Environment\((\w+)\)")
ONLY_DEFAULT = {"automatic_storing", "clean_up_runs", "do_single_runs"}
STORE_OPTIONS = {"filename": "memory://compatibility-option", "trajectory": "study"}


class Row(NamedTuple):
    """A row of the table."""

    name: str
    verdict: str
    text: str


def read_rows() -> list[Row]:
    """Return the rows of the table."""
    lines = (HERE.parent / "docs" / "pypet-compatibility.md").read_text(encoding="utf-8").splitlines()
    tables = [line for line in lines if line.startswith("| `")]
    found = [ROW.fullmatch(line) for line in tables]
    assert all(found), [line for line, row in zip(tables, found, strict=True) if row is None]
    return [Row(*row.groups()) for row in found if row]


KNOWN = json.loads((HERE / "data" / "pypet-0.7-members.json").read_text(encoding="utf-8"))
del KNOWN["version"]
MODULES = [module.removeprefix("pypet.") for module in KNOWN if module != "pypet"]


def read_members() -> dict[str, dict[str, Any]]:
    """Return what pypet has, by the name that a row has."""
    found = {}
    for module, names in KNOWN.items():
        prefix = "".join(f"{part}." for part in module.split(".")[1:])
        for name, entry in names.items():
            found[prefix + name] = entry
            found |= {f"{prefix}{name}.{member}": each for member, each in entry.get("members", {}).items()}
    for owner, left_out in (("Environment", "kwargs"), ("HDF5StorageService", "trajectory")):
        options = [one for one in KNOWN["pypet"][owner]["parameters"] if one[0] != left_out]
        found |= {f"Environment({one[0]})": {"kind": "option", "default": one[2]} for one in options}
    return found


ROWS, MEMBERS = read_rows(), read_members()
PAIRS = [(row, name) for row in ROWS for name in MEMBERS if fnmatchcase(name, row.name)]
HERE_PAIRS = [pair for pair in PAIRS if pair[0].verdict in ("same", "better", "by design")]
ABSENT_PAIRS = [pair for pair in PAIRS if pair[0].verdict in ("refused", "planned")]


def of(pairs: list[tuple[Row, str]], *, options: bool) -> pytest.MarkDecorator:
    """Parametrise over rows and members."""
    chosen = [(row, name) for row, name in pairs if (MEMBERS[name]["kind"] == "option") == options]
    return pytest.mark.parametrize(("row", "name"), chosen, ids=[name for _, name in chosen])


def found(name: str) -> Any:
    """Return what xpet has under a name of pypet; AttributeError if it has nothing."""
    module = max((one for one in MODULES if name.startswith(f"{one}.")), key=len, default="")
    thing: Any = import_module(f"xpet.{module}".rstrip("."))
    for part in name.removeprefix(f"{module}.").split("."):
        thing = inspect.getattr_static(thing, part) if inspect.isclass(thing) else getattr(thing, part)
    return thing.__func__ if isinstance(thing, staticmethod | classmethod) else thing


def shown(default: Any) -> str:
    """Show a default as the list of pypet's members does."""
    if default is inspect.Parameter.empty:
        return ""
    return default.__name__ if inspect.isclass(default) else repr(default)


def differences(entry: dict[str, Any], thing: Any) -> dict[str, str]:
    """Return by parameter of pypet what differs in the signature of xpet."""
    if entry.get("parameters") is None:
        return {}
    ours = list(inspect.signature(thing).parameters.values())
    by_name = {one.name: one for one in ours}
    kinds = {one.kind for one in ours}
    places = [one.name for one in ours if one.kind in (one.POSITIONAL_ONLY, one.POSITIONAL_OR_KEYWORD)]
    theirs = [one for one in entry["parameters"] if not one[1].startswith("VAR_")]
    found = {}
    for place, (name, kind, default) in enumerate(theirs):
        if name not in by_name:
            if inspect.Parameter.VAR_KEYWORD not in kinds:
                found[name] = "is missing"
        elif shown(by_name[name].default) != default:
            found[name] = f"has the default {shown(by_name[name].default)}, not {default}"
        elif inspect.Parameter.VAR_POSITIONAL in kinds or kind == "KEYWORD_ONLY":
            continue
        elif places[place : place + 1] != [name]:
            found[name] = "is at another place"
    return found


def test_every_member_has_one_row():
    counts = {name: sum(fnmatchcase(name, row.name) for row in ROWS) for name in MEMBERS}
    assert {name: count for name, count in counts.items() if count != 1} == {}


def test_every_row_is_of_a_member():
    assert {row.name for row in ROWS} - {row.name for row, _ in PAIRS} == set()


@of(HERE_PAIRS, options=False)
def test_what_is_here_takes_what_pypet_takes(row: Row, name: str):
    entry, thing = MEMBERS[name], found(name)
    if entry["kind"] == "function":
        assert callable(thing)
    if "value" in entry:
        assert thing == entry["value"]
    differing = differences(entry, thing)
    if name == "Environment":
        differing = {option: "" for option in differing if f"Environment({option})" not in MEMBERS}
    assert {key: how for key, how in differing.items() if row.verdict == "same" or f"`{key}`" not in row.text} == {}


@pytest.mark.parametrize(
    "name", [name for name, entry in MEMBERS.items() if entry.get("bases") and name not in SENTENCES]
)
def test_classes_have_pypets_bases(name: str):
    named = [base for base in MEMBERS[name]["bases"] if base not in SENTENCES]
    bases = [getattr(builtins, base, None) or found(("annotations." if base == "WithAnnotations" else "") + base)
             for base in named]  # fmt: skip
    text = next(row.text for row, member in PAIRS if member == name)
    assert [each for each in bases if not issubclass(found(name), each) and f"`{each.__name__}`" not in text] == []


@of(ABSENT_PAIRS, options=False)
def test_what_is_absent_says_so(row: Row, name: str):
    owner, _, member = name.rpartition(".")
    if name.rpartition(".")[2] in SENTENCES or owner in SENTENCES:
        absent = owner if owner in SENTENCES else name
        with pytest.raises(NotImplementedError) as raised:
            found(absent)()
        assert row.verdict in str(raised.value)
        assert "*" in row.name or row.text in str(raised.value)
    elif owner in ("Trajectory", "NNGroupNode") and name != "Trajectory.f_store":
        traj = xpet.Trajectory("study")
        with pytest.raises(AttributeError, match=f"'{member}' is {row.verdict}") as missing:
            getattr(traj if owner == "Trajectory" else traj.f_add_group("mine"), member)
        assert row.text in str(missing.value)
    else:
        assert_not_yet(row, name)


def assert_not_yet(row: Row, name: str) -> None:
    """Check that there is no such thing, or that it lacks the parameters that its row calls planned."""
    try:
        thing = found(name)
    except AttributeError:
        return
    missing = {key for key, how in differences(MEMBERS[name], thing).items() if how == "is missing"}
    assert missing
    assert {key for key in missing if f"`{key}`" not in row.text} == set()
    assert row.verdict == "planned"


@of(HERE_PAIRS, options=True)
def test_options_that_are_here_are_taken(row: Row, name: str):
    option = OPTION.fullmatch(name).group(1)
    ours = inspect.signature(xpet.Environment).parameters
    default: Any = inspect.Parameter.empty if option not in ours else ours[option].default
    wanted = MEMBERS[name]["default"]
    if option in ours and row.verdict == "same" and option != "trajectory":
        assert shown(default) == wanted
    values = [STORE_OPTIONS.get(option, {"True": True, "False": False}.get(wanted, default))]
    if wanted in ("True", "False") and option not in ONLY_DEFAULT:
        values.append(not values[0])
    if option == "wrap_mode":
        values = ["LOCK", "QUEUE", "PIPE", "LOCAL"]
    where = {} if option == "filename" else {"store": "memory://compatibility-option"}
    for value in values:
        assert len(xpet.Environment(**{option: value}, **where).traj) == 1


@of(ABSENT_PAIRS, options=True)
def test_options_that_are_absent_say_so(row: Row, name: str):
    option = OPTION.fullmatch(name).group(1)
    with pytest.raises(ValueError, match=option) as raised:
        xpet.Environment(store="memory://compatibility-option", **{option: "some"})
    if row.verdict == "refused" and not row.text.startswith("as `"):
        assert f"refused: {row.text}" in str(raised.value)
