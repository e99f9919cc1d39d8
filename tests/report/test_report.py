from __future__ import annotations

import csv
import io
import json
import re
import shutil
import subprocess
from html.parser import HTMLParser
from pathlib import Path

import pytest

from regimes.report import figure
from regimes.report.build import build, contents, mathml
from regimes.report.export import for_script
from regimes.report.model import ReportError, views

HOSTILE = '<script>alert("1")</script> & \'quotes\''


def evidence(verdict: str, estimate: float | None = 0.97) -> dict:
    return {
        "verdict": verdict, "replicates": 240, "discarded": 0, "estimate": estimate, "interval": [0.9, 1.0], "target": 0.95,
        "error": 1e-12, "margin": 0.02, "detectable": 0.05, "reason": f"P >= 0.95 {verdict}", "details": {"sampler": "direct"},
    }  # fmt: skip


class Source:
    """A store of one claim, whose texts are as hostile as texts can be."""

    def __init__(self, title: str = "Flat band", cells: bool = True) -> None:
        self.title, self.with_cells = title, cells

    def claims(self) -> list[dict]:
        paper = {
            "key": "doe2020coins", "title": self.title, "authors": ["J. Doe"], "year": 2020, "venue": "", "arxiv": "2001.00001",
            "doi": "", "url": "https://arxiv.org/abs/2001.00001", "citation": self.title, "bibtex": "@article{x}",
        }  # fmt: skip
        axes = [{"name": name, "label": f"{name} label", "description": "integers"} for name in ("width", "depth")]
        return [
            {
                "id": "doe2020coins/flat-band", "title": self.title, "paper": paper, "reference": "Theorem 1", "kind": "probability",
                "statement": r"\Pr[x] \ge 1-\delta", "symbols": {r"\delta": "probability"}, "axes": axes, "premise": self.title,
                "exact": "first passage", "description": self.title, "subject": self.title, "fingerprint": "f", "source": "def f(): ...",
                "controls": [{"name": "bent", "why": self.title, "at": {}}, {"name": "edge", "why": "wrong", "at": {}}],
                "grid": {"x": "width", "y": "depth", "values": {}, "fixed": {}},
                "erratum": {"published": self.title, "finding": "no", "control": "bent", "status": "refuted"},
            }
        ]  # fmt: skip

    def cells(self, claim_id: str) -> list[dict]:
        return [
            {
                "claim": claim_id, "case": {"width": width, "depth": depth}, "subject": self.title, "seed": 0, "settings": {},
                "verdict": "holds" if width >= 16 * depth else "undecided" if width >= 8 * depth else "refuted",
                "inside": width >= 50 * depth, "premise_boundary": 50.0 * depth, "exact_boundary": 14.0 * depth,
                "evidence": evidence("holds", None if width == 4 else 0.97), "seconds": 0.5, "run": "r",
            }
            for width in (4, 8, 16, 32, 64, 128)
            for depth in (1, 2, 4, 8)
        ] * self.with_cells  # fmt: skip

    def controls(self, claim_id: str) -> list[dict]:
        return [
            {"control": "bent", "verdict": "killed", "witness": {"width": 4, "depth": 1}, "evidence": evidence("refuted"), "seconds": 1.0}
        ]

    def stale(self, claim_id: str) -> int:
        return 3

    def runs(self) -> list[dict]:
        versions = {name: "1.0" for name in ("regimes", "torch", "numpy", "python")}
        about = {
            "versions": versions, "device": "cpu", "dtype": "float32", "threads": 1, "platform": "Linux", "seed": 0, "alpha": 1e-6, "git": "",
        }  # fmt: skip
        return [{"id": "r", "provenance": about, "started": "2026-01-01", "finished": None}]


class Elements(HTMLParser):
    """Checks that elements nest, and keeps what would be loaded."""

    VOID = frozenset(("meta", "link", "br", "input", "path", "rect", "img"))

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.loaded: list[str] = []
        self.scripts = 0

    def handle_starttag(self, tag: str, attrs: list) -> None:
        self.scripts += tag == "script"
        self.loaded += [value for name, value in attrs if name == "src" or (tag == "link" and name == "href")]
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list) -> None:
        pass

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


@pytest.fixture
def files() -> dict:
    return dict(contents(views(Source(HOSTILE))))


def test_pages_are_well_formed_load_nothing_and_escape_everything(files: dict) -> None:
    pages = {name: text for name, text in files.items() if name.endswith(".html")}
    assert set(pages) == {"index.html", "claims/doe2020coins/flat-band.html"}
    for text in pages.values():
        elements = Elements()
        elements.feed(text)
        assert elements.open == []
        assert elements.loaded == ["data:,"]
        assert elements.scripts == (1 if "Regime report" in text else 2)
        assert 'alert("1")' not in text
        assert "&lt;script&gt;" in text


def test_a_page_says_everything(files: dict) -> None:
    text = files["claims/doe2020coins/flat-band.html"]
    for part in ("<math", "Premise.", "Exact boundary.", "Erratum", "Where it holds", "Slack of the bound", "1 of 2 refuted",
                 "not tried", "3 cells of an earlier version", "BibTeX", "--case width=", "regimes 1.0"):  # fmt: skip
        assert part in text
    assert "no cell of the map meets the premise" in text


def test_the_map_has_every_cell_with_sign_and_boundaries() -> None:
    (view,) = views(Source())
    svg = figure.draw(view.maps[0], "Flat band")
    assert svg.count('class="cell"') == 24
    assert svg.count("×") >= 1
    assert "stroke-dasharray" in svg
    assert "promised from 4e+02" in svg
    assert figure.to_png(svg)[:4] == b"\x89PNG"


@pytest.mark.parametrize(
    ("value", "points", "place"),
    [(8, (4, 8, 16), 1.0), (11.3137085, (4, 8, 16), 1.5), (32, (4, 8, 16), 3.0), (0.5, (0.0, 1.0), 0.5), (3, ("a", "b"), None)],
)
def test_positions_on_an_axis(value: float, points: tuple, place: float | None) -> None:
    found = figure.position(value, points)
    assert found is None if place is None else found == pytest.approx(place)


@pytest.mark.parametrize(
    ("value", "label"), [(4, "4"), (1024, "1\u2009024"), (1 << 20, "2^20"), (0.05, "0.05"), ("dense", "dense"), (1.0, "1")]
)
def test_labels(value: object, label: str) -> None:
    assert figure.number(value) == label


def test_exports_read_back(files: dict) -> None:
    rows = list(csv.DictReader(io.StringIO(files["data/doe2020coins/flat-band.csv"])))
    assert len(rows) == 24
    assert rows[0]["width"] == "4"
    assert rows[0]["estimate"] == ""
    data = json.loads(files["data/doe2020coins/flat-band.json"])
    assert data["schema"] == 1
    assert data["claim"]["title"] == HOSTILE
    assert len(data["cells"]) == 24
    summary = json.loads(files["report.json"])["claims"][0]
    assert summary["killed"] == 1
    assert summary["inside"]["refuted"] == 0


def test_the_same_store_gives_the_same_bytes(files: dict) -> None:
    assert files == dict(contents(views(Source(HOSTILE))))


def test_json_in_a_script_cannot_end_it() -> None:
    assert "</" not in for_script({"a": "</script><!--"})
    assert json.loads(for_script({"a": "</script>"})) == {"a": "</script>"}


@pytest.mark.parametrize(
    "latex", [r"\Pr\Bigl[\forall l:\ \frac{a}{b} \le \epsilon\Bigr] \ge 1-\delta", r"\binom{m-1}{k}", r"\mathrm{E}\,\psi(K/2)"]
)
def test_formulas_become_mathml(latex: str) -> None:
    assert mathml(latex).startswith("<math")


def test_a_store_without_cells_and_a_folder_that_cannot_be_written(tmp_path: Path) -> None:
    with pytest.raises(ReportError, match="no cell to report"):
        build(Source(cells=False), tmp_path)
    (tmp_path / "file").write_text("mine")
    with pytest.raises(ReportError, match=r"cannot be written into .*give --out a folder"):
        build(Source(), tmp_path / "file")
    assert (tmp_path / "file").read_text() == "mine"


def test_a_report_that_fails_halfway_leaves_whole_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import os

    build(Source("first"), tmp_path)
    before = (tmp_path / "index.html").read_text()
    monkeypatch.setattr(os, "replace", lambda *_: (_ for _ in ()).throw(OSError(28, "No space left on device")))
    with pytest.raises(ReportError, match="No space left"):
        build(Source("second"), tmp_path)
    assert (tmp_path / "index.html").read_text() == before
    assert [path for path in tmp_path.rglob(".*")] == []


@pytest.mark.skipif(shutil.which("chromium") is None, reason="Chromium is not installed")
def test_pages_work_in_a_browser(tmp_path: Path) -> None:
    build(Source(HOSTILE), tmp_path)
    index, page = tmp_path / "index.html", tmp_path / "claims" / "doe2020coins" / "flat-band.html"
    click = (
        "<script>addEventListener('load',()=>{const c=document.querySelector('.cell');"
        "if(c){c.dispatchEvent(new Event('click'));document.querySelector('input[value=replicates]').click()}"
        "else{const f=document.getElementById('find');f.value='zzz';f.dispatchEvent(new Event('input'))}})</script></body>"
    )
    for path in (index, page):
        path.write_text(path.read_text().replace("</body>", click))
        shown = subprocess.run(
            ["chromium", "--headless=new", "--no-sandbox", "--disable-gpu", "--enable-logging=stderr", "--virtual-time-budget=3000",
             f"--user-data-dir={tmp_path / 'profile'}", "--dump-dom", path.as_uri()],
            capture_output=True, text=True, timeout=90,
        )  # fmt: skip
        assert not re.search(r"Uncaught|CONSOLE.*[Ee]rror", shown.stderr)
        if path == page:
            assert "error budget" in shown.stdout
            assert re.search(r"<text[^>]*>240</text>", shown.stdout)
        else:
            assert "0 of 1 claims" in shown.stdout
