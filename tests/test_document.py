from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

from regimes.catalogue import load_claims
from regimes.claim import Picture
from regimes.document import document, fingerprint
from regimes.sweep.grid import beside
from regimes.sweep.grid import cells as grid_cells


def toy(folder: Path):
    return load_claims(folder)[0]


def test_a_document_is_json_and_draws_its_picture_only_on_request(claim_folder: Path) -> None:
    drawn = []

    def picture() -> Picture:
        drawn.append(1)
        return Picture(caption="a triangle", polygons=[[(0, 0), (1, 0), (0, 1.23456789)]], groups=[3])

    claim = replace(toy(claim_folder), picture=picture)
    assert document(claim)["picture"] is None
    assert not drawn
    found = json.loads(json.dumps(document(claim, picture=True)))["picture"]
    assert found == {"caption": "a triangle", "polygons": [[[0.0, 0.0], [1.0, 0.0], [0.0, 1.2346]]], "groups": [3]}


def test_the_fingerprint_follows_statement_and_numbers_and_nothing_else(claim_folder: Path) -> None:
    claim = toy(claim_folder)
    mark = fingerprint(claim)
    assert fingerprint(replace(claim, title="another", symbols={"a": "b"})) == mark
    assert fingerprint(replace(claim, statement="x")) != mark
    one, two = (replace(claim, curves={"bound": curve}) for curve in (lambda case: 1.0, lambda case: 2.0))
    assert len({mark, fingerprint(one), fingerprint(two)}) == 3
    assert fingerprint(load_claims(claim_folder)[0]) == mark


def test_curves_that_overflow_or_are_infinite_are_left_out(claim_folder: Path) -> None:
    claim = replace(
        toy(claim_folder),
        curves={"fine": lambda case: case.width, "huge": lambda case: 10**400, "infinite": lambda case: float("inf")},
        vacuous=lambda case: case.width > 2,
    )
    case = grid_cells(claim)[-1]
    assert beside(claim, case) == {"curves": {"fine": float(case.width), "huge": None, "infinite": None}, "vacuous": True}
    assert beside(toy(claim_folder), case) == {}
