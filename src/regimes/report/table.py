"""All cells of a store as one flat table, in CSV, JSON or Parquet.

One row per cell: `claim`, `kind`, `reference`, `fingerprint`, then the axes of all claims by name (empty where a claim lacks
one; `case.<name>` for an axis that is called like another column), then `FIELDS`.

JSON, schema 1: `schema`, `cells` (one object per row; `pandas.DataFrame(json.load(open(path))["cells"])` is the table),
`controls` (`claim`, `control`, `seed`, `dtype`, `device`, `alpha`, `verdict`, `cases`, `seconds`, `run`, `witness`,
`reason`), `thresholds` (`claim`, `axis`, `row`, `side`, `refuted`, `holds`, ...: see `Store.put_threshold`), `runs`.
An infinite number, which JSON lacks, is the text `inf` or `-inf`.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Callable
from typing import Any

from regimes.files import FileError
from regimes.report.export import to_json
from regimes.sweep.store import Store

SCHEMA = 1
HEAD = ("claim", "kind", "reference", "fingerprint")
FIELDS = (
    "subject", "seed", "dtype", "device", "alpha", "verdict", "inside", "premise_boundary", "exact_boundary", "replicates",
    "discarded", "estimate", "low", "high", "target", "error", "margin", "detectable", "seconds", "run", "reason",
)  # fmt: skip
CONTROL_FIELDS = (
    "claim", "control", "seed", "dtype", "device", "alpha", "verdict", "cases", "seconds", "run", "witness", "reason",
)  # fmt: skip
Row = dict[str, Any]


def rows(store: Store) -> tuple[list[str], list[Row]]:
    """Columns and rows of the table; a row lacks what does not apply to it.

    Raises:
        StoreError: the store fails.
    """
    axes: dict[str, str] = {}
    found: list[Row] = []
    for claim in store.claims():
        about = {"claim": claim["id"], "kind": claim.get("kind"), "reference": claim.get("reference")}
        for cell in store.cells(claim["id"]):
            for axis in cell["case"]:
                axes.setdefault(axis, f"case.{axis}" if axis in (*HEAD, *FIELDS) else axis)
            low, high = cell["evidence"].get("interval") or (None, None)
            known = {**cell["evidence"], **cell["settings"], **cell, "low": low, "high": high}
            case = {axes[axis]: value for axis, value in cell["case"].items()}
            found.append({**about, "fingerprint": cell["fingerprint"], **case, **{name: known.get(name) for name in FIELDS}})
    return [*HEAD, *axes.values(), *FIELDS], found


def to_csv(store: Store) -> bytes:
    """The table as CSV with a line of column names; empty for None."""
    columns, found = rows(store)
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(columns)
    writer.writerows([row.get(name) for name in columns] for row in found)
    return out.getvalue().encode()


def to_table_json(store: Store) -> bytes:
    """The table, the controls, the thresholds and the runs as JSON; see the module's text."""
    columns, found = rows(store)
    controls = [
        _control({**(one["evidence"] or {}), **one["settings"], **one, "witness": one["case"]})
        for claim in store.claims()
        for one in store.controls(claim["id"])
    ]
    cells = [{name: row.get(name) for name in columns} for row in found]
    thresholds = [one for claim in store.claims() for one in store.thresholds(claim["id"])]
    about = {"controls": controls, "thresholds": thresholds, "runs": store.runs()}
    return to_json({"schema": SCHEMA, "cells": cells, **about}).encode()


def _control(known: Row) -> Row:
    return {name: known.get(name) for name in CONTROL_FIELDS}


def to_parquet(store: Store) -> bytes:
    """The table as Parquet.

    Raises:
        FileError: pyarrow is not installed.
    """
    try:
        import pyarrow as arrow  # pyright: ignore[reportMissingImports]
        import pyarrow.parquet as parquet  # pyright: ignore[reportMissingImports]
    except ImportError:
        raise FileError("Parquet needs pyarrow, which is not installed; `pip install pyarrow`, or export csv or json") from None
    columns, found = rows(store)

    def column(name: str) -> Any:
        values = [row.get(name) for row in found]
        try:
            return arrow.array(values)
        except (arrow.ArrowException, OverflowError, ValueError, TypeError):
            # Words and numbers on one axis of two claims, or a seed of more than 64 bits.
            return arrow.array([None if value is None else str(value) for value in values])

    out = io.BytesIO()
    parquet.write_table(arrow.table({name: column(name) for name in columns}), out)
    return out.getvalue()


FORMATS: dict[str, Callable[[Store], bytes]] = {"csv": to_csv, "json": to_table_json, "parquet": to_parquet}
