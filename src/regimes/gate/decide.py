"""Whether a comparison is a regression: only what the verdicts' error budgets do not allow makes the gate fall."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from regimes.errors import RegimesError
from regimes.gate import brackets, reasons
from regimes.gate.compare import Comparison
from regimes.gate.pairs import Pair
from regimes.gate.reasons import Regression


class GateError(RegimesError):
    """A gate that cannot judge; the message is one sentence with the mend."""


@dataclass(frozen=True)
class Decision:
    """The gate's answer.

    Attributes:
        comparison: what was compared.
        regressions: why the gate falls, none if it holds.
        false_alarm: probability, at most, that it falls although every promise is kept, every control is wrong and no
            law has changed: the sum of the error budgets of the verdicts that could make it fall.
        compared: number of claims, cells, controls and measured thresholds that both sides have.
    """

    comparison: Comparison
    regressions: tuple[Regression, ...]
    false_alarm: float
    compared: Mapping[str, int]

    @property
    def status(self) -> int:
        """1 if the gate falls, else 0."""
        return 1 if self.regressions else 0


def decide(comparison: Comparison, complete: bool = False) -> Decision:
    """Judge a comparison.

    The gate falls for a promised cell that is refuted and was not; for a control that is new or was killed and now
    survives, if the luck of the draw does not explain it; for a threshold that moved with a pair of cells past it whose
    intervals are disjoint; for a measured threshold that moved beyond the intervals of its judges, or that has a promised
    coordinate refuted where the baseline's had none; and, if `complete`, for what is in the baseline and gone. It does not
    fall for what is undecided, nor outside the premise for verdicts that differ with overlapping intervals, which a truth
    inside the margin gives.

    Raises:
        GateError: the two sides have no cell, no control and no measured threshold in common.
    """
    every = (*comparison.cells, *comparison.controls, *comparison.brackets)
    both = [pair for pair in every if pair.before and pair.after]
    if not both:
        raise GateError(
            f"{comparison.after} and {comparison.before} have no cell, no control and no measured threshold in common, "
            "so that the gate would say nothing; map the same claims, subject and grid, or write the baseline with --update"
        )
    found = [reasons.refuted(pair) for pair in comparison.cells if _is_broken(pair)]
    # A witness that is promised has been found above.
    found += [reasons.moved(one) for one in comparison.thresholds if one.worse and one.witness and not one.witness.promised]
    found += [one for pair in comparison.brackets if (one := reasons.of_bracket(pair)) is not None]
    found += [reasons.survived(pair) for pair in comparison.controls if _lives(pair)]
    if complete:
        found += [reasons.missing(pair) for pair in every if pair.after is None]
    compared = {
        "claims": len({pair.claim.id for pair in both}),
        "cells": sum(bool(pair.before and pair.after) for pair in comparison.cells),
        "controls": sum(bool(pair.before and pair.after) for pair in comparison.controls),
        "thresholds": sum(bool(pair.before and pair.after) for pair in comparison.brackets),
    }
    return Decision(comparison, tuple(found), _false_alarm(comparison), compared)


def _false_alarm(comparison: Comparison) -> float:
    """The sum of the error budgets that could make the gate fall, at most 1.

    A promised cell falls by its present verdict alone, as does a control that is new or replayed; a threshold, and a
    control with another seed, need two intervals. A measured threshold needs those of both searches, and its promised
    coordinates fall by their present verdicts.
    """
    lined = {id(pair) for pair in comparison.lined}
    total = sum(map(brackets.false_alarm, comparison.brackets), 0.0)
    for pair in (*comparison.cells, *comparison.controls):
        now, then = pair.after, pair.before
        if now is None:
            continue
        alone = then is None or pair.replayed if "control" in now else now["inside"]
        if alone:
            total += now["error"] or 0.0
        elif then is not None and ("control" in now or id(pair) in lined):
            total += (now["error"] or 0.0) + (then["error"] or 0.0)
    return min(1.0, total)


def _is_broken(pair: Pair) -> bool:
    """Whether a cell is refuted where the theorem promises, and was not."""
    return pair.promised and pair.words[1] == "refuted" and pair.words[0] != "refuted"


def _lives(pair: Pair) -> bool:
    """Whether a control that was killed, or is new, survives, and not by the luck of another draw.

    A control inside the margin, or right at some of its random cases, dies with one seed and lives with another. So the
    two must be a replay, or be at one case with disjoint intervals.
    """
    before, after = pair.before, pair.after
    if after is None or after["verdict"] != "survived" or (before is not None and before["verdict"] != "killed"):
        return False
    return before is None or pair.replayed or (before["case"] == after["case"] and pair.separated)
