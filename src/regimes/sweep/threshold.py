"""Threshold search: where along one axis a claim turns from refuted to holding, by noisy bisection with a guarantee.

The coordinates of a row are counted 0, ..., n - 1 towards the side on which the claim is expected to hold. Coordinates are
decided in two ways, with replicates of their own:

- *Judges* certify, with shares of the row's error budget; what they say is the result.
- *Scouts* say where to look, and nothing else, with error `SCOUT_ERROR`; near the threshold, where a verdict is dear, that
  costs about a sixth of a judge. A wrong scout costs replicates, never a wrong result.

Judges with few replicates bisect as long as they decide, as they do far from the threshold; scouts bisect the rest. Then a
judge decides where the scouts' verdict turns, and others 1, 2, 4, 8, ... coordinates from there on the side where the other
verdict is to be expected, on both sides if the first is undecided. What then lies between the ends is bisected by judges,
unless one was undecided there: an undecided coordinate is bypassed and stays inside the bracket, which is the wider for it.
Last, judges look at both ends of the range, and at the middle of a flank in which none has been, for verdicts that a single
threshold would not give.

Guarantee. A judge is wrong if it refutes where the claim is true, or lets hold where it is false by its margin or more. Half
of the row's error is for the coordinates that are first asked briefly, half for the others, so that the dear ones near the
threshold have large shares: the j-th of either has 6/(pi^2 j^2) of its half, and replicates independent of all that led to
it. So the probability that *any* judge of the row is wrong is at most the row's error, whatever the scouts said, however the
claim depends on the axis. But for that error:

- without any assumption, the claim is false at the refuted end, and at the other it is true up to its margin: what the
  claim bounds crosses the bound, or comes within the margin of it, inside the bracket;
- if the claim is monotone along the axis, its threshold lies beyond the refuted end, and the threshold of the claim relaxed
  by its margin before the other: the bracket meets the band between the two thresholds. Inside that band either verdict is
  right, so that a bracket narrower than it may lie anywhere in it.

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
        scouts: number of scouts; there are none if every judge decided briefly.
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
    count: int, scout: Callable[[int], Evidence], judge: Callable[[int, float, bool], Evidence], error: float
) -> Bracket:
    """The bracket of a row; see the module's text for what it guarantees.

    Arguments:
        count: number of coordinates.
        scout: decides an index with error `SCOUT_ERROR`, on replicates that no judge sees.
        judge: decides an index with the error it is given, briefly (with few replicates) or not. It is asked at most twice
            for one index, first briefly; the second time its replicates begin with those of the first.
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
        self, count: int, scout: Callable[[int], Evidence], judge: Callable[[int, float, bool], Evidence], error: float
    ) -> None:
        self.count, self.scout, self.judge, self.error = count, scout, judge, error
        self.found = Bracket()
        self.shares: dict[int, float] = {}
        self.asked = {True: 0, False: 0}
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
        """The last coordinate before verdicts turn, or the first one that a scout could not decide."""
        low, high = -1, self.count
        while high - low > 1:
            middle = (low + high) // 2
            verdict = self._ask(middle, brief=True)
            if verdict == "undecided":
                break
            low, high = (middle, high) if verdict == "refuted" else (low, middle)
        while high - low > 1:
            middle = (low + high) // 2
            evidence = self.scout(middle)
            self.found.scouts += 1
            self.found.replicates += evidence.replicates
            if evidence.verdict == "undecided":
                return middle
            low, high = (middle, high) if evidence.verdict == "refuted" else (low, middle)
        return max(low, 0)

    def _ask(self, index: int, brief: bool = False) -> str:
        judged = self.found.judged
        if index not in judged:
            # Two questions to one index are one sequential decision, which goes on: they have one share between them.
            if index not in self.shares:
                self.asked[brief] += 1
                self.shares[index] = self.error / 2 * Budget.series(self.asked[brief])
            evidence = self.judge(index, self.shares[index], brief)
            self.found.replicates += evidence.replicates
            if evidence.verdict == "undecided":
                if brief:
                    return "undecided"
                self.unclear.add(index)
            judged[index] = evidence
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
        """Both ends of the range, and the middle of a long flank in whose middle half no judge has been."""
        found = [0, self.count - 1]
        for first, last in ((0, low), (high, self.count - 1)):
            if first is not None and last is not None and last - first > 8:
                quarter = (last - first) // 4
                if not any(first + quarter <= index <= last - quarter for index in self.found.judged):
                    found.append((first + last) // 2)
        return found
