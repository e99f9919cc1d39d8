"""A comparison and its decision as text, JSON and a Markdown page.

JSON of `regimes gate --json`, schema 1: `schema`, `baseline`, `store`, `status` (0 or 1), `false_alarm`, `compared`
(`claims`, `cells`, `controls`: numbers), `regressions` (`kind`, `claim`, `theorem`, `sentence`, `where`), and what
`regimes diff --json` has: `cells` (`claim`, `case`, `subject`, `before`, `after`, `inside`, `separated`; changed ones, new
ones and gone ones, whose missing side is `new` or `gone`), `controls` (`claim`, `control`, `before`, `after`), `thresholds`
(`claim`, `axis`, `row`, `subject`, `side`, `before`, `after`, `worse`, `beyond_noise`), and `claims` (`new`, `gone`,
`changed`: ids; `stale`: number of stale cells by id). `regimes diff --json` has the files `before` and `after`.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from typing import Any

from regimes.gate.compare import Comparison, Pair, Threshold
from regimes.gate.decide import Decision, Regression, case_text

SHOWN = 20  # lines of a kind that a person is shown; JSON has all
EACH = 3  # regressions of one claim that a person is shown


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
            for pair in _unlike(found.cells)
        ],
        "controls": [
            {"claim": pair.claim.id, "control": _name(pair), "before": pair.words[0], "after": pair.words[1]}
            for pair in _unlike(found.controls)
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


def difference_lines(found: Comparison, told: Collection[int] = ()) -> list[str]:
    """What changed, for a person; nothing if nothing did.

    Arguments:
        found: the comparison.
        told: `id` of the pairs that have been told of already.
    """
    lines = [f"claim {word}: {name}" for word, names in _claims(found) for name in names]
    lines += [f"stale: {count} cells of other versions of {name}, not compared" for name, count in found.stale.items()]
    gone_or_new = {*found.new, *found.gone}
    cells = [pair for pair in _unlike(found.cells) if pair.claim.id not in gone_or_new and id(pair) not in told]
    for word, pairs in (
        ("changed", [pair for pair in cells if pair.changed]),
        ("new cell", [pair for pair in cells if pair.before is None]),
        ("gone cell", [pair for pair in cells if pair.after is None]),
    ):
        lines += _first(f"{word}: {_cell_text(pair)}" for pair in pairs)
    lines += _first(f"threshold: {_threshold_text(one)}" for one in found.thresholds)
    controls = [pair for pair in _unlike(found.controls) if pair.claim.id not in gone_or_new and id(pair) not in told]
    return lines + _first(f"control: {_control_text(pair)}" for pair in controls)


def decision_lines(decision: Decision) -> list[str]:
    """The decision for a person: the regressions, what else changed, and the answer."""
    lines = [f"REGRESSION: {one.sentence}" for one in _few(decision)] + _rest(decision)
    lines.append(f"compared {_counted(decision.compared)}; a false alarm has probability at most {decision.false_alarm:.2g}")
    return [*lines, verdict(decision)]


def verdict(decision: Decision) -> str:
    """The gate's answer in one sentence."""
    count = len(decision.regressions)
    if not count:
        return f"the gate holds: no regression against {decision.comparison.before}"
    counted = f"{count} regression{'s' * (count > 1)} against {decision.comparison.before}"
    return f"the gate falls: {counted}; accept what is meant with --update"


def markdown(decision: Decision) -> str:
    """A page for a CI job: the answer, a table of regressions, a table of what else changed."""
    compared = f"Compared with `{decision.comparison.before}`: {_counted(decision.compared)}."
    rate = f"A false alarm has probability at most {decision.false_alarm:.2g}."
    lines = [f"## regimes: the gate {'falls' if decision.status else 'holds'}", "", f"{compared} {rate}"]
    if decision.regressions:
        rows = [(one.theorem, one.kind, one.sentence.removeprefix(one.theorem).strip()) for one in _few(decision)]
        lines += ["", *_table(("theorem", "regression", "what happened"), rows)]
    others = [line.partition(": ")[::2] for line in _rest(decision)]
    if others:
        lines += ["", "### What changed", "", *_table(("change", "where"), others)]
    return "\n".join([*lines, ""])


def _table(head: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> list[str]:
    def line(values: tuple[str, ...]) -> str:
        return "| " + " | ".join(value.replace("|", "\\|").replace("\n", " ") for value in values) + " |"

    return [line(head), line(("---",) * len(head)), *map(line, rows)]


def _counted(compared: Mapping[str, int]) -> str:
    names = ("cells", "controls", "claims")
    cells, controls, claims = (f"{compared[name]} {name[:-1]}{'s' * (compared[name] != 1)}" for name in names)
    return f"{cells} and {controls} of {claims}"


def _few(decision: Decision) -> list[Regression]:
    """The first regressions of each claim and kind."""
    groups: dict[tuple[str, str], list[Regression]] = {}
    for one in decision.regressions:
        groups.setdefault((one.claim, one.kind), []).append(one)
    return [one for group in groups.values() for one in group[:EACH]]


def _rest(decision: Decision) -> list[str]:
    """How many regressions were left out, and what changed besides."""
    left = len(decision.regressions) - len(_few(decision))
    told = {id(one.pair) for one in decision.regressions}
    more = [f"and: {left} more regressions of these theorems; --json has them all"] if left else []
    return more + difference_lines(decision.comparison, told)


def _claims(found: Comparison) -> tuple[tuple[str, list[str]], ...]:
    return ("new", found.new), ("gone", found.gone), ("changed", found.changed)


def _unlike(pairs: Iterable[Pair]) -> list[Pair]:
    return [pair for pair in pairs if pair.words[0] != pair.words[1]]


def _name(pair: Pair) -> str:
    return (pair.after or pair.before or {})["control"]


def _cell_text(pair: Pair) -> str:
    row = pair.after or pair.before or {}
    where = "" if row["inside"] else " (outside the premise)"
    noise = "" if not pair.changed or row["inside"] or pair.separated else ", which a truth inside the margin explains"
    return f"{pair.claim.id} at {case_text(row['case'])} on {row['subject']}: {' -> '.join(pair.words)}{where}{noise}"


def _control_text(pair: Pair) -> str:
    luck = pair.words == ("killed", "survived") and not pair.replayed and not pair.separated
    noise = ", with another seed or on fewer cases, which a margin or other cases explain" if luck else ""
    return f"{pair.claim.id}: {_name(pair)}: {' -> '.join(pair.words)}{noise}"


def _threshold_text(one: Threshold) -> str:
    ends = ["none" if row.threshold is None else f"{row.threshold:g}" for row in (one.before, one.after)]
    row = case_text(one.after.fixed)
    word = f"{'worse' if one.worse else 'better'}, {'beyond' if one.witness else 'within'} noise"
    return f"{one.claim.id}{' at ' + row if row else ''} on {one.after.subject}: {one.claim.x} {' -> '.join(ends)} ({word})"


def _first(lines: Iterable[str]) -> list[str]:
    every = list(lines)
    return every if len(every) <= SHOWN else [*every[:SHOWN], f"and: {len(every) - SHOWN} more; --json has them all"]
