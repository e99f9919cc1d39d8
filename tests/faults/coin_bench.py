"""Coins that write down every cell that is computed, and a coordinator to be killed while it maps them."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

from regimes.catalogue import load_claims
from regimes.engine import Settings
from regimes.sweep.executors.choose import executor_named
from regimes.sweep.run import Outcome, run_map, setting_of
from regimes.sweep.schedule import Schedule
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
from pathlib import Path
from regimes.catalogue import load_claims
from regimes.engine import Settings
from regimes.sweep.executors.choose import executor_named
from regimes.sweep.run import run_map
from regimes.sweep.schedule import Schedule
from regimes.sweep.store import Store

if __name__ == "__main__":
    folder, path, reported, workers, executor, *slurm = sys.argv[1:]
    with (
        executor_named(executor, int(workers), Path(path), slurm) as start,
        Store.open(path, create=True) as store,
        open(reported, "a", buffering=1) as file,
    ):
        schedule = Schedule(int(workers), start=start, progress=lambda step: file.write(step.name + "\\n"))
        outcome = run_map(load_claims(folder), store, Settings(device="cpu"), schedule=schedule)
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

    def start(self, workers: int, executor: str = "local", *slurm: str, seconds: float = 0.01) -> subprocess.Popen:
        files = (self.script, self.claims, self.store, self.reported)
        command = [sys.executable, *map(str, files), str(workers), executor, *slurm]
        environment = {**os.environ, "COMPUTED": str(self.computed), "CELL_SECONDS": str(seconds)}
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
            return set(store.case_verdicts(NAME, document["fingerprint"], subject, seed, setting_of(Settings(device="cpu"))))

    def resume(self, executor: str = "local", *slurm: str) -> Outcome:
        """Map in this process what the store does not have."""
        with executor_named(executor, 2, self.store, slurm) as start, Store.open(self.store) as store:
            return run_map(load_claims(self.claims), store, Settings(device="cpu"), schedule=Schedule(start=start))

    def kill_after(self, running: subprocess.Popen, computed: int, pause: float) -> None:
        """Kill -9 once so many cells have been begun, and a moment later."""
        deadline = time.monotonic() + 60
        while len(self.lines()) < computed and time.monotonic() < deadline:
            assert running.poll() is None, "the coordinator ended before it was killed"
            time.sleep(0.001)
        time.sleep(pause)
        os.kill(running.pid, signal.SIGKILL)
        assert running.wait(timeout=30) == -signal.SIGKILL
