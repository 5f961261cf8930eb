"""What is packed is unpacked, whatever happened to the end of a packet or to a byte in it."""

from __future__ import annotations

import json
import struct
import zlib
from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
from fixtures_columns import leaf
from hypothesis import given, settings
from hypothesis import strategies as st

from xpet.errors import UnsupportedValueError
from xpet.store.fields import ANNOTATIONS, COMMENT, Field
from xpet.store.packets import LeafData, Packer, frame
from xpet.store.unpacking import Packet, finished_runs, read_packet, records
from xpet.testing import identical
from xpet.testing.strategies import BASIC
from xpet.values import Encoded, Opaque, Part, decode, label, labels_equal, unlabelled


class Sink:
    """Packets in memory; each is closed when it has some records, or when the block is done."""

    def __init__(self, most: int = 1000) -> None:
        self.packets: list[bytes] = []
        self._most = most
        self._records: list[bytes] = []

    def open(self, block: int, first_run: int) -> None:
        pass

    def append(self, data: bytes) -> bool:
        self._records.append(data)
        if len(self._records) < self._most:
            return False
        self.close()
        return True

    def close(self) -> None:
        if self._records:
            self.packets.append(b"".join(self._records))
        self._records = []


def runs_of(packet: Packet) -> dict[int, dict[str, Any]]:
    """What each run of a packet left, by 'template:item'."""
    out: dict[int, dict[str, Any]] = {}
    for batch in packet.batches:
        for i, run in enumerate(batch.runs.tolist()):
            out[run] = {
                f"{entry.template}:{entry.item}": value(entry, [part[i] for part in data])
                for entry, data in zip(batch.fields, batch.data, strict=True)
            }
    return out


def value(entry: Field, data: Sequence[Any]) -> Any:
    parts = tuple(Part(part, spec.name, {}, spec.dims) for spec, part in zip(entry.parts, data, strict=True))
    return decode(Encoded(entry.codec, parts, entry.version, json.loads(entry.meta), entry.labels))


def packed(runs: dict[int, Any], most: int = 1000, **kwargs: Any) -> list[bytes]:
    sink = Sink(most)
    packer = Packer(sink, **kwargs)
    packer.begin(0, 0)
    for run, left in runs.items():
        if isinstance(left, str):
            packer.fail(run, left, 1.0, 0.5)
        else:
            packer.complete(run, left, 1.0, 0.5)
    packer.end()
    return sink.packets


LEFT = st.dictionaries(
    st.sampled_from(["a", "b", "c.d"]), st.dictionaries(st.sampled_from(["", "k"]), BASIC), max_size=3
)


@settings(deadline=None, max_examples=60)
@given(st.lists(LEFT | st.text(max_size=5), max_size=8), st.integers(1, 4))
def test_comes_back(given_runs: list[Any], most: int):
    runs = {
        run: left if isinstance(left, str) else [leaf(f"results.{name}", **items) for name, items in left.items()]
        for run, left in enumerate(given_runs)
    }
    found: dict[int, Any] = {}
    for data in packed(runs, most):
        packet = read_packet(data)
        assert not packet.torn
        assert not packet.damaged
        found.update(runs_of(packet))
        found.update({each.run: each.error for each in packet.failures})
    for run, left in runs.items():
        if isinstance(left, str):
            assert found[run] == left.encode("utf-8", "backslashreplace").decode()
        else:
            items = {
                f"{each.template}:{item}": given
                for each in left
                for item, given in (each.items or {COMMENT: ""}).items()
            }
            assert identical(dict(sorted(found[run].items())), dict(sorted(items.items())))


MIXED: dict[int, Any] = {
    0: [leaf("results.z", 1.0), leaf("results.s", "text")],
    1: [leaf("results.z", 2.0), leaf("results.s", "other")],
    2: "Traceback",
    3: [leaf("results.z", 3)],
    4: [leaf("results.z", np.arange(4))],
    5: [],
    6: [leaf("results.z", 4.0), leaf("results.s", "é")],
}


def test_a_torn_tail_costs_its_own_record_and_nothing_else():
    (data,) = packed(MIXED)
    ends = []
    at = 0
    for payload in records(data):
        assert payload is not None
        at += 8 + len(payload)
        ends.append(at)
    whole = finished_runs(data)
    for size in range(len(data)):
        packet = read_packet(data[:size])
        assert packet.torn == (size not in (0, *ends))
        assert not packet.damaged
        found = {run for batch in packet.batches for run in batch.runs.tolist()} | {
            each.run for each in packet.failures
        }
        assert found == finished_runs(data[:size]).keys()
        assert list(found) == list(whole)[: len(found)]
    assert list(whole) == list(MIXED)
    assert whole[2] == "Traceback"


def test_a_flipped_byte_is_noticed_and_costs_what_it_hit():
    (data,) = packed({run: [leaf("results.z", float(run))] for run in range(6)})
    right = runs_of(read_packet(data))
    for at in range(len(data)):
        packet = read_packet(data[:at] + bytes([data[at] ^ 0x10]) + data[at + 1 :])
        found = runs_of(packet)
        assert packet.torn or packet.damaged
        assert all(right[run] == left for run, left in found.items())
        if packet.damaged and found:
            assert len(found) >= 5


def test_more_schemas_than_are_remembered():
    runs = {run: [leaf("results.z", **{f"k{run % 1500}": float(run)})] for run in range(3000)}
    (data,) = packed(runs, most=10**6)
    found = runs_of(read_packet(data))
    assert found == {run: {f"results.z:k{run % 1500}": float(run)} for run in runs}


def test_every_object_says_its_schemas_itself():
    packets = packed({run: [leaf("results.z", float(run))] for run in range(7)}, most=2)
    assert len(packets) == 4
    assert [list(runs_of(read_packet(data))) for data in packets] == [[0, 1], [2, 3], [4, 5], [6]]


def test_a_record_that_could_not_be_written_is_said_again():
    class Full(Sink):
        full = False

        def append(self, data: bytes) -> bool:
            if self.full:
                raise OSError("no space")
            return super().append(data)

    sink = Full()
    packer = Packer(sink)
    packer.begin(0, 0)
    for run in range(4):
        sink.full = run % 2 == 0
        try:
            packer.complete(run, [leaf("results.z", 1.0)], 0.0, 0.0)
        except OSError:
            assert sink.full
    packer.end()
    assert list(runs_of(read_packet(sink.packets[0]))) == [1, 3]


def test_comments_and_annotations_of_each_run():
    z = "results.runs.$.z"
    runs = {
        0: [LeafData(z, "result", "Result", "first", {"": 1.0}, {})],
        1: [LeafData(z, "result", "Result", "second", {"": 2.0}, {"note": (1,)})],
        2: [LeafData(z, "result", "Result", "first", {}, {})],
    }
    (data,) = packed(runs)
    packet = read_packet(data)
    assert {entry.comment for batch in packet.batches for entry in batch.fields} == {"first"}
    assert runs_of(packet) == {
        0: {f"{z}:": 1.0},
        1: {f"{z}:": 2.0, f"{z}:{COMMENT}": "second", f"{z}:{ANNOTATIONS}": {"note": (1,)}},
        2: {f"{z}:{COMMENT}": "first"},
    }


def test_labels_that_differ_between_runs():
    made = [label([0.0, 1.0], "t", {"t": [0.0, float(run // 2)]}, units="mV") for run in range(6)]
    (data,) = packed({run: [leaf("results.z", each)] for run, each in enumerate(made)})
    found = {run: entry for batch in read_packet(data).batches for entry in batch.fields for run in batch.runs.tolist()}
    assert all(labels_equal(found[run].labels, each.labels) for run, each in enumerate(made))
    assert len(set(map(id, found.values()))) == 3
    assert unlabelled(made[0]) == [0.0, 1.0]


def test_versions_of_an_encoding_are_kept_apart():
    values = [Opaque(Encoded("new", (Part(np.array(1.0)),), version)) for version in (1, 2)]
    (data,) = packed({run: [leaf("results.z", each)] for run, each in enumerate(values)})
    assert [entry.version for batch in read_packet(data).batches for entry in batch.fields] == [1, 2]


def test_attempts_times_and_numbers_of_runs():
    sink = Sink()
    packer = Packer(sink, attempt=512)
    packer.begin(3, 2**40)
    packer.complete(2**40, [leaf("results.z", 1)], 1.5, 2.5, attempt=3)
    packer.fail(7, "no", 3.5, 4.5, attempt=1)
    packer.end()
    packet = read_packet(sink.packets[0])
    (batch,), (failure,) = packet.batches, packet.failures
    assert (batch.runs[0], batch.attempts[0], batch.started[0], batch.duration[0]) == (2**40, 515, 1.5, 2.5)
    assert (failure.run, failure.attempt, failure.started, failure.duration) == (7, 513, 3.5, 4.5)


@pytest.mark.parametrize(
    ("leaves", "error"),
    [
        pytest.param([leaf("results.a", 1.0), leaf("results.z", object())], UnsupportedValueError, id="value"),
        pytest.param(
            [LeafData("results.z", "result", "R", "", {"": 1}, {"n": object()})], UnsupportedValueError, id="note"
        ),
        pytest.param([leaf("results.z", 1.0), leaf("results.z", 2.0)], ValueError, id="the same path twice"),
    ],
)
def test_what_is_refused_leaves_nothing(leaves: list[LeafData], error: type[Exception]):
    sink = Sink()
    packer = Packer(sink)
    packer.begin(0, 0)
    packer.complete(0, [leaf("results.z", 1.0)], 0.0, 0.0)
    with pytest.raises(error, match=r"results\.z"):
        packer.complete(1, leaves, 0.0, 0.0)
    packer.complete(2, [leaf("results.z", 1.0)], 0.0, 0.0)
    packer.end()
    assert list(runs_of(read_packet(sink.packets[0]))) == [0, 2]


def schema(**changes: Any) -> bytes:
    entry = {
        "template": "results.z", "item": "", "kind": "result", "class_name": "Result", "comment": "", "codec": "float",
        "version": 1, "meta": "{}", "parts": [["", "array", "float64", 1]],
        "labels": {"dims": [], "coords": {}, "attrs": {}},
    }  # fmt: skip
    return frame(struct.pack("<BI", 2, 1) + json.dumps([{**entry, **changes}]).encode())


RUN = struct.pack("<BIqqdd", 3, 1, 0, 0, 0.0, 0.0)
FORGED = {
    "unknown schema": frame(RUN),
    "huge array": schema() + frame(RUN + struct.pack("<Q", 2**60)),
    "huge empty array": schema(parts=[["", "array", "float64", 2]]) + frame(RUN + struct.pack("<QQ", 0, 2**63)),
    "array beyond its record": schema() + frame(RUN + struct.pack("<Q", 3) + b"\0" * 16),
    "objects": schema(parts=[["", "array", "O", 1]]) + frame(RUN + struct.pack("<Q", 1) + b"\0" * 8),
    "negative rank": schema(parts=[["", "array", "float64", -1]]) + frame(RUN),
    "unknown form": schema(parts=[["", "pickle", "float64", 0]]) + frame(RUN),
    "text beyond its record": schema(parts=[["", "text", "string", 0]]) + frame(RUN + struct.pack("<Q", 2**40)),
    "no parts": schema(parts=[]) + frame(RUN),
    "types": schema(template=3) + frame(RUN),
    "wide labels": schema(labels={"dims": ["a"], "coords": {"a": {"dtype": "<U99999999", "data": [""], "attrs": {}}}}),
    "short run": schema() + frame(RUN[:10]),
    "short failure": frame(b"\4\0"),
    "no payload": struct.pack("<II", 0, zlib.crc32(b"")) + schema(),
    "deep JSON": frame(struct.pack("<BI", 2, 1) + b"[" * 100_000),
    "noise": bytes(range(256)) * 4,
}


@pytest.mark.parametrize("data", FORGED.values(), ids=FORGED)
def test_forged(data: bytes):
    good = packed({5: [leaf("results.z", 1.0)]})[0]
    packet = read_packet(data + good)
    assert packet.damaged or packet.torn
    assert set(runs_of(packet)) <= {5}
    finished_runs(data)
