"""The store: decided cells, controls, claims and runs in one SQLite file that survives being killed."""

from __future__ import annotations

import json
import math
import sqlite3
import uuid
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import astuple, dataclass, fields
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from regimes.sweep.store_file import SCHEMA, StoreError, connect, explain, inspect
from regimes.sweep.store_file import create as create_file

__all__ = ["CellKey", "Store", "StoreError", "ThresholdKey", "plain", "settings_key"]

JSON_COLUMNS = ("case", "row", "settings", "evidence")
# Replicates have keys: more of them go on with the same sequence, so later evidence contains what it replaces.
ON_CONFLICT = {
    "runs": "ON CONFLICT DO NOTHING",
    "claims": "ON CONFLICT DO NOTHING",
    "cells": "ON CONFLICT DO UPDATE SET verdict = excluded.verdict, inside = excluded.inside, "
    "premise_boundary = excluded.premise_boundary, exact_boundary = excluded.exact_boundary, "
    "evidence = excluded.evidence, seconds = excluded.seconds, run = excluded.run WHERE cells.verdict = 'undecided' "
    "AND json_extract(excluded.evidence, '$.replicates') > json_extract(cells.evidence, '$.replicates')",
    "controls": 'ON CONFLICT DO UPDATE SET verdict = excluded.verdict, "case" = excluded."case", '
    "evidence = excluded.evidence, cases = excluded.cases, seconds = excluded.seconds, run = excluded.run "
    "WHERE controls.verdict = 'undecided'",
    "thresholds": "ON CONFLICT DO UPDATE SET refuted = excluded.refuted, holds = excluded.holds, "
    "undecided = excluded.undecided, evidence = excluded.evidence, replicates = excluded.replicates, "
    "seconds = excluded.seconds, run = excluded.run "
    "WHERE thresholds.undecided > 0 AND excluded.replicates > thresholds.replicates",
}
TABLES = tuple(ON_CONFLICT)
KEY_COLUMNS = 'claim = ? AND fingerprint = ? AND subject = ? AND "case" = ? AND seed = ? AND settings = ?'


def settings_key(dtype: str, device_type: str, alpha: float, sampler: str = "direct") -> str:
    """The settings that a stored verdict depends on besides the seed, as canonical JSON.

    `direct` is left out: the cells of stores that were written before there was a choice are what it gives.
    """
    key = {"alpha": alpha, "device": device_type, "dtype": dtype}
    if sampler != "direct":
        key["sampler"] = sampler
    return json.dumps(key, separators=(",", ":"))


def plain(value: Any) -> Any:
    """Any evidence or provenance as standard JSON data; NaN and infinity, which JSON lacks, become None."""
    if isinstance(value, Mapping):
        return {str(name): plain(item) for name, item in value.items()}
    if isinstance(value, (list, tuple, set, frozenset)):
        return [plain(item) for item in value]
    if value is None or isinstance(value, (bool, int, str)):
        return value
    if isinstance(value, float):
        return float(value) if math.isfinite(value) else None
    if hasattr(value, "tolist"):  # NumPy and torch scalars and arrays
        return plain(value.tolist())
    return str(value)


def _text(value: Any) -> str:
    return json.dumps(plain(value), separators=(",", ":"), allow_nan=False)


@dataclass(frozen=True)
class CellKey:
    """What identifies a cell.

    Attributes:
        claim: the claim's id.
        fingerprint: hash of the claim's code and constants.
        subject: the subject's name.
        case: the case's key.
        seed: the run's seed.
        settings: `settings_key` of dtype, device type, alpha and sampler.
    """

    claim: str
    fingerprint: str
    subject: str
    case: str
    seed: int
    settings: str

    def columns(self) -> tuple[str, ...]:
        """The key as the columns of the primary key; the seed is text, so that it may exceed 63 bits."""
        return tuple(str(part) for part in astuple(self))


@dataclass(frozen=True)
class ThresholdKey:
    """What identifies a measured threshold.

    Attributes:
        claim, fingerprint, subject: as of `CellKey`.
        axis: the axis along which it lies.
        row: the key of the other coordinates.
        coordinates: `regimes.sweep.ladder.Ladder.key`, among which it was searched.
        seed, settings: as of `CellKey`.
    """

    claim: str
    fingerprint: str
    subject: str
    axis: str
    row: str
    coordinates: str
    seed: int
    settings: str

    def columns(self) -> tuple[str, ...]:
        """The key as the columns of the primary key."""
        return tuple(str(part) for part in astuple(self))


class Store:
    """One SQLite file of decided cells; open it with `Store.open`, use it as a context manager.

    Every put is a transaction of its own: what was put survives `kill -9`. Every method raises StoreError, one
    sentence with the file and the mend. Other processes may read, and write, at the same time.
    """

    def __init__(self, path: Path, connection: sqlite3.Connection, read_only: bool) -> None:
        self.path, self.read_only = path, read_only
        self._connection = connection

    @classmethod
    def open(cls, path: str | Path, create: bool = False, *, read_only: bool = False, timeout: float = 10.0) -> Store:
        """Open a store.

        Arguments:
            path: the file.
            create: make an empty store if there is no such file.
            read_only: never write; works while another process writes.
            timeout: seconds to wait for another process's transaction.

        Raises:
            StoreError: missing file or folder, not a store, cut short, damaged, newer schema, locked.
        """
        path = Path(path)
        if create and not read_only and not path.exists():
            create_file(path)
        inspect(path)
        return cls(path, connect(path, read_only, timeout), read_only)

    def close(self) -> None:
        """Close the file; the log is folded into it."""
        self._connection.close()

    def __enter__(self) -> Store:
        return self

    def __exit__(self, *raised: object) -> None:
        self.close()

    @contextmanager
    def _explained(self) -> Iterator[sqlite3.Connection]:
        try:
            yield self._connection
        except sqlite3.ProgrammingError:
            raise StoreError(f"store {self.path} is closed; open it again") from None
        except sqlite3.Error as raised:
            raise explain(self.path, raised) from raised

    def _write(self, statement: str, values: tuple[Any, ...]) -> int:
        """Run one statement as its own transaction; the number of rows it changed."""
        with self._explained() as connection:
            return connection.execute(statement, values).rowcount

    def _read(self, statement: str, values: tuple[Any, ...] = ()) -> list[sqlite3.Row]:
        with self._explained() as connection:
            return connection.execute(statement, values).fetchall()

    def start_run(self, provenance: Mapping[str, Any]) -> str:
        """Record that a run starts; returns its id."""
        run = uuid.uuid4().hex
        self._write("INSERT INTO runs VALUES (?, ?, ?, NULL)", (run, _text(provenance), _now()))
        return run

    def finish_run(self, run: str) -> None:
        """Record that a run has come to its end; a run that was killed has none."""
        self._write("UPDATE runs SET finished = ? WHERE id = ?", (_now(), run))

    def put_claim(self, document: Mapping[str, Any]) -> None:
        """Keep a claim's document (with `id` and `fingerprint`); its cells of other fingerprints are now stale."""
        self._write(
            "INSERT INTO claims VALUES (?, ?, ?) ON CONFLICT (id) DO UPDATE "
            "SET fingerprint = excluded.fingerprint, document = excluded.document",
            (document["id"], document["fingerprint"], _text(document)),
        )

    def put_cell(
        self,
        key: CellKey,
        *,
        evidence: Mapping[str, Any],
        inside: bool,
        premise_boundary: float | None,
        exact_boundary: float | None,
        seconds: float,
        run: str,
    ) -> bool:
        """Keep a decided cell; one that is there already stays as it is, unless it is undecided with fewer replicates.

        Arguments:
            key: what identifies the cell.
            evidence: `Evidence.as_dict()`.
            inside: whether the premise holds at the case.
            premise_boundary: where on the map's x axis the promise begins, None if nowhere.
            exact_boundary: where the truth does, None if that is not known.
            seconds: time that the cell took.
            run: id of the run.

        Returns:
            Whether the cell was kept.
        """
        row = (*key.columns(), evidence["verdict"], int(inside), premise_boundary, exact_boundary,
               _text(evidence), float(seconds), run)  # fmt: skip
        return self._write(f"INSERT INTO cells VALUES ({', '.join('?' * len(row))}) {ON_CONFLICT['cells']}", row) > 0

    def put_control(
        self,
        *,
        claim: str,
        fingerprint: str,
        control: str,
        seed: int,
        settings: str,
        verdict: str,
        case: Mapping[str, Any] | None,
        evidence: Mapping[str, Any] | None,
        cases: int,
        seconds: float,
        run: str,
    ) -> bool:
        """Keep what became of a control: `killed` (with its witness case), `survived` or, to be replaced, `undecided`."""
        row = (claim, fingerprint, control, str(seed), settings, verdict, None if case is None else _text(case),
               None if evidence is None else _text(evidence), int(cases), float(seconds), run)  # fmt: skip
        return self._write(f"INSERT INTO controls VALUES ({', '.join('?' * len(row))}) {ON_CONFLICT['controls']}", row) > 0

    def put_threshold(self, key: ThresholdKey, row: Mapping[str, Any], *, seconds: float, run: str) -> bool:
        """Keep a measured threshold; one that is there stays as it is, unless it was left undecided with fewer replicates.

        Arguments:
            key: what identifies it.
            row: `side` (`least` or `most`), `refuted` and `holds` (coordinates of the bracket's ends, None where the range
                ends before), `undecided` (number of coordinates inside the bracket at which the budget ran out),
                `premise_boundary`, `exact_boundary`, `evidence` (`judged`: `at`, `inside`, `evidence` of every coordinate
                that was certified; `against`: the coordinates among them that speak against a single threshold; `scouts`:
                number of scouts), `replicates` and `error` (probability that any of the judged verdicts is wrong).
            seconds: time that the search took.
            run: id of the run.

        Returns:
            Whether it was kept.
        """
        values = (*key.columns(), row["side"], row["refuted"], row["holds"], row["undecided"], row["premise_boundary"],
                  row["exact_boundary"], _text(row["evidence"]), row["replicates"], row["error"],
                  float(seconds), run)  # fmt: skip
        marks = ", ".join("?" * len(values))
        return self._write(f"INSERT INTO thresholds VALUES ({marks}) {ON_CONFLICT['thresholds']}", values) > 0

    def threshold(self, key: ThresholdKey) -> dict[str, Any] | None:
        """One measured threshold, None if it is not there."""
        where = " AND ".join(f'"{one.name}" = ?' for one in fields(key))
        rows = self._read(f"SELECT * FROM thresholds WHERE {where}", key.columns()) if self._has("thresholds") else []
        return _data(rows[0]) if rows else None

    def thresholds(self, claim_id: str) -> list[dict[str, Any]]:
        """The measured thresholds of a claim's present fingerprint; row, settings and evidence as data."""
        if not self._has("thresholds"):
            return []
        rows = self._read(
            "SELECT thresholds.* FROM thresholds JOIN claims ON claims.id = thresholds.claim "
            "AND claims.fingerprint = thresholds.fingerprint WHERE claim = ?",
            (claim_id,),
        )
        return sorted(map(_data, rows), key=_place)

    def _has(self, table: str) -> bool:
        return bool(self._read("SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = ?", (table,)))

    def has_cell(self, key: CellKey) -> bool:
        """Whether a cell is there."""
        return bool(self._read(f"SELECT 1 FROM cells WHERE {KEY_COLUMNS}", key.columns()))

    def case_verdicts(self, claim: str, fingerprint: str, subject: str, seed: int, settings: str) -> dict[str, str]:
        """Verdicts of the cells that are there by their cases' keys, for one claim, subject, seed and settings."""
        rows = self._read(
            'SELECT "case", verdict FROM cells '
            "WHERE claim = ? AND fingerprint = ? AND subject = ? AND seed = ? AND settings = ?",
            (claim, fingerprint, subject, str(seed), settings),
        )
        return {row[0]: row[1] for row in rows}

    def cells(self, claim_id: str) -> list[dict[str, Any]]:
        """The cells of a claim's present fingerprint in order of their keys; case, settings and evidence as data."""
        rows = self._read(
            "SELECT cells.* FROM cells JOIN claims ON claims.id = cells.claim "
            "AND claims.fingerprint = cells.fingerprint WHERE claim = ? "
            'ORDER BY cells.subject, cells.settings, cells.seed, cells."case"',
            (claim_id,),
        )
        return [_data(row) | {"inside": bool(row["inside"])} for row in rows]

    def stale(self, claim_id: str) -> int:
        """Number of cells that another version of the claim has left; they are kept and never shown."""
        return self._read(
            "SELECT count(*) FROM cells WHERE claim = ? AND fingerprint NOT IN (SELECT fingerprint FROM claims WHERE id = ?)",
            (claim_id, claim_id),
        )[0][0]

    def controls(self, claim_id: str) -> list[dict[str, Any]]:
        """What became of the controls of a claim's present fingerprint, in the order they were put."""
        rows = self._read(
            "SELECT controls.* FROM controls JOIN claims ON claims.id = controls.claim "
            "AND claims.fingerprint = controls.fingerprint WHERE claim = ? ORDER BY controls.rowid",
            (claim_id,),
        )
        return [_data(row) for row in rows]

    def claims(self) -> list[dict[str, Any]]:
        """The documents of all claims in order of their ids."""
        return [json.loads(row[0]) for row in self._read("SELECT document FROM claims ORDER BY id")]

    def runs(self) -> list[dict[str, Any]]:
        """All runs in the order they started: id, provenance, started, finished (None if killed)."""
        rows = self._read("SELECT * FROM runs ORDER BY rowid")
        return [dict(row) | {"provenance": json.loads(row["provenance"])} for row in rows]

    def export(self) -> dict[str, Any]:
        """Everything that is not stale as standard JSON data with a schema version."""
        claims = []
        for one in self.claims():
            name = one["id"]
            about = {"cells": self.cells(name), "controls": self.controls(name), "stale": self.stale(name)}
            claims.append({**one, **about, "thresholds": self.thresholds(name)})
        return plain({"schema": SCHEMA, "runs": self.runs(), "claims": claims})

    def absorb(self, others: Iterable[Store]) -> int:
        """Copy in all that other stores, such as shards, hold; returns the number of cells and thresholds taken.

        Raises:
            StoreError: two stores hold different versions of one claim.
        """
        added = 0
        for other in others:
            mine = {one["id"]: one["fingerprint"] for one in self.claims()}
            for one in other.claims():
                if mine.get(one["id"], one["fingerprint"]) != one["fingerprint"]:
                    raise StoreError(f"store {other.path} was mapped with another version of {one['id']} than "
                                     f"{self.path}; map it again with the present one")  # fmt: skip
            new = self.put_rows({table: other._read(f"SELECT * FROM {table}") for table in filter(other._has, TABLES)})
            added += new["cells"] + new.get("thresholds", 0)
        return added

    def put_rows(self, rows: Mapping[str, Iterable[Iterable[Any]]]) -> dict[str, int]:
        """Put rows that come from another store, all or none; returns how many of each table were taken.

        Arguments:
            rows: the columns of each row by table; one that is there already stays, as with the other puts.
        """
        added = dict.fromkeys(rows, 0)
        with self._explained() as connection:
            connection.execute("BEGIN IMMEDIATE")
            try:
                for table, found in rows.items():
                    for row in map(tuple, found):
                        marks = ", ".join("?" * len(row))
                        new = connection.execute(f"INSERT INTO {table} VALUES ({marks}) {ON_CONFLICT[table]}", row)
                        added[table] += new.rowcount
                connection.execute("COMMIT")
            except BaseException:
                if connection.in_transaction:
                    connection.execute("ROLLBACK")
                raise
        return added


def _place(one: Mapping[str, Any]) -> tuple[Any, ...]:
    """Where a threshold stands among others: rows with numbers in order of size."""
    row = [(name, isinstance(value, str), value) for name, value in sorted(one["row"].items())]
    return one["subject"], one["axis"], row, one["coordinates"], one["seed"], sorted(one["settings"].items())


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")


def _data(row: sqlite3.Row) -> dict[str, Any]:
    """A row with its JSON columns as data and its seed as a number."""
    data = dict(row)
    for name in data.keys() & set(JSON_COLUMNS):
        data[name] = None if data[name] is None else json.loads(data[name])
    data["seed"] = int(data["seed"])
    return data
