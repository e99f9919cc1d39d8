from __future__ import annotations

import contextlib
import os
import pkgutil
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

import regimes
from processes import assert_gone
from regimes.sweep.executors.base import THREADS
from regimes.sweep.executors.fork_server import METHOD, begin
from regimes.sweep.executors.local import LocalPool
from regimes.sweep.pool import run_tasks

pytestmark = pytest.mark.skipif(METHOD != "forkserver", reason="workers are forked on Linux only")

# Functions of tasks live in this module, which imports no torch: a worker has it from the server or not at all.


def server_of_this_worker() -> tuple[int, int, bool]:
    """The server's process and number of threads, and whether this worker has torch already."""
    server = os.getppid()
    return server, len(os.listdir(f"/proc/{server}/task")), "torch" in sys.modules


def variable(name: str) -> str | None:
    return os.environ.get(name)


def kill_the_server_once(task: str) -> str:
    """The first task kills the fork server; every one leaves its worker's process as a file."""
    server, folder = os.getppid(), Path(task).parent
    (folder / f"worker {os.getpid()}").touch()
    with contextlib.suppress(FileExistsError):
        (folder / "killed").touch(exist_ok=False)
        os.kill(server, signal.SIGKILL)
    time.sleep(0.05)
    return task


def answer(task, *arguments):
    pool = LocalPool(1)
    try:
        return pool.submit(task, *arguments).result(timeout=60)
    finally:
        pool.end()


def test_workers_are_forked_from_one_thread_that_has_imported_torch() -> None:
    """A thread of the server, as NumPy's libraries start them, would be missing in its children, its locks held for ever."""
    server, threads, torch_was_there = answer(server_of_this_worker)
    assert server != os.getpid()
    assert (threads, torch_was_there) == (1, True)
    assert answer(server_of_this_worker)[0] == server


def test_workers_have_the_environment_of_now(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NAME_OF_A_TEST", "one")
    assert answer(variable, "NAME_OF_A_TEST") == "one"
    monkeypatch.delenv("NAME_OF_A_TEST")
    assert answer(variable, "NAME_OF_A_TEST") is None
    assert answer(variable, "PYTHONPATH") == os.environ.get("PYTHONPATH")


def test_beginning_leaves_the_environment_and_interrupts_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    first, *others = THREADS
    monkeypatch.setenv(first, "7")
    for name in others:
        monkeypatch.delenv(name, raising=False)
    before = dict(os.environ)
    begin()
    assert dict(os.environ) == before
    assert signal.SIGINT not in signal.pthread_sigmask(signal.SIG_BLOCK, ())


def test_workers_import_the_regimes_of_their_coordinator(tmp_path: Path) -> None:
    """Also where only its `sys.path` leads there."""
    copy = tmp_path / "regimes"
    shutil.copytree(Path(regimes.__file__).parent, copy, ignore=shutil.ignore_patterns("__pycache__"))
    ask = (
        f"import sys; sys.path.insert(0, {str(tmp_path)!r}); import pkgutil\n"
        "from regimes.sweep.executors.local import LocalPool\n"
        "pool = LocalPool(1)\n"
        "print(pool.submit(pkgutil.resolve_name, 'regimes.sweep.work:__file__').result(timeout=60))"
    )
    done = subprocess.run([sys.executable, "-c", ask], capture_output=True, text=True, timeout=120)
    assert done.stdout.strip() == str(copy / "sweep" / "work.py"), done.stderr
    assert answer(pkgutil.resolve_name, "regimes.sweep.work:__file__") != done.stdout.strip()


def test_a_killed_server_costs_nothing_but_time(tmp_path: Path) -> None:
    server = answer(server_of_this_worker)[0]
    tasks, found = [str(tmp_path / str(number)) for number in range(8)], []
    assert run_tasks(tasks, kill_the_server_once, lambda task, _: found.append(task), workers=2) == []
    assert sorted(found) == tasks
    assert answer(server_of_this_worker)[0] != server
    assert_gone([int(path.name.split()[1]) for path in tmp_path.glob("worker *")])


def test_without_a_place_for_its_socket_workers_are_spawned(tmp_path: Path) -> None:
    """The path of a socket has at most 107 bytes."""
    far = tmp_path / ("far" * 40)
    far.mkdir()
    ask = (
        "import os; from regimes.sweep.executors.local import LocalPool\n"
        "print(LocalPool(1).submit(os.getppid).result(timeout=60) == os.getpid())"
    )
    done = subprocess.run(
        [sys.executable, "-c", ask], env={**os.environ, "TMPDIR": str(far)}, capture_output=True, text=True, timeout=120
    )
    assert done.stdout.strip() == "True", done.stderr


def test_the_server_ends_with_its_coordinator() -> None:
    ask = (
        "import os; from regimes.sweep.executors.local import LocalPool\n"
        "print(LocalPool(1).submit(os.getppid).result(timeout=60), flush=True); os.kill(os.getpid(), 9)"
    )
    server = int(subprocess.run([sys.executable, "-c", ask], capture_output=True, text=True, timeout=120).stdout)
    assert_gone([server])
