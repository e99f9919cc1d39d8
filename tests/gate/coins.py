"""Maps and thresholds of a coin whose truth is known, the verdicts those of the real decision rule."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from regimes.case import Case
from regimes.decide.evidence import Evidence
from regimes.gate.snapshot import ClaimRecord, Snapshot
from regimes.kinds import Probability
from regimes.sweep.threshold import SCOUT_ERROR, search
from regimes.sweep.thresholds import BRIEF

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


def threshold(*judged: tuple[float, str, Any], **more: Any) -> dict[str, Any]:
    """A measured threshold with made-up judges: coordinate, verdict, interval; promised from width 400 on."""
    judges = [
        {"at": at, "inside": at >= 400, "verdict": verdict, "interval": interval, "target": 0.9, "reason": "made up"}
        for at, verdict, interval in judged
    ]
    turned = {word: [at for at, verdict, _ in judged if verdict == word] for word in ("refuted", "holds")}
    return {
        "subject": "coin", "axis": "width", "row": {"depth": 1}, "coordinates": "1 to 500, step 1", "side": "least", "seed": 0,
        "settings": SETTINGS, "refuted": max(turned["refuted"], default=None), "holds": min(turned["holds"], default=None),
        "undecided": 0, "error": 0.02, "judged": judges,
    } | more  # fmt: skip


def record(*rows: dict[str, Any], name: str = NAME, **more: Any) -> ClaimRecord:
    """A claim with these cells, controls and measured thresholds."""
    about = {"reference": "Theorem 1", "citation": "J. Doe. Coins (2020).", "fingerprint": "f1", "x": "width"} | more
    return ClaimRecord(
        id=name, **about, cells=[row for row in rows if "verdict" in row and "control" not in row],
        controls=[row for row in rows if "control" in row], thresholds=[row for row in rows if "judged" in row],
    )  # fmt: skip


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


def searched(truth: np.ndarray, seed: int, error: float, replicates: int = 20_000, first: int = 1) -> dict[str, Any]:
    """A threshold found by the real search and rule: coins of widths `first`, `first` + 1, ... with these probabilities."""
    random = np.random.default_rng(seed)

    def decided(index: int, at: float, most: int) -> Evidence:
        rule = KIND.rule(Case({"width": first + index}), at)
        while rule.verdict == "undecided" and rule.replicates < most:
            rule.fold((random.random(256) < truth[index]).astype(float))
        return rule.evidence()

    found = search(
        len(truth), lambda index: decided(index, SCOUT_ERROR, replicates // 4),
        lambda index, at, brief: decided(index, at, BRIEF if brief else replicates), error,
    )  # fmt: skip
    judged = [(first + index, one.verdict, one.interval) for index, one in sorted(found.judged.items())]
    low, high = (None if index is None else first + index for index in (found.refuted, found.holds))
    return threshold(*judged, refuted=low, holds=high, undecided=len(found.undecided), seed=seed, error=error)
