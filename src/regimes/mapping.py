"""What `regimes map` does: cells and controls of claims into a store, with progress on a terminal."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any

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
        computed: cells decided in this run.
        present: cells that the store had already.
        left: cells not started when the time was up.
        verdicts: cells of this run and before by verdict, inside the premise.
        killed, controls: controls refuted, and controls tried.
        survived: names of controls on which a claim holds.
        errors: one sentence for each cell that could not be decided.
    """

    store: str
    computed: int = 0
    present: int = 0
    left: int = 0
    verdicts: dict[str, int] = field(default_factory=dict)
    killed: int = 0
    controls: int = 0
    survived: list[str] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)

    @property
    def status(self) -> int:
        """1 for a claim refuted inside its premise or a control that survived, 2 for cells that failed, else 0."""
        if self.verdicts.get("refuted") or self.survived:
            return 1
        return 2 if self.errors else 0

    def as_dict(self) -> dict[str, Any]:
        """The outcome as JSON-able data."""
        return dict(vars(self))

    def text(self) -> str:
        """The outcome for a person."""
        inside = ", ".join(f"{count} {verdict}" for verdict, count in sorted(self.verdicts.items())) or "none"
        lines = [
            f"{self.computed} cells decided, {self.present} were there already, {self.left} left; inside the premise: {inside}"
        ]
        if self.controls:
            lines.append(f"controls killed: {self.killed} of {self.controls}")
        lines += [f"survived: {name}" for name in self.survived]
        return "\n".join([*lines, f"store: {self.store}"])
