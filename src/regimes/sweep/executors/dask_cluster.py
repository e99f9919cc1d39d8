"""Tasks on a Dask cluster: one of this machine's processes, or one that runs already."""

from __future__ import annotations

import asyncio
import logging
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import CancelledError, Future
from contextlib import contextmanager
from importlib import metadata
from typing import Any

from regimes.sweep.executors.base import Start, SweepError, TaskExecutor

SECONDS_TO_CONNECT = 5
SECONDS_WITHOUT_WORKERS = 60
# What the bits of a verdict depend on.
PACKAGES = ("regimes", "torch", "numpy", "scipy")


class NoWorkers(SweepError):
    """A cluster that has only a scheduler."""


class DaskExecutor(TaskExecutor):
    """`Client.get_executor()`, with room for one task per worker process.

    Arguments:
        client: a connected client.
        name: how the cluster is called, for the error.

    Raises:
        SweepError: the scheduler is gone, or has no workers.
    """

    def __init__(self, client: Any, name: str) -> None:
        from distributed import KilledWorker
        from distributed.comm.core import CommClosedError

        # The scheduler gives a task whose worker died to another worker by itself, and gives up in the end (KilledWorker).
        # Futures are cancelled when the scheduler itself is gone.
        self.lost = (KilledWorker, CancelledError, CommClosedError)
        self.died = f"workers of {name} were killed"
        self.mend = "they may have run out of memory: give them more, or use a smaller grid"
        self.room = len(_workers(client, name))
        self._client, self._name, self._seen = client, name, time.monotonic()
        self._executor = client.get_executor(pure=False)

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        """Submit a call; one at a time in each worker process."""
        return self._executor.submit(_alone, fn, *args, **kwargs)

    def flush(self) -> None:
        """Look after the cluster: SweepError if its scheduler is gone, or if it has been without workers for long."""
        try:
            _workers(self._client, self._name)
            self._seen = time.monotonic()
        except NoWorkers:
            if time.monotonic() - self._seen > SECONDS_WITHOUT_WORKERS:
                raise

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        """Take no more tasks; the cluster stays."""
        self._executor.shutdown(wait=wait)

    def end(self) -> None:
        """Cancel what was submitted; a cell that a worker of somebody's cluster is at runs to its end there, unused."""
        self._executor.shutdown(wait=False)


_turn = threading.Lock()


def _alone(work: Callable[..., Any], *args: Any) -> Any:
    """Do a task while no other thread of this process does one: torch's number of threads belongs to the process."""
    with _turn:
        return work(*args)


@contextmanager
def dask_cluster(address: str | None, workers: int) -> Iterator[Start]:
    """A cluster for the length of a run.

    Arguments:
        address: of a scheduler, such as `tcp://10.0.0.1:8786`; None for a cluster of this machine's processes.
        workers: processes of that cluster.

    Raises:
        SweepError: Dask is not installed, the scheduler cannot be reached, or its workers have other versions.
    """
    try:
        from distributed import Client, LocalCluster
    except ImportError:
        raise SweepError("--executor dask needs dask.distributed: pip install 'regimes[dask]'") from None
    # What Dask has to say of lost workers and connections is said by our own sentences.
    for logger in [name for name in logging.root.manager.loggerDict if name.startswith(("distributed", "tornado"))]:
        logging.getLogger(logger).setLevel(logging.CRITICAL + 1)
    if address is None:
        # No dashboard and no limit on memory: what a local pool has not either.
        bare: dict[str, Any] = {"dashboard_address": None, "memory_limit": 0, "preload": [__name__]}
        with (
            LocalCluster(n_workers=workers, threads_per_worker=1, processes=True, host="127.0.0.1", scheduler_port=0,
                         silence_logs=logging.CRITICAL, **bare) as cluster,
            Client(cluster, set_as_default=False) as client,
        ):  # fmt: skip
            yield lambda tasks: DaskExecutor(client, "the local Dask cluster")
        return
    name = f"the Dask cluster at {address}"
    try:
        # First without a client, which makes noise when it is thrown away unconnected.
        asyncio.run(_shake_hands(address))
        client = Client(address, timeout=SECONDS_TO_CONNECT, set_as_default=False)
    except Exception as raised:  # a server that is not Dask's makes its first bytes mean anything
        known = isinstance(raised, (OSError, ValueError))
        reason = " ".join(str(raised).split()) if known else "what answers there is no Dask scheduler"
        raise SweepError(f"{name} cannot be reached ({reason}); start `dask scheduler` there and give "
                         "its address, as in dask:tcp://host:8786, or use --executor dask alone") from None  # fmt: skip
    with client:
        _workers(client, name)
        _same_versions(client, name)
        yield lambda tasks: DaskExecutor(client, name)


def dask_setup(worker: Any) -> None:
    """Called by a worker of a local cluster as it starts: interrupts are for the coordinator, which ends its workers."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)


async def _shake_hands(address: str) -> None:
    from distributed.comm.core import connect

    comm = await connect(address, timeout=SECONDS_TO_CONNECT)
    await comm.close()


def _workers(client: Any, name: str) -> list[str]:
    """Addresses of the cluster's workers; SweepError if there are none or the scheduler is gone."""
    try:
        workers = list(client.nthreads()) if client.status == "running" else None
    except Exception:  # whatever a connection raises that just closed
        workers = None
    if workers is None:
        raise SweepError(f"{name} has gone away; start it and run again, what was finished is kept")
    if not workers:
        raise NoWorkers(f"{name} has no workers; start some with `dask worker ADDRESS --nthreads 1`")
    return workers


def versions() -> dict[str, str]:
    """Versions of what the bits of a verdict depend on, in this process."""
    return {"python": "{}.{}".format(*sys.version_info), **{name: metadata.version(name) for name in PACKAGES}}


def _same_versions(client: Any, name: str) -> None:
    mine = versions()
    try:
        theirs = client.run(versions)
    except Exception as raised:  # the worker's own exception, of whatever type
        reason = " ".join(str(raised).split()) or type(raised).__name__
        raise SweepError(f"the workers of {name} cannot run regimes ({reason}); install regimes "
                         f"{mine['regimes']} in their environment") from None  # fmt: skip
    for worker, found in theirs.items():
        for package, version in mine.items():
            if found[package] != version:
                raise SweepError(f"worker {worker} of {name} has {package} {found[package]} and this process has {version}; "
                                 "install the same there, or verdicts would not be the same bits")  # fmt: skip
