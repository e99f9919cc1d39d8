from __future__ import annotations

import mpmath
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.integrate import solve_ivp
from scipy.optimize import minimize_scalar

from regimes.theory import dae_dynamics as dae

values = st.floats(0.1, 3)
noises = st.floats(0, 5)
starts = st.floats(1e-4, 0.25)


def solved(w1: float, w2: float, value: float, noise: float, decay: float, times: np.ndarray) -> np.ndarray:
    """u(t) by an adaptive solver of order 8."""

    def force(_: float, w: np.ndarray) -> list[float]:
        r = value - (value + noise) * w[0] * w[1]
        return [r * w[1] - decay * w[0], r * w[0] - decay * w[1]]

    found = solve_ivp(force, (0, times[-1]), [w1, w2], t_eval=times, rtol=1e-12, atol=1e-15, method="DOP853")
    return found.y[0] * found.y[1]


@pytest.mark.parametrize(
    ("value", "noise", "decay", "weight", "end"),
    [(1, 1, 0, 0.01, 0.499719), (2.5, 0.5, 0.3, 0.1, 0.733333), (0.5, 2, 0.49, 0.3, 0.021537), (0.5, 2, 0.9, 0.3, None), (0.5, 2, 0.5, 0.3, None)],
)
def test_logistic_solves_the_flow(value: float, noise: float, decay: float, weight: float, end: float | None) -> None:
    times = np.linspace(0, 8, 33)
    curve = dae.balanced(times, weight**2, value, noise, decay)
    assert np.abs(curve - solved(weight, weight, value, noise, decay, times)).max() < 1e-11
    if end is not None:
        assert curve[-1] == pytest.approx(end, abs=5e-7)


@given(value=values, noise=noises, share=st.floats(0, 2), start=starts, time=st.floats(0, 30))
def test_logistic_to_the_last_digits(value: float, noise: float, share: float, start: float, time: float) -> None:
    decay = share * value
    with mpmath.workdps(50):
        a, xi = mpmath.mpf(value) - mpmath.mpf(decay), mpmath.mpf(value) + mpmath.mpf(noise)
        lapse = (mpmath.exp(2 * a * time) - 1) / a if a else mpmath.mpf(2) * time
        wanted = start * mpmath.exp(2 * a * time) / (1 + xi * start * lapse)
        # Exponents up to 180 carry their rounding into the result.
        assert abs(float(dae.balanced(time, start, value, noise, decay)) / wanted - 1) < 1e-13


def test_nothing_overflows() -> None:
    assert dae.balanced(1e6, 1e-6, 3.0, 1.0) == pytest.approx(0.75)
    assert dae.balanced(np.inf, 0.1, 1.0, 1.0) == pytest.approx(0.5)
    assert dae.balanced(1e6, 0.1, 1.0, 1.0, 2.0) == 0


def test_a_negative_start_is_refused() -> None:
    with pytest.raises(ValueError, match="use the hyperbolic one"):
        dae.balanced(1.0, -0.1, 1.0)


def test_fixed_points() -> None:
    assert dae.fixed_point(1.0, 1.0) == 0.5
    assert dae.fixed_point(1.0, 0.0, 1.5) == 0
    assert np.allclose(dae.fixed_point(np.array([1.0, 2.0]), 1.0, 0.5), [0.25, 0.5])


@given(value=values, noise=noises, share=st.floats(0, 0.9), start=st.floats(0.001, 0.5), end=st.floats(0.5, 0.99))
def test_learning_time_inverts_the_curve(value: float, noise: float, share: float, start: float, end: float) -> None:
    top = float(dae.fixed_point(value, noise, share * value))
    time = dae.learning_time(start * top, end * top, value, noise, share * value)
    assert dae.balanced(time, start * top, value, noise, share * value) == pytest.approx(end * top, rel=1e-11)


@given(value=values, noise=st.floats(0.001, 5), start=starts, time=st.floats(0, 40))
def test_decay_is_noise_in_slow_motion(value: float, noise: float, start: float, time: float) -> None:
    decay = dae.equivalent_decay(value, noise)
    assert dae.fixed_point(value, 0.0, decay) == pytest.approx(dae.fixed_point(value, noise), rel=1e-12)
    slow = dae.balanced(time, start, value, 0.0, decay)
    assert slow == pytest.approx(dae.balanced(time * value / (value + noise), start, value, noise), rel=1e-11)


def test_times_to_nine_tenths() -> None:
    for value, noise, fast, slow in [(1, 0.1, 5.656, 6.222), (1, 1, 5.357, 10.714), (0.5, 2, 9.798, 48.988)]:
        top = float(dae.fixed_point(value, noise))
        assert dae.learning_time(1e-4, 0.9 * top, value, noise) == pytest.approx(fast, abs=1e-3)
        decay = dae.equivalent_decay(value, noise)
        assert dae.learning_time(1e-4, 0.9 * top, value, 0.0, decay) == pytest.approx(slow, abs=1e-3)


@given(second=values, ratio=st.floats(0.02, 0.98), noise=st.floats(0.01, 5))
def test_no_decay_beats_the_mismatch_floor(second: float, ratio: float, noise: float) -> None:
    both = np.array([ratio * second, second])

    def mismatch(decay: float) -> float:
        return float(np.abs(dae.fixed_point(both, 0.0, decay) - dae.fixed_point(both, noise)).max())

    floor = float(dae.mismatch_floor(ratio * second, second, noise))
    scanned = min(mismatch(decay) for decay in np.linspace(0, 1.2 * second, 400))
    low, high = dae.equivalent_decay(both, noise)
    found = minimize_scalar(mismatch, bounds=(low, high), method="bounded", options={"xatol": 1e-12})
    assert min(scanned, found.fun) >= floor * (1 - 1e-9)
    if high < ratio * second:
        assert found.fun == pytest.approx(floor, rel=1e-4)


@pytest.mark.parametrize(("value", "noise", "decay", "weight"), [(1.0, 0.5, 0.1, 0.1), (0.4, 1.5, 0.0, 0.05), (2.0, 0.0, 1.0, 0.3)])
def test_descent_departs_by_the_constant_that_is_stated(value: float, noise: float, decay: float, weight: float) -> None:
    clock = np.linspace(0, 8 / value, 4001)
    u = dae.balanced(clock, weight**2, value, noise, decay)
    speed = np.sqrt(u) * (value - decay - (value + noise) * u)
    stated = np.abs(np.sqrt(u) * speed * np.log(speed / speed[0])).max()
    departures = []
    for steps in (2000, 4000):
        rate, w, path = clock[-1] / steps, weight, [weight**2]
        for _ in range(steps):
            w *= 1 + rate * (value - decay - (value + noise) * w**2)
            path.append(w**2)
        flow = dae.balanced(rate * np.arange(steps + 1), weight**2, value, noise, decay)
        departures.append(np.abs(path - flow).max() / rate)
    # Richardson's extrapolation to a learning rate of 0.
    assert 2 * departures[1] - departures[0] == pytest.approx(stated, rel=1e-4)
