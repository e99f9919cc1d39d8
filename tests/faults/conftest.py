"""Fixtures of the fault tests: a bench of coins, and what its store holds if nothing happens."""

from __future__ import annotations

from pathlib import Path

import pytest
from coin_bench import CELLS, Bench

from regimes.catalogue import load_claims
from regimes.engine import Settings
from regimes.sweep.run import run_map
from regimes.sweep.store import Store


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path)


@pytest.fixture
def uninterrupted(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> dict[str, dict]:
    """The content of the store of a run that nothing happened to."""
    other = Bench(tmp_path_factory.mktemp("uninterrupted"))
    monkeypatch.setenv("COMPUTED", str(other.computed))
    monkeypatch.setenv("CELL_SECONDS", "0")
    with Store.open(other.store, create=True) as store:
        outcome = run_map(load_claims(other.claims), store, Settings(device="cpu"))
    assert (outcome.computed, outcome.errors) == (CELLS, [])
    monkeypatch.undo()
    return other.stored()
