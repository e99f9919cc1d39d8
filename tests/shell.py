"""Commands of the documentation, run as a user runs them who has installed regimes."""

from __future__ import annotations

import os
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
