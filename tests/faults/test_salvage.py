"""Stores damaged in every place: what is recovered equals the original row for row, or there is one sentence."""

from __future__ import annotations

import os
import shutil
import sqlite3
import subprocess
import sys
from itertools import pairwise
from pathlib import Path

import pytest
from coin_bench import CELLS, Bench
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from regimes.catalogue import load_claims
from regimes.engine import Settings
from regimes.gate.snapshot import of_store
from regimes.report.model import views
from regimes.sweep.run import run_map
from regimes.sweep.salvage import Salvaged, intact, salvage
from regimes.sweep.store import TABLES, CellKey, Store, StoreError, ThresholdKey, settings_key

SETTINGS = settings_key("float32", "cpu", 1e-6)
PAGE = 4096
JUNK = {
    "junk": bytes(reversed(range(256))) * 16, "zeros": bytes(PAGE), "ones": b"\xff" * PAGE, "a leaf's head": b"\x0d" + bytes(range(1, 256)) * 16 + bytes(15),
    "text": b'{"a":1},' * 512,
}  # fmt: skip
Rows = dict[str, list[tuple]]


def filled(path: Path, cells: int = 120) -> Path:
    """A store with all sorts of rows: long ones on chains of pages, and some that were written again."""
    with Store.open(path, create=True) as store:
        run = store.start_run({"versions": {"regimes": "0"}})
        for name in ("a/b", "a/c"):
            for fingerprint in ("old", "f1"):
                store.put_claim({"id": name, "fingerprint": fingerprint, "axes": [{"name": "width"}], "source": "é" * 4000 * (1 + len(fingerprint))})
        for index in range(cells):
            key = CellKey("a/b", "f1", "ours", f'{{"width":{index}}}', 0, SETTINGS)
            for verdict, replicates in (("undecided", 10), ("holds", 10_000)) if index % 5 == 0 else (("refuted", 500),):
                evidence = {"verdict": verdict, "replicates": replicates, "details": {"trace": list(range(index, index + (900 if index % 17 == 3 else 40)))}}
                store.put_cell(key, evidence=evidence, inside=index > 50, premise_boundary=50.0, exact_boundary=None, seconds=0.1, run=run)
        for index in range(6):
            store.put_control(claim="a/b", fingerprint="f1", control=f"wrong {index}", seed=2**70, settings=SETTINGS, verdict="killed",
                              case={"width": 3}, evidence=None, cases=index, seconds=1, run=run)  # fmt: skip
        for depth in range(4):
            threshold = {"side": "least", "refuted": 4, "holds": 5, "undecided": 0, "premise_boundary": 50, "exact_boundary": 4.5, "replicates": 7,
                         "evidence": {"judged": [], "against": [], "scouts": 1}, "error": 1e-9}  # fmt: skip
            key = ThresholdKey("a/b", "f1", "ours", "width", f'{{"depth":{depth}}}', "1 to 9", 0, SETTINGS)
            store.put_threshold(key, threshold, seconds=3, run=run)
        store.finish_run(run)
    return path


def rows_of(path: Path) -> Rows:
    connection = sqlite3.connect(path)
    try:
        return {table: connection.execute(f"SELECT * FROM {table} ORDER BY rowid").fetchall() for table in TABLES}
    finally:
        connection.close()


def recovered(damaged: Path, out: Path) -> Rows | None:
    """The rows of the store that is recovered, None if there is a sentence instead; the damaged file stays as it is."""
    out.unlink(missing_ok=True)
    before, names = damaged.read_bytes(), sorted(os.listdir(damaged.parent))
    try:
        found = salvage(damaged, out)
    except StoreError as raised:
        assert "\n" not in str(raised) and damaged.name in str(raised)
        assert sorted(os.listdir(damaged.parent)) == names
        return None
    finally:
        assert damaged.read_bytes() == before
    Store.open(out, read_only=True).close()
    rows = rows_of(out)
    assert {table: len(rows[table]) for table in TABLES} == dict(found.kept)
    return rows


def saved(damaged: Path) -> Rows | None:
    """The rows that would be recovered, without making a store of them."""
    try:
        return intact(damaged)[0]
    except StoreError:
        return None


def lost(original: Rows, rows: Rows) -> int:
    """How many rows are missing; none may be another one, nor be there twice."""
    for table, found in rows.items():
        kept = iter(original[table])
        assert all(row in kept for row in found), f"{table} has a row that was not there, or in another order"
    return sum(len(original[table]) - len(rows[table]) for table in TABLES)


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return filled(tmp_path_factory.mktemp("store") / "maps.sqlite")


@pytest.fixture(scope="module")
def original(store: Path) -> Rows:
    rows = rows_of(store)
    assert {table: len(found) for table, found in rows.items()} == {"runs": 1, "claims": 2, "cells": 120, "controls": 6, "thresholds": 4}
    return rows


def test_an_undamaged_store_is_recovered_whole(store: Path, original: Rows, tmp_path: Path) -> None:
    assert salvage(store, tmp_path / "new.sqlite").dropped == 0
    assert rows_of(tmp_path / "new.sqlite") == original
    with Store.open(store, read_only=True) as one, Store.open(tmp_path / "new.sqlite", read_only=True) as other:
        assert one.export() == other.export()


@pytest.mark.parametrize("junk", JUNK)
def test_junk_over_each_page_in_turn(store: Path, original: Rows, tmp_path: Path, junk: str) -> None:
    content, path = store.read_bytes(), tmp_path / "maps.sqlite"
    pages = len(content) // PAGE
    assert pages > 60
    losses = {}
    for page in range(1, pages):
        path.write_bytes(content[: page * PAGE] + JUNK[junk] + content[(page + 1) * PAGE :])
        rows = recovered(path, tmp_path / "new.sqlite") if junk == "junk" else saved(path)
        assert rows is not None
        losses[page] = lost(original, rows)
        # Indexes and inner pages of trees hold no row of their own.
        assert content[page * PAGE] not in (0x02, 0x05, 0x0A) or losses[page] == 0
    assert sum(losses.values()) >= sum(map(len, original.values())), "each row lies on some page"
    assert max(losses.values()) < 20
    path.write_bytes(JUNK[junk] + content[PAGE:])
    assert recovered(path, tmp_path / "new.sqlite") is None


def test_a_page_that_was_written_to_the_place_of_another(store: Path, original: Rows, tmp_path: Path) -> None:
    content, path = store.read_bytes(), tmp_path / "maps.sqlite"
    leaves = [page for page in range(1, len(content) // PAGE) if content[page * PAGE] == 0x0D]
    for page, other in pairwise(leaves):
        path.write_bytes(content[: page * PAGE] + content[other * PAGE : (other + 1) * PAGE] + content[(page + 1) * PAGE :])
        rows = saved(path)
        assert rows is not None
        assert 0 < lost(original, rows) < 20


@pytest.mark.parametrize("fill", [0x00, 0xFF])
def test_a_sector_lost_anywhere(store: Path, original: Rows, tmp_path: Path, fill: int) -> None:
    content, path = store.read_bytes(), tmp_path / "maps.sqlite"
    for start in range(0, len(content), 512):
        path.write_bytes(content[:start] + bytes([fill]) * 512 + content[start + 512 :])
        rows = saved(path)
        assert rows is not None or start == 0
        assert rows is None or lost(original, rows) < 20


def test_a_store_cut_short(store: Path, original: Rows, tmp_path: Path) -> None:
    content, path = store.read_bytes(), tmp_path / "maps.sqlite"
    losses = []
    for share in (0.0, 0.0001, 0.002, 0.02, 0.1, 0.33, 0.5, 0.77, 0.9, 0.999):
        path.write_bytes(content[: int(share * len(content))])
        rows = recovered(path, tmp_path / "new.sqlite")
        assert (rows is None) == (share < 0.03)
        losses += [] if rows is None else [lost(original, rows)]
    assert losses == sorted(losses, reverse=True)
    assert 0 < losses[-1] < 10 and losses[2] < 100


@settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.integers(0, PAGE), st.binary(min_size=1, max_size=300))
def test_junk_in_the_first_page(store: Path, original: Rows, tmp_path: Path, start: int, junk: bytes) -> None:
    content, path = store.read_bytes(), tmp_path / "maps.sqlite"
    path.write_bytes(content[:start] + junk + content[start + len(junk) :])
    rows = recovered(path, tmp_path / "new.sqlite")
    if rows is not None:
        lost(original, rows)


def test_rows_that_were_deleted_or_contradict_each_other_do_not_come_back(tmp_path: Path) -> None:
    path = filled(tmp_path / "maps.sqlite")
    connection = sqlite3.connect(path)
    connection.execute("DELETE FROM cells WHERE json_extract(\"case\", '$.width') > 20")
    connection.execute("UPDATE cells SET verdict = 'holds' WHERE json_extract(\"case\", '$.width') = 1")
    connection.commit()
    connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    connection.close()
    original = rows_of(path)
    rows = recovered(path, tmp_path / "new.sqlite")
    assert rows is not None
    # Its evidence says that it is refuted, its verdict that it holds.
    assert lost(original, rows) == 1
    assert len(rows["cells"]) == 20
    assert salvage(path, tmp_path / "again.sqlite") == Salvaged({"runs": 1, "claims": 2, "cells": 20, "controls": 6, "thresholds": 4}, 1)


@pytest.mark.parametrize("damage", ["none", "head", "middle", "end", "cut", "gone"])
def test_a_log_beside_the_store(tmp_path: Path, damage: str) -> None:
    """The writer is killed: the log holds what was not yet folded into the file."""
    path, out = tmp_path / "killed" / "maps.sqlite", tmp_path / "new.sqlite"
    path.parent.mkdir()
    writer = tmp_path / "writer.py"
    writer.write_text("import os, sys\nfrom pathlib import Path\nfrom test_salvage import filled\nfrom regimes.sweep.store import Store\n"
                      "Store.close = lambda self: os._exit(0)\nfilled(Path(sys.argv[1]))\n")  # fmt: skip
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(Path(__file__).parent), *sys.path])}
    subprocess.run([sys.executable, str(writer), str(path)], check=True, env=environment, timeout=60)
    log = Path(f"{path}-wal")
    content = bytearray(log.read_bytes())
    assert len(content) > 100_000
    shutil.copytree(path.parent, tmp_path / "whole")
    original = rows_of(tmp_path / "whole" / "maps.sqlite")
    places = {"head": 0, "middle": len(content) // 2, "end": len(content) - 2000}
    if damage in places:
        content[places[damage] : places[damage] + 1500] = bytes(range(250)) * 6
    log.write_bytes(content[: len(content) // 3] if damage == "cut" else content)
    if damage == "gone":
        log.unlink()
    shutil.copytree(path.parent, tmp_path / "judged")
    rows = recovered(path, out)
    # SQLite leaves out what follows the last whole transaction: the store is what it was then.
    expected = rows_of(tmp_path / "judged" / "maps.sqlite")
    assert (rows or {table: [] for table in TABLES}) == expected
    assert (expected == original) == (damage == "none")


def test_what_is_recovered_is_resumed_reported_and_gated(
    bench: Bench, uninterrupted: dict[str, dict], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from regimes.cli import main

    monkeypatch.setenv("COMPUTED", str(bench.computed))
    monkeypatch.setenv("CELL_SECONDS", "0")
    with Store.open(bench.store, create=True) as store:
        run_map(load_claims(bench.claims), store, Settings(device="cpu"))
    content = bytearray(bench.store.read_bytes())
    leaves = [page for page in range(1, len(content) // PAGE) if content[page * PAGE] == 0x0D and b'"verdict"' in content[page * PAGE : (page + 1) * PAGE]]
    content[leaves[1] * PAGE : (leaves[1] + 1) * PAGE] = JUNK["junk"]
    bench.store.write_bytes(content)
    new = bench.store.with_name("recovered.sqlite")
    for arguments in (("map", "--claims", str(bench.claims), "--store", str(bench.store)), ("report", "--store", str(bench.store), "--out", "r")):
        with pytest.raises(SystemExit) as stop:
            main(arguments)
        assert stop.value.code == 2
        command = f"`regimes recover {bench.store} --out {new}`"
        assert command in capsys.readouterr().err
    with pytest.raises(SystemExit) as stop:
        main(command.strip("`").split()[1:])
    said = capsys.readouterr().out
    assert stop.value.code in (0, None)
    assert f"of {bench.store} recovered into {new}" in said and said.count("\n") == 1
    assert "what is lost, the next `regimes map` computes again" in said
    bench.store = new
    left = bench.stored()
    assert 0 < CELLS - len(left) < 20
    assert all(uninterrupted[name] == cell for name, cell in left.items())
    with Store.open(new, read_only=True) as store:
        assert [len(view.cells) for view in views(store)] == [len(left)]
        assert sum(len(claim.cells) for claim in of_store(store).claims.values()) == len(left)
    outcome = bench.resume()
    assert (outcome.computed, outcome.present) == (CELLS - len(left), len(left))
    assert bench.stored() == uninterrupted


@pytest.mark.parametrize(
    ("damaged", "out", "sentence"),
    [
        ("none.sqlite", "new.sqlite", "there is no store none.sqlite; name the damaged one"),
        (".", "new.sqlite", "cannot be read (Is a directory)"),
        ("photos", "new.sqlite", "photos is not a store of regimes, or its first page is damaged, so that nothing can be saved"),
        ("maps.sqlite", "photos", "photos is there already and is left as it is; name another file"),
        ("maps.sqlite", "maps.sqlite", "maps.sqlite is there already"),
        ("maps.sqlite", "nowhere/new.sqlite", "the folder nowhere of store new.sqlite does not exist"),
        ("newer.sqlite", "new.sqlite", "was written by schema 9"),
        ("empty.sqlite", "new.sqlite", "has no row that can be read whole"),
    ],
)
def test_bad_input_is_one_sentence_and_nothing_is_made(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], damaged: str, out: str, sentence: str
) -> None:
    from regimes.cli import main

    monkeypatch.chdir(tmp_path)
    filled(Path("maps.sqlite"), cells=3)
    Store.open("empty.sqlite", create=True).close()
    shutil.copy("maps.sqlite", "newer.sqlite")
    connection = sqlite3.connect("newer.sqlite")
    connection.execute("PRAGMA user_version=9")
    connection.commit()
    connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    connection.close()
    Path("photos").write_bytes(b"SQLite format 3\0" + bytes(8000))
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    with pytest.raises(SystemExit) as stop:
        main(("recover", damaged, "--out", out))
    said = capsys.readouterr()
    assert (stop.value.code, said.out) == (2, "")
    assert sentence in said.err and len(said.err.splitlines()) == 1
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == before


def test_a_full_disk_leaves_no_half_of_a_store(store: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from regimes.sweep import store as module

    connect = module.connect

    def small(path: Path, read_only: bool, timeout: float) -> sqlite3.Connection:
        connection = connect(path, read_only, timeout)
        connection.execute("PRAGMA max_page_count=16")
        return connection

    monkeypatch.setattr(module, "connect", small)
    with pytest.raises(StoreError, match="the disk is full"):
        salvage(store, tmp_path / "new.sqlite")
    assert list(tmp_path.iterdir()) == []
