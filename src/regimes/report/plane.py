"""A claim's picture as SVG: polygons of a plane, each piece in one colour, neighbours told apart by their edges."""

from __future__ import annotations

import colorsys
from html import escape
from typing import Any

from regimes.report.canvas import SOFT, text, width_of
from regimes.report.figure import FONT

SIDE = 460.0
GOLDEN = 0.61803398875


def colour(piece: int) -> str:
    """A pastel for a piece: hues by the golden ratio, so that pieces of near numbers differ."""
    lightness = (0.72, 0.82, 0.90)[piece % 3]
    red, green, blue = colorsys.hls_to_rgb((0.58 + GOLDEN * piece) % 1, lightness, 0.55)
    return f"#{round(255 * red):02x}{round(255 * green):02x}{round(255 * blue):02x}"


def draw(picture: dict[str, Any], title: str = "") -> str:
    """The picture as a standalone SVG document.

    Arguments:
        picture: `Picture.as_dict()`.
        title: a line above, for a figure that stands alone.
    """
    points = [point for polygon in picture["polygons"] for point in polygon]
    if not points:
        return ""
    low = [min(point[axis] for point in points) for axis in (0, 1)]
    high = [max(point[axis] for point in points) for axis in (0, 1)]
    scale = SIDE / max(high[0] - low[0], high[1] - low[1], 1e-300)
    wide, tall = scale * (high[0] - low[0]), scale * (high[1] - low[1])
    top = 34.0 if title else 6.0
    width, height = max(wide, width_of(title, 15)) + 16, tall + top + 10
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width:g} {height:g}" width="{width:g}" height="{height:g}" '
        f'font-family="{FONT}" role="img" aria-label="{escape(picture["caption"], quote=True)}">',
        f'<rect class="paper" width="{width:g}" height="{height:g}" fill="#ffffff"/>',
    ]
    if title:
        parts.append(text(8, 20, title, 14, weight="600"))
    for polygon, group in zip(picture["polygons"], picture["groups"], strict=True):
        corners = " ".join(f"{8 + scale * (x - low[0]):.2f},{top + tall - scale * (y - low[1]):.2f}" for x, y in polygon)
        parts.append(f'<polygon points="{corners}" fill="{colour(group)}" stroke="#33383d" stroke-width="0.45"/>')
    parts.append(
        f'<rect x="8" y="{top:g}" width="{wide:g}" height="{tall:g}" fill="none" stroke="{SOFT}" stroke-width="0.75"/>'
    )
    return "\n".join([*parts, "</svg>"]) + "\n"
