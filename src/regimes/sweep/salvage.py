"""Saving what is intact of a damaged store into a new one, which is a store like any other."""

from __future__ import annotations

import json
import sqlite3
import struct
from collections.abc import Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from regimes.sweep.pages import Pages, Unreadable, Value
from regimes.sweep.store import TABLES, Store
from regimes.sweep.store_file import APPLICATION, HEADER, MAGIC, SCHEMA_SQL, StoreError, check_version

OBJECTS = ("provenance", "document", "case", "row", "settings", "evidence")  # columns of JSON objects
CHOICES = {
    ("cells", "verdict"): ("holds", "refuted", "undecided"),
    ("controls", "verdict"): ("killed", "survived", "undecided"),
    ("thresholds", "side"): ("least", "most"),
}
PYTHON = {"TEXT": (str,), "INTEGER": (int,), "REAL": (int, float)}
Rows = dict[str, list[tuple[Value, ...]]]


@dataclass(frozen=True)
class Column:
    """A column of a table: its name, its type in SQL, whether it may be NULL, whether it belongs to the key."""

    name: str
    type: str
    optional: bool
    key: bool


@dataclass(frozen=True)
class Salvaged:
    """What was saved.

    Attributes:
        kept: number of rows by table.
        dropped: rows that are there but cannot be trusted: unreadable, or contradicting themselves or each other.
    """

    kept: Mapping[str, int]
    dropped: int


def salvage(damaged: Path, out: Path) -> Salvaged:
    """Save every row of a store that can be read whole into a new store.

    Arguments:
        damaged: the store; it is only read, log included, and not by SQLite. Nothing may write to it meanwhile.
        out: the new store; there must be no such file.

    Raises:
        StoreError: the file is missing, no store, changing, or has no row left; or `out` is there or cannot be written. There
            is then no new file.
    """
    if out.exists():
        raise StoreError(f"{out} is there already and is left as it is; name another file for what is saved")
    rows, dropped = intact(damaged)
    store = Store.open(out, create=True)
    try:
        with store:
            store.put_rows(rows)
    except BaseException:
        for name in (out, Path(f"{out}-wal"), Path(f"{out}-shm")):
            name.unlink(missing_ok=True)
        raise
    return Salvaged({table: len(found) for table, found in rows.items()}, dropped)


def intact(damaged: Path) -> tuple[Rows, int]:
    """The rows of a store that can be trusted, by table and in the order they were put, and the number of the others.

    Raises:
        StoreError: the file is missing, no store, changing, or has no such row.
    """
    content, log = _read(damaged)
    nothing = "so that nothing can be saved: restore it from a copy, or map again into another file"
    version, application = (struct.unpack_from(">I", content.ljust(HEADER, b"\0"), at)[0] for at in (60, 68))
    if not content.startswith(MAGIC) or application != APPLICATION or version < 1:
        raise StoreError(f"{damaged} is not a store of regimes, or its first page is damaged, {nothing}")
    check_version(damaged, version)
    try:
        pages = Pages(content, log)
    except Unreadable as wrong:
        raise StoreError(f"the first page of store {damaged} is damaged ({wrong}), {nothing}") from None
    rows, dropped = _trusted(pages, _columns())
    if not any(rows.values()):
        raise StoreError(f"store {damaged} has no row that can be read whole, {nothing}")
    return rows, dropped


def _read(path: Path) -> tuple[bytes, bytes]:
    """The file and its log, at one moment."""
    log = Path(f"{path}-wal")

    def state() -> list[tuple[int, int]]:
        return [(one.st_size, one.st_mtime_ns) for one in (file.stat() for file in (path, log) if file.exists())]

    try:
        before = state()
        content = path.read_bytes()
        beside = log.read_bytes() if log.exists() else b""
        changed = state() != before
    except FileNotFoundError:
        raise StoreError(f"there is no store {path}; name the damaged one") from None
    except OSError as raised:
        raise StoreError(f"store {path} cannot be read ({raised.strerror}); give permission, or name another") from None
    if changed:
        raise StoreError(f"store {path} is being written by another process; wait until that one has finished, or stop it")
    return content, beside


def _columns() -> dict[str, list[Column]]:
    """The columns of a store's tables."""
    with closing(sqlite3.connect(":memory:")) as empty:
        empty.executescript(SCHEMA_SQL)
        return {
            table: [
                Column(name, kind, not (required or key), bool(key))
                for _, name, kind, required, _, key in empty.execute(f"PRAGMA table_info({table})")
            ]
            for table in TABLES
        }


def _trusted(pages: Pages, columns: Mapping[str, list[Column]]) -> tuple[Rows, int]:
    tables = {len(found): table for table, found in columns.items()}  # each table has a number of columns of its own
    found: dict[str, dict[tuple[Value, ...], tuple[int, tuple[Value, ...]]]] = {table: {} for table in columns}
    dropped, doubtful = 0, set()
    for row in pages.rows():
        table = None if row is None else tables.get(len(row.values))
        if row is None or table is None or not _makes_sense(table, columns[table], row.values):
            dropped += 1
            continue
        key = tuple(value for column, value in zip(columns[table], row.values, strict=True) if column.key)
        # A page may be there twice; of two rows that contradict each other neither is known to be the right one.
        if found[table].setdefault(key, (row.rowid, row.values))[1] != row.values:
            doubtful.add((table, key))
            dropped += 1
    for table, key in doubtful:
        del found[table][key]
        dropped += 1
    in_order = {table: sorted(rows.values(), key=lambda one: one[0]) for table, rows in found.items()}
    return {table: [values for _, values in rows] for table, rows in in_order.items()}, dropped


def _makes_sense(table: str, columns: Sequence[Column], values: Sequence[Value]) -> bool:
    """Whether a row has the types of its columns, JSON where that is due, and says the same in all places."""
    row: dict[str, Any] = {}
    for column, value in zip(columns, values, strict=True):
        if value is None:
            if not column.optional:
                return False
        elif not isinstance(value, PYTHON[column.type]) or (isinstance(value, str) and "\0" in value):
            return False
        row[column.name] = value
    try:
        for name in row.keys() & set(OBJECTS):
            row[name] = None if row[name] is None else json.loads(row[name])
            if not isinstance(row[name], dict | None):
                return False
        int(row.get("seed", "0"))
    except (ValueError, RecursionError):
        return False
    if any(row[name] not in allowed for (of, name), allowed in CHOICES.items() if of == table):
        return False
    if table == "claims":
        return all(row["document"].get(name) == row[name] for name in ("id", "fingerprint"))
    if table == "cells":
        return row["evidence"].get("verdict") == row["verdict"] and row["inside"] in (0, 1)
    return table != "thresholds" or isinstance(row["evidence"].get("judged"), list)
