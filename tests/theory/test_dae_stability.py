from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.integrate import solve_ivp

from regimes.theory import dae_dynamics
from regimes.theory import dae_stability as dae

UNIT = 2.0**-53


def hessian(w1: float, w2: float, value: float, noise: float, decay: float) -> np.ndarray:
    """Central differences of the loss of a mode."""

    def loss(a: float, b: float) -> float:
        return value / 2 * (1 - a * b) ** 2 + noise / 2 * (a * b) ** 2 + decay / 2 * (a * a + b * b)

    h, found = 1e-4, np.empty((2, 2))
    steps = np.eye(2) * h
    for i in range(2):
        for j in range(2):
            found[i, j] = sum(
                s * t * loss(w1 + (s * steps[i] + t * steps[j])[0], w2 + (s * steps[i] + t * steps[j])[1]) for s in (-1, 1) for t in (-1, 1)
            ) / (4 * h * h)
    return found


@pytest.mark.parametrize("value", [0.5, 2.0])
@pytest.mark.parametrize("noise", [0.0, 1.0, 5.0])
@pytest.mark.parametrize("share", [0.0, 0.2, 0.5, 0.8, 1.5])
def test_the_edge_is_two_over_the_curvature_at_the_minimiser(value: float, noise: float, share: float) -> None:
    decay = share * value
    weight = math.sqrt(float(dae_dynamics.fixed_point(value, noise, decay)))
    top = np.linalg.eigvalsh(hessian(weight, weight, value, noise, decay)).max()
    assert dae.edge(value, noise, decay) == pytest.approx(2 / top, rel=1e-4)
    top_at_one = np.linalg.eigvalsh(hessian(1.0, 1.0, value, noise, decay)).max()
    assert dae.hessian_edge_at_one(value, noise, decay) == pytest.approx(2 / top_at_one, rel=1e-4)


def test_edge_examples() -> None:
    assert dae.edge(1.0, 5.0) == 1
    assert [float(dae.edge(1.0, 0.0, g)) for g in (0.2, 0.5)] == [1.25, 2.0]
    assert dae.edge(1.0, 0.0, 0.833) == pytest.approx(1.2, abs=0.001)


@given(rate=st.floats(0.001, 0.49), share=st.just(0.0) | st.floats(1e-12, 1.5))
def test_a_step_advances_as_its_formula_says_and_ever_more(rate: float, share: float) -> None:
    # λ = a = 1, ξ = 1: q = A u.
    u = share
    slow, fast = dae.dilation(rate, rate * u)
    if u > 0 and abs(u - 1) > 1e-6 and math.isfinite(fast):
        after = u * (1 + rate * (1 - u)) ** 2
        advance = (math.log(abs(after / (1 - after))) - math.log(abs(u / (1 - u)))) / (2 * rate)
        assert slow - 1e-9 <= advance <= fast + 1e-9
        assert min(abs(advance - slow), abs(advance - fast)) < 1e-7 / abs(u - 1)
    ends = np.array([dae.dilation(rate, rate * v)[0] for v in np.linspace(0, 1, 20)])
    assert (np.diff(ends) > -1e-12).all()


def test_dilation_limits() -> None:
    slow, fast = dae.dilation(0.2)
    assert slow == pytest.approx(math.log(1.2) / 0.2)
    assert fast == pytest.approx(-math.log(0.6) / 0.4)
    assert dae.dilation(0.5)[1] == math.inf


@given(
    noise=st.floats(0, 5), share=st.floats(0, 0.95), speed=st.floats(0.005, 0.49), start=st.floats(-5, 0.3),
    steps=st.integers(1, 400),
)  # fmt: skip
def test_descent_stays_in_the_envelope(noise: float, share: float, speed: float, start: float, steps: int) -> None:
    rate, top = speed / (1 - share), (1 - share) / (1 + noise)
    first = 10.0**start * top
    if not math.isfinite(dae.dilation(speed, rate * (1 + noise) * first)[1]):
        return
    weight = math.sqrt(first)
    for _ in range(steps):
        weight += rate * weight * (1 - share - (1 + noise) * weight**2)
    low, high = dae.envelope(steps, first, rate, 1.0, noise, share)
    slack = dae.envelope_rounding(steps, first, rate, 1.0, noise, share, UNIT)
    assert low - slack <= weight**2 <= high + slack
    assert slack < 1e-9


@pytest.mark.parametrize("decay", [0.0, 0.2])
def test_the_enclosure_contains_the_flow_and_is_not_idle(decay: float) -> None:
    generator = np.random.default_rng(1)
    count, rate, noise = 30, 0.005, 0.5
    points = [generator.uniform(-0.7, 0.7, (count, 2))]
    for _ in range(1200):
        a, b = points[-1].T
        r = 1 - (1 + noise) * a * b
        points.append(points[-1] + rate * np.stack([r * b - decay * a, r * a - decay * b], 1))
    path = np.stack(points, 1)
    bound = dae.enclosure(path[..., 0], path[..., 1], rate, 1.0, noise, decay)
    times = np.arange(1201) * rate
    used = []
    for k in range(count):

        def force(_: float, w: np.ndarray) -> list[float]:
            r = 1 - (1 + noise) * w[0] * w[1]
            return [r * w[1] - decay * w[0], r * w[0] - decay * w[1]]

        flow = solve_ivp(force, (0, 6), path[k, 0], t_eval=times, rtol=1e-12, atol=1e-14, method="DOP853").y.T
        distance = np.linalg.norm(flow - path[k], axis=1)
        assert (distance <= bound[k] + 1e-10).all()
        used.append((distance[1:] / bound[k, 1:]).max())
    assert np.median(used) > 0.9


def test_the_enclosure_gives_up_where_descent_runs_away() -> None:
    path = np.array([[3.0, -50.0, 1e5]])
    bound = dae.enclosure(path, path, 0.9, 1.0, 0.5, 0.0)
    assert not np.isfinite(bound[0, -1])


@pytest.mark.parametrize("spectrum", [[1.0, 0.5, 0.25], [1.0, 1.0, 0.9]])
def test_aligned_rounding_covers_single_against_double_precision(spectrum: list[float]) -> None:
    generator = np.random.default_rng(2)
    values, rate, noise, size = np.array(spectrum), 0.2, 0.5, 3
    basis, turn = (np.linalg.qr(generator.normal(size=(size, size)))[0] for _ in range(2))
    moment, start = basis @ np.diag(values) @ basis.T, 0.05
    modes = [np.full(size, start**2)]
    pair = [(start * turn @ basis.T).astype(np.float32), (start * basis @ turn.T).astype(np.float32)]
    sigma, worst = moment.astype(np.float32), [0.0]
    for _ in range(60):
        u = modes[-1]
        modes.append(u * (1 + rate * (values - (values + noise) * u)) ** 2)
        product = pair[1] @ pair[0]
        force = sigma - product @ sigma - np.float32(noise) * product
        pair = [pair[0] + np.float32(rate) * pair[1].T @ force, pair[1] + np.float32(rate) * force @ pair[0].T]
        seen = basis.T @ (pair[1] @ pair[0]).astype(float) @ basis
        worst.append(np.abs(seen - np.diag(modes[-1])).max())
    bound = dae.alignment_rounding(np.stack(modes), rate, values, noise, 0.0, size, 2.0**-24)
    assert (np.array(worst) <= bound).all()
    assert max(np.array(worst)[1:] / bound[1:]) > 1e-4
