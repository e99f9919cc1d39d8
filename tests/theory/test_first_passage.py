from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.integrate import quad

from regimes.theory import first_passage, he_norm_law
from regimes.theory.first_passage import exact_width, stay_probability, step_density


@pytest.mark.parametrize(
    ("eps", "depth", "delta", "width"),
    [
        (0.1, 2, 0.05, 3879), (0.5, 2, 0.05, 154), (0.1, 10, 0.05, 21810), (0.3, 10, 0.05, 2444), (0.5, 10, 0.01, 1664),
        (0.1, 50, 0.05, 117024), (0.5, 50, 0.05, 5007),
    ],
)
def test_exact_widths_against_simulated_ones(eps: float, depth: int, delta: float, width: int) -> None:
    assert exact_width(eps, depth, delta) == pytest.approx(width, rel=0.015)


@pytest.mark.parametrize("widths", [(5,), (8, 3), (16, 5, 32, 7), (64,) * 12])
@pytest.mark.parametrize("eps", [0.2, 0.6, 0.95])
def test_the_probability_against_simulation(widths: tuple[int, ...], eps: float) -> None:
    generator = np.random.default_rng(1)
    paths = np.cumprod([he_norm_law.sample(n, (100_000,), generator) for n in widths], axis=0)
    simulated = (np.abs(paths - 1) <= eps).all(axis=0).mean()
    error = np.sqrt(max(simulated * (1 - simulated), 1e-4) / 100_000)
    assert stay_probability(eps, widths) == pytest.approx(simulated, abs=5 * error)


def test_one_layer_is_a_difference_of_the_cdf() -> None:
    expected = he_norm_law.cdf(np.array(1.5), 9) - he_norm_law.cdf(np.array(0.5), 9)
    assert stay_probability(0.5, (9,)) == pytest.approx(float(expected), abs=1e-12)


@pytest.mark.parametrize("n", [2, 9, 40, 300])
@pytest.mark.parametrize("eps", [0.1, 0.7, 1.0, 1.8])
def test_two_layers_against_adaptive_quadrature(n: int, eps: float) -> None:
    def step(r: float) -> float:
        above = he_norm_law.cdf(np.array((1 + eps) / r), n)
        below = he_norm_law.cdf_left(np.array(max(1 - eps, 0.0) / r), n)
        return float(he_norm_law.pdf(np.array(r), n) * (above - below))

    points = [1e-3, 0.5, 1.0, 1.3] if eps >= 1 else [1.0]
    expected = quad(step, max(1 - eps, 0.0), 1 + eps, limit=500, points=points, epsabs=1e-11)[0]
    dead = 0.5**n if eps >= 1 else 0.0
    assert stay_probability(eps, (n, n)) == pytest.approx(expected + dead, abs=2e-8)


@pytest.mark.parametrize("widths", [(3, 5), (4, 2, 6), (1, 1, 1), (70,) * 6])
@pytest.mark.parametrize("eps", [1.0, 1.7])
def test_a_band_without_lower_edge_keeps_dead_networks(widths: tuple[int, ...], eps: float) -> None:
    generator = np.random.default_rng(2)
    paths = np.cumprod([he_norm_law.sample(n, (200_000,), generator) for n in widths], axis=0)
    simulated = (np.abs(paths - 1) <= eps).all(axis=0).mean()
    assert stay_probability(eps, widths) == pytest.approx(simulated, abs=5 * np.sqrt(0.25 / 200_000))


@pytest.mark.parametrize(("width", "depth"), [(4, 6), (64, 10), (5007, 50)])
def test_more_nodes_change_nothing(width: int, depth: int) -> None:
    low, high = np.log1p(-0.5), np.log1p(0.5)
    fine = first_passage._propagate(low, high, (width,) * depth, 900, False)
    assert stay_probability(0.5, (width,) * depth) == pytest.approx(fine, abs=1e-9)


@settings(max_examples=25, deadline=None)
@given(st.floats(0.15, 1.5), st.integers(1, 12), st.sampled_from([0.3, 0.1, 0.01]))
def test_the_exact_width_is_the_smallest(eps: float, depth: int, delta: float) -> None:
    width = exact_width(eps, depth, delta)
    assert 1 - stay_probability(eps, (width,) * depth) <= delta
    assert width == 1 or 1 - stay_probability(eps, (width - 1,) * depth) > delta


@settings(max_examples=25, deadline=None)
@given(st.lists(st.integers(2, 60), min_size=1, max_size=5), st.floats(0.1, 1.6), st.floats(0.01, 0.3))
def test_a_wider_band_is_kept_more_often_and_a_longer_walk_less(widths: list[int], eps: float, more: float) -> None:
    stays = stay_probability(eps, tuple(widths))
    assert stay_probability(eps + more, tuple(widths)) >= stays - 2e-8
    assert stay_probability(eps, (*widths, 7)) <= stays + 2e-8


def test_the_density_of_a_step_has_the_mass_of_live_layers() -> None:
    u = np.linspace(-40, 6, 200_001)
    for n in (1, 3, 50, 3000):
        assert np.trapezoid(step_density(u, n), u) == pytest.approx(1 - 0.5**n, abs=1e-6)


@pytest.mark.parametrize(
    ("call", "sentence"),
    [
        (lambda: stay_probability(0.0, (9,)), "eps > 0; got 0.0"),
        (lambda: stay_probability(0.5, ()), "at least one hidden layer"),
        (lambda: exact_width(0.5, 0, 0.1), "got depth 0"),
        (lambda: exact_width(0.5, 2, 1.0), r"\(0, 1\); got delta 1.0"),
    ],
)
def test_what_is_no_band_is_refused(call: Callable[[], object], sentence: str) -> None:
    with pytest.raises(ValueError, match=sentence):
        call()
