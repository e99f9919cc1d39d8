"""Claims and cells as CSV, JSON and BibTeX, for a reader's own analysis.

Every number has all its digits, but `detectable`, a calculation of power, which has six. The files, by what they are for:

`data/<paper>/<slug>.csv`, for a spreadsheet: one line per cell; the claim's axes by name, then `CELLS`; empty for None.

`cells.json`, `controls.json`, `thresholds.json`, for a notebook: all cells of the report (other people's code included), all
controls, and all measured thresholds, each as one table that `pandas.read_json("cells.json", precise_float=True)` reads: an
object of columns, each a list. `cells.json`: `claim`, `case` (coordinates by axis; `pandas.json_normalize(table["case"])`
has the axes as columns), `CELLS`, `sampler`, `run` (the run's place in the runs of `report.json`), the settings that differ
between cells (`dtype`, `device`, `alpha`), `details` (what else the rule says). `controls.json`: `claim`, `control`, `why`,
`verdict`, `case` (the witness), `FOUND`. `thresholds.json`: `claim`, the fields of `Store.put_threshold` with those of its
evidence, and `judged` as `at`, `inside`, `verdict`, `FOUND`.

`report.json`, schema 2: `schema`, `papers` by key, `runs` (`id`, `provenance`, `started`, `finished`), `claims` (`id`,
`title`, `kind`, `page`, `verdict`, `cells` as counts by `inside` and `outside` and verdict, `controls`, `killed`, `slack` and
`slack_exact` as [smallest, largest] or null, `vacuous_rows`, `erratum`, `stale`).

`references.bib`: the papers.

An infinite number, which JSON lacks, is the text `inf` or `-inf`.
"""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Sequence
from typing import Any

from regimes.finite import finite
from regimes.report.model import VERDICTS, View

SCHEMA = 2
FOUND = ("replicates", "discarded", "estimate", "low", "high", "target", "error", "margin", "detectable")
CELLS = ("subject", "seed", "verdict", "inside", "premise_boundary", "exact_boundary", *FOUND)
SETTINGS = ("dtype", "device", "alpha")
# Among the details, though a column or the claim says them, or the number of replicates to within a block.
REPEATED = ("device", "dtype", "seed", "subject", "sampler", "rule", "block", "decided_at", "observations", "violations")
WRITTEN: dict[str, Any] = {"ensure_ascii": False, "separators": (",", ":"), "allow_nan": False, "default": str}


def to_csv(view: View) -> str:
    """One line per cell: its coordinates, then `CELLS`."""
    axes = [axis["name"] for axis in view.claim["axes"]]
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow([*axes, *CELLS])
    for cell in view.cells:
        known = {**cell, **_found(cell["evidence"])}
        writer.writerow([*(cell["case"].get(axis) for axis in axes), *(known.get(name) for name in CELLS)])
    return out.getvalue()


def runs_of(views: list[View]) -> list[dict[str, Any]]:
    """The runs of all claims, each once."""
    return list({run["id"]: run for view in views for run in view.runs}.values())


def to_cells(views: list[View]) -> str:
    """`cells.json`."""
    runs = {run["id"]: place for place, run in enumerate(runs_of(views))}
    cells = [(view.claim["id"], cell) for view in views for cell in (*view.cells, *view.others)]
    differing = [name for name in SETTINGS if len({repr(cell["settings"].get(name)) for _, cell in cells}) > 1]
    rows = []
    for claim, cell in cells:
        details = cell["evidence"].get("details") or {}
        own = {"claim": claim, "run": runs.get(cell.get("run")), "sampler": details.get("sampler"),
               "details": {name: value for name, value in details.items() if name not in REPEATED} or None}  # fmt: skip
        rows.append({**cell["settings"], **_found(cell["evidence"]), **cell, **own})
    return _table(("claim", "case", *CELLS, "sampler", "run", *differing, "details"), rows)


def to_controls(views: list[View]) -> str:
    """`controls.json`."""
    rows = [
        {**control, **_found(control.get("evidence")), "claim": view.claim["id"], "control": control["name"],
         "case": control.get("witness")}
        for view in views
        for control in view.controls
    ]  # fmt: skip
    return _table(("claim", "control", "why", "verdict", "case", *FOUND), rows)


def to_thresholds(views: list[View]) -> str:
    """`thresholds.json`; empty if none was searched."""
    rows = [
        {**one, **one["evidence"], "claim": view.claim["id"], "judged": [_judged(judge) for judge in one["evidence"]["judged"]]}
        for view in views
        for one in view.thresholds
    ]
    left_out = ("claim", "evidence", "run")
    return _table(("claim", *(name for name in rows[0] if name not in left_out)), rows) if rows else ""


def _judged(judge: dict[str, Any]) -> dict[str, Any]:
    """A coordinate of a threshold search that was certified, with its verdict and `FOUND`."""
    found = _found(judge["evidence"])
    return {"at": judge["at"], "inside": judge["inside"], **{name: found.get(name) for name in ("verdict", *FOUND)}}


def _found(evidence: dict[str, Any] | None) -> dict[str, Any]:
    """Evidence with the ends of its interval by name."""
    known = evidence or {}
    low, high = known.get("interval") or (None, None)
    detectable = known.get("detectable")
    return {**known, "low": low, "high": high, "detectable": None if detectable is None else float(f"{detectable:.6g}")}


def _table(columns: Sequence[str], rows: list[dict[str, Any]]) -> str:
    """Rows as JSON of columns."""
    return json.dumps(finite({name: [row.get(name) for row in rows] for name in columns}), **WRITTEN) + "\n"


def to_bibtex(views: list[View]) -> str:
    """`references.bib`: the papers, each once, in order of their keys."""
    entries = {view.claim["paper"]["key"]: view.claim["paper"]["bibtex"].strip() for view in views}
    return "\n\n".join(entries[key] for key in sorted(entries)) + "\n"


def to_summary(views: list[View]) -> dict[str, Any]:
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
    papers = {view.claim["paper"]["key"]: view.claim["paper"] for view in views}
    about = {"schema": SCHEMA, "papers": papers, "runs": runs_of(views)}
    return {**about, "claims": claims}


def _ends(values: list[float]) -> list[float] | None:
    return [min(values), max(values)] if values else None


def to_json(data: Any) -> str:
    """JSON text without spaces and with sorted keys, the same bytes for the same data."""
    return json.dumps(finite(data), **WRITTEN, sort_keys=True) + "\n"


def for_script(data: Any) -> str:
    """JSON that may stand inside a script element: no `<`, `>` or `&`, so that no text can end it."""
    text = json.dumps(finite(data), **WRITTEN, sort_keys=True)
    return text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")
