"""Pages by the standard's own parser, and what a parser does not see: links, names, headings, labels."""

from __future__ import annotations

import os
from itertools import pairwise
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
from shelf import hostile, shelf

from regimes.report.build import contents
from regimes.report.calibration import read
from regimes.report.model import views

html5lib = pytest.importorskip("html5lib", reason="html5lib, of the extra dev, is not installed")
CALIBRATION = Path(__file__).parents[2] / "reports" / "calibration.json"
HTML = "{http://www.w3.org/1999/xhtml}"
Files = dict[str, str | bytes]


@pytest.fixture(scope="module", params=["plain", "hostile", "not calibrated"])
def files(request: pytest.FixtureRequest) -> Files:
    store = hostile() if request.param == "hostile" else shelf()
    return contents(views(store), None if request.param == "not calibrated" else read(CALIBRATION))


def pages(files: Files) -> dict[str, Any]:
    """Parsed pages; a parse error is an error."""
    parser = html5lib.HTMLParser(strict=True)
    return {name: parser.parse(str(page)) for name, page in files.items() if name.endswith(".html")}


def test_every_page_is_parsed_without_an_error(files: Files) -> None:
    assert {"index.html", "calibration.html"} < set(pages(files))


def test_characters_that_no_page_may_hold_are_replaced() -> None:
    store = shelf()
    store._claims[0]["title"] = store._claims[0]["statement"] = "\x08ar w \x00\x0crac"
    store._claims[0]["symbols"] = {"\x1b": "\ufffe"}
    files = contents(views(store, ["doe2019band/band"]))
    assert "\ufffdar w" in str(files["index.html"]) and pages(files)
    ElementTree.fromstring(str(files["figures/doe2019band/band.svg"]))


def test_the_parser_is_strict() -> None:
    with pytest.raises(html5lib.html5parser.ParseError):
        html5lib.HTMLParser(strict=True).parse("<!doctype html><title>x</title><p><div></p>")


def test_names_are_unique_and_links_lead_somewhere(files: Files) -> None:
    parsed = pages(files)
    names = {page: [one.get("id") for one in tree.iter() if one.get("id") is not None] for page, tree in parsed.items()}
    for page, tree in parsed.items():
        assert len(names[page]) == len(set(names[page])), page
        assert all(name and not set(name) & set(" \t\n") for name in names[page])
        for element in tree.iter():
            for attribute in ("href", "src"):
                link = element.get(attribute)
                if link is None or link.startswith(("https://", "data:")):
                    continue
                path, _, anchor = link.partition("#")
                target = os.path.normpath(os.path.join(os.path.dirname(page), path)) if path else page
                assert target in files, (page, link)
                assert not anchor or anchor in names[target], (page, link)
            for attribute in ("aria-labelledby", "for"):
                assert set((element.get(attribute) or "").split()) <= set(names[page]), (page, element.get(attribute))


def test_pages_have_a_language_a_title_headings_in_order_and_named_controls(files: Files) -> None:
    for page, tree in pages(files).items():
        assert tree.get("lang") == "en"
        assert [bool("".join(one.itertext()).strip()) for one in tree.iter(f"{HTML}title")] == [True], page
        parents = {child: parent for parent in tree.iter() for child in parent}
        levels = [int(one.tag[-1]) for one in tree.iter() if str(one.tag) in [f"{HTML}h{k}" for k in range(1, 7)]]
        assert levels[0] == 1 and levels.count(1) == 1, page
        assert all(later <= earlier + 1 for earlier, later in pairwise(levels)), (page, levels)
        for image in tree.iter(f"{HTML}img"):
            assert image.get("alt"), page
        for kind in ("input", "select", "textarea"):
            for control in tree.iter(f"{HTML}{kind}"):
                assert parents[control].tag == f"{HTML}label" or control.get("aria-label"), (page, kind)
        for button in tree.iter(f"{HTML}button"):
            assert "".join(button.itertext()).strip(), page
        for table in tree.iter(f"{HTML}table"):
            assert table[0].tag == f"{HTML}caption", page
