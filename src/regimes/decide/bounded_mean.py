"""The mean of a bounded observable, by betting on both sides."""

from __future__ import annotations

import math

import numpy as np

from regimes.decide.mean_rule import MeanRule, Relation

BETS = np.geomspace(2.0**-10, 0.98, 22)


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
        self.bets = np.array(
            [sign * BETS / max(space, width * 2.0**-10) for sign, space in zip(signs, room, strict=True)]
        )
        # A mean beyond the support is excluded without data.
        for index, beyond in ((2, means[2] > self.upper), (3, means[3] < self.lower)):
            if beyond:
                self.wealth.rejected_at[index] = 1

    def increments(self, values: np.ndarray) -> np.ndarray:
        """Log factors of the four hypotheses; ValueError names an observation outside the support."""
        outside = (values < self.lower) | (values > self.upper)
        if outside.any():
            raise ValueError(
                f"an observation lies outside its support [{self.lower}, {self.upper}]: {float(values[outside][0])!r}"
            )
        return np.log1p(self.bets[None] * (values[:, None, None] - self.means[None, :, None]))

    def interval(self) -> tuple[float, float]:
        """Robbins' normal-mixture interval for a sub-Gaussian mean with variance proxy (upper - lower)^2/4."""
        if not self.count:
            return (self.lower, self.upper)
        n, rho = float(self.count), 500.0
        sigma = (self.upper - self.lower) / 2
        half = sigma * math.sqrt((n + rho) * math.log((n + rho) / (rho * self.error**2))) / n
        mean = self.total / n
        return (max(self.lower, mean - half), min(self.upper, mean + half))

    def detectable(self) -> float | None:
        """Smallest departure that as many observations would have refuted with probability 0.95."""
        from regimes.decide.power import bounded_mean_detectable

        return bounded_mean_detectable(self.target, self.lower, self.upper, self.count, self.error) if self.count else None
