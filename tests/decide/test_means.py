from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from regimes.decide import BoundedMean, HeavyTailedMean
from regimes.decide.heavy_mean import catoni_interval, influence
from regimes.decide.power import bounded_mean_detectable, heavy_mean_detectable, heavy_mean_replicates

MAKERS = {
    "bounded": lambda relation="equals": BoundedMean(0.5, 0.1, 0, 1, 1e-4, relation),
    "heavy": lambda relation="equals": HeavyTailedMean(0.5, 0.1, 1 / 12, 1e-4, relation),
}


@pytest.mark.parametrize("name", MAKERS)
@pytest.mark.parametrize(
    ("relation", "mean", "verdict"),
    [
        ("equals", 0.5, "holds"), ("equals", 0.75, "refuted"), ("equals", 0.25, "refuted"),
        ("at_least", 0.7, "holds"), ("at_least", 0.25, "refuted"), ("at_most", 0.3, "holds"), ("at_most", 0.75, "refuted"),
    ],
)  # fmt: skip
def test_verdicts(name: str, relation: str, mean: float, verdict: str) -> None:
    rule = MAKERS[name](relation)
    half = min(mean, 1 - mean)
    rule.fold(np.random.default_rng(0).uniform(mean - half, mean + half, 6000))
    assert rule.verdict == verdict
    evidence = rule.evidence()
    assert evidence.interval[0] <= mean <= evidence.interval[1]
    assert evidence.estimate == pytest.approx(mean, abs=0.02)


@settings(max_examples=30)
@given(st.sampled_from(sorted(MAKERS)), st.lists(st.integers(1, 150), min_size=1, max_size=6), st.integers(0, 2**32 - 1))
def test_chunks_do_not_matter(name: str, cuts: list[int], seed: int) -> None:
    data = np.random.default_rng(seed).random(sum(cuts)) ** 0.7
    whole, parts = MAKERS[name](), MAKERS[name]()
    whole.fold(data)
    for part in np.split(data, np.cumsum(cuts)[:-1]):
        parts.fold(part)
    assert whole.verdict == parts.verdict
    assert whole.decided_at == parts.decided_at
    assert whole.evidence().estimate == parts.evidence().estimate


@given(st.floats(-1e6, 1e6))
def test_the_influence_function_is_between_its_bounds(x: float) -> None:
    """log(1 + x + x^2/2) >= phi(x) >= -log(1 - x + x^2/2), on which both the test and its power rest."""
    value = float(influence(np.array(x)))
    assert -np.log1p(-x + x * x / 2) - 1e-9 <= value <= np.log1p(x + x * x / 2) + 1e-9


def test_norm_ratios_that_defeat_a_t_test_do_not_defeat_the_rule() -> None:
    """Width 32, depth 128: the raw mean is 1 and its sample mean is far below; the logarithm is judged instead."""
    from regimes.theory.he_norm_law import log_moments, sample

    mean, variance = log_moments(32)
    generator = np.random.default_rng(0)
    ratios = sample(32, (500, 128), generator)
    logs = np.log(ratios).sum(axis=1)
    raw = np.exp(logs)
    t = (raw.mean() - 1) / (raw.std() / np.sqrt(500))
    assert t < -2.6
    rule = HeavyTailedMean(128 * mean, 2.0, 128 * variance, 1e-6)
    rule.fold(np.log(sample(32, (4000, 128), generator)).sum(axis=1))
    assert rule.verdict == "holds"


def test_catoni_needs_about_two_variances_over_the_margin_squared() -> None:
    rule = HeavyTailedMean(0.0, 0.1, 1.0, 1e-6)
    rule.fold(np.random.default_rng(1).standard_normal(20_000))
    assert rule.verdict == "holds"
    assert rule.decided_at < 2.5 * 2 * np.log(2e6 * 11) / 0.01


def test_the_catoni_interval_covers_uniformly_in_time() -> None:
    generator = np.random.default_rng(2)
    misses = 0
    for _ in range(300):
        values = generator.standard_gamma(0.5, 200) / 0.5
        misses += any(not low <= 1 <= high for low, high in (catoni_interval(values[:n], 2.0, 0.1) for n in (10, 50, 200)))
    assert misses <= 30 + 3 * np.sqrt(27)


def test_detectable_effects_shrink_with_more_data_and_match_the_replicates() -> None:
    small, large = (heavy_mean_detectable(0.1, 1.0, n, 1e-6) for n in (2_000, 20_000))
    assert large < small
    assert heavy_mean_replicates(large, 0.1, 1.0, 1e-6, 0.05) <= 20_001
    assert bounded_mean_detectable(0.5, 0, 1, 10, 1e-6) is None
    assert bounded_mean_detectable(0.5, 0, 1, 5000, 1e-6) < 0.3


def test_bad_arguments_and_observations() -> None:
    with pytest.raises(ValueError, match="outside its support"):
        MAKERS["bounded"]().fold(np.array([1.5]))
    with pytest.raises(ValueError, match="at_least or at_most"):
        BoundedMean(0.5, 0.1, 0, 1, 0.1, "above")
    with pytest.raises(ValueError, match="variance is a positive number"):
        HeavyTailedMean(0, 1, -1, 0.1)
    with pytest.raises(ValueError, match="positive margin"):
        HeavyTailedMean(0, 0, 1, 0.1)
    with pytest.raises(ValueError, match="in the observable's support"):
        BoundedMean(2, 0.1, 0, 1, 0.1)
