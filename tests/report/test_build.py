from __future__ import annotations

import csv
import io
import json
import os
import re
import tempfile
from datetime import datetime
from html.parser import HTMLParser
from pathlib import Path

import pytest
from shelf import HOSTILE, Shelf, shelf
from unfolding import unfolded

from regimes.errors import RegimesError
from regimes.report.build import build, contents
from regimes.report.model import ReportError, views

VOID = {"meta", "link", "input", "br", "img"}


class Reader(HTMLParser):
    """Elements of a page with their attributes, and whether every element that opens also closes."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.open: list[str] = []
        self.feed(page)
        assert not self.open, self.open

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


@pytest.fixture(scope="module")
def files() -> dict[str, str | bytes]:
    return contents(views(shelf()))


def test_the_report_has_every_file(store: Shelf, tmp_path: Path) -> None:
    written = build(store, tmp_path / "out")
    names = {str(path.relative_to(tmp_path / "out")) for path in written}
    assert written[0].name == "index.html"
    assert names == {str(path.relative_to(tmp_path / "out")) for path in (tmp_path / "out").rglob("*") if path.is_file()}
    for name in ("claims/{}.html", "figures/{}.svg", "figures/{}.png", "figures/{}.pdf", "data/{}.csv"):
        assert name.format("doe2019band/band") in names
    assert "figures/doe2019band/empty.svg" not in names
    assert sum(path.stat().st_size for path in written) < 5e6


def test_the_same_store_gives_the_same_bytes(store: Shelf, tmp_path: Path) -> None:
    first = {path.name: path.read_bytes() for path in build(store, tmp_path / "a")}
    assert first == {path.name: path.read_bytes() for path in build(store, tmp_path / "b")}
    before = {path: path.read_bytes() for path in (tmp_path / "a").rglob("*") if path.is_file()}
    build(store, tmp_path / "a")
    assert before == {path: path.read_bytes() for path in (tmp_path / "a").rglob("*") if path.is_file()}


def within(page: str, link: str | None) -> str:
    """Where a page's relative link leads, inside the report."""
    return os.path.normpath(os.path.join(os.path.dirname(page), link or ""))


def test_a_report_names_no_place_and_no_day(files: dict[str, str | bytes]) -> None:
    marks = [str(Path(__file__).parents[2]), tempfile.gettempdir(), datetime.now().strftime("%Y-%m-%d"), datetime.now().strftime("D:%Y")]
    for name, content in files.items():
        data = content.encode() if isinstance(content, str) else content
        assert not [mark for mark in marks if mark.encode() in data], name
        assert not name.endswith(".png") or not {b"tIME", b"tEXt", b"eXIf"} & {data[k + 4 : k + 8] for k in chunks(data)}


def chunks(png: bytes) -> list[int]:
    """Where the chunks of a PNG begin."""
    found = [8]
    while (end := found[-1] + 12 + int.from_bytes(png[found[-1] : found[-1] + 4], "big")) < len(png):
        found.append(end)
    return found


def test_pages_are_wellformed_and_load_nothing_from_elsewhere(files: dict[str, str | bytes]) -> None:
    for name, page in files.items():
        if not name.endswith(".html"):
            continue
        assert isinstance(page, str)
        for tag, attributes in Reader(page).elements:
            assert tag not in ("iframe", "object", "embed"), (name, tag)
            if "src" in attributes:
                assert tag in ("script", "img") and within(name, attributes["src"]) in files, (name, tag)
            assert not any(attribute.startswith("on") for attribute in attributes)
            link = attributes.get("href") or ""
            if tag == "link":
                assert link == "data:," or within(name, link) == "assets/page.css"
            elif tag == "a" and not link.startswith(("https://arxiv.org/abs/", "https://doi.org/", "#")):
                assert within(name, link) in files, (name, link)
        assert "@import" not in page and "url(" not in page
        assert "default-src 'none'" in page


def test_anchors_exist_and_identifiers_are_unique(files: dict[str, str | bytes]) -> None:
    for name in ("index.html", "claims/doe2019band/band.html"):
        elements = Reader(str(files[name])).elements
        identifiers = [attributes["id"] for _, attributes in elements if attributes.get("id")]
        assert len(identifiers) == len(set(identifiers))
        for _, attributes in elements:
            for reference in (attributes.get("href") or "", "#" + (attributes.get("aria-labelledby") or "")):
                if len(reference) > 1 and reference.startswith("#"):
                    assert reference[1:] in identifiers


def test_a_page_has_every_section(files: dict[str, str | bytes]) -> None:
    page = str(files["claims/doe2019band/band.html"])
    for part in (
        "Statement", "<math", "width at least 80 L", "Erratum", "Where it holds", "What was measured", "Slack", "Controls", "Glorot gain",
        "The observable", "Axes", "arXiv:1901.03611", "@article{doe2019band", "regimes map doe2019band/band --store", "--case width=",
        "Provenance", "torch 2.13.0", "3 cells of another version", "holds in all 28 promised cells", "vacuous here",
    ):  # fmt: skip
        assert part in page, part
    empty = str(files["claims/doe2019band/empty.html"])
    assert "No cell has been decided yet." in empty and "not mapped yet" in empty


def test_tables_have_scoped_headers(files: dict[str, str | bytes]) -> None:
    for name, page in files.items():
        if name.endswith(".html"):
            assert all(attributes.get("scope") for tag, attributes in Reader(str(page)).elements if tag == "th")


def test_whatever_comes_from_data_is_escaped(hostile_store: Shelf) -> None:
    files = contents(views(hostile_store))
    for name in ("index.html", "claims/doe2019band/band.html"):
        page = str(files[name])
        scripts = re.findall(r"<script[^>]*>(.*?)</script>", page, re.S)
        assert len(scripts) == page.count("</script>") == (2 if name == "index.html" else 3)
        assert not any("alert(" in script for script in scripts if not script.startswith("{"))
        for _, attributes in Reader(page).elements:
            assert not any(attribute.startswith("on") for attribute in attributes)
    data = re.search(r'<script type="application/json">(.*?)</script>', str(files["claims/doe2019band/band.html"]), re.S)
    assert data is not None and not set("<>&") & set(data[1])
    lines = dict(json.loads(data[1])["lines"])
    assert set(unfolded(lines["Reason"], 81)) == {HOSTILE}


def test_csv_and_json_give_the_cells_back(files: dict[str, str | bytes], store: Shelf) -> None:
    cells = store.cells("doe2019band/band")
    rows = list(csv.DictReader(io.StringIO(str(files["data/doe2019band/band.csv"]))))
    assert [(int(row["width"]), int(row["depth"]), row["verdict"]) for row in rows] == [
        (cell["case"]["width"], cell["case"]["depth"], cell["verdict"]) for cell in cells
    ]
    assert float(rows[0]["estimate"]) == cells[0]["evidence"]["estimate"]
    assert [float(rows[0]["low"]), float(rows[0]["high"])] == cells[0]["evidence"]["interval"]
    table = json.loads(str(files["cells.json"]))
    of_band = [row for row, claim in enumerate(table["claim"]) if claim == "doe2019band/band"]
    assert {len(column) for column in table.values()} == {sum(len(store.cells(one["id"])) for one in store.claims())}
    for row, cell in zip(of_band, cells, strict=True):
        for name in ("case", "subject", "seed", "verdict", "inside", "premise_boundary", "exact_boundary"):
            assert table[name][row] == cell[name]
        for name in ("estimate", "replicates", "target", "error", "margin", "discarded"):
            assert table[name][row] == cell["evidence"][name]
        assert [table["low"][row], table["high"][row]] == cell["evidence"]["interval"]
        assert (table["sampler"][row], table["details"][row]) == ("law", None)
    controls = json.loads(str(files["controls.json"]))
    assert {len(column) for column in controls.values()} == {sum(len(one["controls"]) for one in store.claims())}
    second = controls["claim"].index("doe2019band/band") + 1
    assert controls["case"][second] == {"width": 64, "depth": 8, "epsilon": 0.5}
    assert table["premise_boundary"][table["claim"].index("doe2019band/single")] == "inf"
    assert "doe2019band/empty" not in table["claim"]
    summary = json.loads(str(files["report.json"]))["claims"]
    assert next(one for one in summary if one["id"].endswith("/band"))["cells"]["inside"]["holds"] == 28


def test_some_claims_only(store: Shelf, tmp_path: Path) -> None:
    build(store, tmp_path, ["doe2019band/band"])
    assert [path.name for path in (tmp_path / "claims/doe2019band").iterdir()] == ["band.html"]


def test_a_folder_that_cannot_be_written_is_named(store: Shelf, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(ReportError, match=r"file' \(.*\); give --out a folder that can be written"):
        build(store, tmp_path / "file")
    assert issubclass(ReportError, RegimesError)


def test_a_failure_leaves_the_former_report(store: Shelf, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def state() -> dict[Path, bytes]:
        return {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}

    build(store, tmp_path)
    former = state()
    store._claims[0]["title"] = "Another title"
    real, calls = Path.write_bytes, []

    def full(path: Path, data: bytes) -> int:
        calls.append(path)
        if len(calls) == 5:
            raise OSError(28, "No space left on device")
        return real(path, data)

    monkeypatch.setattr(Path, "write_bytes", full)
    with pytest.raises(ReportError, match="No space left on device"):
        build(store, tmp_path)
    monkeypatch.undo()
    assert state() == former
    (tmp_path / "report.json").unlink()
    (tmp_path / "report.json").mkdir()
    del former[tmp_path / "report.json"]
    with pytest.raises(ReportError, match="is a folder"):
        build(store, tmp_path)
    assert state() == former


def test_an_id_that_would_leave_the_folder_is_refused(store: Shelf) -> None:
    store._claims[0]["id"] = "../../etc"
    with pytest.raises(ReportError, match="cannot name a file"):
        contents(views(store))


def test_a_report_without_slack_says_so() -> None:
    index = str(contents(views(shelf(), ["doe2019band/plain"]))["index.html"])
    slack = index[index.index('<h2 id="slack">') : index.index('<h2 id="errata">')]
    assert "None: no premise here draws a boundary on its map." in slack
    assert "<table" not in slack
    assert "<table" in str(contents(views(shelf()))["index.html"]).partition('<h2 id="slack">')[2].partition('<h2 id="errata">')[0]


@pytest.mark.parametrize(("url", "linked"), [("https://doe.example/band", True), ("javascript:alert(1)", False), ("", False)])
def test_a_paper_without_identifiers_is_linked_by_its_address(url: str, linked: bool) -> None:
    source = shelf()
    source._claims[0]["paper"] = source._claims[0]["paper"] | {"arxiv": "", "doi": "", "url": url}
    page = str(contents(views(source))["claims/doe2019band/band.html"])
    assert (f'<a rel="noreferrer" href="{url}">read it</a>' in page) == linked
    assert "javascript:" not in page


def test_one_stale_cell_is_no_cells() -> None:
    source = shelf()
    source.stale = lambda claim_id: 1  # type: ignore[method-assign]
    assert "1 cell of another version of this claim is in the store" in str(contents(views(source))["claims/doe2019band/band.html"])


def test_measured_thresholds_are_a_table_and_part_of_the_data() -> None:
    source = shelf()
    files = contents(views(source))
    page = str(files["claims/doe2019band/band.html"])
    table = page[page.index('id="thresholds"') : page.index('id="controls"')]
    assert "He normal, in law; epsilon = 0.5; width in 4 to 1024, ratio 1.005, 700 coordinates" in table
    assert '<th scope="row">depth = 2</th><td class="n">9</td><td class="n">10</td>' in table
    assert "×3.2" in table and "not monotone: see width 512" in table
    assert 'id="thresholds"' not in files["claims/doe2019band/far.html"]
    assert json.loads(str(files["thresholds.json"]))["holds"] == [5, 10]
