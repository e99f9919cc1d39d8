from __future__ import annotations

import math

import mpmath
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.integrate import quad

from regimes.theory import he_norm_law


def exact_cdf(x: float, n: int) -> float:
    total = mpmath.mpf(1)
    for k in range(1, n + 1):
        total += mpmath.binomial(n, k) * mpmath.gammainc(mpmath.mpf(k) / 2, 0, n * mpmath.mpf(x) / 4, regularized=True)
    return float(total / mpmath.mpf(2) ** n)


@pytest.mark.parametrize("n", [1, 2, 7, 64, 65, 300])
@pytest.mark.parametrize("x", [0.0, 0.3, 1.0, 1.7])
def test_the_cdf_against_mpmath(n: int, x: float) -> None:
    assert float(he_norm_law.cdf(np.array(x), n)) == pytest.approx(exact_cdf(x, n), abs=2e-9)


@pytest.mark.parametrize("n", [2, 16, 100, 2000, 50_000])
def test_mean_one_and_variance_five_over_n(n: int) -> None:
    spread = 14 / math.sqrt(n) * math.sqrt(5)
    low, high = max(0.0, 1 - spread), 1 + 2 * spread
    survival = quad(lambda x: 1 - float(he_norm_law.cdf(np.array(x), n)), low, high, limit=400)[0]
    assert low + survival == pytest.approx(1, abs=1e-6)
    second = quad(lambda x: 2 * x * (1 - float(he_norm_law.cdf(np.array(x), n))), low, high, limit=400)[0]
    assert low**2 + second - 1 == pytest.approx(he_norm_law.variance(n), rel=1e-4)


@settings(max_examples=40)
@given(st.integers(1, 4000), st.lists(st.floats(0, 3), min_size=2, max_size=20))
def test_the_cdf_is_monotone_and_has_its_atom(n: int, points: list[float]) -> None:
    values = he_norm_law.cdf(np.sort(points), n)
    assert (np.diff(values) >= -1e-9).all()
    assert float(he_norm_law.cdf(np.array(0.0), n)) == pytest.approx(0.5**n, abs=1e-12)
    assert float(he_norm_law.cdf_left(np.array(0.0), n)) == 0


def test_thinning_of_wide_layers_is_exact_to_rounding() -> None:
    """Every s-th number of active units only: against the full sum at n = 5000."""
    n, k = 5000, np.arange(5001)
    p = np.exp([math.lgamma(n + 1) - math.lgamma(j + 1) - math.lgamma(n - j + 1) - n * math.log(2) for j in k])
    thin_k, thin_p = he_norm_law.active_units(n)
    assert len(thin_k) < 400
    for power in (1, 2, 3):
        assert thin_p @ (thin_k / n) ** power == pytest.approx(p @ (k / n) ** power, rel=1e-12)


@pytest.mark.parametrize("least", [0, 1, 2])
@pytest.mark.parametrize("n", [2, 5, 60])
def test_active_units_given_that_there_are_some(n: int, least: int) -> None:
    k, p = he_norm_law.active_units(n, least)
    assert k.tolist() == list(range(least, n + 1))
    counts = [math.comb(n, int(j)) for j in k]
    np.testing.assert_allclose(p, np.array(counts) / sum(counts), rtol=1e-12)


@pytest.mark.parametrize(
    ("n", "drift", "spread"),
    [(1, -0.577, 4.93), (2, -1.617, 8.53), (4, -2.866, 11.7), (8, -3.190, 9.98), (64, -2.567, 5.31), (512, -2.508, 5.04)],
)
def test_log_moments_against_the_table(n: int, drift: float, spread: float) -> None:
    mean, variance = he_norm_law.log_moments(n)
    assert n * mean == pytest.approx(drift, abs=6e-3)
    assert n * variance == pytest.approx(spread, rel=3e-3)


def test_the_sampler_has_the_law() -> None:
    from regimes.decide import LawAgainstCDF

    generator = np.random.default_rng(0)
    rule = LawAgainstCDF(lambda u: np.clip(u, 0, 1), 0.04, 1e-6)
    draws = he_norm_law.sample(6, (20_000,), generator)
    rule.fold(he_norm_law.probability_transform(draws, 6, generator.random(20_000)))
    assert rule.verdict == "holds"
    assert np.mean(draws == 0) == pytest.approx(1 / 64, abs=0.005)


def test_death() -> None:
    assert he_norm_law.death_probability((4, 4, 4)) == pytest.approx(0.1760, abs=1e-4)
    with pytest.raises(ValueError, match="at least one unit"):
        he_norm_law.active_units(0)


@pytest.mark.parametrize(("slope", "expected"), [(0.0, 5), (0.01, 4.999), (0.2, 4.556), (1.0, 2), (-1.0, 2)])
def test_the_variance_of_leaky_layers(slope: float, expected: float) -> None:
    assert 10 * he_norm_law.leaky_variance(10, slope) == pytest.approx(expected, abs=1e-3)
    z = np.random.default_rng(0).standard_normal((100_000, 10))
    ratios = 2 / (1 + slope**2) / 10 * (np.where(z > 0, z, slope * z) ** 2).sum(1)
    assert ratios.mean() == pytest.approx(1, abs=0.01)
    assert ratios.var() == pytest.approx(he_norm_law.leaky_variance(10, slope), rel=0.05)
