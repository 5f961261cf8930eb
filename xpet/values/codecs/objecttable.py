"""``xpet.ObjectTable``."""

from __future__ import annotations

from typing import Any

import pandas as pd

from xpet.errors import CorruptStoreError
from xpet.values.compose import compose, decompose
from xpet.values.objecttable import ObjectTable
from xpet.values.parts import Encoded


class ObjectTables:
    """A table of objects, as the DataFrame it is."""

    name = "xpet.ObjectTable"

    def encode(self, value: Any) -> Encoded:
        """The DataFrame."""
        return compose(self.name, {"": _as(pd.DataFrame, value)})

    def decode(self, encoded: Encoded) -> Any:
        """The table of the DataFrame."""
        frame = decompose(encoded)[""]
        if type(frame) is not pd.DataFrame:
            raise CorruptStoreError("a stored ObjectTable does not hold a DataFrame; rerun what made it")
        return _as(ObjectTable, frame)


def _as(kind: Any, frame: Any) -> Any:
    """The same frame as one of another class, whose own __init__ would make objects of numbers that were set later."""
    made = kind.__new__(kind)
    _DATA_FRAME.__init__(made, frame)
    made.attrs = frame.attrs
    made.flags.allows_duplicate_labels = frame.flags.allows_duplicate_labels
    return made


_DATA_FRAME: Any = pd.DataFrame
codec = ObjectTables()
