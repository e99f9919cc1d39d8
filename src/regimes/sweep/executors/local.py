"""A pool of processes on this machine: one torch thread each, no orphans."""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import signal
import sys
import threading
from collections.abc import Callable
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from multiprocessing.connection import wait as wait_for
from typing import Any

from regimes.sweep.executors.base import THREADS, TaskExecutor
from regimes.sweep.executors.fork_server import begin


class LocalPool(ProcessPoolExecutor, TaskExecutor):
    """Processes that share nothing, as many as there are workers and tasks.

    Arguments:
        workers: number of processes.
    """

    lost = (BrokenProcessPool,)

    def __init__(self, workers: int) -> None:
        # Forked workers have the environment that their server was started with; they get the one of now.
        super().__init__(workers, begin(), initializer=_start, initargs=(dict(os.environ),))
        # No more tasks are handed out than there are workers: what is lost with a worker is then known.
        self.room = workers

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        """Submit a call; BrokenProcessPool also if the fork server was killed."""
        try:
            return super().submit(fn, *args, **kwargs)
        except (EOFError, OSError) as gone:
            raise BrokenProcessPool("no worker could be started") from gone

    def end(self) -> None:
        """End the processes whatever they are doing."""
        processes = list((getattr(self, "_processes", None) or {}).values())
        self.shutdown(wait=False, cancel_futures=True)
        for process in processes:
            with contextlib.suppress(OSError, ValueError):
                process.terminate()


def _start(environment: dict[str, str]) -> None:
    """What a worker does first: leave interrupts and stdout to the coordinator, end with it, and use one torch thread."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    sys.stdout = sys.stderr
    parent = multiprocessing.parent_process()
    if parent is not None:
        # A coordinator that is killed with -9 says no goodbye, and a pool's workers would wait for it for ever.
        threading.Thread(target=_follow, args=(parent.sentinel,), daemon=True).start()
    os.environ.clear()
    os.environ.update({**environment, **dict.fromkeys(THREADS, "1")})
    if "torch" in sys.modules:
        sys.modules["torch"].set_num_threads(1)


def _follow(sentinel: int) -> None:
    wait_for([sentinel])
    os._exit(1)
