from __future__ import annotations

import math

import mpmath
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from regimes.theory import gordon, he_norm_law, norm_bounds, wendel


@given(st.floats(1e-7, 3))
def test_the_rate_is_the_chernoff_exponent(eps: float) -> None:
    with mpmath.workdps(40):
        e = mpmath.mpf(eps)
        exact = e / 4 + mpmath.log(2 / (1 + mpmath.sqrt(1 + e)))
    assert norm_bounds.rate(eps) == pytest.approx(float(exact), rel=1e-11)


@pytest.mark.parametrize("n", [10, 100, 1000])
@pytest.mark.parametrize("eps", [0.1, 0.5, 0.9])
def test_both_tails_obey_the_bound(n: int, eps: float) -> None:
    above = 1 - float(he_norm_law.cdf(np.array(1 + eps), n))
    below = float(he_norm_law.cdf(np.array(1 - eps), n))
    assert above <= math.exp(-n * norm_bounds.rate(eps)) + 1e-9
    assert below <= math.exp(-n * norm_bounds.rate(eps)) + 1e-9


@pytest.mark.parametrize(
    ("eps", "depth", "delta", "bound", "plotted"),
    [(0.1, 2, 0.05, 20150, 416), (0.5, 10, 0.01, 48434, 802), (0.1, 50, 0.05, 22293967, 17388)],
)
def test_widths_against_the_table(eps: float, depth: int, delta: float, bound: float, plotted: float) -> None:
    assert norm_bounds.norm_preservation_width(eps, depth, 1, delta) == pytest.approx(bound, rel=1e-4)
    assert norm_bounds.width_as_plotted(eps, depth, 1, delta) == pytest.approx(plotted, rel=2e-3)


@given(st.integers(1, 6), st.integers(1, 14))
def test_wendel_against_the_sum(d: int, m: int) -> None:
    exact = min(1.0, sum(math.comb(m - 1, k) for k in range(d)) / 2 ** (m - 1))
    assert wendel.annihilation_probability(d, m) == pytest.approx(exact, rel=1e-12)
    if d < m:
        assert wendel.annihilation_with_wrong_row(d, m) == pytest.approx(
            min(1.0, sum(math.comb(m, k) for k in range(d)) / 2 ** (m - 1)), rel=1e-12
        )


def test_wendel_at_twice_the_dimension_and_for_many_units() -> None:
    assert wendel.annihilation_probability(500, 1000) == pytest.approx(0.5)
    assert wendel.annihilation_probability(3, 3) == 1
    with pytest.raises(ValueError, match="at least 1"):
        wendel.annihilation_probability(0, 3)


def test_gordon_against_the_dossier_and_quadrature() -> None:
    assert gordon.supremum_bound(10, 100) == pytest.approx(1.430, abs=1e-3)
    assert gordon.infimum_bound(10, 100) == pytest.approx(0.558, abs=1e-3)
    draws = np.random.default_rng(0).standard_normal((200_000, 7))
    assert gordon.mean_norm(7) == pytest.approx(np.linalg.norm(draws, axis=1).mean(), rel=3e-3)
    assert gordon.mean_positive_norm(7) == pytest.approx(np.linalg.norm(np.maximum(draws, 0), axis=1).mean(), rel=5e-3)


def test_deviations_from_the_all_input_bounds() -> None:
    assert gordon.deviation_probability(0.0) == 1
    assert gordon.deviation_probability(2.0) == pytest.approx(math.exp(-2))
    with pytest.raises(ValueError, match="at least 0"):
        gordon.deviation_probability(-1.0)
