"""`--slurm KEY=VALUE`: what is asked of Slurm, checked before anything is submitted."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from regimes.sweep.executors.base import THREADS, SweepError

WHOLE = ("time", "cpus_per_task", "gpus_per_node", "array_parallelism")
WORDS = ("partition", "account", "qos", "constraint", "mem", "mem_per_cpu", "gres", "job_name", "comment", "exclude",
         "nodelist", "mail_type", "mail_user")  # fmt: skip
OWN = ("setup", "folder", "cluster")
MEMORY = re.compile(r"\d+[KMGT]?B?", re.IGNORECASE)


@dataclass(frozen=True)
class SlurmOptions:
    """What is asked of Slurm.

    Attributes:
        parameters: of `sbatch`, by submitit's names.
        folder: where jobs leave scripts, logs and results; the cluster's machines must share it.
        cluster: `slurm`, or `local` for processes of this machine in place of jobs.
    """

    parameters: dict[str, Any] = field(default_factory=dict)
    folder: Path = Path("jobs")
    cluster: str = "slurm"


def parse_slurm(texts: Sequence[str], folder: Path) -> SlurmOptions:
    """Read `KEY=VALUE` texts.

    Arguments:
        texts: such as `partition=long`, `time=120` (minutes), `mem=8GB`, `setup=module load cuda` (again and again).
        folder: the folder of jobs if none is given.

    Raises:
        SweepError: an unknown key or a value that cannot be.
    """
    parameters: dict[str, Any] = {"job_name": "regimes", "time": 60, "cpus_per_task": 1}
    # Cells are decided with one thread each, and bits must not depend on a library's own idea of it.
    setup = [f"export {name}=1" for name in THREADS]
    cluster = "slurm"
    for text in texts:
        key, equals, value = text.partition("=")
        key, value = key.strip(), value.strip()
        if not equals or not value or "\n" in value:
            raise SweepError(f"--slurm takes KEY=VALUE, as in --slurm partition=long; got {text!r}")
        if key in WHOLE:
            if not re.fullmatch(r"[1-9]\d{0,8}", value):
                unit = " of minutes" if key == "time" else ""
                raise SweepError(f"--slurm {key} takes a whole number{unit} from 1; got {value!r}")
            parameters[key] = int(value)
        elif key in WORDS:
            if key.startswith("mem") and not MEMORY.fullmatch(value):
                raise SweepError(f"--slurm {key} takes an amount of memory such as 8GB or 500MB; got {value!r}")
            parameters[key] = value
        elif key == "setup":
            setup.append(value)
        elif key == "folder":
            folder = Path(value)
        elif key == "cluster":
            if value not in ("slurm", "local"):
                raise SweepError(f"--slurm cluster is slurm, or local to run the jobs here; got {value!r}")
            cluster = value
        else:
            raise SweepError(f"--slurm has no key {key!r}; its keys are {', '.join((*WHOLE, *WORDS, *OWN))}")
    return SlurmOptions({**parameters, "setup": setup}, folder.absolute(), cluster)
