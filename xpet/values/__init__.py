"""A Python value <-> named arrays with dims. Knows no run, tree or store."""

from xpet.values.codecs.pickled import pickled, unpickling
from xpet.values.equality import coords_equal, labels_equal, same_value
from xpet.values.labels import Labelled, label, unlabelled
from xpet.values.parts import Coord, Data, Encoded, Labels, Part
from xpet.values.plain import array_code, check_value
from xpet.values.registering import adopt_codecs, register_codec, registered_codecs
from xpet.values.registry import Codec, Opaque, canonical, decode, encode, load_codecs
from xpet.values.structures import Flat, copy_of, flattened, is_deep, made_of, shown

__all__ = [
    "Codec",
    "Coord",
    "Data",
    "Encoded",
    "Flat",
    "Labelled",
    "Labels",
    "Opaque",
    "Part",
    "adopt_codecs",
    "array_code",
    "canonical",
    "check_value",
    "coords_equal",
    "copy_of",
    "decode",
    "encode",
    "flattened",
    "is_deep",
    "label",
    "labels_equal",
    "load_codecs",
    "made_of",
    "pickled",
    "register_codec",
    "registered_codecs",
    "same_value",
    "shown",
    "unlabelled",
    "unpickling",
]
