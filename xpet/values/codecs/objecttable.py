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
        return compose(self.name, {"": pd.DataFrame(value)})

    def decode(self, encoded: Encoded) -> Any:
        """The table of the DataFrame."""
        frame = decompose(encoded)[""]
        if type(frame) is not pd.DataFrame:
            raise CorruptStoreError("a stored ObjectTable does not hold a DataFrame; rerun what made it")
        # Not by its own __init__, which would make objects of columns that were set to numbers later.
        table: Any = ObjectTable.__new__(ObjectTable)
        plain: Any = pd.DataFrame
        plain.__init__(table, frame)
        table.attrs = frame.attrs
        return table.set_flags(allows_duplicate_labels=frame.flags.allows_duplicate_labels)


codec = ObjectTables()
