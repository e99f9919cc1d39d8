from __future__ import annotations

import os
import platform
import subprocess
import sys
from pathlib import Path

import pytest

from regimes import allocator

FAULTS = """
import resource, sys
import numpy as np
from regimes.allocator import keep_freed_memory

if sys.argv[1] == "kept":
    keep_freed_memory()

def passes(count):
    for _ in range(count):
        held = [np.ones(1 << 17) for _ in range(20)]
        del held

passes(3)
before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
passes(20)
print(resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)
"""


def faults(how: str) -> int:
    source = str(Path(allocator.__file__).parents[1])
    done = subprocess.run(
        [sys.executable, "-c", FAULTS, how], env={**os.environ, "PYTHONPATH": source}, capture_output=True, text=True, timeout=60, check=True
    )
    return int(done.stdout)


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="another C library")
def test_freed_arrays_are_used_again_without_new_pages() -> None:
    kept, given_back = faults("kept"), faults("given back")
    # 400 arrays of 256 pages, or 2 of 2 MiB.
    assert kept < 50 < given_back


def test_another_c_library_is_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    def without(name: None) -> object:
        return object()

    allocator.keep_freed_memory.cache_clear()
    monkeypatch.setattr(allocator.ctypes, "CDLL", without)
    allocator.keep_freed_memory()
    allocator.keep_freed_memory.cache_clear()
