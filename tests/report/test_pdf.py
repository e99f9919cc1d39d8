from __future__ import annotations

import math
import re
import shutil
import subprocess
import zlib
from pathlib import Path

import pytest
from shelf import HOSTILE, Shelf

from regimes.report import figure
from regimes.report.canvas import document, text
from regimes.report.model import views
from regimes.report.pdf import to_pdf


def streams(pdf: bytes) -> list[bytes]:
    """The streams of a file, unpacked."""
    return [zlib.decompress(one) for one in re.findall(rb"stream\n(.*?)\nendstream", pdf, re.S)]


def letters(pdf: bytes) -> dict[str, str]:
    """Letters by glyph number, as the file itself maps them."""
    found = re.findall(r"<([0-9A-F]{4})> <([0-9A-F]+)>", streams(pdf)[2].decode())
    return {glyph: bytes.fromhex(code).decode("utf-16-be") for glyph, code in found if code != "FFFF"}


def words(pdf: bytes) -> list[str]:
    """The texts that the page shows, line by line."""
    known = letters(pdf)
    lines = re.findall(r"BT(.*?)ET", streams(pdf)[0].decode())
    codes = ["".join(re.findall(r"<([0-9A-F]+)> Tj", line)) for line in lines]
    return ["".join(known[code[k : k + 4]] for k in range(0, len(code), 4)) for code in codes]


def test_a_map_is_a_page_of_vectors_with_text_that_can_be_found(store: Shelf) -> None:
    one = views(store, ["doe2019band/band"])[0].maps[0]
    svg = figure.draw(one, "Norms stay in a band", "a subtitle with 10⁻⁶")
    pdf = to_pdf(svg, "Norms")
    assert pdf.startswith(b"%PDF-1.5") and pdf.endswith(b"%%EOF\n")
    shown = words(pdf)
    for wanted in ("Norms stay in a band", "a subtitle with 10−6", "width (units per hidden layer)", "exact boundary", "holds"):
        assert wanted in shown
    assert b"/Image" not in pdf and pdf == to_pdf(svg, "Norms")
    assert len(pdf) < 12_000


def test_the_table_of_places_leads_to_every_object() -> None:
    pdf = to_pdf(document(40, 30, "d", [text(5, 12, "ab", 11)]))
    start = int(re.findall(rb"startxref\n(\d+)", pdf)[0])
    assert pdf[start:].startswith(b"12 0 obj")
    table = streams(pdf)[-1]
    entries = [table[k : k + 5] for k in range(0, len(table), 5)]
    for number, entry in enumerate(entries):
        if entry[0] == 1:
            assert pdf[int.from_bytes(entry[1:4], "big") :].startswith(f"{number} 0 obj".encode())


def test_texts_are_placed_by_the_fonts_own_widths() -> None:
    pdf = to_pdf(document(200, 100, "d", [text(100, 50, "iiii", 10), text(100, 50, "iiii", 10, anchor="end"),
                                          text(100, 50, "mm", 10, anchor="middle", turn=-90)]))  # fmt: skip
    places = [[float(x) for x in one.split()] for one in re.findall(r"rg ([-\d. ]+) Tm", streams(pdf)[0].decode())]
    # Of Liberation Sans an i is 455 and an m 1706 units wide, of 2048 to the size.
    assert places[0] == pytest.approx([1, 0, 0, -1, 100, 50])
    assert places[1] == pytest.approx([1, 0, 0, -1, 100 - 4 * 10 * 455 / 2048, 50], abs=1e-3)
    assert places[2] == pytest.approx([0, -1, -1, 0, 100, 50 + 10 * 1706 / 2048], abs=1e-3)


def test_paths_are_drawn_where_svg_draws_them() -> None:
    shapes = ["M1 2h3v4H1z", "M10 10l2 2 2-2m0 5l-.5.5", "M5 5c1 1 2 1 3 0"]
    parts = [f'<path d="{shape}" fill="none" stroke="#f00" stroke-width="2" stroke-dasharray="5 3"/>' for shape in shapes]
    content = streams(to_pdf(document(50, 50, "d", parts)))[0].decode()
    assert "1 0 0 RG 2 w [5 3] 0 d 1 2 m 4 2 l 4 6 l 1 6 l h S" in content
    assert "10 10 m 12 12 l 14 10 l 14 15 m 13.5 15.5 l S" in content
    assert "5 5 m 6 6 7 6 8 5 c S" in content
    circle = streams(to_pdf(document(50, 50, "d", ['<circle cx="20" cy="20" r="10" fill="#000"/>'])))[0].decode()
    ends = [[float(x) for x in one.split()[-2:]] for one in re.findall(r"((?:[-\d.]+ ){5}[-\d.]+) c\b", circle)]
    assert len(ends) == 4 and all(math.dist(end, (20, 20)) == pytest.approx(10) for end in ends)


def test_an_element_that_cannot_be_drawn_is_an_error() -> None:
    with pytest.raises(ValueError, match="'ellipse' has no place"):
        to_pdf(document(50, 50, "d", ["<ellipse/>"]))


def test_letters_that_the_font_lacks_and_hostile_titles_do_no_harm() -> None:
    pdf = to_pdf(document(50, 50, "d", [text(1, 1, "a漢", 11)]), HOSTILE + ")>>")
    assert b"<script" not in b"".join(streams(pdf))
    assert words(pdf)[0].startswith("a")


@pytest.mark.skipif(shutil.which("pdftotext") is None, reason="no poppler-utils on this machine")
def test_another_program_reads_the_text_and_finds_the_font_embedded(store: Shelf, tmp_path: Path) -> None:
    path = tmp_path / "map.pdf"
    path.write_bytes(to_pdf(figure.draw(views(store, ["doe2019band/band"])[0].maps[0], "Norms stay in a band"), "Norms"))
    read = subprocess.run(["pdftotext", "-layout", path, "-"], capture_output=True, text=True, timeout=30)
    assert not read.stderr and "Norms stay in a band" in read.stdout and "width (units per hidden layer)" in read.stdout
    fonts = subprocess.run(["pdffonts", path], capture_output=True, text=True, timeout=30).stdout.splitlines()[2:]
    assert len(fonts) == 1 and re.search(r"yes yes yes", fonts[0])
