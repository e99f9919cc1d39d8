"""The gate's own false-alarm rate, measured, and its power."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from coins import measured, snapshot
from scipy.stats import beta

from regimes.catalogue import load_claims
from regimes.engine import Settings
from regimes.gate.compare import compare
from regimes.gate.decide import decide
from regimes.gate.snapshot import of_store
from regimes.profiles import PROFILES
from regimes.sweep.run import run_controls, run_map
from regimes.sweep.store import Store

REPEATS = 1000
ERROR = 0.02
# The hardest truths: promised cells exactly on their target, the others in the middle of the margin, where a verdict
# may end either way.
HARD = {2: 0.875, 3: 0.875, 4: 0.9, 8: 0.9, 16: 0.9}
# A control that is wrong by half of the margin: it dies with one seed and lives with another.
MARGINAL = {"hardly wrong": 0.875}


@pytest.fixture(scope="module")
def decisions():
    """Decisions on pairs of maps of one truth with different seeds."""
    maps = [measured(HARD, seed, ERROR, controls=MARGINAL) for seed in range(2 * REPEATS)]
    return [decide(compare(snapshot(a), snapshot(b))) for a, b in zip(maps[::2], maps[1::2], strict=True)]


def upper(failures: int, repeats: int) -> float:
    """Clopper-Pearson upper bound at 99.9 %."""
    return float(beta.ppf(0.999, failures + 1, repeats - failures))


def test_the_gate_keeps_the_rate_that_it_declares(decisions) -> None:
    declared = decisions[0].false_alarm
    assert declared == pytest.approx(3 * ERROR + 2 * 3 * ERROR)
    failures = sum(one.status for one in decisions)
    print(f"declared {declared:.3g}, measured {failures}/{REPEATS}, at most {upper(failures, REPEATS):.3g}")
    assert upper(failures, REPEATS) <= declared
    assert failures > 0, "the measurement is to come near enough to the bound to mean something"


def test_comparing_verdicts_alone_would_not_keep_it(decisions) -> None:
    turned = sum(any(pair.words == ("holds", "refuted") for pair in one.comparison.cells) for one in decisions)
    moved = sum(any(row.worse for row in one.comparison.thresholds) for one in decisions)
    lived = sum(pair.words == ("killed", "survived") for one in decisions for pair in one.comparison.controls)
    print(f"of {REPEATS}: verdicts turned {turned}, thresholds rose {moved}, controls lived {lived}")
    assert lived > REPEATS / 10
    assert turned > REPEATS / 4
    assert moved > REPEATS / 4


@pytest.mark.parametrize("bug", [{8: 0.8}, {2: 0.75, 3: 0.75, 4: 0.75, 8: 0.75, 16: 0.75}])
def test_a_broken_promise_always_falls(bug: dict[int, float]) -> None:
    true = {2: 0.875, 4: 0.95, 8: 0.98, 16: 0.99}
    for seed in range(50):
        before = snapshot(measured(true, seed, 1e-6))
        decision = decide(compare(before, snapshot(measured(true | bug, 1000 + seed, 1e-6))))
        fallen = {one.where["case"]["width"] for one in decision.regressions if one.kind == "refuted"}
        assert fallen == {width for width in bug if width >= 4}


def test_a_threshold_that_moves_outside_the_premise_always_falls() -> None:
    early, late = {1: 0.5, 2: 0.99, 3: 0.99, 4: 0.99, 8: 0.99}, {1: 0.5, 2: 0.5, 3: 0.5, 4: 0.99, 8: 0.99}
    for seed in range(50):
        before, after = (snapshot(measured(truth, seed + 500 * k, 1e-6)) for k, truth in enumerate((early, late)))
        assert [one.kind for one in decide(compare(before, after)).regressions] == ["threshold"]
        assert decide(compare(after, before)).regressions == ()


def test_maps_of_the_toy_paper_never_fall_whatever_their_seed_and_a_bug_always_does(claim_folder: Path, tmp_path: Path) -> None:
    def mapped(name: str, folder: Path, seed: int):
        claims = load_claims(folder)
        settings = Settings(device="cpu", replicates=20_000, seed=seed)
        with Store.open(tmp_path / name, create=True) as store:
            run_map(claims, store, settings)
            run_controls(claims, store, settings, replace(PROFILES["quick"], examples=2))
            return of_store(store)

    maps = [mapped(f"{seed}.sqlite", claim_folder, seed) for seed in range(12)]
    for other in maps[1:]:
        decision = decide(compare(maps[0], other))
        assert decision.regressions == ()
        assert 0 < decision.false_alarm < 1e-6
        assert decision.compared == {"claims": 2, "cells": 12, "controls": 5, "thresholds": 0}
    file = claim_folder / "doe2020coins.py"
    file.write_text(file.read_text().replace("1 - 1 / case.width**2\n\n\ndef bent", "0.7\n\n\ndef bent"))
    for seed in range(3):
        decision = decide(compare(maps[0], mapped(f"bug{seed}.sqlite", claim_folder, seed)))
        assert {one.claim for one in decision.regressions} == {"doe2020coins/heads-are-likely", "doe2020coins/mean-of-heads"}
        assert {one.kind for one in decision.regressions} == {"refuted"}
