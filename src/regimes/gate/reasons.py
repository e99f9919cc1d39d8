"""Why a gate falls: each reason with a sentence that names the theorem."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from regimes.gate.compare import Threshold
from regimes.gate.pairs import Pair


@dataclass(frozen=True)
class Regression:
    """One reason for which the gate falls.

    Attributes:
        kind: `refuted`, `threshold`, `control`, or `missing` (with `complete` only).
        pair: the cell or control as it was and as it is.
        sentence: what happened, for a person; it names the theorem.
    """

    kind: str
    pair: Pair
    sentence: str

    @property
    def claim(self) -> str:
        """The claim's id."""
        return self.pair.claim.id

    @property
    def theorem(self) -> str:
        """The claim's id with its place and paper."""
        return self.pair.claim.theorem

    @property
    def where(self) -> dict[str, Any]:
        """Case and subject, or control and its last case, as data."""
        row = self.pair.after or self.pair.before or {}
        return {name: row[name] for name in ("control", "case", "subject") if name in row}


def case_text(case: Mapping[str, Any] | None) -> str:
    """A case as `width=4, depth=1`."""
    return ", ".join(f"{name}={value}" for name, value in (case or {}).items())


def _was(pair: Pair) -> str:
    words = {"holds": "held", "killed": "was killed", "undecided": "was undecided", "new": "was not in the baseline"}
    return words[pair.words[0]]


def refuted(pair: Pair) -> Regression:
    """A promised cell that is refuted and was not."""
    assert pair.after is not None
    now = pair.after
    sentence = (
        f"{pair.claim.theorem} {_was(pair)} at {case_text(now['case'])} on {now['subject']} and is now refuted "
        f"where it is promised: {now['reason'] or 'no reason given'}"
    )
    return Regression("refuted", pair, sentence)


def moved(one: Threshold) -> Regression:
    """A threshold that moved beyond noise."""
    assert one.witness is not None and one.witness.before is not None and one.witness.after is not None
    claim, before, after = one.claim, one.before, one.after
    then, now = one.witness.before, one.witness.after
    past = "nowhere" if after.threshold is None else f"only from {claim.x} {after.threshold:g}"
    row = f" at {case_text(after.fixed)}" if after.fixed else ""
    sentence = (
        f"{claim.theorem} held from {claim.x} {before.threshold:g}{row} on {after.subject} and now holds {past}: "
        f"at {claim.x} {now['case'][claim.x]:g} the interval {_interval(then)} became {_interval(now)}"
    )
    return Regression("threshold", one.witness, sentence)


def _interval(row: Mapping[str, Any]) -> str:
    low, high = row["interval"]
    return f"[{'-inf' if low is None else f'{low:.4g}'}, {'inf' if high is None else f'{high:.4g}'}]"


def survived(pair: Pair) -> Regression:
    """A control that no longer dies."""
    assert pair.after is not None
    name, case = pair.after["control"], case_text(pair.after["case"])
    sentence = f"the control {name!r} of {pair.claim.theorem} {_was(pair)} and now survives{' at ' + case if case else ''}"
    return Regression("control", pair, sentence)


def missing(pair: Pair) -> Regression:
    """A cell or control of the baseline that is gone."""
    assert pair.before is not None
    was = pair.before
    what = f"the control {was['control']!r}" if "control" in was else f"the cell {case_text(was['case'])} on {was['subject']}"
    sentence = f"{what} of {pair.claim.theorem} is in the baseline and no longer in the store"
    return Regression("missing", pair, sentence)

