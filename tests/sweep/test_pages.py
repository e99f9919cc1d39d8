"""SQLite's file format, read against SQLite itself."""

from __future__ import annotations

import random
import shutil
import sqlite3
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from regimes.sweep.pages import Pages, Unreadable, logged, record

VALUES = st.one_of(
    st.none(), st.integers(-(2**63), 2**63 - 1), st.integers(-300, 300), st.floats(allow_nan=False),
    st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0")),
    st.integers(0, 20_000).map(lambda length: "é" * length),
)  # fmt: skip


def made(path: Path, rows: list[tuple], page: int) -> Path:
    connection = sqlite3.connect(path)
    connection.execute(f"PRAGMA page_size={page}")
    connection.execute("CREATE TABLE t (a, b, c)")
    connection.executemany("INSERT INTO t VALUES (?, ?, ?)", rows)
    connection.commit()
    connection.close()
    return path


def read(content: bytes, log: bytes = b"", columns: int = 3) -> list[tuple]:
    """The rows of the table with so many columns, in order; that of tables has five."""
    found = list(Pages(content, log).rows())
    assert None not in found
    return [row.values for row in sorted((row for row in found if row), key=lambda row: row.rowid) if len(row.values) == columns]


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.tuples(VALUES, VALUES, VALUES), max_size=40), st.sampled_from([512, 1024, 4096, 65536]))
def test_every_row_is_what_sqlite_says(tmp_path: Path, rows: list[tuple], page: int) -> None:
    path = tmp_path / "t.sqlite"
    path.unlink(missing_ok=True)
    content = made(path, rows, page).read_bytes()
    assert read(content) == sqlite3.connect(path).execute("SELECT * FROM t ORDER BY rowid").fetchall()


def test_trees_of_several_levels_and_pages_that_were_freed(tmp_path: Path) -> None:
    rows = [(k, f"row {k} " + "x" * (k % 97), k / 7) for k in range(5000)]
    path = made(tmp_path / "t.sqlite", rows, 512)
    assert read(path.read_bytes()) == rows
    connection = sqlite3.connect(path)
    connection.execute("DELETE FROM t WHERE a % 1000 < 900")
    connection.commit()
    left = connection.execute("SELECT * FROM t ORDER BY rowid").fetchall()
    assert connection.execute("PRAGMA freelist_count").fetchone()[0] > 100
    content = path.read_bytes()
    assert read(content) == left
    # Where the list of free pages is damaged, the trees still tell what is in use.
    trunk = int.from_bytes(content[32:36], "big")
    broken = bytearray(content)
    broken[(trunk - 1) * 512 : trunk * 512] = b"\xff" * 512
    assert read(bytes(broken)) == left


@pytest.mark.parametrize("kept", [1.0, 0.99, 0.6, 0.3, 0.0])
def test_a_log_is_read_as_far_as_sqlite_reads_it(tmp_path: Path, kept: float) -> None:
    path = made(tmp_path / "t.sqlite", [(0, "first", None)], 4096)
    writer = sqlite3.connect(path, isolation_level=None)
    writer.execute("PRAGMA journal_mode=WAL")
    writer.execute("PRAGMA wal_autocheckpoint=0")
    for k in range(1, 60):
        writer.execute("INSERT INTO t VALUES (?, ?, ?)", (k, "y" * (200 * k), k * 0.5))
    shutil.copy(path, tmp_path / "copy")
    log = bytearray(Path(f"{path}-wal").read_bytes())
    writer.close()
    damaged = int(kept * len(log))
    log[damaged : damaged + 100] = random.Random(0).randbytes(len(log[damaged : damaged + 100]))
    (tmp_path / "copy-wal").write_bytes(log)
    mine = read((tmp_path / "copy").read_bytes(), bytes(log))
    reader = sqlite3.connect(tmp_path / "copy")
    assert mine == reader.execute("SELECT * FROM t ORDER BY rowid").fetchall()
    reader.close()
    assert len(mine) == {1.0: 60, 0.0: 1}.get(kept, len(mine))


def test_a_log_of_another_file_or_none_is_left_out() -> None:
    assert logged(b"", 4096) == logged(b"\x37\x7f\x06\x82" + b"\0" * 5000, 4096) == logged(b"junk" * 3000, 4096) == {}


@pytest.mark.parametrize("content", [b"", b"SQLite format 3\0", b"\0" * 4096, b"SQLite format 3\0" + b"\0" * 4096])
def test_a_file_without_a_header_is_unreadable(content: bytes) -> None:
    with pytest.raises(Unreadable):
        Pages(content)


@pytest.mark.parametrize("payload", [b"\x01", b"\x02\x0c", b"\x02\x0b", b"\x02\x01", b"\x02\x01\x05\x06", b"\x03\x01\x8f", b"\x02\x0f\xff"])
def test_a_record_that_does_not_add_up_is_unreadable(payload: bytes) -> None:
    with pytest.raises((Unreadable, UnicodeDecodeError, IndexError)):
        record(payload)


@settings(max_examples=300, deadline=None)
@given(st.binary(min_size=1, max_size=200))
def test_junk_is_unreadable_or_a_record(payload: bytes) -> None:
    try:
        record(payload)
    except (Unreadable, UnicodeDecodeError, IndexError):
        pass
