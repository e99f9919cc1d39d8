"""The median of an observable against a range, by two sign tests; the rule of empirical claims."""

from __future__ import annotations

import numpy as np

from regimes.decide.bernoulli import BernoulliAtLeast
from regimes.decide.evidence import Evidence, Rule


class MedianBetween(Rule):
    """The claim lower <= median <= upper: P(X <= upper) >= 1/2 and P(X >= lower) >= 1/2.

    P(ever refuted) <= error/2 if the median lies in the range; P(ever holds) <= error/2 if P(X <= upper) or
    P(X >= lower) is at most 1/2 - margin.

    Arguments:
        lower: lower end of the range.
        upper: upper end of the range.
        error: error budget of the verdict.
        margin: indifference margin in probability.
    """

    def __init__(self, lower: float, upper: float, error: float, margin: float = 0.1) -> None:
        super().__init__(error)
        if not lower <= upper:
            raise ValueError(f"a range has lower <= upper; got [{lower}, {upper}]")
        self.lower, self.upper, self.margin = float(lower), float(upper), float(margin)
        # Half the budget each: both must certify, and either may refute.
        self.signs = [BernoulliAtLeast(0.5, margin, error / 2) for _ in range(2)]
        self.sample = np.empty(0)

    def _fold(self, values: np.ma.MaskedArray) -> None:
        kept = values.compressed()
        self.sample = np.concatenate([self.sample, kept])
        self.signs[0].fold(kept <= self.upper)
        self.signs[1].fold(kept >= self.lower)
        refuted = [sign.decided_at for sign in self.signs if sign.verdict == "refuted" and sign.decided_at]
        if refuted:
            self.settle("refuted", min(refuted))
        elif all(sign.verdict == "holds" for sign in self.signs):
            self.settle("holds", max(sign.decided_at or 0 for sign in self.signs))

    def evidence(self) -> Evidence:
        """The sample median, with the order statistics that bound the median as its interval."""
        median = float(np.median(self.sample)) if self.sample.size else None
        said = {"holds": "certified", "refuted": "refuted", "undecided": "neither certified nor refuted"}[self.verdict]
        interval = None
        if self.sample.size:
            # P(X <= x) is within the half-width of F_n(x), at all x and this count.
            half = np.sqrt(np.log(2 / self.error) / (2 * self.sample.size))
            low, high = np.quantile(self.sample, [max(0.0, 0.5 - half), min(1.0, 0.5 + half)])
            interval = (float(low), float(high))
        return Evidence(
            verdict=self.verdict,
            replicates=self.replicates,
            discarded=self.discarded,
            estimate=median,
            interval=interval,
            target=None,
            error=self.error,
            margin=self.margin,
            detectable=None,
            reason=f"median in [{self.lower:.6g}, {self.upper:.6g}] {said}: sample median {median} of {self.sample.size}",
            details={"rule": "MedianBetween", "decided_at": self.decided_at},
        )
