"""A comparison and its decision as text and as a Markdown page."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping

from regimes.gate import brackets
from regimes.gate.compare import Comparison, Threshold
from regimes.gate.data import control_name, unlike
from regimes.gate.decide import Decision
from regimes.gate.pairs import Pair
from regimes.gate.reasons import Regression, case_text

SHOWN = 20  # lines of a kind that a person is shown; JSON has all
EACH = 3  # regressions of one claim that a person is shown


def difference_lines(found: Comparison, told: Collection[int] = ()) -> list[str]:
    """What changed, for a person; nothing if nothing did.

    Arguments:
        found: the comparison.
        told: `id` of the pairs that have been told of already.
    """
    lines = [f"claim {word}: {name}" for word, names in _claims(found) for name in names]
    lines += [f"stale: {count} cells of other versions of {name}, not compared" for name, count in found.stale.items()]
    gone_or_new = {*found.new, *found.gone}
    cells = [pair for pair in unlike(found.cells) if pair.claim.id not in gone_or_new and id(pair) not in told]
    for word, pairs in (
        ("changed", [pair for pair in cells if pair.changed]),
        ("new cell", [pair for pair in cells if pair.before is None]),
        ("gone cell", [pair for pair in cells if pair.after is None]),
    ):
        lines += _first(f"{word}: {_cell_text(pair)}" for pair in pairs)
    lines += _first(f"threshold: {_threshold_text(one)}" for one in found.thresholds)
    measured = [pair for pair in found.brackets if pair.claim.id not in gone_or_new and id(pair) not in told]
    lines += _first(_bracket_text(pair) for pair in measured if brackets.differs(pair))
    controls = [pair for pair in unlike(found.controls) if pair.claim.id not in gone_or_new and id(pair) not in told]
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
    counts = {name: f"{count} {name[:-1]}{'s' * (count != 1)}" for name, count in compared.items()}
    kinds = ["cells", "controls", *(["thresholds"] if compared["thresholds"] else [])]
    *first, last = (counts[name] for name in kinds)
    return f"{', '.join(first)} and {last} of {counts['claims']}"


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


def _cell_text(pair: Pair) -> str:
    row = pair.after or pair.before or {}
    where = "" if row["inside"] else " (outside the premise)"
    noise = "" if not pair.changed or row["inside"] or pair.separated else ", which a truth inside the margin explains"
    return f"{pair.claim.id} at {case_text(row['case'])} on {row['subject']}: {' -> '.join(pair.words)}{where}{noise}"


def _control_text(pair: Pair) -> str:
    luck = pair.words == ("killed", "survived") and not pair.replayed and not pair.separated
    noise = ", with another seed or on fewer cases, which a margin or other cases explain" if luck else ""
    return f"{pair.claim.id}: {control_name(pair)}: {' -> '.join(pair.words)}{noise}"


def _threshold_text(one: Threshold) -> str:
    ends = ["none" if row.threshold is None else f"{row.threshold:g}" for row in (one.before, one.after)]
    row = case_text(one.after.fixed)
    word = f"{'worse' if one.worse else 'better'}, {'beyond' if one.witness else 'within'} noise"
    return f"{one.claim.id}{' at ' + row if row else ''} on {one.after.subject}: {one.claim.x} {' -> '.join(ends)} ({word})"


def _bracket_text(pair: Pair) -> str:
    row = pair.after or pair.before or {}
    where = f"{pair.claim.id}{' at ' + case_text(row['row']) if row['row'] else ''} on {row['subject']}: {row['axis']}"
    if pair.before is None or pair.after is None:
        return f"{'new' if pair.before is None else 'gone'} threshold: {where} {brackets.span(row)}"
    move = brackets.move(pair)
    word = "within its intervals" if move is None else f"{'worse' if move.worse else 'better'}, beyond its intervals"
    return f"threshold: {where} {brackets.span(pair.before)} -> {brackets.span(pair.after)} ({word})"


def _first(lines: Iterable[str]) -> list[str]:
    every = list(lines)
    return every if len(every) <= SHOWN else [*every[:SHOWN], f"and: {len(every) - SHOWN} more; --json has them all"]
