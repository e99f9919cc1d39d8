"""Cells and controls as CSV and JSON, for a reader's own analysis.

JSON of a claim: `schema`, `claim` (the document), `cells` (case, subject, verdict, inside, premise_boundary,
exact_boundary, evidence, seconds), `controls` (name, why, verdict, witness, evidence), `slack`.
"""

from __future__ import annotations

import csv
import io
import json
from dataclasses import asdict
from typing import Any

from regimes.report.model import View

SCHEMA = 1
FIELDS = (
    "subject", "verdict", "inside", "premise_boundary", "exact_boundary", "replicates", "estimate", "low", "high", "target",
    "margin", "error", "seconds",
)  # fmt: skip


def to_csv(view: View) -> str:
    """One line per cell: its coordinates, then `FIELDS`."""
    axes = [axis["name"] for axis in view.claim["axes"]]
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow([*axes, *FIELDS])
    for cell in view.cells:
        evidence = cell["evidence"]
        low, high = evidence["interval"] or (None, None)
        known = {**evidence, **cell, "low": low, "high": high}
        writer.writerow([*(cell["case"].get(axis) for axis in axes), *(known.get(name) for name in FIELDS)])
    return out.getvalue()


def to_data(view: View) -> dict[str, Any]:
    """The claim's JSON document."""
    keep = ("case", "subject", "verdict", "inside", "premise_boundary", "exact_boundary", "evidence", "seconds")
    return {
        "schema": SCHEMA,
        "claim": view.claim,
        "cells": [{name: cell[name] for name in keep} for cell in view.cells],
        "controls": [
            {name: control.get(name) for name in ("name", "why", "verdict", "witness", "evidence")} for control in view.controls
        ],
        "slack": [asdict(row) for row in view.slack],
    }


def to_json(data: dict[str, Any]) -> str:
    """JSON text with sorted keys, the same bytes for the same data."""
    return json.dumps(data, indent=1, sort_keys=True, ensure_ascii=False, allow_nan=False, default=str) + "\n"


def for_script(data: Any) -> str:
    """JSON that may stand inside a script element: no `<`, `>` or `&`, so that no text can end it."""
    text = json.dumps(data, ensure_ascii=True, sort_keys=True)
    return text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")
