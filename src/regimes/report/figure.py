"""The regime map as SVG: one drawing for the page, for the figure file and for the PNG.

Verdicts differ in colour (Okabe and Ito's, which colour-blind readers tell apart) and in sign: a dot for holds, a
cross for refuted, a question mark for undecided. Cells that the theorem promises have the full colour, others a tint.
The drawing carries its light colours as attributes; a page restyles it by the classes.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import groupby

from regimes.report import formats
from regimes.report.annotations import Entry, Notes, draw_legend, draw_lines, legend_lines, legend_of, notes_of
from regimes.report.canvas import (
    ACCENT,
    FULL,
    RULE,
    SOFT,
    TINT,
    box,
    document,
    hatch,
    hatching,
    short,
    sign,
    signs,
    text,
    width_of,
)  # fmt: skip
from regimes.report.model import Cell, Map, is_vacuous
from regimes.report.whiskers import whiskers

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
    """A map as a standalone SVG document; a page's script lays the cells that can be reached over it.

    Arguments:
        one: the map.
        title: a line above it, for a figure that stands alone.
        subtitle: a line below the title.
        label: what a screen reader calls it.
    """
    notes = notes_of(one)
    legend = legend_of(one)
    layout = _layout(one, notes, legend, (title, subtitle))
    parts = []
    if title:
        parts += [text(layout.left, 20, title, 14, weight="600"), text(layout.left, 38, subtitle, 11.5, soft=True)]
    boxes, marks = _cells(one, layout, bool(notes.found) or 0 < one.inside < len(one.cells))
    parts += [*boxes, *_frame(layout), *_axes(one, layout), *draw_lines(one, notes, layout), *marks, *whiskers(one, layout)]
    return document(layout.width, layout.height, label or title, [*parts, *draw_legend(legend, layout)])


def layout_of(one: Map) -> Layout:
    """Sizes of the drawing of a map without a title."""
    return _layout(one, notes_of(one), legend_of(one), ("", ""))


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


def _cells(one: Map, layout: Layout, ringed: bool) -> tuple[list[str], list[str]]:
    """The cells, and their signs, which lie above the lines: one path for each verdict on each side of the premise.

    Neighbours of one kind in a row are one box; the grid drawn over all parts them.
    """
    boxes: dict[tuple[str, bool], list[str]] = {}
    marks: dict[tuple[str, bool], list[str]] = {}
    strokes: dict[tuple[str, bool], list[str]] = {}
    missing = []
    size = min(layout.cell_w, layout.cell_h)
    for row in reversed(range(layout.rows)):
        _, top = layout.at(0, row + 1)
        cells = [one.cells.get((x, one.ys[row])) for x in one.xs]
        kinds = [_kind(cell) for cell in cells]
        for kind, run in groupby(range(layout.columns), key=kinds.__getitem__):
            columns = list(run)
            left, _ = layout.at(columns[0], 0)
            if kind is not None:
                boxes.setdefault(kind, []).append(box(left, top, layout.cell_w * len(columns), layout.cell_h))
        for column, (cell, kind) in enumerate(zip(cells, kinds, strict=True)):
            left, _ = layout.at(column, 0)
            area = left + 0.5, top + 0.5, layout.cell_w - 1, layout.cell_h - 1
            if cell is None or kind is None:
                missing.append(box(*area))
                continue
            if is_vacuous(cell):
                strokes.setdefault(kind, []).append(hatch(*area))
            middle = left + layout.cell_w / 2, top + layout.cell_h / 2
            marks.setdefault(kind, []).append(sign(cell["verdict"], *middle, size))
    drawn = ['<g class="cells">']
    for verdict, inside in sorted(boxes):
        fill = (FULL if inside else TINT)[verdict]
        paths = "".join(boxes[verdict, inside])
        drawn.append(f'<path class="{verdict} {"in" if inside else "out"}" d="{paths}" fill="{fill}"/>')
    grid = [f"M{short(layout.at(u, 0)[0])} {short(layout.top)}V{short(layout.floor)}" for u in range(1, layout.columns)]
    grid += [f"M{short(layout.left)} {short(layout.at(0, v)[1])}H{short(layout.right)}" for v in range(1, layout.rows)]
    if grid:
        drawn.append(f'<path class="halo" d="{"".join(grid)}" fill="none" stroke="#fff"/>')
    if missing:
        drawn.append(f'<path class="missing" d="{"".join(missing)}" fill="none" stroke="{RULE}" stroke-dasharray="1.5 2.5"/>')
    above = ['<g class="marks">']
    for verdict, inside in sorted(marks):
        paths = "".join(strokes.get((verdict, inside), []))
        if paths:
            above.append(hatching(f"{verdict} {'in' if inside else 'out'}", paths, "#fff" if inside else ACCENT[verdict]))
        above.append(signs(verdict, inside, "".join(marks[verdict, inside]), size, ringed))
    return [*drawn, "</g>"], [*above, "</g>"]


def _kind(cell: Cell | None) -> tuple[str, bool] | None:
    return None if cell is None else (cell["verdict"], bool(cell["inside"]))


def name(one: Map, x: object, y: object) -> str:
    """A cell in words: where it is, its verdict, and whether the theorem promises anything there."""
    cell = one.cells[(x, y)]
    where = f"{one.x} {formats.number(x)}" + (f", {one.y} {formats.number(y)}" if one.y else "")
    return f"{where}: {cell['verdict']}" + ("" if cell["inside"] else ", outside the premise")


def _frame(layout: Layout) -> list[str]:
    path = box(layout.left, layout.top, layout.right - layout.left, layout.floor - layout.top)
    return [f'<path class="frame" d="{path}" fill="none" stroke="{SOFT}" stroke-width="0.75"/>']


def _axes(one: Map, layout: Layout) -> list[str]:
    """Ticks and labels."""
    parts = [f'<g text-anchor="{"end" if layout.tilted else "middle"}">']
    for column, x in enumerate(one.xs):
        at, _ = layout.at(column + 0.5, 0)
        if layout.tilted:
            parts.append(text(at + 4, layout.floor + 8, formats.tick(x), TICK, turn=-90))
        else:
            parts.append(text(at, layout.floor + 16, formats.tick(x), TICK))
    parts.append("</g>")
    below = 8 + max(width_of(formats.tick(x), TICK) for x in one.xs) if layout.tilted else 18
    middle = (layout.left + layout.right) / 2
    parts.append(text(middle, layout.floor + below + 18, one.labels.get(one.x) or one.x, LABEL, anchor="middle"))
    if one.y:
        parts.append('<g text-anchor="end">')
        for row, y in enumerate(one.ys):
            _, at = layout.at(0, row + 0.5)
            parts.append(text(layout.left - 7, at + 4, formats.tick(y), TICK))
        parts.append("</g>")
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
    paths: dict[tuple[str, bool], list[str]] = {}
    for row, y in enumerate(one.ys):
        cells = [one.cells.get((x, y)) for x in one.xs]
        kinds = [_kind(cell) for cell in cells]
        for kind, run in groupby(range(len(kinds)), key=kinds.__getitem__):
            columns = list(run)
            if kind is not None:
                top, wide = size * (len(one.ys) - 1 - row), size * len(columns)
                paths.setdefault(kind, []).append(f"M{size * columns[0]} {top}h{wide}v{size}h-{wide}z")
    for verdict, inside in sorted(paths):
        parts.append(f'<path class="{verdict} {"in" if inside else "out"}" d="{"".join(paths[verdict, inside])}"/>')
    return "".join([*parts, "</svg>"])
