from __future__ import annotations

from pathlib import Path

import pytest

from regimes.sweep.executors.base import SweepError
from regimes.sweep.executors.slurm_options import parse_slurm


def test_what_is_asked_reaches_slurm(tmp_path: Path) -> None:
    asked = ["partition=long", "time=120", "mem=8GB", "setup=module load gcc/12", "setup=ulimit -c 0", "cpus_per_task=2"]
    options = parse_slurm(asked, tmp_path)
    assert options.folder == tmp_path
    assert options.cluster == "slurm"
    parameters = dict(options.parameters)
    assert parameters.pop("setup")[-2:] == ["module load gcc/12", "ulimit -c 0"]
    assert parameters == {"partition": "long", "time": 120, "mem": "8GB", "cpus_per_task": 2, "job_name": "regimes"}
    elsewhere = parse_slurm([f"folder={tmp_path / 'x'}", "cluster=local"], tmp_path)
    assert (elsewhere.folder, elsewhere.cluster) == (tmp_path / "x", "local")


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("long", "--slurm takes KEY=VALUE, as in --slurm partition=long; got 'long'"),
        ("partition=", "--slurm takes KEY=VALUE"),
        ("comment=two\nlines", "--slurm takes KEY=VALUE"),
        ("time=2h", "--slurm time takes a whole number of minutes from 1; got '2h'"),
        ("gpus_per_node=0", "--slurm gpus_per_node takes a whole number from 1; got '0'"),
        ("mem=plenty", "--slurm mem takes an amount of memory such as 8GB or 500MB; got 'plenty'"),
        ("cluster=moon", "--slurm cluster is slurm, or local to run the jobs here; got 'moon'"),
        ("partitoin=long", "--slurm has no key 'partitoin'; its keys are time, cpus_per_task"),
    ],
)
def test_what_cannot_be_asked_is_refused(text: str, sentence: str) -> None:
    with pytest.raises(SweepError) as raised:
        parse_slurm([text], Path("jobs"))
    assert sentence in str(raised.value)
    assert "\n" not in str(raised.value)


def test_every_key_is_one_of_submitit_s() -> None:
    submitit = pytest.importorskip("submitit.slurm.slurm")
    from regimes.sweep.executors.slurm_options import WHOLE, WORDS

    assert {*WHOLE, *WORDS, "setup"} <= submitit._get_default_parameters().keys()
