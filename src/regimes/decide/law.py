"""One sample against a distribution function: a sequential DKW band, and bets on Legendre polynomials.

The band sees the distance sup|F_n - F|; the bets on P_d(2 F(x) - 1), d = 1..4, whose means are 0 under F, see
smooth departures, a wrong scale above all, long before the band does.

References: P. Massart, The tight constant in the Dvoretzky-Kiefer-Wolfowitz inequality (1990), with the budget
spent over geometrically spaced looks; for the bets see `regimes.decide.betting`.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
from scipy.special import eval_legendre

from regimes.decide.betting import CHUNK, Wealth
from regimes.decide.evidence import Evidence, Rule
from regimes.decide.looks import geometric_looks, look_budget

Cdf = Callable[[np.ndarray], np.ndarray]
DEGREES = (1, 2, 3, 4)
SIZES = (0.02, 0.06, 0.15, 0.4)
BETS = np.array([sign * size for size in SIZES for sign in (1.0, -1.0)])


def legendre_means(left: np.ndarray, right: np.ndarray) -> np.ndarray:
    """The mean of P_d(2u - 1) over u in [left, right] for each degree d, shape (observations, degrees).

    Where the distribution function jumps, the average over the jump keeps the mean under F exactly 0.
    """
    a, b = 2 * left - 1, 2 * right - 1
    columns = []
    for degree in DEGREES:
        at = eval_legendre(degree, (a + b) / 2)
        gap = b - a
        wide = gap > 1e-6
        if wide.any():
            antiderivative = [
                (eval_legendre(degree + 1, end[wide]) - eval_legendre(degree - 1, end[wide])) / (2 * degree + 1)
                for end in (a, b)
            ]
            at[wide] = (antiderivative[1] - antiderivative[0]) / gap[wide]
        columns.append(at)
    return np.stack(columns, axis=1)


def dkw_half_width(count: int, error: float) -> float:
    """Half-width sqrt(log(2/error)/(2 count)) of the DKW-Massart band."""
    return math.sqrt(math.log(2 / error) / (2 * count))


def distance(sample: np.ndarray, cdf: Cdf, cdf_left: Cdf | None) -> float:
    """sup_x |F_n(x) - F(x)|, ties and atoms included."""
    points, counts = np.unique(sample, return_counts=True)
    after = np.cumsum(counts) / sample.size
    before = after - counts / sample.size
    right = cdf(points)
    left = right if cdf_left is None else cdf_left(points)
    return float(max(np.abs(after - right).max(), np.abs(before - left).max()))


class LawAgainstCDF(Rule):
    """The claim that i.i.d. observations have the distribution function F.

    P(ever refuted) <= error/2 if they have; P(ever holds) <= error/2 if sup|G - F| > margin for their true law G.

    Arguments:
        cdf: F, vectorised.
        margin: distance sup|G - F| at which the claim is said to hold.
        error: error budget of the verdict.
        cdf_left: the left limit of F, for laws with atoms.
    """

    def __init__(self, cdf: Cdf, margin: float, error: float, cdf_left: Cdf | None = None) -> None:
        super().__init__(error)
        if not 0 < margin < 1:
            raise ValueError(f"the margin of a law, a distance of distribution functions, lies in (0, 1); got {margin!r}")
        self.cdf, self.cdf_left, self.margin = cdf, cdf_left, float(margin)
        self.sample = np.empty(0)
        self.wealth = Wealth(1, len(DEGREES) * len(BETS), np.array([error / 4]))
        self.distance: float | None = None
        self.half_width = 1.0

    def _fold(self, values: np.ma.MaskedArray) -> None:
        kept = values.compressed()
        if self.verdict != "undecided" or not kept.size:
            return
        for start in range(0, kept.size, CHUNK):
            if self.verdict != "undecided":
                return
            self._fold_part(kept[start : start + CHUNK])

    def _fold_part(self, part: np.ndarray) -> None:
        before = self.sample.size
        right = np.clip(self.cdf(part), 0, 1)
        left = right if self.cdf_left is None else np.clip(self.cdf_left(part), 0, 1)
        features = legendre_means(left, right)
        self.wealth.add(np.log1p(features[:, :, None] * BETS).reshape(part.size, 1, -1))
        self.sample = np.concatenate([self.sample, part])
        bet = int(self.wealth.rejected_at[0])
        for k, count in geometric_looks(before, self.sample.size):
            if bet and bet <= count:
                break
            self.distance = distance(self.sample[:count], self.cdf, self.cdf_left)
            budget = look_budget(self.error / 4, k)
            if self.distance > dkw_half_width(count, budget):
                self.half_width = dkw_half_width(count, budget)
                self.settle("refuted", count)
                return
            self.half_width = dkw_half_width(count, look_budget(self.error / 2, k))
            if self.distance + self.half_width <= self.margin:
                self.settle("holds", count)
                return
        if bet:
            self.distance = distance(self.sample[:bet], self.cdf, self.cdf_left)
            self.settle("refuted", bet)

    def evidence(self) -> Evidence:
        """The distance sup|F_n - F| with its band at the last look."""
        from regimes.decide.power import law_detectable

        count = self.sample.size
        by = " by bets on Legendre polynomials" if self.wealth.rejected_at[0] else ""
        said = {
            "holds": f"certified to be within {self.margin:.3g}",
            "refuted": f"refuted{by}",
            "undecided": "neither certified nor refuted",
        }[self.verdict]
        shown = "no look yet" if self.distance is None else f"sup|F_n - F| = {self.distance:.4g}"
        interval = None
        if self.distance is not None:
            interval = (max(0.0, self.distance - self.half_width), min(1.0, self.distance + self.half_width))
        return Evidence(
            verdict=self.verdict,
            replicates=self.replicates,
            discarded=self.discarded,
            estimate=self.distance,
            interval=interval,
            target=0.0,
            error=self.error,
            margin=self.margin,
            detectable=law_detectable(count, self.error) if count else None,
            reason=f"the law is {said}: {shown} over {count} observations",
            details={"rule": "LawAgainstCDF", "decided_at": self.decided_at, "observations": int(count)},
        )
