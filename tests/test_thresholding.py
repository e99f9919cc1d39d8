from __future__ import annotations

import csv
import json
from pathlib import Path

import pytest

from regimes.sweep.store import Store
from regimes.thresholding import table
from test_cli import in_process, regimes

HEADS = "doe2020coins/heads-are-likely"


@pytest.fixture
def here(claim_folder: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of the toy paper's claims as the current one."""
    monkeypatch.chdir(claim_folder.parent)
    return claim_folder.parent


def mapped(*arguments: str, capsys: pytest.CaptureFixture[str]) -> tuple[int, str, str]:
    return in_process("map", "--profile", "quick", *arguments, capsys=capsys)


def test_a_table_of_thresholds_and_the_same_from_the_store(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    first = mapped("--store", "s.sqlite", "--threshold", "width", "--grid", "width=2:64", HEADS, capsys=capsys)
    assert first[0] == 0 and first[2] == ""
    lines = first[1].splitlines()
    assert lines[0] == f"{HEADS}: width in 2 to 64, step 1, 63 coordinates"
    assert lines[1].split() == ["refuted", "holds", "promised", "exact", "promised/measured", "replicates"]
    assert [line.split()[0] for line in lines[2:4]] == ["depth=1", "depth=2"]
    assert "2 thresholds found, 0 were there already, 0 rows left" in first[1]
    again = mapped("--store", "s.sqlite", "--threshold", "width", "--grid", "width=2:64", HEADS, "--json", capsys=capsys)
    data = json.loads(again[1])
    assert (data["computed"], data["present"], data["schema"]) == (0, 2, 1)
    assert {"claim", "row", "refuted", "holds", "side", "error", "evidence", "ratio"} <= data["thresholds"][0].keys()
    assert lines[2].split()[1:3] == [f"{data['thresholds'][0][end]:g}" for end in ("refuted", "holds")]


def test_stores_with_thresholds_are_merged_exported_compared_and_reported(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for k in (1, 2):
        status, out, _ = mapped("--store", f"{k}.sqlite", "--threshold", "width", "--grid", "depth=1,2,3,4", "--shard", f"{k}/2",
                                HEADS, capsys=capsys)  # fmt: skip
        assert status == 0 and "0 thresholds found" not in out
    mapped("--store", "1.sqlite", HEADS, "--no-controls", capsys=capsys)
    assert in_process("merge", "all.sqlite", "1.sqlite", "2.sqlite", capsys=capsys)[0] == 0
    assert in_process("export", "--store", "all.sqlite", "--format", "json", "--out", "t.json", capsys=capsys)[0] == 0
    exported = json.loads(Path("t.json").read_text())["thresholds"]
    assert [one["row"] for one in exported] == [{"depth": depth} for depth in (1, 2, 3, 4)]
    assert in_process("export", "--store", "all.sqlite", "--out", "t.csv", capsys=capsys)[0] == 0
    assert len(list(csv.DictReader(Path("t.csv").open()))) == 6
    lines = in_process("diff", "1.sqlite", "all.sqlite", capsys=capsys)[1].splitlines()
    with Store.open("1.sqlite") as store:
        assert len(lines) == 4 - len(store.thresholds(HEADS)) > 0
    assert all(line.startswith(f"new threshold: {HEADS} at depth=") for line in lines)
    assert in_process("gate", "--store", "all.sqlite", "--baseline", "1.sqlite", capsys=capsys)[0] == 0
    assert in_process("report", "--store", "all.sqlite", "--out", "r", capsys=capsys)[0] == 0
    page = Path(f"r/claims/{HEADS}.html").read_text()
    assert "Measured thresholds" in page and "width in 2 to 8" in page
    # A store of thresholds alone has something to report too.
    assert in_process("report", "--store", "2.sqlite", "--out", "r2", capsys=capsys)[0] == 0


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("--threshold", "heigth"), "names an axis on which no claim here has a threshold; their axes of numbers are depth, width"),
        (("--threshold", "width", "--resolution", "1"), "--resolution on the axis width is a ratio above 1"),
        (("--threshold", "width", "--grid", "width=8:8"), "give one with --grid width=LOW:HIGH"),
        (("--resolution", "1.01"), "--resolution is of --threshold AXIS"),
        (("--threshold", "width", "--shard", "3/2"), "--shard takes K/N"),
    ],
)
def test_bad_input_is_one_sentence(
    here: Path, capsys: pytest.CaptureFixture[str], arguments: tuple[str, ...], sentence: str
) -> None:
    status, out, err = mapped("--store", "s.sqlite", HEADS, *arguments, capsys=capsys)
    assert (status, out) == (2, "")
    assert sentence in err
    assert len(err.splitlines()) == 1


def test_a_claim_that_is_refuted_where_it_is_promised_exits_with_1(here: Path) -> None:
    file = here / "claims" / "doe2020coins.py"
    file.write_text(file.read_text().replace("1 - 1 / case.width**2\n\n\ndef bent", "0.7\n\n\ndef bent"))
    result = regimes("map", HEADS, "--store", "s.sqlite", "--threshold", "width", "--profile", "quick", cwd=here)
    assert result.returncode == 1, result.stderr
    assert f"refuted where promised: {HEADS} at depth=1, width=8" in result.stdout
    assert "refuted throughout" in result.stdout


def test_what_the_numbers_do_not_say_stands_behind_them() -> None:
    def row(depth: int, refuted: float | None, holds: float | None, undecided: int = 0, against: tuple[float, ...] = ()) -> dict:
        return {
            "axis": "width", "row": {"depth": depth, "epsilon": 0.5}, "side": "least", "refuted": refuted, "holds": holds,
            "undecided": undecided, "premise_boundary": 10.0 * depth, "exact_boundary": float("inf"), "replicates": 12345,
            "evidence": {"judged": [], "against": list(against), "scouts": 1},
        }  # fmt: skip

    rows = [row(1, 4, 5), row(2, None, 4), row(3, 9, None), row(40, 8, 16, undecided=2, against=(64, 128))]
    assert table(rows) == [
        "  at epsilon=0.5",
        "            refuted  holds  promised  exact  promised/measured  replicates",
        "  depth=1         4      5        10    inf                  2      12,345",
        "  depth=2         -      4        20    inf                  5      12,345  holds throughout",
        "  depth=3         9      -        30    inf                  -      12,345  refuted throughout",
        "  depth=40        8     16       400    inf                 25      12,345  2 undecided between; not monotone: see width 64, 128",
    ]
