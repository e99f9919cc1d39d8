"""Evidence and verdicts: what a decision rule hands back, and the contract every rule obeys."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np

Verdict = Literal["holds", "refuted", "undecided"]


@dataclass(frozen=True)
class Evidence:
    """What the replicates folded so far say about a claim at one case.

    Attributes:
        verdict: `holds`, `refuted` or `undecided`.
        replicates: replicates folded.
        discarded: observations that could not be tested (masked), counted and never folded.
        estimate: the rule's point estimate of the quantity it judges, None before the first observation.
        interval: anytime-valid interval for that quantity, at level 1 - error.
        target: the value, threshold or bound that the claim states.
        error: error budget of this verdict; either wrong verdict has probability at most this.
        margin: the indifference margin: a truth this close to the target may end either way.
        detectable: smallest departure from the target that as many replicates would have refuted with
            probability at least 0.95, None where the rule has no such notion.
        reason: one sentence for a person.
        details: anything else worth recording, JSON-able.
    """

    verdict: Verdict
    replicates: int
    discarded: int
    estimate: float | None
    interval: tuple[float, float] | None
    target: float | None
    error: float
    margin: float
    detectable: float | None
    reason: str
    details: dict[str, Any] = field(default_factory=dict)

    def as_dict(self) -> dict[str, Any]:
        """The evidence as JSON-able data."""
        return {
            "verdict": self.verdict,
            "replicates": self.replicates,
            "discarded": self.discarded,
            "estimate": self.estimate,
            "interval": list(self.interval) if self.interval is not None else None,
            "target": self.target,
            "error": self.error,
            "margin": self.margin,
            "detectable": self.detectable,
            "reason": self.reason,
            "details": dict(self.details),
        }


class Rule(ABC):
    """A decision rule: folds observations in replicate order, and can be asked for its evidence at any time.

    A rule is anytime-valid: the probability that it *ever* returns a wrong verdict, however often it is
    asked, is at most `error`. Once it has left `undecided` its verdict never changes.
    """

    def __init__(self, error: float) -> None:
        if not 0 < error < 1:
            raise ValueError(f"the error budget of a rule lies in (0, 1); got {error!r}")
        self.error = float(error)
        self.replicates = 0
        self.discarded = 0
        self.verdict: Verdict = "undecided"
        self.decided_at: int | None = None

    def fold(self, observations: np.ndarray) -> None:
        """Fold the next observations, shape (replicates,) or (replicates, k) with k observations each.

        A masked entry (`numpy.ma`) is a draw that could not be tested: it is counted and left out.
        """
        values = np.ma.asarray(observations)
        self.replicates += int(values.shape[0])
        self.discarded += int(np.ma.count_masked(values))
        self._fold(values)

    def settle(self, verdict: Verdict, count: int) -> None:
        """Fix the verdict, unless an earlier observation has fixed it already."""
        if self.verdict == "undecided":
            self.verdict, self.decided_at = verdict, count

    @abstractmethod
    def _fold(self, values: np.ma.MaskedArray) -> None: ...

    @abstractmethod
    def evidence(self) -> Evidence:
        """The evidence so far; cheap enough to ask after every block of replicates."""
