"""What the two rules for means share: a target, a relation, and four one-sided hypotheses about the mean.

`refuting` rejects "mean <= target" and "mean >= target"; `certifying` rejects "mean >= target + margin" and
"mean <= target - margin". A relation reads off the ones it needs.
"""

from __future__ import annotations

import math
from typing import Literal

import numpy as np

from regimes.decide.betting import CHUNK, Wealth
from regimes.decide.evidence import Evidence, Rule
from regimes.decide.sample import Sample

Relation = Literal["equals", "at_least", "at_most"]
ABOVE, BELOW, NOT_HIGHER, NOT_LOWER = range(4)
WORDS = {"equals": "=", "at_least": ">=", "at_most": "<="}


class MeanRule(Rule):
    """A mean against a target; P(ever refuted) <= error/2 if the claim is true, and P(ever holds) <= error/2 if it
    is false by the margin or more.

    Arguments:
        target: the claimed mean, or bound on it.
        margin: indifference margin.
        bets: bets per hypothesis.
        error: error budget of the verdict.
        relation: `equals`, `at_least` or `at_most`.
    """  # fmt: skip

    def __init__(self, target: float, margin: float, bets: int, error: float, relation: Relation) -> None:
        super().__init__(error)
        if relation not in WORDS:
            raise ValueError(f"a mean equals, is at_least or at_most its target; got {relation!r}")
        if not (math.isfinite(target) and margin > 0):
            raise ValueError(f"a mean needs a finite target and a positive margin; got {target!r} and {margin!r}")
        self.target, self.margin, self.relation = float(target), float(margin), relation
        refute = error / 4 if relation == "equals" else error / 2
        self.wealth = Wealth(4, bets, np.array([refute, refute, error / 2, error / 2]))
        self.total = 0.0
        self.count = 0
        self.kept = Sample()

    def factors(self, values: np.ndarray) -> np.ndarray:
        """Factors by which the four hypotheses' bets grow, shape (observations, 4, bets)."""
        raise NotImplementedError

    def check(self, values: np.ndarray) -> None:
        """ValueError for an observation that the rule cannot fold."""

    def interval(self) -> tuple[float, float] | None:
        """Time-uniform interval for the mean at level 1 - error."""
        raise NotImplementedError

    def needs(self) -> tuple[list[int], list[int]]:
        """Indices of the hypotheses any of whose rejections refutes, and all of whose rejections certify."""
        return {
            "equals": ([ABOVE, BELOW], [NOT_HIGHER, NOT_LOWER]),
            "at_least": ([BELOW], [NOT_LOWER]),
            "at_most": ([ABOVE], [NOT_HIGHER]),
        }[self.relation]

    def _fold(self, values: np.ma.MaskedArray) -> None:
        kept = values.compressed()
        self.check(kept)
        for start in range(0, kept.size, CHUNK):
            part = kept[start : start + CHUNK]
            self.kept.append(part)
            self.count += part.size
            self.total = float(np.cumsum(np.concatenate([[self.total], part]))[-1])
            if self.verdict == "undecided":
                self.wealth.add(self.factors(part))
                self._settle()

    def _settle(self) -> None:
        refuting, certifying = self.needs()
        at = self.wealth.rejected_at
        refuted = min((int(at[i]) for i in refuting if at[i]), default=0)
        certified = max(int(at[i]) for i in certifying) if all(at[i] for i in certifying) else 0
        if refuted and (not certified or refuted <= certified):
            self.settle("refuted", refuted)
        elif certified:
            self.settle("holds", certified)

    def evidence(self) -> Evidence:
        """The sample mean, its interval, and what was certified or refuted."""
        estimate = self.total / self.count if self.count else None
        said = {"holds": "certified", "refuted": "refuted", "undecided": "neither certified nor refuted"}[self.verdict]
        shown = "no observation yet" if estimate is None else f"sample mean {estimate:.6g} of {self.count} observations"
        return Evidence(
            verdict=self.verdict,
            replicates=self.replicates,
            discarded=self.discarded,
            estimate=estimate,
            interval=self.interval(),
            target=self.target,
            error=self.error,
            margin=self.margin,
            detectable=self.detectable(),
            reason=f"mean {WORDS[self.relation]} {self.target:.6g} (margin {self.margin:.3g}) {said}: {shown}",
            details={"rule": type(self).__name__, "decided_at": self.decided_at, "observations": self.count},
        )

    def detectable(self) -> float | None:
        """Smallest departure that as many observations would have refuted with probability 0.95."""
        raise NotImplementedError
