"""Which codecs, layouts and changes of layout a suite of tests has come by."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from xpet.values import Encoded


def codecs_of(encoded: Encoded) -> set[str]:
    """Return the names of the codecs that an encoding, and what it is made of, needs.

    Examples
    --------
    >>> from xpet.values import encode
    >>> sorted(codecs_of(encode({'a': [1.5, 2.5], 'b': 1})))
    ['int', 'nested', 'sequence', 'str']
    """
    return {encoded.codec, *_within(encoded.meta)}


def _within(meta: Mapping[str, Any]) -> Iterator[str]:
    of = meta.get("of", ())
    for entry in of if isinstance(of, list) else ():
        yield entry["codec"]
        yield from _within(entry["meta"])
