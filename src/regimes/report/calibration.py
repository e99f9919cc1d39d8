"""The calibration page's data: measured error rates of the decision rules beside the declared ones, and their figure."""

from __future__ import annotations

import json
import math
from dataclasses import dataclass
from html import escape
from pathlib import Path

from regimes.decide.calibration import CalibrationRow
from regimes.errors import RegimesError
from regimes.report import formats
from regimes.report.canvas import ACCENT, FULL, INK, RULE, document, short, text, width_of

TITLE = "Declared and measured error rates of the decision rules"
MEND = "`regimes calibrate --json > calibration.json` writes it"
LEFT, PLOT, LINE, TOP = 470.0, 420.0, 19.0, 64.0


class CalibrationError(RegimesError):
    """A calibration that cannot be read; the message is one sentence with the mend."""


@dataclass(frozen=True)
class Calibration:
    """What `regimes calibrate` measured."""

    replications: int
    rows: tuple[CalibrationRow, ...]

    def of(self, kind: str, expected: str = "sound") -> list[CalibrationRow]:
        """Rows of a kind, of sound or of bad rules."""
        return [row for row in self.rows if (row.kind, row.expected) == (kind, expected)]


def read(path: Path) -> Calibration:
    """The calibration in a file that `regimes calibrate --json` wrote.

    Raises:
        CalibrationError: no such file, no JSON, or JSON of something else.
    """
    try:
        data = json.loads(path.read_bytes())
    except OSError as raised:
        raise CalibrationError(f"the calibration {path} cannot be read ({raised.strerror}); {MEND}") from None
    except ValueError:
        raise CalibrationError(f"{path} is no JSON; {MEND}") from None
    try:
        rows = tuple(CalibrationRow(**row) for row in data["rows"])
        return Calibration(int(data["replications"]), rows)
    except (TypeError, KeyError, ValueError):
        raise CalibrationError(f"{path} is JSON, but not of a calibration by this version; {MEND}") from None


def draw(found: Calibration) -> str:
    """Declared and measured rates on a logarithmic axis as a standalone SVG document, one line for each scenario.

    A rate of wrong verdicts must not lie above its declared bound, a rate of kills not below it; a bar is the interval of
    the true rate. A rate of 0 is drawn as an arrow at the least rate shown.
    """
    groups = [
        ("Wrong verdicts: at most the declared rate", found.of("wrong")),
        ("Kills of a stated effect: at least the promised rate", found.of("kill")),
        ("Rules of other suites, rejected: far above what they declare", found.of("wrong", "rejected")),
    ]
    groups = [(heading, rows) for heading, rows in groups if rows]
    if not groups:
        return ""
    least = min(min(row.declared, row.lower or row.upper) for _, rows in groups for row in rows)
    low = math.floor(math.log10(least))
    body = sum(len(rows) + 2 for _, rows in groups) * LINE
    height, width = TOP + body + 74, LEFT + PLOT + 24

    def at(rate: float) -> float:
        return LEFT + PLOT * (max(math.log10(rate), low) - low) / -low if rate > 0 else LEFT

    parts = [
        text(14, 22, TITLE, 14, weight="600"),
        text(14, 41, f"{formats.number(found.replications)} replications each; bars: intervals of the true rate at level 10⁻³ "
             "on either side (Clopper-Pearson)", 11.5, soft=True),
    ]  # fmt: skip
    grid = []
    for decade in range(low, 1):
        x = at(10.0**decade)
        grid.append(f"M{short(x)} {short(TOP)}V{short(TOP + body)}")
        parts.append(text(x, TOP + body + 16, formats.number(10.0**decade if decade else 1), 11, anchor="middle"))
    parts.append(f'<path class="missing" d="{"".join(grid)}" fill="none" stroke="{RULE}" stroke-width="0.5"/>')
    parts.append(text(LEFT + PLOT / 2, TOP + body + 35, "rate", 12, anchor="middle"))
    y = TOP
    for heading, rows in groups:
        y += 1.4 * LINE
        parts.append(text(14, y, heading, 12, weight="600"))
        y += 0.6 * LINE
        for row in rows:
            y += LINE
            middle = y - 4
            parts.append(text(14, y, row.rule, 11))
            parts.append(text(LEFT - 12, y, row.scenario, 10, anchor="end", soft=True))
            bad = row.expected == "rejected"
            ink, kind = (ACCENT["refuted"], "refuted") if bad else (FULL["holds"], "holds")
            said = f"{row.rule}, {row.scenario}: declared {formats.number(row.declared)}, "
            said += f"measured {formats.number(row.measured)} {formats.interval((row.lower, row.upper))}"
            span = f"M{short(at(row.lower))} {short(middle)}H{short(at(row.upper))}"
            parts.append(f'<path class="rate {kind}" d="{span}" fill="none" stroke="{ink}" stroke-width="2"/>')
            declared = f"M{short(at(row.declared))} {short(middle - 6)}v12"
            parts.append(f'<path class="line" d="{declared}" fill="none" stroke="{INK}" stroke-width="2"/>')
            parts.append(_mark(at(row.measured), middle, bad, row.measured > 0, ink, said))
    y = TOP + body + 60
    parts.append(f'<path class="line" d="M24 {short(y - 10)}v12" fill="none" stroke="{INK}" stroke-width="2"/>')
    parts.append(text(34, y, "declared", 11))
    x = 34 + width_of("declared", 11) + 24
    for words, bad in (("measured", False), ("measured, a rule that must be rejected", True)):
        ink = ACCENT["refuted"] if bad else FULL["holds"]
        parts += [_mark(x, y - 4, bad, True, ink, ""), text(x + 12, y, words, 11)]
        x += 12 + width_of(words, 11) + 24
    return document(width, height, TITLE, parts)


def _mark(x: float, y: float, bad: bool, positive: bool, ink: str, said: str) -> str:
    """A measured rate: a dot, a diamond for a bad rule, an arrow to the left for none at all."""
    if not positive:
        shape = f'path d="M{short(x + 9)} {short(y - 4)}l-9 4l9 4z"'
    elif bad:
        shape = f'path d="M{short(x)} {short(y - 5)}l5 5l-5 5l-5 -5z"'
    else:
        shape = f'circle cx="{short(x)}" cy="{short(y)}" r="3.6"'
    look = f'class="point {"refuted" if bad else "holds"}" fill="{ink}" stroke="#fff" stroke-width="0.8"'
    title = f"<title>{escape(said)}</title>" if said else ""
    return f"<{shape} {look}>{title}</{shape.split()[0]}>"
