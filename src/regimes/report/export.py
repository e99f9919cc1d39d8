"""Claims and cells as CSV, JSON and BibTeX, for a reader's own analysis.

Every number has all its digits. The files, by what they are for:

`data/<paper>/<slug>.csv`, for a spreadsheet: one line per cell; the claim's axes by name, then `FIELDS`; empty for None.

`cells.json`, for a notebook: all cells of the report, other people's code included, as one table that
`pandas.read_json("cells.json", precise_float=True)` reads: an object of columns, each a list. Columns: `claim`, `case`
(coordinates by axis; `pandas.json_normalize(table["case"])` has the axes as columns), `TABLE`, `run` (the run's place in the
runs of `report.json`), the settings that differ between cells (`dtype`, `device`, `alpha`), `details` (what the rule and the
sampler say beside).

`data/<paper>/<slug>.json`, schema 2: `schema`, `claim` (the claim's document without its code and its picture, which its page
and its figure show, its paper by key), `cells` (first and last row of its cells in `cells.json`, null if it has none),
`controls` (`name`, `why`, `at`, `verdict`, `witness`, `evidence`, `seconds`), `rule` and `block` (decision rules and sizes of
blocks of its cells), `thresholds` (measured ones, see `regimes.sweep.store.Store.put_threshold`), `slack` (rows of the first
map, see `regimes.sweep.slack.Row`), `stale` (number of cells of other versions of the claim), `runs` (ids).

`report.json`, schema 2: `schema`, `papers` by key, `runs` (`id`, `provenance`, `started`, `finished`), `claims` (`id`,
`title`, `kind`, `page`, `verdict`, `cells` as counts by `inside` and `outside` and verdict, `controls`, `killed`, `slack` and
`slack_exact` as [smallest, largest] or null, `vacuous_rows`, `erratum`, `stale`), `files` (every file of the report).

`references.bib`: the papers.

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

SCHEMA = 2
FIELDS = (
    "subject", "seed", "verdict", "inside", "premise_boundary", "exact_boundary", "replicates", "discarded", "estimate",
    "low", "high", "target", "error", "margin", "detectable", "seconds",
)  # fmt: skip
TABLE = (
    "subject", "seed", "verdict", "inside", "premise_boundary", "exact_boundary", "replicates", "discarded", "estimate", "low",
    "high", "target", "error", "margin", "detectable",
)  # fmt: skip
SETTINGS = ("dtype", "device", "alpha")
REPEATED = ("device", "dtype", "seed", "subject")  # among the details, though the cell says them
SAME = ("rule", "block")  # the claim's, in all its cells
ELSEWHERE = ("source", "picture", "controls")  # parts of a claim's document: on its page, in its figure, beside it
WRITTEN: dict[str, Any] = {"ensure_ascii": False, "separators": (",", ":"), "allow_nan": False, "default": str}
CONTROL = ("name", "why", "at", "verdict", "witness", "evidence", "seconds")


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


def to_data(view: View, first_row: int = 0) -> dict[str, Any]:
    """The claim's JSON document.

    Arguments:
        view: the claim.
        first_row: the row of its first cell in `cells.json`.
    """
    count = len(view.cells) + len(view.others)
    kept = {name: value for name, value in view.claim.items() if name not in ELSEWHERE}
    details = [cell["evidence"].get("details") or {} for cell in view.cells]
    return {
        "schema": SCHEMA,
        "claim": {**kept, "paper": view.claim["paper"]["key"]},
        "cells": [first_row, first_row + count - 1] if count else None,
        "controls": [
            {name: control.get(name) for name in CONTROL} | {"evidence": _unrepeated(control.get("evidence"))}
            for control in view.controls
        ],
        **{name: sorted({str(one[name]) for one in details if name in one}) for name in SAME},
        "thresholds": view.thresholds,
        "slack": [asdict(row) for row in (view.maps[0].rows if view.maps else ())],
        "stale": view.stale,
        "runs": [run["id"] for run in view.runs],
    }


def runs_of(views: list[View]) -> list[dict[str, Any]]:
    """The runs of all claims, each once."""
    return list({run["id"]: run for view in views for run in view.runs}.values())


def to_table(views: list[View]) -> str:
    """`cells.json`."""
    runs = {run["id"]: place for place, run in enumerate(runs_of(views))}
    cells = [(view.claim["id"], cell) for view in views for cell in (*view.cells, *view.others)]
    differing = [name for name in SETTINGS if len({repr(cell["settings"].get(name)) for _, cell in cells}) > 1]
    columns = ("claim", "case", *TABLE, "run", *differing, "details")
    table: dict[str, list[Any]] = {name: [] for name in columns}
    for claim, cell in cells:
        found = _unrepeated(cell["evidence"])
        low, high = found.get("interval") or (None, None)
        own = {"low": low, "high": high, "claim": claim, "run": runs.get(cell.get("run"))}
        known = {**cell["settings"], **found, **cell, **own}
        for name in columns:
            table[name].append(known.get(name))
    return json.dumps(_finite(table), **WRITTEN) + "\n"


def _unrepeated(evidence: dict[str, Any] | None) -> dict[str, Any]:
    """Evidence without the details that its cell or its run says as well."""
    if not evidence:
        return {}
    details = {name: value for name, value in (evidence.get("details") or {}).items() if name not in (*REPEATED, *SAME)}
    return {**evidence, "details": details}


def to_bibtex(views: list[View]) -> str:
    """`references.bib`: the papers, each once, in order of their keys."""
    entries = {view.claim["paper"]["key"]: view.claim["paper"]["bibtex"].strip() for view in views}
    return "\n\n".join(entries[key] for key in sorted(entries)) + "\n"


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
    papers = {view.claim["paper"]["key"]: view.claim["paper"] for view in views}
    about = {"schema": SCHEMA, "papers": papers, "runs": runs_of(views)}
    return {**about, "claims": claims, "files": sorted([*files, "report.json"])}


def _ends(values: list[float]) -> list[float] | None:
    return [min(values), max(values)] if values else None


def to_json(data: Any) -> str:
    """JSON text without spaces and with sorted keys, the same bytes for the same data."""
    return json.dumps(_finite(data), **WRITTEN, sort_keys=True) + "\n"


def for_script(data: Any) -> str:
    """JSON that may stand inside a script element: no `<`, `>` or `&`, so that no text can end it."""
    text = json.dumps(_finite(data), **WRITTEN, sort_keys=True)
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
