"""Slack: how far a premise's boundary is from where the claim in fact begins to hold, row by row of a map.

Pure functions on the cells that `Store.cells` returns. An undecided cell has not been shown to hold.
"""

from __future__ import annotations

import json
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from regimes.case import Value

Cell = Mapping[str, Any]
Side = Literal["least", "most"]


@dataclass(frozen=True)
class Row:
    """One row of a map: all cells that differ on the x axis only.

    With side `most` the promise is made below the boundary, and "larger" reads "smaller" throughout.

    Attributes:
        fixed: coordinates on the other axes.
        subject, seed, settings: what else the cells have in common.
        side: `least` if the premise asks for a large x, `most` for a small one.
        threshold: measured threshold: the smallest x of the grid from which all larger ones hold, None if none.
        refuted: the largest x that is refuted, None if none; the true boundary lies between it and the threshold.
        undecided: number of undecided cells.
        open_ended: whether the grid's first x holds, so that the true threshold may be smaller, the slack larger.
        premise: the premise's boundary, exact: the true one where it is known.
        slack: premise / threshold, slack_exact: premise / exact, at least 1 for a sound premise.
        vacuous: whether no cell of the row meets the premise; `premise` is then what it would take.
    """

    fixed: dict[str, Value]
    subject: str
    seed: int
    settings: dict[str, Any]
    side: Side
    threshold: float | None
    refuted: float | None
    undecided: int
    open_ended: bool
    premise: float | None
    exact: float | None
    slack: float | None
    slack_exact: float | None
    vacuous: bool


@dataclass(frozen=True)
class Summary:
    """The slack of a whole map.

    Attributes:
        rows: number of rows.
        smallest, median, largest: of the rows' slack, None if no row has one.
        vacuous: whether no cell of the map meets the premise.
        vacuous_rows: number of rows in which none does.
        needed: the smallest boundary among the vacuous rows (the largest, for side `most`), None if there are none.
    """

    rows: int
    smallest: float | None
    median: float | None
    largest: float | None
    vacuous: bool
    vacuous_rows: int
    needed: float | None


def side_of(cells: Sequence[Cell], x: str) -> Side:
    """On which side of its boundary the premise promises, told from which cells are inside."""
    least = most = 0
    for cell in cells:
        bound = cell["premise_boundary"]
        if bound is not None and is_number(cell["case"][x]):
            least += cell["inside"] == (cell["case"][x] >= bound)
            most += cell["inside"] == (cell["case"][x] <= bound)
    return "most" if most > least else "least"


def rows(cells: Sequence[Cell], x: str, side: Side | None = None) -> list[Row]:
    """The rows of a map along x, in the order in which the cells first name them.

    Arguments:
        cells: cells of one claim, of any subjects, seeds and settings; they are never mixed in one row.
        x: the axis along which thresholds lie; cells whose x is not a number are left out.
        side: where the premise promises; by default told from the cells.
    """
    side = side_of(cells, x) if side is None else side
    groups: dict[str, list[Cell]] = {}
    for cell in cells:
        if is_number(cell["case"].get(x)):
            others = {name: value for name, value in cell["case"].items() if name != x}
            key = json.dumps([others, cell["subject"], cell["seed"], cell["settings"]], sort_keys=True)
            groups.setdefault(key, []).append(cell)
    return [_row(group, x, side) for group in groups.values()]


def _row(cells: Sequence[Cell], x: str, side: Side) -> Row:
    ordered = sorted(cells, key=lambda cell: cell["case"][x], reverse=side == "most")
    threshold = None
    for cell in reversed(ordered):
        if cell["verdict"] != "holds":
            break
        threshold = cell["case"][x]
    refuted = [cell["case"][x] for cell in ordered if cell["verdict"] == "refuted"]
    first = ordered[0]
    premise, exact = first["premise_boundary"], first["exact_boundary"]
    return Row(
        fixed={name: value for name, value in first["case"].items() if name != x},
        subject=first["subject"],
        seed=first["seed"],
        settings=first["settings"],
        side=side,
        threshold=threshold,
        refuted=refuted[-1] if refuted else None,
        undecided=sum(cell["verdict"] == "undecided" for cell in ordered),
        open_ended=threshold is not None and threshold == first["case"][x],
        premise=premise,
        exact=exact,
        slack=_ratio(premise, threshold, side),
        slack_exact=_ratio(premise, exact, side),
        vacuous=not any(cell["inside"] for cell in ordered),
    )


def summary(rows: Sequence[Row]) -> Summary:
    """The slack of a map from its rows."""
    slacks = [row.slack for row in rows if row.slack is not None]
    empty = [row for row in rows if row.vacuous]
    needed = [row.premise for row in empty if row.premise is not None]
    nearest = max if empty and empty[0].side == "most" else min
    return Summary(
        rows=len(rows),
        smallest=min(slacks, default=None),
        median=statistics.median(slacks) if slacks else None,
        largest=max(slacks, default=None),
        vacuous=bool(rows) and len(empty) == len(rows),
        vacuous_rows=len(empty),
        needed=nearest(needed, default=None),
    )


def _ratio(premise: float | None, reference: float | None, side: Side) -> float | None:
    """Premise over reference, turned round for upper bounds, so that a premise that asks too much exceeds 1."""
    if premise is None or reference is None:
        return None
    above, below = (premise, reference) if side == "least" else (reference, premise)
    return above / below if above > 0 and below > 0 else None


def is_number(value: Any) -> bool:
    """Whether a coordinate is a number, on which thresholds can lie."""
    return isinstance(value, (int, float)) and not isinstance(value, bool)
