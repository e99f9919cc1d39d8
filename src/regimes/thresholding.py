"""What `regimes map --threshold` does: thresholds of claims into a store, and the table of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from regimes.claim import Claim
from regimes.engine import Settings
from regimes.mapping import shown
from regimes.sweep.bracket import groups, own, ratio, remark, shared
from regimes.sweep.grid import parse_grids
from regimes.sweep.schedule import Schedule
from regimes.sweep.store import Store
from regimes.sweep.thresholds import Searched, run_thresholds
from regimes.sweep.work import foreign

COLUMNS = ("refuted", "holds", "promised", "exact", "promised/measured", "replicates", "")


@dataclass
class Thresholds:
    """What a run of `regimes map --threshold` did.

    Attributes:
        store: the store.
        axis: the axis.
        found: what became of the rows.
    """

    store: str
    axis: str
    found: Searched

    @property
    def errors(self) -> list[str]:
        """One sentence for each row that failed, and for each claim without a threshold on the axis."""
        return [*self.found.errors, *self.found.skipped]

    @property
    def broken(self) -> list[str]:
        """One sentence for each coordinate at which a claim is refuted although it is promised."""
        return [
            f"refuted where promised: {row['claim']} at {place(row, one['at'])}"
            for row in self.found.rows
            for one in row["evidence"]["judged"]
            if one["inside"] and one["evidence"]["verdict"] == "refuted"
        ]

    @property
    def status(self) -> int:
        """1 if a claim is refuted inside its premise, 2 for rows that failed, else 0."""
        return 1 if self.broken else 2 if self.found.errors else 0

    def as_dict(self) -> dict[str, Any]:
        """The outcome as JSON-able data."""
        return {
            "store": self.store,
            "axis": self.axis,
            "computed": self.found.computed,
            "present": self.found.present,
            "left": self.found.left,
            "brackets": self.found.verdicts,
            "thresholds": [{**row, "ratio": ratio(row)} for row in self.found.rows],
            "broken": self.broken,
            "skipped": self.found.skipped,
            "errors": self.found.errors,
        }

    def text(self) -> str:
        """The outcome for a person: a table for each claim, then the counts."""
        lines: list[str] = []
        for claim in dict.fromkeys(row["claim"] for row in self.found.rows):
            for rows in groups(row for row in self.found.rows if row["claim"] == claim):
                lines += [f"{claim}: {self.axis} in {rows[0]['coordinates']}", *table(rows), ""]
        if lines:
            lines.append("holds is certified up to the claim's margin: where the truth lies within it, either end may fall")
        lines += self.broken
        found = self.found
        return "\n".join([
            *lines,
            f"{found.computed} threshold{'s' * (found.computed != 1)} found, {found.present} "
            f"{'was' if found.present == 1 else 'were'} there already, {found.left} row{'s' * (found.left != 1)} left",
            f"store: {self.store}",
        ])  # fmt: skip


def find_thresholds(
    claims: Sequence[Claim],
    path: Path,
    settings: Settings,
    *,
    axis: str,
    resolution: str | None,
    grids: Sequence[str],
    subject: str | None,
    schedule: Schedule,
    quiet: bool,
) -> Thresholds:
    """Search the thresholds of claims on an axis into the store at `path`.

    Arguments:
        claims: the claims.
        path: the store; it is created if missing.
        settings: seed, device, dtype and budgets.
        axis: the axis.
        resolution: how near neighbouring coordinates are, see `regimes.sweep.ladder.ladder`.
        grids: `axis=range` texts; that of the axis gives its ends.
        subject: `module:object` in place of the claims' subjects.
        schedule: how the searches are run.
        quiet: no progress, whatever the terminal.

    Raises:
        ValueError: a grid, axis or resolution that does not fit; nothing has been decided.
        StoreError: the store cannot be used.
    """
    overrides = parse_grids(claims, grids)
    if subject is not None:
        foreign(subject)
    with Store.open(path, create=True) as store, shown("rows", quiet) as progress:
        told = replace(schedule, progress=progress)
        found = run_thresholds(claims, axis, store, settings, overrides, resolution, subject, told)
    return Thresholds(str(path), axis, found)


def place(row: Mapping[str, Any], at: float) -> str:
    """A coordinate of a row as a case for a person."""
    return ", ".join(f"{name}={value}" for name, value in {**row["row"], row["axis"]: f"{at:g}"}.items())


def table(rows: Sequence[Mapping[str, Any]]) -> list[str]:
    """Lines of a table of thresholds, with what the rows have in common above it."""
    common = shared(rows)
    lines: list[tuple[str, ...]] = [("", *COLUMNS)]
    for row in rows:
        label = ", ".join(f"{name}={value}" for name, value in own(row, common).items())
        ends = (row["refuted"], row["holds"], row["premise_boundary"], row["exact_boundary"], ratio(row))
        lines.append((label, *map(_short, ends), f"{row['replicates']:,}", remark(row)))
    widths = [max(len(line[k]) for line in lines) for k in range(len(lines[0]))]
    found = [f"  at {', '.join(f'{name}={value}' for name, value in common.items())}"] if common else []
    for label, *numbers, note in lines:
        columns = [label.ljust(widths[0]), *(text.rjust(width) for text, width in zip(numbers, widths[1:], strict=False)), note]
        found.append("  " + "  ".join(columns).rstrip())
    return found


def _short(value: float | None) -> str:
    if value is None:
        return "-"
    return f"{value:,.0f}" if abs(value) >= 1e4 and value < 1e15 else f"{value:.4g}"
