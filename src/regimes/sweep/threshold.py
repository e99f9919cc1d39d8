"""Threshold search: where along one axis a claim turns from refuted to holding, by noisy bisection with a guarantee.

The coordinates of a row are counted 0, ..., n - 1 towards the side on which the claim is expected to hold. The search has
two parts with replicates of their own:

1. *Scouts* bisect. A scout decides a coordinate with error `SCOUT_ERROR`, which near the threshold costs about a sixth of a
   verdict that one may rely on. Scouts say where to look and nothing else: a wrong one costs replicates, never a wrong result.
2. *Judges* certify, with shares of the row's error budget: the first where the scouts' verdict turns, the next 1, 2, 4, 8, ...
   coordinates from there on the side where the other verdict is to be expected, on both sides if the first is undecided. What
   then lies between the ends is bisected by judges, unless one was undecided there: an undecided coordinate is bypassed and
   stays inside the bracket, which is the wider for it. Last, judges look at both ends of the range and at the middle of
   either flank for verdicts that a single threshold would not give.

Guarantee. Judge j = 1, 2, ... has the error 6/(pi^2 j^2) times the row's, and its replicates are independent of everything
that led to its coordinate; so the probability that *any* judge of the row is wrong is at most the row's error, whatever the
scouts said, however the claim depends on the axis. A judge is wrong if it refutes where the claim is true, or lets hold
where it is false by its margin or more. Hence, with at least that probability: the claim is false at the refuted end and,
up to its margin, true at the other, so that its truth changes between the two. If moreover it is monotone along the axis,
its threshold lies beyond the refuted end, and the threshold of the claim relaxed by its margin before the holding one: the
bracket meets the band between the two thresholds. Nothing more can be said of a bracket inside that band, where either
verdict is right.

Reference: R. M. Karp, R. Kleinberg, Noisy binary search and its applications (SODA 2007).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from regimes.decide.budget import Budget
from regimes.decide.evidence import Evidence

SCOUT_ERROR = 0.02


@dataclass
class Bracket:
    """Where a claim turns from refuted to holding, as indices of coordinates.

    Attributes:
        refuted: the largest refuted index, None if there is none: the claim holds from `holds` on, if there is such an index.
        holds: the smallest index above it at which the claim holds, None if there is none.
        undecided: indices between the two at which the budget ran out.
        against: indices that hold below `refuted`, or are refuted above `holds`: the claim is not monotone along the axis,
            or its truth is within the margin there.
        judged: the evidence of every judge by its index; each is within the row's error.
        scouts: number of scouts.
        replicates: replicates of scouts and judges together.
    """

    refuted: int | None = None
    holds: int | None = None
    undecided: tuple[int, ...] = ()
    against: tuple[int, ...] = ()
    judged: dict[int, Evidence] = field(default_factory=dict)
    scouts: int = 0
    replicates: int = 0


def search(
    count: int, scout: Callable[[int], Evidence], judge: Callable[[int, float], Evidence], error: float
) -> Bracket:
    """The bracket of a row; see the module's text for what it guarantees.

    Arguments:
        count: number of coordinates.
        scout: decides an index with error `SCOUT_ERROR`, on replicates that no judge sees.
        judge: decides an index with the error it is given; it is asked at most once for each.
        error: the row's error budget.

    Raises:
        ValueError: there is no coordinate, or the error is not in (0, 1).
    """
    if count < 1:
        raise ValueError("a threshold is searched among at least one coordinate; got none")
    if not 0 < error < 1:
        raise ValueError(f"the error budget of a row lies in (0, 1); got {error!r}")
    return _Search(count, scout, judge, error).run()


class _Search:
    """The state of one search."""

    def __init__(
        self, count: int, scout: Callable[[int], Evidence], judge: Callable[[int, float], Evidence], error: float
    ) -> None:
        self.count, self.scout, self.judge, self.error = count, scout, judge, error
        self.found = Bracket()
        self.unclear: set[int] = set()

    def run(self) -> Bracket:
        """Scout, certify, narrow, look around."""
        start = self._bisect()
        verdict = self._ask(start)
        if verdict != "refuted":
            self._outward(start, -1, "refuted")
        if verdict != "holds":
            self._outward(start, 1, "holds")
        self._narrow()
        low, high = self._ends()
        # Contradictions below may come from coordinates far away: they are told of, and do not move the bracket.
        for index in self._sentinels(low, high):
            self._ask(index)
        found = self.found
        found.refuted, found.holds = low, high
        found.undecided = tuple(index for index in self._between(low, high) if index in self.unclear)
        found.against = tuple(
            index
            for index, evidence in sorted(found.judged.items())
            if (evidence.verdict == "holds" and low is not None and index < low)
            or (evidence.verdict == "refuted" and high is not None and index > high)
        )
        return found

    def _bisect(self) -> int:
        """The last coordinate before the scouts' verdict turns, or the first one that a scout could not decide."""
        low, high = -1, self.count
        while high - low > 1:
            middle = (low + high) // 2
            evidence = self.scout(middle)
            self.found.scouts += 1
            self.found.replicates += evidence.replicates
            if evidence.verdict == "undecided":
                return middle
            low, high = (middle, high) if evidence.verdict == "refuted" else (low, middle)
        return max(low, 0)

    def _ask(self, index: int) -> str:
        judged = self.found.judged
        if index not in judged:
            judged[index] = evidence = self.judge(index, self.error * Budget.series(len(judged) + 1))
            self.found.replicates += evidence.replicates
            if evidence.verdict == "undecided":
                self.unclear.add(index)
        return judged[index].verdict

    def _outward(self, start: int, direction: int, wanted: str) -> None:
        """Judge 1, 2, 4, 8, ... coordinates away until one gives the wanted verdict, or the range ends."""
        step = 1
        while 0 <= start + direction * step < self.count:
            if self._ask(start + direction * step) == wanted:
                return
            step *= 2
        self._ask(0 if direction < 0 else self.count - 1)

    def _narrow(self) -> None:
        """Bisect by judges what lies between the ends, unless something there is undecided."""
        while True:
            inside = self._between(*self._ends())
            if not inside or self.unclear.intersection(inside):
                return
            self._ask(inside[len(inside) // 2])

    def _ends(self) -> tuple[int | None, int | None]:
        """The largest refuted index, and the smallest above it that holds."""
        verdicts = {index: evidence.verdict for index, evidence in self.found.judged.items()}
        low = max((index for index, verdict in verdicts.items() if verdict == "refuted"), default=None)
        high = min((i for i, verdict in verdicts.items() if verdict == "holds" and (low is None or i > low)), default=None)
        return low, high

    def _between(self, low: int | None, high: int | None) -> range:
        """The indices inside the bracket; one without an end reaches to the end of the range."""
        return range(-1 if low is None else low, self.count if high is None else high)[1:]

    def _sentinels(self, low: int | None, high: int | None) -> list[int]:
        """Both ends of the range, and the middle of a flank that has more than a few coordinates."""
        found = [0, self.count - 1]
        if low is not None and low > 8:
            found.append(low // 2)
        if high is not None and self.count - 1 - high > 8:
            found.append((high + self.count - 1) // 2)
        return found
