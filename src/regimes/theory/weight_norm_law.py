"""Layer ratios under weight normalisation and under Haar-orthogonal weights.

D. Arpit, V. Campos, Y. Bengio, How to Initialize your Network? Robust Initialization for WeightNorm & ResNets
(2019), arXiv 1906.02341. With rows uniform on the sphere and gain sqrt(2 n_in/n_out), the ratio is
(2 n_in/n_out) sum_i relu(w_i . u)^2 with (w_i . u)^2 ~ Beta(1/2, (n_in-1)/2): mean exactly 1 at every n_in.
"""

from __future__ import annotations

import numpy as np
from scipy.special import betainc

from regimes.theory.he_norm_law import active_units


def variance(inputs: int, units: int) -> float:
    """Var r = (5 n_in - 2)/((n_in + 2) n_out) for rows uniform on the sphere."""
    return (5 * inputs - 2) / ((inputs + 2) * units)


def sample(inputs: int, units: int, size: int, generator: np.random.Generator) -> np.ndarray:
    """Draws of r: sums of Beta(1/2, (n_in-1)/2) variables over the active units.

    Arguments:
        inputs: n_in, at least 2.
        units: n_out.
        size: number of draws.
        generator: source of randomness.
    """
    squares = generator.beta(0.5, (inputs - 1) / 2, (size, units))
    active = generator.random((size, units)) < 0.5
    return 2 * inputs / units * (squares * active).sum(axis=1)


def orthogonal_cdf(x: np.ndarray, width: int) -> np.ndarray:
    """P(r <= x | 0 < K < n) for Haar-orthogonal square weights times sqrt(2): r ~ 2 Beta(K/2, (n-K)/2).

    K ~ Binomial(n, 1/2) counts the active units; at K = 0 and K = n the ratio is exactly 0 and 2.
    """
    k, p = active_units(width)
    inner = (k > 0) & (k < width)
    k, p = k[inner], p[inner] / p[inner].sum()
    y = np.clip(np.asarray(x, float)[..., None] / 2, 0, 1)
    return (betainc(k / 2, (width - k) / 2, y) * p).sum(-1)


def orthogonal_variance(width: int) -> float:
    """Var r = 3/(n + 2) for Haar-orthogonal square weights times sqrt(2)."""
    return 3 / (width + 2)
