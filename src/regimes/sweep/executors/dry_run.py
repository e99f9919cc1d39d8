"""`--dry-run`: the batch scripts of a run and how much they would do, with nothing submitted and nothing written."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from regimes.sweep.executors.base import NotBegun, Start, SweepError, TaskExecutor
from regimes.sweep.executors.choose import job_folder
from regimes.sweep.executors.chunks import chunks
from regimes.sweep.executors.job_array import batch_script, need_submitit, planned_cost
from regimes.sweep.executors.slurm_options import SlurmOptions, parse_slurm
from regimes.sweep.merge import merge
from regimes.sweep.work import CellTask, ControlTask


class _Script(TaskExecutor):
    """Begins nothing, and says what an array of jobs would be."""

    room = float("inf")

    def __init__(self, options: SlurmOptions, jobs: int, say: Callable[[str], None]) -> None:
        self._options, self._jobs, self._say = options, jobs, say
        self._tasks: list[Any] = []

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        """Count a task."""
        self._tasks += args
        future: Future[Any] = Future()
        future.set_exception(NotBegun())
        return future

    def flush(self) -> None:
        """Say which jobs there would be."""
        if self._tasks:
            jobs = len(chunks(self._tasks, self._jobs, planned_cost))
            what = {CellTask: "cells", ControlTask: "controls"}.get(type(self._tasks[0]), "rows")
            self._say(f"# {len(self._tasks)} {what} in {jobs} {'jobs' if jobs > 1 else 'job'}\n"
                      f"{batch_script(self._options, jobs)}")  # fmt: skip
            self._tasks = []


@contextmanager
def dry_run(
    executor: str, workers: int, store: Path, slurm: Sequence[str], say: Callable[[str], None]
) -> Iterator[tuple[Start, Path]]:
    """What opens an executor that only says what it would submit, and a copy of the store to run it on.

    Raises:
        SweepError: another executor than `slurm`, an option it does not have, or submitit is not installed.
    """
    if executor != "slurm":
        raise SweepError(f"--dry-run prints the batch script of --executor slurm; got --executor {executor}")
    options = parse_slurm(slurm, job_folder(store))
    if options.cluster != "slurm":
        raise SweepError("--dry-run prints what Slurm would get; leave out --slurm cluster=local")
    need_submitit()
    with TemporaryDirectory() as scratch:
        copy = Path(scratch) / store.name
        if store.exists():
            merge(copy, [store])
        opened: list[_Script] = []

        def start(tasks: int) -> _Script:
            opened.append(_Script(options, workers, say))
            return opened[-1]

        yield start, copy
        if not opened:
            say("# nothing to do: the store has every cell and control")
