"""Drawings as PNG."""

from __future__ import annotations

import io
import re

from regimes.report.canvas import FONT, INK

COLOURS = 16


def to_png(svg: str, scale: float = 1.25) -> bytes:
    """A drawing as PNG with a small palette, five pixels to four units by default; the same bytes on every machine.

    Arguments:
        svg: the drawing.
        scale: pixels to a unit.
    """
    import oxipng
    import vl_convert
    from PIL import Image

    # Of the fonts that a drawing asks for, the converter brings one along; the others are here or not.
    drawn = Image.open(io.BytesIO(vl_convert.svg_to_png(svg.replace(FONT, "Liberation Sans"), scale=scale))).convert("RGB")
    wanted = _palette(svg)
    if len(wanted) <= COLOURS:
        chart = Image.new("P", (1, 1))
        chart.putpalette([part for colour in wanted for part in colour])
        reduced = drawn.quantize(palette=chart, dither=Image.Dither.NONE)
    else:
        reduced = drawn.quantize(4 * COLOURS, dither=Image.Dither.NONE)
    packed = io.BytesIO()
    reduced.save(packed, "PNG", optimize=True)
    return oxipng.optimize_from_memory(packed.getvalue(), level=3)


def _palette(svg: str) -> list[tuple[int, ...]]:
    """The drawing's colours, exactly, and as far as there is room what lies between ink, or a colour, and white paper."""
    named = dict.fromkeys(re.findall(r'"#([0-9a-f]{3}|[0-9a-f]{6})"', svg))
    full = [one if len(one) == 6 else "".join(2 * digit for digit in one) for one in named]
    colours = [tuple(int(one[k : k + 2], 16) for k in (0, 2, 4)) for one in full]
    edges = [_mixed(tuple(int(INK[k : k + 2], 16) for k in (1, 3, 5)), share) for share in (0.5, 0.25, 0.75)]
    edges += [_mixed(colour, 0.5) for colour in colours if max(colour) - min(colour) > 60]
    return list(dict.fromkeys([*colours, *edges[: max(0, COLOURS - len(colours))]]))


def _mixed(colour: tuple[int, ...], share: float) -> tuple[int, ...]:
    return tuple(round(share * part + (1 - share) * 255) for part in colour)
