from __future__ import annotations

import math

import mpmath
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from regimes.decide import BernoulliAtLeast, BernoulliAtMost, BernoulliEquals
from regimes.decide.bernoulli import DISTANCES, Boundary, beta_interval
from regimes.decide.power import bernoulli_replicates


def test_the_e_process_is_the_mixture_of_likelihood_ratios() -> None:
    q, s, n = mpmath.mpf("0.9"), 70, 100
    alternatives = [1 / (1 + mpmath.exp(-(mpmath.log(q / (1 - q)) - d))) for d in DISTANCES]
    mixture = sum((p / q) ** s * ((1 - p) / (1 - q)) ** (n - s) for p in alternatives) / 80
    assert Boundary(0.9, 0.01).log_e(np.array(s), np.array(n)) == pytest.approx(float(mpmath.log(mixture)), rel=1e-9)


@given(st.floats(0.05, 0.99), st.integers(1, 2000), st.floats(1e-9, 0.1))
def test_the_boundary_is_where_the_e_process_crosses(q: float, n: int, error: float) -> None:
    boundary = Boundary(q, error)
    b = int(boundary.at(np.array([n]))[0])
    if b >= 0:
        assert boundary.log_e(np.array(b), np.array(n)) >= -math.log(error)
    if b < n:
        assert boundary.log_e(np.array(b + 1), np.array(n)) < -math.log(error)


def test_the_expected_e_value_is_one_at_the_threshold() -> None:
    n, q = 40, 0.8
    s = np.arange(n + 1)
    pmf = np.array([math.comb(n, k) * q**k * (1 - q) ** (n - k) for k in s])
    assert pmf @ np.exp(Boundary(q, 0.01).log_e(s, np.full(n + 1, n))) == pytest.approx(1, rel=1e-9)


@pytest.mark.parametrize("delta", [0.1, 0.01, 0.001])
def test_certifying_at_p_one_costs_what_the_closed_form_says(delta: float) -> None:
    rule = BernoulliAtLeast(1 - delta / 2, delta / 2, 2e-6)
    rule.fold(np.ones(30_000))
    floor = math.log(1e6) / -math.log1p(-delta)
    # The atom at 1 has weight one half, hence log 2 more; looks beyond 1024 are spaced.
    assert floor <= rule.decided_at <= (floor + math.log(2) / -math.log1p(-delta)) * 1.02 + 1


@pytest.mark.parametrize(
    ("p", "verdict", "mean"),
    [(0.5, "refuted", 34), (0.8, "refuted", 380), (0.95, "holds", 574), (0.99, "holds", 170)],
)
def test_replicates_to_verdict_agree_with_measured_ones(p: float, verdict: str, mean: float) -> None:
    generator = np.random.default_rng(0)
    counts = []
    for _ in range(40):
        rule = BernoulliAtLeast(0.9, 0.02, 2e-6)
        rule.fold(generator.random(6000) < p)
        assert rule.verdict == verdict
        counts.append(rule.decided_at)
    assert np.mean(counts) == pytest.approx(mean, rel=0.3)


@given(st.lists(st.integers(1, 200), min_size=1, max_size=8), st.integers(0, 2**32 - 1))
def test_chunks_do_not_matter(cuts: list[int], seed: int) -> None:
    data = np.random.default_rng(seed).random(sum(cuts)) < 0.8
    whole, parts = (BernoulliAtLeast(0.9, 0.05, 0.01) for _ in range(2))
    whole.fold(data)
    for part in np.split(data, np.cumsum(cuts)[:-1]):
        parts.fold(part)
    assert whole.evidence() == parts.evidence()


@given(st.integers(0, 500), st.integers(0, 500))
def test_the_interval_contains_the_estimate_and_grows_with_confidence(s: int, f: int) -> None:
    if s + f == 0:
        return
    wide, narrow = beta_interval(s, s + f, 1e-6), beta_interval(s, s + f, 1e-2)
    assert 0 <= wide[0] <= narrow[0] <= s / (s + f) <= narrow[1] <= wide[1] <= 1


def test_at_most_mirrors_at_least() -> None:
    data = np.random.default_rng(3).random(3000) < 0.2
    upper, lower = BernoulliAtMost(0.3, 0.05, 0.01), BernoulliAtLeast(0.7, 0.05, 0.01)
    upper.fold(data)
    lower.fold(~data)
    assert (upper.verdict, upper.decided_at) == (lower.verdict, lower.decided_at)


def test_extreme_thresholds() -> None:
    sure = BernoulliAtLeast(1.0, 0.01, 1e-3)
    sure.fold(np.ones(50))
    assert sure.verdict == "undecided"
    sure.fold(np.array([0.0]))
    assert sure.verdict == "refuted"
    never = BernoulliEquals(0.0, 0.05, 1e-3)
    never.fold(np.zeros(1000))
    assert never.verdict == "holds"


def test_power_is_the_exact_tail() -> None:
    n = bernoulli_replicates(0.9, 0.8, 1e-3, 0.05)
    generator = np.random.default_rng(1)
    refuted = 0
    for _ in range(400):
        rule = BernoulliAtLeast(0.9, 0.02, 1e-3)
        rule.fold(generator.random(n) < 0.8)
        refuted += rule.verdict == "refuted"
    assert refuted >= 0.92 * 400


@pytest.mark.parametrize("arguments", [(1.1, 0.1, 0.1), (0.9, 0, 0.1), (0.9, 0.1, 0), (0.9, 0.1, 1)])
def test_bad_arguments_are_refused(arguments: tuple[float, ...]) -> None:
    with pytest.raises(ValueError, match="lies in"):
        BernoulliAtLeast(*arguments)


def test_an_observation_that_is_no_coin_is_named() -> None:
    with pytest.raises(ValueError, match=r"is 0 or 1; got .*0\.5"):
        BernoulliAtLeast(0.9, 0.1, 0.1).fold(np.array([0.5]))


def test_masked_observations_are_counted_and_left_out() -> None:
    rule = BernoulliAtLeast(0.9, 0.1, 0.1)
    rule.fold(np.ma.masked_array([1.0, 0.0, 1.0], mask=[0, 1, 0]))
    assert (rule.replicates, rule.discarded, rule.successes) == (3, 1, 2)
