from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

pytest.importorskip("distributed", reason="needs the extra dask")

from distributed import LocalCluster

from regimes.sweep.executors import dask_cluster as module
from regimes.sweep.executors.base import SweepError
from regimes.sweep.executors.dask_cluster import dask_cluster
from regimes.sweep.pool import run_tasks


@pytest.fixture
def cluster() -> Iterator[LocalCluster]:
    """A scheduler and one worker with two threads, in this process."""
    about = {"n_workers": 1, "threads_per_worker": 2, "processes": False, "host": "127.0.0.1", "scheduler_port": 0}
    with LocalCluster(protocol="tcp", dashboard_address=None, **about) as opened:  # type: ignore[arg-type]
        yield opened


def refused(address: str, *says: str) -> None:
    with pytest.raises(SweepError) as raised, dask_cluster(address, 2):
        pass
    for words in (address, *says):
        assert words in str(raised.value)
    assert "\n" not in str(raised.value)


def test_a_cluster_that_cannot_be_reached(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "SECONDS_TO_CONNECT", 0.3)
    refused("tcp://127.0.0.1:1", "cannot be reached", "start `dask scheduler` there")
    refused("nonsense", "cannot be reached (missing port number")


def test_a_server_that_is_not_dask(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "SECONDS_TO_CONNECT", 0.5)
    with socket.create_server(("127.0.0.1", 0)) as server:

        def answer() -> None:
            connection, _ = server.accept()
            connection.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n" * 4)
            connection.close()

        threading.Thread(target=answer, daemon=True).start()
        refused(f"tcp://127.0.0.1:{server.getsockname()[1]}", "cannot be reached")


def test_a_cluster_without_workers(cluster: LocalCluster) -> None:
    cluster.scale(0)
    cluster.sync(cluster._correct_state)
    refused(cluster.scheduler_address, "has no workers; start some with `dask worker ADDRESS --nthreads 1`")


def test_workers_with_other_versions(cluster: LocalCluster, monkeypatch: pytest.MonkeyPatch) -> None:
    # The worker lives in this process: what it finds is asked for first by the coordinator, and then by itself.
    found = iter([{"regimes": "1", "torch": "2.13.0"}, {"regimes": "1", "torch": "2.6.0"}])
    monkeypatch.setattr(module, "versions", lambda: next(found))
    refused(cluster.scheduler_address, "has torch 2.6.0 and this process has 2.13.0; install the same there")


INSIDE: list[int] = []
MOST: list[int] = []


def noted(number: int) -> int:
    """Takes a moment, and notes how many do so at once; of this module, since the worker lives in this process."""
    INSIDE.append(number)
    MOST.append(len(INSIDE))
    time.sleep(0.02)
    INSIDE.remove(number)
    return 2 * number


def test_tasks_of_one_worker_process_take_turns(cluster: LocalCluster) -> None:
    """Torch has one number of threads for a process, so two cells at a time would disturb each other."""
    found: dict[int, int] = {}
    with dask_cluster(cluster.scheduler_address, 2) as start:
        executor = start(8)
        executor.room = 8  # more than it would take
        assert run_tasks(range(8), noted, found.__setitem__, start=lambda tasks: executor) == []
    assert found == {number: 2 * number for number in range(8)}
    assert MOST == [1] * 8


def test_a_scheduler_that_goes_away_in_the_middle(cluster: LocalCluster) -> None:
    found: dict[int, int] = {}

    def finished(number: int, result: int) -> None:
        found[number] = result
        if len(found) == 3:
            cluster.close()

    with pytest.raises(SweepError, match="has gone away; start it and run again, what was finished is kept"):
        with dask_cluster(cluster.scheduler_address, 1) as start:
            run_tasks(range(50), abs, finished, start=start)
    assert 3 <= len(found) < 50


def test_a_cluster_left_without_workers(cluster: LocalCluster, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "SECONDS_WITHOUT_WORKERS", 0.5)

    def finished(number: int, result: int) -> None:
        if number == 3:
            cluster.scale(0)
            cluster.sync(cluster._correct_state)

    with pytest.raises(SweepError, match="has no workers"), dask_cluster(cluster.scheduler_address, 1) as start:
        run_tasks(range(50), abs, finished, start=start)


def test_the_command_line_says_it_in_one_sentence(
    claim_folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    from regimes.cli import main

    monkeypatch.setattr(module, "SECONDS_TO_CONNECT", 0.3)
    store = tmp_path / "maps.sqlite"
    with pytest.raises(SystemExit) as stop:
        main(["map", "--claims", str(claim_folder), "--store", str(store), "--executor", "dask:tcp://127.0.0.1:1"])
    out, err = capsys.readouterr()
    assert (stop.value.code, out, len(err.splitlines())) == (2, "", 1)
    assert "the Dask cluster at tcp://127.0.0.1:1 cannot be reached" in err
    assert not store.exists()
