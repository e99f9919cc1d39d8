from __future__ import annotations

import re
from xml.etree import ElementTree

from shelf import HOSTILE, cell, shelf

from regimes.report import chart, figure, plane
from regimes.report.build import contents
from regimes.report.model import Map, views

BAND = "doe2019band/band"


def with_curves() -> dict[str, str | bytes]:
    store = shelf()
    store._claims = [{**store._claims[0], "measures": "regions", "picture": PICTURE}]
    store._cells = {BAND: []}
    for depth in (1, 2, 4, 8, 16):
        for width in (2, 4, 8):
            one = cell(BAND, width, depth, "holds", True, None, None)
            one["evidence"]["estimate"] = 1.0 * width * depth
            one["evidence"]["interval"] = [0.0, 2.0 * width * depth]
            one["evidence"]["details"] = {
                "curves": {"exact": 1.1 * width * depth, HOSTILE: 1e20, "nowhere": None},
                "vacuous": width == 2,
            }
            store._cells[BAND].append(one)
    return dict(contents(views(store)))


PICTURE = {
    "caption": HOSTILE,
    "polygons": [[[0, 0], [1, 0], [1, 1]], [[0, 0], [1, 1], [0, 1]]],
    "groups": [0, 5],
}


def first_map() -> Map:
    store = shelf()
    return views(store)[0].maps[0]


def test_curves_and_estimates_are_drawn_in_at_most_four_panels() -> None:
    files = with_curves()
    svg = files[f"figures/{BAND}-curves.svg"]
    assert isinstance(svg, str)
    ElementTree.fromstring(svg)
    # On the page every point says its numbers.
    assert str(files[f"claims/{BAND}.html"]).count("measured 2 [0, 4]; exact 2.2") == 1
    # Four panels of three points, and one in the legend.
    assert len(re.findall("<circle", svg)) == 4 * 3 + 1
    for words in ("depth 1", "depth 16", "measured", "exact", "regions"):
        assert words in svg
    assert "<script" not in svg
    assert files[f"figures/{BAND}-curves.png"][:4] == b"\x89PNG"
    assert "Measured against the bounds" in files[f"claims/{BAND}.html"]


def test_a_map_without_curves_has_no_chart() -> None:
    assert chart.draw(first_map(), "regions") == ""
    assert chart.curve_names(first_map()) == []


def test_vacuous_cells_are_hatched_and_explained() -> None:
    svg = with_curves()[f"figures/{BAND}.svg"]
    assert isinstance(svg, str)
    # One path over the five cells of the narrowest width, of as many strokes for each, and one in the legend.
    over, legend = re.findall(r'class="hatch[^"]*" d="([^"]+)"', svg)
    assert over.count("M") % 5 == 0 and over.count("M") >= 25 and legend.count("M") > 2
    assert "vacuous bound" in svg
    assert 'class="hatch' not in figure.draw(first_map())


def test_a_picture_is_escaped_and_stays_in_its_frame() -> None:
    files = with_curves()
    svg = files[f"figures/{BAND}-picture.svg"]
    assert isinstance(svg, str)
    ElementTree.fromstring(svg)
    assert "<script" not in svg
    outlines = re.findall(r'<path fill="(#[0-9a-f]{6})" d="M([\d.]+) ([\d.]+)l([^"]+)z"', svg)
    assert len(outlines) == 2 and outlines[0][0] != outlines[1][0]
    for _, x, y, steps in outlines:
        numbers = [float(one) for one in re.findall(r"-?[\d.]+", steps)]
        corners = [(float(x) + sum(numbers[:k:2]), float(y) + sum(numbers[1 : k + 1 : 2])) for k in range(0, len(numbers) + 1, 2)]
        assert all(8 <= u <= 8 + plane.SIDE and 34 <= v <= 34 + plane.SIDE for u, v in corners)
    assert f'<img src="../../figures/{BAND}-picture.svg"' in str(files[f"claims/{BAND}.html"])
    assert plane.colour(0) != plane.colour(1)
    assert plane.draw({"caption": "", "polygons": [], "groups": []}) == ""
