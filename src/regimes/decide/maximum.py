"""The largest observation against a bound that every replicate must meet."""

from __future__ import annotations

import math

import numpy as np

from regimes.decide.evidence import Evidence, Rule


def replicates_to_exclude(share: float, error: float) -> int:
    """Replicates without a violation that exclude a share of violating replicates: ceil(log(error)/log(1-share))."""
    return math.ceil(math.log(error) / math.log1p(-share))


class MaximumAgainstBound(Rule):
    """The claim that every observation is at most `bound`, up to a derived rounding slack.

    One violation refutes: that is a counterexample, not a guess. The claim holds when a share `share` of violating
    replicates is excluded: P(holds) <= error if that share or more of the replicates violate.

    Arguments:
        bound: the bound.
        error: error budget of the verdict.
        share: share of violating replicates that is excluded.
        slack: derived bound on rounding, added to the bound.
    """

    what = "observation"

    def __init__(self, bound: float, error: float, share: float = 0.01, slack: float = 0.0) -> None:
        super().__init__(error)
        if not math.isfinite(bound) or slack < 0:
            raise ValueError(f"a bound is finite and its slack not negative; got {bound!r} and {slack!r}")
        if not 0 < share < 1:
            raise ValueError(f"the share of violating replicates lies in (0, 1); got {share!r}")
        self.bound, self.slack, self.share = float(bound), float(slack), float(share)
        self.needed = replicates_to_exclude(self.share, error)
        self.largest: float | None = None
        self.tested = self.violations = 0

    def sizes(self, values: np.ma.MaskedArray) -> np.ma.MaskedArray:
        """The number compared with the bound, one per replicate; a replicate with all entries masked has none."""
        flat = values if values.ndim == 1 else values.max(axis=1)
        return np.ma.masked_array(flat)

    def _fold(self, values: np.ma.MaskedArray) -> None:
        kept = np.ma.compressed(self.sizes(values))
        if not kept.size:
            return
        bad = np.flatnonzero(~(kept <= self.bound + self.slack))
        self.violations += int(bad.size)
        largest = float(kept.max())
        self.largest = largest if self.largest is None else max(self.largest, largest)
        if self.verdict == "undecided" and bad.size and self.tested + bad[0] + 1 <= self.needed:
            self.settle("refuted", self.tested + int(bad[0]) + 1)
        elif self.verdict == "undecided" and self.tested + kept.size >= self.needed:
            self.settle("holds", self.needed)
        self.tested += int(kept.size)

    def evidence(self) -> Evidence:
        """The largest observation against the bound."""
        said = {
            "holds": f"met by all, a share of {self.share:g} violating replicates is excluded",
            "refuted": f"violated by replicate {self.decided_at}",
            "undecided": "met so far",
        }[self.verdict]
        shown = "none yet" if self.largest is None else f"{self.largest:.6g}"
        return Evidence(
            verdict=self.verdict,
            replicates=self.replicates,
            discarded=self.discarded,
            estimate=self.largest,
            interval=None,
            target=self.bound,
            error=self.error,
            margin=self.share,
            detectable=1 - 0.05 ** (1 / self.tested) if self.tested else None,
            reason=f"bound {self.bound:.6g} {said}: largest {self.what} {shown} of {self.tested}",
            details={
                "rule": type(self).__name__,
                "decided_at": self.decided_at,
                "slack": self.slack,
                # How much of the bound was used, and violations seen at any time, after the verdict as well.
                "tightest": self.largest / self.bound if self.largest is not None and self.bound else None,
                "violations": self.violations,
            },
        )
