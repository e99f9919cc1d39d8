"""Measured values beside the claim's curves (exact values, bounds) on log axes: one panel for each of a few rows of a map."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from typing import Any

from regimes.report import formats
from regimes.report.canvas import FULL, RULE, SOFT, box, document, short, text, width_of
from regimes.report.model import Map

COLOURS = ("#1a1a1a", "#d55e00", "#009e73", "#cc79a7", "#56b4e9", "#b8860b")
DASHES = ("", "7 3", "2 3", "9 3 2 3", "5 2", "1.5 2")
PANEL_W, PANEL_H, GAP, PANELS = 190.0, 190.0, 16.0, 4


@dataclass(frozen=True)
class Panel:
    """One row of the map.

    Attributes:
        title: its coordinate.
        measured: (x, estimate, interval or None).
        curves: points (x, value) of each curve, by name.
    """

    title: str
    measured: tuple[tuple[float, float, tuple[float, float] | None], ...]
    curves: dict[str, tuple[tuple[float, float], ...]]


def curve_names(one: Map) -> list[str]:
    """The curves that the cells of a map carry, in the claim's order."""
    found: dict[str, None] = {}
    for cell in one.cells.values():
        found |= dict.fromkeys((cell["evidence"].get("details") or {}).get("curves") or {})
    return list(found)


def panels(one: Map) -> list[Panel]:
    """At most four rows of a map, spread evenly, with what was measured and the curves; positive values only."""
    rows = [y for y in one.ys if any((x, y) in one.cells for x in one.xs)]
    if len(rows) > PANELS:
        rows = [rows[round(k * (len(rows) - 1) / (PANELS - 1))] for k in range(PANELS)]
    found = []
    for y in rows:
        measured, curves = [], {name: [] for name in curve_names(one)}
        for x in one.xs:
            cell = one.cells.get((x, y))
            if cell is None or isinstance(x, (str, bool)) or x <= 0:
                continue
            estimate, ends = cell["evidence"].get("estimate"), cell["evidence"].get("interval")
            if estimate is not None and estimate > 0:
                measured.append((float(x), float(estimate), tuple(ends) if ends else None))
            for name, value in ((cell["evidence"].get("details") or {}).get("curves") or {}).items():
                if value is not None and value > 0:
                    curves[name].append((float(x), float(value)))
        title = f"{one.y} {formats.number(y)}" if one.y else ""
        found.append(Panel(title, tuple(measured), {name: tuple(points) for name, points in curves.items()}))
    return found


def ratios(one: Map) -> list[tuple[str, str]]:
    """For each curve its ratio to the estimates, smallest to largest over the cells, in words."""
    found = []
    for name in curve_names(one):
        values = [
            value / cell["evidence"]["estimate"]
            for cell in one.cells.values()
            if (value := ((cell["evidence"].get("details") or {}).get("curves") or {}).get(name)) is not None
            and (cell["evidence"].get("estimate") or 0) > 0
        ]
        found.append((name, formats.ratio_range(values)))
    return found


def draw(one: Map, measured: str, title: str = "", subtitle: str = "") -> str:
    """The panels as a standalone SVG document, empty if the map carries no curves or its x axis has no logarithm.

    Arguments:
        one: the map.
        measured: what the estimates are, for the axis.
        title: a line above, for a figure that stands alone.
        subtitle: a line below the title.
    """
    shown, names = panels(one), curve_names(one)
    numbers = [value for panel in shown for value in _values(panel)]
    places = [x for x in one.xs if not isinstance(x, (str, bool)) and x > 0]
    if not names or not numbers or len(places) < 2:
        return ""
    low, high = _decades(min(numbers), max(numbers))
    top = (48.0 if title else 6.0) + 18
    left = 60.0
    width = max(left + len(shown) * (PANEL_W + GAP) + 4, left + width_of(subtitle, 11.5) + 10, left + width_of(title, 15) + 10)
    legend, lines = _legend(names, left, width)
    height = top + PANEL_H + 48 + 20 * lines
    parts = []
    if title:
        parts += [text(left, 20, title, 14, weight="600"), text(left, 38, subtitle, 11.5, soft=True)]
    parts.append(text(14, top + PANEL_H / 2, measured, 12, anchor="middle", turn=-90))
    for index, panel in enumerate(shown):
        frame = _Frame(left + index * (PANEL_W + GAP), top, (min(places), max(places)), (low, high))
        parts += [
            text(frame.left + PANEL_W / 2, top - 7, panel.title, 11.5, anchor="middle"),
            *_axes(frame, places, index == 0),
        ]
        parts += _lines(panel, names, frame, "" if title else one.x)
    middle = left + (len(shown) * (PANEL_W + GAP) - GAP) / 2
    parts.append(text(middle, top + PANEL_H + 34, one.labels.get(one.x) or one.x, 12, anchor="middle"))
    parts += [f'<g transform="translate(0 {top + PANEL_H + 54:g})">', *legend, "</g>"]
    return document(width, height, title or measured, parts)


@dataclass(frozen=True)
class _Frame:
    left: float
    top: float
    xs: tuple[float, float]
    decades: tuple[int, int]

    def at(self, x: float, value: float) -> tuple[float, float]:
        u = math.log(x / self.xs[0]) / math.log(self.xs[1] / self.xs[0])
        v = (math.log10(value) - self.decades[0]) / (self.decades[1] - self.decades[0])
        return self.left + 8 + u * (PANEL_W - 16), self.top + PANEL_H * (1 - v)


def _values(panel: Panel) -> list[float]:
    # Intervals are clipped to the frame; only estimates and curves set its size.
    return [y for _, y, _ in panel.measured] + [y for points in panel.curves.values() for _, y in points]


def _decades(low: float, high: float) -> tuple[int, int]:
    first, last = math.floor(math.log10(low)), math.ceil(math.log10(high))
    return first, max(last, first + 1)


def _axes(frame: _Frame, places: Sequence[Any], labelled: bool) -> list[str]:
    parts = [
        f'<path class="frame" d="{box(frame.left, frame.top, PANEL_W, PANEL_H)}" fill="none" stroke="{SOFT}" '
        'stroke-width="0.75"/>'
    ]
    first, last = frame.decades
    step = max(1, math.ceil((last - first) / 6))
    for decade in range(first, last + 1, step):
        _, y = frame.at(frame.xs[0], 10.0**decade)
        if first < decade < last:
            parts.append(f'<path d="M{short(frame.left)} {short(y)}h{PANEL_W:g}" stroke="{RULE}" stroke-width="0.5"/>')
        if labelled:
            parts.append(text(frame.left - 6, y + 4, formats.number(10.0**decade if decade else 1), 11, anchor="end"))
    taken = -math.inf
    for x in places:
        at, _ = frame.at(x, 10.0**first)
        words = formats.tick(x)
        if at - width_of(words, 11) / 2 > taken + 4:
            parts.append(text(at, frame.top + PANEL_H + 15, words, 11, anchor="middle"))
            taken = at + width_of(words, 11) / 2
    return parts


def _lines(panel: Panel, names: list[str], frame: _Frame, x_name: str) -> list[str]:
    """Curves, and points with their intervals; with a name of the x axis every point says its numbers."""
    parts = []
    for index, name in enumerate(names):
        points = panel.curves.get(name, ())
        if points:
            path = "M" + "L".join(f"{short(x)} {short(y)}" for x, y in (frame.at(*point) for point in points))
            parts.append(f'<path d="{path}" fill="none" {_stroke(index)} stroke-linejoin="round"/>')
    floor, ceiling = frame.top + PANEL_H, frame.top
    bars, dots = [], []
    for x, value, ends in panel.measured:
        at, y = frame.at(x, value)
        if ends:
            low = frame.at(x, ends[0])[1] if ends[0] > 0 else floor
            high = frame.at(x, ends[1])[1] if ends[1] > 0 else floor
            low, high = min(low, floor), max(high, ceiling)
            if low > high:
                bars.append(f"M{short(at)} {short(high)}V{short(low)}")
        said = f"<title>{escape(_said(panel, x_name, (x, value, ends)))}</title>" if x_name else ""
        dots.append(f'<circle cx="{short(at)}" cy="{short(y)}" r="3"{f">{said}</circle>" if said else "/>"}')
    ink = FULL["holds"]
    if bars:
        parts.append(f'<path class="bars" d="{"".join(bars)}" fill="none" stroke="{ink}" stroke-width="1.2"/>')
    return [*parts, f'<g class="points" fill="{ink}" stroke="#fff" stroke-width="0.8">', *dots, "</g>"]


def _said(panel: Panel, x_name: str, point: tuple[float, float, tuple[float, float] | None]) -> str:
    """A point's numbers in words: where it is, what was measured there, and each curve."""
    x, value, ends = point
    where = ", ".join(part for part in (f"{x_name} {formats.number(x)}", panel.title) if part)
    beside = [
        f"{name} {formats.number(at[x])}" for name, points in panel.curves.items() if x in (at := dict(points))
    ]
    return "; ".join([f"{where}: measured {formats.number(value)} {formats.interval(ends)}".rstrip(), *beside])


def _stroke(index: int) -> str:
    dash = DASHES[index % len(DASHES)]
    dashed = f' stroke-dasharray="{dash}"' if dash else ""
    # The page redraws the first, dark curve in its own ink.
    kind = "" if index % len(COLOURS) else 'class="line" '
    return f'{kind}stroke="{COLOURS[index % len(COLOURS)]}" stroke-width="1.7"{dashed}'


def _legend(names: list[str], left: float, width: float) -> tuple[list[str], int]:
    """The legend, its first line at ordinate 0, and its number of lines."""
    parts = [f'<circle cx="{short(left + 10)}" cy="-4" r="3" fill="{FULL["holds"]}"/>', text(left + 22, 0, "measured", 11)]
    x, line = left + 22 + width_of("measured", 11) + 18, 0
    for index, name in enumerate(names):
        wide = 32 + width_of(name, 11) + 18
        if x + wide > width:
            x, line = left, line + 1
        parts.append(f'<path d="M{short(x)} {20 * line - 4:g}h26" fill="none" {_stroke(index)}/>')
        parts.append(text(x + 32, 20 * line, name, 11))
        x += wide
    return parts, line + 1
