"""Whether other processes are there still."""

from __future__ import annotations

import time
from collections.abc import Collection
from pathlib import Path


def assert_gone(processes: Collection[int]) -> None:
    """Wait for processes to end, a few seconds."""
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline and any(map(alive, processes)):
        time.sleep(0.02)
    assert not any(map(alive, processes))


def alive(process: int) -> bool:
    """Whether a process is there and no zombie."""
    try:
        return Path(f"/proc/{process}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False
