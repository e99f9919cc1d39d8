"""Cells and controls as CSV and JSON, for a reader's own analysis.

`data/<paper>/<slug>.json`, schema 1: `schema`, `claim` (the claim's document), `cells` (`case`, `subject`, `seed`,
`settings`, `verdict`, `inside`, `premise_boundary`, `exact_boundary`, `evidence`, `seconds`, `run`), `controls` (`name`,
`why`, `verdict`, `witness`, `evidence`, `seconds`), `slack` (rows of the first map, see `regimes.sweep.slack.Row`),
`thresholds` (measured ones, see `regimes.sweep.store.Store.put_threshold`),
`stale` (number of cells of other versions of the claim), `runs` (`id`, `provenance`, `started`, `finished`).

`data/<paper>/<slug>.csv`: one line per cell; the claim's axes by name, then `FIELDS`; empty for None.

`report.json`, schema 1: `schema`, `claims` (`id`, `title`, `kind`, `page`, `verdict`, `cells` as counts by `inside` and
`outside` and verdict, `controls`, `killed`, `slack` and `slack_exact` as [smallest, largest] or null, `vacuous_rows`,
`erratum`, `stale`), `files` (every file of the report).

An infinite number, which JSON lacks, is the text `inf` or `-inf`.
"""

from __future__ import annotations

import csv
import io
import json
import math
from dataclasses import asdict
from typing import Any

from regimes.report.model import VERDICTS, View

SCHEMA = 1
FIELDS = (
    "subject", "seed", "verdict", "inside", "premise_boundary", "exact_boundary", "replicates", "discarded", "estimate",
    "low", "high", "target", "error", "margin", "detectable", "seconds", "reason",
)  # fmt: skip
CELL = (
    "case", "subject", "seed", "settings", "verdict", "inside", "premise_boundary", "exact_boundary", "evidence",
    "seconds", "run",
)  # fmt: skip
CONTROL = ("name", "why", "verdict", "witness", "evidence", "seconds")


def to_csv(view: View) -> str:
    """One line per cell: its coordinates, then `FIELDS`."""
    axes = [axis["name"] for axis in view.claim["axes"]]
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow([*axes, *FIELDS])
    for cell in view.cells:
        low, high = cell["evidence"].get("interval") or (None, None)
        known = {**cell["evidence"], **cell, "low": low, "high": high}
        writer.writerow([*(cell["case"].get(axis) for axis in axes), *(known.get(name) for name in FIELDS)])
    return out.getvalue()


def to_data(view: View) -> dict[str, Any]:
    """The claim's JSON document."""
    return {
        "schema": SCHEMA,
        "claim": view.claim,
        "cells": [{name: cell.get(name) for name in CELL} for cell in view.cells],
        "controls": [{name: control.get(name) for name in CONTROL} for control in view.controls],
        "thresholds": view.thresholds,
        "slack": [asdict(row) for row in (view.maps[0].rows if view.maps else ())],
        "stale": view.stale,
        "runs": view.runs,
    }


def to_summary(views: list[View], files: list[str]) -> dict[str, Any]:
    """`report.json`."""
    claims = [
        {
            "id": view.claim["id"],
            "title": view.claim["title"],
            "kind": view.claim["kind"],
            "page": view.page,
            "verdict": view.verdict,
            "cells": {
                side: {verdict: view.count(verdict, inside) for verdict in VERDICTS}
                for side, inside in (("inside", True), ("outside", False))
            },
            "controls": len(view.controls),
            "killed": view.killed,
            "slack": _ends(view.slacks),
            "slack_exact": _ends(view.exact_slacks),
            "vacuous_rows": view.vacuous,
            "erratum": view.erratum,
            "stale": view.stale,
        }
        for view in views
    ]
    return {"schema": SCHEMA, "claims": claims, "files": sorted([*files, "report.json"])}


def _ends(values: list[float]) -> list[float] | None:
    return [min(values), max(values)] if values else None


def to_json(data: dict[str, Any]) -> str:
    """JSON text with sorted keys, the same bytes for the same data."""
    return json.dumps(_finite(data), indent=1, sort_keys=True, ensure_ascii=False, allow_nan=False, default=str) + "\n"


def for_script(data: Any) -> str:
    """JSON that may stand inside a script element: no `<`, `>` or `&`, so that no text can end it."""
    text = json.dumps(_finite(data), ensure_ascii=True, sort_keys=True, separators=(",", ":"), allow_nan=False, default=str)
    return text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")


def _finite(value: Any) -> Any:
    """The same data with NaN as None and infinities as text."""
    if isinstance(value, float) and not math.isfinite(value):
        return None if math.isnan(value) else str(value)
    if isinstance(value, dict):
        return {str(name): _finite(one) for name, one in value.items()}
    if isinstance(value, (list, tuple)):
        return [_finite(one) for one in value]
    return value
