"""Measured thresholds of two snapshots: which moved further than the intervals of their judges allow.

Two brackets that have no point in common do not show a move: a search promises that the claim is false at the refuted end and
true *up to its margin* at the other, so that inside the band between the threshold and that of the claim relaxed by its margin
two right searches may end anywhere, apart from each other too. What a search does promise, with the row's error for all its
judges together, is that each judge's interval holds the claim's quantity at its coordinate. So a threshold has *moved* if no
one quantity fits the intervals of both searches:

- at a coordinate that both judged, the intervals have no point in common: this assumes nothing;
- or, of two coordinates, the intervals are in an order that no quantity has that rises along the axis, nor one that falls.
  This assumes that the quantity is monotone, as a single threshold does. It is used only if both searches agree with it by
  themselves, in a direction that they share, and if all their targets are one number.

Two of the judges that no quantity fits must have turned, which gives the move its direction: it held and is now refuted there,
or further inside (worse); it was refuted and holds there, or further outside (better). Coordinates are compared as the numbers
that they are, so that the two searches may have had different resolutions and ends; a search in which the claim turned nowhere,
or which left coordinates undecided, needs no case of its own.

Judges stop as soon as they can tell, so that intervals of few replicates are wide: a move is the sooner seen the larger the
blocks, and the steeper the quantity.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import combinations, product
from typing import Any

from regimes.gate.pairs import Pair, ends, separated

Judge = Mapping[str, Any]
RISES, FALLS = 1, -1


@dataclass(frozen=True)
class Move:
    """A threshold that moved.

    Attributes:
        worse: whether the claim holds on less of the axis than it did.
        before, after: judges, one of each search, that no one quantity fits.
    """

    worse: bool
    before: Judge
    after: Judge


def move(pair: Pair) -> Move | None:
    """How a threshold moved beyond its intervals; None if it did not, is new, or is gone."""
    before, after = pair.before, pair.after
    if before is None or after is None:
        return None
    for worse, turned in ((True, ("holds", "refuted")), (False, ("refuted", "holds"))):
        found = _witness(before, after, worse, turned)
        if found is not None:
            return Move(worse, *found)
    return None


def broken(pair: Pair) -> Judge | None:
    """A promised coordinate that is refuted, if the baseline's search met none."""
    if pair.after is None or (pair.before is not None and _refuted_inside(pair.before)):
        return None
    return _refuted_inside(pair.after)


def false_alarm(pair: Pair) -> float:
    """Probability, at most, that a threshold of an unchanged law makes the gate fall."""
    before, after = pair.before, pair.after
    if after is None:
        return 0.0
    promised = after["error"] if any(one["inside"] for one in after["judged"]) else 0.0
    return promised + (0.0 if before is None else before["error"] + after["error"])


def differs(pair: Pair) -> bool:
    """Whether a threshold is new, gone, or has other ends than it had."""
    return pair.before is None or pair.after is None or span(pair.before) != span(pair.after)


def span(row: Mapping[str, Any]) -> str:
    """The ends of a bracket in words."""
    low, high = (None if row[name] is None else f"{row[name]:g}" for name in ("refuted", "holds"))
    words = [f"refuted {'up to' if row['side'] == 'least' else 'from'} {low}"] if low is not None else []
    words += [f"holds {'from' if row['side'] == 'least' else 'up to'} {high}"] if high is not None else []
    return ", ".join(words or ["decided nowhere"]) + (f" ({row['undecided']} undecided)" if row["undecided"] else "")


def _refuted_inside(row: Mapping[str, Any]) -> Judge | None:
    return next((one for one in row["judged"] if one["inside"] and one["verdict"] == "refuted"), None)


def _witness(
    before: Mapping[str, Any], after: Mapping[str, Any], worse: bool, turned: tuple[str, str]
) -> tuple[Judge, Judge] | None:
    """Judges of both searches that turned, the nearest ones, if the intervals leave no direction to the quantity."""
    left = _directions(before, after)
    ruled_out: set[int] = set()
    found: list[tuple[Judge, Judge]] = []
    for then, now in product(_with_interval(before), _with_interval(after)):
        if then["at"] == now["at"]:
            out = {RISES, FALLS} if separated(then, now) else set()
        else:
            out = left & _ruled_out(then, now, before)
        ruled_out |= out
        in_order = then["at"] == now["at"] or worse == (_towards(then, before) < _towards(now, before))
        if out and in_order and (then["verdict"], now["verdict"]) == turned:
            found.append((then, now))
    if not ruled_out >= left:
        return None
    return min(found, key=lambda one: abs(one[0]["at"] - one[1]["at"]), default=None)


def _with_interval(row: Mapping[str, Any]) -> list[Judge]:
    return [one for one in row["judged"] if one["interval"] is not None]


def _directions(before: Mapping[str, Any], after: Mapping[str, Any]) -> set[int]:
    """The directions that the quantity may have along the axis for all that either search says by itself."""
    if before["side"] != after["side"] or len({one["target"] for row in (before, after) for one in row["judged"]}) != 1:
        return set()
    left = {RISES, FALLS}
    for row in (before, after):
        for one, other in combinations(_with_interval(row), 2):
            left -= _ruled_out(one, other, row)
    return left


def _ruled_out(one: Judge, other: Judge, row: Mapping[str, Any]) -> set[int]:
    """The directions in which the intervals at two coordinates are in the wrong order."""
    first, last = sorted((one, other), key=lambda judge: _towards(judge, row))
    (low, high), (last_low, last_high) = ends(first["interval"]), ends(last["interval"])
    return ({RISES} if low > last_high else set()) | ({FALLS} if high < last_low else set())


def _towards(one: Judge, row: Mapping[str, Any]) -> float:
    """A coordinate on a scale that grows towards the side on which the claim is to hold."""
    return one["at"] if row["side"] == "least" else -one["at"]
