"""What is written on a map: the two boundaries with their labels, what lies off the map, and the legend."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from regimes.report import formats, lines
from regimes.report.canvas import FULL, INK, SOFT, TINT, box, hatch, hatching, short, sign, signs, text, width_of
from regimes.report.model import VERDICTS, Map, is_vacuous
from regimes.report.whiskers import draw, lozenge

if TYPE_CHECKING:
    from regimes.report.figure import Layout

NAMES = {"premise": "premise_boundary", "exact": "exact_boundary"}
DASHES = {"premise": "", "exact": ' stroke-dasharray="5 3.5"'}


@dataclass(frozen=True)
class Note:
    """A label of a line.

    Attributes:
        of: `premise` or `exact`.
        lines: its text, line by line.
        at: the point of the line, in cells, that it belongs to; None for a line off the map.
    """

    of: str
    lines: tuple[str, ...]
    at: lines.Point | None


@dataclass(frozen=True)
class Notes:
    """The labels of a map: above the grid, and beside it."""

    above: tuple[Note, ...]
    aside: tuple[Note, ...]
    found: dict[str, lines.Line]


@dataclass(frozen=True)
class Entry:
    """An entry of the legend: a verdict, `outside`, `premise`, `exact`, `measured`, `vacuous` or `missing`, and its words."""

    kind: str
    words: str


def notes_of(one: Map) -> Notes:
    """Labels for every line of a map."""
    found = {}
    for of, name in NAMES.items():
        line = lines.line(one.bounds(name), one.xs, one.ys)
        if line is not None:
            found[of] = line
    above, aside = [], []
    for of, line in found.items():
        if line.end is None:
            words = off_map(one, of, line)
            above.append(Note(of, (words,), None))
            continue
        far = ""
        if line.beyond and one.y:
            y, value = line.beyond[-1]
            far = f"{one.y} {formats.number(y)}: from {one.x} {formats.about(value)}"
        if line.edge == "right":
            first = ("theorem promises", f"{_where(one)} of this line") if of == "premise" else ("exact boundary",)
            aside.append(Note(of, (*first, far) if far else first, line.end))
        else:
            words = f"theorem promises {_where(one)} of this line" if of == "premise" else "exact boundary"
            above.append(Note(of, (words,), line.end))
    return Notes(tuple(above), tuple(aside), found)


def _where(one: Map) -> str:
    return "right" if one.side == "least" else "left"


def off_map(one: Map, of: str, line: lines.Line) -> str:
    """Where a line runs that cannot be seen."""
    subject = "premise" if of == "premise" else "exact boundary"
    verb = "begins" if one.side == "least" else "ends"
    if not line.beyond:
        return f"{subject} {verb} left of this map"
    values = [value for _, value in line.beyond]
    (low_y, low), (high_y, high) = line.beyond[0], line.beyond[-1]
    if len(values) == 1 or not one.y or low == high:
        return f"{subject} {verb} at {one.x} {formats.about(min(values))}, off this map →"
    return (
        f"{subject} {verb} at {one.x} {formats.about(low)} ({one.y} {formats.number(low_y)}) to "
        f"{formats.about(high)} ({one.y} {formats.number(high_y)}), off this map →"
    )


def draw_lines(one: Map, about: Notes, layout: Layout) -> list[str]:
    """Lines and labels."""
    parts = []
    for of, line in about.found.items():
        path = "".join(
            "M" + "L".join(f"{short(x)} {short(y)}" for x, y in (layout.at(*point) for point in piece)) for piece in line.pieces
        )
        parts += _stroke(path, of)
    if "premise" not in about.found:
        inside = {(one.xs.index(x), one.ys.index(y)): bool(cell["inside"]) for (x, y), cell in one.cells.items()}
        ends = [(layout.at(*a), layout.at(*b)) for a, b in lines.frontier(inside)]
        edges = ["M" + "L".join(f"{short(x)} {short(y)}" for x, y in edge) for edge in ends]
        parts += _stroke("".join(edges), "premise")
    for index, note in enumerate(about.above):
        level = layout.top - 8 - 17 * (len(about.above) - 1 - index)
        words = note.lines[0]
        wide = width_of(words, 11)
        if note.at is None:
            # A label wider than a grid of few columns begins with it and ends in the room beside it.
            x, anchor = (layout.left, "start") if wide > layout.right - layout.left else (layout.right, "end")
            parts.append(text(x, level, words, 11, anchor=anchor))
            continue
        x, y = layout.at(*note.at)
        if y > layout.top + 1:
            parts.append(_leader(x, layout.top, y))
        parts.append(_leader(x, layout.top, level + 3))
        before = x + 5 + wide > layout.width - 6
        anchor, shift = ("end", -4) if before else ("start", 4)
        parts.append(text(x + shift, level, words, 11, anchor=anchor))
    taken = layout.top - 100.0
    for note in sorted(about.aside, key=lambda note: -note.at[1] if note.at else 0):
        x, y = layout.at(*(note.at or (layout.columns, layout.rows)))
        first = max(y - 3, taken + 20, layout.top + 9)
        for step, words in enumerate(note.lines):
            parts.append(text(layout.right + 8, first + 14 * step, words, 11))
            taken = first + 14 * step
    return parts


def _leader(x: float, top: float, end: float) -> str:
    """An upright stroke from the grid's upper edge to a label, or to a point of a line."""
    return f'<path class="leader" d="M{short(x)} {short(top)}V{short(end)}" fill="none" stroke="{SOFT}" stroke-width="0.75"/>'


def _stroke(path: str, of: str) -> list[str]:
    """A line with a pale edge that keeps it legible on any cell."""
    if not path:
        return []
    shape = f'd="{path}" fill="none" stroke-linejoin="round"'
    return [
        f'<path class="halo" {shape} stroke="#fff" stroke-width="5"/>',
        f'<path class="line {of}" {shape} stroke="{INK}" stroke-width="2.1"{DASHES[of]}/>',
    ]


def legend_of(one: Map) -> list[Entry]:
    """The legend's entries: only what the map shows."""
    cells = list(one.cells.values())
    entries = [Entry(verdict, verdict) for verdict in VERDICTS if any(cell["verdict"] == verdict for cell in cells)]
    if not all(cell["inside"] for cell in cells):
        entries.append(Entry("outside", "muted: outside the premise"))
    shown = {of: (line := lines.line(one.bounds(name), one.xs, one.ys)) and line.pieces for of, name in NAMES.items()}
    mixed = 0 < one.inside < len(cells)
    if shown["premise"] or (mixed and not one.rows):
        entries.append(Entry("premise", "premise"))
    if shown["exact"]:
        entries.append(Entry("exact", "exact boundary"))
    if one.thresholds:
        entries.append(Entry("measured", "measured threshold"))
    if any(is_vacuous(cell) for cell in cells):
        entries.append(Entry("vacuous", "vacuous bound"))
    if len(cells) < len(one.xs) * len(one.ys):
        entries.append(Entry("missing", "not decided yet"))
    return entries


def _length(entry: Entry) -> float:
    return 24 + (10 if entry.kind in NAMES else 0) + width_of(entry.words, 11) + 16


def legend_lines(entries: list[Entry], room: float) -> int:
    """Lines that a legend takes."""
    count, used = 1, 0.0
    for entry in entries:
        if used and used + _length(entry) > room:
            count, used = count + 1, 0.0
        used += _length(entry)
    return count


def draw_legend(entries: list[Entry], layout: Layout) -> list[str]:
    """The legend below the grid."""
    parts = []
    x = layout.left
    y = layout.height - 10 - 22 * (legend_lines(entries, layout.width - layout.left) - 1)
    for entry in entries:
        if x > layout.left and x - layout.left + _length(entry) > layout.width - layout.left:
            x, y = layout.left, y + 22
        parts += _key(entry.kind, x, y)
        wide = 32 if entry.kind in NAMES else 22
        parts.append(text(x + wide, y, entry.words, 11))
        x += _length(entry)
    return parts


def _key(kind: str, x: float, y: float) -> list[str]:
    """The sample of a legend entry."""
    if kind in NAMES:
        stroke = f'stroke="{INK}" stroke-width="2.1"{DASHES[kind]}'
        return [f'<path class="line {kind}" d="M{x:g} {y - 4:g}h26" fill="none" {stroke}/>']
    path = box(x, y - 12, 16, 16)
    if kind == "measured":
        return ['<g class="measured">', *draw([], [lozenge(x + 8, y - 4)]), "</g>"]
    if kind == "vacuous":
        edge = f'<path class="leader" d="{path}" fill="none" stroke="{SOFT}" stroke-width="0.75"/>'
        return [edge, hatching("", hatch(x, y - 12, 16, 16))]
    if kind == "missing":
        return [f'<path class="missing" d="{path}" fill="none" stroke="{SOFT}" stroke-dasharray="1.5 2.5"/>']
    verdict, inside = ("holds", False) if kind == "outside" else (kind, True)
    fill = (FULL if inside else TINT)[verdict]
    return [
        f'<path class="{verdict} {"in" if inside else "out"}" d="{path}" fill="{fill}"/>',
        signs(verdict, inside, sign(verdict, x + 8, y - 4, 22), 22),
    ]
