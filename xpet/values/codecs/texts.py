"""NumPy arrays of texts and of bytes: of one width (``U``, ``S``), of any (``StringDType``), and of objects."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from xpet.errors import CorruptStoreError, UnsupportedValueError
from xpet.values.compose import compose, decompose, more_of
from xpet.values.parts import Encoded, Part, is_utf8
from xpet.values.registry import Opaque
from xpet.values.text import is_too_wide

if TYPE_CHECKING:
    import numpy as np

    from xpet.values.parts import Array


class Texts:
    """Object arrays of only ``str``, that are UTF-8."""

    name = "numpy.texts"

    def encode(self, value: Any) -> Encoded | None:
        """One part: the texts. Arrays of other objects are another codec's."""
        if value.dtype.kind != "O":
            return None
        texts = value.ravel().tolist()
        if not set(map(type, texts)) <= {str} or not is_utf8("".join(texts)):
            return None
        return Encoded(self.name, (Part(value if value.ndim else texts[0]),))

    def decode(self, encoded: Encoded) -> Any:
        """The array of the texts."""
        import numpy as np

        array = np.array(encoded.part(), object)
        _joined(array.ravel().tolist())
        return array


class FixedTexts:
    """Arrays of texts of one width, ``U``."""

    name = "numpy.fixed_texts"

    def encode(self, value: Any) -> Encoded | None:
        """The texts, and apart from them their width, as that may be another one in each run."""
        if value.dtype.kind != "U":
            return None
        try:
            texts = value.astype(object)
        except SystemError:
            raise UnsupportedValueError("an array of texts with characters that there are not cannot be kept") from None
        return _fixed(self.name, texts, value, 4, {"order": value.dtype.str[0]})

    def decode(self, encoded: Encoded) -> Any:
        """The array with its width."""
        order = more_of(encoded)["order"]
        if order not in ("<", ">"):
            raise CorruptStoreError(f"the byte order {order!r} of a stored array of texts is none")
        return _of_width(decompose(encoded), order + "U", 4)


class FixedBytes:
    """Arrays of bytes of one width, ``S``, which plain tools see as texts."""

    name = "numpy.fixed_bytes"

    def encode(self, value: Any) -> Encoded | None:
        """The bytes as texts, and their width."""
        import numpy as np

        if value.dtype.kind != "S":
            return None
        items = value.ravel().tolist()
        encoding = "utf-8"
        try:
            made = [item.decode(encoding) for item in items]
        except UnicodeDecodeError:
            # One character for each byte, whatever it is.
            encoding = "latin-1"
            made = [item.decode(encoding) for item in items]
        texts = np.empty(len(made), object)
        texts[:] = made
        return _fixed(self.name, texts.reshape(value.shape), value, 1, {"encoding": encoding})

    def decode(self, encoded: Encoded) -> Any:
        """The array with its width."""
        encoding = more_of(encoded)["encoding"]
        if encoding not in ("utf-8", "latin-1"):
            raise CorruptStoreError(f"the encoding {encoding!r} of a stored array of bytes is not known")
        return _of_width(decompose(encoded), "|S", 1, encoding)


class Strings:
    """Arrays of ``StringDType``, with what stands for a missing one."""

    name = "numpy.strings"

    def encode(self, value: Any) -> Encoded | None:
        """The texts, which are missing, and the object that is there instead."""
        import numpy as np

        if value.dtype.kind != "T":
            return None
        texts = value.astype(object)
        values: dict[str, object] = {"": texts}
        if hasattr(value.dtype, "na_object"):
            missing = np.array([type(text) is not str for text in texts.ravel().tolist()], bool).reshape(value.shape)
            texts[missing] = ""
            values |= {"missing": missing, "na": value.dtype.na_object}
        return compose(self.name, values, {"coerce": bool(value.dtype.coerce)})

    def decode(self, encoded: Encoded) -> Any:
        """The array with its dtype."""
        import numpy as np

        values = decompose(encoded)
        given = {"na_object": values["na"]} if "na" in values else {}
        texts = values[""]
        if "missing" in values:
            texts[values["missing"]] = values["na"]
        return texts.astype(np.dtypes.StringDType(coerce=bool(more_of(encoded)["coerce"]), **given))


def _joined(texts: Sequence[Any]) -> str:
    """Stored texts as one."""
    try:
        return "".join(texts)
    except TypeError:
        raise CorruptStoreError("a stored array of texts has other things in it") from None


def _fixed(codec: str, texts: Array, value: np.ndarray[Any, Any], unit: int, meta: Mapping[str, Any]) -> Encoded:
    joined = "".join(texts.ravel().tolist())
    if is_too_wide([joined], value.dtype.itemsize * max(value.size, 1)):
        raise UnsupportedValueError(
            f"a text array of {value.nbytes} bytes that are nearly all empty cannot be kept; store it as a list"
        )
    # All of these are of Python's own type, as NumPy made them.
    main = Opaque(Encoded(Texts.name, (Part(texts),))) if texts.ndim and is_utf8(joined) else texts
    return compose(codec, {"": main, "width": value.dtype.itemsize // unit}, meta)


def _of_width(values: Mapping[str, Any], kind: str, unit: int, encoding: str | None = None) -> Array:
    """The array of texts, or of bytes if there is an encoding, with a width that fits them."""
    import numpy as np

    texts, width = values[""], int(values["width"])
    items: Sequence[Any] = texts.ravel().tolist()
    joined = _joined(items)
    wide = width < 0 or is_too_wide([joined], unit * width * max(len(items), 1))
    if encoding is not None:
        items = [text.encode(encoding) for text in items]
    # What is longer than the width is cut off.
    made = np.array([] if wide else items, f"{kind}{max(width, 1)}")
    if wide or np.char.str_len(made).sum() != len(joined if encoding is None else b"".join(items)):
        raise CorruptStoreError(f"the width {width} of a stored array of texts does not fit them")
    # Only here does NumPy leave a width of 0 as it is.
    return made.reshape(texts.shape) if width else np.ndarray(texts.shape, f"{kind}0")


texts_codec = Texts()
fixed_texts_codec = FixedTexts()
fixed_bytes_codec = FixedBytes()
strings_codec = Strings()
