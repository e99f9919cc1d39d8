"""The file of a store: made whole or not at all, looked at before it is opened, its faults put into one sentence."""

from __future__ import annotations

import os
import sqlite3
import struct
import time
import uuid
from pathlib import Path
from shlex import quote as quoted
from urllib.parse import quote

from regimes.errors import RegimesError

APPLICATION = 0x72676D73  # "rgms": marks a SQLite file as a store of regimes
SCHEMA = 2
MAGIC = b"SQLite format 3\x00"
HEADER = 100
CHECK_BYTES = 64 << 20  # a quick_check reads the whole file: 64 MB take about a tenth of a second

TABLES = """
CREATE TABLE runs (
    id TEXT PRIMARY KEY, provenance TEXT NOT NULL, started TEXT NOT NULL, finished TEXT
);
CREATE TABLE claims (
    id TEXT PRIMARY KEY, fingerprint TEXT NOT NULL, document TEXT NOT NULL
);
CREATE TABLE cells (
    claim TEXT NOT NULL, fingerprint TEXT NOT NULL, subject TEXT NOT NULL, "case" TEXT NOT NULL,
    seed TEXT NOT NULL, settings TEXT NOT NULL,
    verdict TEXT NOT NULL, inside INTEGER NOT NULL, premise_boundary REAL, exact_boundary REAL,
    evidence TEXT NOT NULL, seconds REAL NOT NULL, run TEXT NOT NULL,
    PRIMARY KEY (claim, fingerprint, subject, "case", seed, settings)
);
CREATE TABLE controls (
    claim TEXT NOT NULL, fingerprint TEXT NOT NULL, control TEXT NOT NULL, seed TEXT NOT NULL, settings TEXT NOT NULL,
    verdict TEXT NOT NULL, "case" TEXT, evidence TEXT, cases INTEGER NOT NULL, seconds REAL NOT NULL, run TEXT NOT NULL,
    PRIMARY KEY (claim, fingerprint, control, seed, settings)
);
"""
# Since schema 2; a store of schema 1 gets it when it is opened to be written, and without it has no thresholds.
THRESHOLDS = """
CREATE TABLE IF NOT EXISTS thresholds (
    claim TEXT NOT NULL, fingerprint TEXT NOT NULL, subject TEXT NOT NULL, axis TEXT NOT NULL, "row" TEXT NOT NULL,
    coordinates TEXT NOT NULL, seed TEXT NOT NULL, settings TEXT NOT NULL,
    side TEXT NOT NULL, refuted REAL, holds REAL, undecided INTEGER NOT NULL, premise_boundary REAL, exact_boundary REAL,
    evidence TEXT NOT NULL, replicates INTEGER NOT NULL, error REAL NOT NULL, seconds REAL NOT NULL, run TEXT NOT NULL,
    PRIMARY KEY (claim, fingerprint, subject, axis, "row", coordinates, seed, settings)
);
"""
SCHEMA_SQL = TABLES + THRESHOLDS


class StoreError(RegimesError):
    """A store that cannot be used; the message is one sentence with the file at fault and the mend."""


def explain(path: Path, raised: sqlite3.Error) -> StoreError:
    """What SQLite raised about a store, in one sentence for a person."""
    name = getattr(raised, "sqlite_errorname", None) or ""
    if name.startswith("SQLITE_FULL"):
        return StoreError(f"store {path} cannot grow: the disk is full; free some space and run again, "
                          "what was finished is kept")  # fmt: skip
    if name.startswith(("SQLITE_BUSY", "SQLITE_LOCKED")):
        return StoreError(f"store {path} is locked by another process; wait until that one has finished, or stop it")
    if name.startswith("SQLITE_READONLY"):
        return StoreError(f"store {path} cannot be written; it was opened to be read only, or the file or its folder "
                          "gives no permission: give it, or name another file")  # fmt: skip
    if name.startswith("SQLITE_NOTADB"):
        return _not_a_store(path)
    if name.startswith("SQLITE_CORRUPT"):
        return damaged(path)
    if name.startswith("SQLITE_CANTOPEN"):
        return StoreError(f"store {path} cannot be opened; its folder must be one where files can be made")
    if name.startswith("SQLITE_IOERR"):
        return StoreError(f"store {path} cannot be read or written ({raised}); check the disk, or name another file")
    return StoreError(f"store {path} failed ({raised}); name another file, or restore this one from a copy")


def damaged(path: Path, found: str = "") -> StoreError:
    """A store with a page that does not make sense."""
    about = f" ({found})" if found else ""
    return StoreError(f"store {path} is damaged{about}; restore it from a copy, or save what is intact: {mend(path)}")


def mend(path: Path) -> str:
    """The command that saves what is intact of a store."""
    return f"`regimes recover {quoted(str(path))} --out {quoted(str(path.with_name('recovered.sqlite')))}`"


def _not_a_store(path: Path) -> StoreError:
    return StoreError(f"{path} is not a store of regimes; name another file, this one was left as it is")


def inspect(path: Path) -> None:
    """Look at a file's first bytes, without opening it as a database, so that foreign files are never touched.

    Raises:
        StoreError: the file is missing, a folder, unreadable, not a store, cut short, or of a newer schema.
    """
    try:
        with path.open("rb") as file:
            head = file.read(HEADER)
            size = os.fstat(file.fileno()).st_size
    except FileNotFoundError:
        raise StoreError(f"there is no store {path}; `regimes map --store {path}` makes one") from None
    except IsADirectoryError:
        raise StoreError(f"{path} is a folder; name a file in it, such as {path / 'maps.sqlite'}") from None
    except NotADirectoryError:
        raise StoreError(f"{path} lies in a file, not in a folder; name a store in a folder") from None
    except OSError as raised:
        raise StoreError(f"store {path} cannot be read ({raised.strerror}); give permission, or name another") from None
    cut = StoreError(f"store {path} was cut short (it has {size} bytes); restore it from a copy, or save "
                     f"what is left and map again: {mend(path)}")  # fmt: skip
    if not head:
        raise cut
    if not head.startswith(MAGIC[: len(head)]):
        raise _not_a_store(path)
    if len(head) < HEADER:
        raise cut
    page, changes, pages, version, application, valid = (
        struct.unpack_from(">H", head, 16)[0],
        *(struct.unpack_from(">I", head, at)[0] for at in (24, 28, 60, 68, 92)),
    )
    if application != APPLICATION:
        raise _not_a_store(path)
    check_version(path, version)
    # With a log beside it the file may lag behind; SQLite then puts the two together, and quick_check judges.
    # A writer that is just folding its log in has the new header on disk before the new pages: look again.
    whole = pages * (65536 if page == 1 else page)
    for _ in range(5):
        if changes != valid or size >= whole or _has_log(path):
            return
        time.sleep(0.02)
        size = path.stat().st_size
    raise cut


def _has_log(path: Path) -> bool:
    try:
        return os.stat(f"{path}-wal").st_size > 0
    except OSError:
        return False


def check_version(path: Path, version: int) -> None:
    """Refuse a store of another schema: StoreError."""
    if version > SCHEMA:
        raise StoreError(f"store {path} was written by schema {version}; this regimes reads up to {SCHEMA}: "
                         "upgrade regimes")  # fmt: skip
    if version < 1:
        raise damaged(path, "it has no schema version")


def create(path: Path) -> None:
    """Make an empty store; it appears at its path whole or not at all, and never takes the place of another file.

    Raises:
        StoreError: the folder is missing or cannot be written, the disk is full, or the log of a deleted store lies there.
    """
    folder = path.parent
    if not folder.exists():
        raise StoreError(f"the folder {folder} of store {path.name} does not exist; make it, or name another")
    if not folder.is_dir():
        raise StoreError(f"{path} lies in a file, not in a folder; name a store in a folder")
    # A killed run leaves its log, which SQLite would pour into whatever store it finds at this path.
    if _has_log(path) and not path.exists():
        raise StoreError(f"{path}-wal is the log of a store that is not there any more; delete it, "
                         f"or put {path.name} back beside it")  # fmt: skip
    draft = folder / f".{path.name}.{uuid.uuid4().hex[:8]}"
    try:
        connection = sqlite3.connect(f"file:{quote(str(draft.absolute()))}?mode=rwc", uri=True)
        try:
            connection.executescript(
                f"PRAGMA application_id={APPLICATION}; PRAGMA user_version={SCHEMA}; BEGIN; {SCHEMA_SQL} COMMIT;"
            )
            connection.execute("PRAGMA journal_mode=WAL")
        finally:
            connection.close()
        try:
            os.link(draft, path)  # fails where another process was faster, whose store then serves as well
        except FileExistsError:
            pass
        except OSError:  # a file system without hard links
            if not path.exists():
                os.rename(draft, path)
    except sqlite3.Error as raised:
        raise explain(path, raised) from raised
    except OSError as raised:
        raise StoreError(f"store {path} cannot be made ({raised.strerror}); name another folder") from raised
    finally:
        for leftover in (draft, Path(f"{draft}-journal"), Path(f"{draft}-wal"), Path(f"{draft}-shm")):
            try:
                leftover.unlink(missing_ok=True)
            except OSError:
                pass


def connect(path: Path, read_only: bool, timeout: float) -> sqlite3.Connection:
    """An open connection to a file that `inspect` has passed, checked page by page where that is cheap.

    Raises:
        StoreError: the file is damaged, locked or cannot be opened.
    """
    # Opened for reading only, SQLite would leave the log and its index behind; a last connection that could write
    # tidies them away. `query_only` then keeps a reader from writing.
    address = f"file:{quote(str(path.absolute()))}?mode=rw"
    try:
        try:
            connection = _checked(path, address, read_only, timeout)
        except sqlite3.OperationalError as raised:
            # A store on read-only media has no place for the log's index; without a log it needs none.
            refused = (getattr(raised, "sqlite_errorname", "") or "").startswith(("SQLITE_CANTOPEN", "SQLITE_READONLY"))
            if not read_only or not refused or Path(f"{path}-wal").exists():
                raise
            connection = _checked(path, address + "&immutable=1", read_only, timeout)
    except sqlite3.Error as raised:
        raise explain(path, raised) from raised
    return connection


def _checked(path: Path, address: str, read_only: bool, timeout: float) -> sqlite3.Connection:
    connection = sqlite3.connect(address, uri=True, timeout=timeout, isolation_level=None)
    try:
        connection.row_factory = sqlite3.Row
        check_version(path, connection.execute("PRAGMA user_version").fetchone()[0])
        if path.stat().st_size <= CHECK_BYTES:
            found = connection.execute("PRAGMA quick_check(1)").fetchone()[0]
            if found != "ok":
                raise damaged(path, found.splitlines()[-1].strip("* "))
        tables = {row[0] for row in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
        if not {"runs", "claims", "cells", "controls"} <= tables:
            raise damaged(path, "a table is missing")
        if read_only:
            connection.execute("PRAGMA query_only=ON")
        else:
            connection.execute("PRAGMA journal_mode=WAL")
            if "thresholds" not in tables:
                connection.executescript(f"BEGIN IMMEDIATE; {THRESHOLDS} PRAGMA user_version={SCHEMA}; COMMIT;")
            # FULL: a cell reported as done survives a power cut too, for one fsync per cell.
            connection.execute("PRAGMA synchronous=FULL")
    except BaseException:
        connection.close()
        raise
    return connection
