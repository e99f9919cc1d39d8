from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import binom, chisquare

from regimes.theory import binomial_half


@pytest.mark.parametrize("trials", [1, 2, 3, 33, 63, 64, 65, 100, 1024, 5000, 1 << 20, (1 << 20) + 1])
def test_draws_follow_the_binomial(trials: int) -> None:
    draws = binomial_half.sample(trials, (400, 500), np.random.default_rng(trials)).ravel()
    k = np.arange(int(draws.min()), int(draws.max()) + 1)
    p = binom.pmf(k, trials, 0.5)
    edges = np.searchsorted(np.cumsum(p), np.linspace(0, 1, 20)[1:-1])
    cells = np.unique(np.concatenate([[0], edges + 1, [k.size]]))
    observed = np.histogram(draws, k[0] - 0.5 + cells)[0]
    expected = np.add.reduceat(p, cells[:-1])
    assert chisquare(observed, expected / expected.sum() * draws.size).pvalue > 1e-6


@pytest.mark.parametrize("trials", [65, 128, 1000, 1 << 16])
def test_the_alias_table_holds_the_probabilities(trials: int) -> None:
    outcomes, thresholds, bits = binomial_half._table(trials)
    top = 1 << (64 - bits)
    shares = thresholds.astype(float) / top / (1 << bits)
    found = np.zeros(trials + 1)
    np.add.at(found, outcomes[::2].astype(int), shares)
    np.add.at(found, outcomes[1::2].astype(int), 1 / (1 << bits) - shares)
    np.testing.assert_allclose(found, binom.pmf(np.arange(trials + 1), trials, 0.5), rtol=1e-8, atol=1e-16)


def test_draws_replay_and_bad_numbers_are_refused() -> None:
    one, other = (binomial_half.sample(100, (5,), np.random.default_rng(3)) for _ in range(2))
    np.testing.assert_array_equal(one, other)
    with pytest.raises(ValueError, match="at least one trial; got 0"):
        binomial_half.sample(0, (1,), np.random.default_rng(0))
