"""All cells, controls or measured thresholds of a store as one flat table each, in CSV, JSON or Parquet.

`cells`, one row per cell: `claim`, `kind`, `reference`, `fingerprint`, then the axes of all claims by name (empty where a claim
lacks one; `case.<name>` for an axis that is called like another column), then `FIELDS`. `thresholds`, one row per threshold:
the same with the axes of its row (`row.<name>`), then `THRESHOLD_FIELDS`. `controls`: `CONTROL_FIELDS`, the witness as JSON.

JSON has all three, schema 1: `schema`, `cells` (one object per row; `pandas.DataFrame(json.load(open(path))["cells"])` is the
table), `controls` (`claim`, `control`, `seed`, `dtype`, `device`, `alpha`, `verdict`, `cases`, `seconds`, `run`, `witness`,
`reason`), `thresholds` (`claim`, `axis`, `row`, `side`, `refuted`, `holds`, ...: see `Store.put_threshold`), `runs`.
An infinite number, which JSON lacks, is the text `inf` or `-inf`. A CSV or Parquet file has one table.
"""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable, Mapping
from typing import Any

from regimes.files import FileError
from regimes.report.export import to_json
from regimes.sweep.bracket import ratio
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
THRESHOLD_FIELDS = (
    "subject", "axis", "side", "refuted", "holds", "undecided", "premise_boundary", "exact_boundary", "ratio", "replicates",
    "error", "seed", "dtype", "device", "alpha", "sampler", "coordinates", "against", "scouts", "seconds", "run",
)  # fmt: skip
Row = dict[str, Any]
Table = tuple[list[str], list[Row]]


def cells(store: Store) -> Table:
    """Columns and rows of the table of cells; a row lacks what does not apply to it.

    Raises:
        StoreError: the store fails.
    """
    axes: dict[str, str] = {}
    found: list[Row] = []
    for claim in store.claims():
        for cell in store.cells(claim["id"]):
            case = _placed(axes, cell["case"], "case", (*HEAD, *FIELDS))
            low, high = cell["evidence"].get("interval") or (None, None)
            known = {**cell["evidence"], **cell["settings"], **cell, "low": low, "high": high}
            found.append({**_about(claim, cell), **case, **{name: known.get(name) for name in FIELDS}})
    return [*HEAD, *axes.values(), *FIELDS], found


def controls(store: Store) -> Table:
    """Columns and rows of the table of controls."""
    found = [{**one, "witness": one["witness"] and json.dumps(one["witness"])} for one in _tried(store)]
    return list(CONTROL_FIELDS), found


def _tried(store: Store) -> list[Row]:
    """`CONTROL_FIELDS` of every control."""
    every = (one for claim in store.claims() for one in store.controls(claim["id"]))
    known = ({**(one["evidence"] or {}), **one["settings"], **one, "witness": one["case"]} for one in every)
    return [{name: one.get(name) for name in CONTROL_FIELDS} for one in known]


def thresholds(store: Store) -> Table:
    """Columns and rows of the table of measured thresholds."""
    axes: dict[str, str] = {}
    found: list[Row] = []
    for claim in store.claims():
        for one in store.thresholds(claim["id"]):
            row = _placed(axes, one["row"], "row", (*HEAD, *THRESHOLD_FIELDS))
            against = ", ".join(f"{at:g}" for at in one["evidence"]["against"])
            known = {"sampler": "direct", **one["evidence"], **one["settings"], **one, "ratio": ratio(one), "against": against}
            found.append({**_about(claim, one), **row, **{name: known.get(name) for name in THRESHOLD_FIELDS}})
    return [*HEAD, *axes.values(), *THRESHOLD_FIELDS], found


def _about(claim: Mapping[str, Any], row: Mapping[str, Any]) -> Row:
    about = {"claim": claim["id"], "kind": claim.get("kind"), "reference": claim.get("reference")}
    return {**about, "fingerprint": row["fingerprint"]}


def _placed(axes: dict[str, str], coordinates: Mapping[str, Any], prefix: str, taken: tuple[str, ...]) -> Row:
    """Coordinates by the columns of their axes, which are added as they are met."""
    for axis in coordinates:
        axes.setdefault(axis, f"{prefix}.{axis}" if axis in taken else axis)
    return {axes[axis]: value for axis, value in coordinates.items()}


TABLES: dict[str, Callable[[Store], Table]] = {"cells": cells, "controls": controls, "thresholds": thresholds}


def to_csv(store: Store, table: str = "cells") -> bytes:
    """One of `TABLES` as CSV with a line of column names; empty for None."""
    columns, found = TABLES[table](store)
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(columns)
    writer.writerows([row.get(name) for name in columns] for row in found)
    return out.getvalue().encode()


def to_table_json(store: Store) -> bytes:
    """The cells, the controls, the thresholds and the runs as JSON; see the module's text."""
    columns, found = cells(store)
    decided = [{name: row.get(name) for name in columns} for row in found]
    searched = [one for claim in store.claims() for one in store.thresholds(claim["id"])]
    about = {"controls": _tried(store), "thresholds": searched, "runs": store.runs()}
    return to_json({"schema": SCHEMA, "cells": decided, **about}).encode()


def to_parquet(store: Store, table: str = "cells") -> bytes:
    """One of `TABLES` as Parquet.

    Raises:
        FileError: pyarrow is not installed.
    """
    try:
        import pyarrow as arrow  # pyright: ignore[reportMissingImports]
        import pyarrow.parquet as parquet  # pyright: ignore[reportMissingImports]
    except ImportError:
        raise FileError("Parquet needs pyarrow, which is not installed; `pip install pyarrow`, or export csv or json") from None
    columns, found = TABLES[table](store)

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

