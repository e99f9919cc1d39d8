"""Looks: the observation counts at which a rule examines its data, a function of the count alone.

Verdicts must not depend on how observations were cut into batches, so a rule looks at fixed counts: every
count up to `dense`, then `dense` counts per doubling, or geometrically spaced ones.
"""

from __future__ import annotations

import math

import numpy as np


def dense_looks(before: int, after: int, dense: int = 1024) -> np.ndarray:
    """The look counts n with before < n <= after: all up to `dense`, then `dense` per doubling."""
    counts = np.arange(before + 1, after + 1)
    stride = np.maximum(1, 2 ** (np.floor(np.log2(np.maximum(counts, 1) / dense)).clip(0).astype(np.int64)))
    return counts[counts % stride == 0]


def geometric_looks(before: int, after: int, first: int = 32, growth: float = 1.25) -> list[tuple[int, int]]:
    """Pairs (look number k, count ceil(first growth^k)) with before < count <= after."""
    found = []
    k = max(0, math.floor(math.log(max(before, 1) / first) / math.log(growth)) - 1) if before >= first else 0
    while True:
        count = math.ceil(first * growth**k)
        if count > after:
            return found
        if count > before:
            found.append((k, count))
        k += 1


def look_budget(error: float, k: int) -> float:
    """The share of an error budget that look k = 0, 1, ... may spend: error 6/(pi^2 (k+1)^2); they sum to error."""
    return error * 6 / (math.pi * (k + 1)) ** 2
