"""A comparison and its decision as JSON.

JSON of `regimes gate --json`, schema 1: `schema`, `baseline`, `store`, `status` (0 or 1), `false_alarm`, `compared`
(`claims`, `cells`, `controls`, `thresholds`: numbers), `regressions` (`kind`, `claim`, `theorem`, `sentence`, `where`), and
what `regimes diff --json` has: `cells` (`claim`, `case`, `subject`, `before`, `after`, `inside`, `separated`; changed ones,
new ones and gone ones, whose missing side is `new` or `gone`), `controls` (`claim`, `control`, `before`, `after`),
`thresholds` (of maps that moved on their grids: `claim`, `axis`, `row`, `subject`, `side`, `before`, `after`, `worse`,
`beyond_noise`), `brackets` (of measured thresholds whose ends are not the same: `claim`, `axis`, `row`, `subject`, `side`,
`before` and `after` as `refuted`, `holds` and `undecided`, null for new or gone, `moved`: `worse` or `better` if it moved
beyond its intervals, else null), and `claims` (`new`, `gone`, `changed`: ids; `stale`: number of stale cells by id).
`regimes diff --json` has the files `before` and `after`.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from regimes.gate import brackets
from regimes.gate.compare import Comparison
from regimes.gate.decide import Decision
from regimes.gate.pairs import Pair


def difference_data(found: Comparison) -> dict[str, Any]:
    """The difference as JSON-able data; see the module's text."""
    return {
        "cells": [
            {
                "claim": pair.claim.id,
                "case": (pair.after or pair.before or {})["case"],
                "subject": (pair.after or pair.before or {})["subject"],
                "before": pair.words[0],
                "after": pair.words[1],
                "inside": (pair.after or pair.before or {})["inside"],
                "separated": pair.separated,
            }
            for pair in unlike(found.cells)
        ],
        "controls": [
            {"claim": pair.claim.id, "control": control_name(pair), "before": pair.words[0], "after": pair.words[1]}
            for pair in unlike(found.controls)
        ],
        "thresholds": [
            {
                "claim": one.claim.id,
                "axis": one.claim.x,
                "row": one.after.fixed,
                "subject": one.after.subject,
                "side": one.after.side,
                "before": one.before.threshold,
                "after": one.after.threshold,
                "worse": one.worse,
                "beyond_noise": one.witness is not None,
            }
            for one in found.thresholds
        ],
        "brackets": [_bracket(pair) for pair in found.brackets if brackets.differs(pair)],
        "claims": {"new": found.new, "gone": found.gone, "changed": found.changed, "stale": found.stale},
    }


def decision_data(decision: Decision) -> dict[str, Any]:
    """The decision as JSON-able data; see the module's text."""
    found = decision.comparison
    return {
        "baseline": found.before,
        "store": found.after,
        "status": decision.status,
        "false_alarm": decision.false_alarm,
        "compared": dict(decision.compared),
        "regressions": [
            {"kind": one.kind, "claim": one.claim, "theorem": one.theorem, "sentence": one.sentence, "where": one.where}
            for one in decision.regressions
        ],
        **difference_data(found),
    }


def _bracket(pair: Pair) -> dict[str, Any]:
    row, move = pair.after or pair.before or {}, brackets.move(pair)
    about = {"claim": pair.claim.id, **{name: row[name] for name in ("axis", "row", "subject", "side")}}
    ends = ("refuted", "holds", "undecided")
    before, after = (one and {name: one[name] for name in ends} for one in (pair.before, pair.after))
    return {**about, "before": before, "after": after, "moved": move and ("worse" if move.worse else "better")}


def unlike(pairs: Iterable[Pair]) -> list[Pair]:
    """The pairs whose two sides are not the same."""
    return [pair for pair in pairs if pair.words[0] != pair.words[1]]


def control_name(pair: Pair) -> str:
    """The name of a pair of controls."""
    return (pair.after or pair.before or {})["control"]
