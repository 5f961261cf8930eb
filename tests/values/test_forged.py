"""Whatever a store holds in place of a value, decoding gives a value or says what is wrong, and takes little for it."""

from __future__ import annotations

import json
import random
import sys
import tracemalloc
import warnings
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from fixtures_frozen import ABSENT, VALUES

from xpet.errors import CorruptStoreError, UnsupportedValueError
from xpet.values import Encoded, Part, decode, encode

_OTHER = ABSENT | {"pickle", "frozen.Cell", "blob", "constant", "brian2", "pint"}
NAMES = [name for name in VALUES if name not in _OTHER]
TEXTS = [
    *("", "a", "../x", "/etc/passwd", "forged_module", "forged_module.name", "forged_module:name", "__class__", "\0"),
    *("object", "O", "<U9999999", "M8[as]", "<f8", "NaN", "V999999999", "pytz:../x", "{}"),
    '{"__t": "ndarray", "dtype": "O", "v": "", "shape": []}',
]
SEEDS = 40
NUMBERS = [None, True, -1, 0, 1, 3, 2**31, 2**40, 10**15, 2**63, 10**30, 1e300, -0.5]
DEEP: Any = 1
for _ in range(200):
    DEEP = [DEEP]
ODD: list[Any] = [*TEXTS, *NUMBERS, [], [1], [10**15], [2**31, 2**31], {}, {"a": 1}, {"__t": "part", "v": "x"}, DEEP]


def places_in(node: Any) -> Iterator[tuple[Any, Any]]:
    """Each container within a JSON value, with each key of it."""
    for key, value in list(node.items() if isinstance(node, dict) else enumerate(node)):
        yield node, key
        if isinstance(value, dict | list):
            yield from places_in(value)


def forge(document: Any, rng: random.Random) -> Any:
    """The same JSON with another value somewhere, be it in a text that is JSON itself."""
    places = list(places_in(document))
    if not places:
        return rng.choice(ODD)
    container, key = rng.choice(places)
    old = container[key]
    if isinstance(old, str) and old[:1] in ("{", "[") and rng.random() < 0.8:
        container[key] = json.dumps(forge(json.loads(old), rng))
    elif rng.random() < 0.15:
        del container[key]
    else:
        container[key] = rng.choice(ODD)
    return document


def forge_data(data: Any, rng: random.Random) -> Any:
    """Another number, text or array, seldom like the one that was there."""
    if isinstance(data, str):
        if data[:1] in ("{", "[") and rng.random() < 0.8:
            return json.dumps(forge(json.loads(data), rng))
        return rng.choice(TEXTS)
    array = np.array(data)
    kind = rng.randrange(6)
    if kind == 0 or not array.size:
        return np.array(rng.choice([0, -1, 2**40, 2**62]))
    if kind == 1:
        return array.ravel()[: rng.randrange(array.size + 1)]
    if kind == 2:
        return array.astype(object) if rng.random() < 0.3 else np.array([["x"]], object)
    if kind == 3 and array.dtype.kind in "biuf":
        flat = array.ravel().copy()
        with np.errstate(all="ignore"):
            flat[rng.randrange(len(flat))] = np.array(rng.choice([-1, 0, 2**31, 2**62])).astype(array.dtype)
        return flat.reshape(array.shape)
    if kind == 4:
        return np.resize(array, rng.choice([(0,), (1, 1), (3,), (2, 2, 2)]))
    return rng.choice(TEXTS)


def forged(encoded: Encoded, rng: random.Random) -> Encoded:
    """The same encoding with something else in it."""
    if rng.random() < 0.6 and encoded.meta:
        return encoded._replace(meta=forge(json.loads(json.dumps(dict(encoded.meta))), rng))
    parts = list(encoded.parts)
    at = rng.randrange(len(parts))
    if rng.random() < 0.15:
        del parts[at]
    else:
        parts[at] = Part(forge_data(parts[at].data, rng), parts[at].name)
    return encoded._replace(parts=tuple(parts))


class Refuse:
    """Nobody may ask for a module because a store names it."""

    @staticmethod
    def find_spec(name: str, path: object = None, target: object = None) -> None:
        assert "forged" not in name, name


@pytest.fixture(autouse=True)
def importing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "meta_path", [Refuse, *sys.meta_path])


@pytest.mark.parametrize("name", NAMES)
def test_a_forged_value_is_read_or_refused(name: str):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for seed in range(SEEDS):
            rng = random.Random(f"{name} {seed}")
            try:
                made = forged(encode(VALUES[name](rng.randrange(3))), rng)
            except UnsupportedValueError:
                # Parts that do not fit together are refused by the encoding itself; readers say that as theirs.
                continue
            check(made, f"{name}, seed {seed}")


def check(made: Encoded, what: str) -> None:
    """Decoding it takes little memory and no module, and says CorruptStoreError if anything."""
    size = sum(len(data) if isinstance(data := part.data, str) else np.asarray(data).nbytes for part in made.parts)
    tracemalloc.start()
    try:
        decode(made)
    except CorruptStoreError:
        pass
    except Exception as error:
        raise AssertionError(f"{what}: {made}") from error
    finally:
        _, most = tracemalloc.get_traced_memory()
        tracemalloc.stop()
    assert most < 2**23 + 100 * size, f"{what}: {most} bytes: {made}"
