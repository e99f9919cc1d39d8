"""How a sweep is run: on how many processes or which executor, for how long, which part of it, and who is told."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from regimes.sweep.executors.base import Start


@dataclass(frozen=True)
class Step:
    """One finished task, for progress.

    Attributes:
        claim: the claim's id.
        name: the case's key, the row's key or the control's name.
        verdict: the verdict, empty if the task failed.
        seconds: time it took.
        done, total: tasks finished so far, tasks to do in this run.
    """

    claim: str
    name: str
    verdict: str
    seconds: float
    done: int
    total: int


Progress = Callable[[Step], None]


@dataclass(frozen=True)
class Schedule:
    """How a sweep is run; nothing here changes a result.

    Attributes:
        workers: worker processes of this machine.
        seconds: no task is started after this time; None for no limit.
        shard: (k, n): only the k-th of n parts of the cells or rows.
        retry: decide again, with this run's budgets, what is undecided in the store.
        start: opens another executor than worker processes of this machine.
        progress: called after each task.
    """

    workers: int = 1
    seconds: float | None = None
    shard: tuple[int, int] | None = None
    retry: bool = False
    start: Start | None = None
    progress: Progress | None = None

    def here(self, tasks: Sequence[Any]) -> bool:
        """Whether the tasks are done in this process."""
        return self.start is None and (self.workers <= 1 or len(tasks) <= 1)

    def clock(self) -> Callable[[], bool]:
        """Starts the time; the function says whether it is up."""
        started = time.monotonic()
        return lambda: self.seconds is not None and time.monotonic() - started > self.seconds


# In this process, everything, without a limit.
ALONE = Schedule()
