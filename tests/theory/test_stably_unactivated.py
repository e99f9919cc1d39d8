from __future__ import annotations

from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from regimes.theory.stably_unactivated import is_unactivated, unactivated_probability, with_wrong_exponent


def over_all_signs(inputs: int, units: int, generator: np.random.Generator) -> float:
    """The fraction of all sign choices of rows, outer weights and constant that will do, for one draw of magnitudes."""
    weight, bias = generator.standard_normal((units, inputs)), generator.standard_cauchy(units)
    outer, constant = generator.exponential(size=units), generator.exponential()
    signs = np.array(list(product([-1, 1], repeat=2 * units + 1)))
    rows, last = signs[:, :units], signs[:, units:-1]
    return is_unactivated(rows[..., None] * weight, rows * bias, last * outer, signs[:, -1] * constant).mean()


@settings(max_examples=25, deadline=None)
@given(st.sampled_from([(1, 1), (2, 2), (3, 1), (1, 2), (2, 3), (3, 4)]), st.integers(0, 2**32))
def test_the_fraction_of_signs_is_free_of_magnitudes(sizes: tuple[int, int], seed: int) -> None:
    assert over_all_signs(*sizes, np.random.default_rng(seed)) == unactivated_probability(*sizes)


def test_three_units_on_a_line_depend_on_magnitudes() -> None:
    fractions = {over_all_signs(1, 3, np.random.default_rng(seed)) for seed in range(20)}
    assert len(fractions) > 1


def test_values() -> None:
    assert [unactivated_probability(1, n) for n in (1, 2)] == [1 / 4, 3 / 16]
    assert [unactivated_probability(2, n) for n in (1, 2, 3)] == [1 / 4, 1 / 8, 5 / 64]
    assert with_wrong_exponent(3, 2) == 1 / 4


@pytest.mark.parametrize(("inputs", "units"), [(1, 3), (2, 4), (3, 5)])
def test_the_criterion_against_points_far_and_near(inputs: int, units: int) -> None:
    generator = np.random.default_rng(2)
    shapes = ((400, units, inputs), (400, units), (400, units), (400,))
    weight, bias, outer, constant = (generator.standard_normal(shape) for shape in shapes)
    points = generator.standard_normal((4000, inputs)) * 10 ** generator.uniform(-1, 3, (4000, 1))
    z = constant[:, None] + np.einsum("ku,kun->kn", outer, np.maximum(weight @ points.T + bias[..., None], 0))
    off = is_unactivated(weight, bias, outer, constant)
    # No point contradicts the criterion, and points find nearly every net that is on somewhere.
    assert not np.any(off & (z > 1e-9).any(axis=1))
    assert np.mean(~off & ~(z > 0).any(axis=1)) < 0.02
    assert 0 < off.mean() < 0.3


def test_the_measured_frequency_of_three_gaussian_units() -> None:
    generator = np.random.default_rng(0)
    shapes = ((40_000, 3, 1), (40_000, 3), (40_000, 3), (40_000,))
    off = is_unactivated(*(generator.standard_normal(shape) for shape in shapes))
    assert off.mean() == pytest.approx(0.161, abs=4 * np.sqrt(0.161 * 0.839 / 40_000))


def test_bad_arguments() -> None:
    for inputs, units in ((0, 1), (2, 0), (1, 3)):
        with pytest.raises(ValueError):
            unactivated_probability(inputs, units)
    with pytest.raises(ValueError, match="belong to W"):
        is_unactivated(np.zeros((2, 3, 1)), np.zeros((2, 3)), np.zeros((2, 2)), np.zeros(2))
