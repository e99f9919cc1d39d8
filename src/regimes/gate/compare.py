"""What changed between two snapshots: verdicts, thresholds, controls, and what is new, gone or stale.

Thresholds are of two sorts: those that the cells of a map have, row by row, on its grid, and those that were measured by
a search, see `regimes.gate.brackets`.
"""

from __future__ import annotations

import json
import math
from dataclasses import dataclass, field

from regimes.gate.pairs import Pair, bracket_key, cell_key, pairs
from regimes.gate.snapshot import Cell, ClaimRecord, Snapshot
from regimes.sweep import slack


@dataclass(frozen=True)
class Threshold:
    """The threshold of one row of a map as it was and as it is, both on the coordinates that the two have in common.

    Attributes:
        claim: the claim.
        before, after: the row; see `regimes.sweep.slack.Row`.
        worse: whether the claim begins to hold later (further inside the premise) than it did.
        witness: a pair past the better threshold whose verdict turned and whose intervals are disjoint: the move is
            beyond the noise of its ends. One outside the premise if there is one; None if there is none.
    """

    claim: ClaimRecord
    before: slack.Row
    after: slack.Row
    worse: bool
    witness: Pair | None


@dataclass
class Comparison:
    """Everything that two snapshots have in common or not.

    Attributes:
        before, after: the snapshots' files.
        cells, controls: pairs; those with a None are new or gone.
        brackets: pairs of measured thresholds.
        thresholds: those of maps that moved.
        lined: the pairs of the rows on which the premise draws a line, so that they have a threshold.
        new, gone: ids of claims that only one side has; what they have is among the pairs.
        changed: ids of claims whose code or constants changed.
        stale: number of stale cells by claim id, of the later snapshot.
    """

    before: str
    after: str
    cells: list[Pair] = field(default_factory=list)
    controls: list[Pair] = field(default_factory=list)
    brackets: list[Pair] = field(default_factory=list)
    thresholds: list[Threshold] = field(default_factory=list)
    lined: list[Pair] = field(default_factory=list)
    new: list[str] = field(default_factory=list)
    gone: list[str] = field(default_factory=list)
    changed: list[str] = field(default_factory=list)
    stale: dict[str, int] = field(default_factory=dict)


def compare(before: Snapshot, after: Snapshot) -> Comparison:
    """Pair the cells, controls and measured thresholds of two snapshots and find what changed.

    A cell is one claim, subject and case, a control one claim and name, a measured threshold one claim, subject, axis and
    row, whatever the claim's fingerprint. Of several
    seeds and settings, each row of `after` meets the row of `before` that is most like its own.
    """
    found = Comparison(before.source, after.source)
    for name in sorted({*before.claims, *after.claims}):
        old, new = before.claims.get(name), after.claims.get(name)
        claim = new or old
        assert claim is not None
        if old is None or new is None:
            (found.new if old is None else found.gone).append(name)
        elif old.fingerprint != new.fingerprint:
            found.changed.append(name)
        if new is not None and new.stale:
            found.stale[name] = new.stale
        cells = pairs(claim, old.cells if old else (), new.cells if new else (), cell_key)
        found.cells += cells
        found.controls += pairs(claim, old.controls if old else (), new.controls if new else (), lambda row: row["control"])
        found.brackets += pairs(claim, old.thresholds if old else (), new.thresholds if new else (), bracket_key)
        for group in _rows([pair for pair in cells if pair.before and pair.after], claim.x):
            found.lined += [pair for pair, _, _ in group]
            moved = _threshold(claim, group)
            found.thresholds += [] if moved is None else [moved]
    return found


def _rows(met: list[Pair], x: str) -> list[list[tuple[Pair, Cell, Cell]]]:
    """The rows along x on which the premise draws a line: each pair with its cells, told apart by their verdicts only."""
    groups: dict[str, list[tuple[Pair, Cell, Cell]]] = {}
    for pair in met:
        assert pair.before is not None and pair.after is not None
        if slack.is_number(pair.after["case"].get(x)):
            now = {**pair.after, "exact_boundary": None}
            others = {name: value for name, value in now["case"].items() if name != x}
            key = json.dumps([others, now["subject"], now["seed"], now["settings"]], sort_keys=True)
            groups.setdefault(key, []).append((pair, {**now, "verdict": pair.before["verdict"]}, now))
    return [group for group in groups.values() if any(now["premise_boundary"] is not None for _, _, now in group)]


def _threshold(claim: ClaimRecord, group: list[tuple[Pair, Cell, Cell]]) -> Threshold | None:
    """How the threshold of a row moved, None if it did not."""
    side = slack.side_of([now for _, _, now in group], claim.x)
    (before,) = slack.rows([then for _, then, _ in group], claim.x, side)
    (after,) = slack.rows([now for _, _, now in group], claim.x, side)
    if before.threshold == after.threshold:
        return None
    worse = _strictness(after, side) > _strictness(before, side)
    reach = _strictness(before if worse else after, side)
    turned = ("holds", "refuted") if worse else ("refuted", "holds")
    past = [
        pair
        for pair, _, now in group
        if pair.words == turned and pair.separated and _at(now["case"][claim.x], side) >= reach
    ]
    return Threshold(claim, before, after, worse, min(past, key=lambda pair: pair.promised, default=None))


def _strictness(row: slack.Row, side: slack.Side) -> float:
    """The threshold on a scale on which larger asks for more; infinite where nothing holds."""
    return math.inf if row.threshold is None else _at(row.threshold, side)


def _at(x: float, side: slack.Side) -> float:
    return x if side == "least" else -x
