"""The regime map as SVG: one drawing for the page, the figure file and the PNG.

Verdicts differ in colour (Okabe and Ito's, which colour-blind readers tell apart) and in sign: nothing for holds, a cross
for refuted, a question mark for undecided. Cells inside the premise have the full colour, cells outside a pale one.
"""

from __future__ import annotations

import math
from html import escape
from typing import Any

from regimes.report.model import Map

CELL_W, CELL_H, LEFT, TOP, BOTTOM = 46, 34, 96, 62, 66
RIGHT = 118
COLOURS = {"holds": "#0072b2", "refuted": "#d55e00", "undecided": "#8c8c8c"}
PALE = {"holds": "#a6cee6", "refuted": "#f3bd97", "undecided": "#d9d9d9"}
SIGNS = {"holds": "", "refuted": "×", "undecided": "?"}
INK = "#1a1a1a"


def number(value: Any) -> str:
    """A coordinate as a label: integers in full up to 9999, then as powers of two or three digits."""
    if isinstance(value, str):
        return value
    if float(value) == int(value):
        size = int(value)
        if size > 9999 and size & (size - 1) == 0:
            return f"2^{size.bit_length() - 1}"
        return f"{size:,}".replace(",", "\u2009") if size <= 99_999_999 else f"{value:.3g}"
    return f"{value:.3g}"


def position(value: float, points: tuple[Any, ...]) -> float | None:
    """Where a value lies among grid points, in cells from the first; None for grids of words.

    Between two points the scale is logarithmic if they are positive, else linear; beyond the ends it goes on.
    """
    if len(points) < 2 or any(isinstance(point, str) for point in points):
        return None
    scaled = [math.log(point) for point in points] if min(points) > 0 and value > 0 else list(map(float, points))
    at = math.log(value) if min(points) > 0 and value > 0 else float(value)
    last = len(points) - 2
    index = next((k for k in range(len(points) - 1) if at <= scaled[k + 1]), last)
    return index + (at - scaled[index]) / (scaled[index + 1] - scaled[index])


def draw(one: Map, title: str, subtitle: str = "") -> str:
    """The map as a standalone SVG document; every cell is a group with its index in reading order.

    Arguments:
        one: the map.
        title: heading.
        subtitle: line below it.
    """
    columns, rows = len(one.xs), len(one.ys)
    width = max(LEFT + CELL_W * columns + RIGHT, 560)
    height = TOP + CELL_H * rows + BOTTOM
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" height="{height}" '
        f'font-family="Helvetica, Arial, sans-serif" role="img" aria-label="{escape(title, quote=True)}">',
        f'<rect class="paper" width="{width}" height="{height}" fill="#ffffff"/>',
        f'<text x="{LEFT}" y="20" font-size="15" font-weight="bold" class="ink" fill="{INK}">{escape(title)}</text>',
        f'<text x="{LEFT}" y="39" font-size="12" class="ink" fill="{INK}">{escape(subtitle)}</text>',
        *_cells(one), *_axes(one), *_boundary(one, "premise_boundary"), *_boundary(one, "exact_boundary"),
        *_legend(one, height), "</svg>",
    ]  # fmt: skip
    return "\n".join(parts) + "\n"


def _corner(one: Map, column: int, row: int) -> tuple[float, float]:
    """The upper left corner of a cell; rows count from the bottom."""
    return LEFT + CELL_W * column, TOP + CELL_H * (len(one.ys) - 1 - row)


def _cells(one: Map) -> list[str]:
    parts = []
    for row, y in enumerate(one.ys):
        for column, x in enumerate(one.xs):
            cell = one.cells.get((x, y))
            left, top = _corner(one, column, row)
            if cell is None:
                parts.append(
                    f'<rect x="{left}" y="{top}" width="{CELL_W}" height="{CELL_H}" fill="none" stroke="#cccccc" '
                    'stroke-dasharray="2 2"/>'
                )
                continue
            verdict = cell["verdict"]
            fill = (COLOURS if cell["inside"] else PALE)[verdict]
            ink = "#ffffff" if cell["inside"] else INK
            words = f"{one.x} {number(x)}, {one.y} {number(y)}: {verdict}" + ("" if cell["inside"] else ", outside the premise")
            parts.append(
                f'<g class="cell" data-column="{column}" data-row="{row}"><title>{escape(words)}</title>'
                f'<rect x="{left + 0.75}" y="{top + 0.75}" width="{CELL_W - 1.5}" height="{CELL_H - 1.5}" fill="{fill}"/>'
                f'<text x="{left + CELL_W / 2}" y="{top + CELL_H / 2 + 6}" font-size="17" text-anchor="middle" fill="{ink}">'
                f"{SIGNS[verdict]}</text></g>"
            )
    return parts


def _axes(one: Map) -> list[str]:
    parts = []
    floor = TOP + CELL_H * len(one.ys)
    small = 11 if len(one.xs) <= 14 else 9
    for column, x in enumerate(one.xs):
        middle = LEFT + CELL_W * (column + 0.5)
        text = escape(number(x)[:9])
        if text.startswith("2^"):
            text = f'2<tspan dy="-4" font-size="8">{text[2:]}</tspan>'
        parts.append(_text(middle, floor + 16, small, text))
    for row, y in enumerate(one.ys):
        middle = TOP + CELL_H * (len(one.ys) - row - 0.5) + 4
        parts.append(_text(LEFT - 8, middle, 11, escape(number(y)), "end"))
    centre = LEFT + CELL_W * len(one.xs) / 2
    height = TOP + CELL_H * len(one.ys) / 2
    x_label, y_label = (escape(one.labels.get(name) or name) for name in (one.x, one.y))
    return [
        *parts,
        _text(centre, floor + 36, 12, x_label),
        f'<g transform="translate(22 {height}) rotate(-90)">{_text(0, 0, 12, y_label)}</g>',
    ]


def _text(x: float, y: float, size: int, content: str, anchor: str = "middle") -> str:
    return f'<text x="{x}" y="{y}" font-size="{size}" text-anchor="{anchor}" class="ink" fill="{INK}">{content}</text>'


def _boundary(one: Map, name: str) -> list[str]:
    """The boundary as a staircase through the rows; rows whose boundary is off the map are annotated."""
    segments: list[tuple[int, float]] = []
    notes = []
    for row, y in enumerate(one.ys):
        values = [cell[name] for x in one.xs if (cell := one.cells.get((x, y))) and cell[name] is not None]
        if not values:
            continue
        at = position(values[0], one.xs)
        if at is None:
            continue
        if at + 0.5 > len(one.xs):
            if name == "premise_boundary":
                left, top = _corner(one, len(one.xs), row)
                notes.append(
                    f'<text x="{left + 6}" y="{top + CELL_H / 2 + 4}" font-size="10" class="ink" fill="{INK}">'
                    f"promised from {values[0]:.2g}</text>"
                )
            continue
        segments.append((row, LEFT + CELL_W * max(at + 0.5, 0)))
    dash = ' stroke-dasharray="5 3"' if name == "exact_boundary" else ""
    path, before = "", None
    for row, x in segments:
        top = TOP + CELL_H * (len(one.ys) - 1 - row)
        joined = before is not None and before == row - 1
        path += f"{'L' if joined else 'M'}{x:.1f} {top + CELL_H}L{x:.1f} {top}"
        before = row
    if not path:
        return notes
    halo = f'<path d="{path}" fill="none" stroke="#ffffff" stroke-width="5" class="halo"/>'
    return [halo, f'<path d="{path}" fill="none" stroke="#000000" stroke-width="2.2" class="line"{dash}/>', *notes]


def _legend(one: Map, height: int) -> list[str]:
    y = height - 12
    parts, x = [], 12
    for verdict in ("holds", "refuted", "undecided"):
        parts.append(
            f'<rect x="{x}" y="{y - 11}" width="14" height="14" fill="{COLOURS[verdict]}"/>'
            f'<text x="{x + 7}" y="{y + 1}" font-size="12" text-anchor="middle" fill="#ffffff">{SIGNS[verdict]}</text>'
            f'<text x="{x + 19}" y="{y}" font-size="11" class="ink" fill="{INK}">{verdict}</text>'
        )
        x += 34 + 7 * len(verdict)
    parts.append(
        f'<rect x="{x}" y="{y - 11}" width="14" height="14" fill="{PALE["holds"]}"/>'
        f'<text x="{x + 19}" y="{y}" font-size="11" class="ink" fill="{INK}">pale: outside the premise</text>'
    )
    x += 166
    for name, words, dash in (("premise_boundary", "premise", ""), ("exact_boundary", "exact", ' stroke-dasharray="5 3"')):
        if any(cell[name] is not None for cell in one.cells.values()):
            parts.append(
                f'<path d="M{x} {y - 4}h22" stroke="#000000" stroke-width="2.2" class="line"{dash}/>'
                f'<text x="{x + 27}" y="{y}" font-size="11" class="ink" fill="{INK}">{words}</text>'
            )
            x += 76
    return parts


def to_png(svg: str, scale: float = 2.0) -> bytes:
    """The drawing as PNG, at twice its size by default."""
    import vl_convert

    return vl_convert.svg_to_png(svg, scale=scale)
