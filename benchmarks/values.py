"""What it costs to make arrays of a value and the value of these: xpet, pickle, and copies by NumPy, in one process.

``PYTHONPATH=. python benchmarks/values.py`` encodes and decodes values of many kinds, in interleaved rounds, and prints
medians of processor time. Of arrays of numbers there is a second table, of what a chunk in a store takes: encode,
compress, decompress and decode, against the same compression between two copies.
"""

from __future__ import annotations

import argparse
import pickle
import statistics
import time
from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import scipy.sparse as sp
from numcodecs import blosc

from xpet.store import layout
from xpet.store.chunks import decode_chunk, encode_chunk
from xpet.store.documents import ArrayDoc
from xpet.values import Part, decode, encode

#: seconds that one measurement takes about
_ENOUGH = 0.02


def arrays(largest: int) -> dict[str, Any]:
    """Arrays from 1 kB to ``largest`` bytes, of several types and orders."""
    rng = np.random.default_rng(1)
    made: dict[str, Any] = {}
    size = 1000
    while size <= largest:
        name = f"{size // 1000} kB" if size < 10**6 else f"{size // 10**6} MB"
        made[f"float64, {name}"] = rng.normal(size=size // 8)
        size *= 10
    n = min(largest, 10**6)
    side = int((n // 8) ** 0.5)
    made["float32, 1 MB"] = rng.normal(size=n // 4).astype("f4")
    made["int16, 1 MB"] = rng.integers(0, 1000, n // 2, "i2")
    made["bool, 1 MB"] = rng.random(n) < 0.5
    made["complex128, 1 MB"] = rng.normal(size=n // 16) * 1j
    made["Fortran order, 1 MB"] = np.asfortranarray(rng.normal(size=(side, side)))
    made["every other, 1 MB"] = rng.normal(size=n // 4)[::2]
    made["big endian, 1 MB"] = rng.normal(size=n // 8).astype(">f8")
    made["datetime64, 1 MB"] = np.arange(n // 8).astype("M8[s]")
    return made


def others() -> dict[str, Any]:
    """Values of other kinds."""
    x = np.arange(10_000.0)
    return {
        "float": 0.5,
        "int": 3,
        "NumPy's float32": np.float32(0.5),
        "text": "some text",
        "text, 1 MB": "some text " * 100_000,
        "10 000 texts": np.array([f"text {k}" for k in range(10_000)]),
        "list of 1000 floats": [float(k) for k in range(1000)],
        "dict of 5": {"a": 1, "b": 2.0, "c": "x", "d": None, "e": (1, 2)},
        "dict with arrays": {"V": x, "t": x, "of": {"n": 3}},
        "DataFrame, 3 columns of 10 000": pd.DataFrame({"a": x, "b": x, "c": x}),
        "csr, 10 000 of 10^8": sp.random_array((10_000, 10_000), density=1e-4, format="csr", rng=1),
    }


def seconds(work: Callable[[], Any]) -> float:
    """The processor time that it takes, which others that use the machine disturb least."""
    start = time.process_time()
    work()
    once = time.process_time() - start
    n = max(1, min(1000, int(_ENOUGH / max(once, 1e-7))))
    start = time.process_time()
    for _ in range(n):
        work()
    return (time.process_time() - start) / n


def medians(works: dict[str, Callable[[], Any]], rounds: int) -> dict[str, float]:
    """The median of each, in interleaved rounds."""
    found: dict[str, list[float]] = {name: [] for name in works}
    for _ in range(rounds):
        for name, work in works.items():
            found[name].append(seconds(work))
    return {name: statistics.median(each) for name, each in found.items()}


def in_memory(value: Any) -> dict[str, Callable[[], Any]]:
    """Value to arrays and back; a pickle and back; and, of an array, two copies."""
    works: dict[str, Callable[[], Any]] = {
        "xpet": lambda: decode(encode(value)),
        "pickle": lambda: pickle.loads(pickle.dumps(value, pickle.HIGHEST_PROTOCOL)),
    }
    if isinstance(value, np.ndarray) and value.dtype.kind != "U":
        works["two copies"] = lambda: value.copy().copy()
    return works


def through_chunk(value: Any) -> dict[str, Callable[[], Any]]:
    """Value to the bytes of one chunk and back, and the same compression of two copies."""
    dtype = layout.disk_dtype(np.asarray(encode(value).part()).dtype.name)
    doc = ArrayDoc(value.shape, dtype, ("x",) * value.ndim, value.shape, layout.default_fill(dtype), {}, {})

    def ours() -> Any:
        encoded = encode(value)
        chunk = encode_chunk(doc, np.asarray(encoded.part()))
        part = decode_chunk(doc, chunk, "")
        return decode(type(encoded)(encoded.codec, (Part(part),), encoded.version, encoded.meta))

    def plain() -> Any:
        native = np.dtype(dtype) if value.dtype.kind not in "mM" else np.dtype("i8")
        packed = blosc.compress(np.array(value, native, order="C").reshape(-1), b"lz4", 5, blosc.SHUFFLE)
        return np.frombuffer(blosc.decompress(packed), native).copy()

    return {"xpet": ours, "copies and blosc": plain}


def report(
    title: str, values: dict[str, Any], works: Callable[[Any], dict[str, Callable[[], Any]]], rounds: int
) -> None:
    """Print a table."""
    print(f"\n{title}")
    for name, value in values.items():
        found = medians(works(value), rounds)
        ours = found.pop("xpet")
        than = ", ".join(f"{ours / each:5.2f} x {other} ({each * 1e6:.1f} us)" for other, each in found.items())
        print(f"  {name:32} {ours * 1e6:10.1f} us = {than}")


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--largest", type=float, default=1e8, help="bytes of the largest array")
    given = parser.parse_args()
    numbers = arrays(int(given.largest))
    report("To arrays and back, in memory", {**numbers, **others()}, in_memory, given.rounds)
    report("To a compressed chunk and back", numbers, through_chunk, given.rounds)


if __name__ == "__main__":
    main()
