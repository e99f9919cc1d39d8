"""A pool of spawned processes on this machine: one torch thread each, no orphans."""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import signal
import sys
import threading
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from multiprocessing.connection import wait as wait_for

from regimes.sweep.executors.base import TaskExecutor


class LocalPool(ProcessPoolExecutor, TaskExecutor):
    """Spawned processes, as many as there are workers and tasks.

    Arguments:
        workers: number of processes.
    """

    lost = (BrokenProcessPool,)

    def __init__(self, workers: int) -> None:
        super().__init__(workers, multiprocessing.get_context("spawn"), initializer=_start)
        # No more tasks are handed out than there are workers: what is lost with a worker is then known.
        self.room = workers

    def end(self) -> None:
        """End the processes whatever they are doing."""
        processes = list((getattr(self, "_processes", None) or {}).values())
        self.shutdown(wait=False, cancel_futures=True)
        for process in processes:
            with contextlib.suppress(OSError, ValueError):
                process.terminate()


THREADS = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS")


def _start() -> None:
    """What a worker does first: leave interrupts to the coordinator, end with it, and use one torch thread."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    parent = multiprocessing.parent_process()
    if parent is not None:
        # A coordinator that is killed with -9 says no goodbye, and a pool's workers would wait for it for ever.
        threading.Thread(target=_follow, args=(parent.sentinel,), daemon=True).start()
    # Read by torch and NumPy when they are first imported, which in a spawned worker is later than this.
    for name in THREADS:
        os.environ[name] = "1"
    if "torch" in sys.modules:
        sys.modules["torch"].set_num_threads(1)


def _follow(sentinel: int) -> None:
    wait_for([sentinel])
    os._exit(1)
