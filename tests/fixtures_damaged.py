"""Documents and chunks as they are after bad luck, or bad will."""

from __future__ import annotations

import json
import random
from collections.abc import Iterator
from typing import Any

ODD: list[Any] = [None, True, -1, 0, 3, 2**40, 10**15, 1e300, "", "a", "../x", "NaN", [], [1], [10**15], {}, {"a": 1}]


def places_in(node: Any) -> Iterator[tuple[Any, Any]]:
    """Each container within a JSON value, with each key of it."""
    for key in list(node) if isinstance(node, dict) else range(len(node)) if isinstance(node, list) else ():
        yield node, key
        yield from places_in(node[key])


def forge(data: bytes, rng: random.Random) -> bytes:
    """The same document with another value somewhere, be it inside the text that is ours."""
    document = json.loads(data)
    container, key = rng.choice(list(places_in(document)))
    if key == "xpet" and isinstance(container[key], str):
        container[key] = forge(container[key].encode(), rng).decode()
    elif isinstance(container, dict) and rng.random() < 0.3:
        del container[key]
    else:
        container[key] = rng.choice(ODD)
    return json.dumps(document).encode()


def flip(data: bytes, rng: random.Random) -> bytes:
    """The same bytes but for one to three, or without their end."""
    if rng.random() < 0.2:
        return data[: rng.randrange(len(data))]
    made = bytearray(data)
    for _ in range(rng.randint(1, 3)):
        # What the first bytes say is believed by most codecs.
        made[rng.randrange(min(len(made), rng.choice([20, len(made)])))] = rng.randrange(256)
    return bytes(made)
