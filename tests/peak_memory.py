"""The most memory that a computation holds at once, in NumPy's arrays and torch's tensors on the CPU."""

from __future__ import annotations

import itertools
import tracemalloc
from collections.abc import Callable

import torch


def peak_memory(action: Callable[[], object]) -> int:
    """Bytes; the process's own size would not do: it has what the allocator keeps, and the system measures it now and then."""
    with torch.profiler.profile(activities=[torch.profiler.ProfilerActivity.CPU], profile_memory=True) as profile:
        tracemalloc.start()
        try:
            action()
            peak = tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()
    assert profile.profiler is not None and profile.profiler.kineto_results is not None
    steps = [event for event in profile.profiler.kineto_results.events() if event.name() == "[memory]"]
    ordered = sorted(steps, key=lambda event: event.start_ns())
    return peak + max(itertools.accumulate(event.nbytes() for event in ordered), default=0)
