"""A pool of worker processes that outlives one killed worker, stops at once when interrupted, and leaves no orphans."""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import signal
import sys
import threading
from collections import deque
from collections.abc import Callable, Iterable
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from multiprocessing.connection import wait as wait_for
from typing import TypeVar

from regimes.errors import RegimesError

Task = TypeVar("Task")
Result = TypeVar("Result")


class SweepError(RegimesError, RuntimeError):
    """A sweep that cannot go on; the message is one sentence with the mend. What was finished is kept."""


def run_tasks(
    tasks: Iterable[Task],
    work: Callable[[Task], Result],
    finished: Callable[[Task, Result], None],
    *,
    workers: int = 1,
    stop: Callable[[], bool] = lambda: False,
    describe: Callable[[Task], str] = str,
) -> list[Task]:
    """Run tasks in this process (one worker) or in spawned ones, handing over each result as soon as it is there.

    Arguments:
        tasks: what to do, first things first; must be picklable for several workers.
        work: does one task; a function of a module, for several workers.
        finished: takes each result, in this process, in the order of finishing.
        workers: number of processes.
        stop: asked before a task is started; those under way are finished.
        describe: a task in a few words, for the error.

    Returns:
        The tasks that were not started.

    Raises:
        SweepError: a worker was killed, and another one after the pool had been rebuilt.
        KeyboardInterrupt: after handing over what was finished and ending the workers.
    """
    waiting = deque(tasks)
    if workers <= 1 or len(waiting) <= 1:
        while waiting and not stop():
            task = waiting.popleft()
            finished(task, work(task))
        return list(waiting)
    lost: list[Task] = []
    for attempt in (1, 2):
        lost = _pooled(waiting, work, finished, min(workers, len(waiting)), stop)
        if not lost:
            break
        if attempt == 1:
            waiting.extendleft(reversed(lost))
    if lost:
        raise SweepError(
            f"a worker process was killed twice, the last time during {' or '.join(map(describe, lost[:4]))}; "
            "it may have run out of memory: use fewer --workers or a smaller grid, what was finished is kept"
        )
    return list(waiting)


def _pooled(
    waiting: deque[Task],
    work: Callable[[Task], Result],
    finished: Callable[[Task, Result], None],
    workers: int,
    stop: Callable[[], bool],
) -> list[Task]:
    """Run waiting tasks in one pool; the tasks that were under way when a worker was killed."""
    pool = ProcessPoolExecutor(workers, multiprocessing.get_context("spawn"), initializer=_start)
    running: dict[Future[Result], Task] = {}
    try:
        while waiting or running:
            # No more tasks are handed out than there are workers: what is lost with a worker is then known.
            while waiting and len(running) < workers and not stop():
                task = waiting.popleft()
                try:
                    running[pool.submit(work, task)] = task
                except BrokenProcessPool:
                    waiting.appendleft(task)
                    return _harvest(running, finished) or [waiting.popleft()]
            if not running:
                break
            done, _ = wait(running, return_when=FIRST_COMPLETED)
            for future in done:
                try:
                    result = future.result()
                except BrokenProcessPool:
                    return _harvest(running, finished)
                finished(running[future], result)
                del running[future]
        pool.shutdown()
        return []
    except KeyboardInterrupt:
        _harvest(running, finished)
        raise
    finally:
        _end(pool)


def _harvest(running: dict[Future[Result], Task], finished: Callable[[Task, Result], None]) -> list[Task]:
    """Hand over every result that is there; the tasks that have none."""
    without: list[Task] = []
    for future, task in running.items():
        if future.done() and not future.cancelled() and future.exception() is None:
            finished(task, future.result())
        else:
            without.append(task)
    return without


def _end(pool: ProcessPoolExecutor) -> None:
    """End the workers of a pool whatever they are doing."""
    processes = list((getattr(pool, "_processes", None) or {}).values())
    pool.shutdown(wait=False, cancel_futures=True)
    for process in processes:
        with contextlib.suppress(OSError, ValueError):
            process.terminate()


def _start() -> None:
    """What a worker does first: leave interrupts to the coordinator, end with it, and use one torch thread."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    parent = multiprocessing.parent_process()
    if parent is not None:
        # A coordinator that is killed with -9 says no goodbye, and a pool's workers would wait for it for ever.
        threading.Thread(target=_follow, args=(parent.sentinel,), daemon=True).start()
    # Read by torch and NumPy when they are first imported, which in a spawned worker is later than this.
    for name in ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
        os.environ[name] = "1"
    if "torch" in sys.modules:
        sys.modules["torch"].set_num_threads(1)


def _follow(sentinel: int) -> None:
    wait_for([sentinel])
    os._exit(1)
