"""A picture of an example: polygons of a plane, coloured by what they share."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, kw_only=True)
class Picture:
    """Polygons to be drawn on a claim's page.

    Attributes:
        caption: what is seen, in a sentence.
        polygons: vertices (x, y) in order of each polygon.
        groups: for each polygon the number of the piece that it belongs to; polygons of one piece share a colour.
    """

    caption: str
    polygons: Sequence[Sequence[tuple[float, float]]]
    groups: Sequence[int]

    def as_dict(self) -> dict[str, Any]:
        """The picture as JSON-able data, coordinates with five digits."""
        return {
            "caption": self.caption,
            "polygons": [[[float(f"{x:.5g}"), float(f"{y:.5g}")] for x, y in polygon] for polygon in self.polygons],
            "groups": [int(group) for group in self.groups],
        }
