"""Two samples against each other: DKW bands for both, and bets on features learnt from the past.

References: P. Massart (1990) for the bands; S. Shekhar, A. Ramdas, Nonparametric two-sample testing by betting
(2023), arXiv 2112.09162, for the bets: a feature g fixed before the pair (x, y) is seen pays (g(x) - g(y))/2, of
mean 0 if both have one law. The features are Legendre polynomials of the mid-rank in the pooled sample at the
last look.
"""

from __future__ import annotations

import numpy as np

from regimes.decide.betting import Wealth
from regimes.decide.evidence import Evidence
from regimes.decide.law import BETS, DEGREES, DistanceRule, dkw_half_width, legendre
from regimes.decide.looks import geometric_looks, look_budget
from regimes.decide.sample import Sample


def ranks(pool: np.ndarray, values: np.ndarray) -> np.ndarray:
    """Mid-distribution of a sorted pool at values: (F(x-) + F(x))/2."""
    left, right = np.searchsorted(pool, values, "left"), np.searchsorted(pool, values, "right")
    return (left + right) / (2 * pool.size)


def distance(x: np.ndarray, y: np.ndarray) -> float:
    """sup|F_n - G_n| of two samples."""
    points = np.concatenate([x, y])
    order = np.argsort(points)
    points = points[order]
    gaps = np.cumsum(np.where(order < x.size, 1 / x.size, -1 / y.size))
    # Among tied points only the last has all of their steps.
    last = np.append(points[1:] != points[:-1], True)
    return float(np.abs(gaps[last]).max())


class TwoSample(DistanceRule):
    """The claim that both columns of an observation have one law.

    P(ever refuted) <= error/2 if they have; P(ever holds) <= error/2 if sup|F - G| > margin.

    Arguments:
        margin: distance sup|F - G| at which the claim is said to hold.
        error: error budget of the verdict.
    """

    def __init__(self, margin: float, error: float) -> None:
        super().__init__(margin, error)
        if not 0 < margin < 1:
            raise ValueError(f"the margin of two laws lies in (0, 1); got {margin!r}")
        self.sample = Sample((2,))
        self.wealth = Wealth(1, len(DEGREES) * len(BETS), np.array([error / 4]))

    def fold_pair(self, x: np.ndarray, y: np.ndarray) -> None:
        """Fold the next draws of the subject and of the reference, shape (replicates,) each."""
        if np.shape(x) != np.shape(y) or np.ndim(x) != 1:
            raise ValueError(f"two samples are folded in equal numbers; got shapes {np.shape(x)} and {np.shape(y)}")
        self.fold(np.ma.stack([np.ma.asarray(x), np.ma.asarray(y)], axis=1))

    def _fold(self, values: np.ma.MaskedArray) -> None:
        if values.ndim != 2 or values.shape[1] != 2:
            raise ValueError(f"two samples arrive as two columns; got shape {values.shape}")
        # A pair with one masked half cannot be compared; both halves go.
        kept = values.data[~np.ma.getmaskarray(values).any(axis=1)]
        self.count += len(kept)
        if self.verdict != "undecided":
            return
        done = self.sample.size
        self.sample.append(kept)
        pairs = self.sample.values
        for k, count in [*geometric_looks(done, len(pairs)), (-1, len(pairs))]:
            self._bet(done, count)
            done = count
            bet = int(self.wealth.rejected_at[0])
            if bet:
                self.by_bets = True
                if self.distance is None:
                    self.distance = distance(*pairs[:bet].T)
                self.settle("refuted", bet)
                return
            if k < 0:
                return
            self.distance = distance(*pairs[:count].T)
            self.half_width = 2 * dkw_half_width(count, look_budget(self.error / 4, k))
            if self.distance > 2 * dkw_half_width(count, look_budget(self.error / 8, k)):
                self.settle("refuted", count)
                return
            if self.distance + self.half_width <= self.margin:
                self.settle("holds", count)
                return

    def _bet(self, start: int, stop: int) -> None:
        """Bet on pairs start..stop-1 with features of the pool at the look before `start`."""
        looks = geometric_looks(0, start)
        if stop <= start or not looks:
            # No feature is known before the first look: nothing is bet, and wealth stays as it is.
            self.wealth.count = stop
            return
        pairs = self.sample.values
        pool = np.sort(pairs[: looks[-1][1]].ravel())
        features = legendre(2 * ranks(pool, pairs[start:stop]) - 1)
        payoff = np.stack([features[d][:, 0] - features[d][:, 1] for d in DEGREES], axis=1)
        self.wealth.add(1 + (payoff[:, :, None] * BETS).reshape(stop - start, 1, -1))

    def evidence(self) -> Evidence:
        """The distance sup|F_n - G_n| with its band at the last look."""
        from regimes.decide.power import two_sample_detectable

        return self.distance_evidence("the two laws' equality is", "G_n", "learnt features", "pairs", two_sample_detectable)
