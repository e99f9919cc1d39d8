"""Numbers that JSON lacks: NaN is written as null, infinities as the texts `inf` and `-inf`."""

from __future__ import annotations

import math
from typing import Any


def finite(value: Any) -> Any:
    """The same data, lists, tuples and dictionaries of it, without NaN and infinities."""
    if isinstance(value, float) and not math.isfinite(value):
        return None if math.isnan(value) else str(value)
    if isinstance(value, dict):
        return {str(name): finite(one) for name, one in value.items()}
    if isinstance(value, (list, tuple)):
        return [finite(one) for one in value]
    return value
