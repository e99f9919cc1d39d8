"""The regime map as SVG: one drawing for the page, for the figure file and for the PNG.

Verdicts differ in colour (Okabe and Ito's, which colour-blind readers tell apart) and in sign: a dot for holds, a
cross for refuted, a question mark for undecided. Cells that the theorem promises have the full colour, others a tint.
The drawing carries its light colours as attributes; a page restyles it by the classes.
"""

from __future__ import annotations

import io
import math
from dataclasses import dataclass
from html import escape

from regimes.report import formats
from regimes.report.annotations import Entry, Notes, draw_legend, draw_lines, legend_lines, legend_of, notes_of
from regimes.report.canvas import ACCENT, FULL, RULE, SOFT, TINT, hatch, sign, text, width_of
from regimes.report.model import VERDICTS, Map, is_vacuous

FONT = "Helvetica Neue, Helvetica, Arial, Liberation Sans, sans-serif"
LABEL, TICK = 12, 11


@dataclass(frozen=True)
class Layout:
    """Sizes of a drawing in pixels.

    Attributes:
        cell_w, cell_h: a cell.
        left, top: the upper left corner of the grid.
        columns, rows: cells of the grid.
        width, height: the drawing.
        tilted: whether the labels of the columns stand upright, for want of room.
    """

    cell_w: float
    cell_h: float
    left: float
    top: float
    columns: int
    rows: int
    width: float
    height: float
    tilted: bool

    @property
    def right(self) -> float:
        """Right edge of the grid."""
        return self.left + self.cell_w * self.columns

    @property
    def floor(self) -> float:
        """Lower edge of the grid."""
        return self.top + self.cell_h * self.rows

    def at(self, u: float, v: float) -> tuple[float, float]:
        """A point given in cells, as pixels."""
        return self.left + self.cell_w * u, self.floor - self.cell_h * v


def draw(one: Map, title: str = "", subtitle: str = "", label: str = "") -> str:
    """A map as a standalone SVG document; every cell is a group that knows its column and row.

    Arguments:
        one: the map.
        title: a line above it, for a figure that stands alone.
        subtitle: a line below the title.
        label: what a screen reader calls it.
    """
    notes = notes_of(one)
    legend = legend_of(one)
    layout = _layout(one, notes, legend, (title, subtitle))
    width, height = f"{layout.width:g}", f"{layout.height:g}"
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" height="{height}" '
        f'font-family="{FONT}" role="group" aria-label="{escape(label or title, quote=True)}">',
        f'<rect class="paper" width="{width}" height="{height}" fill="#ffffff"/>',
    ]
    if title:
        parts += [
            text(layout.left, 20, title, 14, weight="600"),
            text(layout.left, 38, subtitle, 11.5, fill=SOFT, kind="soft"),
        ]
    boxes, signs = _cells(one, layout)
    parts += [*boxes, *_frame(layout), *_axes(one, layout), *draw_lines(one, notes, layout), *signs]
    parts += draw_legend(legend, layout)
    return "\n".join([*parts, "</svg>"]) + "\n"


def _layout(one: Map, about: Notes, entries: list[Entry], heading: tuple[str, str]) -> Layout:
    columns, rows = len(one.xs), len(one.ys)
    cell_w = max(26.0, min(54.0, round(660 / columns)))
    cell_h = max(22.0, min(34.0, round(380 / rows)))
    # The label of the rows stands beside them: a map of few rows is drawn taller rather than its label cut.
    cell_h = max(cell_h, math.ceil((width_of(one.labels.get(one.y) or one.y, LABEL) + 6) / rows))
    widest = max(width_of(formats.tick(x), TICK) for x in one.xs)
    tilted = widest > cell_w - 3
    ticks = max(width_of(formats.tick(y), TICK) for y in one.ys) if one.y else 0.0
    left = 34 + ticks + (20 if one.y else 0)
    top = (54.0 if heading[0] else 10.0) + 17 * len(about.above)
    below = (widest + 14 if tilted else 22) + 26
    right = max((width_of(line, 11) for note in about.aside for line in note.lines), default=0.0)
    named = width_of(one.labels.get(one.x) or one.x, LABEL)
    left = max(left, 8 + (named - cell_w * columns) / 2)
    headed = max(width_of(heading[0], 15), width_of(heading[1], 11.5))
    above = max((width_of(note.lines[0], 11) for note in about.above), default=0.0)
    grid = cell_w * columns
    width = left + max(grid + right + 18, (grid + named) / 2 + 8, headed + 12, above + 12, 300.0)
    lines = legend_lines(entries, width - left)
    height = top + cell_h * rows + below + 22 * lines + 8
    return Layout(cell_w, cell_h, round(left), round(top), columns, rows, round(width), round(height), tilted)


def _cells(one: Map, layout: Layout) -> tuple[list[str], list[str]]:
    """The cells, row by row from the top as a reader reads them, and their signs, which lie above the lines."""
    boxes, signs = [], []
    size = min(layout.cell_w, layout.cell_h)
    for row in reversed(range(layout.rows)):
        for column, x in enumerate(one.xs):
            left, top = layout.at(column, row + 1)
            cell = one.cells.get((x, one.ys[row]))
            box = f'x="{left + 0.5:g}" y="{top + 0.5:g}" width="{layout.cell_w - 1:g}" height="{layout.cell_h - 1:g}"'
            if cell is None:
                boxes.append(f'<rect class="missing" {box} fill="none" stroke="{RULE}" stroke-dasharray="1.5 2.5"/>')
                continue
            verdict, inside = cell["verdict"], cell["inside"]
            kind = f"{verdict} {'in' if inside else 'out'}"
            fill, ink = (FULL[verdict], "#ffffff") if inside else (TINT[verdict], ACCENT[verdict])
            boxes.append(
                f'<g class="cell {kind}" data-c="{column}" data-r="{row}"><title>{escape(name(one, x, one.ys[row]))}</title>'
                f'<rect {box} fill="{fill}"/></g>'
            )
            if is_vacuous(cell):
                signs.append(hatch(left + 0.5, top + 0.5, layout.cell_w - 1, layout.cell_h - 1, ink))
            middle = left + layout.cell_w / 2, top + layout.cell_h / 2
            signs.append(f'<g class="mark {kind}">{sign(verdict, *middle, size, ink, fill)}</g>')
    return boxes, signs


def name(one: Map, x: object, y: object) -> str:
    """A cell in words: where it is, its verdict, and whether the theorem promises anything there."""
    cell = one.cells[(x, y)]
    where = f"{one.x} {formats.number(x)}" + (f", {one.y} {formats.number(y)}" if one.y else "")
    return f"{where}: {cell['verdict']}" + ("" if cell["inside"] else ", outside the premise")


def _frame(layout: Layout) -> list[str]:
    width, height = layout.right - layout.left, layout.floor - layout.top
    return [
        f'<rect class="frame" x="{layout.left:g}" y="{layout.top:g}" width="{width:g}" height="{height:g}" '
        f'fill="none" stroke="{SOFT}" stroke-width="0.75"/>'
    ]


def _axes(one: Map, layout: Layout) -> list[str]:
    """Ticks and labels."""
    parts = []
    for column, x in enumerate(one.xs):
        at, _ = layout.at(column + 0.5, 0)
        if layout.tilted:
            parts.append(text(at + 4, layout.floor + 8, formats.tick(x), TICK, anchor="end", turn=-90))
        else:
            parts.append(text(at, layout.floor + 16, formats.tick(x), TICK, anchor="middle"))
    below = 8 + max(width_of(formats.tick(x), TICK) for x in one.xs) if layout.tilted else 18
    middle = (layout.left + layout.right) / 2
    parts.append(text(middle, layout.floor + below + 18, one.labels.get(one.x) or one.x, LABEL, anchor="middle"))
    if one.y:
        for row, y in enumerate(one.ys):
            _, at = layout.at(0, row + 0.5)
            parts.append(text(layout.left - 7, at + 4, formats.tick(y), TICK, anchor="end"))
        centre = (layout.top + layout.floor) / 2
        parts.append(text(17, centre, one.labels.get(one.y) or one.y, LABEL, anchor="middle", turn=-90))
    return parts


def thumbnail(one: Map) -> str:
    """The map as a mark of a few millimetres for the index: verdicts only."""
    size = max(3, min(7, 132 // len(one.xs)))
    width, height = size * len(one.xs), size * len(one.ys)
    parts = [
        f'<svg class="thumb" viewBox="0 0 {width} {height}" width="{width}" height="{height}" aria-hidden="true" '
        'shape-rendering="crispEdges">'
    ]
    for row, y in enumerate(one.ys):
        for inside in (True, False):
            for verdict in VERDICTS:
                spots = [
                    f"M{size * column} {size * (len(one.ys) - 1 - row)}h{size}v{size}h-{size}z"
                    for column, x in enumerate(one.xs)
                    if (cell := one.cells.get((x, y))) and cell["verdict"] == verdict and cell["inside"] == inside
                ]
                if spots:
                    parts.append(f'<path class="{verdict} {"in" if inside else "out"}" d="{"".join(spots)}"/>')
    return "".join([*parts, "</svg>"])


def to_png(svg: str, scale: float = 2.5) -> bytes:
    """The drawing as PNG with a palette of 256 colours, two and a half pixels to a unit by default."""
    import vl_convert
    from PIL import Image

    drawn = Image.open(io.BytesIO(vl_convert.svg_to_png(svg, scale=scale))).convert("RGB")
    packed = io.BytesIO()
    drawn.quantize(256, dither=Image.Dither.NONE).save(packed, "PNG", optimize=True)
    return packed.getvalue()
