from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from regimes.decide import IdentityWithin, MaximumAgainstBound, MedianBetween, PowerLawExponent, TrajectorySupNorm
from regimes.decide.identity import gamma, random_gamma, rounding_unit
from regimes.decide.maximum import replicates_to_exclude

SIZES = [8.0, 16, 32, 64, 128, 256]


def test_one_violation_refutes_and_enough_replicates_certify() -> None:
    rule = MaximumAgainstBound(1.0, 1e-6, share=0.05)
    rule.fold(np.full(replicates_to_exclude(0.05, 1e-6) - 1, 0.9))
    assert rule.verdict == "undecided"
    rule.fold(np.array([0.95]))
    assert rule.verdict == "holds"
    assert rule.evidence().estimate == 0.95
    other = MaximumAgainstBound(1.0, 1e-6, slack=1e-3)
    other.fold(np.array([1.0005, 1.002]))
    assert (other.verdict, other.decided_at) == ("refuted", 2)


def test_a_replicate_violates_if_any_of_its_entries_does() -> None:
    rule = MaximumAgainstBound(1.0, 1e-6)
    rule.fold(np.ma.masked_array([[0.1, 5.0], [0.2, 0.3]], mask=[[0, 1], [0, 0]]))
    assert rule.verdict == "undecided"
    rule.fold(np.array([[0.1, 1.5]]))
    assert rule.verdict == "refuted"


def test_identities_have_two_sides() -> None:
    rule = IdentityWithin(1.0, 1e-6)
    rule.fold(np.array([[0.5, -0.9], [0.1, -1.1]]))
    assert (rule.verdict, rule.decided_at) == ("refuted", 2)


@given(st.integers(1, 10**6), st.sampled_from(["float32", "float64"]))
def test_rounding_constants(k: int, dtype: str) -> None:
    unit = rounding_unit(dtype)
    assert unit == np.finfo(dtype).eps / 2
    if k * unit < 0.5:
        assert k * unit <= gamma(k, unit) <= 2 * k * unit
    assert random_gamma(k, unit, 1e-6) >= math.sqrt(k) * unit


def test_too_many_roundings_leave_nothing() -> None:
    with pytest.raises(ValueError, match="leave no correct digit"):
        gamma(2**25, rounding_unit("float32"))
    with pytest.raises(ValueError, match="got 'int8'"):
        rounding_unit("int8")


def test_trajectories() -> None:
    solution = np.linspace(0, 1, 5)
    rule = TrajectorySupNorm(solution, 0.1, 1e-3, share=0.1)
    rule.fold(solution + np.random.default_rng(0).uniform(-0.09, 0.09, (100, 5)))
    assert rule.verdict == "holds"
    bad = TrajectorySupNorm(solution, 0.1, 1e-3)
    bad.fold(solution[None] + np.array([0, 0, 0.2, 0, 0]))
    assert bad.verdict == "refuted"
    assert bad.evidence().details["time_index"] == 2
    with pytest.raises(ValueError, match="5 times; got shape"):
        bad.fold(np.zeros((2, 4)))


@pytest.mark.parametrize(("exponent", "verdict"), [(-1.0, "holds"), (-0.5, "refuted"), (-1.5, "refuted")])
def test_exponents(exponent: float, verdict: str) -> None:
    sizes = np.array(SIZES)
    rule = PowerLawExponent(SIZES, exponent, 0.2, 1e-6, 0.25 * sizes**-2)
    rows = sizes**-1.0 * np.random.default_rng(0).standard_gamma(4.0, (6000, 6)) / 4
    for part in np.split(rows, 10):
        rule.fold(part)
    assert rule.verdict == verdict
    assert rule.evidence().interval[0] < -1 < rule.evidence().interval[1]


def test_a_declared_correction_is_never_held_against_a_limit_theorem() -> None:
    sizes = np.array(SIZES)
    rows = sizes**-1.0 * (1 + 2 / sizes) * np.random.default_rng(0).standard_gamma(400.0, (40_000, 6)) / 400
    variances = 0.0025 * (sizes**-1.0 * (1 + 2 / sizes)) ** 2
    exact = PowerLawExponent(SIZES, -1.0, 0.05, 1e-6, variances)
    corrected = PowerLawExponent(SIZES, -1.0, 0.3, 1e-6, variances, correction=2)
    exact.fold(rows)
    corrected.fold(rows)
    assert (exact.verdict, corrected.verdict) == ("refuted", "holds")


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"sizes": [8.0, 16, 32]}, "five octaves"),
        ({"variances": [1.0] * 5}, "every size needs"),
        ({"correction": 7.9}, "does not cover"),
        ({"correction": 8.0}, "correction below the smallest size"),
    ],
)
def test_exponents_refuse_what_they_cannot_judge(changes: dict, sentence: str) -> None:
    given_ = {"sizes": SIZES, "exponent": -1.0, "margin": 0.2, "error": 0.1, "variances": [1.0] * 6, **changes}
    with pytest.raises(ValueError, match=sentence):
        PowerLawExponent(**given_)


def test_medians() -> None:
    data = np.random.default_rng(0).standard_normal(5000)
    for (lower, upper), verdict in {(-0.5, 0.5): "holds", (0.5, 1.0): "refuted", (-1.0, -0.5): "refuted"}.items():
        rule = MedianBetween(lower, upper, 1e-6)
        rule.fold(data)
        assert rule.verdict == verdict
        low, high = rule.evidence().interval
        assert low <= 0 <= high
    with pytest.raises(ValueError, match="lower <= upper"):
        MedianBetween(1, 0, 0.1)
