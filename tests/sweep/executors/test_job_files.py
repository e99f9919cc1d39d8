from __future__ import annotations

import json
import stat
from dataclasses import replace
from pathlib import Path

import pytest

from regimes.case import Case
from regimes.engine import Settings
from regimes.sweep.executors.base import SweepError
from regimes.sweep.executors.job_files import Results, RunFolder, do_chunk, key_of
from regimes.sweep.work import CellTask, Finished, FoundRow

TASKS = [CellTask("a.py", "a/b", "f1", Case({"width": width}), 1e-9, Settings(device="cpu")) for width in (2, 4, 8)]


def work(task: CellTask) -> Finished:
    width = task.case["width"]
    assert isinstance(width, int)
    return Finished("holds", {"estimate": width / 3, "interval": [-1e-300, None]}, 0.5, case={"width": width}, cases=2)


def test_results_come_back_bit_for_bit(tmp_path: Path) -> None:
    assert do_chunk(work, TASKS, tmp_path / "r", tmp_path / "stop") == 3
    assert Results(tmp_path / "r").new() == {key_of(task): work(task) for task in TASKS}


def test_no_task_is_begun_once_the_run_is_stopped(tmp_path: Path) -> None:
    def stopping(task: CellTask) -> Finished:
        (tmp_path / "stop").touch()
        return work(task)

    assert do_chunk(stopping, TASKS, tmp_path / "r", tmp_path / "stop") == 1
    assert do_chunk(work, TASKS, tmp_path / "r", tmp_path / "stop") == 0
    assert list(Results(tmp_path / "r").new()) == [key_of(TASKS[0])]


def test_half_a_line_waits_for_its_other_half(tmp_path: Path) -> None:
    do_chunk(work, TASKS, tmp_path / "whole", tmp_path / "stop")
    content, path = (tmp_path / "whole").read_bytes(), tmp_path / "growing"
    results, found = Results(path), {}
    assert results.new() == {}
    for end in range(0, len(content) + 1, 7):
        path.write_bytes(content[:end])
        found |= results.new()
    path.write_bytes(content)
    found |= results.new()
    assert found == {key_of(task): work(task) for task in TASKS}


@pytest.mark.parametrize("line", ["", "{", "[1", '["a", 3]', '["a", {"verdict": "holds"}]', "\x00\x00", "[]"])
def test_a_torn_line_is_as_if_it_had_not_been_written(tmp_path: Path, line: str) -> None:
    do_chunk(work, TASKS[:1], tmp_path / "r", tmp_path / "stop")
    with (tmp_path / "r").open("a") as file:
        file.write(line + "\n")
    do_chunk(work, TASKS[1:2], tmp_path / "r", tmp_path / "stop")
    assert list(Results(tmp_path / "r").new()) == [key_of(task) for task in TASKS[:2]]


def test_whatever_a_result_depends_on_is_in_its_key() -> None:
    task = TASKS[0]
    others = [
        replace(task, fingerprint="f2"),
        replace(task, error=2e-9),
        replace(task, subject="a:b"),
        replace(task, case=Case({"width": 3})),
        *(replace(task, settings=replace(task.settings, **change)) for change in ({"seed": 1}, {"dtype": "float64"})),
    ]
    assert len({key_of(one) for one in [task, *others]}) == 1 + len(others)
    assert key_of(replace(task)) == key_of(task)


def test_a_run_s_folder_is_private_and_goes_with_those_before(tmp_path: Path) -> None:
    parent = tmp_path / "maps.sqlite.jobs"
    first = RunFolder(parent)
    do_chunk(work, TASKS[:2], first.results(0), first.stop)
    second = RunFolder(parent)
    assert stat.S_IMODE(parent.stat().st_mode) == stat.S_IMODE(second.path.stat().st_mode) == 0o700
    assert first.left_behind() == {}
    assert second.left_behind() == {key_of(task): work(task) for task in TASKS[:2]}
    assert first.stop.exists(), "jobs of the run before were not told to stop"
    second.remove()
    assert not parent.exists()


def test_a_folder_that_cannot_be_made(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(SweepError, match=r"cannot be made .*; name another with --slurm folder=DIR"):
        RunFolder(tmp_path / "file" / "jobs")


def test_rows_of_a_threshold_search_come_back_too(tmp_path: Path) -> None:
    row = FoundRow({"refuted": None, "holds": 8, "premise_boundary": float("inf")}, 0.5)
    do_chunk(lambda _: row, TASKS[:1], tmp_path / "r", tmp_path / "stop")
    assert json.loads((tmp_path / "r").read_text())[:2] == [key_of(TASKS[0]), "FoundRow"]
    assert Results(tmp_path / "r").new() == {key_of(TASKS[0]): row}
