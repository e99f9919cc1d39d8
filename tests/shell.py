"""Commands of the documentation, run as a user runs them who has installed regimes."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]
TOOLS = {"python": "", "regimes": "-m regimes.cli", "pytest": "-m pytest -p no:cacheprovider"}


def run(command: str, folder: Path, **variables: str) -> tuple[int, str]:
    """A bash command in a folder, its `src` importable: status and all output."""
    # `regimes`, `python` and `pytest` are those that run this test.
    tools = folder.parent / "bin"
    tools.mkdir(exist_ok=True)
    for name, words in TOOLS.items():
        (tools / name).write_text(f'#!/bin/sh\nexec "{sys.executable}" {words} "$@"\n')
        (tools / name).chmod(0o755)
    environment = {
        **{name: value for name, value in os.environ.items() if not name.startswith(("REGIMES", "PYTEST", "GITHUB"))},
        "PATH": f"{tools}{os.pathsep}{os.environ['PATH']}",
        "PYTHONPATH": os.pathsep.join([str(folder / "src"), str(ROOT / "src")]),
        "REGIMES_CLAIMS": str(ROOT / "claims"),
        **variables,
    }
    done = subprocess.run(
        ["bash", "-c", command], cwd=folder, env=environment, text=True, timeout=300,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False,
    )  # fmt: skip
    return done.returncode, done.stdout


def follow(page: str, folder: Path, **variables: str) -> dict[str, int]:
    """Save, run and compare the blocks of a page under docs/ in order; how many there were of each language.

    `python` is saved under the name in its first line, or run; `sh` is run; each line of `text` must have been printed just
    before. Other languages are for reading.
    """
    page_text = (ROOT / "docs" / page).read_text(encoding="utf-8")
    found = re.findall(r"^```(python|sh|text)\n(.*?)^```", page_text, flags=re.DOTALL | re.MULTILINE)
    said = ""
    for language, block in found:
        named = re.match(r"# (\S+\.py)\n", block)
        if language == "python" and named:
            path = folder / named[1]
            path.parent.mkdir(exist_ok=True)
            path.write_text(block.removeprefix(named[0]), encoding="utf-8")
        elif language == "text":
            for line in block.splitlines():
                assert line in said, f"{line!r} is not in\n{said}"
        else:
            (folder / "block.py").write_text(block, encoding="utf-8")
            command = "python block.py" if language == "python" else block
            status, said = run(f"set -euo pipefail\n{command}", folder, **variables)
            assert status == 0, f"{block}\n{said}"
            assert "Traceback" not in said
    return {language: sum(one == language for one, _ in found) for language, _ in found}
