"""Tasks in an array of Slurm jobs, through submitit; its local executor runs the same jobs as processes of this machine."""

from __future__ import annotations

import logging
import os
import shlex
import shutil
import sys
import threading
import warnings
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from regimes.sweep.executors.base import THREADS, NotBegun, Start, SweepError, TaskExecutor
from regimes.sweep.executors.chunks import chunks
from regimes.sweep.executors.job_files import Results, RunFolder, do_chunk, key_of, next_run
from regimes.sweep.executors.slurm_options import SlurmOptions
from regimes.sweep.grid import cost
from regimes.sweep.work import ControlTask

POLL = {"slurm": 2.0, "local": 0.1}


class JobLost(Exception):
    """A job that came to its end without the results of all its tasks: killed, out of time or out of memory."""


class JobArray(TaskExecutor):
    """An executor that sends everything submitted before `flush` as one array of jobs.

    A future is done as soon as its job has written the result. Results that jobs of an earlier run have left behind are
    taken first: a coordinator that was killed costs nothing that its jobs had finished.

    Arguments:
        options: what is asked of Slurm.
        jobs: number of jobs at most.
    """

    room = float("inf")
    lost = (JobLost,)
    died = "a job ended without its results"

    def __init__(self, options: SlurmOptions, jobs: int) -> None:
        self._options, self._jobs = options, jobs
        self._folder = RunFolder(options.folder)
        self._left_behind = self._folder.left_behind()
        self.mend = (f"its log is in {self._folder.path}; if it ran out of time or memory, ask for more with "
                     "--slurm time=MINUTES or mem=8GB")  # fmt: skip
        self._pending: list[tuple[Any, Future[Any]]] = []
        self._work: Callable[[Any], Any] | None = None
        self._watches: list[_Watch] = []
        self._watcher: threading.Thread | None = None
        self._ended = threading.Event()

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        """Take a call of one task; it starts with the next `flush`."""
        (task,), self._work = args, fn
        future: Future[Any] = Future()
        known = self._left_behind.get(key_of(task))
        if known is not None:
            future.set_result(known)
        else:
            self._pending.append((task, future))
        return future

    def flush(self) -> None:
        """Send what was submitted, in chunks of similar planned cost."""
        if not self._pending:
            return
        first = len(self._watches)
        dealt = chunks(self._pending, self._jobs, lambda one: planned_cost(one[0]))
        self._pending = []
        files = [self._folder.results(first + number) for number in range(len(dealt))]
        jobs = self._send([[task for task, _ in chunk] for chunk in dealt], files)
        for job, chunk, file in zip(jobs, dealt, files, strict=True):
            self._watches.append(_Watch(job, {key_of(task): future for task, future in chunk}, Results(file)))
        if self._watcher is None:
            self._watcher = threading.Thread(target=self._watch, daemon=True)
            self._watcher.start()

    def _send(self, dealt: list[list[Any]], files: list[Path]) -> list[Any]:
        """Submit the chunks to submitit; SweepError if Slurm refuses them."""
        from submitit.core import utils

        count = len(dealt)
        # submitit hands functions and tasks to its jobs as pickles in the run's own folder; none of them comes from a user,
        # and this process reads none: results come as JSON.
        executor = submitit_executor(self._options, self._folder.path)
        try:
            log = self._folder.path / "controllers.log"
            with utils.environment_variables(**dict.fromkeys(THREADS, 1)), _errors_into(log, self._options.cluster):
                return executor.map_array(do_chunk, [self._work] * count, dealt, files, [self._folder.stop] * count)
        except (utils.FailedJobError, utils.FailedSubmissionError, OSError) as raised:
            reason = (str(raised).strip().splitlines() or [type(raised).__name__])[-1].strip()
            self._folder.remove()
            raise SweepError(f"the jobs could not be submitted ({reason}); "
                             "change what is asked with --slurm KEY=VALUE") from None  # fmt: skip

    def _watch(self) -> None:
        """Hand over results as they are written, until every job has ended."""
        while not self._ended.wait(POLL[self._options.cluster]):
            ended = [watch.look(self._folder.stop.exists()) for watch in self._watches]
            if all(ended):
                return

    def drain(self) -> None:
        """Tell the jobs to begin no further task."""
        self._folder.stop.touch()

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        """Wait for the jobs to end and remove their files, unless one was lost: its log is then needed."""
        if wait and self._watcher is not None:
            self._watcher.join(timeout=60)
        if all(watch.over and not watch.lost for watch in self._watches):
            self._folder.remove()

    def end(self) -> None:
        """Cancel the jobs and take the results that they have written."""
        if self._ended.is_set():
            return
        self._ended.set()
        if self._watcher is not None and self._watcher is not threading.current_thread():
            self._watcher.join()
        running = [watch for watch in self._watches if not watch.over]
        if running:
            self._folder.stop.touch()
        for watch in running:
            watch.job.cancel(check=False)
            watch.take()


class _Watch:
    """One job: the futures of its tasks by key, and its file of results."""

    def __init__(self, job: Any, futures: dict[str, Future[Any]], results: Results) -> None:
        self.job, self._futures, self._results = job, futures, results
        self.over = self.lost = False

    def take(self) -> None:
        """Complete the futures whose results have been written."""
        for key, result in self._results.new().items():
            future = self._futures.pop(key, None)
            if future is not None:
                future.set_result(result)

    def look(self, stopped: bool) -> bool:
        """Take what is there; whether the job has ended, and then what becomes of the tasks without a result."""
        if not self.over:
            over = self.job.done()
            self.take()  # after asking: what an ended job has written is there
            if over:
                self.over = True
                self.lost = bool(self._futures) and not stopped
                # A job does its tasks in order: it was lost at the first without a result, and did not begin the others.
                for number, future in enumerate(self._futures.values()):
                    future.set_exception(JobLost() if self.lost and number == 0 else NotBegun())
                self._futures = {}
        return self.over


@contextmanager
def _errors_into(log: Path, cluster: str) -> Iterator[None]:
    """Processes started inside write their errors to a file: those that stand in for Slurm die noisily when cancelled."""
    if cluster != "local":
        yield
        return
    before = os.dup(2)
    try:
        with log.open("ab") as file:
            os.dup2(file.fileno(), 2)
        yield
    finally:
        os.dup2(before, 2)
        os.close(before)


def planned_cost(task: Any) -> float:
    """A guess at a task's cost; controls are alike."""
    return 1.0 if isinstance(task, ControlTask) else cost(task.case)


def job_array(options: SlurmOptions, jobs: int) -> Start:
    """Opens arrays of at most so many jobs.

    Raises:
        SweepError: submitit is not installed, or this machine has no Slurm.
    """
    need_submitit()
    if options.cluster == "slurm":
        for command in ("sbatch", "srun"):
            if shutil.which(command) is None:
                raise SweepError(f"this machine has no {command}: run on a login node of the cluster, see the batch script "
                                 "with --dry-run, or use --executor local")  # fmt: skip
    return lambda tasks: JobArray(options, jobs)


def need_submitit() -> None:
    """SweepError if submitit is not installed."""
    try:
        import submitit  # noqa: F401
    except ImportError:
        raise SweepError("--executor slurm needs submitit: pip install 'regimes[slurm]'") from None


def submitit_executor(options: SlurmOptions, folder: Path) -> Any:
    """The executor of submitit for a run."""
    import submitit

    logging.getLogger("submitit").setLevel(logging.CRITICAL)  # what it has to say of lost jobs is said by our sentences
    if options.cluster == "local":
        executor: Any = submitit.LocalExecutor(folder)
        executor.update_parameters(timeout_min=options.parameters["time"])
        return executor
    executor = submitit.SlurmExecutor(folder)
    executor.update_parameters(**options.parameters)
    return executor


def batch_script(options: SlurmOptions, jobs: int) -> str:
    """The text that `sbatch` would get for the next run, made by submitit without Slurm."""
    from submitit.slurm.slurm import _make_sbatch_string

    folder = next_run(options.folder)
    command = f"{shlex.quote(sys.executable)} -u -m submitit.core._submit {shlex.quote(str(folder))}"
    array: dict[str, Any] = {"map_count": jobs} if jobs > 1 else {}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return _make_sbatch_string(command=command, folder=folder, **options.parameters, **array)
