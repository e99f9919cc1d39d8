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


def catoni_weights(count: int, variance: float | np.ndarray, error: float) -> np.ndarray:
    """Predictable weights sqrt(2 log(2/error)/(v i log(1 + i))), i = 1..count, cut off at 1/sqrt(v)."""
    index = np.arange(1, count + 1)
    scale = np.minimum(np.sqrt(2 * math.log(2 / error) / (index * np.log1p(index))), 1.0)
    return scale / np.sqrt(np.asarray(variance, float))[..., None]


def catoni_intervals(values: np.ndarray, variances: np.ndarray, error: float) -> np.ndarray:
    """Catoni-style confidence sequences at the present count, one a row: shape (rows, 2), lower and upper ends.

    An interval is the set of all m with |sum phi(l_i (x_i - m))| <= sum l_i^2 v/2 + log(2/error).

    Arguments:
        values: observations in order, shape (rows, count), at least one.
        variances: upper bounds on the variances, shape (rows,).
        error: probability that one interval ever misses its mean.
    """
    weights = catoni_weights(values.shape[1], variances, error)
    bound = (weights**2).sum(axis=1) * variances / 2 + math.log(2 / error)
    levels = bound[:, None] * np.array([1.0, -1.0])
    half = bound / weights.sum(axis=1)

    def excess(m: np.ndarray) -> np.ndarray:
        return influence(weights[:, None] * (values[:, None] - m[..., None])).sum(axis=-1) - levels

    # The sum falls in m. Both ends of all rows are found side by side: bracket, then halve. The outer end of the last
    # bracket is returned, so that the precision, a thousandth of the half-width, costs width and never coverage.
    centre = (weights * values).sum(axis=1) / weights.sum(axis=1)
    step = np.repeat(half[:, None], 2, axis=1)
    low, high = np.repeat(centre[:, None], 2, axis=1) - step, np.repeat(centre[:, None], 2, axis=1) + step
    while (off := excess(low) < 0).any():
        low, step = np.where(off, low - step, low), 2 * step
    step = high - low
    while (off := excess(high) > 0).any():
        high, step = np.where(off, high + step, high), 2 * step
    while ((high - low) > 1e-3 * half[:, None]).any():
        middle = (low + high) / 2
        positive = excess(middle) > 0
        finer = np.where(positive, middle, low), np.where(positive, high, middle)
        if (finer[0] == low).all() and (finer[1] == high).all():
            break
        low, high = finer
    return np.stack([low[:, 0], high[:, 1]], axis=1)


def catoni_interval(values: np.ndarray, variance: float, error: float) -> tuple[float, float]:
    """`catoni_intervals` of one sequence, the whole line before its first observation."""
    if not values.size:
        return (-math.inf, math.inf)
    low, high = catoni_intervals(values[None], np.array([variance]), error)[0]
    return (float(low), float(high))


def catoni_reach(count: int, variance: np.ndarray, error: float, beta: float) -> np.ndarray:
    """Distance from the mean that an end of `catoni_intervals` exceeds with probability at most beta; inf if none.

    E exp(sum phi(l (x - m))) <= exp(-d sum l + (v + d^2) sum l^2/2) at m = mean + d, so by Markov's inequality m is
    outside once d sum l - d^2 sum l^2/2 >= v sum l^2 + log(2/error) + log(1/beta).
    """
    variance = np.asarray(variance, float)
    weights = catoni_weights(count, variance, error)
    total, squares = weights.sum(axis=-1), (weights**2).sum(axis=-1)
    need = variance * squares + math.log(2 / error) + math.log(1 / beta)
    root = total**2 - 2 * squares * need
    with np.errstate(invalid="ignore"):
        # The search stops within a thousandth of the half-width outside the end.
        slack = 1e-3 * (squares * variance / 2 + math.log(2 / error)) / total
        return np.where(root >= 0, 2 * need / (total + np.sqrt(root)) + slack, np.inf)


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

    def __init__(self, target: float, margin: float, variance: float, error: float, relation: Relation = "equals") -> None:
        super().__init__(target, margin, len(SCALES) + 1, error, relation)
        if not (math.isfinite(variance) and variance > 0):
            raise ValueError(f"the variance is a positive number; got {variance!r}")
        self.variance = float(variance)
        scale = math.sqrt(self.variance)
        # The bet margin/variance is the best one at a departure of the size of the margin.
        self.scales = np.append(SCALES / scale, min(self.margin / self.variance, 1 / scale))
        self.shrink = np.exp(-(self.scales**2) * self.variance / 2)

    def check(self, values: np.ndarray) -> None:
        """ValueError for an observation that is no finite number."""
        if not np.isfinite(values).all():
            raise ValueError(f"an observation of a mean is finite; got {float(values[~np.isfinite(values)][0])!r}")

    def factors(self, values: np.ndarray) -> np.ndarray:
        """exp(phi(+-l (x - m)) - l^2 v/2) of the four hypotheses, shape (observations, 4, bets)."""
        shifts = np.array([self.target, self.target + self.margin, self.target - self.margin])
        x = self.scales * (values[:, None, None] - shifts[:, None])
        with np.errstate(over="ignore"):
            size = np.abs(x)
            size *= 1 + 0.5 * size
            size += 1
            inverse = 1 / size
        # exp(phi(x)) is 1 + |x| + x^2/2 or its inverse: no logarithm or exponential is evaluated.
        up, down = np.where(x > 0, size, inverse), np.where(x > 0, inverse, size)
        return np.stack([up[:, 0], down[:, 0], down[:, 1], up[:, 2]], axis=1) * self.shrink

    def interval(self) -> tuple[float, float] | None:
        """Catoni-style confidence sequence."""
        return catoni_interval(self.kept.values, self.variance, self.error) if self.kept.size else None

    def detectable(self) -> float | None:
        """Smallest departure that as many observations would have refuted with probability 0.95."""
        from regimes.decide.power import heavy_mean_detectable

        return heavy_mean_detectable(self.margin, self.variance, self.count, self.error) if self.count else None
