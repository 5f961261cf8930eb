"""pypet's table of objects."""

from __future__ import annotations

from typing import Any

import pandas as pd


class ObjectTable(pd.DataFrame):
    """A DataFrame of objects: what is in it keeps its type, a Python int is no ``int64`` of NumPy's.

    Parameters
    ----------
    data, index, columns, copy
        As for :class:`pandas.DataFrame`.

    Examples
    --------
    >>> table = ObjectTable({"name": ["Ann", "Ben"], "count": [42, 43]})
    >>> type(table["count"][0])
    <class 'int'>
    """

    def __init__(self, data: Any = None, index: Any = None, columns: Any = None, copy: bool = False) -> None:
        frame: Any = super()
        frame.__init__(data=data, index=index, columns=columns, dtype=object, copy=copy)
