"""The arrays of a plotly figure: lists, or numbers packed as base64 (``bdata``). Pure."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

# plotly.js: src/lib/array.js; all little-endian.
_PACKED = ("i1", "u1", "u1c", "i2", "u2", "i4", "u4", "f4", "f8")


def as_array(value: Any) -> NDArray[Any] | None:
    """A list, a numpy array or a packed array as numpy sees it; null for anything else.

    A list of numbers and nulls is floats with NaN, any other list holds objects; a packed array has its own type and
    shape.
    """
    import numpy as np

    if isinstance(value, np.ndarray):
        return value
    if isinstance(value, list | tuple):
        return _listed(value)
    if not isinstance(value, Mapping) or not isinstance(value.get("bdata"), str) or value.get("dtype") not in _PACKED:
        return None
    try:
        packed = np.frombuffer(base64.b64decode(value["bdata"]), dtype="<" + value["dtype"][:2])
        shape = value.get("shape")
        return packed.reshape([int(part) for part in str(shape).split(",")]) if shape is not None else packed
    except (ValueError, binascii.Error):
        return None


def count(value: Any) -> int:
    """At most how many values an array has; told without reading it."""
    if isinstance(value, Mapping):
        packed, kind = value.get("bdata"), str(value.get("dtype"))
        return len(packed) * 3 // 4 // int(kind[1]) if isinstance(packed, str) and kind in _PACKED else 0
    return len(value) if hasattr(value, "__len__") else 0


def chosen(value: Any, stay: NDArray[np.intp], size: int) -> Any:
    """The same with only the points that stay, in every array of it that has ``size`` of them, however deep."""
    import numpy as np

    if isinstance(value, np.ndarray):
        return value[stay] if value.ndim and len(value) == size else value
    if isinstance(value, list | tuple):
        return [value[at] for at in stay.tolist()] if len(value) == size else value
    if not isinstance(value, Mapping):
        return value
    if "bdata" not in value:
        return {name: chosen(part, stay, size) for name, part in value.items()}
    packed = as_array(value)
    if packed is None or not packed.ndim or len(packed) != size:
        return dict(value)
    left = packed[stay]
    made = {**value, "bdata": base64.b64encode(left.tobytes()).decode()}
    if value.get("shape") is not None:
        made["shape"] = ", ".join(str(part) for part in left.shape)
    return made


def _listed(value: list[Any] | tuple[Any, ...]) -> NDArray[Any]:
    import numpy as np

    if all(item is None or isinstance(item, int | float) for item in value):
        return np.array(value, dtype=np.float64)
    objects = np.empty(len(value), dtype=object)
    for place, item in enumerate(value):  # an item may be a list itself
        objects[place] = item
    return objects
