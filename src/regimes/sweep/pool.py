"""Running tasks on an executor that may lose a worker: each result handed over as it comes, no orphans, nothing lost."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Iterable
from concurrent.futures import FIRST_COMPLETED, Future, wait
from typing import TypeVar

from regimes.sweep.executors.base import NotBegun, Start, SweepError, TaskExecutor
from regimes.sweep.executors.local import LocalPool

__all__ = ["SweepError", "run_tasks"]

# What was killed, a worker or the server that workers are forked from, is really gone a moment after it is noticed.
SECONDS_AFTER_A_LOSS = 0.5

Task = TypeVar("Task")
Result = TypeVar("Result")


def run_tasks(
    tasks: Iterable[Task],
    work: Callable[[Task], Result],
    finished: Callable[[Task, Result], None],
    *,
    workers: int = 1,
    start: Start | None = None,
    stop: Callable[[], bool] = lambda: False,
    describe: Callable[[Task], str] = str,
) -> list[Task]:
    """Run tasks in this process (one worker), in worker processes or on another executor, handing over each result at once.

    Arguments:
        tasks: what to do, first things first; must be picklable for several workers.
        work: does one task; a function of a module, for several workers.
        finished: takes each result, in this process, in the order of finishing.
        workers: number of processes.
        start: opens another executor than processes of this machine.
        stop: asked before a task is started; those under way are finished.
        describe: a task in a few words, for the error.

    Returns:
        The tasks that were not started.

    Raises:
        SweepError: a worker was killed, and another one after the executor had been opened again.
        KeyboardInterrupt: after handing over what was finished and ending the workers.
    """
    waiting = deque(tasks)
    if not waiting:
        return []
    if start is None:
        if workers <= 1 or len(waiting) <= 1:
            while waiting and not stop():
                task = waiting.popleft()
                finished(task, work(task))
            return list(waiting)
        start = lambda count: LocalPool(min(workers, count))  # noqa: E731
    for attempt in (1, 2):
        executor = start(len(waiting))
        lost = _run(waiting, work, finished, executor, stop)
        if not lost:
            break
        if attempt == 2:
            raise SweepError(
                f"{executor.died} twice, the last time during {' or '.join(map(describe, lost[:4]))}; "
                f"{executor.mend}, what was finished is kept"
            )
        waiting.extend(lost)  # last: if one of them kills every worker, the others are done by then
        time.sleep(SECONDS_AFTER_A_LOSS)
    return list(waiting)


def _run(
    waiting: deque[Task],
    work: Callable[[Task], Result],
    finished: Callable[[Task, Result], None],
    executor: TaskExecutor,
    stop: Callable[[], bool],
) -> list[Task]:
    """Run waiting tasks on one executor; the tasks whose workers were lost. After a loss no task is handed out."""
    running: dict[Future[Result], Task] = {}
    lost: list[Task] = []
    left: list[Task] = []
    try:
        while True:
            while waiting and len(running) < executor.room and not lost and not left and not stop():
                task = waiting.popleft()
                try:
                    running[executor.submit(work, task)] = task
                except executor.lost:
                    lost.append(task)
            executor.flush()
            if not running:
                break
            done, _ = wait(running, timeout=1.0, return_when=FIRST_COMPLETED)
            for future in done:
                try:
                    result = future.result()
                except NotBegun:
                    left.append(running[future])
                except executor.lost:
                    lost.append(running[future])
                else:
                    finished(running[future], result)
                del running[future]
            if stop():
                executor.drain()
        waiting.extend(left)
        executor.shutdown()
        return lost
    except (KeyboardInterrupt, SweepError):
        executor.end()
        _harvest(running, finished)
        raise
    finally:
        executor.end()


def _harvest(running: dict[Future[Result], Task], finished: Callable[[Task, Result], None]) -> None:
    """Hand over every result that is there."""
    for future, task in running.items():
        if future.done() and not future.cancelled() and future.exception() is None:
            finished(task, future.result())
