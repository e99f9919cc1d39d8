"""Coordinators killed with -9 at many moments: nothing stored is lost, nothing stored is computed again."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from regimes.catalogue import load_claims
from regimes.engine import Settings
from regimes.sweep.run import run_map
from regimes.sweep.store import Store

CLAIM = '''
"""Coins that write down every cell that is computed."""

import os
import time

from regimes import axes
from regimes.claim import Grid, Paper, at_least, claim
from regimes.kinds import Probability

paper = Paper(key="doe2020coins", title="Coins", authors=("J. Doe",), year=2020, arxiv="2001.00001")
WIDTHS, DEPTHS = tuple(range(1, 11)), tuple(range(1, 7))


def coin(case, replicates, randomness):
    """Heads with probability 1 - 1/(width + 1)^2."""
    if randomness.key.endswith("|0"):  # the first block of a cell
        line = os.open(os.environ["COMPUTED"], os.O_WRONLY | os.O_APPEND | os.O_CREAT)
        os.write(line, f"{os.getpid()} {case.key}\\n".encode())
        os.close(line)
        time.sleep(float(os.environ.get("CELL_SECONDS", "0.01")))
    return randomness.numpy("coin").random(replicates) < 1 - 1 / (case.width + 1) ** 2


coin.name = "coin"


@claim(
    paper, "Theorem 1", id="heads", kind=Probability(at_least=0.9, margin=0.05), statement="p",
    axes=(axes.width(1, 64), axes.depth(1, 64)), premise=at_least("width", lambda case: 4, "width at least 4"),
    subject=coin, controls={"one": coin, "two": coin},
    grid=Grid(x="width", y="depth", values={"width": WIDTHS, "depth": DEPTHS}),
)
def heads(networks, case):
    """A coin of width at least 4 shows heads with probability at least 0.9."""
    return networks
'''

COORDINATOR = """
import sys
from regimes.catalogue import load_claims
from regimes.engine import Settings
from regimes.sweep.run import run_map
from regimes.sweep.store import Store

if __name__ == "__main__":
    folder, path, reported, workers = sys.argv[1:]
    with Store.open(path, create=True) as store, open(reported, "a", buffering=1) as file:
        outcome = run_map(load_claims(folder), store, Settings(device="cpu"), workers=int(workers),
                          progress=lambda step: file.write(step.name + "\\n"))
    print(outcome.computed, outcome.present, outcome.left, len(outcome.errors))
"""
NAME, CELLS = "doe2020coins/heads", 60


class Bench:
    """A folder with the claim, a coordinator to start and kill, and the files that they write."""

    def __init__(self, folder: Path) -> None:
        self.claims, self.store = folder / "claims", folder / "maps.sqlite"
        self.computed, self.reported, self.script = folder / "computed", folder / "reported", folder / "coordinator.py"
        self.claims.mkdir()
        (self.claims / "doe2020coins.py").write_text(CLAIM)
        self.script.write_text(COORDINATOR)

    def start(self, workers: int) -> subprocess.Popen:
        command = [
            sys.executable,
            str(self.script),
            str(self.claims),
            str(self.store),
            str(self.reported),
            str(workers),
        ]
        environment = {**os.environ, "COMPUTED": str(self.computed)}
        return subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True)

    def lines(self) -> list[str]:
        return self.computed.read_text().splitlines() if self.computed.exists() else []

    def stored(self) -> dict[str, dict]:
        """Evidence and boundaries by case, of a store opened as a reader would."""
        with Store.open(self.store, read_only=True) as store:
            return {
                str(cell["case"]): {name: cell[name] for name in cell if name not in ("seconds", "run")}
                for cell in store.cells(NAME)
            }

    def keys(self) -> set[str]:
        with Store.open(self.store, read_only=True) as store:
            (document,) = store.claims()
            seed_and_settings = {(cell["subject"], cell["seed"]) for cell in store.cells(NAME)}
            ((subject, seed),) = seed_and_settings or {("", 0)}
            settings = '{"alpha":1e-06,"device":"cpu","dtype":"float32"}'
            return set(store.case_verdicts(NAME, document["fingerprint"], subject, seed, settings))

    def kill_after(self, running: subprocess.Popen, computed: int, pause: float) -> None:
        """Kill -9 once so many cells have been begun, and a moment later."""
        deadline = time.monotonic() + 60
        while len(self.lines()) < computed and time.monotonic() < deadline:
            assert running.poll() is None, "the coordinator ended before it was killed"
            time.sleep(0.001)
        time.sleep(pause)
        os.kill(running.pid, signal.SIGKILL)
        assert running.wait(timeout=30) == -signal.SIGKILL


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path)


@pytest.fixture
def uninterrupted(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> dict[str, dict]:
    """The content of the store of a run that nothing happened to."""
    other = Bench(tmp_path_factory.mktemp("uninterrupted"))
    monkeypatch.setenv("COMPUTED", str(other.computed))
    monkeypatch.setenv("CELL_SECONDS", "0")
    with Store.open(other.store, create=True) as store:
        outcome = run_map(load_claims(other.claims), store, Settings(device="cpu"))
    assert (outcome.computed, outcome.errors) == (CELLS, [])
    monkeypatch.undo()
    return other.stored()


# Cells begun since the start at which the coordinator is killed, and how long after: in the middle of a cell
# (0.005), while it is written (0.010 and on), before the first is done (1).
MOMENTS = [(1, 0.0), (8, 0.005), (9, 0.010), (12, 0.0105), (7, 0.0115), (6, 0.012)]


def test_a_coordinator_killed_again_and_again(bench: Bench, uninterrupted: dict[str, dict]) -> None:
    stored: set[str] = set()
    for begun, pause in MOMENTS:
        before = len(bench.lines())
        bench.kill_after(bench.start(workers=1), before + begun, pause)
        again = {line.split()[1] for line in bench.lines()[before:]}
        assert not again & stored, "a stored cell was computed again"
        kept = bench.keys()
        assert stored <= kept, "a stored cell was lost"
        reported = set(bench.reported.read_text().splitlines())
        assert reported <= kept, "a cell was reported as done, and is not there"
        assert len({line.split()[1] for line in bench.lines()} - kept) <= 1, "more than the cell in flight was lost"
        stored = kept
    assert 30 <= len(stored) < CELLS
    before = len(bench.lines())
    out, _ = bench.start(workers=1).communicate(timeout=60)
    assert out.split() == [str(CELLS - len(stored)), str(len(stored)), "0", "0"]
    assert not {line.split()[1] for line in bench.lines()[before:]} & stored
    # Every kill costs at most the one cell in flight.
    assert CELLS <= len(bench.lines()) <= CELLS + len(MOMENTS)
    assert bench.stored() == uninterrupted
    with Store.open(bench.store, read_only=True) as store:
        assert [run["finished"] is None for run in store.runs()] == [True] * len(MOMENTS) + [False]


def test_workers_end_with_their_coordinator(bench: Bench, uninterrupted: dict[str, dict]) -> None:
    bench.kill_after(bench.start(workers=2), 15, 0.003)
    workers = {int(line.split()[0]) for line in bench.lines()}
    deadline = time.monotonic() + 10
    while any(map(alive, workers)) and time.monotonic() < deadline:
        time.sleep(0.02)
    assert not any(map(alive, workers)), "a worker outlived its coordinator"
    stored, before = bench.keys(), len(bench.lines())
    assert set(bench.reported.read_text().splitlines()) <= stored
    assert len({line.split()[1] for line in bench.lines()} - stored) <= 3
    out, _ = bench.start(workers=2).communicate(timeout=60)
    assert out.split() == [str(CELLS - len(stored)), str(len(stored)), "0", "0"]
    assert not {line.split()[1] for line in bench.lines()[before:]} & stored
    assert bench.stored() == uninterrupted


def test_a_killed_worker_costs_nothing_but_time(bench: Bench, uninterrupted: dict[str, dict]) -> None:
    running = bench.start(workers=2)
    while len(bench.lines()) < 10 and running.poll() is None:
        time.sleep(0.002)
    os.kill(int(bench.lines()[-1].split()[0]), signal.SIGKILL)
    out, _ = running.communicate(timeout=60)
    assert out.split() == [str(CELLS), "0", "0", "0"]
    assert CELLS <= len(bench.lines()) <= CELLS + 2
    assert bench.stored() == uninterrupted


def alive(process: int) -> bool:
    """Whether a process runs; one that has ended and was not waited for does not."""
    try:
        return Path(f"/proc/{process}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False
