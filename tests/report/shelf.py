"""A synthetic store: a flat band of He-initialised ReLU norms, and claims that try the page's corners."""

from __future__ import annotations

import copy
import math
from typing import Any

WIDTHS = tuple(2**k for k in range(2, 11))
DEPTHS = tuple(2**k for k in range(9))
PAPER = {
    "key": "doe2019band", "title": "Flat Bands", "authors": ["Ann Doe", "Ben Roe"], "year": 2019, "venue": "",
    "arxiv": "1901.03611", "doi": "", "url": "https://arxiv.org/abs/1901.03611",
    "citation": "Ann Doe, Ben Roe. Flat Bands. arXiv 1901.03611 (2019).", "bibtex": "@article{doe2019band,\n  year = {2019}\n}\n",
}  # fmt: skip
RUN = {
    "id": "run1", "started": "2026-01-02T03:04:05+00:00", "finished": "2026-01-02T03:09:05+00:00",
    "provenance": {"versions": {"regimes": "0.1.0", "torch": "2.13.0"}, "device": "cpu", "dtype": "float32", "seed": 0, "git": "abc"},
}  # fmt: skip


def evidence(verdict: str, **more: Any) -> dict[str, Any]:
    return {
        "verdict": verdict, "replicates": 512, "discarded": 0, "estimate": 0.93, "interval": [0.9, 0.96], "target": 0.95,
        "error": 1.25e-11, "margin": 0.02, "detectable": 0.1, "reason": f"P >= 0.95 {verdict}", "details": {"sampler": "law"},
    } | more  # fmt: skip


def document(slug: str, **more: Any) -> dict[str, Any]:
    return {
        "id": f"doe2019band/{slug}", "title": f"Norms stay ({slug})", "paper": PAPER, "reference": "Theorem 1",
        "kind": "probability", "statement": r"\Pr\bigl[\,|\,\|h^l\|^2 - 1\,| \le \epsilon\,\bigr] \ge 1-\delta",
        "symbols": {r"h^l": "hidden layer", r"\epsilon": "half-width"}, "premise": "width at least 80 L", "exact": "5 L",
        "axes": [
            {"name": "width", "label": "width (units per hidden layer)", "description": "integers from 4 to 1024"},
            {"name": "depth", "label": "depth (hidden layers)", "description": "integers from 1 to 256"},
            {"name": "epsilon", "label": "tolerance ε", "description": "numbers from 0.1 to 0.9"},
        ],
        "description": "One boolean per network.", "subject": "He normal", "fingerprint": "f00", "source": "def observable(): ...",
        "controls": [
            {"name": "Glorot gain", "why": "half the variance", "at": {}},
            {"name": "as plotted", "why": "another premise", "at": {}},
        ],
        "grid": {"x": "width", "y": "depth", "values": {}, "fixed": {"epsilon": 0.5}},
        "erratum": {"published": "of order L", "finding": "of order L²", "control": "as plotted", "status": "refuted"},
    } | more  # fmt: skip


def cell(
    claim: str, width: int, depth: int, verdict: str, inside: bool, premise: float | None, exact: float | None
) -> dict[str, Any]:
    return {
        "claim": claim, "case": {"width": width, "depth": depth, "epsilon": 0.5}, "subject": "He normal, in law", "verdict": verdict,
        "inside": inside, "premise_boundary": premise, "exact_boundary": exact, "evidence": evidence(verdict), "seconds": 0.01,
        "run": "run1", "seed": 0, "settings": {"alpha": 1e-6, "device": "cpu", "dtype": "float32"},
    }  # fmt: skip


def band(claim: str, asked: float, needed: float = 5.0, drawn: bool = True) -> list[dict[str, Any]]:
    """Cells of a map whose theorem asks for width `asked` L where `needed` L is enough."""
    cells = []
    for depth in DEPTHS:
        for width in WIDTHS:
            gap = math.log2(width / (needed * depth))
            verdict = "undecided" if abs(gap) < 0.2 else "holds" if gap > 0 else "refuted"
            bounds = (asked * depth, needed * depth) if drawn else (None, None)
            cells.append(cell(claim, width, depth, verdict, width >= asked * depth, *bounds))
    return cells


def threshold(claim: str, depth: int, **more: Any) -> dict[str, Any]:
    """A bracket just below the boundary of `band`, and what is not monotone in its second row."""
    judged = [{"at": at, "inside": False, "evidence": evidence(verdict)} for at, verdict in ((4, "refuted"), (5, "holds"))]
    return {
        "claim": claim, "fingerprint": "f00", "subject": "He normal, in law", "axis": "width", "row": {"depth": depth, "epsilon": 0.5},
        "coordinates": "4 to 1024, ratio 1.005, 700 coordinates", "seed": 0, "side": "least", "refuted": 5.0 * depth - 1,
        "settings": {"alpha": 1e-6, "device": "cpu", "dtype": "float32"}, "holds": 5.0 * depth, "undecided": 0,
        "premise_boundary": 16.0 * depth, "exact_boundary": 5.0 * depth, "replicates": 70_000, "error": 2.4e-10, "seconds": 1.0,
        "evidence": {"judged": judged, "against": [512] if depth == 2 else [], "scouts": 10}, "run": "run1",
    } | more  # fmt: skip


class Shelf:
    """What a store offers, from plain data."""

    def __init__(self, claims: list[dict[str, Any]], cells: dict[str, list[dict[str, Any]]], controls: dict[str, Any]) -> None:
        self._claims, self._cells, self._controls = claims, cells, controls
        self._thresholds = {one["id"]: [threshold(one["id"], depth) for depth in (1, 2)] for one in claims[:1] if cells}

    def claims(self) -> list[dict[str, Any]]:
        return copy.deepcopy(self._claims)

    def cells(self, claim_id: str) -> list[dict[str, Any]]:
        return copy.deepcopy(self._cells.get(claim_id, []))

    def controls(self, claim_id: str) -> list[dict[str, Any]]:
        return copy.deepcopy(self._controls.get(claim_id, []))

    def thresholds(self, claim_id: str) -> list[dict[str, Any]]:
        return copy.deepcopy(self._thresholds.get(claim_id, []))

    def stale(self, claim_id: str) -> int:
        return 3

    def runs(self) -> list[dict[str, Any]]:
        return copy.deepcopy([RUN])


def shelf() -> Shelf:
    band_id, far, plain, words, single = (f"doe2019band/{slug}" for slug in ("band", "far", "plain", "words", "single"))
    documents = [
        document("band"), document("far", erratum=None), document("plain", erratum=None, exact=None, premise="a condition"),
        document("words", erratum=None, grid={"x": "profile", "y": "depth", "values": {}, "fixed": {}},
                 axes=[{"name": "profile", "label": "", "description": ""}, {"name": "depth", "label": "depth", "description": ""}]),
        document("single", erratum=None, grid=None, axes=[{"name": "width", "label": "width", "description": ""}]),
        document("empty", erratum=None),
    ]  # fmt: skip
    cells = {band_id: band(band_id, 16.0), far: band(far, 7e5), plain: band(plain, 40.0, drawn=False)}
    cells[band_id][0]["verdict"] = cells[band_id][0]["evidence"]["verdict"] = "undecided"
    cells[words] = [
        cell(words, 4, depth, "holds", True, None, None) | {"case": {"profile": name, "depth": depth}}
        for name in ("flat", "narrow") for depth in (1, 2) if (name, depth) != ("flat", 2)
    ]  # fmt: skip
    cells[single] = [cell(single, 4, 1, "holds", True, math.inf, None) | {"case": {"width": 4}}]
    controls = [
        {"claim": band_id, "control": "Glorot gain", "verdict": "survived", "witness": None, "evidence": evidence("holds"), "seconds": 1, "run": "run1"},
        {"claim": band_id, "control": "as plotted", "verdict": "killed", "witness": {"width": 64, "depth": 8, "epsilon": 0.5},
         "evidence": evidence("refuted"), "seconds": 1.0, "run": "run1"},
    ]  # fmt: skip
    return Shelf(documents, cells, {band_id: controls})


HOSTILE = "<script>alert('x')</script>\"'&</title>"


def hostile() -> Shelf:
    claim = document(
        "band", title=HOSTILE, reference=HOSTILE, statement=r"\text{<img src=x onerror=alert(1)>} & x", premise=HOSTILE, subject=HOSTILE,
        description=HOSTILE, source="</pre></code></script><script>alert(2)</script>", symbols={HOSTILE: HOSTILE}, kind=HOSTILE,
        controls=[{"name": HOSTILE, "why": HOSTILE, "at": {}}], paper=PAPER | {"citation": HOSTILE, "bibtex": HOSTILE, "arxiv": '"onclick="x'},
        erratum={"published": HOSTILE, "finding": HOSTILE, "control": HOSTILE, "status": "refuted"},
    )  # fmt: skip
    cells = band(claim["id"], 16.0)
    for one in cells:
        one["subject"] = HOSTILE + "</script>"
        one["evidence"]["reason"] = HOSTILE
    control = {
        "control": HOSTILE,
        "verdict": "killed",
        "witness": {HOSTILE: HOSTILE},
        "evidence": evidence("refuted", reason=HOSTILE),
    }
    return Shelf([claim], {claim["id"]: cells}, {claim["id"]: [control]})
