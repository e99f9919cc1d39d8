"""`--executor`: which executor a name opens."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from regimes.sweep.executors.base import Start, SweepError


@contextmanager
def executor_named(text: str, workers: int, store: Path, slurm: Sequence[str] = ()) -> Iterator[Start | None]:
    """What opens the executor that `--executor` names, for the length of a run.

    Arguments:
        text: `local`, `dask`, `dask:ADDRESS` or `slurm`.
        workers: processes of this machine, or Slurm jobs; a cluster at an address has its own.
        store: the run's store; the folder of Slurm jobs lies beside it.
        slurm: `KEY=VALUE` texts.

    Yields:
        What opens an executor; None for processes of this machine.

    Raises:
        SweepError: an unknown name, a package or a cluster that is not there.
    """
    name, colon, address = text.partition(":")
    if name not in ("local", "dask", "slurm") or (colon and (name != "dask" or not address)):
        raise SweepError(f"--executor is local, dask, dask:ADDRESS as in dask:tcp://host:8786, or slurm; got {text!r}")
    if slurm and name != "slurm":
        raise SweepError(f"--slurm {slurm[0]} asks something of Slurm; add --executor slurm")
    if name == "dask":
        from regimes.sweep.executors.dask_cluster import dask_cluster

        with dask_cluster(address or None, workers) as start:
            yield start
    elif name == "slurm":
        from regimes.sweep.executors.job_array import job_array
        from regimes.sweep.executors.slurm_options import parse_slurm

        yield job_array(parse_slurm(slurm, job_folder(store)), workers)
    else:
        yield None


def job_folder(store: Path) -> Path:
    """Where the jobs of a store's runs leave their files, if no other folder is given."""
    return store.with_name(f"{store.name}.jobs")
