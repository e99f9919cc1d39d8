"""What a page's script knows of a map: texts made here, and the numbers that cells can show, each written once."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from typing import Any

from regimes.report import figure, formats
from regimes.report.model import Map, View
from regimes.report.pages import commands, evidence, place

WORDS = re.compile(r"([ =])")
DIGITS = "0123456789abcdefghijklmnopqrstuvwxyz"
Folded = list[Any]


def panel(view: View, one: Map) -> dict[str, Any]:
    """The data of a map's page.

    Returns:
        columns, rows, corner, caption: the grid's coordinates from left to right and from below, and the table's words.
        box: left edge, lower edge, width and height of its cells in the drawing.
        at: column and row (from the bottom) of every cell, one after the other.
        kind, name, check: each cell's classes, its name, and the command that decides it again, folded.
        lines: (label, folded texts) of the evidence.
        layers: numbers by layer, six digits.
    """
    cells = [(x, y, one.cells[(x, y)]) for y in one.ys for x in one.xs if (x, y) in one.cells]
    layout = figure.layout_of(one)
    names = [figure.name(one, x, y).rpartition(": ") for x, y, _ in cells]
    told = [dict(evidence(one, cell, view.claim["kind"])) for _, _, cell in cells]
    labels = list(dict.fromkeys(label for texts in told for label in texts))
    layers = {
        "estimate": [cell["evidence"].get("estimate") for _, _, cell in cells],
        "replicates": [cell["evidence"]["replicates"] for _, _, cell in cells],
        "slack": [one.slack_of(cell) for _, _, cell in cells],
    }
    return {
        "columns": [formats.number(x) for x in one.xs],
        "rows": [formats.number(y) for y in one.ys],
        "corner": one.y or "",
        "caption": f"Verdicts by {one.x}" + (f" and {one.y}" if one.y else ""),
        "box": [layout.left, layout.floor, layout.cell_w, layout.cell_h],
        "at": [coordinate for _, _, cell in cells for coordinate in place(one, cell)],
        "kind": folded([f"{cell['verdict']} {'in' if cell['inside'] else 'out'}" for _, _, cell in cells]),
        "name": [*folded([where for where, _, _ in names]), ": ", *folded([verdict for _, _, verdict in names])],
        "lines": [[label, folded([texts.get(label) for texts in told])] for label in labels],
        "check": folded([commands(view, cell)[1] for _, _, cell in cells]),
        "layers": {name: _rounded(values) for name, values in layers.items() if any(one is not None for one in values)},
    }


def folded(texts: Sequence[str | None]) -> Folded:
    """Texts as parts that are joined: text where all are the same, else a column.

    A column is {"of": different texts, "at": for each its place as a digit of base 36, `-` for None}, or the list of its
    texts where there are more than 36 of them. Texts of equally many words have a column for every word that differs.
    """
    whole: Folded = [_column(texts)]
    known = [text for text in texts if text is not None]
    head = _beginning(known)
    tail = _beginning([text[len(head) :][::-1] for text in known])[::-1]
    ends: Folded = [head, _column([None if text is None else text[len(head) : len(text) - len(tail)] for text in texts]), tail]
    split = [WORDS.split(text) for text in known]
    if len(known) < len(texts) or len({len(words) for words in split}) > 1:
        return min(whole, ends, key=_length)
    parts: Folded = []
    for words in zip(*split, strict=True):
        if len(set(words)) > 1:
            parts.append(_column(words))
        elif parts and isinstance(parts[-1], str):
            parts[-1] += words[0]
        else:
            parts.append(words[0])
    return min(whole, ends, parts, key=_length)


def _beginning(texts: Sequence[str]) -> str:
    """The longest beginning that all texts share."""
    if not texts:
        return ""
    # Of the first and the last text in order of letters, all between share what these two do.
    first, last = min(texts), max(texts)
    return first[: next((k for k, (a, b) in enumerate(zip(first, last, strict=False)) if a != b), min(len(first), len(last)))]


def _length(parts: Folded) -> int:
    return len(json.dumps(parts, ensure_ascii=False))


def _column(texts: Sequence[str | None]) -> dict[str, Any] | list[str | None]:
    different = list(dict.fromkeys(text for text in texts if text is not None))
    if len(different) > len(DIGITS):
        return list(texts)
    return {"of": different, "at": "".join("-" if text is None else DIGITS[different.index(text)] for text in texts)}


def _rounded(values: Sequence[float | None]) -> list[float | None]:
    return [value if value is None or isinstance(value, int) else float(f"{value:.6g}") for value in values]
