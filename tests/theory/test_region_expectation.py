from __future__ import annotations

import math
from fractions import Fraction
from itertools import combinations, pairwise, product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from regimes.theory import region_expectation as law
from regimes.theory.zaslavsky import cells

WIDTHS = st.lists(st.integers(1, 5), min_size=1, max_size=3)


def linked(inputs: int, widths: tuple[int, ...], active: list[set[int]], chosen: tuple[tuple[int, int], ...]) -> bool:
    """Whether the masked gradients of the chosen units are independent, by the numeric rank of Gaussian weights."""
    generator = np.random.default_rng(5)
    gradient, rows = np.eye(inputs), {}
    for l, n in enumerate(widths):
        gradient = generator.standard_normal((n, len(gradient))) @ gradient
        rows |= {(l, i): gradient[i] / max(float(np.linalg.norm(gradient[i])), 1e-30) for i in range(n)}
        gradient = gradient * np.isin(np.arange(n), list(active[l]))[:, None]
    return not chosen or int(np.linalg.matrix_rank(np.array([rows[z] for z in chosen]), tol=1e-9)) == len(chosen)


@pytest.mark.parametrize(("inputs", "widths"), [(2, (2, 3)), (3, (2, 2, 2)), (2, (3, 1, 2)), (3, (3, 2)), (1, (2, 2, 2))])
def test_all_masks_and_all_subsets(inputs: int, widths: tuple[int, ...]) -> None:
    units = [(l, i) for l, n in enumerate(widths) for i in range(n)]
    subsets = [t for k in range(inputs + 1) for t in combinations(units, k)]
    masks = list(product([False, True], repeat=len(units)))
    total = 0
    for mask in masks:
        active = [{i for (m, i), on in zip(units, mask, strict=True) if on and m == l} for l in range(len(widths))]
        total += sum(linked(inputs, widths, active, t) for t in subsets)
    assert law.expected_regions_exactly(inputs, widths) * len(masks) == total


@pytest.mark.parametrize(
    ("inputs", "widths", "expected"),
    [
        *((2, [4, 4], 32.875), (2, [2, 4], 12.5), (2, [3, 3], 17.875), (2, [3, 3, 3], 30.203125), (2, [5, 3, 4], 64.953125)),
        *((1, [2] * 4, 6.46875), (1, [4, 2, 6], 11.09375), (1, [1] * 3, 2.75), (3, [3, 3], 25.75)),
    ],
)
def test_exact_values(inputs: int, widths: list[int], expected: float) -> None:
    assert law.expected_regions(inputs, widths) == expected


def test_the_dossiers_rounded_values() -> None:
    assert law.expected_regions(2, [6, 6]) == pytest.approx(76.14, abs=0.005)
    assert law.expected_regions(1, [3] * 5) == pytest.approx(12.6902, abs=5e-5)
    assert law.expected_regions(1, [8] * 3) == pytest.approx(24.9064, abs=5e-5)
    assert law.expected_regions(1, [4] * 3) == pytest.approx(12.266, abs=5e-4)
    # Means over masks with their standard errors: 30.13 +- .21, 64.6 +- .3 and 25.97 +- .26.
    for inputs, widths, mean, error in ((2, [3] * 3, 30.13, 0.21), (2, [5, 3, 4], 64.6, 0.3), (3, [3, 3], 25.97, 0.26)):
        assert abs(law.expected_regions(inputs, widths) - mean) < 2 * error
    np.testing.assert_allclose(law.expected_zeros([2] * 4), [2, 1.5, 1.125, 0.84375])


@given(WIDTHS)
def test_on_a_line_and_in_the_plane(widths: list[int]) -> None:
    assert law.expected_regions(1, widths) == pytest.approx(1 + law.expected_zeros(widths).sum(), rel=1e-14)
    assert law.expected_regions(1, widths, leaky=True) == 1 + sum(widths) == law.one_plus_units(widths)
    first, second = widths[0], widths[-1]
    assert law.expected_regions(2, [first, second]) == pytest.approx(law.plane_two_layers(first, second), rel=1e-14)


@given(st.integers(1, 6), WIDTHS)
def test_the_ceiling_is_the_shallow_count(inputs: int, widths: list[int]) -> None:
    exact, leaky = (law.expected_regions_exactly(inputs, widths, slope) for slope in (False, True))
    ceiling = cells(sum(widths), inputs)
    assert exact <= leaky <= ceiling
    assert (exact == ceiling) == (len(widths) == 1)
    if min(widths) >= inputs:
        assert leaky == ceiling


@settings(max_examples=8, deadline=None)
@given(st.integers(1, 3), st.lists(st.integers(1, 3), min_size=2, max_size=3), st.integers(0, 2**32))
def test_sampled_ranks_agree(inputs: int, widths: list[int], seed: int) -> None:
    mean, error = law.sampled_regions(inputs, widths, 400, np.random.default_rng(seed))
    assert abs(mean - law.expected_regions(inputs, widths)) < 5 * error + 1e-12


Weights = list[tuple[np.ndarray, np.ndarray]]


def gaussian(inputs: int, widths: list[int], generator: np.random.Generator) -> Weights:
    sizes = pairwise([inputs, *widths])
    return [(generator.standard_normal((n, m)), generator.standard_normal(n)) for m, n in sizes]


def line_regions(layers: Weights, slope: np.ndarray, value: np.ndarray) -> int:
    """Regions on the whole line slope t + value, by cutting intervals of affine maps."""
    pieces = [(-math.inf, math.inf, slope, value)]
    for weight, offset in layers:
        cut = []
        for low, high, slope, value in pieces:
            a, c = weight @ slope, weight @ value + offset
            zeros = -c[a != 0] / a[a != 0]
            for left, right in pairwise([low, *sorted(set(zeros[(zeros > low) & (zeros < high)])), high]):
                # A point inside the interval, whose ends may be infinite.
                at = (max(left, min(right, 1) - 2) + min(right, max(left, -1) + 2)) / 2
                on = a * at + c > 0
                cut.append((left, right, a * on, c * on))
        pieces = cut
    return len(pieces)


@pytest.mark.parametrize("widths", [[2, 2, 2], [1, 3], [3, 2, 4]])
def test_random_networks_on_a_line(widths: list[int]) -> None:
    generator = np.random.default_rng(11)
    counts = np.array([line_regions(gaussian(1, widths, generator), np.ones(1), np.zeros(1)) for _ in range(3000)])
    error = counts.std() / math.sqrt(len(counts))
    assert abs(counts.mean() - law.expected_regions(1, widths)) < 4 * error
    assert abs(counts.mean() - law.one_plus_units(widths)) > 6 * error
    assert abs(counts.mean() - law.one_plus_alive_through(widths)) > 6 * error


def test_without_biases() -> None:
    assert law.expected_central_regions(2, [7]) == 14
    generator = np.random.default_rng(3)
    central = [(weight, np.zeros(3)) for weight, _ in gaussian(1, [3, 3], generator)]
    assert law.expected_central_regions(1, [3, 3]) == 2 == line_regions(central, np.ones(1), np.zeros(1))
    # Two units then n: the second layer keeps its lines when both first units are active, one mask of four.
    assert law.expected_central_regions(2, [2, 5]) == 2 * (2 + 5 / 4)
    # All boundaries are rays, as many as the cones between them, and each meets the line y = 1 or the line y = -1.
    # Behind a single active unit zeros fall on old breakpoints, exactly in rational arithmetic only.
    x, y, counts = np.array([Fraction(1), Fraction(0)]), np.array([Fraction(0), Fraction(1)]), []
    for _ in range(300):
        sizes = ((3, 2), (4, 3), (3, 4))
        integers = [generator.integers(-(10**6), 10**6, size) for size in sizes]
        layers = [(np.vectorize(Fraction, otypes=[object])(w), np.full(len(w), Fraction(0))) for w in integers]
        counts.append(sum(line_regions(layers, x, side * y) - 1 for side in (1, -1)))
    error = np.std(counts) / math.sqrt(len(counts))
    assert abs(np.mean(counts) - law.expected_central_regions(2, [3, 4, 3])) < 4 * error


def test_bad_arguments() -> None:
    for call in (
        lambda: law.expected_regions(0, [2]),
        lambda: law.expected_regions(2, []),
        lambda: law.expected_regions(2, [0]),
        lambda: law.expected_central_regions(3, [2]),
        lambda: law.sampled_regions(2, [2], 1, np.random.default_rng(0)),
    ):
        with pytest.raises(ValueError):
            call()
