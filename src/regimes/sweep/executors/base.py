"""What a sweep needs of an executor besides `submit`: how many tasks it takes, how it stops, what its failures mean."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Executor

from regimes.errors import RegimesError

# Read by torch and NumPy when they are first imported; 1 in every worker, since a sweep is parallel over its tasks.
THREADS = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS")


class SweepError(RegimesError, RuntimeError):
    """A sweep that cannot go on; the message is one sentence with the mend. What was finished is kept."""


class NotBegun(Exception):
    """Set on the future of a task that `drain` came before: it is left for another run."""


class TaskExecutor(Executor):
    """A `concurrent.futures.Executor` for the tasks of a sweep.

    Attributes:
        room: tasks that may be under way at once; with few of them, few are lost with a worker.
        lost: what a future (or `submit`) raises when the task's worker was lost.
        died: how such a loss is called, for the error.
        mend: what the user can do about it.
    """

    room: float = 1
    lost: tuple[type[BaseException], ...] = ()
    died = "a worker process was killed"
    mend = "it may have run out of memory: use fewer --workers or a smaller grid"

    def flush(self) -> None:
        """Start what was submitted since the last flush; for executors that send many tasks in one go."""

    def drain(self) -> None:
        """Begin no further task; futures of tasks that were not begun raise NotBegun, the others come to their end."""

    def end(self) -> None:
        """End the workers whatever they are doing; results that are there already can still be had."""


# Opens an executor for so many tasks; called again after a loss.
Start = Callable[[int], TaskExecutor]
