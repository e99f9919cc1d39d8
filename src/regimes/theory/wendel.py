"""Wendel's theorem: when a layer of m random ReLUs annihilates some input of dimension d.

J. G. Wendel, A problem in geometric probability, Math. Scand. 11 (1962). For rows symmetric about 0 in general
position, P(exists x != 0: relu(W x) = 0) = P(m points lie in a half-space) = 2^(1-m) sum_{k<d} C(m-1, k).
"""

from __future__ import annotations

import numpy as np
from scipy.special import gammaln, logsumexp


def annihilation_probability(inputs: int, units: int) -> float:
    """P(exists x != 0 in R^d with relu(W x) = 0) for m x d weights: 1 if m <= d, exactly 1/2 at m = 2d.

    Arguments:
        inputs: dimension d.
        units: rows m.
    """
    return _half_space(inputs, units - 1, units)


def annihilation_with_wrong_row(inputs: int, units: int) -> float:
    """A mutant: C(m, k) in place of C(m-1, k), at most 1."""
    return _half_space(inputs, units, units)


def _half_space(inputs: int, row: int, units: int) -> float:
    if inputs < 1 or units < 1:
        raise ValueError(f"dimension and units are at least 1; got {inputs} and {units}")
    k = np.arange(min(inputs, row + 1))
    log_sum = logsumexp(gammaln(row + 1) - gammaln(k + 1) - gammaln(row - k + 1))
    return float(min(1.0, np.exp(log_sum + (1 - units) * np.log(2))))
