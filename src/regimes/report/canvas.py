"""Colours, signs and text of the drawings."""

from __future__ import annotations

import re
from html import escape

FULL = {"holds": "#0072b2", "refuted": "#d55e00", "undecided": "#8a8a8a"}
TINT = {"holds": "#cfe3f1", "refuted": "#f9dcc6", "undecided": "#e6e6e6"}
ACCENT = {"holds": "#0072b2", "refuted": "#c24e00", "undecided": "#6f6f6f"}
SHIFTED = re.compile("[⁰¹²³⁴⁵⁶⁷⁸⁹⁻]+|[₀₁₂₃₄₅₆₇₈₉]+")
DIGITS = str.maketrans("⁰¹²³⁴⁵⁶⁷⁸⁹⁻₀₁₂₃₄₅₆₇₈₉", "0123456789−0123456789")
INK, SOFT, RULE = "#1a1a1a", "#555555", "#bbbbbb"
NARROW, WIDE = "iljtfr.,:;'|!()[] \u2009\u202f⁰¹²³⁴⁵⁶⁷⁸⁹⁻", "mwMW@%—→"


def width_of(words: str, size: float) -> float:
    """Roughly how wide a text is, in pixels, in a sans-serif of a size."""
    return size * sum(
        0.34 if letter in NARROW else 0.86 if letter in WIDE else 0.67 if letter.isupper() else 0.53 for letter in words
    )


def text(
    x: float, y: float, words: str, size: float, *, anchor: str = "start", weight: str = "", turn: float = 0,
    fill: str = INK, kind: str = "ink",
) -> str:  # fmt: skip
    """A line of text.

    Arguments:
        x: its anchor's abscissa.
        y: its anchor's ordinate, downwards.
        words: plain text, escaped here.
        size: font size.
        anchor: `start`, `middle` or `end`.
        weight: font weight.
        turn: degrees, clockwise about the anchor.
        fill: colour.
        kind: class by which a page restyles it.
    """
    place = f'transform="translate({x:g} {y:g}) rotate({turn:g})"' if turn else f'x="{x:g}" y="{y:g}"'
    more = (f' text-anchor="{anchor}"' if anchor != "start" else "") + (f' font-weight="{weight}"' if weight else "")
    return f'<text {place} font-size="{size:g}"{more} class="{kind}" fill="{fill}">{_shifted(words)}</text>'


def _shifted(words: str) -> str:
    """Escaped text with raised and lowered digits as smaller ones, which every font has, and thin spaces as plain ones."""
    words = escape(words.replace("\u2009", "\u00a0").replace("\u202f", "\u00a0"))

    def shift(found: re.Match[str]) -> str:
        off, back = ("0.22em", "-0.16em") if found[0][0] in "₀₁₂₃₄₅₆₇₈₉" else ("-0.42em", "0.3em")
        return f'<tspan dy="{off}" font-size="72%">{found[0].translate(DIGITS)}</tspan>' + (
            f'<tspan dy="{back}">\u200b</tspan>' if found.end() < len(words) else ""
        )

    return SHIFTED.sub(shift, words)


def hatch(left: float, top: float, width: float, height: float, ink: str = INK) -> str:
    """Slanted strokes over a box, which mark a vacuous bound.

    Arguments:
        left: the box's left edge.
        top: its upper edge.
        width: its width.
        height: its height.
        ink: colour of the strokes.
    """
    strokes, step = [], 7.0
    offset = step / 2
    while offset < width + height:
        # The stroke x + y = offset, cut off at the box.
        x, y = min(offset, width), max(0.0, offset - width)
        u, v = max(0.0, offset - height), min(offset, height)
        strokes.append(f"M{left + x:.1f} {top + y:.1f}L{left + u:.1f} {top + v:.1f}")
        offset += step
    return f'<path class="hatch" d="{"".join(strokes)}" fill="none" stroke="{ink}" stroke-width="1" stroke-opacity="0.7"/>'


def sign(verdict: str, x: float, y: float, size: float, ink: str, ground: str) -> str:
    """The sign of a verdict about a point, as outlines: a dot, a cross or a question mark.

    Arguments:
        verdict: the verdict.
        x: its middle's abscissa.
        y: its middle's ordinate, downwards.
        size: the smaller side of the cell.
        ink: colour.
        ground: colour of the cell, which parts the sign from a line below it.
    """
    if verdict == "holds":
        around = f'stroke="{ground}" stroke-width="{size * 0.14:.3g}" paint-order="stroke"'
        return f'<circle class="sign" cx="{x:g}" cy="{y:g}" r="{size * 0.1:.3g}" fill="{ink}" {around}/>'
    if verdict == "refuted":
        arm = round(size * 0.15, 2)
        return (
            f'<path class="sign stroke" '
            f'd="M{x - arm:g} {y - arm:g}l{2 * arm:g} {2 * arm:g}m0 {-2 * arm:g}l{-2 * arm:g} {2 * arm:g}" '
            f'fill="none" stroke="{ink}" stroke-width="{size * 0.07:.3g}" stroke-linecap="round"/>'
        )
    unit = size * 0.052
    hook = f"M{x - 2.4 * unit:.2f} {y - 2.2 * unit:.2f}"
    hook += f"c0 {-3.4 * unit:.2f} {4.8 * unit:.2f} {-3.4 * unit:.2f} {4.8 * unit:.2f} 0"
    tail = f"c0 {1.9 * unit:.2f} {-2.4 * unit:.2f} {1.7 * unit:.2f} {-2.4 * unit:.2f} {3.9 * unit:.2f}"
    dot = f"m0 {2.5 * unit:.2f}v0.01"
    return (
        f'<path class="sign stroke" d="{hook}{tail}{dot}" fill="none" stroke="{ink}" '
        f'stroke-width="{size * 0.062:.3g}" stroke-linecap="round"/>'
    )
