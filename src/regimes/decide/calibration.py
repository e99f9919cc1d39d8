"""The tester tested: measured rates of wrong verdicts and of kills, for every decision rule and four bad ones.

A scenario draws data whose truth is known and asks a rule for its verdict. `wrong` scenarios have the claim true
(at the edge of what it says) or false by exactly its margin, and a declared bound on the rate of the wrong
verdict. `kill` scenarios have a stated effect and as many replicates as `power` asks for, and a promised rate of
refutations. A row passes unless the measured rate contradicts the declared one at level 1e-3 (Clopper-Pearson).
"""

from __future__ import annotations

import os
from collections.abc import Callable, Collection
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import partial
from multiprocessing import get_context

import numpy as np
from scipy.special import betaincinv, ndtr

from regimes.decide import bad_rules, power
from regimes.decide.bernoulli import BernoulliAtLeast, BernoulliAtMost, BernoulliEquals
from regimes.decide.bounded_mean import BoundedMean
from regimes.decide.evidence import Rule
from regimes.decide.heavy_mean import HeavyTailedMean
from regimes.decide.identity import IdentityWithin
from regimes.decide.law import LawAgainstCDF
from regimes.decide.maximum import MaximumAgainstBound
from regimes.decide.median import MedianBetween
from regimes.decide.power_law import PowerLawExponent
from regimes.decide.trajectory import TrajectorySupNorm
from regimes.decide.two_sample import TwoSample

LEVEL = 1e-3
ERROR = 0.1  # the budget of each rule; either wrong verdict may then have rate 0.05
SMALL = 0.02
BETA = 0.1


@dataclass(frozen=True)
class CalibrationRow:
    """One measured rate.

    Attributes:
        rule: the rule.
        scenario: what is true, and which verdict is counted.
        expected: `sound` for the shipped rules, `rejected` for the bad ones.
        kind: `wrong` (declared is an upper bound) or `kill` (declared is a lower bound).
        declared: the declared rate.
        measured: the measured rate.
        lower, upper: bounds on the true rate, each at level 1e-3 (Clopper-Pearson).
        replications: number of replications.
        passed: the measurement agrees with what is expected.
    """

    rule: str
    scenario: str
    expected: str
    kind: str
    declared: float
    measured: float
    lower: float
    upper: float
    replications: int
    passed: bool


@dataclass(frozen=True)
class Scenario:
    """A rule on data whose truth is known: `count(replications, generator)` counts the verdict in question."""

    rule: str
    scenario: str
    kind: str
    declared: float
    count: Callable[[int, np.random.Generator], int]
    expected: str = "sound"


def one_by_one(
    replications: int,
    generator: np.random.Generator,
    make: Callable[[], Rule],
    draw: Callable[[np.random.Generator], np.ndarray],
    verdict: str,
) -> int:
    """How many of the replications end in `verdict`; each is a fresh rule that folds fresh data."""
    found = 0
    for _ in range(replications):
        rule = make()
        rule.fold(draw(generator))
        found += rule.verdict == verdict
    return found


def counted(make: Callable[[], Rule], draw: Callable[[np.random.Generator], np.ndarray], verdict: str) -> Callable:
    """`one_by_one` for a rule, data and a verdict."""
    return partial(one_by_one, make=make, draw=draw, verdict=verdict)


def coins(p: float, n: int) -> Callable[[np.random.Generator], np.ndarray]:
    """N coins of probability p."""
    return lambda generator: generator.random(n) < p


def uniforms(mean: float, n: int) -> Callable[[np.random.Generator], np.ndarray]:
    """N variables on [0, 1] of the given mean: the most variable ones, coins, mixed with uniforms of the same mean."""

    def draw(generator: np.random.Generator) -> np.ndarray:
        spread = min(mean, 1 - mean)
        smooth = mean + spread * (2 * generator.random(n) - 1)
        return np.where(generator.random(n) < 0.5, smooth, generator.random(n) < mean)

    return draw


def heavy(mean: float, n: int) -> Callable[[np.random.Generator], np.ndarray]:
    """N products of four (2/8) chi2_8-like variables, of variance HEAVY and the given mean: nearly log-normal."""
    return lambda generator: (generator.standard_gamma(8 / 5, (4, n)) / (8 / 5)).prod(axis=0) - 1 + mean


HEAVY = (1 + 5 / 8) ** 4 - 1


def normals(shift: float, n: int) -> Callable[[np.random.Generator], np.ndarray]:
    """N unit normal variables about `shift`."""
    return lambda generator: generator.standard_normal(n) + shift


def rectified(n: int) -> Callable[[np.random.Generator], np.ndarray]:
    """N variables max(Z, 0): half of them at an atom."""
    return lambda generator: np.maximum(generator.standard_normal(n), 0)


def pairs(shift: float, n: int) -> Callable[[np.random.Generator], np.ndarray]:
    """N pairs of independent normal variables, the first about `shift`."""
    return lambda generator: generator.standard_normal((n, 2)) + np.array([shift, 0.0])


def rectified_cdf(x: np.ndarray) -> np.ndarray:
    """P(max(Z, 0) <= x)."""
    return np.where(x < 0, 0.0, ndtr(x))


def rectified_left(x: np.ndarray) -> np.ndarray:
    """P(max(Z, 0) < x)."""
    return np.where(x <= 0, 0.0, ndtr(x))


SIZES = np.array([8.0, 16, 32, 64, 128, 256])


def powers(exponent: float, n: int) -> Callable[[np.random.Generator], np.ndarray]:
    """N rows of size^exponent times gamma variables of mean 1 and variance 1/4."""
    return lambda generator: SIZES**exponent * generator.standard_gamma(4.0, (n, SIZES.size)) / 4


def shift_at(distance: float) -> float:
    """The shift of a normal law at sup distance `distance`: 2 Phi(s/2) - 1 = distance."""
    from scipy.special import ndtri

    return 2 * float(ndtri((1 + distance) / 2))


def scenarios() -> list[Scenario]:
    """Every rule at the null, at the boundary and at a stated effect; then the bad rules."""
    half = ERROR / 2
    found: list[Scenario] = []

    def add(rule: str, what: str, make: Callable[[], Rule], draw: Callable, verdict: str, declared: float = half) -> None:
        kind = "wrong" if declared <= ERROR else "kill"
        found.append(Scenario(rule, what, kind, declared, counted(make, draw, verdict)))

    def at_least() -> Rule:
        return BernoulliAtLeast(0.9, 0.05, ERROR)

    def at_least_tail() -> Rule:
        return BernoulliAtLeast(0.99, 0.02, ERROR)

    def at_most() -> Rule:
        return BernoulliAtMost(0.3, 0.1, ERROR)

    def equals() -> Rule:
        return BernoulliEquals(0.5, 0.1, ERROR)

    n = power.bernoulli_replicates(0.9, 0.8, ERROR, BETA)
    add("BernoulliAtLeast", "P = 0.9 is the threshold; refuted", at_least, coins(0.9, 1000), "refuted")
    add("BernoulliAtLeast", "P = threshold - margin; holds", at_least, coins(0.85, 1000), "holds")
    add("BernoulliAtLeast", f"P = 0.8 after {n} replicates; refuted", at_least, coins(0.8, n), "refuted", 1 - BETA)
    add("BernoulliAtLeast", "P = 0.99 is the threshold; refuted", at_least_tail, coins(0.99, 1000), "refuted")
    add("BernoulliAtMost", "P = 0.3 is the threshold; refuted", at_most, coins(0.3, 1000), "refuted")
    add("BernoulliAtMost", "P = threshold + margin; holds", at_most, coins(0.4, 1000), "holds")
    add("BernoulliEquals", "P = 0.5; refuted", equals, coins(0.5, 1000), "refuted")
    add("BernoulliEquals", "P = 0.5 + margin; holds", equals, coins(0.6, 1000), "holds")

    n = power.bernoulli_replicates(0.7, 0.5, ERROR, BETA)
    add("BernoulliAtMost", f"P = 0.5 after {n} replicates; refuted", at_most, coins(0.5, n), "refuted", 1 - BETA)
    n = power.bernoulli_replicates(0.5, 0.3, half, BETA)
    add("BernoulliEquals", f"P = 0.3 after {n} replicates; refuted", equals, coins(0.3, n), "refuted", 1 - BETA)

    def strict() -> Rule:
        return BernoulliAtLeast(0.9, 0.05, SMALL)

    add("BernoulliAtLeast", "small budget, P = threshold; refuted", strict, coins(0.9, 1000), "refuted", SMALL / 2)
    add("BernoulliAtLeast", "small budget, P = threshold - margin; holds", strict, coins(0.85, 1000), "holds", SMALL / 2)

    def bounded() -> Rule:
        return BoundedMean(0.5, 0.1, 0, 1, ERROR)

    n = power.bounded_mean_replicates(0.5, 0.7, 0, 1, ERROR, BETA)
    add("BoundedMean", "mean 0.5; refuted", bounded, uniforms(0.5, 400), "refuted")
    add("BoundedMean", "mean 0.5 + margin; holds", bounded, uniforms(0.6, 400), "holds")
    add("BoundedMean", f"mean 0.7 after {n} observations; refuted", bounded, uniforms(0.7, n), "refuted", 1 - BETA)

    def strictly_bounded() -> Rule:
        return BoundedMean(0.5, 0.1, 0, 1, SMALL)

    add("BoundedMean", "small budget, mean 0.5; refuted", strictly_bounded, uniforms(0.5, 400), "refuted", SMALL / 2)

    def catoni() -> Rule:
        return HeavyTailedMean(1.0, 1.0, HEAVY, ERROR)

    n = power.heavy_mean_replicates(1.0, 1.0, HEAVY, ERROR, BETA)
    add("HeavyTailedMean", "mean 1, products of chi-squares; refuted", catoni, heavy(1.0, 400), "refuted")
    add("HeavyTailedMean", "mean 1 + margin; holds", catoni, heavy(2.0, 400), "holds")
    add("HeavyTailedMean", "mean 1 - margin; holds", catoni, heavy(0.0, 400), "holds")
    add("HeavyTailedMean", f"mean 2 after {n} observations; refuted", catoni, heavy(2.0, n), "refuted", 1 - BETA)

    def law() -> Rule:
        return LawAgainstCDF(ndtr, 0.15, ERROR)

    def law_with_atom() -> Rule:
        return LawAgainstCDF(rectified_cdf, 0.15, ERROR, cdf_left=rectified_left)

    n = power.law_replicates(0.3, ERROR, BETA)
    add("LawAgainstCDF", "the law is right; refuted", law, normals(0, 400), "refuted")
    add("LawAgainstCDF", "the law is right, with an atom; refuted", law_with_atom, rectified(400), "refuted")
    add("LawAgainstCDF", "distance = margin; holds", law, normals(shift_at(0.15), 800), "holds")
    add("LawAgainstCDF", f"distance 0.3 after {n} observations; refuted", law, normals(shift_at(0.3), n), "refuted", 1 - BETA)

    def strict_law() -> Rule:
        return LawAgainstCDF(ndtr, 0.15, SMALL)

    add("LawAgainstCDF", "small budget, the law is right; refuted", strict_law, normals(0, 400), "refuted", SMALL / 2)

    def two() -> Rule:
        return TwoSample(0.3, ERROR)

    n = power.two_sample_replicates(0.5, ERROR, BETA)
    add("TwoSample", "one law; refuted", two, pairs(0, 250), "refuted")
    add("TwoSample", "distance = margin; holds", two, pairs(shift_at(0.3), 250), "holds")
    add("TwoSample", f"distance 0.5 after {n} pairs; refuted", two, pairs(shift_at(0.5), n), "refuted", 1 - BETA)

    def maximum() -> Rule:
        return MaximumAgainstBound(0.9, ERROR, share=0.1)

    violating = power.maximum_replicates(0.1, BETA)
    add("MaximumAgainstBound", "bound met by all; refuted", maximum, lambda g: 0.9 * g.random(100), "refuted")
    add("MaximumAgainstBound", "a share of 0.1 violates; holds", maximum, lambda g: g.random(100), "holds", ERROR)
    what = f"a share of 0.1 violates, {violating} replicates; refuted"
    add("MaximumAgainstBound", what, maximum, lambda g: g.random(violating), "refuted", 1 - BETA)

    def identity() -> Rule:
        return IdentityWithin(0.9, ERROR, share=0.1)

    signed = lambda g: g.random(100) * g.choice([-1, 1])  # noqa: E731
    add("IdentityWithin", "a share of 0.1 violates; holds", identity, signed, "holds", ERROR)
    add("IdentityWithin", f"a share of 0.1 violates, {violating} replicates; refuted", identity,
        lambda g: -g.random(violating), "refuted", 1 - BETA)  # fmt: skip

    def trajectory() -> Rule:
        return TrajectorySupNorm(np.zeros(3), 0.9, ERROR, share=0.1)

    add("TrajectorySupNorm", "a share of 0.1 leaves the band; holds", trajectory,
        lambda g: g.random((100, 1)) * np.array([0.2, -1.0, 0.5]), "holds", ERROR)  # fmt: skip

    what = f"a share of 0.1 leaves the band, {violating} replicates; refuted"
    add("TrajectorySupNorm", what, trajectory,
        lambda g: g.random((violating, 1)) * np.array([0.2, -1.0, 0.5]), "refuted", 1 - BETA)  # fmt: skip

    def exponent() -> PowerLawExponent:
        return PowerLawExponent(SIZES, -1.0, 0.3, ERROR, 0.25 * SIZES**-2)

    add("PowerLawExponent", "exponent right; refuted", exponent, powers(-1.0, 150), "refuted")
    add("PowerLawExponent", "exponent off by the margin; holds", exponent, powers(-0.7, 150), "holds")

    def wrong_exponent() -> PowerLawExponent:
        return PowerLawExponent(SIZES, -1.0, 0.3, ERROR, 0.25 * SIZES**-0.8)

    n = power.power_law_replicates(wrong_exponent(), SIZES**-0.4, BETA)
    what = f"exponent off by 0.6 after {n} replicates; refuted"
    add("PowerLawExponent", what, wrong_exponent, powers(-0.4, n), "refuted", 1 - BETA)

    def median() -> Rule:
        return MedianBetween(0.0, 1.0, ERROR, 0.1)

    add("MedianBetween", "median at an end of the range; refuted", median, normals(0.0, 1000), "refuted")
    add("MedianBetween", "P(X >= lower) = 1/2 - margin; holds", median, normals(-0.2533471, 1000), "holds")
    n = power.median_replicates(0.35, ERROR, BETA)
    what = f"P(X >= lower) = 0.35 after {n} replicates; refuted"
    add("MedianBetween", what, median, normals(-0.3853205, n), "refuted", 1 - BETA)
    return found + _bad()


def _bad() -> list[Scenario]:
    def wilson(replications: int, generator: np.random.Generator) -> int:
        counts = 100 * 2 ** np.arange(8)
        steps = np.diff(counts, prepend=0)
        successes = np.cumsum(generator.binomial(steps, 0.999, (replications, 8)), axis=1)
        return int(bad_rules.wilson_refutes(successes, counts, 0.999, 1e-6).sum())

    def quantile(replications: int, generator: np.random.Generator) -> int:
        return int(bad_rules.normal_without_root_two(generator.standard_normal((replications, 50)), 0.05).sum())

    def peeking(replications: int, generator: np.random.Generator) -> int:
        values = generator.standard_normal((replications, 300)) + 0.3
        return int(bad_rules.first_look_that_agrees(values, 0.0, 0.3).sum())

    def catoni(replications: int, generator: np.random.Generator) -> int:
        count = bad_rules.catoni_count(1.0, 0.1, 1e-8)
        means = generator.standard_normal(replications) / np.sqrt(count)
        return int((np.abs(means) > 0.1).sum())

    return [
        Scenario("Wilson at doubling looks", "P = 0.999 is the threshold; refuted", "wrong", 1e-6, wilson, "rejected"),
        Scenario("quantile without √2", "mean 0; refuted", "wrong", 0.05, quantile, "rejected"),
        Scenario("first look that agrees", "mean off by the margin; holds", "wrong", 0.05, peeking, "rejected"),
        Scenario("Catoni size, wrong exponent", "mean right; refuted", "wrong", 1e-8, catoni, "rejected"),
    ]


def measure(index: int, replications: int, seed: int) -> CalibrationRow:
    """The row of one scenario, by its place in the list: scenarios hold functions, which processes cannot exchange."""
    one = scenarios()[index]
    generator = np.random.Generator(np.random.SFC64([seed, index]))
    hits = one.count(replications, generator)
    sound = _agrees(one.kind, one.declared, hits, replications)
    return CalibrationRow(
        one.rule, one.scenario, one.expected, one.kind, one.declared, hits / replications, lower_bound(hits, replications),
        upper_bound(hits, replications), replications, sound == (one.expected == "sound"),
    )  # fmt: skip


def lower_bound(hits: int, replications: int) -> float:
    """Clopper-Pearson: a rate below this gives as many hits with probability at most 1e-3."""
    return 0.0 if hits == 0 else float(betaincinv(hits, replications - hits + 1, LEVEL))


def upper_bound(hits: int, replications: int) -> float:
    """Clopper-Pearson: a rate above this gives as few hits with probability at most 1e-3."""
    return 1.0 if hits == replications else float(betaincinv(hits + 1, replications - hits, 1 - LEVEL))


def _agrees(kind: str, declared: float, hits: int, replications: int) -> bool:
    """Whether a count is compatible with the declared rate at level 1e-3."""
    if kind == "wrong":
        return lower_bound(hits, replications) <= declared
    return upper_bound(hits, replications) >= declared


def calibrate(
    replications: int = 10_000, seed: int = 0, workers: int | None = None, rules: Collection[str] | None = None
) -> list[CalibrationRow]:
    """Measure every scenario.

    Arguments:
        replications: replications of each scenario.
        seed: seed of the data.
        workers: processes; by default one per core, at most four.
        rules: names of the rules to measure; by default all, and the bad ones.
    """
    names = [one.rule for one in scenarios()]
    unknown = set(rules or ()) - set(names)
    if unknown:
        raise ValueError(f"no rule of the calibration is called {', '.join(sorted(unknown))}")
    chosen = [index for index, name in enumerate(names) if rules is None or name in rules]
    workers = workers or min(4, os.cpu_count() or 1)
    task = partial(measure, replications=replications, seed=seed)
    if workers == 1:
        return [task(index) for index in chosen]
    with ProcessPoolExecutor(workers, mp_context=get_context("spawn")) as pool:
        return list(pool.map(task, chosen))


def table(rows: list[CalibrationRow]) -> str:
    """The rows as text."""
    heads = ("rule", "scenario", "declared", "measured", "upper", "as expected")
    lines: list[tuple[str, ...]] = [heads]
    for row in rows:
        sign = "<=" if row.kind == "wrong" else ">="
        outcome = {True: "yes", False: "NO"}[row.passed] + (" (rejected)" if row.expected == "rejected" else "")
        lines.append((row.rule, row.scenario, f"{sign} {row.declared:g}", f"{row.measured:.4f}", f"{row.upper:.4f}", outcome))
    widths = [max(len(line[column]) for line in lines) for column in range(len(heads))]
    text = ["  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip() for line in lines]
    replications = rows[0].replications if rows else 0
    return "\n".join([text[0], *text[1:], f"{replications} replications each"])
