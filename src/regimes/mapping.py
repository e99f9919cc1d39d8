"""What `regimes map` does: cells and controls of claims into a store, with progress on a terminal."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from regimes.claim import Claim
from regimes.engine import Settings
from regimes.profiles import Profile
from regimes.sweep.grid import cells as grid_cells
from regimes.sweep.grid import parse_grids
from regimes.sweep.run import Outcome, run_controls, run_map
from regimes.sweep.schedule import Progress, Schedule, Step
from regimes.sweep.store import Store
from regimes.sweep.work import foreign

UNITS = {"": 1.0, "s": 1.0, "m": 60.0, "h": 3600.0}


def seconds_of(text: str) -> float:
    """Seconds of a time such as `90`, `90s`, `15m` or `2h`; ValueError for anything else."""
    match = re.fullmatch(r"(\d+(?:\.\d+)?)([smh]?)", text.strip())
    if match is None or float(match[1]) == 0:
        raise ValueError(f"--budget takes a time such as 90s, 15m or 2h; got {text!r}")
    return float(match[1]) * UNITS[match[2]]


@dataclass
class Mapped:
    """What a run of `regimes map` did.

    Attributes:
        store: the store.
        cells: what became of the cells; `verdicts` counts those inside the premise.
        controls: what became of the controls.
    """

    store: str
    cells: Outcome
    controls: Outcome = field(default_factory=Outcome)

    @property
    def errors(self) -> list[str]:
        """One sentence for each cell or control that could not be decided."""
        return [*self.cells.errors, *self.controls.errors]

    @property
    def status(self) -> int:
        """1 for a claim refuted inside its premise or a control that survived, 2 for cells that failed, else 0."""
        if self.cells.verdicts.get("refuted") or self.controls.survived:
            return 1
        return 2 if self.errors else 0

    def as_dict(self) -> dict[str, Any]:
        """The outcome as JSON-able data."""
        return {
            "store": self.store,
            "computed": self.cells.computed,
            "present": self.cells.present,
            "left": self.cells.left,
            "verdicts": self.cells.verdicts,
            "controls": self.controls.verdicts,
            "survived": self.controls.survived,
            "errors": self.errors,
        }

    def text(self) -> str:
        """The outcome for a person."""
        counts = ", ".join(f"{count} {verdict}" for verdict, count in sorted(self.cells.verdicts.items())) or "none"
        cells = self.cells
        decided, were = f"cell{'s' * (cells.computed != 1)} decided", "was" if cells.present == 1 else "were"
        lines = [
            f"{cells.computed} {decided}, {cells.present} {were} there already, {cells.left} left; inside the premise: {counts}"
        ]
        tried = sum(self.controls.verdicts.values())
        if tried:
            lines.append(f"controls killed: {self.controls.verdicts.get('killed', 0)} of {tried}")
        lines += [f"survived: {name}" for name in self.controls.survived]
        return "\n".join([*lines, f"store: {self.store}"])


def map_claims(
    claims: Sequence[Claim],
    path: Path,
    settings: Settings,
    profile: Profile,
    *,
    grids: Sequence[str],
    subject: str | None,
    schedule: Schedule,
    with_controls: bool,
    quiet: bool,
) -> Mapped:
    """Decide cells, and controls once, into the store at `path`.

    Arguments:
        claims: the claims.
        path: the store; it is created if missing.
        settings: seed, device, dtype and budgets.
        profile: how many random cases a control is tried on.
        grids: `axis=range` texts.
        subject: `module:object` in place of the claims' subjects.
        schedule: how cells and controls are run.
        with_controls: whether controls are tried as well; never for another subject, nor for shards but the first.
        quiet: no progress, whatever the terminal.

    Raises:
        ValueError: a grid that does not fit; nothing has been written.
        StoreError: the store cannot be used.
    """
    overrides = parse_grids(claims, grids)
    for claim in claims:
        grid_cells(claim, overrides.get(claim.id))
    if subject is not None:
        foreign(subject)
    with Store.open(path, create=True) as store:
        with shown("cells", quiet) as progress:
            cells = run_map(claims, store, settings, overrides, subject, replace(schedule, progress=progress))
        if not with_controls or subject is not None or (schedule.shard is not None and schedule.shard[0] != 1):
            return Mapped(str(path), cells)
        with shown("controls", quiet) as progress:
            controls = run_controls(claims, store, settings, profile, replace(schedule, progress=progress))
    return Mapped(str(path), cells, controls)


@contextmanager
def shown(what: str, quiet: bool) -> Iterator[Progress | None]:
    """A progress bar on a terminal, nothing elsewhere."""
    if quiet or not sys.stderr.isatty():
        yield None
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeElapsedColumn
    from rich.progress import Progress as Bar

    columns = (TextColumn(what), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn(), TextColumn("{task.description}"))
    with Bar(*columns, console=Console(stderr=True)) as bar:
        task = bar.add_task("", total=None)

        def step(one: Step) -> None:
            bar.update(task, completed=one.done, total=one.total, description=f"{one.claim} {one.verdict}")

        yield step
