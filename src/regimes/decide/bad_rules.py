"""Four rules of well-known suites whose declared error rates are wrong; the calibration must reject them.

They are here to show that the measurement of `regimes calibrate` has teeth. No claim is judged by them.
"""

from __future__ import annotations

import math

import numpy as np
from scipy.special import erfinv, ndtri


def wilson_refutes(successes: np.ndarray, counts: np.ndarray, threshold: float, error: float) -> np.ndarray:
    """QuickCheck's checkCoverage: refute P >= threshold when the Wilson interval lies below it at any doubling look.

    Every look spends the whole budget, and the interval is a normal approximation far out in a tail.

    Arguments:
        successes: running successes at the looks, shape (..., looks).
        counts: the looks n = 100 2^k.
        threshold: the claimed probability.
        error: the declared false-alarm rate.
    """
    z = float(ndtri(1 - error / 2))
    p = successes / counts
    centre = (p + z**2 / (2 * counts)) / (1 + z**2 / counts)
    half = z * np.sqrt(p * (1 - p) / counts + z**2 / (4 * counts**2)) / (1 + z**2 / counts)
    return np.any(np.asarray(centre + half < threshold), axis=-1, keepdims=False)  # type: ignore[return-value]


def normal_without_root_two(values: np.ndarray, error: float) -> np.ndarray:
    """PyTorch's sampler check: refute mean 0 when |mean| sqrt(n) > erfinv(1 - error); the quantile is sqrt(2) erfinv."""
    return np.asarray(np.abs(values.mean(axis=-1)) * math.sqrt(values.shape[-1]) > erfinv(1 - error))


def first_look_that_agrees(values: np.ndarray, target: float, margin: float) -> np.ndarray:
    """Curvlinops' convergence check: say `holds` at the first look where the running mean is within half the margin."""
    counts = np.arange(1, values.shape[-1] + 1)
    return (np.abs(np.cumsum(values, axis=-1) / counts - target) < margin / 2).any(axis=-1)


def catoni_count(variance: float, margin: float, error: float) -> int:
    """pytest-stochastic's sample size: the exponent 2/3 in (variance/margin^2)^(2/3), where a mean needs 1."""
    return math.ceil(2 * math.log(2 / error) * (variance / margin**2) ** (2 / 3))
