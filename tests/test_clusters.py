"""The page on clusters, run as a user runs it."""

from __future__ import annotations

import re
import shutil
import sys
from pathlib import Path

import pytest

from regimes.sweep.store import Store
from shell import ROOT, run

PAGE = (ROOT / "docs" / "clusters.md").read_text(encoding="utf-8")
STORES = ("maps", "dask", "slurm", "all")


def content(path: Path) -> list[dict]:
    with Store.open(path, read_only=True) as store:
        cells = store.cells("arpit2019benefits/he-norm-exact-law")
    return [{name: value for name, value in cell.items() if name not in ("seconds", "run")} for cell in cells]


@pytest.mark.skipif(shutil.which("bash") is None, reason="needs bash")
def test_the_page_on_clusters(tmp_path: Path) -> None:
    pytest.importorskip("distributed", reason="needs the extra dask")
    pytest.importorskip("submitit", reason="needs the extra slurm")
    home = tmp_path / "me"
    home.mkdir()
    status, said = run("set -e\n" + "\n".join(re.findall(r"```sh\n(.*?)```", PAGE, flags=re.DOTALL)), home)
    assert status == 0, said
    assert said.count("no verdict, threshold, control or claim differs") == 3
    first, *others = (content(home / f"{name}.sqlite") for name in STORES)
    assert len(first) == 10
    for other in others:
        assert other == first
    (printed,) = [block for block in re.findall(r"```text\n(.*?)```", PAGE, flags=re.DOTALL) if "#SBATCH" in block]
    assert printed.replace("/home/me", str(home)).replace(" python -u", f" {sys.executable} -u") in said
    assert sorted(path.name for path in home.iterdir()) == sorted(
        [f"{name}.sqlite" for name in STORES] + ["part1.sqlite", "part2.sqlite"]
    )
