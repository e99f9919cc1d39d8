from __future__ import annotations

import mpmath
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from test_dae_dynamics import solved

from regimes.theory import dae_dynamics, dae_hyperbolic

TIMES = np.linspace(0, 8, 33)


def published(time: float, w1: float, w2: float, value: float, noise: float) -> mpmath.mpf:
    """The paper's form: the Riccati equation of tanh(θ/2), with sinh at the end."""
    w1, w2 = mpmath.mpf(w1), mpmath.mpf(w2)
    c, xi = abs(w2**2 - w1**2), mpmath.mpf(value) + mpmath.mpf(noise)
    g = mpmath.sqrt(xi**2 * c**2 + 4 * mpmath.mpf(value) ** 2)
    up, down = (-xi * c + g) / (2 * value), (-xi * c - g) / (2 * value)
    y0 = mpmath.tanh(mpmath.asinh(2 * w1 * w2 / c) / 2)
    ratio = (y0 - up) / (y0 - down) * mpmath.exp(-g * time)
    return c / 2 * mpmath.sinh(2 * mpmath.atanh((up - down * ratio) / (1 - ratio)))


def test_hyperbolic_curve_solves_the_flow() -> None:
    generator = np.random.default_rng(0)
    for _ in range(40):
        w1, w2 = generator.uniform(-2, 2, 2)
        value, noise = generator.uniform(0.1, 3), generator.uniform(0, 5)
        curve = dae_hyperbolic.unbalanced(TIMES, w1, w2, value, noise)
        # The solver's own error; its tolerance is 1e-12 a step.
        assert np.abs(curve - solved(w1, w2, value, noise, 0.0, TIMES)).max() < 1e-9


@given(
    w1=st.floats(0.01, 2), gap=st.floats(-8, 0), sign=st.sampled_from([-1, 1]), value=st.floats(0.1, 3),
    noise=st.floats(0, 5), time=st.floats(0, 8),
)  # fmt: skip
def test_it_is_the_published_curve_without_its_cancellation(
    w1: float, gap: float, sign: int, value: float, noise: float, time: float
) -> None:
    w2 = sign * w1 * (1 + 10.0**gap)
    with mpmath.workdps(60):
        wanted = published(time, w1, w2, value, noise)
    found = float(dae_hyperbolic.unbalanced(time, w1, w2, value, noise))
    # u is a difference of two positive numbers, each of relative error near 100 units (the exponent reaches 300).
    size = abs(wanted) + abs(w2**2 - w1**2) + (w1 - w2) ** 2 / 2 * np.exp(-2 * value * time)
    assert abs(found - wanted) < 1e-13 * size


@given(weight=st.floats(0.001, 1), value=st.floats(0.1, 3), noise=st.floats(0, 5))
def test_equal_weights_give_the_logistic_curve(weight: float, value: float, noise: float) -> None:
    found = dae_hyperbolic.unbalanced(TIMES, weight, weight, value, noise)
    assert np.allclose(found, dae_dynamics.balanced(TIMES, weight**2, value, noise), rtol=1e-13, atol=0)


def test_opposite_weights_end_at_the_saddle() -> None:
    found = dae_hyperbolic.unbalanced(np.array([0.0, 10.0, 20.0, 30.0]), 0.3, -0.3, 1.0, 0.5)
    assert found[0] == pytest.approx(-0.09)
    assert found[1:] == pytest.approx([-1.6e-10, -3.4e-19, -7e-28], rel=0.1)


def test_zero_weights_stay() -> None:
    assert (dae_hyperbolic.unbalanced(TIMES, 0.0, 0.0, 1.0, 0.5) == 0).all()


def test_imbalance_speeds_up_the_end() -> None:
    assert dae_hyperbolic.local_rate(0.5, 0.5, 1.0, 0.5) == 2
    assert dae_hyperbolic.local_rate(0.1, 2.0, 1.0, 0.5) > 2
    assert dae_hyperbolic.imbalance(0.5, 1.5, 3.0, 0.1) == pytest.approx(2 * np.exp(-0.6))


@pytest.mark.parametrize(("w1", "w2", "decay", "error"), [(0.1, 0.3, 0.05, 3.6e-4), (0.5, 1.5, 0.05, 1.3e-2), (0.5, 1.5, 0.3, 7.1e-2)])
def test_frozen_imbalance_is_wrong_under_decay(w1: float, w2: float, decay: float, error: float) -> None:
    times = np.linspace(0, 30, 301)
    wrong = dae_hyperbolic.frozen_imbalance(times, w1, w2, 1.0, 0.5, decay)
    assert np.abs(wrong - solved(w1, w2, 1.0, 0.5, decay, times)).max() == pytest.approx(error, rel=0.25)


@given(
    angle=st.floats(0, 2 * np.pi), share=st.floats(0.001, 1), value=st.floats(0.1, 3), noise=st.floats(0, 5),
)  # fmt: skip
def test_the_logistic_curve_from_the_effective_start(angle: float, share: float, value: float, noise: float) -> None:
    mean = np.sqrt(share * value / (value + noise))
    half = mean * np.tan(angle / 2 - np.pi / 2) if abs(np.sin(angle / 2)) > 0.05 else 0.0
    w1, w2 = mean + half, mean - half
    start, bound = dae_hyperbolic.effective_start(w1, w2)
    times = np.concatenate([[0.0], np.geomspace(1e-3, 40, 200)]) / value
    error = np.abs(dae_hyperbolic.unbalanced(times, w1, w2, value, noise) - dae_dynamics.balanced(times, start, value, noise))
    assert error.max() <= bound * (1 + 1e-9) + 1e-13
    assert error[0] >= bound * (1 - 1e-9) - 1e-13


@pytest.mark.parametrize("start", [1e-4, 1e-6])
def test_the_logistic_curve_from_the_product_is_as_wrong_at_any_scale(start: float) -> None:
    times, w1 = np.linspace(0, 40, 4001), np.sqrt(start / 4)
    error = np.abs(dae_hyperbolic.unbalanced(times, w1, 4 * w1, 1.0, 0.5) - dae_dynamics.balanced(times, start, 1.0, 0.5))
    assert error.max() == pytest.approx(0.0741, abs=2e-4)
