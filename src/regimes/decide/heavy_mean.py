"""The mean of a heavy-tailed observable of known variance, by Catoni's influence function.

phi(x) = sign(x) log(1 + |x| + x^2/2) gives the supermartingale prod_i exp(phi(l (x_i - m)) - l^2 v/2) under
mean m and variance at most v; as phi rises, it also is one under every smaller mean.

A norm ratio over depth is a product of chi-squares: nearly log-normal. A t-test at level 1 % on data whose mean
is 1 rejects 1.5 %, 16.8 % and 78.8 % of true claims at (width, depth) = (64, 8), (64, 64) and (32, 128). Judge
the logarithm, whose mean and variance are known exactly, or a one-layer ratio; both are observables for this rule.

Reference: H. Wang, A. Ramdas, Catoni-style confidence sequences for heavy-tailed mean estimation (2023),
arXiv 2202.01250.
"""

from __future__ import annotations

import math

import numpy as np

from regimes.decide.mean_rule import MeanRule, Relation

SCALES = np.geomspace(2.0**-9, 1.0, 10)


def influence(x: np.ndarray) -> np.ndarray:
    """Catoni's phi(x) = sign(x) log(1 + |x| + x^2/2)."""
    size = np.abs(x)
    return np.sign(x) * np.log1p(size + 0.5 * size * size)


def catoni_interval(values: np.ndarray, variance: float, error: float) -> tuple[float, float]:
    """Catoni-style confidence sequence at the present count: all m with |sum phi(l_i (x_i - m))| within its bound.

    Predictable weights l_i = sqrt(2 log(2/error) / (v i log(1 + i))), cut off at 1/sqrt(v).
    """
    n = values.size
    if n == 0:
        return (-math.inf, math.inf)
    index = np.arange(1, n + 1)
    weights = np.minimum(np.sqrt(2 * math.log(2 / error) / (variance * index * np.log1p(index))), 1 / math.sqrt(variance))
    bound = float(np.sum(weights**2) * variance / 2 + math.log(2 / error))

    def excess(m: np.ndarray, level: np.ndarray) -> np.ndarray:
        return influence(weights * (values - m[:, None])).sum(axis=1) - level

    # The sum falls in m. Both ends are found side by side: bracket, then halve; the outer end is returned.
    levels = np.array([bound, -bound])
    reach = (2 * bound + math.log(2)) / float(weights.min()) + math.sqrt(variance)
    low = np.full(2, float(values.min()) - reach)
    high = np.full(2, float(values.max()) + reach)
    while (excess(low, levels) < 0).any() or (excess(high, levels) > 0).any():
        low, high = low - reach, high + reach
        reach *= 2
    while (high - low).max() > 1e-9 * (1 + np.abs(low).max() + math.sqrt(variance)):
        middle = (low + high) / 2
        positive = excess(middle, levels) > 0
        low, high = np.where(positive, middle, low), np.where(positive, high, middle)
    return (float(low[0]), float(high[1]))


class HeavyTailedMean(MeanRule):
    """A mean against a target, for observations of any range whose variance is at most `variance`.

    Needs about 2 variance log(2/error)/margin^2 observations to hold, and as many to refute a departure of the
    size of the margin.

    Arguments:
        target: the claimed mean, or bound on it.
        margin: indifference margin.
        variance: upper bound on the observable's variance, whatever its mean.
        error: error budget of the verdict.
        relation: `equals`, `at_least` or `at_most`.
    """

    def __init__(
        self, target: float, margin: float, variance: float, error: float, relation: Relation = "equals"
    ) -> None:
        super().__init__(target, margin, len(SCALES) + 1, error, relation)
        if not (math.isfinite(variance) and variance > 0):
            raise ValueError(f"the variance is a positive number; got {variance!r}")
        self.variance = float(variance)
        scale = math.sqrt(self.variance)
        # The bet margin/variance is the best one at a departure of the size of the margin.
        self.scales = np.append(SCALES / scale, min(self.margin / self.variance, 1 / scale))
        self.kept = np.empty(0)

    def increments(self, values: np.ndarray) -> np.ndarray:
        """Log factors of the four hypotheses, shape (observations, 4, bets)."""
        self.kept = np.concatenate([self.kept, values])
        at = influence(self.scales * (values[:, None] - self.target))
        higher = -influence(self.scales * (values[:, None] - self.target - self.margin))
        lower = influence(self.scales * (values[:, None] - self.target + self.margin))
        return np.stack([at, -at, higher, lower], axis=1) - self.scales**2 * self.variance / 2

    def interval(self) -> tuple[float, float] | None:
        """Catoni-style confidence sequence."""
        return catoni_interval(self.kept, self.variance, self.error) if self.kept.size else None

    def detectable(self) -> float | None:
        """Smallest departure that as many observations would have refuted with probability 0.95."""
        from regimes.decide.power import heavy_mean_detectable

        return heavy_mean_detectable(self.margin, self.variance, self.count, self.error) if self.count else None
