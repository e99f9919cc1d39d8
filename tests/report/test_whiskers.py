from __future__ import annotations

import io
import math
import re
from dataclasses import replace
from xml.etree import ElementTree

import pytest
from PIL import Image
from shelf import Shelf, threshold

from regimes.report import figure
from regimes.report.lines import position
from regimes.report.model import Map, views
from regimes.report.pdf import to_pdf
from regimes.report.raster import to_png

SVG = "{http://www.w3.org/2000/svg}"
CLAIM = "doe2019band/band"


@pytest.fixture
def one(store: Shelf) -> Map:
    return views(store, [CLAIM])[0].maps[0]


def marks(one: Map) -> tuple[list[tuple[float, float]], str, str]:
    """Leftmost points of the marks in cells, and the paths of whiskers and marks; what the legend has is left out."""
    root, layout = ElementTree.fromstring(figure.draw(one)), figure.layout_of(one)
    group = next((node for node in root.iter(f"{SVG}g") if node.get("class") == "marks measured"), None)
    if group is None:
        return [], "", ""
    paths = {node.get("class"): node.get("d", "") for node in group}
    at = [(float(x), float(y)) for x, y in re.findall(r"M([\d.]+) ([\d.]+)", paths["mark"])]
    return [((x - layout.left) / layout.cell_w, (layout.floor - y) / layout.cell_h) for x, y in at], paths.get("line", ""), paths["mark"]


def drawn(one: Map, *thresholds: dict) -> tuple[list[tuple[float, float]], str, str]:
    return marks(replace(one, thresholds=thresholds))


def test_the_thresholds_of_the_map_s_own_conditions_are_on_it(one: Map, store: Shelf) -> None:
    assert [row["row"]["depth"] for row in one.thresholds] == [1, 2]
    for other in ({"subject": "another"}, {"seed": 1}, {"settings": {}}, {"axis": "gain"}, {"row": {"depth": 1, "epsilon": 0.1}}, {"row": {"depth": 3, "epsilon": 0.5}}):
        store._thresholds[CLAIM] = [threshold(CLAIM, 1, **other)]
        assert views(store, [CLAIM])[0].maps[0].thresholds == ()


def test_each_lies_between_the_ends_of_its_bracket_in_its_row(one: Map) -> None:
    found, whisker, _ = marks(one)
    layout = figure.layout_of(one)
    assert whisker.count("L") == 1  # from 4 to 5; the bracket from 9 to 10 is narrower than its mark
    for (u, v), row in zip(found, one.thresholds, strict=True):
        ends = [position(row[name], one.xs) for name in ("refuted", "holds")]
        assert ends[0] - 0.01 <= u + 4.5 / layout.cell_w <= ends[1] + 0.01
        assert v == pytest.approx(one.ys.index(row["row"]["depth"]) + 0.5, abs=0.01)


def test_a_wide_bracket_has_a_whisker_from_end_to_end(one: Map) -> None:
    _, whisker, _ = drawn(one, threshold(CLAIM, 1, refuted=4.0, holds=64.0, undecided=3))
    layout = figure.layout_of(one)
    left, right = (layout.at(position(at, one.xs), 0)[0] for at in (4, 64))
    assert [float(x) for x in re.findall(r"[ML]([\d.]+) ", whisker)] == pytest.approx([left, right, left], abs=0.01)
    # One that goes on beyond the map ends at its edge.
    _, whisker, _ = drawn(one, threshold(CLAIM, 1, refuted=64.0, holds=8192.0))
    assert max(float(x) for x in re.findall(r"[ML]([\d.]+) ", whisker)) == pytest.approx(layout.right)


@pytest.mark.parametrize(
    ("ends", "side", "way"),
    [({"refuted": None, "holds": 16.0}, "least", -1), ({"refuted": 16.0, "holds": None}, "least", 1),
     ({"refuted": None, "holds": 16.0}, "most", 1), ({"refuted": 16.0, "holds": None}, "most", -1)],
)  # fmt: skip
def test_a_search_that_met_one_end_points_to_where_the_claim_must_turn(one: Map, ends: dict, side: str, way: int) -> None:
    ((u, _),), whisker, path = drawn(one, threshold(CLAIM, 1, side=side, **ends))
    assert whisker == ""
    tip = position(16, one.xs) + way * 4.5 / figure.layout_of(one).cell_w
    assert u == pytest.approx(tip, abs=0.01)
    assert float(re.findall(r"l(-?[\d.]+)", path)[0]) == -9 * way


def test_what_is_off_the_map_or_was_never_decided_is_not_drawn(one: Map) -> None:
    assert drawn(one, threshold(CLAIM, 1, refuted=9000.0, holds=9001.0), threshold(CLAIM, 2, refuted=None, holds=None))[0] == []


def test_a_threshold_along_the_other_axis_stands_upright(one: Map) -> None:
    row = {"width": 64, "epsilon": 0.5}
    (((u, v),), whisker, _) = drawn(one, threshold(CLAIM, 1, axis="depth", side="most", row=row, refuted=64.0, holds=4.0))
    layout = figure.layout_of(one)
    assert u + 4.5 / layout.cell_w == pytest.approx(one.xs.index(64) + 0.5, abs=0.01)
    assert v == pytest.approx(position(16, one.ys), abs=0.01)
    ends = sorted(float(y) for y in re.findall(r"[ML][\d.]+ ([\d.]+)", whisker))
    assert ends[-1] - ends[0] == pytest.approx(layout.cell_h * math.log2(64 / 4), abs=0.05)
    ((_, v),), _, path = drawn(one, threshold(CLAIM, 1, axis="depth", side="most", row=row, refuted=None, holds=4.0))
    assert v == pytest.approx(position(4, one.ys) + 4.5 / layout.cell_h, abs=0.01)
    assert "h9" in path


def test_the_legend_says_what_it_is_and_every_format_has_it(one: Map) -> None:
    svg, without = figure.draw(one, "Title", "subtitle"), figure.draw(replace(one, thresholds=()), "Title", "subtitle")
    assert "measured threshold" in svg and "measured threshold" not in without
    assert to_pdf(svg) != to_pdf(without)
    image, plain = (Image.open(io.BytesIO(to_png(drawing))).convert("L") for drawing in (svg, without))
    layout = figure.layout_of(one)
    # In grey: a dark edge about a light middle, where there was the cell.
    u, v = position(4.5, one.xs), 0.5
    shift = 54.0 - 10.0  # the title's lines
    x, y = (1.25 * (part + extra) for part, extra in zip(layout.at(u, v), (0, shift), strict=True))
    across = [image.getpixel((round(x + k), round(y))) for k in range(-9, 10)]
    assert max(across[7:12]) > 230
    assert min(across[1:8]) < 120 and min(across[11:18]) < 120
    assert image.size[0] == plain.size[0]
