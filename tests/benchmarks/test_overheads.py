"""Start-up, what Hypothesis costs, two processes against one, and the GPU's generator."""

from __future__ import annotations

import json
import os
import resource
import statistics
import subprocess
import sys
import time
from pathlib import Path

import torch
from race import Row

from regimes.case import Case
from regimes.randomness import Randomness
from regimes.sweep.pool import run_tasks

HELP = """
import sys
from regimes.cli import main
sys.argv = ["regimes", "--help"]
try:
    main()
except SystemExit as done:
    assert not done.code
assert not {"torch", "scipy", "hypothesis"} & set(sys.modules)
"""
# What any command line of click takes.
BARE = """
import click
@click.group()
def app(): "An app."
@app.command()
def one(): "A command."
app(["--help"])
"""
ONE_TEST = "def test_nothing():\n    import sys\n    assert not {'torch', 'scipy'} & set(sys.modules)\n"


def children(ours: list[str], floor: list[str], where: Path, times: int = 9) -> tuple[float, float]:
    """Median CPU seconds of two commands in turn, which must succeed, as they start once they are installed: compiled."""
    environment = {
        **os.environ, "PYTHONDONTWRITEBYTECODE": "", "PYTHONPYCACHEPREFIX": str(where / "compiled"),
        # Plugins of other packages have their own cost.
        "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1",
    }  # fmt: skip
    found: tuple[list[float], list[float]] = ([], [])
    for number in range(times + 1):
        for side, command in enumerate((ours, floor)):
            before = resource.getrusage(resource.RUSAGE_CHILDREN)
            done = subprocess.run(command, cwd=where, env=environment, capture_output=True, text=True)
            assert done.returncode == 0, done.stdout + done.stderr
            after = resource.getrusage(resource.RUSAGE_CHILDREN)
            if number:  # the first compiles
                found[side].append(after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)
    return statistics.median(found[0]), statistics.median(found[1])


def test_help_starts_without_torch(race, benchmark, tmp_path: Path) -> None:
    ours, floor = ([sys.executable, "-c", code] for code in (HELP, BARE))
    seconds, least = benchmark.pedantic(lambda: children(ours, floor, tmp_path), rounds=1)
    what = "milliseconds of CPU of regimes --help, no torch, SciPy or Hypothesis; the other is click's with one command"
    race.row(Row("G13", what, 1e3 * seconds, 60, True, seconds, least))


def test_pytest_starts_without_torch(race, benchmark, tmp_path: Path) -> None:
    (tmp_path / "test_empty.py").write_text(ONE_TEST)
    floor = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "test_empty.py"]
    ours = [*floor, "-p", "regimes.pytest_plugin"]
    seconds, least = benchmark.pedantic(lambda: children(ours, floor, tmp_path), rounds=1)
    what = "milliseconds of CPU of pytest with this plugin and one empty test; the other is pytest without plugins"
    race.row(Row("G13", what, 1e3 * seconds, 250, True, seconds, least))


def test_share_of_hypothesis(race, benchmark) -> None:
    from regimes.catalogue import load_claims
    from regimes.engine import Settings
    from regimes.profiles import PROFILES
    from regimes.verify import check_property

    claim = next(claim for claim in load_claims() if claim.id == "arpit2019benefits/he-norm-exact-law")
    settings, profile = Settings(device="cpu"), PROFILES["quick"]
    check_property(claim, settings, profile)
    result = benchmark.pedantic(lambda: check_property(claim, settings, profile), rounds=1)
    deciding = sum(decided.seconds for decided in result.decided)
    networks = sum(decided.evidence.replicates for decided in result.decided)
    share = 1 - deciding / result.seconds
    what = f"share of a property's time outside its engine, {claim.id}, {networks:,} networks"
    race.row(Row("G14", what, share, 0.05, True, result.seconds - deciding, result.seconds))


def networks(key: int) -> float:
    """A second or so of drawing weights: a task for a process."""
    from regimes.subjects.initialisers import he_normal

    torch.set_num_threads(1)
    randomness = Randomness(f"task {key}", torch.device("cpu"), torch.float32)
    return float(he_normal(Case({"width": 64, "depth": 32}), 1024, randomness).log_norms().mean())


def test_two_processes_against_one(race) -> None:
    def run(workers: int) -> None:
        found: list[float] = []
        run_tasks(range(8), networks, lambda _, result: found.append(result), workers=workers)
        assert len(found) == 8

    race("G15", "two processes against one, drawing weights at width 64 (wall clock, their fork server is up)",
         lambda: run(2), lambda: run(1), wanted=1.6, rounds=3, clock=time.perf_counter)  # fmt: skip


def test_a_map_by_two_workers_against_one(race, tmp_path: Path) -> None:
    """Whole commands as a user waits for them: 2 seconds of start-up, most of a minute of drawing weights on one core."""
    depths = range(2, 51)

    def run(workers: int) -> None:
        store = tmp_path / "maps.sqlite"
        store.unlink(missing_ok=True)
        command = [
            sys.executable, "-m", "regimes.cli", "map", "arpit2019benefits/he-norm-exact-law", "--store", str(store),
            "--device", "cpu", "--sampler", "direct", "--no-controls", "--grid", "width=128", "--grid", f"depth={','.join(map(str, depths))}",
            "--workers", str(workers), "--json",
        ]  # fmt: skip
        done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True)
        assert json.loads(done.stdout)["verdicts"] == {"holds": len(depths)}, done.stderr

    race("G15", "regimes map --workers 2 against 1, a sweep of a minute (wall clock of the whole commands)",
         lambda: run(2), lambda: run(1), wanted=1.6, rounds=2, clock=time.perf_counter)  # fmt: skip


def test_generator_of_the_gpu(race, benchmark) -> None:
    if not torch.cuda.is_available():
        race.skip("G16", "normal variables a second on a GPU", "no GPU here")
    buffer = torch.empty(1 << 28, device="cuda")

    def draw() -> None:
        buffer.normal_()
        torch.cuda.synchronize()

    draw()
    seconds = []
    for _ in range(7):
        started = time.perf_counter()
        draw()
        seconds.append(time.perf_counter() - started)
    benchmark.pedantic(draw, rounds=3)
    each = statistics.median(seconds)
    race.row(Row("G16", "normal variables a second on a GPU (wall clock)", buffer.numel() / each, 5e11 / 3, ours=each, dtypes="float32"))
