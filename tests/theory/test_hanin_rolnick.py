from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from regimes.theory import hanin_rolnick as bound


def gradient_norms(inputs: int, widths: list[int], nets: int, generator: np.random.Generator) -> list[np.ndarray]:
    """|grad z| of the first unit of every layer of He nets with Gaussian biases at a fixed input."""
    hidden = np.broadcast_to(np.linspace(-1, 2, inputs), (nets, inputs))
    jacobian, norms = np.broadcast_to(np.eye(inputs), (nets, inputs, inputs)), []
    for n in widths:
        fan_in = hidden.shape[1]
        weight = generator.normal(0, math.sqrt(2 / fan_in), (nets, n, fan_in))
        z = np.einsum("kuv,kv->ku", weight, hidden) + generator.normal(0, 0.5, (nets, n))
        jacobian = weight @ jacobian
        norms.append(np.linalg.norm(jacobian[:, 0], axis=1))
        hidden, jacobian = np.maximum(z, 0), jacobian * (z > 0)[..., None]
    return norms


@pytest.mark.parametrize(("inputs", "widths"), [(1, [4, 3, 5]), (2, [5, 3, 4]), (4, [3, 6])])
def test_gradient_moments_of_sampled_nets(inputs: int, widths: list[int]) -> None:
    norms = gradient_norms(inputs, widths, 40_000, np.random.default_rng(8))
    for layer, norm in enumerate(norms, start=1):
        for order in (1, 2):
            sample = norm**order
            expected = bound.gradient_moment(inputs, widths, layer, order)
            assert abs(sample.mean() - expected) < 4.5 * sample.std() / math.sqrt(len(sample))


@given(st.integers(1, 8), st.lists(st.integers(1, 20), min_size=1, max_size=6))
def test_moments_are_flat_at_order_two_and_turn_there(inputs: int, widths: list[int]) -> None:
    layers = range(1, len(widths) + 1)
    first, second, fourth = ([bound.gradient_moment(inputs, widths, l, k) for l in layers] for k in (1, 2, 4))
    np.testing.assert_allclose(second, 2, rtol=1e-10)
    assert first == sorted(first, reverse=True) and fourth == sorted(fourth)


def test_constants() -> None:
    assert bound.gradient_constant(1, [4, 4]) == pytest.approx(2 / math.sqrt(math.pi))
    assert bound.gradient_constant(2, [4, 4]) == pytest.approx(math.sqrt(2))
    assert bound.gradient_constant(3, [4, 4]) > bound.gradient_constant(3, [4])
    assert bound.bias_constant(0.1) == pytest.approx(3.98942, rel=1e-5)


@pytest.mark.parametrize(
    ("inputs", "widths", "bias_std", "volume", "expected", "vacuous"),
    [
        (1, [16], 1.0, 2, 461.0, True),
        (2, [16] * 2, 1.0, 16, 2.7e6, True),
        (2, [8] * 4, 1.0, 16, 2.7e6, True),
        (2, [16] * 2, 0.1, 16, 2.7e8, True),
        (1, [32] * 4, 1.0, 2, 3.7e3, False),
        (1, [32] * 8, 1.0, 2, 7.4e3, False),
    ],
)
def test_the_dossiers_table(inputs, widths, bias_std, volume, expected, vacuous) -> None:
    value = bound.region_bound(inputs, widths, bias_std, volume)
    assert value == pytest.approx(expected, rel=0.015)
    assert bound.vacuous(inputs, widths, bias_std, volume) == vacuous
    assert bound.beaten_by_ceiling(inputs, widths, bias_std, volume)


def test_scaling() -> None:
    value = bound.region_bound(2, [16, 16], 1.0, 16)
    assert bound.region_bound(2, [32, 32], 1.0, 16) == pytest.approx(4 * value)
    assert bound.region_bound(2, [16, 16], 0.5, 16) == pytest.approx(4 * value)
    assert bound.region_bound(2, [16, 16], 1.0, 16, scale=1) == pytest.approx(value / 1024)
    assert bound.region_bound(8, [2, 2], 1.0, 1) == 16


def test_the_boundary() -> None:
    constant = 2 * bound.gradient_constant(2, [5, 5]) * bound.bias_constant(1.0)
    assert bound.boundary_bound(2, [5, 5], 1.0, 1, 4) == pytest.approx(10 * constant * 4)
    assert bound.boundary_bound(2, [5, 5], 1.0, 2, 4) == pytest.approx(45 * constant**2 * 4)


def test_bad_arguments() -> None:
    for call in (
        lambda: bound.gradient_moment(2, [3], 2, 1),
        lambda: bound.gradient_moment(2, [3], 1, 0),
        lambda: bound.gradient_constant(0, [3]),
        lambda: bound.bias_constant(0.0),
        lambda: bound.region_bound(2, [3], 1.0, 0.0),
        lambda: bound.boundary_bound(2, [3], 1.0, 3, 1.0),
    ):
        with pytest.raises(ValueError):
            call()
