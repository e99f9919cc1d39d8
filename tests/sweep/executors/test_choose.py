from __future__ import annotations

import sys
from pathlib import Path

import pytest

from regimes.sweep.executors.base import SweepError
from regimes.sweep.executors.choose import executor_named
from regimes.sweep.executors.dry_run import dry_run


@pytest.mark.parametrize(
    ("name", "slurm", "sentence"),
    [
        ("moon", (), "--executor is local, dask, dask:ADDRESS as in dask:tcp://host:8786, or slurm; got 'moon'"),
        ("dask:", (), "--executor is local, dask, dask:ADDRESS"),
        ("slurm:here", (), "got 'slurm:here'"),
        ("dask", ("time=2",), "--slurm time=2 asks something of Slurm; add --executor slurm"),
        ("slurm", ("cluster=local", "time=soon"), "--slurm time takes a whole number of minutes"),
    ],
)
def test_what_is_no_executor_is_refused(tmp_path: Path, name: str, slurm: tuple[str, ...], sentence: str) -> None:
    with pytest.raises(SweepError) as raised, executor_named(name, 2, tmp_path / "maps.sqlite", slurm):
        pass
    assert sentence in str(raised.value)
    assert "\n" not in str(raised.value)


def test_local_needs_no_executor(tmp_path: Path) -> None:
    with executor_named("local", 2, tmp_path / "maps.sqlite") as start:
        assert start is None


@pytest.mark.parametrize(("name", "package"), [("dask", "distributed"), ("slurm", "submitit")])
def test_a_missing_package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, package: str) -> None:
    monkeypatch.setitem(sys.modules, package, None)
    with pytest.raises(SweepError, match=rf"pip install 'regimes\[{name}\]'"):
        with executor_named(name, 2, tmp_path / "maps.sqlite", ("cluster=local",) if name == "slurm" else ()):
            pass


@pytest.mark.parametrize(
    ("name", "slurm", "sentence"),
    [
        ("local", (), "--dry-run prints the batch script of --executor slurm; got --executor local"),
        ("slurm", ("cluster=local",), "leave out --slurm cluster=local"),
    ],
)
def test_a_dry_run_is_of_slurm(tmp_path: Path, name: str, slurm: tuple[str, ...], sentence: str) -> None:
    with pytest.raises(SweepError, match=sentence), dry_run(name, 2, tmp_path / "maps.sqlite", slurm, print):
        pass
