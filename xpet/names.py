"""Names: what is valid, what is an abbreviation, what a run is called, what a wildcard means.

A *name* is one segment, a *path* is dotted, and a *template* is a path in which the segment that
names the run is ``$`` (and that of the set of runs ``$set``), so that one template stands for
``results.runs.run_00000003.z`` of every run.
"""

from __future__ import annotations

import operator
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import lru_cache

from xpet.errors import cut, shown

BRANCHES = ("parameters", "derived_parameters", "config", "results")
ABBREVIATIONS = {"par": "parameters", "dpar": "derived_parameters", "conf": "config", "res": "results"}
RESERVED_AT_ROOT = frozenset({"overview"})
MAX_NAME_LENGTH = 127
RUNS_PER_SET = 1000
ALL_RUNS = -1

WildcardFunction = Callable[[int], str]
WildcardFunctions = Mapping["tuple[str, ...] | str", WildcardFunction]

_VALID = re.compile(r"[A-Za-z0-9-][A-Za-z0-9_-]*", re.ASCII)
_RUN = re.compile(r"run_([0-9]{8,})", re.ASCII)
_SET = re.compile(r"run_set_([0-9]{5,})", re.ASCII)
_RUN_FORM = re.compile(r"(?:run|r)_([0-9]+|A)", re.ASCII)
_SET_FORM = re.compile(r"(?:runtoset|rts)_([0-9]+|A)", re.ASCII)
_INNER = "$"
_SETS = "$set"


def is_valid_name(name: str) -> bool:
    """Whether `name` may be one segment of a path.

    Examples
    --------
    >>> is_valid_name("tau-1"), is_valid_name("_tau"), is_valid_name("a b")
    (True, False, False)
    """
    return _VALID.fullmatch(name) is not None and len(name) <= MAX_NAME_LENGTH


def name_faults(name: str) -> str:
    """What is wrong with `name`, as a clause; empty if it is valid."""
    if not name:
        return "is empty"
    if name.startswith("_"):
        return "starts with an underscore"
    if _VALID.fullmatch(name) is None:
        return "has characters other than A-Z, a-z, 0-9, '_' and '-'"
    if len(name) > MAX_NAME_LENGTH:
        return f"has {len(name)} characters, more than {MAX_NAME_LENGTH}"
    return ""


def check_names(segments: Iterable[str], where: str) -> None:
    """Raise ``ValueError`` naming every segment that is no valid name.

    Parameters
    ----------
    segments
        The names, in order.
    where
        What they are part of, for the message.
    """
    faults = [f"{shown(segment)} {fault}" for segment in segments if (fault := name_faults(segment))]
    if faults:
        raise ValueError(f"{cut(where)} is no valid path: {'; '.join(faults)}; rename what is faulty.")


@lru_cache(maxsize=1024)
def check_path(path: str) -> None:
    """Raise ``ValueError`` naming every segment of a path that is no valid name; none at all is valid."""
    check_names(map(str, split_path(checked_text(path, "The path of a node"))) if path else (), f"The path {path!r}")


def checked_text(value: object, what: str) -> str:
    """Words that the user gave; ``TypeError`` if they are none.

    Examples
    --------
    >>> checked_text("in mV", "A comment")
    'in mV'
    """
    if not isinstance(value, str):
        raise TypeError(f"{what} is a text, not {type(value).__name__} {shown(value)}; give it as words.")
    return str(value)


def check_trajectory_name(name: str) -> None:
    """Raise ``ValueError`` if a trajectory cannot be called `name`."""
    fault = name_faults(name)
    if fault:
        raise ValueError(f"The trajectory cannot be called {shown(name)}: it {fault}; choose another name.")


def run_name(index: int) -> str:
    """The name of run `index`; ``run_ALL`` for −1.

    Examples
    --------
    >>> run_name(3), run_name(-1)
    ('run_00000003', 'run_ALL')
    """
    return f"run_{index:08d}" if index >= 0 else "run_ALL"


def set_name(index: int) -> str:
    """The name of the set (of 1000 runs) that holds run `index`; ``run_set_ALL`` for −1.

    Examples
    --------
    >>> set_name(4042)
    'run_set_00004'
    """
    return f"run_set_{index // RUNS_PER_SET:05d}" if index >= 0 else "run_set_ALL"


def set_number(name: str) -> int | None:
    """The number of a set of runs, or ``None`` if `name` is not the name of one."""
    match = _SET.fullmatch(name)
    return int(match[1]) if match and set_name(int(match[1]) * RUNS_PER_SET) == name else None


def is_template(path: str) -> bool:
    """Whether `path` has a segment that stands for a run or a set of runs."""
    return "$" in path


@lru_cache(maxsize=8192)
def in_run(template: str) -> bool:
    """Whether `template` lies in a run group, i.e. has a segment ``$``."""
    return "$" in template and _INNER in template.split(".")


def split_path(path: str | int | Sequence[str | int]) -> tuple[str | int, ...]:
    """The tokens of a dotted path, of a sequence of paths, or of one run index."""
    if isinstance(path, str):
        return _split(path)
    if isinstance(path, (list, tuple)):
        return tuple(token for part in path for token in split_path(part))
    try:
        return (operator.index(path),)  # type: ignore[arg-type]  # numpy's integers are indices too
    except TypeError:
        raise TypeError(
            f"A path is a dotted string, a sequence of names or the index of a run, not {type(path).__name__} {path!r}."
        ) from None


@lru_cache(maxsize=8192)
def _split(path: str) -> tuple[str, ...]:
    return tuple(path.split("."))


class Wildcards:
    """The tokens of a path that stand for the current run, and their meaning.

    ``$`` and ``crun`` mean the run, ``$set`` and ``crunset`` its set of 1000 runs. Further ones, or other
    names for the runs, come from `functions`: a mapping of tokens (one, or a tuple of them) to a function
    that turns the index of a run, −1 included, into a name.

    Parameters
    ----------
    functions
        Wildcard functions; the key ``('$', 'crun')`` replaces the names of the runs.

    Examples
    --------
    >>> cards = Wildcards({("$tens", "tens"): lambda run: f"tens_{run // 10}"})
    >>> cards.name("tens", 42), cards.name("$", 42), cards.translate("r_42")
    ('tens_4', 'run_00000042', 'run_00000042')
    """

    __slots__ = ("_functions", "_inverse", "_placeholders", "_tokens")

    def __init__(self, functions: WildcardFunctions | None = None) -> None:
        self._functions: dict[str, WildcardFunction] = {_INNER: run_name, _SETS: set_name}
        self._tokens: dict[str, str] = {_INNER: _INNER, "crun": _INNER, _SETS: _SETS, "crunset": _SETS}
        self._placeholders: dict[str, tuple[str, ...]] = {_INNER: (_INNER, "crun"), _SETS: (_SETS, "crunset")}
        self._inverse: tuple[int, dict[str, int]] = (0, {})
        if functions:
            self.add(functions)

    def add(self, functions: WildcardFunctions) -> None:
        """Add wildcards, or replace those with the same tuple of tokens."""
        for key, function in functions.items():
            tokens = (key,) if isinstance(key, str) else tuple(key)
            if not callable(function):
                raise TypeError(f"The wildcard {tokens} needs a function of a run's index, not {function!r}.")
            placeholder = next((known for known, taken in self._placeholders.items() if taken == tokens), None)
            if placeholder is None:
                placeholder = self._new_placeholder(tokens)
            self._functions[placeholder] = function
        self._inverse = (0, {})

    def _new_placeholder(self, tokens: tuple[str, ...]) -> str:
        taken = [token for token in tokens if token in self._tokens]
        if taken or not tokens:
            raise ValueError(
                f"The wildcards {tokens} repeat {taken}, which are known; to replace a wildcard give exactly its "
                f"tokens, one of {sorted(self._placeholders.values())}."
            )
        check_names((token.removeprefix("$") for token in tokens), f"The wildcard {tokens}")
        placeholder = next((token for token in tokens if token.startswith("$")), "$" + tokens[0])
        self._placeholders[placeholder] = tokens
        self._tokens.update(dict.fromkeys(tokens, placeholder))
        return placeholder

    def tokens(self) -> list[str]:
        """Every wildcard."""
        return list(self._tokens)

    def functions(self) -> dict[tuple[str, ...] | str, WildcardFunction]:
        """The functions by their tokens."""
        return {tokens: self._functions[placeholder] for placeholder, tokens in self._placeholders.items()}

    def is_wildcard(self, token: object) -> bool:
        """Whether `token` is a wildcard."""
        return token in self._tokens

    def placeholder(self, token: str) -> str:
        """What stands for the wildcard in a template: ``$``, ``$set`` or the custom one's own ``$…`` token."""
        return self._tokens[token]

    def name(self, token: str, index: int) -> str:
        """The name that the wildcard `token` has in run `index` (−1: in none)."""
        return self._functions[self._tokens[token]](index)

    def run_name(self, index: int) -> str:
        """The name of a run."""
        return self._functions[_INNER](index)

    def set_name(self, index: int) -> str:
        """The name of the set of runs that holds a run."""
        return self._functions[_SETS](index)

    @property
    def counts_sets(self) -> bool:
        """Whether sets are named as by :func:`set_name`."""
        return self._functions[_SETS] is set_name

    def run_index(self, name: str, length: int) -> int | None:
        """The index of the run called `name` among `length` runs, or ``None``."""
        if self._functions[_INNER] is run_name:
            match = _RUN.fullmatch(name)
            index = int(match[1]) if match else length
            return index if index < length and run_name(index) == name else None
        if self._inverse[0] != length:
            function = self._functions[_INNER]
            self._inverse = (length, {function(index): index for index in range(length)})
        return self._inverse[1].get(name)

    def check_unique(self, length: int) -> None:
        """Raise ``RuntimeError`` unless every run, and no run, has a name of its own."""
        function = self._functions[_INNER]
        if function is not run_name and len({function(index) for index in range(-1, length)}) != length + 1:
            raise RuntimeError(
                f"The wildcard function of ('$', 'crun') does not give {length} runs and the index -1 different names; "
                "return a different name for every index."
            )

    def translate(self, token: str | int) -> str:
        """The full form of an abbreviation or of a form of a run's name; other tokens as they are.

        Examples
        --------
        >>> [Wildcards().translate(token) for token in ("par", "r_3", "rts_4042", "run_A", 5, "x")]
        ['parameters', 'run_00000003', 'run_set_00004', 'run_ALL', 'run_00000005', 'x']
        """
        if isinstance(token, int):
            return self.run_name(token)
        if token in ABBREVIATIONS:
            return ABBREVIATIONS[token]
        if token[:1] == "r":
            if match := _RUN_FORM.fullmatch(token):
                return self.run_name(ALL_RUNS if match[1] == "A" else int(match[1]))
            if match := _SET_FORM.fullmatch(token):
                return self.set_name(ALL_RUNS if match[1] == "A" else int(match[1]))
        return token

    def expand(self, template: str, index: int) -> str:
        """The path that `template` has in run `index`.

        Examples
        --------
        >>> Wildcards().expand("results.$set.$.z", 4042)
        'results.run_set_00004.run_00004042.z'
        """
        if "$" not in template:
            return template
        return ".".join(self.segment(segment, index) for segment in template.split("."))

    def segment(self, segment: str, index: int) -> str:
        """The name that one segment of a template has in run `index`."""
        if segment[:1] != "$":
            return segment
        function = self._functions.get(segment)
        # A store may come from a session that knew more wildcards: its groups must still have names.
        return function(index) if function else f"{segment[1:]}_{index:08d}"
