"""Two samples against each other: DKW bands for both, and bets on features learnt from the past.

References: P. Massart (1990) for the bands; S. Shekhar, A. Ramdas, Nonparametric two-sample testing by betting
(2023), arXiv 2112.09162, for the bets: a feature g fixed before the pair (x, y) is seen pays (g(x) - g(y))/2, of
mean 0 if both have one law.
"""

from __future__ import annotations

import numpy as np
from scipy.special import eval_legendre

from regimes.decide.betting import Wealth
from regimes.decide.evidence import Evidence, Rule
from regimes.decide.law import BETS, DEGREES, dkw_half_width
from regimes.decide.looks import geometric_looks, look_budget


def ranks(pool: np.ndarray, values: np.ndarray) -> np.ndarray:
    """Mid-distribution of a sorted pool at values: (F(x-) + F(x))/2."""
    left, right = np.searchsorted(pool, values, "left"), np.searchsorted(pool, values, "right")
    return (left + right) / (2 * pool.size)


def distance(x: np.ndarray, y: np.ndarray) -> float:
    """sup|F_n - G_n| of two samples."""
    points = np.concatenate([x, y])
    return float(
        np.abs(
            np.searchsorted(np.sort(x), points, "right") / x.size - np.searchsorted(np.sort(y), points, "right") / y.size
        ).max()
    )


class TwoSample(Rule):
    """The claim that both columns of an observation have one law.

    P(ever refuted) <= error/2 if they have; P(ever holds) <= error/2 if sup|F - G| > margin.

    Arguments:
        margin: distance sup|F - G| at which the claim is said to hold.
        error: error budget of the verdict.
    """

    def __init__(self, margin: float, error: float) -> None:
        super().__init__(error)
        if not 0 < margin < 1:
            raise ValueError(f"the margin of two laws lies in (0, 1); got {margin!r}")
        self.margin = float(margin)
        self.pairs = np.empty((0, 2))
        self.wealth = Wealth(1, len(DEGREES) * len(BETS), np.array([error / 4]))
        self.distance: float | None = None
        self.half_width = 1.0

    def _fold(self, values: np.ma.MaskedArray) -> None:
        if values.ndim != 2 or values.shape[1] != 2:
            raise ValueError(f"two samples arrive as two columns; got shape {values.shape}")
        if self.verdict != "undecided":
            return
        # A pair with one masked half cannot be compared; both halves go.
        kept = values.data[~np.ma.getmaskarray(values).any(axis=1)]
        start = self.pairs.shape[0]
        self.pairs = np.concatenate([self.pairs, kept])
        done = start
        for k, count in [*geometric_looks(start, self.pairs.shape[0]), (-1, self.pairs.shape[0])]:
            self._bet(done, count)
            done = count
            bet = int(self.wealth.rejected_at[0])
            if bet:
                self.distance = distance(*self.pairs[:bet].T)
                self.settle("refuted", bet)
                return
            if k < 0:
                return
            self.distance = distance(*self.pairs[:count].T)
            if self.distance > 2 * dkw_half_width(count, look_budget(self.error / 8, k)):
                self.half_width = 2 * dkw_half_width(count, look_budget(self.error / 8, k))
                self.settle("refuted", count)
                return
            self.half_width = 2 * dkw_half_width(count, look_budget(self.error / 4, k))
            if self.distance + self.half_width <= self.margin:
                self.settle("holds", count)
                return

    def _bet(self, start: int, stop: int) -> None:
        """Bet on pairs start..stop-1 with features of the pool at the look before `start`."""
        looks = geometric_looks(0, start)
        if stop <= start:
            return
        if looks:
            pool = np.sort(self.pairs[: looks[-1][1]].ravel())
            x, y = (2 * ranks(pool, self.pairs[start:stop, column]) - 1 for column in (0, 1))
            payoff = np.stack([(eval_legendre(d, x) - eval_legendre(d, y)) / 2 for d in DEGREES], axis=1)
        else:
            payoff = np.zeros((stop - start, len(DEGREES)))
        self.wealth.add(np.log1p(2 * payoff[:, :, None] * BETS).reshape(stop - start, 1, -1))

    def evidence(self) -> Evidence:
        """The distance sup|F_n - G_n| with its band at the last look."""
        from regimes.decide.power import two_sample_detectable

        count = self.pairs.shape[0]
        said = {
            "holds": f"certified to be within {self.margin:.3g}",
            "refuted": "refuted" + (" by bets on learnt features" if self.wealth.rejected_at[0] else ""),
            "undecided": "neither certified nor refuted",
        }[self.verdict]
        shown = "no look yet" if self.distance is None else f"sup|F_n - G_n| = {self.distance:.4g}"
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
            detectable=two_sample_detectable(count, self.error) if count else None,
            reason=f"the two laws' equality is {said}: {shown} over {count} pairs",
            details={"rule": "TwoSample", "decided_at": self.decided_at, "observations": int(count)},
        )
