from __future__ import annotations

import numpy as np
import pytest

from regimes.decide.calibration import Scenario, _agrees, calibrate, scenarios, table

SHIPPED = {
    "BernoulliAtLeast", "BernoulliAtMost", "BernoulliEquals", "BoundedMean", "HeavyTailedMean", "IdentityWithin",
    "LawAgainstCDF", "MaximumAgainstBound", "MedianBetween", "PowerLawExponent", "TrajectorySupNorm", "TwoSample",
}  # fmt: skip


@pytest.fixture(scope="module")
def rows():
    return calibrate(replications=10_000, workers=1)


def test_every_shipped_rule_keeps_its_declared_rates_and_the_bad_ones_are_rejected(rows) -> None:
    assert [row for row in rows if not row.passed] == [], table(rows)
    assert {row.rule for row in rows if row.expected == "sound"} == SHIPPED
    assert sum(row.expected == "rejected" for row in rows) == 4
    assert all(row.replications == 10_000 for row in rows)


def test_rates_are_close_enough_to_their_bounds_to_mean_something(rows) -> None:
    tight = {row.rule for row in rows if row.kind == "wrong" and row.measured > row.declared / 10}
    assert {"BernoulliAtLeast", "BoundedMean", "LawAgainstCDF", "MaximumAgainstBound"} <= tight


def test_the_measurement_itself_has_power() -> None:
    """A rate three times the declared one, or a kill rate a tenth short, is contradicted by 10,000 replications."""
    assert not _agrees("wrong", 0.05, 650, 10_000)
    assert _agrees("wrong", 0.05, 510, 10_000)
    assert not _agrees("kill", 0.9, 8_800, 10_000)
    assert _agrees("kill", 0.9, 8_950, 10_000)


def test_scenarios_are_drawn_from_their_own_seed() -> None:
    one: Scenario = scenarios()[0]
    counts = [one.count(50, np.random.default_rng(seed)) for seed in (1, 1)]
    assert counts[0] == counts[1]
