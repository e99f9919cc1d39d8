from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest


def regimes(*arguments: str, **more) -> subprocess.CompletedProcess[str]:
    """The command line as a user runs it."""
    return subprocess.run(
        [sys.executable, "-m", "regimes.cli", *arguments], capture_output=True, text=True, timeout=120, **more
    )


def in_process(*arguments: str, capsys: pytest.CaptureFixture[str]) -> tuple[int, str, str]:
    """The command line in this process: status, stdout, stderr."""
    from regimes.cli import main

    with pytest.raises(SystemExit) as stop:
        main(arguments)
    out, err = capsys.readouterr()
    return int(stop.value.code or 0), out, err


def test_list_and_show(claim_folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    status, out, _ = in_process("list", "--claims", str(claim_folder), capsys=capsys)
    assert status == 0
    assert "doe2020coins/heads-are-likely" in out
    status, out, _ = in_process("list", "--claims", str(claim_folder), "--json", capsys=capsys)
    data = json.loads(out)
    assert data["schema"] == 1
    assert [claim["id"] for claim in data["claims"]] == ["doe2020coins/heads-are-likely", "doe2020coins/mean-of-heads"]
    status, out, _ = in_process("show", "heads-are-likely", "--claims", str(claim_folder), capsys=capsys)
    assert status == 0
    assert "premise: width at least 4" in out
    assert "control promises too much: width 2 is too small" in out
    status, out, _ = in_process("show", "doe2020coins", "--claims", str(claim_folder), "--json", capsys=capsys)
    assert status == 0
    assert [claim["id"] for claim in json.loads(out)["claims"]] == ["doe2020coins/heads-are-likely", "doe2020coins/mean-of-heads"]


@pytest.mark.parametrize(
    ("arguments", "status", "words"),
    [
        (("heads-are-likely", "--case", "width=16", "--case", "depth=1"), 0, "holds"),
        (("heads-are-likely", "--case", "width=2", "--case", "depth=1"), 0, "outside the premise: nothing is promised"),
        (("heads-are-likely", "--case", "width=4", "--case", "depth=1", "--replicates", "20"), 3, "undecided"),
        (("heads-are-likely", "--control", "bent"), 0, "killed"),
        (("mean-of-heads",), 0, "holds"),
        (("mean-of-heads", "--controls"), 0, "[control: edge]: killed"),
    ],
)
def test_check(
    claim_folder: Path, capsys: pytest.CaptureFixture[str], arguments: tuple[str, ...], status: int, words: str
) -> None:
    found, out, err = in_process(
        "check", *arguments, "--claims", str(claim_folder), "--profile", "quick", capsys=capsys
    )
    assert (found, err) == (status, "")
    assert words in out


def test_check_is_the_same_for_any_number_of_workers(claim_folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    command = ("check", "mean-of-heads", "--claims", str(claim_folder), "--case", "width=9", "--json")
    assert in_process(*command, capsys=capsys) == in_process(*command, "--workers", "3", capsys=capsys)


def test_check_says_which_sampler_drew(capsys: pytest.CaptureFixture[str]) -> None:
    command = ("check", "arpit2019benefits/log-drift", "--case", "width=4", "--case", "depth=2", "--replicates", "64", "--json")
    for more, expected in (((), "law"), (("--sampler", "direct"), "direct")):
        _, out, _ = in_process(*command, *more, capsys=capsys)
        assert json.loads(out)["checks"][0]["cases"][0]["evidence"]["details"]["sampler"] == expected


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("check", "heads-are-likly"), "there is no claim 'heads-are-likly'; did you mean"),
        (("show", "zzz"), "there is no claim 'zzz'; `regimes list` shows them all"),
        (("check", "mean-of-heads", "--case", "height=3"), "has no axis 'height'; its axes are width"),
        (("check", "mean-of-heads", "--case", "width=1"), "'1' is off the axis width: it takes integers from 2 to 64"),
        (("check", "mean-of-heads", "--case", "width"), "--case takes AXIS=VALUE"),
        (("check", "mean-of-heads", "--control", "none"), "has no control 'none'; its controls are bent, edge"),
        (("check", "mean-of-heads", "--subject", "no.such:thing"), "no.such"),
        (("check", "mean-of-heads", "--dtype", "int8"), "use float32 or float64"),
        (("check", "mean-of-heads", "--sampler", "fast"), "sampler 'fast' is unknown; use auto or direct"),
        (("check", "mean-of-heads", "--seconds", "nan"), "--seconds is a time in seconds; got nan"),
        (("check", "mean-of-heads", "--alpha", "0"), "--alpha lies between 0 and 1"),
        (("check", "mean-of-heads", "--profile", "slow"), "use one of quick, default, thorough"),
        (("map", "mean-of-heads", "--store", "x.sqlite", "--budget", "soon"), "--budget takes a time"),
        (("map", "heads-are-likely", "--store", "x.sqlite", "--grid", "height=1:2"), "height"),
        (("map", "heads-are-likely", "--store", "x.sqlite", "--grid", "width=1:2"), "width"),
        (("map", "heads-are-likely", "--store", "/proc/x.sqlite"), "/proc/x.sqlite"),
        (("report", "--store", "none.sqlite", "--out", "out"), "none.sqlite"),
    ],
)
def test_bad_input_is_one_sentence_and_status_2(
    claim_folder: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    arguments: tuple[str, ...],
    sentence: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("REGIMES_CLAIMS", str(claim_folder))
    status, out, err = in_process(*arguments, capsys=capsys)
    assert status == 2
    assert sentence in err
    assert out == ""
    assert len(err.splitlines()) == 1


def test_a_claim_file_that_exits_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "script.py").write_text("import sys\nsys.exit(0)\n")
    status, out, err = in_process("check", "heads", "--claims", str(tmp_path), capsys=capsys)
    assert (status, out) == (2, "")
    assert err == f"regimes: claim file {tmp_path / 'script.py'} does not import: SystemExit: 0\n"


@pytest.mark.parametrize("arguments", [("list",), ("map", "--store", "x.sqlite"), ("check", "heads")])
def test_a_folder_without_claims_is_no_success(tmp_path: Path, capsys: pytest.CaptureFixture[str], arguments: tuple[str, ...]) -> None:
    status, out, err = in_process(*arguments, "--claims", str(tmp_path), capsys=capsys)
    assert (status, out) == (2, "")
    assert err.startswith(f"regimes: there is no claim in {str(tmp_path)!r}; give --claims a folder of claim files")


def test_a_missing_claim_folder(capsys: pytest.CaptureFixture[str]) -> None:
    status, _, err = in_process("list", "--claims", "nowhere", capsys=capsys)
    assert (status, err.count("\n")) == (2, 1)
    assert "there is no claim folder or file 'nowhere'" in err


def test_cuda_without_cuda(claim_folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    import torch

    if torch.cuda.is_available():
        pytest.skip("this machine has a CUDA device")
    status, _, err = in_process(
        "check", "mean-of-heads", "--claims", str(claim_folder), "--device", "cuda", capsys=capsys
    )
    assert status == 2
    assert "this torch sees no CUDA device" in err


def test_map_and_report(claim_folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    store = str(tmp_path / "maps.sqlite")
    command = ("map", "heads-are-likely", "--claims", str(claim_folder), "--store", store, "--profile", "quick")
    status, out, _ = in_process(*command, capsys=capsys)
    assert status == 0
    assert "6 cells decided, 0 were there already, 0 left; inside the premise: 4 holds" in out
    assert "controls killed: 3 of 3" in out
    status, out, _ = in_process(*command, "--json", capsys=capsys)
    assert json.loads(out)["computed"] == 0
    assert json.loads(out)["present"] == 6
    status, out, _ = in_process("report", "--store", store, "--out", str(tmp_path / "report"), capsys=capsys)
    assert status == 0
    assert (tmp_path / "report" / "index.html").is_file()
    (tmp_path / "file").write_text("")
    status, _, err = in_process("report", "--store", store, "--out", str(tmp_path / "file"), capsys=capsys)
    assert status == 2
    assert len(err.splitlines()) == 1


def test_an_interrupted_map_keeps_what_is_done_and_exits_130(claim_folder: Path, tmp_path: Path) -> None:
    slow = (claim_folder / "doe2020coins.py").read_text()
    slow = slow.replace('"""Heads with probability 1 - 1/width^2."""', "import os, time; time.sleep(float(os.environ.get('PAUSE', 0)))")
    (claim_folder / "doe2020coins.py").write_text(slow)
    store = tmp_path / "maps.sqlite"
    command = [
        sys.executable, "-m", "regimes.cli", "map", "heads-are-likely", "--claims", str(claim_folder),
        "--store", str(store), "--grid", "width=4:64", "--grid", "depth=1,2,3,4", "--no-controls",
    ]  # fmt: skip
    slowly = {**os.environ, "PAUSE": "0.4"}
    running = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=slowly)
    from regimes.sweep.store import Store

    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        time.sleep(0.2)
        if store.exists() and _finished(Store, store) >= 2:
            break
    os.kill(running.pid, signal.SIGINT)
    _, err = running.communicate(timeout=60)
    assert running.returncode == 130
    assert err.strip().splitlines()[-1] == "regimes: interrupted; what was finished is kept"
    assert "Traceback" not in err
    kept = _finished(Store, store)
    assert 2 <= kept < 20
    again = regimes(*command[3:], "--json")
    assert json.loads(again.stdout)["present"] == kept


def _finished(store_type, path: Path) -> int:
    try:
        with store_type.open(path, read_only=True) as store:
            return len(store.cells("doe2020coins/heads-are-likely"))
    except Exception:
        return 0


def test_a_claim_id_is_whole_in_a_narrow_terminal(claim_folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setenv("COLUMNS", "40")
    monkeypatch.setattr("sys.stdout.isatty", lambda: True)
    status, out, _ = in_process("list", "--claims", str(claim_folder), capsys=capsys)
    assert status == 0
    assert [line.split()[0] for line in out.splitlines()[1:]] == ["doe2020coins/heads-are-likely", "doe2020coins/mean-of-heads"]


def test_one_cell_is_no_cells(claim_folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    command = ("map", "heads-are-likely", "--claims", str(claim_folder), "--store", str(tmp_path / "x.sqlite"), "--no-controls",
               "--grid", "width=8", "--grid", "depth=1")  # fmt: skip
    assert "1 cell decided, 0 were there already" in in_process(*command, capsys=capsys)[1]
    assert "0 cells decided, 1 was there already" in in_process(*command, capsys=capsys)[1]


LOUD = """print("read")
def loud_coin(case, replicates, randomness):
    print("drawn")
    return coin(case, replicates, randomness)
"""


def test_json_is_alone_on_stdout_whatever_a_claim_file_prints(claim_folder: Path, tmp_path: Path) -> None:
    (file,) = claim_folder.glob("*.py")
    text = file.read_text().replace("\ndef bent", LOUD + "\n\ndef bent", 1).replace("subject=coin", "subject=loud_coin")
    (tmp_path / "toy.py").write_text(text)
    more = ("--claims", str(tmp_path), "--json")
    for command in (
        ("list",), ("show", "heads-are-likely"), ("check", "heads-are-likely", "--case", "width=8", "--case", "depth=1"),
        ("map", "heads-are-likely", "--store", "maps.sqlite", "--no-controls", "--workers", "2", "--replicates", "600"),
    ):  # fmt: skip
        done = regimes(*command, *more, cwd=tmp_path)
        assert json.loads(done.stdout)["schema"] == 1, done.stderr
        assert command[0] in ("list", "show") or "drawn" in done.stderr


def test_cells_that_fail_alike_are_one_sentence(claim_folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    command = ("map", "heads-are-likely", "--claims", str(claim_folder), "--store", str(tmp_path / "x.sqlite"), "--subject", "math:sin")
    status, _, err = in_process(*command, capsys=capsys)
    assert status == 2
    (sentence,) = err.splitlines()
    assert sentence.endswith(" (and 5 more like it)")
    status, out, _ = in_process(*command, "--json", capsys=capsys)
    assert len(json.loads(out)["errors"]) == 6


def test_help_is_for_people() -> None:
    shown = regimes("--help")
    assert shown.returncode == 0
    for command in ("list", "show", "check", "map", "report", "calibrate"):
        assert command in shown.stdout


BEFORE_TORCH = """
import sys
from regimes.sweep.executors import fork_server
begin = fork_server.begin
fork_server.begin = lambda: [print("torch" in sys.modules), begin()][1]
from regimes.cli import main
main(sys.argv[1:])
"""


def test_workers_start_while_the_coordinator_does(claim_folder: Path, tmp_path: Path) -> None:
    common = ["map", "heads-are-likely", "--claims", str(claim_folder), "--no-controls", "--grid", "depth=1", "--json"]
    found = []
    for workers in ("2", "1"):
        command = [sys.executable, "-c", BEFORE_TORCH, *common, "--store", str(tmp_path / workers), "--workers", workers]
        done = subprocess.run(command, capture_output=True, text=True, timeout=120)
        assert json.loads(done.stdout)["errors"] == [], done.stderr
        found.append(done.stderr.split())
    # Begun before torch is imported; asked again when the pool opens, and not at all by one worker.
    assert found == [["False", "True"], []]


def test_the_share_of_violations_is_not_called_a_margin() -> None:
    from regimes.checking import evidence_lines
    from regimes.decide.evidence import Evidence

    evidence = Evidence("holds", 512, 0, 0.1, None, 1.0, 1e-9, 0.01, 0.005, "met by all")
    assert evidence_lines(evidence, "identity")[-1].endswith("share 0.01, would have seen violations in a share of 0.005")
    assert evidence_lines(evidence, "law")[-1].endswith("margin 0.01, would have seen a departure of 0.005")
