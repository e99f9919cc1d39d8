from __future__ import annotations

import math
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.integrate import quad

from regimes.theory import kac_rice


def breakpoints(widths: list[int], bias_std: float, nets: int, generator: np.random.Generator) -> np.ndarray:
    """Breakpoints per layer of He nets on [-1, 1], by cutting intervals of affine maps."""
    found = np.zeros((nets, len(widths)))
    for k in range(nets):
        pieces = [(-1.0, 1.0, np.ones(1), np.zeros(1))]
        for l, n in enumerate(widths):
            fan_in = len(pieces[0][2])
            weight, bias = generator.normal(0, math.sqrt(2 / fan_in), (n, fan_in)), generator.normal(0, bias_std, n)
            cut = []
            for low, high, slope, value in pieces:
                a, c = weight @ slope, weight @ value + bias
                zeros = -c[a != 0] / a[a != 0]
                for left, right in pairwise([low, *sorted(zeros[(zeros > low) & (zeros < high)]), high]):
                    on = a * (left + right) / 2 + c > 0
                    cut.append((left, right, a * on, c * on))
            found[k, l], pieces = len(cut) - len(pieces), cut
    return found


def rates(widths: list[int], bias_std: float, nets: int, generator: np.random.Generator) -> tuple[np.ndarray, ...]:
    """Per layer on [-1, 1], for one uniform t a net: the three estimates of the integral."""
    t = generator.uniform(-1, 1, nets)
    hidden, slope = t[:, None], np.ones((nets, 1))
    plain, given_layer, mutant = (np.zeros((nets, len(widths))) for _ in range(3))
    for l, n in enumerate(widths):
        scale = math.sqrt(2 / hidden.shape[1])
        weight = generator.normal(0, scale, (nets, n, hidden.shape[1]))
        z, velocity = (np.einsum("kuv,kv->ku", weight, x) for x in (hidden, slope))
        plain[:, l] = 2 * kac_rice.gaussian_integrand(z, velocity, bias_std).sum(axis=1)
        mutant[:, l] = 2 * kac_rice.slopeless_integrand(z, velocity, bias_std).sum(axis=1)
        given_layer[:, l] = 2 * n * kac_rice.gaussian_layer_density(hidden, slope, scale, bias_std)
        z = z + generator.normal(0, bias_std, z.shape)
        hidden, slope = np.maximum(z, 0), velocity * (z > 0)
    return plain, given_layer, mutant


def mean_and_error(samples: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    return samples.mean(axis=0), samples.std(axis=0) / math.sqrt(len(samples))


@pytest.mark.parametrize(("widths", "bias_std"), [([16, 16, 16], 1.0), ([4, 6, 4], 0.5)])
def test_counted_breakpoints_layer_by_layer(widths: list[int], bias_std: float) -> None:
    generator = np.random.default_rng(4)
    counted, error = mean_and_error(breakpoints(widths, bias_std, 400, generator))
    plain, given_layer, mutant = rates(widths, bias_std, 20_000, generator)
    for estimate in (plain, given_layer):
        mean, spread = mean_and_error(estimate)
        assert np.all(np.abs(mean - counted) < 4.5 * np.hypot(error, spread))
    assert np.all(given_layer.std(axis=0) < plain.std(axis=0))
    wrong, spread = mean_and_error(mutant)
    assert np.any(np.abs(wrong - counted) > 4.5 * np.hypot(error, spread))


def test_the_dossiers_totals() -> None:
    for widths, bias_std, total, error in (([16] * 3, 1.0, 23.758, 0.135), ([8] * 6, 0.5, 25.716, 0.133)):
        mean, spread = mean_and_error(rates(widths, bias_std, 10_000, np.random.default_rng(1))[1].sum(axis=1))
        assert abs(mean - total) < 4 * math.hypot(error, spread)


@given(st.floats(0.1, 5), st.floats(0.1, 5), st.floats(0, 20))
def test_the_first_layer_is_the_integral_of_its_density(weight_std: float, bias_std: float, end: float) -> None:
    def density(t: float) -> float:
        return float(kac_rice.gaussian_layer_density(np.array([t]), np.ones(1), weight_std, bias_std))

    assert kac_rice.first_layer(3, end, weight_std, bias_std) == pytest.approx(6 * quad(density, 0, end)[0], rel=1e-6)


def test_the_first_layers_numbers() -> None:
    assert kac_rice.first_layer(16, 1.0, math.sqrt(2), 1.0) == pytest.approx(9.73, abs=0.005)
    assert kac_rice.first_layer(5, math.inf, 1.0, 0.1) == 5
    assert kac_rice.first_layer(5, 0.0, 1.0, 0.1) == 0


def test_the_layer_density_by_quadrature_over_the_joint_law() -> None:
    generator = np.random.default_rng(0)
    hidden, velocity = generator.standard_normal((2, 7))
    covariance = 0.49 * np.array([[hidden @ hidden, hidden @ velocity], [hidden @ velocity, velocity @ velocity]])
    covariance[0, 0] += 0.3**2

    def integrand(speed: float) -> float:
        point = np.array([0, speed])
        norm = 2 * math.pi * math.sqrt(float(np.linalg.det(covariance)))
        return speed * math.exp(-float(point @ np.linalg.solve(covariance, point)) / 2) / norm

    expected = 2 * quad(integrand, 0, np.inf)[0]
    assert float(kac_rice.gaussian_layer_density(hidden, velocity, 0.7, 0.3)) == pytest.approx(expected, rel=1e-7)


def test_a_dead_layer_has_no_breakpoints_and_parallel_vectors_lose_nothing() -> None:
    assert kac_rice.gaussian_layer_density(np.zeros((3, 4)), np.zeros((3, 4)), 1.0, 1.0).tolist() == [0, 0, 0]
    h = np.full((1, 3), 1e8)
    assert kac_rice.gaussian_layer_density(h, h, 1.0, 1e-8)[0] == pytest.approx(1e-8 / math.pi / np.linalg.norm(h), rel=1e-5)


def test_uniform_biases() -> None:
    z = np.array([0.0, 0.5, -0.9, 1.1])
    np.testing.assert_allclose(kac_rice.uniform_integrand(z, np.array([2.0, -2, 1, 1]), 1.0), [1, 1, 0.5, 0])
    # Units t + b on [0, 1], b ~ U(-2, 2): half of the zeros -b that are positive are below 1.
    assert quad(lambda t: float(kac_rice.uniform_integrand(np.array(t), np.array(1.0), 2.0)), 0, 1)[0] == 0.25


def test_bad_arguments() -> None:
    one = np.ones(1)
    for call in (
        lambda: kac_rice.gaussian_integrand(one, one, 0.0),
        lambda: kac_rice.uniform_integrand(one, one, -1.0),
        lambda: kac_rice.gaussian_layer_density(one, one, 0.0, 1.0),
        lambda: kac_rice.first_layer(1, -1.0, 1.0, 1.0),
        lambda: kac_rice.first_layer(1, 1.0, 1.0, math.nan),
    ):
        with pytest.raises(ValueError):
            call()
