"""Colours, signs and text of the drawings."""

from __future__ import annotations

import re
from collections.abc import Iterable
from html import escape

from regimes.report.formats import printable

FULL = {"holds": "#0072b2", "refuted": "#d55e00", "undecided": "#8a8a8a"}
TINT = {"holds": "#cfe3f1", "refuted": "#f9dcc6", "undecided": "#e6e6e6"}
ACCENT = {"holds": "#0072b2", "refuted": "#c24e00", "undecided": "#6f6f6f"}
SHIFTED = re.compile("[⁰¹²³⁴⁵⁶⁷⁸⁹⁻]+|[₀₁₂₃₄₅₆₇₈₉]+")
DIGITS = str.maketrans("⁰¹²³⁴⁵⁶⁷⁸⁹⁻₀₁₂₃₄₅₆₇₈₉", "0123456789−0123456789")
FONT, SIZE = "Helvetica Neue, Helvetica, Arial, Liberation Sans, sans-serif", 11
INK, SOFT, RULE = "#1a1a1a", "#555555", "#bbbbbb"
NARROW, WIDE = "iljtfr.,:;'|!()[] \u2009\u202f⁰¹²³⁴⁵⁶⁷⁸⁹⁻", "mwMW@%—→"


def short(value: float) -> str:
    """A coordinate with at most two decimals, as short as SVG allows."""
    text = f"{value:.2f}".rstrip("0").rstrip(".")
    return "0" if text in ("-0", "") else text.replace("0.", ".", 1) if text.startswith(("0.", "-0.")) else text


def document(width: float, height: float, label: str, parts: Iterable[str], role: str = "img") -> str:
    """A standalone SVG document on white paper; texts have the font, size and ink given here unless they say otherwise.

    Arguments:
        width: width in pixels.
        height: height in pixels.
        label: what a screen reader calls it.
        parts: its elements, from the lowest to the topmost.
        role: `img`, or `group` for a drawing whose parts are read one by one.
    """
    size = f'viewBox="0 0 {width:g} {height:g}" width="{width:g}" height="{height:g}"'
    head = (
        f'<svg xmlns="http://www.w3.org/2000/svg" {size} font-family="{FONT}" font-size="{SIZE}" fill="{INK}" '
        f'role="{role}" aria-label="{escape(label, quote=True)}">'
    )
    whole = "\n".join([head, f'<path class="paper" d="M0 0h{width:g}v{height:g}H0z" fill="#fff"/>', *parts, "</svg>"])
    return printable(whole) + "\n"


def width_of(words: str, size: float) -> float:
    """Roughly how wide a text is, in pixels, in a sans-serif of a size."""
    return size * sum(
        0.34 if letter in NARROW else 0.86 if letter in WIDE else 0.67 if letter.isupper() else 0.53 for letter in words
    )


def text(
    x: float, y: float, words: str, size: float, *, anchor: str = "start", weight: str = "", turn: float = 0,
    soft: bool = False,
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
        soft: in grey, for what a reader may skip.
    """
    at = short(x), short(y)
    place = f'transform="translate({at[0]} {at[1]}) rotate({turn:g})"' if turn else f'x="{at[0]}" y="{at[1]}"'
    more = (f' text-anchor="{anchor}"' if anchor != "start" else "") + (f' font-weight="{weight}"' if weight else "")
    more += (f' font-size="{size:g}"' if size != SIZE else "") + (f' class="soft" fill="{SOFT}"' if soft else "")
    return f"<text {place}{more}>{_shifted(words)}</text>"


def _shifted(words: str) -> str:
    """Escaped text with raised and lowered digits as smaller ones, which every font has, and thin spaces as plain ones."""
    words = escape(words.replace("\u2009", "\u00a0").replace("\u202f", "\u00a0"))

    def shift(found: re.Match[str]) -> str:
        off, back = ("0.22em", "-0.16em") if found[0][0] in "₀₁₂₃₄₅₆₇₈₉" else ("-0.42em", "0.3em")
        return f'<tspan dy="{off}" font-size="72%">{found[0].translate(DIGITS)}</tspan>' + (
            f'<tspan dy="{back}">\u200b</tspan>' if found.end() < len(words) else ""
        )

    return SHIFTED.sub(shift, words)


def hatch(left: float, top: float, width: float, height: float) -> str:
    """Path of slanted strokes over a box, which mark a vacuous bound.

    Arguments:
        left: the box's left edge.
        top: its upper edge.
        width: its width.
        height: its height.
    """
    strokes, step = [], 7.0
    offset = step / 2
    while offset < width + height:
        # The stroke x + y = offset, cut off at the box.
        x, y = min(offset, width), max(0.0, offset - width)
        u, v = max(0.0, offset - height), min(offset, height)
        strokes.append(f"M{short(left + x)} {short(top + y)}L{short(left + u)} {short(top + v)}")
        offset += step
    return "".join(strokes)


def hatching(kind: str, path: str, ink: str = INK) -> str:
    """The element that draws paths of `hatch` in one ink."""
    return f'<path class="{f"hatch {kind}".strip()}" d="{path}" fill="none" stroke="{ink}" stroke-width="0.7"/>'


def box(left: float, top: float, width: float, height: float) -> str:
    """Path of a box."""
    return f"M{short(left)} {short(top)}h{short(width)}v{short(height)}h{short(-width)}z"


def sign(verdict: str, x: float, y: float, size: float) -> str:
    """Path of a verdict's sign about a point: a dot, a cross or a question mark; to be stroked with round ends.

    Arguments:
        verdict: the verdict.
        x: its middle's abscissa.
        y: its middle's ordinate, downwards.
        size: the smaller side of the cell.
    """
    if verdict == "holds":
        # A stroke of no length with round ends is a dot.
        return f"M{short(x)} {short(y)}h0"
    if verdict == "refuted":
        arm = size * 0.15
        return f"M{short(x - arm)} {short(y - arm)}l{short(2 * arm)} {short(2 * arm)}" + (
            f"m0 {short(-2 * arm)}l{short(-2 * arm)} {short(2 * arm)}"
        )
    unit = size * 0.052
    hook = f"M{short(x - 2.4 * unit)} {short(y - 2.2 * unit)}"
    hook += f"c0 {short(-3.4 * unit)} {short(4.8 * unit)} {short(-3.4 * unit)} {short(4.8 * unit)} 0"
    tail = f"c0 {short(1.9 * unit)} {short(-2.4 * unit)} {short(1.7 * unit)} {short(-2.4 * unit)} {short(3.9 * unit)}"
    return f"{hook}{tail}m0 {short(2.5 * unit)}h0"


THICKNESS = {"holds": 0.2, "refuted": 0.07, "undecided": 0.062}


def signs(verdict: str, inside: bool, path: str, size: float, ringed: bool = False) -> str:
    """The element that draws paths of `sign` for cells of one verdict on one side of the premise.

    Arguments:
        verdict: the verdict.
        inside: whether the cells are promised.
        path: the signs.
        size: the smaller side of a cell.
        ringed: dots have a ring in the colour of their cell, which parts them from a line below.
    """
    fill, ink = (FULL[verdict], "#fff") if inside else (TINT[verdict], ACCENT[verdict])
    side = "in" if inside else "out"
    shape = f'd="{path}" fill="none" stroke-linecap="round"'
    ring = f'<path class="ring" {shape} stroke="{fill}" stroke-width="{short(size * 0.34)}"/>'
    ring = ring if verdict == "holds" and ringed else ""
    mark = f'<path class="sign" {shape} stroke="{ink}" stroke-width="{short(size * THICKNESS[verdict])}"/>'
    return f'<g class="{verdict} {side}">{ring}{mark}</g>'
