"""Measured thresholds on a map: a whisker from one end of a bracket to the other, and a lozenge in its middle.

A bracket is mostly narrower than the lozenge, which then stands alone. Where the search met one end only, a triangle at that
end points to where the threshold must be.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from regimes.report.canvas import INK, short
from regimes.report.lines import position
from regimes.report.model import Map

if TYPE_CHECKING:
    from regimes.report.figure import Layout

HALF, CAP = 4.5, 4  # of a lozenge and of a whisker's end, in pixels


def whiskers(one: Map, layout: Layout) -> list[str]:
    """The measured thresholds of a map, those on either of its axes."""
    strokes, marks = [], []
    for threshold in one.thresholds:
        across = threshold["axis"] == one.x
        points, others, other = (one.xs, one.ys, one.y) if across else (one.ys, one.xs, one.x)
        level = others.index(threshold["row"][other] if other else "") + 0.5
        ends = [None if threshold[name] is None else position(threshold[name], points) for name in ("refuted", "holds")]
        known = [end for end in ends if end is not None]
        middle = sum(known) / max(len(known), 1)
        if not known or not 0 <= middle <= len(points):
            continue
        x, y = layout.at(middle, level) if across else layout.at(level, middle)
        if len(known) == 1:
            # The claim turns beyond the only end: below it if it holds there and asks for much, and so on.
            onward = (ends[0] is not None) == (threshold["side"] == "least")
            marks.append(_triangle(x, y, 1 if onward == across else -1, across))
            continue
        low, high = sorted(min(max(end, 0), len(points)) for end in known)
        (u, v), (s, t) = (layout.at(at, level) if across else layout.at(level, at) for at in (low, high))
        if max(abs(s - u), abs(t - v)) > 2 * HALF:
            strokes.append(_whisker(u, v, s, t, across))
        marks.append(lozenge(x, y))
    if not marks:
        return []
    return ['<g class="marks measured">', *draw(strokes, marks), "</g>"]


def draw(strokes: Sequence[str], marks: Sequence[str]) -> list[str]:
    """Whiskers, and lozenges and triangles above them, legible on any cell and without colours."""
    path, above = "".join(strokes), "".join(marks)
    halo = f'<path class="halo" d="{path}{above}" fill="none" stroke="#fff" stroke-width="4.5"/>'
    line = [f'<path class="line" d="{path}" fill="none" stroke="{INK}" stroke-width="1.8"/>'] if path else []
    return [halo, *line, f'<path class="mark" d="{above}" fill="#fff" stroke="{INK}" stroke-width="1.6"/>']


def lozenge(x: float, y: float) -> str:
    """Path of a lozenge about a point."""
    return f"M{short(x - HALF)} {short(y)}l{HALF} {-HALF} {HALF} {HALF} {-HALF} {HALF}z"


def _triangle(x: float, y: float, way: int, across: bool) -> str:
    """Path of a triangle that points along an axis: right or down if `way` is 1, left or up if it is -1."""
    if across:
        return f"M{short(x + way * HALF)} {short(y)}l{-2 * way * HALF} {-HALF}v{2 * HALF}z"
    return f"M{short(x)} {short(y + way * HALF)}l{-HALF} {-2 * way * HALF}h{2 * HALF}z"


def _whisker(u: float, v: float, s: float, t: float, across: bool) -> str:
    cap = f"m0 {-CAP}v{2 * CAP}" if across else f"m{-CAP} 0h{2 * CAP}"
    return f"M{short(u)} {short(v)}L{short(s)} {short(t)}{cap}M{short(u)} {short(v)}{cap}"
