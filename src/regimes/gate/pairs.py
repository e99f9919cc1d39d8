"""Cells, controls and measured thresholds of two snapshots met with each other."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from regimes.gate.snapshot import Cell, ClaimRecord

Row = dict[str, Any]


@dataclass(frozen=True)
class Pair:
    """One cell, control or measured threshold as it was and as it is; None for one that is new or gone.

    A threshold has no verdict: what two of them say of each other is in `regimes.gate.brackets`.

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


def separated(before: Mapping[str, Any], after: Mapping[str, Any]) -> bool:
    """Whether the intervals of two verdicts on one target are disjoint, so that two true values must differ."""
    if before["interval"] is None or after["interval"] is None or before["target"] != after["target"]:
        return False
    (low, high), (other_low, other_high) = ends(before["interval"]), ends(after["interval"])
    return high < other_low or other_high < low


def ends(interval: Iterable[float | None]) -> tuple[float, float]:
    """The ends of an interval, infinite where they are None."""
    low, high = interval
    return (-math.inf if low is None else float(low)), (math.inf if high is None else float(high))


def cell_key(row: Cell) -> str:
    """What identifies a cell within a claim: subject and case."""
    return json.dumps([row["subject"], row["case"]], sort_keys=True)


def bracket_key(row: Row) -> str:
    """What identifies a measured threshold within a claim: subject, axis and row."""
    return json.dumps([row["subject"], row["axis"], row["row"]], sort_keys=True)


def pairs(claim: ClaimRecord, old: Iterable[Row], new: Iterable[Row], key: Callable[[Row], str]) -> list[Pair]:
    """Each row of `new` with the row of `old` of its key that is most like it; rows of `old` whose key is gone, last."""
    known: dict[str, list[Row]] = {}
    for row in old:
        known.setdefault(key(row), []).append(row)
    found, met = [], set()
    for row in new:
        met.add(key(row))
        candidates = known.get(key(row), [])
        found.append(Pair(claim, max(candidates, key=lambda one: _likeness(one, row), default=None), row))
    return found + [Pair(claim, row, None) for name, rows in known.items() if name not in met for row in rows]


def _likeness(one: Mapping[str, Any], other: Mapping[str, Any]) -> tuple[int, bool, bool]:
    """How many settings two rows share, then whether the seed and the coordinates; the first of the best is taken."""
    names = {*one["settings"], *other["settings"]}
    alike = sum(one["settings"].get(name) == other["settings"].get(name) for name in names)
    return alike, one["seed"] == other["seed"], one.get("coordinates") == other.get("coordinates")
