from __future__ import annotations

from pathlib import Path

import pytest
from shelf import Shelf

from regimes.report.build import build

pandas = pytest.importorskip("pandas", reason="pandas, of the extra dev, is not installed")


def test_one_line_loads_all_cells_as_a_table(store: Shelf, tmp_path: Path) -> None:
    build(store, tmp_path)
    table = pandas.read_json(tmp_path / "cells.json", precise_float=True)
    wanted = [cell for claim in sorted(store.claims(), key=lambda one: one["id"]) for cell in store.cells(claim["id"])]
    assert len(table) == len(wanted)
    band = table[table["claim"] == "doe2019band/band"]
    cells = store.cells("doe2019band/band")
    assert list(band["verdict"]) == [cell["verdict"] for cell in cells]
    assert list(band["estimate"]) == [cell["evidence"]["estimate"] for cell in cells]
    assert list(band["error"]) == [cell["evidence"]["error"] for cell in cells]
    assert band.groupby("verdict")["inside"].sum()["holds"] == 28
    axes = pandas.json_normalize(band["case"])
    assert list(axes["width"]) == [cell["case"]["width"] for cell in cells]


def test_the_papers_are_one_file_of_bibtex(store: Shelf, tmp_path: Path) -> None:
    build(store, tmp_path)
    assert (tmp_path / "references.bib").read_text() == store.claims()[0]["paper"]["bibtex"]
