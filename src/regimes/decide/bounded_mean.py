"""The mean of a bounded observable, by betting on both sides."""

from __future__ import annotations

import math

import numpy as np

from regimes.decide.mean_rule import MeanRule, Relation

BETS = np.geomspace(2.0**-10, 0.98, 22)


def empirical_bernstein(values: np.ndarray, lower: float, upper: float, error: float) -> tuple[float, float]:
    """Time-uniform interval sum(l x)/sum(l) -+ (log(2/error) + sum 4 (x - m)^2 psi(l))/sum(l) for a mean on [0, 1].

    psi(l) = (-log(1-l) - l)/4; l_i and m_i are functions of the observations before the i-th (theorem 2 of the reference).

    Reference: I. Waudby-Smith, A. Ramdas, Estimating means of bounded random variables by betting, JRSS-B (2024),
    arXiv 2010.09686.

    Arguments:
        values: the observations in order.
        lower: smallest possible observation.
        upper: largest possible observation.
        error: probability that the interval ever misses the mean.
    """
    n = values.size
    if not n:
        return (lower, upper)
    x, index = (values - lower) / (upper - lower), np.arange(1, n + 1)
    means = (0.5 + np.cumsum(x)) / (index + 1)
    spreads = (0.25 + np.cumsum((x - means) ** 2)) / (index + 1)
    before = np.concatenate([[0.5], means[:-1]])
    variances = np.concatenate([[0.25], spreads[:-1]])
    bets = np.minimum(np.sqrt(2 * math.log(2 / error) / (variances * index * np.log1p(index))), 0.5)
    cost = math.log(2 / error) + float(((x - before) ** 2 * (-np.log1p(-bets) - bets)).sum())
    total = float(bets.sum())
    centre, half = float(bets @ x) / total, cost / total
    width = upper - lower
    return (lower + width * max(0.0, centre - half), lower + width * min(1.0, centre + half))


class BoundedMean(MeanRule):
    """A mean against a target for observations in [lower, upper]: prod_i (1 + bet (x_i - m)), mixed over bets.

    Reference: I. Waudby-Smith, A. Ramdas, Estimating means of bounded random variables by betting, JRSS-B (2024),
    arXiv 2010.09686.

    Arguments:
        target: the claimed mean, or bound on it.
        margin: indifference margin.
        lower: smallest possible observation.
        upper: largest possible observation.
        error: error budget of the verdict.
        relation: `equals`, `at_least` or `at_most`.
    """

    def __init__(
        self, target: float, margin: float, lower: float, upper: float, error: float, relation: Relation = "equals"
    ) -> None:
        super().__init__(target, margin, len(BETS), error, relation)
        if not (lower < upper and lower <= target <= upper):
            raise ValueError(f"the target lies in the observable's support; got {target} for [{lower}, {upper}]")
        self.lower, self.upper = float(lower), float(upper)
        width = self.upper - self.lower
        means = [self.target, self.target, self.target + self.margin, self.target - self.margin]
        signs = [1.0, -1.0, -1.0, 1.0]
        self.means = np.clip(means, self.lower, self.upper)
        # The largest bet that keeps every factor positive is 1/(m - lower) upwards and 1/(upper - m) downwards.
        room = [m - self.lower if sign > 0 else self.upper - m for m, sign in zip(self.means, signs, strict=True)]
        self.bets = np.array([sign * BETS / max(space, width * 2.0**-10) for sign, space in zip(signs, room, strict=True)])
        # A mean beyond the support is excluded without data.
        for index, beyond in ((2, means[2] > self.upper), (3, means[3] < self.lower)):
            if beyond:
                self.wealth.rejected_at[index] = 1

    def check(self, values: np.ndarray) -> None:
        """ValueError names an observation outside the support."""
        outside = ~((values >= self.lower) & (values <= self.upper))
        if outside.any():
            raise ValueError(
                f"an observation lies outside its support [{self.lower}, {self.upper}]: {float(values[outside][0])!r}"
            )

    def factors(self, values: np.ndarray) -> np.ndarray:
        """Factors 1 + bet (x - m) of the four hypotheses, shape (observations, 4, bets)."""
        return 1 + self.bets[None] * (values[:, None, None] - self.means[None, :, None])

    def interval(self) -> tuple[float, float]:
        """The empirical-Bernstein confidence sequence."""
        return empirical_bernstein(self.kept.values, self.lower, self.upper, self.error)

    def detectable(self) -> float | None:
        """Smallest departure that as many observations would have refuted with probability 0.95."""
        from regimes.decide.power import bounded_mean_detectable

        return bounded_mean_detectable(self.target, self.lower, self.upper, self.count, self.error) if self.count else None
