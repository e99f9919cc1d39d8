"""One sample against a distribution function: a sequential DKW band, and bets on Legendre polynomials.

The band sees the distance sup|F_n - F|; the bets on P_d(2 F(x) - 1), d = 1..4, whose means are 0 under F, see
smooth departures, a wrong scale above all, long before the band does.

The band is made valid at all looks n_k = ceil(32 1.25^k) by spending 6/(pi^2 (k+1)^2) of its budget at look k. At
n = 1000 and budget 0.025 its half-width is 0.072; the constant 0.85 sqrt((log log(e n) + 0.8 log(1612/a))/n) of
S. Howard, A. Ramdas, Sequential estimation of quantiles (2022), arXiv 1906.09712, which holds at every n, gives 0.089.

References: P. Massart, The tight constant in the Dvoretzky-Kiefer-Wolfowitz inequality (1990), with the budget
spent over geometrically spaced looks; for the bets see `regimes.decide.betting`.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np

from regimes.decide.betting import CHUNK, Wealth
from regimes.decide.evidence import Evidence, Rule
from regimes.decide.looks import geometric_looks, look_budget
from regimes.decide.sample import Sample

Cdf = Callable[[np.ndarray], np.ndarray]
DEGREES = (1, 2, 3, 4)
SIZES = (0.02, 0.06, 0.15, 0.4)
BETS = np.array([sign * size for size in SIZES for sign in (1.0, -1.0)])


def legendre(x: np.ndarray) -> list[np.ndarray]:
    """P_0(x), ..., P_5(x) by (d + 1) P_{d+1} = (2d + 1) x P_d - d P_{d-1}."""
    found = [np.ones_like(x), x]
    for d in range(1, DEGREES[-1] + 1):
        found.append(((2 * d + 1) * x * found[d] - d * found[d - 1]) / (d + 1))
    return found


def legendre_means(left: np.ndarray, right: np.ndarray) -> np.ndarray:
    """The mean of P_d(2u - 1) over u in [left, right] for each degree d, shape (observations, degrees).

    Where the distribution function jumps, the average over the jump keeps the mean under F exactly 0.
    """
    at = np.stack([legendre(left + right - 1)[d] for d in DEGREES], axis=1)
    wide = right - left > 1e-6
    if wide.any():
        low, high = legendre(2 * left[wide] - 1), legendre(2 * right[wide] - 1)
        gap = 2 * (right[wide] - left[wide])
        for column, d in enumerate(DEGREES):
            rise = (high[d + 1] - high[d - 1]) - (low[d + 1] - low[d - 1])
            at[wide, column] = np.clip(rise / ((2 * d + 1) * gap), -1, 1)
    return at


def dkw_half_width(count: int, error: float) -> float:
    """Half-width sqrt(log(2/error)/(2 count)) of the DKW-Massart band."""
    return math.sqrt(math.log(2 / error) / (2 * count))


def distance(left: np.ndarray, right: np.ndarray) -> float:
    """sup_x |F_n(x) - F(x)| from F(x_i-) and F(x_i), ties and atoms included: F_n exceeds F most at an observation, and
    falls short of it most just before one.
    """
    n = right.size
    steps = np.arange(n + 1) / n
    return float(max((steps[1:] - np.sort(right)).max(), (np.sort(left) - steps[:-1]).max()))


class DistanceRule(Rule):
    """A rule on the distance of two distribution functions, with a band and bets.

    Attributes:
        margin: distance at which the claim is said to hold.
        count: observations, or pairs, so far.
        distance: the distance at the last look, None before the first.
        half_width: half-width of the band there.
        by_bets: whether bets refuted the claim.
    """

    def __init__(self, margin: float, error: float) -> None:
        super().__init__(error)
        self.margin, self.count = float(margin), 0
        self.distance: float | None = None
        self.half_width, self.by_bets = 1.0, False

    def distance_evidence(
        self, what: str, other: str, features: str, units: str, detectable: Callable[[int, float], float | None]
    ) -> Evidence:
        """The distance with its band at the last look.

        Arguments:
            what: the claim, as the subject of a sentence with its verb.
            other: the distribution function that F_n is compared with.
            features: what bets are placed on.
            units: what is counted.
            detectable: (count, error) -> smallest distance that would have been refuted.
        """
        said = {
            "holds": f"certified to be within {self.margin:.3g}",
            "refuted": "refuted" + (f" by bets on {features}" if self.by_bets else ""),
            "undecided": "neither certified nor refuted",
        }[self.verdict]
        shown = "no look yet" if self.distance is None else f"sup|F_n - {other}| = {self.distance:.4g}"
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
            detectable=detectable(self.count, self.error) if self.count else None,
            reason=f"{what} {said}: {shown} over {self.count} {units}",
            details={
                "rule": type(self).__name__,
                "decided_at": self.decided_at,
                "observations": self.count,
                "by_bets": self.by_bets,
            },
        )


class LawAgainstCDF(DistanceRule):
    """The claim that i.i.d. observations have the distribution function F.

    P(ever refuted) <= error/2 if they have; P(ever holds) <= error/2 if sup|G - F| > margin for their true law G.

    Arguments:
        cdf: F, vectorised.
        margin: distance sup|G - F| at which the claim is said to hold.
        error: error budget of the verdict.
        cdf_left: the left limit of F, for laws with atoms.
    """

    def __init__(self, cdf: Cdf, margin: float, error: float, cdf_left: Cdf | None = None) -> None:
        super().__init__(margin, error)
        if not 0 < margin < 1:
            raise ValueError(f"the margin of a law, a distance of distribution functions, lies in (0, 1); got {margin!r}")
        self.cdf, self.cdf_left = cdf, cdf_left
        self.left, self.right = Sample(), Sample()
        self.wealth = Wealth(1, len(DEGREES) * len(BETS), np.array([error / 4]))

    def _fold(self, values: np.ma.MaskedArray) -> None:
        kept = values.compressed().astype(float, copy=False)
        self.count += int(kept.size)
        for start in range(0, kept.size, CHUNK):
            if self.verdict != "undecided":
                return
            self._fold_part(kept[start : start + CHUNK])

    def _ends(self, part: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """F(x-) and F(x)."""
        right = np.asarray(self.cdf(part), float)
        left = right if self.cdf_left is None else np.asarray(self.cdf_left(part), float)
        if right.shape != part.shape or left.shape != part.shape:
            raise ValueError(f"a distribution function has one value at each of {part.size} points; got shape {right.shape}")
        # Rounding may leave [0, 1] by a little; anything more is not a distribution function.
        wrong = ~((left >= -1e-9) & (left <= right + 1e-9) & (right <= 1 + 1e-9))
        if wrong.any():
            at = int(np.argmax(wrong))
            raise ValueError(
                f"a distribution function has 0 <= F(x-) <= F(x) <= 1; got {left[at]:.6g} and {right[at]:.6g} at {part[at]}"
            )
        right = np.clip(right, 0, 1)
        return np.clip(left, 0, right), right

    def _fold_part(self, part: np.ndarray) -> None:
        before = self.right.size
        left, right = self._ends(part)
        self.wealth.add(1 + (legendre_means(left, right)[:, :, None] * BETS).reshape(part.size, 1, -1))
        self.left.append(left)
        self.right.append(right)
        bet = int(self.wealth.rejected_at[0])
        for k, count in geometric_looks(before, self.right.size):
            if bet and bet <= count:
                break
            self.distance = distance(self.left.values[:count], self.right.values[:count])
            budget = look_budget(self.error / 4, k)
            if self.distance > dkw_half_width(count, budget):
                self.half_width = dkw_half_width(count, look_budget(self.error / 2, k))
                self.settle("refuted", count)
                return
            self.half_width = dkw_half_width(count, look_budget(self.error / 2, k))
            if self.distance + self.half_width <= self.margin:
                self.settle("holds", count)
                return
        if bet:
            self.by_bets = True
            if self.distance is None:
                self.distance = distance(self.left.values[:bet], self.right.values[:bet])
            self.settle("refuted", bet)

    def evidence(self) -> Evidence:
        """The distance sup|F_n - F| with its band at the last look."""
        from regimes.decide.power import law_detectable

        return self.distance_evidence("the law is", "F", "Legendre polynomials", "observations", law_detectable)
