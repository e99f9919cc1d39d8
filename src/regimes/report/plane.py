"""A claim's picture as SVG: polygons of a plane, each piece in one colour, neighbours told apart by their edges."""

from __future__ import annotations

import colorsys
from itertools import pairwise
from typing import Any

from regimes.report.canvas import SOFT, box, document, short, text, width_of

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
    parts = [text(8, 20, title, 14, weight="600")] if title else []
    pieces: dict[str, list[str]] = {}
    for polygon, group in zip(picture["polygons"], picture["groups"], strict=True):
        placed = [(8 + scale * (x - low[0]), top + tall - scale * (y - low[1])) for x, y in polygon]
        corners = [(round(10 * x), round(10 * y)) for x, y in placed]
        pieces.setdefault(colour(group), []).append(_outline(corners))
    parts.append('<g stroke="#33383d" stroke-width="0.45" stroke-linejoin="round">')
    parts += [f'<path fill="{fill}" d="{"".join(paths)}"/>' for fill, paths in pieces.items()]
    parts += ["</g>", f'<path d="{box(8, top, wide, tall)}" fill="none" stroke="{SOFT}" stroke-width="0.75"/>']
    return document(width, height, picture["caption"], parts)


def _outline(corners: list[tuple[int, int]]) -> str:
    """A closed path through corners in tenths of a pixel, in steps from one to the next, which are short to write."""
    steps = " ".join(f"{short((x - u) / 10)} {short((y - v) / 10)}" for (u, v), (x, y) in pairwise(corners))
    return f"M{short(corners[0][0] / 10)} {short(corners[0][1] / 10)}l{steps}z".replace(" -", "-")
