from __future__ import annotations

import numpy as np
import pytest
from scipy.special import ndtr
from scipy.stats import binom

from regimes.decide import LawAgainstCDF
from regimes.subjects.box_muller import PAIRS, box_muller


def drawn(size: int, seed: int = 0) -> np.ndarray:
    return box_muller(np.full(size, np.nan), np.random.Generator(np.random.SFC64(seed)))


def test_the_law_is_normal() -> None:
    rule = LawAgainstCDF(cdf=ndtr, margin=0.01, error=1e-9)
    rule.fold(drawn(400_000))
    assert rule.verdict == "holds", rule.evidence().reason


@pytest.mark.parametrize("bound", [3.0, 4.0, 4.75])
def test_tails_have_their_mass_on_either_side(bound: float) -> None:
    z = drawn(4_000_000, seed=1)
    for beyond in (int((z > bound).sum()), int((z < -bound).sum())):
        assert binom.cdf(beyond, z.size, ndtr(-bound)) > 1e-7 and binom.sf(beyond - 1, z.size, ndtr(-bound)) > 1e-7


def test_the_two_of_a_pair_and_neighbours_are_independent() -> None:
    z = drawn(2 * PAIRS * 20, seed=2).reshape(20, 2, PAIRS)
    one, other = z[:, 0].ravel(), z[:, 1].ravel()
    for x, y in ((one, other), (one[1:], one[:-1])):
        # Each product of centred functions of two independent normal variables has mean 0; five deviations of its mean.
        for f, g in ((np.sign, np.sign), (lambda v: v, lambda v: v), (lambda v: v * v - 1, lambda v: v * v - 1), (np.abs, np.sign)):
            product = (f(x) - f(x).mean()) * (g(y) - g(y).mean())
            assert abs(product.mean()) < 5 * product.std() / product.size**0.5


@pytest.mark.parametrize("size", [0, 1, 2, 7, 2 * PAIRS - 1, 2 * PAIRS + 3])
def test_every_size_is_filled(size: int) -> None:
    z = drawn(size)
    assert np.isfinite(z).all() and np.unique(z).size == size
    np.testing.assert_array_equal(z, drawn(size))
