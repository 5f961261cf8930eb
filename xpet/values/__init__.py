"""A Python value <-> named arrays with dims. Knows no run, tree or store."""

from xpet.values.codecs.pickled import pickled, unpickling
from xpet.values.equality import coords_equal, labels_equal, same_value
from xpet.values.labels import Labelled, label, unlabelled
from xpet.values.parts import Coord, Data, Encoded, Labels, Part
from xpet.values.registering import register_codec
from xpet.values.registry import Codec, Opaque, canonical, decode, encode, rebuild

__all__ = [
    "Codec",
    "Coord",
    "Data",
    "Encoded",
    "Labelled",
    "Labels",
    "Opaque",
    "Part",
    "canonical",
    "coords_equal",
    "decode",
    "encode",
    "label",
    "labels_equal",
    "pickled",
    "rebuild",
    "register_codec",
    "same_value",
    "unlabelled",
    "unpickling",
]
