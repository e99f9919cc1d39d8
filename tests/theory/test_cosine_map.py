from __future__ import annotations

import mpmath
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from regimes.theory import cosine_map


def precise_gap(start: float, layers: int, digits: int = 40) -> mpmath.mpf:
    with mpmath.workdps(digits):
        e = mpmath.mpf(start)
        for _ in range(layers):
            c = 1 - e
            e = 1 - (mpmath.sqrt(1 - c**2) + c * (mpmath.pi - mpmath.acos(c))) / mpmath.pi
        return e


@pytest.mark.parametrize(
    ("start", "values"),
    [
        (1.0, {1: 0.68169, 2: 0.50627, 4: 0.31905, 9: 0.14519, 19: 0.055507, 49: 0.012561, 99: 0.0036428, 999: 4.3215e-5}),
        (0.1, {1: 0.090462, 9: 0.047157, 99: 0.0029428, 999: 4.2186e-5}),
        (2.0, {1: 1.0, 2: 0.68169, 9: 0.16558, 99: 0.0037107}),
    ],
)
def test_the_decay_has_the_known_values(start: float, values: dict[int, float]) -> None:
    for layers, value in values.items():
        assert cosine_map.gap(start, layers) == pytest.approx(value, rel=2e-4)


@given(st.floats(-1, 1))
def test_the_map_is_the_gap_from_the_other_side(c: float) -> None:
    assert 1 - cosine_map.next_gap(1 - c) == pytest.approx(float(cosine_map.cosine_map(c)), abs=1e-14)


@pytest.mark.parametrize("e", [1e-30, 1e-12, 1e-6, 0.00249, 0.00251, 0.004995, 0.005005, 0.1, 1.0, 2.0])
def test_one_step_keeps_full_relative_precision(e: float) -> None:
    with mpmath.workdps(60):
        expected = precise_gap(e, 1, 60)
        assert abs(mpmath.mpf(float(cosine_map.next_gap(e))) / expected - 1) < 1e-15 * 8


def test_a_hundred_thousand_layers_agree_with_forty_digits_to_twelve() -> None:
    found, expected = cosine_map.gap(1.0, 100_000), precise_gap(1.0, 100_000, 40)
    assert abs(mpmath.mpf(found) / expected - 1) < 1e-12
    assert found * 1e10 == pytest.approx(cosine_map.RATE, rel=5e-4)


def test_the_angle_has_the_logarithmic_correction() -> None:
    e = cosine_map.gaps(1.0, 200_000)
    layers = np.array([50_000, 200_000])
    theta = 2 * np.arcsin(np.sqrt(e[layers] / 2))
    excess = 3 * np.pi / theta - layers
    assert np.diff(excess) / np.diff(np.log(layers)) == pytest.approx(1.5, abs=1e-3)


def test_the_literal_reading_of_the_post_has_other_values() -> None:
    share, found = 1e-12, []
    for _ in range(20):
        share = float(cosine_map.cosine_map_as_printed(share))
        found.append(share)
    assert abs(found[-1] - (1 - cosine_map.gap(1.0, 20))) > 0.1


@given(st.integers(0, 10**6), st.integers(1, 6))
def test_shares_are_the_moments_of_gaussian_samples(seed: int, samples: int) -> None:
    generator = np.random.default_rng(seed)
    root = generator.standard_normal((samples, samples))
    gram = root @ root.T
    total, mean, variance = cosine_map.shares(gram)
    assert total == pytest.approx(mean + variance, rel=1e-12)
    # One draw after another with covariance G: E of the population moments by the square root's columns.
    columns = root.T
    assert mean == pytest.approx((columns.mean(1) ** 2).sum())
    assert variance == pytest.approx(columns.var(1).sum())


def test_the_kernel_is_the_mean_of_products_of_relus() -> None:
    generator = np.random.default_rng(0)
    gram = np.array([[2.0, 0.5], [0.5, 0.7]])
    y = generator.multivariate_normal([0, 0], gram, 400_000)
    h = np.maximum(y, 0)
    np.testing.assert_allclose(2 * h.T @ h / len(h), cosine_map.kernel(gram), rtol=0.02)


@pytest.mark.parametrize("spread", [0.1, 0.3, 0.6])
def test_unequal_norms_leave_their_own_variance(spread: float) -> None:
    generator = np.random.default_rng(1)
    norms = np.exp(spread * generator.standard_normal(200))
    x = generator.standard_normal((200, 50))
    x *= (norms / np.linalg.norm(x, axis=1))[:, None]
    total, _, variance = cosine_map.shares(cosine_map.iterate(x @ x.T, 400))
    assert variance / total == pytest.approx(cosine_map.norm_floor(norms), abs=5e-4)
    # Var/E of the square of a lognormal variable, up to the 200 samples.
    assert cosine_map.norm_floor(norms) == pytest.approx(1 - np.exp(-(spread**2)), rel=0.25)


@pytest.mark.parametrize("slope", [0.0, 0.1, 0.5, -1.0])
def test_leaky_rates(slope: float) -> None:
    # 1 - c decreases by ((1-a)^2/(1+a^2)) (sin - theta cos)/pi at each layer.
    e, factor = 0.5, (1 - slope) ** 2 / (1 + slope**2)
    for _ in range(20_000):
        theta = 2 * np.arcsin(np.sqrt(e / 2))
        e -= factor * float(cosine_map._lens(np.asarray(theta))) / np.pi
    assert e * 20_000**2 == pytest.approx(cosine_map.leaky_rate(slope), rel=0.01)


def test_bad_arguments() -> None:
    with pytest.raises(ValueError, match=r"\[0, 2\] and layers are not negative; got 2.5"):
        cosine_map.gaps(2.5, 3)
    with pytest.raises(ValueError, match="do not move"):
        cosine_map.leaky_rate(1)
