"""What the page's script does with folded texts, in Python."""

from __future__ import annotations

from typing import Any


def unfolded(parts: list[Any], count: int) -> list[str | None]:
    """The texts of `folded`, as `map.js` reads them."""
    columns = []
    for part in parts:
        if isinstance(part, str):
            columns.append([part] * count)
        elif isinstance(part, list):
            columns.append(part)
        else:
            columns.append([None if digit == "-" else part["of"][int(digit, 36)] for digit in part["at"]])
    return [None if None in words else "".join(words) for words in zip(*columns, strict=True)]
