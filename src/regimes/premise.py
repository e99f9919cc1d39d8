"""Premises: where a theorem promises its conclusion, as a predicate on cases that knows its own boundary."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from regimes.ask import ask
from regimes.case import Case


@dataclass(frozen=True)
class Threshold:
    """One axis against a bound that depends on the other axes: `case[axis] >= bound(case)` or `<=`.

    Attributes:
        axis: the axis that is bounded.
        bound: the bound at a case; it must not read `axis` itself.
        side: `least` for a lower bound, `most` for an upper one.
    """

    axis: str
    bound: Callable[[Case], float]
    side: Literal["least", "most"]

    def at(self, case: Case) -> float:
        """The bound at a case, infinite where it is too large for a float; ClaimError if the claim file's function raises."""
        try:
            return ask(f"the bound on {self.axis}", self.bound, case, float)
        except OverflowError:
            return math.inf

    def holds(self, case: Case) -> bool:
        """Whether the case is on the promised side."""
        value, bound = float(case[self.axis]), self.at(case)
        return value >= bound if self.side == "least" else value <= bound


@dataclass(frozen=True)
class Premise:
    """The conjunction of thresholds and predicates under which the conclusion is promised.

    Attributes:
        text: the premise in words, for reports.
        thresholds: bounds on single axes; random cases inside them are built, not searched for, and maps
            draw them as lines.
        predicates: any other conditions.
    """

    text: str
    thresholds: tuple[Threshold, ...] = ()
    predicates: tuple[Callable[[Case], bool], ...] = ()

    def holds(self, case: Case) -> bool:
        """Whether the theorem promises its conclusion at the case; ClaimError if the claim file's function raises."""
        return all(t.holds(case) for t in self.thresholds) and all(ask("the premise", p, case) for p in self.predicates)

    def boundary(self, axis: str, case: Case) -> float | None:
        """Where on `axis` the promise begins (or ends) with the case's other coordinates, None if nowhere."""
        for threshold in self.thresholds:
            if threshold.axis == axis:
                return threshold.at(case)
        return None

    def __and__(self, other: Premise) -> Premise:
        text = " and ".join(part for part in (self.text, other.text) if part)
        return Premise(text, self.thresholds + other.thresholds, self.predicates + other.predicates)


def at_least(axis: str, bound: Callable[[Case], float], text: str = "") -> Premise:
    """The premise `case[axis] >= bound(case)`."""
    return Premise(text, thresholds=(Threshold(axis, bound, "least"),))


def at_most(axis: str, bound: Callable[[Case], float], text: str = "") -> Premise:
    """The premise `case[axis] <= bound(case)`."""
    return Premise(text, thresholds=(Threshold(axis, bound, "most"),))


def where(predicate: Callable[[Case], bool], text: str) -> Premise:
    """The premise that a predicate holds."""
    return Premise(text, predicates=(predicate,))


def always(text: str) -> Premise:
    """The premise of a theorem that promises its conclusion on every case of its axes; `text` says why."""
    if not text.strip():
        raise ValueError("a premise that always holds says in words what makes it so, e.g. always('any width')")
    return Premise(text)
