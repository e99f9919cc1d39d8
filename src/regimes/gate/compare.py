"""What changed between two snapshots: verdicts, thresholds, controls, and what is new, gone or stale."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from regimes.gate.snapshot import Cell, ClaimRecord, Control, Snapshot
from regimes.sweep import slack


@dataclass(frozen=True)
class Pair:
    """One cell or control as it was and as it is; None for one that is new or gone.

    Attributes:
        claim: the claim as it is, or was if it is gone.
        before, after: the two rows.
    """

    claim: ClaimRecord
    before: dict[str, Any] | None
    after: dict[str, Any] | None

    @property
    def words(self) -> tuple[str, str]:
        """The verdicts before and after, `new` and `gone` for None."""
        return (self.before["verdict"] if self.before else "new", self.after["verdict"] if self.after else "gone")

    @property
    def changed(self) -> bool:
        """Whether both are there with different verdicts."""
        return self.before is not None and self.after is not None and len(set(self.words)) == 2

    @property
    def promised(self) -> bool:
        """Whether the theorem, as it is, promises its conclusion at the cell."""
        return self.after is not None and bool(self.after["inside"])

    @property
    def replayed(self) -> bool:
        """Whether a control was tried with the baseline's seed and settings, on no fewer cases than killed it then.

        Its cases and replicates are then the same, unless code has changed.
        """
        before, after = self.before, self.after
        if before is None or after is None:
            return False
        alike = all(before[name] == after[name] for name in ("seed", "settings"))
        return alike and (after.get("cases") or 0) >= (before.get("cases") or 0)

    @property
    def separated(self) -> bool:
        """Whether the two verdicts' intervals, for one target, have no point in common."""
        return self.before is not None and self.after is not None and separated(self.before, self.after)


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
        thresholds: those that moved.
        lined: the pairs of the rows on which the premise draws a line, so that they have a threshold.
        new, gone: ids of claims that only one side has; their cells and controls are among the pairs.
        changed: ids of claims whose code or constants changed.
        stale: number of stale cells by claim id, of the later snapshot.
    """

    before: str
    after: str
    cells: list[Pair] = field(default_factory=list)
    controls: list[Pair] = field(default_factory=list)
    thresholds: list[Threshold] = field(default_factory=list)
    lined: list[Pair] = field(default_factory=list)
    new: list[str] = field(default_factory=list)
    gone: list[str] = field(default_factory=list)
    changed: list[str] = field(default_factory=list)
    stale: dict[str, int] = field(default_factory=dict)


def compare(before: Snapshot, after: Snapshot) -> Comparison:
    """Pair the cells and controls of two snapshots and find what changed.

    A cell is one claim, subject and case, a control one claim and name, whatever the claim's fingerprint. Of several
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
        cells = _pairs(claim, old.cells if old else (), new.cells if new else (), _cell_key)
        found.cells += cells
        found.controls += _pairs(claim, old.controls if old else (), new.controls if new else (), lambda row: row["control"])
        for group in _rows([pair for pair in cells if pair.before and pair.after], claim.x):
            found.lined += [pair for pair, _, _ in group]
            moved = _threshold(claim, group)
            found.thresholds += [] if moved is None else [moved]
    return found


def separated(before: Cell, after: Cell) -> bool:
    """Whether the intervals of two verdicts on one target are disjoint, so that two true values must differ."""
    if before["interval"] is None or after["interval"] is None or before["target"] != after["target"]:
        return False
    (low, high), (other_low, other_high) = _ends(before["interval"]), _ends(after["interval"])
    return high < other_low or other_high < low


def _ends(interval: Iterable[float | None]) -> tuple[float, float]:
    low, high = interval
    return (-math.inf if low is None else float(low)), (math.inf if high is None else float(high))


def _cell_key(row: Cell) -> str:
    return json.dumps([row["subject"], row["case"]], sort_keys=True)


def _pairs(claim: ClaimRecord, old: Iterable[Control], new: Iterable[Control], key: Any) -> list[Pair]:
    known: dict[str, list[Control]] = {}
    for row in old:
        known.setdefault(key(row), []).append(row)
    pairs, met = [], set()
    for row in new:
        met.add(key(row))
        candidates = known.get(key(row), [])
        pairs.append(Pair(claim, max(candidates, key=lambda one: _likeness(one, row), default=None), row))
    return pairs + [Pair(claim, row, None) for name, rows in known.items() if name not in met for row in rows]


def _likeness(one: Mapping[str, Any], other: Mapping[str, Any]) -> tuple[int, bool]:
    """How many settings two rows share, then whether the seed; the first of the best is taken."""
    names = {*one["settings"], *other["settings"]}
    return sum(one["settings"].get(name) == other["settings"].get(name) for name in names), one["seed"] == other["seed"]


def _rows(pairs: list[Pair], x: str) -> list[list[tuple[Pair, Cell, Cell]]]:
    """The rows along x on which the premise draws a line: each pair with its cells, told apart by their verdicts only."""
    groups: dict[str, list[tuple[Pair, Cell, Cell]]] = {}
    for pair in pairs:
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
