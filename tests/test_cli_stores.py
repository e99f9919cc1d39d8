from __future__ import annotations

import csv
import json
import shutil
import sqlite3
from pathlib import Path

import pytest

from regimes.sweep.store import Store
from test_cli import in_process

HEADS = "doe2020coins/heads-are-likely"


@pytest.fixture(scope="module")
def shelf(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a map of the toy paper (true.sqlite), one of a bug (bug.sqlite), and three shards."""
    from regimes.cli import main
    from toy_paper import TOY

    folder = tmp_path_factory.mktemp("shelf")
    claims = folder / "claims"
    claims.mkdir()
    file = claims / "doe2020coins.py"

    def mapped(store: str, *options: str) -> None:
        with pytest.raises(SystemExit):
            main(("map", "--claims", str(claims), "--store", str(folder / store), "--profile", "quick", *options))

    file.write_text(TOY)
    mapped("true.sqlite")
    mapped("other.sqlite", "--seed", "5")
    for k in (1, 2, 3):
        mapped(f"shard{k}.sqlite", "--shard", f"{k}/3")
    file.write_text(TOY.replace("at_least=0.9", "at_least=0.8"))
    mapped("version.sqlite")
    file.write_text(TOY.replace("1 - 1 / case.width**2\n\n\ndef bent", "0.7\n\n\ndef bent"))
    mapped("bug.sqlite")
    return folder


@pytest.fixture
def here(shelf: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of the shelf as the current folder."""
    for file in shelf.glob("*.sqlite"):
        shutil.copy(file, tmp_path)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def content(path: Path) -> dict:
    """What a store holds, without the clock and the names of runs."""
    with Store.open(path, read_only=True) as store:
        found = store.export()
    for claim in found["claims"]:
        for row in (*claim["cells"], *claim["controls"]):
            row["seconds"] = row["run"] = None
        claim["controls"].sort(key=lambda row: row["control"])
    return {"claims": found["claims"], "runs": len(found["runs"])}


def test_merged_shards_are_the_whole_map_in_any_order(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    names = [f"shard{k}.sqlite" for k in (1, 2, 3)]
    for out, order in (("a", (0, 1, 2)), ("b", (2, 0, 1)), ("c", (1, 1, 2, 0))):
        status, said, _ = in_process("merge", out, *(names[k] for k in order), "--json", capsys=capsys)
        assert (status, json.loads(said)["added"]) == (0, 12)
        assert content(Path(out))["claims"] == content(Path("true.sqlite"))["claims"]
    with Store.open("a") as one, Store.open("b") as other:
        assert one.export() == other.export()
    # One after the other into one that is there.
    for name in reversed(names):
        assert in_process("merge", "d", name, capsys=capsys)[0] == 0
    assert content(Path("d")) == content(Path("a"))
    assert "0 cells and thresholds joined" in in_process("merge", "d", *names, capsys=capsys)[1]


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("merge", "new", "true.sqlite", "version.sqlite"), "different versions of doe2020coins/heads-are-likely"),
        (("merge", "true.sqlite", "shard1.sqlite", "version.sqlite"), "different versions"),
        (("merge", "true.sqlite", "shard1.sqlite", "true.sqlite"), "leave it out of the stores to be joined"),
        (("merge", "true.sqlite", "shard1.sqlite", "none.sqlite"), "there is no store none.sqlite"),
        (("merge", "true.sqlite", "shard1.sqlite", "junk"), "junk is not a store of regimes"),
        (("merge", "nowhere/new", "shard1.sqlite"), "the folder nowhere of store new does not exist"),
        (("merge", "new"), "Missing argument"),
        (("diff", "true.sqlite", "none.json"), "there is no baseline or store none.json"),
        (("diff", "true.sqlite", "junk"), "junk is neither a store nor a baseline"),
        (("diff", "true.sqlite", "."), "cannot be read"),
        (("gate", "--store", "true.sqlite", "--baseline", "none.json"), "--update` makes a baseline"),
        (("gate", "--store", "none.sqlite", "--baseline", "b.json"), "there is no store none.sqlite"),
        (("gate", "--store", "true.sqlite", "--baseline", "other.json"), "other.json is neither a store nor a baseline"),
        (("gate", "--store", "true.sqlite", "--baseline", "other.json", "--update"), "neither a store nor a baseline"),
        (("gate", "--store", "true.sqlite", "--baseline", "bug.sqlite", "--update"), "is not a baseline and is left as it is"),
        (("gate", "--store", "true.sqlite", "--baseline", "nowhere/b.json", "--update"), "nowhere/b.json cannot be written"),
        (("gate", "--store", "true.sqlite", "--baseline", "new.json"), "was written by schema 9; this regimes reads schema 1"),
        (("gate", "--store", "true.sqlite", "--baseline", "damaged.json"), "damaged.json is damaged (it lacks 'cells')"),
        (("gate", "--store", "true.sqlite", "--baseline", "cut.json"), "cut.json is neither a store nor a baseline"),
        (("gate", "--store", "true.sqlite", "--baseline", "empty.json"), "have no cell, no control and no measured threshold in common"),
        (("gate", "--store", "true.sqlite", "--baseline", "true.sqlite", "--summary", "."), "is a folder"),
        (("export", "--store", "true.sqlite", "--format", "json", "--table", "controls", "--out", "t"), "leave out --table controls"),
        (("export", "--store", "true.sqlite", "--table", "runs", "--out", "t"), "'runs' is not one of"),
        (("export", "--store", "true.sqlite", "--format", "xls", "--out", "t"), "'xls' is not one of"),
        (("export", "--store", "true.sqlite", "--out", "nowhere/t.csv"), "nowhere/t.csv cannot be written"),
        (("export", "--store", "none.sqlite", "--out", "t.csv"), "there is no store none.sqlite"),
    ],
)
def test_bad_input_is_one_sentence_and_nothing_is_lost(
    here: Path, capsys: pytest.CaptureFixture[str], arguments: tuple[str, ...], sentence: str
) -> None:
    head = '{"schema": 1, "kind": "regimes baseline", "versions": {}, "claims": ['
    about = '"id": "a/b", "reference": "", "citation": "", "fingerprint": "f", "x": "width"'
    for name, text in (
        ("junk", "junk"), ("other.json", '{"name": "package"}'), ("cut.json", head), ("empty.json", head + "]}"),
        ("new.json", head.replace("1", "9", 1) + "]}"), ("damaged.json", head + "{" + about + "}]}"),
    ):  # fmt: skip
        Path(name).write_text(text)
    before = {path.name: path.read_bytes() for path in here.iterdir()}
    status, out, err = in_process(*arguments, capsys=capsys)
    assert (status, out) == (2, "")
    assert sentence in err
    assert len(err.splitlines()) == 1
    assert {path.name: path.read_bytes() for path in here.iterdir()} == before


def test_a_full_disk_while_merging_keeps_what_was_there(here: Path) -> None:
    from regimes.sweep import merge, store

    before = content(Path("shard1.sqlite"))
    connect = store.connect

    def small(path: Path, read_only: bool, timeout: float) -> sqlite3.Connection:
        connection = connect(path, read_only, timeout)
        if not read_only:
            pages = connection.execute("PRAGMA page_count").fetchone()[0]
            connection.execute(f"PRAGMA max_page_count={pages}")
        return connection

    with pytest.MonkeyPatch.context() as patched, pytest.raises(store.StoreError, match="the disk is full; free some space and run again"):
        patched.setattr(store, "connect", small)
        merge.merge(Path("shard1.sqlite"), [Path("true.sqlite"), Path("other.sqlite")])
    assert content(Path("shard1.sqlite")) == before
    assert merge.merge(Path("shard1.sqlite"), [Path("true.sqlite"), Path("other.sqlite")]) > 0


def test_a_store_without_a_verdict_makes_no_baseline(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with Store.open(Path("empty.sqlite"), create=True):
        pass
    status, out, err = in_process("gate", "--store", "empty.sqlite", "--baseline", "b.json", "--update", capsys=capsys)
    assert (status, out) == (2, "")
    assert err == "regimes: the store empty.sqlite has nothing to hold code to; run `regimes map` into it first\n"
    assert not Path("b.json").exists()


def test_gate_update_diff_and_fall(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    gate = ("gate", "--baseline", "b.json", "--store")
    assert in_process(*gate, "true.sqlite", "--update", capsys=capsys) == (0, "baseline b.json written\n", "")
    first = Path("b.json").read_bytes()
    assert in_process(*gate, "true.sqlite", "--update", capsys=capsys)[0] == 0
    assert Path("b.json").read_bytes() == first
    for store in ("true.sqlite", "other.sqlite"):
        status, out, _ = in_process(*gate, store, "--complete", capsys=capsys)
        assert status == 0
        assert "compared 12 cells and 5 controls of 2 claims; a false alarm has probability at most" in out
        assert out.endswith("the gate holds: no regression against b.json\n")
    assert in_process("diff", "b.json", "true.sqlite", capsys=capsys)[1].startswith("no verdict, threshold, control or claim")
    status, out, err = in_process(*gate, "bug.sqlite", "--summary", "s.md", capsys=capsys)
    assert (status, err) == (1, "")
    assert f"REGRESSION: {HEADS} (Theorem 1 of J. Doe. Coins. arXiv 2001.00001 (2020)) held at" in out
    assert "the gate falls: 10 regressions against b.json; accept what is meant with --update" in out
    summary = Path("s.md").read_text()
    assert summary.startswith("## regimes: the gate falls\n")
    rows = [line for line in summary.splitlines() if line.startswith("|")]
    assert all(line.replace("\\|", "").count("|") in (3, 4) for line in rows)
    status, out, _ = in_process(*gate, "bug.sqlite", "--json", capsys=capsys)
    data = json.loads(out)
    assert (status, data["schema"], data["status"], len(data["regressions"])) == (1, 1, 1, 10)
    assert data["compared"] == {"claims": 2, "cells": 12, "controls": 5, "thresholds": 0}
    assert data["regressions"][0]["where"] == {"case": {"depth": 1, "width": 4}, "subject": "doe2020coins:coin"}
    assert [row["after"] for row in data["thresholds"]] == [None, None]
    status, out, _ = in_process("diff", "b.json", "bug.sqlite", "--json", capsys=capsys)
    assert status == 0
    assert {name: json.loads(out)[name] for name in ("cells", "thresholds")} == {name: data[name] for name in ("cells", "thresholds")}
    status, out, _ = in_process(*gate, "bug.sqlite", "--update", capsys=capsys)
    assert (status, out.splitlines()[-1]) == (0, "baseline b.json written")
    assert in_process(*gate, "bug.sqlite", capsys=capsys)[0] == 0
    # A shard has a part of the cells: said, and a reason to fall only if asked for.
    assert in_process(*gate, "shard1.sqlite", capsys=capsys)[0] == 0
    assert in_process(*gate, "shard1.sqlite", "--complete", capsys=capsys)[0] == 1


def test_thresholds_are_gated(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    from toy_paper import TOY

    monkeypatch.chdir(tmp_path)
    Path("claims").mkdir()

    def searched(store: str, coin: str, *options: str) -> int:
        Path("claims", "doe2020coins.py").write_text(TOY.replace("< 1 - 1 / case.width**2\n\n\ndef bent", f"< {coin}\n\n\ndef bent"))
        search = ("map", HEADS, "--claims", "claims", "--threshold", "width", "--grid", "width=2:64", "--profile", "quick", "--store")
        return in_process(*search, store, *options, capsys=capsys)[0]

    assert searched("true.sqlite", "1 - 1 / case.width**2") == 0
    assert searched("other.sqlite", "1 - 1 / case.width**2", "--seed", "3", "--resolution", "grid") == 0
    assert searched("bug.sqlite", "(1 - 36 / case.width**2 if case.width > 6 else 0.1)") == 1
    gate = ("gate", "--baseline", "b.json", "--store")
    assert in_process(*gate, "true.sqlite", "--update", capsys=capsys)[0] == 0
    status, out, _ = in_process(*gate, "other.sqlite", "--complete", capsys=capsys)
    assert (status, "compared 0 cells, 0 controls and 2 thresholds of 1 claim" in out) == (0, True)
    status, out, _ = in_process(*gate, "bug.sqlite", "--summary", "s.md", capsys=capsys)
    assert (status, out.count("REGRESSION")) == (1, 2)
    assert "where it is promised, in the search for its threshold, which met no such place: P >= 0.9" in out
    assert "| refuted |" in Path("s.md").read_text()
    status, out, _ = in_process("diff", "true.sqlite", "bug.sqlite", "--json", capsys=capsys)
    assert [(row["row"], row["moved"]) for row in json.loads(out)["brackets"]] == [({"depth": depth}, "worse") for depth in (1, 2)]
    out = in_process("diff", "bug.sqlite", "b.json", capsys=capsys)[1]
    assert out.count("(better, beyond its intervals)") == 2


def test_a_baseline_that_cannot_be_written_stays_as_it_was(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from regimes import files
    from regimes.gate import baseline

    known = baseline.load(Path("true.sqlite"))
    baseline.write(known, Path("b.json"))
    before, names = Path("b.json").read_bytes(), sorted(path.name for path in here.iterdir())

    def full(file: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(files.os, "fsync", full)
    with pytest.raises(files.FileError, match=r"the baseline b\.json cannot be written \(No space left on device\)"):
        baseline.write(baseline.load(Path("bug.sqlite")), Path("b.json"))
    assert Path("b.json").read_bytes() == before
    assert sorted(path.name for path in here.iterdir()) == names


def test_a_baseline_survives_its_own_file(here: Path) -> None:
    from dataclasses import replace

    from regimes.gate import baseline

    known = baseline.load(Path("true.sqlite"))
    claim = known.claims[HEADS]
    odd = [{**claim.cells[0], "seed": 2**70, "premise_boundary": float("inf"), "interval": [None, 0.5], "reason": None}]
    known = replace(known, claims={**known.claims, HEADS: replace(claim, cells=odd, reference="Théorème \"1\"\n")})
    baseline.write(known, Path("b.json"))
    read = baseline.load(Path("b.json"))
    assert read.claims[HEADS].cells == odd
    assert read.claims[HEADS].reference == 'Théorème "1"\n'
    assert baseline.text(read) == Path("b.json").read_text()


def test_export(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for form in ("csv", "json"):
        assert in_process("export", "--store", "true.sqlite", "--format", form, "--out", f"t.{form}", capsys=capsys)[0] == 0
    with open("t.csv", newline="") as file:
        rows = list(csv.DictReader(file))
    data = json.loads(Path("t.json").read_text())
    assert (data["schema"], len(data["cells"]), len(data["controls"]), len(data["runs"])) == (1, 12, 5, 2)
    assert len(rows) == 12
    assert set(rows[0]) == set(data["cells"][0])
    for row, cell in zip(rows, data["cells"], strict=True):
        assert (row["claim"], row["verdict"], row["dtype"]) == (cell["claim"], cell["verdict"], "float32")
        assert float(row["width"]) == cell["width"]
        assert row["depth"] == ("" if cell["depth"] is None else str(cell["depth"]))
        assert float(row["low"]) == cell["low"]
    assert {one["witness"]["width"] for one in data["controls"]} >= {2}


def test_export_of_controls(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert in_process("export", "--store", "true.sqlite", "--table", "controls", "--out", "c.csv", capsys=capsys)[0] == 0
    with open("c.csv", newline="") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 5
    assert {json.loads(row["witness"])["width"] for row in rows} >= {2}


@pytest.fixture
def searched(tmp_path: Path) -> Path:
    """A store with two thresholds."""
    from regimes.sweep.store import ThresholdKey, settings_key

    store = tmp_path / "maps.sqlite"
    found = {"side": "least", "refuted": 3, "holds": 4, "undecided": 0, "premise_boundary": 8.0, "exact_boundary": None,
             "evidence": {"judged": [], "against": [64, 65], "scouts": 7}, "replicates": 2000, "error": 1e-9}  # fmt: skip
    with Store.open(store, create=True) as opened:
        opened.put_claim({"id": HEADS, "fingerprint": "f", "kind": "probability", "reference": "Theorem 1"})
        for depth in (1, 2):
            key = ThresholdKey(HEADS, "f", "coin", "width", f'{{"depth":{depth},"side":0.5}}', "2 to 64", 0, settings_key("float32", "cpu", 1e-6))
            opened.put_threshold(key, {**found, "refuted": None if depth == 2 else 3}, seconds=1.5, run="r")
    return store


def test_export_of_thresholds(searched: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "t.csv"
    assert in_process("export", "--store", str(searched), "--table", "thresholds", "--out", str(out), capsys=capsys)[0] == 0
    with out.open(newline="") as file:
        first, other = csv.DictReader(file)
    assert (first["claim"], first["depth"], first["row.side"], first["side"]) == (HEADS, "1", "0.5", "least")
    assert (float(first["refuted"]), float(first["holds"]), float(first["ratio"]), other["refuted"]) == (3, 4, 2, "")
    assert (first["sampler"], first["against"], first["scouts"], first["dtype"]) == ("direct", "64, 65", "7", "float32")
    pandas = pytest.importorskip("pandas")
    table = pandas.read_csv(out)
    assert table["holds"].tolist() == [4, 4]
    assert table["refuted"].isna().tolist() == [False, True]


def test_export_of_thresholds_to_parquet(searched: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    parquet = pytest.importorskip("pyarrow.parquet")
    out = tmp_path / "t.parquet"
    export = ("export", "--store", str(searched), "--table", "thresholds", "--format", "parquet", "--out", str(out))
    assert in_process(*export, capsys=capsys)[0] == 0
    table = parquet.read_table(out).to_pydict()
    assert (table["replicates"], table["refuted"], table["axis"]) == ([2000, 2000], [3, None], ["width", "width"])


def test_export_to_parquet(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    try:
        import pyarrow.parquet as parquet
    except ImportError:
        status, _, err = in_process("export", "--store", "true.sqlite", "--format", "parquet", "--out", "t", capsys=capsys)
        assert (status, err.count("\n")) == (2, 1)
        assert "Parquet needs pyarrow, which is not installed; `pip install pyarrow`" in err
        assert not Path("t").exists()
        return
    from regimes.report.table import to_parquet

    with Store.open("true.sqlite") as store:
        store._connection.execute("UPDATE cells SET seed = ? WHERE claim = ?", (str(2**70), HEADS))
        Path("t").write_bytes(to_parquet(store))
    table = parquet.read_table("t")
    assert table.num_rows == 12
    assert set(table["verdict"].to_pylist()) == {"holds", "refuted"}
    assert str(2**70) in table["seed"].to_pylist()


def test_a_report_is_the_same_however_its_store_came_to_be(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for name, order in (("a", "123"), ("b", "312")):
        assert in_process("merge", f"{name}.sqlite", *(f"shard{k}.sqlite" for k in order), capsys=capsys)[0] == 0
    shutil.copy("a.sqlite", "copied.sqlite")
    reports = []
    for name in ("a", "copied", "b"):
        assert in_process("report", "--store", f"{name}.sqlite", "--out", f"report-{name}", capsys=capsys)[0] == 0
        folder = here / f"report-{name}"
        reports.append({str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()})
    assert reports[0] == reports[1]
    assert [name for name, content in reports[2].items() if content != reports[0].get(name)] == []
    assert any(name.endswith(".pdf") for name in reports[0])
