"""Slurm jobs, on stand-ins for its commands that run a job array on this machine."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from regimes.catalogue import load_claims
from regimes.document import fingerprint
from regimes.engine import Settings
from regimes.sweep.executors.base import SweepError
from regimes.sweep.executors.choose import executor_named
from regimes.sweep.grid import cells
from regimes.sweep.pool import run_tasks
from regimes.sweep.run import run_map
from regimes.sweep.schedule import Schedule
from regimes.sweep.store import Store
from regimes.sweep.work import CellTask, Finished, run_task

submitit = pytest.importorskip("submitit", reason="needs the extra slurm")

SETTINGS = Settings(device="cpu", replicates=20_000)
# What sbatch does: keep the script, then run it once for each element of the array. A job array's id is 7.
SBATCH = f"""#!{sys.executable}
import os, re, subprocess, sys
script = open(sys.argv[1]).read()
open(os.environ["SUBMITTED"], "w").write(script)
if "partition=closed" in script:
    sys.exit("sbatch: error: invalid partition specified: closed")
first, last = re.search(r"--array=(\\d+)-(\\d+)", script).groups()
log = open(os.environ["SUBMITTED"] + ".log", "a")
for number in range(int(first), int(last) + 1):
    about = dict(SLURM_ARRAY_JOB_ID="7", SLURM_ARRAY_TASK_ID=str(number), SLURM_JOB_ID=str(70 + number), SLURM_PROCID="0",
                 SLURM_NTASKS="1", SLURM_JOB_NUM_NODES="1", SLURM_NODEID="0", SLURM_LOCALID="0", SLURM_JOB_NODELIST="here")
    subprocess.Popen(["bash", sys.argv[1]], env={{**os.environ, **about}}, stdout=log, stderr=log, start_new_session=True)
print("Submitted batch job 7")
"""
SRUN = """#!/bin/bash
while [[ $1 == --* ]]; do if [[ $1 == --unbuffered ]]; then shift; else shift 2; fi; done
exec "$@"
"""


@pytest.fixture
def slurm(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Stand-ins for Slurm's commands in PATH; where the submitted script is kept."""
    folder = tmp_path / "bin"
    folder.mkdir()
    for name, text in {"sbatch": SBATCH, "srun": SRUN, "sacct": "#!/bin/sh\n", "scancel": "#!/bin/sh\n"}.items():
        (folder / name).write_text(text)
        (folder / name).chmod(0o755)
    monkeypatch.setenv("PATH", f"{folder}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.setenv("SUBMITTED", str(tmp_path / "submitted"))
    return tmp_path / "submitted"


def map_with(claims: list, store: Path, *slurm: str, workers: int = 2):
    with executor_named("slurm", workers, store, slurm) as start, Store.open(store, create=True) as opened:
        return run_map(claims, opened, SETTINGS, schedule=Schedule(start=start))


def test_a_job_array_leaves_the_same_store(
    claim_folder: Path, tmp_path: Path, slurm: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    claims, store = load_claims(claim_folder), tmp_path / "maps.sqlite"
    from regimes.cli import main

    with pytest.raises(SystemExit) as stop:
        main(["map", "--claims", str(claim_folder), "--store", str(store), "--executor", "slurm", "--workers", "2", "--dry-run",
              "--slurm", "partition=long", "--slurm", "mem=2GB", "--no-controls"])  # fmt: skip
    printed = capsys.readouterr().out
    assert stop.value.code == 0
    assert not store.exists()
    outcome = map_with(claims, store, "partition=long", "mem=2GB")
    assert (outcome.computed, outcome.errors) == (12, [])
    assert printed == f"# 12 cells in 2 jobs\n{slurm.read_text()}\n"
    for line in ("#SBATCH --array=0-1%2", "#SBATCH --partition=long", "#SBATCH --mem=2GB", "export OMP_NUM_THREADS=1"):
        assert line in printed.splitlines()
    content = store.read_bytes()
    with pytest.raises(SystemExit):
        main(["map", "--claims", str(claim_folder), "--store", str(store), "--executor", "slurm", "--dry-run", "--no-controls",
              "--device", "cpu"])  # fmt: skip
    assert capsys.readouterr().out == "# nothing to do: the store has every cell and control\n"
    assert store.read_bytes() == content
    here = tmp_path / "here.sqlite"
    with Store.open(here, create=True) as opened, Store.open(store, read_only=True) as other:
        run_map(claims, opened, SETTINGS)
        for claim in claims:
            assert [bare(cell) for cell in other.cells(claim.id)] == [bare(cell) for cell in opened.cells(claim.id)]
    assert not list(tmp_path.glob("*.jobs"))


def bare(cell: dict) -> dict:
    return {name: value for name, value in cell.items() if name not in ("seconds", "run")}


def test_jobs_that_slurm_refuses(claim_folder: Path, tmp_path: Path, slurm: Path) -> None:
    with pytest.raises(SweepError, match=r"could not be submitted \(.*invalid partition.*\); change .* with --slurm"):
        map_with(load_claims(claim_folder), tmp_path / "maps.sqlite", "partition=closed")
    assert not list(tmp_path.glob("*.jobs"))


def test_a_machine_without_slurm(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with (
        pytest.raises(SweepError, match=r"has no sbatch: .* --dry-run, or use --executor local"),
        executor_named("slurm", 2, tmp_path / "maps.sqlite"),
    ):
        pass


def test_tasks_that_were_not_begun_when_the_run_stops_are_left(claim_folder: Path, tmp_path: Path) -> None:
    file = claim_folder / "doe2020coins.py"
    file.write_text(file.read_text().replace('"""Heads with probability 1 - 1/width^2."""', "import time; time.sleep(0.7)"))
    claim = load_claims(claim_folder)[0]
    tasks = [CellTask(str(file), claim.id, fingerprint(claim), case, 1e-9, SETTINGS) for case in cells(claim)]
    found: list[CellTask] = []

    def finished(task: CellTask, result: Finished) -> None:
        assert result.problem == ""
        found.append(task)

    with executor_named("slurm", 1, tmp_path / "maps.sqlite", ["cluster=local"]) as start:
        left = run_tasks(tasks, run_task, finished, start=start, stop=lambda: len(found) >= 2)
    assert 2 <= len(found) < 6
    assert {task.case for task in found} == {task.case for task in tasks[: len(found)]}, "tasks were not done in order"
    assert {task.case for task in left} == {task.case for task in tasks[len(found) :]}
    assert not list(tmp_path.glob("*.jobs"))


def test_a_job_that_is_lost_twice_is_named(claim_folder: Path, tmp_path: Path) -> None:
    file = claim_folder / "doe2020coins.py"
    dying = 'import os\n    case.width == 8 and os.kill(os.getpid(), 9)'
    file.write_text(file.read_text().replace('"""Heads with probability 1 - 1/width^2."""', dying))
    claims, store = load_claims(claim_folder)[:1], tmp_path / "maps.sqlite"
    with pytest.raises(SweepError) as raised:
        map_with(claims, store, "cluster=local")
    assert 'a job ended without its results twice, the last time during doe2020coins/heads-are-likely at {"depth":' in str(raised.value)
    assert f"its log is in {tmp_path / 'maps.sqlite.jobs'}" in str(raised.value)
    assert "--slurm time=MINUTES" in str(raised.value)
    with Store.open(store, read_only=True) as opened:
        assert len(opened.cells(claims[0].id)) == 4
