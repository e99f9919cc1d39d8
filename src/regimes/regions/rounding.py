"""How far rounding moves a pre-activation: the tolerance below which two cuts are a tie.

N. J. Higham, T. Mary, A new approach to probabilistic rounding error analysis, SIAM J. Sci. Comput. 41 (2019): with mean
independent rounding errors a dot product of n terms is off by more than LAMBDA sqrt(n) u sum|w_j h_j| with probability at
most 2 exp(-LAMBDA^2 / 2). Variances add over layers, so LAMBDA is applied once, to the standard deviation.
"""

from __future__ import annotations

import numpy as np

UNIT = 2.0**-53  # unit roundoff of float64
LAMBDA = 8.0  # 2 exp(-32) = 2.5e-14 a comparison


def layer_variance(variance: np.ndarray, norms: np.ndarray, finite: np.ndarray, layer: np.ndarray) -> np.ndarray:
    """Variance of the rounding error of one pre-activation, per point: |w|^2 v + n u^2 (|w| |h| + |b| finite)^2.

    Arguments:
        variance: (R, K), of one coordinate of h at each point.
        norms: (R, K), Euclidean norm of h at each point.
        finite: (R, K), 1 at finite points and 0 at points at infinity, where the bias does not act.
        layer: (R, rows, n + 1), weights with the bias as last column; the largest row stands for all.
    """
    weight = np.sqrt(np.einsum("rij,rij->ri", layer[:, :, :-1], layer[:, :, :-1]).max(1))[:, None]
    bias = np.abs(layer[:, :, -1]).max(1)[:, None]
    return weight**2 * variance + layer.shape[2] * (UNIT * (weight * norms + bias * finite)) ** 2


def tolerance(variance: np.ndarray) -> np.ndarray:
    """LAMBDA standard deviations, in the units of the pre-activation."""
    return LAMBDA * np.sqrt(variance)


def interpolated_variance(one: np.ndarray, variance_one: np.ndarray, two: np.ndarray, variance_two: np.ndarray) -> np.ndarray:
    """Variance of one z_1 + two z_2, with the rounding of the interpolation itself.

    `layer_variance` is at least u^2 z^2 at both ends, so that the interpolation, wrong by u |one z_1| + u |two z_2|, at most
    doubles the sum. The weights' own error moves the point along the edge and leaves it a point of the function.
    """
    return 2 * (one**2 * variance_one + two**2 * variance_two)
