"""The pages under docs/, followed command by command in an empty folder."""

from __future__ import annotations

import importlib
import re
import shutil
from pathlib import Path

import pytest

from shell import ROOT, follow

DOCS = ROOT / "docs"
PAGES = sorted(path.name for path in DOCS.glob("*.md"))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """An empty folder."""
    made = tmp_path / "work"
    made.mkdir()
    return made


@pytest.mark.skipif(shutil.which("bash") is None, reason="needs bash")
class TestPages:
    """Pages that are followed from an empty folder; the page on gating starts from a package, see test_gating.py."""

    def test_the_tutorial(self, folder: Path) -> None:
        assert follow("tutorial.md", folder, REGIMES_CLAIMS="") == {"python": 2, "sh": 7, "text": 5}
        assert "he2015delving" in (folder / "report" / "index.html").read_text(encoding="utf-8")
        assert len((folder / "cells.csv").read_text().splitlines()) == 25

    def test_the_guarantees(self, folder: Path) -> None:
        assert follow("guarantees.md", folder) == {"python": 2, "sh": 2, "text": 4}

    def test_the_reference(self, folder: Path) -> None:
        assert follow("reference.md", folder) == {"python": 4, "text": 4, "sh": 1}


def test_every_name_of_the_reference_exists() -> None:
    module = None
    names = re.findall(r"^#+ .*?`(regimes[\w.]*)`|^\| `(\w+)[`(]", (DOCS / "reference.md").read_text(encoding="utf-8"), re.MULTILINE)
    for heading, name in names:
        if heading:
            module = importlib.import_module(heading)
        elif module is not None:
            assert hasattr(module, name), f"{module.__name__} has no {name}"
    assert len(names) > 60


@pytest.mark.parametrize("page", PAGES)
def test_links_lead_somewhere(page: str) -> None:
    for path, anchor in re.findall(r"\]\((?!https?:)([^)#]*)(#[^)]*)?\)", (DOCS / page).read_text(encoding="utf-8")):
        target = (DOCS / path).resolve() if path else DOCS / page
        assert target.exists(), path
        if anchor:
            heads = re.findall(r"^#+ (.*)$", target.read_text(encoding="utf-8"), re.MULTILINE)
            slugs = {re.sub(r"[^\w\- ]", "", head.lower()).replace(" ", "-") for head in heads}
            assert anchor[1:] in slugs, anchor
