"""Coordinators killed with -9 at many moments: nothing stored is lost, nothing stored is computed again."""

from __future__ import annotations

import os
import random
import signal
import time

from coin_bench import CELLS, Bench

from processes import alive
from regimes.sweep.store import Store

# Cells begun since the start at which the coordinator is killed, and how long after: before the first is done, in the middle
# of a cell (30 ms), while it is written. Drawn afresh with REGIMES_TESTS=search; none may end the map.
DRAW = random.Random(None if os.environ.get("REGIMES_TESTS") == "search" else 10)
MOMENTS = [(1, 0.0), *((DRAW.randint(2, 4), DRAW.uniform(0.0, 0.045)) for _ in range(9))]


def test_a_coordinator_killed_again_and_again(bench: Bench, uninterrupted: dict[str, dict]) -> None:
    stored: set[str] = set()
    for begun, pause in MOMENTS:
        before = len(bench.lines())
        bench.kill_after(bench.start(workers=1, seconds=0.03), before + begun, pause)
        again = {line.split()[1] for line in bench.lines()[before:]}
        assert not again & stored, "a stored cell was computed again"
        kept = bench.keys()
        assert stored <= kept, "a stored cell was lost"
        reported = set(bench.reported.read_text().splitlines())
        assert reported <= kept, "a cell was reported as done, and is not there"
        assert len({line.split()[1] for line in bench.lines()} - kept) <= 1, "more than the cell in flight was lost"
        stored = kept
    assert 10 <= len(stored) < CELLS
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
