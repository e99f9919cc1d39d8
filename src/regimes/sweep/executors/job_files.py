"""The files by which a coordinator and its jobs speak: one folder for a run, one file of results for each job.

Jobs write results as lines of JSON, which the coordinator reads as they grow. A line per task and one writer per file work on
the network file systems of clusters, where two machines in one SQLite file do not; and no pickle is ever read back.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from collections.abc import Callable, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from regimes.sweep.executors.base import SweepError
from regimes.sweep.work import Finished, FoundRow

Result = Finished | FoundRow
KINDS: dict[str, type[Result]] = {kind.__name__: kind for kind in (Finished, FoundRow)}


def key_of(task: Any) -> str:
    """A name for everything that a task's result depends on."""
    return hashlib.sha256(repr(task).encode()).hexdigest()


def do_chunk(work: Callable[[Any], Result], tasks: Sequence[Any], results: Path, stop: Path) -> int:
    """What a job does: its tasks one by one, each result written at once, until all are done or the file `stop` is there.

    Arguments:
        work: does one task.
        tasks: the tasks.
        results: file of results, a line for each.
        stop: once this file exists, no task is begun.

    Returns:
        The number of tasks done.
    """
    done = 0
    with results.open("a", encoding="utf-8") as file:
        for task in tasks:
            if stop.exists():
                break
            result = work(task)
            file.write(json.dumps([key_of(task), type(result).__name__, asdict(result)]) + "\n")
            file.flush()
            os.fsync(file.fileno())
            done += 1
    return done


class Results:
    """A file of results that another process is writing."""

    def __init__(self, path: Path) -> None:
        self.path, self._offset = path, 0

    def new(self) -> dict[str, Result]:
        """Results by key that were not there at the last call; half a line waits for its other half."""
        try:
            with self.path.open("rb") as file:
                file.seek(self._offset)
                data = file.read()
        except FileNotFoundError:
            return {}
        whole = data.rfind(b"\n") + 1
        self._offset += whole
        found: dict[str, Result] = {}
        for line in data[:whole].splitlines():
            try:
                key, kind, fields = json.loads(line)
                found[key] = KINDS[kind](**fields)
            except (ValueError, TypeError, KeyError):
                continue  # torn by a killed job or a full disk: as if it had not been written
        return found


class RunFolder:
    """The folder of one run of jobs, private to its user; submitit's own scripts, logs and pickles lie in it as well.

    Arguments:
        parent: the folder of all runs of a store.

    Raises:
        SweepError: it cannot be made.
    """

    def __init__(self, parent: Path) -> None:
        self.parent = parent
        try:
            parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            self.earlier = [path for path in sorted(parent.iterdir()) if path.name.isdigit()]
            self.path = next_run(parent)
            self.path.mkdir(mode=0o700)
        except OSError as raised:
            raise SweepError(f"the folder of jobs {parent} cannot be made ({raised.strerror}); "
                             "name another with --slurm folder=DIR") from None  # fmt: skip
        self.stop = self.path / "stop"

    def left_behind(self) -> dict[str, Result]:
        """Results of the jobs of earlier runs, whose coordinator was killed; jobs that still run are told to stop."""
        found: dict[str, Result] = {}
        for folder in self.earlier:
            (folder / "stop").touch()
            for path in sorted(folder.glob("*.jsonl")):
                found |= Results(path).new()
        return found

    def results(self, number: int) -> Path:
        """The file of results of a job."""
        return self.path / f"{number}.jsonl"

    def remove(self) -> None:
        """Remove this run's folder and those of earlier runs."""
        for folder in (*self.earlier, self.path):
            shutil.rmtree(folder, ignore_errors=True)
        try:
            self.parent.rmdir()
        except OSError:
            pass  # not ours alone


def next_run(parent: Path) -> Path:
    """The folder of the next run: the first number that is free."""
    taken = {int(path.name) for path in parent.iterdir() if path.name.isdigit()} if parent.is_dir() else set()
    return parent / str(max(taken, default=0) + 1)
