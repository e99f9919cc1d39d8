"""Wealth processes: mixtures over constant bets, folded observation by observation.

A payoff column z with conditional mean at most 0 and 1 + bet z > 0 gives the supermartingale
prod_i (1 + bet z_i); a mixture over bets stays one, so by Ville's inequality it ever reaches 1/a with
probability at most a. Sums run strictly in order, so that they do not depend on how observations were cut.

Reference: I. Waudby-Smith, A. Ramdas, Estimating means of bounded random variables by betting, JRSS-B (2024),
arXiv 2010.09686.
"""

from __future__ import annotations

import math

import numpy as np
from scipy.special import logsumexp

CHUNK = 8192


class Wealth:
    """Log-wealth of several mixtures of bets, one mixture for each hypothesis.

    Arguments:
        hypotheses: number of hypotheses tested side by side.
        bets: bets per hypothesis, each with the same weight.
        levels: for each hypothesis the probability with which a true one may ever be rejected.
    """

    def __init__(self, hypotheses: int, bets: int, levels: np.ndarray) -> None:
        self.log_wealth = np.zeros((hypotheses, bets))
        self.thresholds = -np.log(np.broadcast_to(np.asarray(levels, float), (hypotheses,)))
        self.rejected_at = np.zeros(hypotheses, np.int64)
        self.count = 0

    def add(self, increments: np.ndarray) -> None:
        """Add log factors, shape (observations, hypotheses, bets), and note where a hypothesis is first rejected."""
        for start in range(0, len(increments), CHUNK):
            part = increments[start : start + CHUNK]
            path = np.cumsum(np.concatenate([self.log_wealth[None], part]), axis=0)[1:]
            mixture = np.asarray(logsumexp(path, axis=2)) - math.log(path.shape[2])
            crossed = mixture >= self.thresholds
            first = np.argmax(crossed, axis=0)
            fresh = crossed.any(axis=0) & (self.rejected_at == 0)
            self.rejected_at[fresh] = self.count + first[fresh] + 1
            self.log_wealth = path[-1]
            self.count += len(part)
