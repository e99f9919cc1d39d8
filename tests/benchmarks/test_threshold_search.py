"""Replicates of a threshold search against those of the grid of its coordinates, decided with the same error budget.

Replicates are counted, not timed, so the ratios are the same on every machine. A long grid is decided at every `stride`-th
coordinate, each standing for its neighbours.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from regimes.catalogue import claims_in
from regimes.decide import Budget
from regimes.engine import Settings, decide
from regimes.sweep.grid import parse_grid
from regimes.sweep.ladder import ladder, rows
from regimes.sweep.thresholds import search_row

CLAIMS = Path(__file__).parents[2] / "claims"
SETTINGS = Settings(device="cpu")
FLAT = "arpit2019benefits/he-norm-flat-band"
SEARCHES = [
    (FLAT, "width", "depth=1", None, 1),
    (FLAT, "width", "depth=8", None, 4),
    (FLAT, "width", "depth=64", None, 16),
    (FLAT, "width", "depth=8", "1.01", 4),
    (FLAT, "width", "depth=8", "1.02", 4),
    (FLAT, "width", "depth=8", "grid", 1),
    ("arpit2019benefits/he-norm-width-bound", "width", "depth=2", None, 8),
    ("luther2019variance/sample-variance-finite-width", "width", "depth=16", None, 1),
    ("pascanu2013regions/deep-pays", "depth", "width=4", None, 1),
    ("pascanu2013regions/deep-pays", "width", "depth=4", None, 1),
    ("pretorius2018dae/dae-random-start", "scale", "width=16", None, 1),
]


@pytest.mark.parametrize(("identifier", "axis", "row", "resolution", "stride"), SEARCHES)
def test_replicates_of_a_search(
    benchmark, identifier: str, axis: str, row: str, resolution: str | None, stride: int
) -> None:
    (claim,) = (one for one in claims_in(CLAIMS / f"{identifier.partition('/')[0]}.py") if one.id == identifier)
    overrides = parse_grid(claim, [row])
    rungs, case = ladder(claim, axis, overrides, resolution), rows(claim, axis, overrides)[0]
    budget = Budget(SETTINGS.alpha)
    found = benchmark.pedantic(lambda: search_row(claim, case, rungs, budget.cell(1), SETTINGS), rounds=1)
    grid = stride * sum(
        decide(claim, case.replace(**{axis: at}), error=budget.cell(len(rungs.coordinates)), settings=SETTINGS,
               subject=claim.subject).replicates
        for at in rungs.coordinates[::stride]
    )  # fmt: skip
    assert found["refuted"] is not None or found["holds"] is not None
    benchmark.extra_info.update({
        "coordinates": len(rungs.coordinates), "search": found["replicates"], "grid": grid,
        "grid over search": round(grid / found["replicates"], 1),
    })  # fmt: skip
