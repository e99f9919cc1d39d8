"""What a stored threshold says: its ratio to the promised boundary, remarks, and rows grouped for a table."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

Threshold = Mapping[str, Any]


def ratio(one: Threshold) -> float | None:
    """The promised boundary over the measured one (turned round for upper bounds), None if there are not both."""
    promised, measured = one["premise_boundary"], one["holds"]
    if promised is None or measured is None or promised <= 0 or measured <= 0:
        return None
    return promised / measured if one["side"] == "least" else measured / promised


def remark(one: Threshold) -> str:
    """What the ends of a bracket do not say by themselves, empty if nothing."""
    notes = []
    if one["undecided"]:
        notes.append(f"{one['undecided']} undecided between")
    elif one["refuted"] is None:
        notes.append("holds throughout")
    elif one["holds"] is None:
        notes.append("refuted throughout")
    if one["evidence"]["against"]:
        notes.append(f"not monotone: see {one['axis']} {', '.join(f'{at:g}' for at in one['evidence']['against'])}")
    return "; ".join(notes)


def groups(found: Iterable[Threshold]) -> list[list[Threshold]]:
    """Thresholds of one claim that differ in their rows only, in the order in which they come."""
    by: dict[str, list[Threshold]] = {}
    for one in found:
        alike = [one[name] for name in ("subject", "axis", "coordinates", "seed", "settings")]
        by.setdefault(json.dumps(alike, sort_keys=True), []).append(one)
    return list(by.values())


def shared(group: Sequence[Threshold]) -> dict[str, Any]:
    """The coordinates that several rows have in common."""
    first = group[0]["row"]
    alike = {name: value for name, value in first.items() if all(one["row"].get(name) == value for one in group)}
    return alike if len(group) > 1 else {}


def own(one: Threshold, common: Mapping[str, Any]) -> dict[str, Any]:
    """The coordinates of a row that are not in common."""
    return {name: value for name, value in one["row"].items() if name not in common}
