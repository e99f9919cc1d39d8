from __future__ import annotations

import os
import signal
import time
from pathlib import Path

import pytest

from processes import assert_gone
from regimes.sweep.pool import SweepError, run_tasks

# Functions of tasks live in this module: workers import it by name.


def threads(number: int) -> set[int]:
    """Threads that NumPy's and torch's libraries would use in this process."""
    import numpy  # noqa: F401
    import threadpoolctl
    import torch

    return {torch.get_num_threads(), *(pool["num_threads"] for pool in threadpoolctl.threadpool_info())}


def double(number: int) -> int:
    return 2 * number


def identify(number: int) -> int:
    time.sleep(0.02)
    return os.getpid()


def die_once(mark: str) -> str:
    """Kills its worker the first time; the mark is a file."""
    path = Path(mark)
    if path.suffix == ".die" and not path.exists():
        path.write_text("")
        os.kill(os.getpid(), signal.SIGKILL)
    return path.name


def die(mark: str) -> str:
    if mark.endswith("die"):
        time.sleep(0.6)
        os.kill(os.getpid(), signal.SIGKILL)
    return mark


def collect(tasks, work, **options):
    found: dict = {}
    left = run_tasks(tasks, work, lambda task, result: found.__setitem__(task, result), **options)
    return found, left


@pytest.mark.parametrize("workers", [1, 2])
def test_every_task_is_done_once(workers: int) -> None:
    assert collect(range(9), double, workers=workers) == ({n: 2 * n for n in range(9)}, [])
    assert collect([], double, workers=workers) == ({}, [])


def test_tasks_run_in_other_processes() -> None:
    found, _ = collect(range(8), identify, workers=2)
    assert os.getpid() not in found.values()
    assert len(set(found.values())) == 2


def test_every_worker_keeps_to_one_thread(monkeypatch: pytest.MonkeyPatch) -> None:
    """As many threads as cores in each of several workers would fight over them."""
    for name in ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
        monkeypatch.setenv(name, "2")
    found, _ = collect(range(2), threads, workers=2)
    assert list(found.values()) == [{1}, {1}]


@pytest.mark.parametrize("workers", [1, 2])
def test_stopping_leaves_the_rest(workers: int) -> None:
    found: list[int] = []
    left = run_tasks(range(9), double, lambda task, result: found.append(task), workers=workers,
                     stop=lambda: len(found) >= 3)  # fmt: skip
    assert 3 <= len(found) <= 4
    assert sorted(found + left) == list(range(9))


def test_a_killed_worker_is_replaced_and_its_task_done_again(tmp_path: Path) -> None:
    tasks = [str(tmp_path / name) for name in ("a", "b", "c.die", "d", "e", "f")]
    found, left = collect(tasks, die_once, workers=2)
    assert (sorted(found.values()), left) == (["a", "b", "c.die", "d", "e", "f"], [])


def test_a_task_that_always_kills_its_worker_is_named_and_the_others_are_kept() -> None:
    found: list[str] = []
    with pytest.raises(SweepError) as raised:
        run_tasks(["a", "die", "b", "c"], die, lambda task, result: found.append(task), workers=2)
    assert "killed twice, the last time during die" in str(raised.value)
    assert "use fewer --workers" in str(raised.value)
    assert sorted(found) == ["a", "b", "c"]


def test_an_interrupt_ends_the_workers_and_keeps_what_is_done() -> None:
    found: list[int] = []

    def finished(task: int, result: int) -> None:
        found.append(result)
        if len(found) == 4:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run_tasks(range(500), identify, finished, workers=2)
    assert 4 <= len(found) <= 8
    assert_gone(set(found))
