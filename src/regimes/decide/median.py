"""The median of an observable against a range, by two sign tests; the rule of empirical claims."""

from __future__ import annotations

import numpy as np

from regimes.decide.bernoulli import BernoulliAtLeast, Boundary
from regimes.decide.evidence import Evidence, Rule
from regimes.decide.sample import Sample


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
        self.sample = Sample()
        self.sign_test = Boundary(0.5, error / 2)

    def _fold(self, values: np.ma.MaskedArray) -> None:
        kept = values.compressed()
        self.sample.append(kept)
        self.signs[0].fold(kept <= self.upper)
        self.signs[1].fold(kept >= self.lower)
        refuted = [sign.decided_at for sign in self.signs if sign.verdict == "refuted" and sign.decided_at]
        if refuted:
            self.settle("refuted", min(refuted))
        elif all(sign.verdict == "holds" for sign in self.signs):
            self.settle("holds", max(sign.decided_at or 0 for sign in self.signs))

    def evidence(self) -> Evidence:
        """The sample median, with the order statistics that bound the median as its interval."""
        ordered = np.sort(self.sample.values)
        median = float(np.median(ordered)) if ordered.size else None
        said = {"holds": "certified", "refuted": "refuted", "undecided": "neither certified nor refuted"}[self.verdict]
        shown = "none yet" if median is None else f"{median:.6g}"
        interval = None
        if ordered.size:
            # Every m with at most `outside` observations at or below it, or at or above it, is rejected as the median.
            outside = int(self.sign_test.at(np.array([ordered.size]))[0])
            if outside >= 0:
                interval = (float(ordered[outside]), float(ordered[ordered.size - 1 - outside]))
        return Evidence(
            verdict=self.verdict,
            replicates=self.replicates,
            discarded=self.discarded,
            estimate=median,
            interval=interval,
            target=None,
            error=self.error,
            margin=self.margin,
            detectable=self.signs[0].evidence().detectable,
            reason=f"median in [{self.lower:.6g}, {self.upper:.6g}] {said}: sample median {shown} of {ordered.size}",
            details={"rule": "MedianBetween", "decided_at": self.decided_at},
        )
