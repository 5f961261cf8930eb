"""Labels around an array: dimension names, coordinates, units."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from xpet.values.coordinates import is_coordinate
from xpet.values.parts import Coord, Encoded, Labels

if TYPE_CHECKING:
    from xpet.values.parts import Array

#: units of times and of differences of which each has a number of seconds
_COARSE = {"M": ("Y", "M", "W", "D", "h", "m"), "m": ("W", "D", "h", "m")}
_THE_YEARS = ", of the years 1678 to 2261 or as far from 1970 as these, which is what plain tools read"
#: the units that pandas counts times in, coarse ones first
_FINER = ("s", "ms", "us", "ns")
_DIM = re.compile(r"[A-Za-z0-9_-]+")


@dataclass(frozen=True, slots=True, eq=False)
class Labelled:
    """A value with labels; made by :func:`label`."""

    value: Any
    labels: Labels


def unlabelled(value: Any) -> Any:
    """A value without its labels."""
    return value.value if type(value) is Labelled else value


def label(
    value: Any,
    dims: Sequence[str] | str = (),
    coords: Mapping[str, Any] | None = None,
    units: str | None = None,
    attrs: Mapping[str, str | float] | None = None,
) -> Labelled:
    """Give an array dimension names, coordinates and units.

    The labels go to the stored column and from there to the Dataset; the value itself reads
    back as it was given.

    Parameters
    ----------
    value
        A number, or an array of any rank.
    dims
        One name per dimension of ``value``; none: the dimensions stay unnamed.
    coords
        For some of ``dims``: a 1-D array or list as long as that dimension, of numbers, texts or times (dates,
        datetimes, Timestamps, without a zone), or ``label(array, units=…)``.
    units
        The units of ``value`` as text, such as ``'mV'``; a quantity of pint or BRIAN2 has its own.
    attrs
        Further attributes: texts and numbers. ``long_name`` is what plots show.

    Raises
    ------
    ValueError
        If names or lengths do not fit ``value``.

    Examples
    --------
    >>> import numpy as np, xpet
    >>> t = np.arange(3) * 0.1
    >>> V = xpet.label(np.zeros(3), dims='time', coords={'time': xpet.label(t, units='ms')}, units='mV')
    >>> V.labels.dims, V.labels.attrs['units']
    (('time',), 'mV')
    """
    import numpy as np

    if isinstance(value, Labelled):
        raise TypeError("label: the value is labelled already; give all labels in one call")
    if type(value).__name__ in ("DataArray", "Dataset"):
        raise TypeError(f"label: a {type(value).__name__} has labels of its own; store it as it is, or its .values")
    for what, given in (("coords", coords), ("attrs", attrs)):
        if not isinstance(given, Mapping | None):
            raise TypeError(f"label: {what} must be a dict, by name, got {type(given).__name__}")
    if not isinstance(dims, str | Iterable):
        raise TypeError(f"label: dims must be a name, or a name per dimension, got {type(dims).__name__}")
    names: tuple[Any, ...] = (dims,) if isinstance(dims, str) else tuple(dims)
    numbers, own = _numbers_of(value)
    if own is not None and units not in (None, own):
        raise ValueError(f"label: the value has the units {own!r}, so that units={units!r} cannot be given")
    shape = np.shape(numbers)
    if names and len(names) != len(shape):
        raise ValueError(f"label: {len(names)} dims {names} for a value of shape {shape}; give one name per dimension")
    if len(set(names)) != len(names):
        raise ValueError(f"label: the dims {names} repeat a name; each dimension needs its own")
    for name in names:
        if not isinstance(name, str) or not _DIM.fullmatch(name):
            raise ValueError(f"label: the dim {name!r} is not a name of letters, digits, '_' and '-'")
    sizes = dict(zip(names, shape, strict=False))
    made = {name: _coord(name, given, sizes) for name, given in (coords or {}).items()}
    return Labelled(value, Labels(names, made, _attrs(own or units, attrs)))


def relabelled(encoded: Encoded, labels: Labels) -> Labels:
    """The labels of a main part in place of its own, with those of the other parts."""
    kept = {dim for part in encoded.parts[1:] for dim in part.dims}
    coords = {dim: coord for dim, coord in encoded.labels.coords.items() if dim in kept}
    return labels._replace(coords={**coords, **labels.coords}) if coords else labels


def _numbers_of(value: Any) -> tuple[Any, str | None]:
    from xpet.values.codecs.units import numbers_of

    return numbers_of(value)


def _coord(name: str, given: object, sizes: Mapping[str, int]) -> Coord:
    import numpy as np

    attrs = given.labels.attrs if isinstance(given, Labelled) else {}
    numbers, units = _numbers_of(unlabelled(given))
    if units:
        attrs = {**attrs, "units": units}
    values = _in_seconds(_as_times(name, _plain_texts(np.asarray(numbers))))
    if name not in sizes:
        raise ValueError(f"label: the coordinate {name!r} is not one of the dims {tuple(sizes)}")
    if values.shape != (sizes[name],):
        raise ValueError(
            f"label: the coordinate {name!r} has shape {values.shape}, the dimension has length {sizes[name]}"
        )
    if not is_coordinate(values):
        raise ValueError(
            f"label: the coordinate {name!r} has dtype {values.dtype}; numbers, texts that are UTF-8 and times down "
            f"to nanoseconds are possible{_THE_YEARS if values.dtype.kind in 'mM' else ''}"
        )
    return Coord(values, attrs)


def _as_times(name: str, values: Array) -> Array:
    """Dates, datetimes, Timestamps and their differences as NumPy's times; anything else as it is."""
    import numpy as np

    items = values.tolist() if values.dtype == object and values.ndim == 1 else []
    zones = [item for item in items if getattr(item, "tzinfo", None) is not None]
    if zones:
        raise ValueError(
            f"label: the coordinate {name!r} has times with a zone, {zones[0]}; plain tools know none, so give them in "
            "UTC and without it, such as pandas.DatetimeIndex(times).tz_convert('UTC').tz_localize(None)"
        )
    known = [item for item in items if type(item).__name__ != "NaTType"]
    kinds = set(map(type, known))
    if len(kinds) != 1 or not issubclass(kind := kinds.pop(), dt.date | dt.timedelta):
        return values
    letter = "M" if issubclass(kind, dt.date) else "m"
    unit = "s" if kind is dt.date else "us"
    if hasattr(kind, "as_unit"):
        # Timestamps and Timedeltas say what they count.
        unit = max((item.unit for item in known), key=_FINER.index)
        known = [item.as_unit(unit).asm8 for item in known]
    made = np.full(len(items), "NaT", f"{letter}8[{unit}]")
    made[[k for k, item in enumerate(items) if type(item) is kind]] = np.array(known, made.dtype)
    return made


def _in_seconds(values: Array) -> Array:
    """Times of whole minutes, days or years as xarray has them, in seconds; anything else as it is."""
    import numpy as np

    if values.dtype.kind not in "mM" or np.datetime_data(values.dtype)[0] not in _COARSE[values.dtype.kind]:
        return values
    return values.astype(f"{values.dtype.kind}8[s]")


def _plain_texts(values: Array) -> Array:
    """Texts as pandas has them, objects or of a dtype without a width, as NumPy's; anything else as it is."""
    import numpy as np

    texts = values.tolist() if values.dtype.kind in "OT" and values.ndim == 1 else [None]
    if not all(isinstance(text, str) for text in texts):
        return values
    made = np.array(texts, str)
    # Texts of one width lose the NULs at their ends.
    return made if made.tolist() == texts else values


def _attrs(units: str | None, attrs: Mapping[Any, Any] | None) -> dict[str, str | float]:
    out: dict[str, str | float] = {}
    if units is not None:
        if not isinstance(units, str):
            raise TypeError(f"label: units must be a text such as 'mV', got {type(units).__name__}")
        out["units"] = units
        others = (attrs or {}).get("units", units)
        if others != units:
            raise ValueError(f"label: the units are {units!r}, and attrs say {others!r}; give one of them")
    for key, given in (attrs or {}).items():
        if not isinstance(key, str) or not isinstance(given, str | int | float):
            raise TypeError(f"label: the attribute {key!r} must be a text or a number, got {type(given).__name__}")
        out[key] = str(given) if isinstance(given, str) else int(given) if isinstance(given, int) else float(given)
    return out
