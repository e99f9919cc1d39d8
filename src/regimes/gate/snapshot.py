"""What a gate compares: the verdicts of a store or a baseline as plain data."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from regimes.sweep.store import Store

Cell = dict[str, Any]
Control = dict[str, Any]
Measured = dict[str, Any]
# What a cell and a control keep of their evidence, and what both have besides.
EVIDENCE = ("estimate", "interval", "target", "error", "replicates", "reason")
KEYS = ("subject", "case", "seed", "settings", "verdict", "inside", "premise_boundary")
CONTROL_KEYS = ("control", "case", "cases", "seed", "settings", "verdict")
# What a measured threshold keeps, and each coordinate that was judged in its search.
THRESHOLD_KEYS = ("subject", "axis", "row", "coordinates", "side", "seed", "settings", "refuted", "holds", "undecided", "error")
JUDGED = ("verdict", "interval", "target", "reason")


@dataclass(frozen=True)
class ClaimRecord:
    """The verdicts of one claim.

    Attributes:
        id: the claim's id.
        reference: where the theorem stands in its paper.
        citation: the paper.
        fingerprint: which version of the claim's code was mapped.
        x: the axis along which the thresholds of a map lie.
        cells: `KEYS` and `EVIDENCE` of each cell; `interval` is a pair whose ends may be None for infinite.
        controls: `CONTROL_KEYS` and `EVIDENCE` of each control that was tried.
        thresholds: `THRESHOLD_KEYS` of each threshold that was searched, and `judged`: `at`, `inside` and `JUDGED` of every
            coordinate that was certified.
        stale: number of cells that other versions of the claim have left in the store.
    """

    id: str
    reference: str
    citation: str
    fingerprint: str
    x: str
    cells: list[Cell] = field(default_factory=list)
    controls: list[Control] = field(default_factory=list)
    thresholds: list[Measured] = field(default_factory=list)
    stale: int = 0

    @property
    def theorem(self) -> str:
        """The claim's id with its place and paper."""
        about = " of ".join(part for part in (self.reference, self.citation.rstrip(".")) if part)
        return f"{self.id} ({about})" if about else self.id


@dataclass(frozen=True)
class Snapshot:
    """The verdicts of a whole store.

    Attributes:
        source: the file that they come from.
        versions: versions of regimes and of what it runs on, of the newest run.
        claims: the claims by id.
    """

    source: str
    versions: Mapping[str, str]
    claims: Mapping[str, ClaimRecord]


def of_store(store: Store) -> Snapshot:
    """The verdicts of a store; cells that other versions of a claim have left are counted and not compared."""
    claims = {}
    for document in store.claims():
        name, axes = document["id"], document.get("axes") or []
        grid = document.get("grid") or {"x": axes[0]["name"] if axes else ""}
        claims[name] = ClaimRecord(
            id=name,
            reference=document.get("reference", ""),
            citation=(document.get("paper") or {}).get("citation", ""),
            fingerprint=document["fingerprint"],
            x=grid["x"],
            cells=[_kept(cell, KEYS) for cell in store.cells(name)],
            controls=[_kept(control, CONTROL_KEYS) for control in store.controls(name)],
            thresholds=[_measured(one) for one in store.thresholds(name)],
            stale=store.stale(name),
        )
    runs = store.runs()
    versions = runs[-1]["provenance"].get("versions", {}) if runs else {}
    return Snapshot(str(store.path), versions, claims)


def _kept(row: Mapping[str, Any], keys: tuple[str, ...]) -> dict[str, Any]:
    evidence = row["evidence"] or {}
    return {name: row[name] for name in keys} | {name: evidence.get(name) for name in EVIDENCE}


def _measured(row: Mapping[str, Any]) -> Measured:
    judged = [
        {"at": one["at"], "inside": one["inside"], **{name: one["evidence"].get(name) for name in JUDGED}}
        for one in row["evidence"]["judged"]
    ]
    return {name: row[name] for name in THRESHOLD_KEYS} | {"judged": judged}
