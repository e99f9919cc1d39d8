"""The flat band: the exact probability that |h^l|^2/|x|^2 stays within 1 +- eps at every layer.

The logarithm of the norm ratio is a random walk with independent steps of the law in `he_norm_law`. Its
density inside the band [log(1-eps), log(1+eps)] is propagated layer by layer, and what leaves the band is lost.
Cells have equal length h; transition masses are differences of the distribution function, so that the error is
O(h^2) with a smooth coefficient, which one Richardson step removes.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from scipy.signal import fftconvolve

from regimes.theory.he_norm_law import cdf


def stay_probability(eps: float, widths: tuple[int, ...]) -> float:
    """P(|prod_{i <= l} r_i - 1| <= eps for every layer l).

    Arguments:
        eps: half-width of the band, in (0, 1).
        widths: units of each hidden layer.

    Raises:
        ValueError: eps outside (0, 1); a band that contains 0 would have to keep dead networks.
    """
    if not 0 < eps < 1:
        raise ValueError(f"the flat band has 0 < eps < 1; got {eps!r}")
    if len(widths) == 1:
        return float(cdf(np.array(1 + eps), widths[0]) - cdf(np.array(1 - eps), widths[0]))
    low, high = np.log1p(-eps), np.log1p(eps)
    step = np.sqrt(5 / max(widths))
    cells = int(np.ceil(max((high - low) / (step / 6), 96)))
    coarse, fine = _propagate(low, high, widths, cells), _propagate(low, high, widths, 2 * cells)
    return float(np.clip(fine + (fine - coarse) / 3, 0, 1))


def _propagate(low: float, high: float, widths: tuple[int, ...], cells: int) -> float:
    edges = np.linspace(low, high, cells + 1)
    h = edges[1] - edges[0]
    mass = np.diff(cdf(np.exp(edges), widths[0]))
    steps = (np.arange(-cells, cells + 1) - 0.5) * h
    for width in widths[1:]:
        kernel = _kernel(width, tuple(np.round(steps[[0, -1]], 15)), steps.size)
        mass = fftconvolve(mass, kernel)[cells : 2 * cells]
    return float(mass.sum())


@lru_cache(maxsize=64)
def _kernel(width: int, ends: tuple[float, float], points: int) -> np.ndarray:
    """Mass that a step moves by j cells, j = -cells, ..., cells - 1."""
    return np.diff(cdf(np.exp(np.linspace(ends[0], ends[1], points)), width))


@lru_cache(maxsize=4096)
def exact_width(eps: float, depth: int, delta: float) -> int:
    """The smallest equal width at which the band is left at some layer with probability at most delta.

    Arguments:
        eps: half-width of the band, in (0, 1).
        depth: number of hidden layers.
        delta: probability of leaving.
    """

    def leaves(width: int) -> float:
        return 1 - stay_probability(eps, (width,) * depth)

    high = 4
    while leaves(high) > delta:
        high *= 2
    low = high // 2
    while high - low > max(1, low // 2000):
        middle = (low + high) // 2
        low, high = (low, middle) if leaves(middle) <= delta else (middle, high)
    return high
