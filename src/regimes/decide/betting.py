"""Wealth processes: mixtures over constant bets, folded observation by observation.

A payoff column z with conditional mean at most 0 and 1 + bet z > 0 gives the supermartingale
prod_i (1 + bet z_i); a mixture over bets stays one, so by Ville's inequality it ever reaches 1/a with
probability at most a. Products run strictly in order, so that they do not depend on how observations were cut.

Reference: I. Waudby-Smith, A. Ramdas, Estimating means of bounded random variables by betting, JRSS-B (2024),
arXiv 2010.09686.
"""

from __future__ import annotations

import numpy as np

CHUNK = 1024
STRIDE, CAP, FLOOR = 128, 1e300, 1e-250


class Wealth:
    """Wealth of several mixtures of bets, one mixture for each hypothesis.

    Wealth is kept as it is, not as a logarithm: a bet that falls below 1e-250 is lost, which can only delay a rejection,
    and one that overflows belongs to a hypothesis that is rejected already. No logarithm or exponential is needed.

    Arguments:
        hypotheses: number of hypotheses tested side by side.
        bets: bets per hypothesis, each with the same weight.
        levels: for each hypothesis the probability with which a true one may ever be rejected.
    """

    def __init__(self, hypotheses: int, bets: int, levels: np.ndarray) -> None:
        self.wealth = np.ones((hypotheses, bets))
        self.thresholds = 1 / np.broadcast_to(np.asarray(levels, float), (hypotheses,))
        self.rejected_at = np.zeros(hypotheses, np.int64)
        self.count = 0

    def add(self, factors: np.ndarray) -> None:
        """Multiply factors in, shape (observations, hypotheses, bets), and note where a hypothesis is first rejected."""
        start = 0
        while start < len(factors):
            # Parts end at multiples of STRIDE of the count since the first observation, wherever a call begins.
            part = factors[start : start + STRIDE - self.count % STRIDE]
            start += len(part)
            with np.errstate(over="ignore", under="ignore", invalid="ignore"):
                path = np.multiply.accumulate(np.concatenate([self.wealth[None], part]), axis=0)[1:]
                crossed = path.mean(axis=2) >= self.thresholds
            first = np.argmax(crossed, axis=0)
            fresh = crossed.any(axis=0) & (self.rejected_at == 0)
            self.rejected_at[fresh] = self.count + first[fresh] + 1
            # Infinity, and infinity times 0, occur only behind a rejection.
            self.wealth = np.fmin(path[-1], CAP)
            self.count += len(part)
            if self.count % STRIDE == 0:
                # A bet that has lost everything goes before it becomes subnormal, where arithmetic is slow and rounds up.
                self.wealth[self.wealth < FLOOR] = 0
