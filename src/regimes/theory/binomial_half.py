"""Exact draws of Binomial(n, 1/2), a few nanoseconds each at any n.

Up to n = 64 the count of ones among n bits of a random word; up to n = 2^20 Walker's alias method, a table look-up per
draw, over the counts within 9 standard deviations and a bit; above, NumPy's rejection sampler.

Reference: A. J. Walker, An efficient method for generating discrete random variables with general distributions (1977),
doi 10.1145/355744.355749; the table by M. D. Vose (1991).
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from scipy.special import gammaln

WORD = 64
LARGEST_TABLE = 1 << 20
_ALL = np.iinfo(np.uint64).max


def sample(trials: int, size: tuple[int, ...], generator: np.random.Generator) -> np.ndarray:
    """Numbers of heads among `trials` fair coins, float64 of shape `size`.

    Probabilities are right to 2^-60 absolutely, and to the rounding of log-gamma relatively (1e-9 at n = 10^6).

    Arguments:
        trials: n >= 1.
        size: shape of the draw.
        generator: source of randomness.

    Raises:
        ValueError: fewer than one trial.
    """
    if trials < 1:
        raise ValueError(f"a binomial variable has at least one trial; got {trials!r}")
    if trials > LARGEST_TABLE:
        return generator.binomial(trials, 0.5, size).astype(float)
    words = generator.integers(0, _ALL, size=size, dtype=np.uint64, endpoint=True)
    if trials <= WORD:
        if trials < WORD:
            words >>= np.uint64(WORD - trials)
        return np.bitwise_count(words).astype(float)
    outcomes, thresholds, bits = _table(trials)
    index = (words & np.uint64((1 << bits) - 1)).astype(np.intp)
    words >>= np.uint64(bits)
    other = words >= thresholds.take(index)
    index <<= 1
    index += other
    return outcomes.take(index)


@lru_cache(maxsize=256)
def _table(trials: int) -> tuple[np.ndarray, np.ndarray, int]:
    """Outcomes in pairs (own, alias), integer thresholds on the word's upper bits, and the number of index bits."""
    reach = 4.6 * np.sqrt(trials) + 8
    k = np.arange(max(0, int(trials / 2 - reach)), min(trials, int(trials / 2 + reach) + 1) + 1)
    p = np.exp(gammaln(trials + 1) - gammaln(k + 1) - gammaln(trials - k + 1) - trials * np.log(2))
    bits = int(np.ceil(np.log2(k.size)))
    slots = 1 << bits
    share = np.zeros(slots)
    share[: k.size] = p / p.sum() * slots
    alias = np.arange(slots)
    small, large = list(np.flatnonzero(share < 1)), list(np.flatnonzero(share >= 1))
    while small and large:
        low, high = small.pop(), large[-1]
        alias[low] = high
        share[high] -= 1 - share[low]
        if share[high] < 1:
            small.append(large.pop())
    # What is left over differs from 1 by rounding alone.
    share[[*small, *large]] = 1.0
    values = np.zeros(slots)
    values[: k.size] = k
    top = 1 << (WORD - bits)
    thresholds = np.array([min(top, round(float(part) * top)) for part in share], dtype=np.uint64)
    return np.stack([values, values[alias]], 1).ravel(), thresholds, bits
