"""What workers of this machine are forked from: an interpreter of its own that has imported torch and run nothing.

Its children are there in hundredths of a second and share the memory of the imports. Workers are never forked from the
coordinator, which may have threads, an open store and a device; the server has one thread and touches no device.
"""

from __future__ import annotations

import multiprocessing
import os
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from multiprocessing.context import BaseContext

from regimes.sweep.executors.base import THREADS

# On macOS a process that has loaded Accelerate must not fork, and Windows cannot.
METHOD = "forkserver" if sys.platform == "linux" else "spawn"
PRELOADED = ["torch", "regimes.sweep.work", "regimes.verify"]


def begin() -> BaseContext:
    """The context that workers are started in; its server imports while this process goes on, and ends with it.

    The earlier this is called, the more of the imports is done beside this process's own work.
    """
    context = multiprocessing.get_context(METHOD)
    if METHOD == "forkserver":
        from multiprocessing.forkserver import ensure_running

        context.set_forkserver_preload(PRELOADED)
        # The server's own path is made of its environment alone (until Python 3.12.8), and could lead to another regimes.
        path = os.pathsep.join(map(str, filter(None, sys.path)))
        with _environment({**dict.fromkeys(THREADS, "1"), "PYTHONPATH": path}), _without_interrupts():
            try:
                ensure_running()
            except OSError:
                # No temporary folder to write a socket into, or one with a path too long for a socket.
                return multiprocessing.get_context("spawn")
    return context


@contextmanager
def _environment(changes: dict[str, str]) -> Iterator[None]:
    """Variables for a process that is started meanwhile."""
    before = {name: os.environ.get(name) for name in changes}
    os.environ.update(changes)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value


@contextmanager
def _without_interrupts() -> Iterator[None]:
    """No Ctrl-C for a process that is started meanwhile, which inherits the mask; for this process it comes afterwards."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
