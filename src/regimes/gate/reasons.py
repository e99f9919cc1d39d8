"""Why a gate falls: each reason with a sentence that names the theorem."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from regimes.gate import brackets
from regimes.gate.compare import Threshold
from regimes.gate.pairs import Pair


@dataclass(frozen=True)
class Regression:
    """One reason for which the gate falls.

    Attributes:
        kind: `refuted`, `threshold`, `control`, or `missing` (with `complete` only).
        pair: the cell, control or measured threshold as it was and as it is.
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
        """Case and subject, control and its last case, or axis, row and subject, as data."""
        row = self.pair.after or self.pair.before or {}
        return {name: row[name] for name in ("control", "case", "axis", "row", "subject") if name in row}


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


def of_bracket(pair: Pair) -> Regression | None:
    """A measured threshold with a promised coordinate that is refuted, or that moved the wrong way; None if neither."""
    now, claim = pair.after, pair.claim
    found, moved_by = brackets.broken(pair), brackets.move(pair)
    if now is None:
        return None
    if found is not None:
        case = case_text({**now["row"], now["axis"]: f"{found['at']:g}"})
        sentence = (
            f"{claim.theorem} is refuted at {case} on {now['subject']} where it is promised, in the search for its threshold, "
            f"which {'was not in the baseline' if pair.before is None else 'met no such place'}: "
            f"{found['reason'] or 'no reason given'}"
        )
        return Regression("refuted", pair, sentence)
    if moved_by is None or not moved_by.worse or pair.before is None:
        return None
    then, later = moved_by.before, moved_by.after
    row = f" at {case_text(now['row'])}" if now["row"] else ""
    sentence = (
        f"{claim.theorem}{row} on {now['subject']}: along {now['axis']} it was {brackets.span(pair.before)}, and is now "
        f"{brackets.span(now)}; it held at {then['at']:g} with the interval {_interval(then)} and is refuted at "
        f"{later['at']:g} with {_interval(later)}"
    )
    return Regression("threshold", pair, sentence)


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
    """A cell, control or measured threshold of the baseline that is gone."""
    assert pair.before is not None
    sentence = f"{_what(pair.before)} of {pair.claim.theorem} is in the baseline and no longer in the store"
    return Regression("missing", pair, sentence)


def _what(was: Mapping[str, Any]) -> str:
    if "control" in was:
        return f"the control {was['control']!r}"
    if "axis" in was:
        return f"the threshold on {was['axis']}{' at ' + case_text(was['row']) if was['row'] else ''} on {was['subject']}"
    return f"the cell {case_text(was['case'])} on {was['subject']}"
