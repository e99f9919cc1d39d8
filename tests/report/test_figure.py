from __future__ import annotations

import io
import math
import re
from collections import Counter
from dataclasses import replace
from xml.etree import ElementTree

import pytest
from PIL import Image
from shelf import DEPTHS, HOSTILE, WIDTHS, Shelf

from regimes.report import figure, formats, lines
from regimes.report.canvas import width_of
from regimes.report.model import Map, views
from regimes.report.raster import to_png

SVG = "{http://www.w3.org/2000/svg}"


def drawn(store: Shelf, slug: str) -> tuple[Map, str]:
    one = views(store, [f"doe2019band/{slug}"])[0].maps[0]
    return one, figure.draw(one, "Title", "subtitle")


def texts(svg: str) -> str:
    return " | ".join("".join(node.itertext()) for node in ElementTree.fromstring(svg).iter(f"{SVG}text"))


def area_of(path: str) -> float:
    """Area of boxes written as `M x y h w v h h -w z`."""
    return sum(float(w) * float(h) for w, h in re.findall(r"M[\d.]+ [\d.]+h([\d.]+)v([\d.]+)h-[\d.]+z", path))


def test_every_cell_is_drawn_with_colour_and_sign(store: Shelf) -> None:
    one, svg = drawn(store, "band")
    root, layout = ElementTree.fromstring(svg), figure.layout_of(one)
    cells = next(node for node in root.iter(f"{SVG}g") if node.get("class") == "cells")
    marks = next(node for node in root.iter(f"{SVG}g") if node.get("class") == "marks")
    painted = {node.get("class"): area_of(node.get("d", "")) / (layout.cell_w * layout.cell_h) for node in cells if node.get("class") != "halo"}
    signed = {node.get("class"): node[-1].get("d", "") for node in marks}
    wanted = Counter(f"{cell['verdict']} {'in' if cell['inside'] else 'out'}" for cell in one.cells.values())
    assert painted == pytest.approx(dict(wanted)) and sum(wanted.values()) == 81
    # A dot and a cross each begin with one move; a cross and a question mark have a second, relative one.
    assert {kind: path.count("M") for kind, path in signed.items()} == wanted
    assert figure.name(one, 4, 256) == "width 4, depth 256: refuted, outside the premise"
    assert figure.name(one, 1024, 1) == "width 1024, depth 1: holds"


def test_lines_are_labelled_and_axes_named(store: Shelf) -> None:
    _, svg = drawn(store, "band")
    words = texts(svg)
    assert "theorem promises | right of this line | depth 256: from width 4100" in words
    assert "exact boundary" in words
    assert "width (units per hidden layer)" in words and "depth (hidden layers)" in words
    assert 'class="line premise"' in svg and 'stroke-dasharray="5 3.5"' in svg


def test_a_boundary_off_the_map_is_annotated(store: Shelf) -> None:
    _, svg = drawn(store, "far")
    assert "premise begins at width 7\u00a0×\u00a0105" in texts(svg).replace("\u200b", "")
    assert "off this map" in texts(svg)
    assert 'class="line premise"' not in svg


def test_no_label_leaves_the_drawing_of_a_map_with_few_columns(store: Shelf) -> None:
    one = views(store, ["doe2019band/far"])[0].maps[0]
    few = replace(one, xs=one.xs[:2], cells={at: cell for at, cell in one.cells.items() if at[0] in one.xs[:2]})
    root = ElementTree.fromstring(figure.draw(few, "Title", "subtitle"))
    found = [node for node in root.iter(f"{SVG}text") if "off this map" in "".join(node.itertext())]
    assert found
    for node in found:
        x, wide = float(node.get("x", 0)), width_of("".join(node.itertext()).replace("\u200b", ""), 11)
        left = x - wide if node.get("text-anchor") == "end" else x
        assert 0 <= left and left + wide <= float(root.get("width", 0))


def test_an_infinite_boundary_and_one_cell_can_be_drawn(store: Shelf) -> None:
    ElementTree.fromstring(drawn(store, "single")[1])


def test_words_on_an_axis_and_holes_can_be_drawn(store: Shelf) -> None:
    _, svg = drawn(store, "words")
    assert 'class="missing"' in svg and "narrow" in texts(svg) and "not decided yet" in texts(svg)


def test_a_premise_without_a_threshold_is_outlined(store: Shelf) -> None:
    one, svg = drawn(store, "plain")
    assert not one.rows
    assert 'class="line premise"' in svg


def test_text_in_a_figure_is_escaped(hostile_store: Shelf) -> None:
    one = views(hostile_store)[0].maps[0]
    svg = figure.draw(one, HOSTILE, HOSTILE, HOSTILE)
    assert "<script" not in svg
    ElementTree.fromstring(svg)


def test_the_line_lies_between_cells_that_are_promised_and_others(store: Shelf) -> None:
    one, _ = drawn(store, "band")
    for y, bound in one.bounds("premise_boundary"):
        at = lines.position(bound, one.xs)
        assert at is not None
        for column, x in enumerate(one.xs):
            assert one.cells[(x, y)]["inside"] == (column + 0.5 >= at - 1e-9)


@pytest.mark.parametrize(
    ("value", "expected"),
    ((4, 0.5), (8, 1.5), (1024, 8.5), (math.sqrt(32), 1.0), (2, -0.5), (0, -math.inf), (math.inf, math.inf)),
)
def test_positions_are_logarithmic(value: float, expected: float) -> None:
    assert lines.position(value, WIDTHS) == pytest.approx(expected)


def test_a_line_is_clipped_at_the_edge_where_it_leaves() -> None:
    line = lines.line([(depth, 16.0 * depth) for depth in DEPTHS], WIDTHS, DEPTHS)
    assert line is not None and line.edge == "right"
    assert line.end == pytest.approx((9.0, 7.0))
    assert line.beyond == ((128, 2048.0), (256, 4096.0))
    assert all(0 <= u <= 9 and 0 <= v <= 9 for piece in line.pieces for u, v in piece)
    assert lines.line([], WIDTHS, DEPTHS) is None
    assert lines.line([(1, 5.0)], ("a", "b"), (1,)) is None


def test_png_is_the_drawing_with_a_palette(store: Shelf) -> None:
    _, svg = drawn(store, "band")
    root = ElementTree.fromstring(svg)
    png = Image.open(io.BytesIO(to_png(svg)))
    width, height = int(root.get("width", 0)), int(root.get("height", 0))
    assert png.size == (int(1.25 * width), int(1.25 * height))
    assert png.mode == "P"
    colours = {colour for _, colour in png.convert("RGB").getcolors(1 << 20)}
    # White paper, and the full colours of the two verdicts on the map.
    for wanted in ("#ffffff", "#0072b2", "#d55e00"):
        red, green, blue = (int(wanted[k : k + 2], 16) for k in (1, 3, 5))
        assert min(abs(r - red) + abs(g - green) + abs(b - blue) for r, g, b in colours) == 0
    assert to_png(svg) == to_png(svg)



@pytest.mark.parametrize(
    ("value", "expected"),
    (
        (None, "–"), (True, "yes"), (64, "64"), (65536, "65\u202f536"), (0.05, "0.05"), (1.25e-11, "1.25\u2009×\u200910⁻¹¹"),
        (1e-6, "10⁻⁶"), (9.07e6, "9.07\u2009×\u200910⁶"), (-0.5, "−0.5"), (math.inf, "∞"), (math.nan, "NaN"), ("relu", "relu"),
        (199.3457, "199.3"), (16.0, "16"), (1038.57, "1039"), (0.0, "0"),
    ),
)  # fmt: skip
def test_numbers_read_well(value: object, expected: str) -> None:
    assert formats.number(value) == expected


def test_a_map_of_few_rows_is_tall_enough_for_its_label(store: Shelf) -> None:
    one, _ = drawn(store, "band")
    few = replace(one, ys=one.ys[:2], labels={**one.labels, one.y: "a label of rows that is much longer than two rows are high"})
    root = ElementTree.fromstring(figure.draw(few))
    frame = next(path for path in root.iter(f"{SVG}path") if path.get("class") == "frame")
    assert float(re.findall(r"v([\d.]+)", frame.get("d", ""))[0]) >= width_of("a label of rows that is much longer than two rows are high", 12)
