"""Stores that are cut short, foreign, damaged, too new, locked or full: one sentence each, and nothing destroyed."""

from __future__ import annotations

import multiprocessing
import os
import shutil
import sqlite3
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from regimes.sweep.store import CellKey, Store, StoreError, settings_key

SETTINGS = settings_key("float32", "cpu", 1e-6)
EVIDENCE = {"verdict": "holds", "details": {"padding": "x" * 200}}


def key(index: int) -> CellKey:
    return CellKey("a/b", "f1", "ours", f'{{"width":{index}}}', 0, SETTINGS)


def put(store: Store, index: int) -> bool:
    return store.put_cell(key(index), evidence=EVIDENCE, inside=True, premise_boundary=None, exact_boundary=None,
                          seconds=0.1, run="r")  # fmt: skip


def filled(path: Path, cells: int = 60) -> Path:
    with Store.open(path, create=True) as store:
        store.put_claim({"id": "a/b", "fingerprint": "f1"})
        for index in range(cells):
            put(store, index)
    return path


def refused(path: Path, *says: str, create: bool = True, **options) -> None:
    """Opening fails with one sentence that names the file, and leaves the file and its folder as they were."""
    before = path.read_bytes() if path.is_file() else None
    names = sorted(os.listdir(path.parent)) if path.parent.is_dir() else None
    for read_only in (False, True):
        with pytest.raises(StoreError) as raised:
            Store.open(path, create=create, read_only=read_only, **options)
        sentence = str(raised.value)
        assert path.name in sentence
        assert "\n" not in sentence
        if not read_only or create is False:
            for words in says:
                assert words in sentence
    assert (path.read_bytes() if path.is_file() else None) == before
    assert (sorted(os.listdir(path.parent)) if path.parent.is_dir() else None) == names


@pytest.mark.parametrize("share", [0.0, 0.0001, 0.001, 0.004, 0.03, 0.25, 0.5, 0.9, 0.9999])
def test_a_store_cut_short(tmp_path: Path, share: float) -> None:
    path = filled(tmp_path / "maps.sqlite")
    content = path.read_bytes()
    assert len(content) > 20_000
    path.write_bytes(content[: int(share * len(content))])
    refused(path, "was cut short", "map again")


KILLED = """
import os, sys
from pathlib import Path
sys.path.insert(0, sys.argv[1])
from test_store_faults import Store, put
store = Store.open(Path(sys.argv[2]), create=True)
store.put_claim({"id": "a/b", "fingerprint": "f1"})
for index in range(60):
    put(store, index)
os._exit(9)
"""


def test_the_log_of_a_deleted_store_is_not_poured_into_a_new_one(tmp_path: Path) -> None:
    path = tmp_path / "maps.sqlite"
    assert subprocess.run([sys.executable, "-c", KILLED, str(Path(__file__).parent), str(path)]).returncode == 9
    content = path.read_bytes()
    path.unlink()
    refused(path, "maps.sqlite-wal is the log of a store that is not there any more", "delete it")
    path.write_bytes(content)
    with Store.open(path) as store:
        assert len(store.cells("a/b")) == 60


@pytest.mark.parametrize(
    "junk", [b"x", b"width,depth\n4,1\n", b"\x00" * 5000, os.urandom(5000), b"SQLite format 2\x00" + b"\x00" * 200]
)
def test_junk_is_not_touched(tmp_path: Path, junk: bytes) -> None:
    path = tmp_path / "data.csv"
    path.write_bytes(junk)
    refused(path, "is not a store of regimes", "name another file")


def test_another_program_s_database_is_not_touched(tmp_path: Path) -> None:
    path = tmp_path / "photos.sqlite"
    other = sqlite3.connect(path)
    other.execute("PRAGMA journal_mode=WAL")
    other.execute("CREATE TABLE cells (photo)")
    other.commit()
    refused(path, "is not a store of regimes")
    other.close()
    refused(path, "is not a store of regimes")


def test_a_newer_schema(tmp_path: Path) -> None:
    path = filled(tmp_path / "maps.sqlite")
    change(path, "PRAGMA user_version=3")
    refused(path, "was written by schema 3; this regimes reads up to 2: upgrade regimes")


def test_a_missing_table(tmp_path: Path) -> None:
    path = filled(tmp_path / "maps.sqlite")
    change(path, "DROP TABLE controls")
    refused(path, "is damaged (a table is missing)")


def change(path: Path, statement: str) -> None:
    connection = sqlite3.connect(path)
    connection.execute(statement)
    connection.commit()
    connection.close()


@pytest.mark.parametrize("page", [1, 3, 6])
def test_a_damaged_page(tmp_path: Path, page: int) -> None:
    path = filled(tmp_path / "maps.sqlite")
    content = bytearray(path.read_bytes())
    start = page * 4096
    content[start : start + 4096] = bytes(reversed(range(256))) * 16
    path.write_bytes(content)
    refused(path, "is damaged", "restore it from a copy")


def test_missing_files_and_folders(tmp_path: Path) -> None:
    refused(tmp_path / "none.sqlite", "there is no store", "regimes map --store", create=False)
    assert not (tmp_path / "none.sqlite").exists()
    refused(tmp_path / "nowhere" / "maps.sqlite", "does not exist; make it", create=True)
    assert not (tmp_path / "nowhere").exists()
    refused(tmp_path, "is a folder; name a file in it")
    (tmp_path / "file").write_text("")
    refused(tmp_path / "file" / "maps.sqlite", "lies in a file, not in a folder")
    assert (tmp_path / "file").read_text() == ""


def test_a_folder_that_cannot_be_written() -> None:
    # Tests may run as root, whom permissions do not stop; no user makes a file in /proc.
    if not Path("/proc").is_dir():
        pytest.skip("needs /proc")
    refused(Path("/proc/maps.sqlite"), "cannot be opened")


def test_a_full_disk(tmp_path: Path) -> None:
    path = filled(tmp_path / "maps.sqlite", cells=3)
    with Store.open(path) as store:
        store._connection.execute("PRAGMA max_page_count=16")
        with pytest.raises(StoreError, match=r"maps\.sqlite cannot grow: the disk is full; free some space"):
            for index in range(1000):
                put(store, index)
        kept = len(store.cells("a/b"))
        assert kept >= 3
    with Store.open(path) as store:
        assert len(store.cells("a/b")) == kept
        assert put(store, 5000)


def test_writing_to_a_store_opened_to_be_read(tmp_path: Path) -> None:
    path = filled(tmp_path / "maps.sqlite")
    with Store.open(path, read_only=True) as store:
        assert len(store.cells("a/b")) == 60
        with pytest.raises(StoreError, match="opened to be read only"):
            put(store, 100)


def test_a_store_locked_by_another_process(tmp_path: Path) -> None:
    path = filled(tmp_path / "maps.sqlite")
    holder = sqlite3.connect(path, isolation_level=None)
    holder.execute("BEGIN IMMEDIATE")
    with Store.open(path, timeout=0.1) as store:
        assert len(store.cells("a/b")) == 60
        with pytest.raises(StoreError, match="is locked by another process; wait"):
            put(store, 100)
        holder.execute("ROLLBACK")
        assert put(store, 100)
    holder.close()


def test_a_draft_left_by_a_killed_process_is_no_obstacle(tmp_path: Path) -> None:
    (tmp_path / ".maps.sqlite.01234567").write_bytes(b"SQLite format 3\x00")
    path = filled(tmp_path / "maps.sqlite")
    with Store.open(path, create=True) as store:
        assert len(store.cells("a/b")) == 60


def write(path: Path, first: int, count: int) -> None:
    """Puts cells, as a process of its own."""
    with Store.open(path, create=True, timeout=30) as store:
        store.put_claim({"id": "a/b", "fingerprint": "f1"})
        for index in range(first, first + count):
            put(store, index)


def test_reading_and_writing_at_the_same_time(tmp_path: Path) -> None:
    path = tmp_path / "maps.sqlite"
    filled(path, cells=1)
    context = multiprocessing.get_context("spawn")
    writers = [context.Process(target=write, args=(path, first, 150)) for first in (1000, 2000)]
    for writer in writers:
        writer.start()
    seen = [1]
    while any(writer.is_alive() for writer in writers):
        with Store.open(path, read_only=True) as store:
            seen.append(len(store.cells("a/b")))
    for writer in writers:
        writer.join()
        assert writer.exitcode == 0
    assert seen == sorted(seen)
    assert len(set(seen)) > 2
    with Store.open(path, read_only=True) as store:
        assert len(store.cells("a/b")) == 301


FILL = """
import resource, sys
from regimes.sweep.store import CellKey, Store, StoreError, settings_key

path, limit = sys.argv[1], int(sys.argv[2])
kept = 0
with Store.open(path, create=True) as store:
    store.put_claim({"id": "a/b", "fingerprint": "f1"})
    if limit:
        resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))
    try:
        for index in range(5000):
            key = CellKey("a/b", "f1", "ours", f'{{"width":{index}}}', 0, settings_key("float32", "cpu", 1e-6))
            store.put_cell(key, evidence={"verdict": "holds", "details": {"padding": "x" * 200}}, inside=True,
                           premise_boundary=None, exact_boundary=None, seconds=0.1, run="r")
            kept += 1
    except StoreError as raised:
        print(raised)
    print(len(store.cells("a/b")))
with Store.open(path, read_only=True) as store:
    print(kept, len(store.cells("a/b")))
"""


def test_a_file_that_may_not_grow_any_more(tmp_path: Path) -> None:
    path = tmp_path / "maps.sqlite"
    ran = subprocess.run([sys.executable, "-c", FILL, path, "200000"], capture_output=True, text=True, timeout=60)
    sentence, inside, after = ran.stdout.splitlines()
    assert "maps.sqlite cannot be read or written" in sentence or "maps.sqlite cannot grow" in sentence
    assert after.split() == [inside, inside], "a cell was lost, or half a cell was kept"
    with Store.open(path) as store:
        assert len(store.cells("a/b")) == int(inside) > 20
        assert put(store, 5000)


def test_a_disk_that_is_really_full(tmp_path: Path) -> None:
    """A file system of 1 MB, in a mount namespace of its own."""
    mount = f"mount -t tmpfs -o size=1m full {tmp_path}"
    if not shutil.which("unshare") or subprocess.run(["unshare", "-rm", "sh", "-c", mount], capture_output=True).returncode:
        pytest.skip("needs a mount namespace for a small file system")
    script = f'{mount} && "$@"'
    command = ["unshare", "-rm", "sh", "-c", script, "sh", sys.executable, "-c", FILL, str(tmp_path / "maps.sqlite"), "0"]
    ran = subprocess.run(command, capture_output=True, text=True, timeout=60)
    sentence, inside, after = ran.stdout.splitlines()
    assert "maps.sqlite cannot grow: the disk is full; free some space and run again, what was finished is kept" in sentence
    assert after.split() == [inside, inside]
    assert int(inside) > 20


@contextmanager
def a_user_without_rights() -> Iterator[None]:
    """Permissions do not stop root, so root becomes somebody else for a while."""
    if os.geteuid() != 0:
        yield
        return
    os.seteuid(65534)
    try:
        yield
    finally:
        os.seteuid(0)


@pytest.mark.parametrize("folder_too", [False, True])
def test_a_file_that_gives_no_permission_to_write(folder_too: bool) -> None:
    with tempfile.TemporaryDirectory() as name:  # pytest's own folders are closed to other users
        path = filled(Path(name) / "maps.sqlite")
        content = path.read_bytes()
        path.chmod(0o444)
        Path(name).chmod(0o555 if folder_too else 0o777)
        with a_user_without_rights():
            with pytest.raises(StoreError, match=r"maps\.sqlite cannot be written; .* permission: give it"):
                with Store.open(path) as store:
                    put(store, 100)
            with Store.open(path, read_only=True) as store:
                assert len(store.cells("a/b")) == 60
        Path(name).chmod(0o755)
        assert path.read_bytes() == content
        if folder_too:
            assert os.listdir(name) == ["maps.sqlite"]


def test_a_page_that_is_damaged_while_the_store_is_open(tmp_path: Path) -> None:
    path = filled(tmp_path / "maps.sqlite", cells=400)
    with Store.open(path) as store:
        store._connection.execute("PRAGMA cache_size=0")
        content = bytearray(path.read_bytes())
        content[20 * 4096 : 21 * 4096] = bytes(reversed(range(256))) * 16
        path.write_bytes(content)
        with pytest.raises(StoreError, match=r"maps\.sqlite is damaged; restore it from a copy, or save what is intact: `regimes recover "):
            store.cells("a/b")
        assert [claim["id"] for claim in store.claims()] == ["a/b"]
        assert store.has_cell(key(0))
    refused(path, "is damaged", "restore it from a copy")
