"""Every executor leaves the same store, bit for bit, also when one of its workers or its coordinator is killed."""

from __future__ import annotations

import itertools
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from coin_bench import CELLS, Bench

from processes import alive
from regimes.catalogue import load_claims
from regimes.engine import Settings
from regimes.sweep.merge import merge
from regimes.sweep.run import run_map
from regimes.sweep.schedule import Schedule
from regimes.sweep.store import Store

HERE = ("slurm", "cluster=local")
ALL = [str(CELLS), "0", "0", "0"]


def kill_a_worker(bench: Bench, running: subprocess.Popen, begun: int) -> int:
    """Kill -9 the process that began a cell last; its id."""
    while len(bench.lines()) < begun:
        assert running.poll() is None, "the coordinator ended before a worker was killed"
        time.sleep(0.002)
    worker = int(bench.lines()[-1].split()[0])
    assert worker != running.pid
    os.kill(worker, signal.SIGKILL)
    return worker


def ends_with(running: subprocess.Popen, expected: list[str]) -> None:
    out, _ = running.communicate(timeout=240)
    assert out.split() == expected


@pytest.mark.parametrize("workers", [1, 2])
def test_processes_of_this_machine(bench: Bench, uninterrupted: dict[str, dict], workers: int) -> None:
    ends_with(bench.start(workers, seconds=0), ALL)
    assert bench.stored() == uninterrupted
    assert len({line.split()[0] for line in bench.lines()}) == workers


def test_a_dask_cluster_whose_worker_is_killed(bench: Bench, uninterrupted: dict[str, dict]) -> None:
    pytest.importorskip("distributed", reason="needs the extra dask")
    running = bench.start(2, "dask", seconds=0.05)
    killed = kill_a_worker(bench, running, 20)
    ends_with(running, ALL)
    assert bench.stored() == uninterrupted
    workers = {int(line.split()[0]) for line in bench.lines()}
    assert running.pid not in workers
    assert len(workers - {killed}) >= 2, "the killed worker was not replaced"
    # What was lost are the cells under way; those finished stay finished.
    assert CELLS < len(bench.lines()) <= CELLS + 2
    assert not any(map(alive, workers)), "a worker outlived the run"


def test_jobs_of_which_one_is_killed(bench: Bench, uninterrupted: dict[str, dict]) -> None:
    pytest.importorskip("submitit", reason="needs the extra slurm")
    running = bench.start(2, *HERE, seconds=0.05)
    killed = kill_a_worker(bench, running, 20)
    ends_with(running, ALL)
    assert bench.stored() == uninterrupted
    assert killed in {int(line.split()[0]) for line in bench.lines()}
    assert len(bench.lines()) == CELLS + 1, "more than the cell under way was done again"
    assert not list(bench.store.parent.glob("*.jobs")), "files of jobs were left behind"


def test_jobs_go_on_without_their_coordinator_and_nothing_is_lost(
    bench: Bench, uninterrupted: dict[str, dict], monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("submitit", reason="needs the extra slurm")
    bench.kill_after(bench.start(2, *HERE, seconds=0.05), 20, 0.0)
    jobs = {int(line.split()[0]) for line in bench.lines()}
    deadline = time.monotonic() + 60
    while any(map(alive, jobs)) and time.monotonic() < deadline:
        time.sleep(0.02)
    stored, computed = bench.keys(), {line.split()[1] for line in bench.lines()}
    assert len(stored) < CELLS == len(computed)
    monkeypatch.setenv("COMPUTED", str(bench.computed))
    outcome = bench.resume(*HERE)
    assert (outcome.computed, outcome.present, outcome.errors) == (CELLS - len(stored), len(stored), [])
    assert len(bench.lines()) == CELLS, "a cell that a job had finished was computed again"
    assert bench.stored() == uninterrupted


def test_shards_in_any_order(tmp_path: Path, uninterrupted: dict[str, dict], monkeypatch: pytest.MonkeyPatch) -> None:
    shards = Bench(tmp_path)
    monkeypatch.setenv("COMPUTED", str(shards.computed))
    monkeypatch.setenv("CELL_SECONDS", "0")
    parts = [tmp_path / f"part{k}.sqlite" for k in (1, 2, 3)]
    for k, part in enumerate(parts, start=1):
        with Store.open(part, create=True) as store:
            outcome = run_map(load_claims(shards.claims), store, Settings(device="cpu"), schedule=Schedule(shard=(k, 3)))
            assert 0 < outcome.computed < CELLS
    assert len(shards.lines()) == CELLS
    for number, order in enumerate(itertools.permutations(parts)):
        shards.store = tmp_path / f"joined{number}.sqlite"
        assert merge(shards.store, order) == CELLS
        assert shards.stored() == uninterrupted
    # A shard that comes later, or twice.
    late = tmp_path / "late.sqlite"
    assert [merge(late, [part]) > 0 for part in (*parts, parts[0])] == [True, True, True, False]
    shards.store = late
    assert shards.stored() == uninterrupted


@pytest.mark.parametrize("executor", [("dask",), HERE], ids=["dask", "jobs"])
def test_an_interrupt_ends_the_workers_and_keeps_what_is_done(
    bench: Bench, uninterrupted: dict[str, dict], executor: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip({"dask": "distributed", "slurm": "submitit"}[executor[0]])
    command = [
        sys.executable, "-m", "regimes.cli", "map", "--claims", str(bench.claims), "--store", str(bench.store), "--device", "cpu",
        "--workers", "2", "--no-controls", "--executor", executor[0], *(f"--slurm={text}" for text in executor[1:]),
    ]  # fmt: skip
    environment = {**os.environ, "COMPUTED": str(bench.computed), "CELL_SECONDS": "0.2"}
    running = subprocess.Popen(command, env=environment, stderr=subprocess.PIPE, text=True, start_new_session=True)
    while len(bench.lines()) < 10:
        assert running.poll() is None
        time.sleep(0.01)
    os.killpg(running.pid, signal.SIGINT)  # as a terminal does
    _, err = running.communicate(timeout=60)
    assert (running.returncode, err.strip()) == (130, "regimes: interrupted; what was finished is kept")
    workers = {int(line.split()[0]) for line in bench.lines()}
    deadline = time.monotonic() + 20
    while any(map(alive, workers)) and time.monotonic() < deadline:
        time.sleep(0.02)
    assert not any(map(alive, workers)), "a worker outlived the run"
    stored = bench.keys()
    assert 6 <= len(stored) < CELLS
    monkeypatch.setenv("COMPUTED", str(bench.computed))
    monkeypatch.setenv("CELL_SECONDS", "0")
    assert bench.resume().computed == CELLS - len(stored)
    assert bench.stored() == uninterrupted
