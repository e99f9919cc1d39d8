"""Maps of a coin whose truth is known: promised from width 4 on, the verdicts those of the real decision rule."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from regimes.case import Case
from regimes.gate.snapshot import ClaimRecord, Snapshot
from regimes.kinds import Probability

KIND = Probability(at_least=0.9, margin=0.05)
SETTINGS = {"alpha": 1e-6, "device": "cpu", "dtype": "float32"}
NAME = "doe2020coins/heads-are-likely"


def cell(width: int, verdict: str, interval: Any = (0.9, 1.0), **more: Any) -> dict[str, Any]:
    """A cell with made-up evidence."""
    return {
        "subject": "coin", "case": {"depth": 1, "width": width}, "seed": 0, "settings": SETTINGS, "verdict": verdict,
        "inside": width >= 4, "premise_boundary": 4.0, "estimate": None, "interval": interval, "target": 0.9, "error": 0.01,
        "replicates": 100, "reason": "made up",
    } | more  # fmt: skip


def control(name: str, verdict: str, **more: Any) -> dict[str, Any]:
    """A control with made-up evidence."""
    return {
        "control": name, "case": {"depth": 1, "width": 4}, "cases": 2, "seed": 0, "settings": SETTINGS, "verdict": verdict,
        "estimate": None, "interval": None, "target": 0.9, "error": 0.001, "replicates": 100, "reason": "made up",
    } | more  # fmt: skip


def record(*rows: dict[str, Any], name: str = NAME, **more: Any) -> ClaimRecord:
    """A claim with these cells and controls."""
    about = {"reference": "Theorem 1", "citation": "J. Doe. Coins (2020).", "fingerprint": "f1", "x": "width"} | more
    return ClaimRecord(id=name, **about, cells=[row for row in rows if "control" not in row],
                       controls=[row for row in rows if "control" in row])  # fmt: skip


def snapshot(*claims: ClaimRecord, source: str = "maps.sqlite") -> Snapshot:
    """A snapshot of these claims."""
    return Snapshot(source, {"regimes": "0"}, {claim.id: claim for claim in claims})


def measured(
    heads: Mapping[int, float], seed: int, error: float, replicates: int = 3000, controls: Mapping[str, float] | None = None
) -> ClaimRecord:
    """A map by the real rule: coins that show heads with these probabilities, by width and by name of a control."""
    random = np.random.default_rng(seed)

    def judged(width: int, probability: float) -> dict[str, Any]:
        rule = KIND.rule(Case({"depth": 1, "width": width}), error)
        while rule.verdict == "undecided" and rule.replicates < replicates:
            rule.fold((random.random(250) < probability).astype(float))
        found = rule.evidence()
        return {"verdict": found.verdict, "interval": None if found.interval is None else list(found.interval), "seed": seed,
                "error": found.error, "target": found.target}  # fmt: skip

    rows = []
    for width, probability in heads.items():
        known = judged(width, probability)
        rows.append(cell(width, known.pop("verdict"), known.pop("interval"), **known))
    for name, probability in (controls or {}).items():
        known = judged(4, probability)
        rows.append(control(name, {"refuted": "killed", "holds": "survived"}.get(known.pop("verdict"), "undecided"), **known))
    return record(*rows)
