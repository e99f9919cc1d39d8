"""Units of the second layer that are off for every input.

A unit is z = c + sum_j v_j relu(w_j.x + b_j) over n1 first-layer units on R^n0. Its law is unchanged when a row
(w_j, b_j), an entry v_j or c changes sign. For n1 <= n0 the pre-activations take all values, and z <= 0 everywhere iff
c and all v_j are: 2^-(n1+1). For n1 = n0 + 1 they fill a hyperplane lambda.y = beta > 0, where row signs are those of
lambda. With m = beta min_j |v_j/lambda_j|, reached at k, the sign choices that will do are, of 2^(2 n1 + 1):
  all v_j < 0 and c < 0, with any lambda (2^n1 of them), or c in (0, m) if all lambda_j > 0;
  v_k > 0, the other v_j < 0, lambda_k > 0, the other lambda_j < 0 and c < -m;
  v_k > 0, the other v_j < 0, lambda_k < 0, the other lambda_j > 0 and c < 0.
Of the two that depend on m just one holds: 2^n1 + 2 choices whatever the magnitudes, (2^n0 + 1)/4^(n0+1). With more
units magnitudes matter: on a line 3 Gaussian units have 0.161 and 3 uniform ones 0.158.

Criterion. For n1 >= n0 in general position every cell of the arrangement has a vertex, so that the piecewise linear z is
bounded by 0 iff it is so at all vertices, where n0 rows vanish, and along all their rays, where n0 - 1 do.

N. Brownlowe et al. (2024, arXiv 2412.06829).
"""

from __future__ import annotations

from itertools import combinations

import numpy as np


def unactivated_probability(inputs: int, units: int) -> float:
    """P(z <= 0 on all of R^n0): 2^-(n1+1) for n1 <= n0 and (2^n0 + 1)/4^(n0+1) for n1 = n0 + 1.

    Arguments:
        inputs: n0, at least 1.
        units: n1 in 1..n0+1.

    Raises:
        ValueError: n0 is below 1, or n1 outside 1..n0+1, where the probability depends on the law of the weights.
    """
    if inputs < 1 or not 1 <= units <= inputs + 1:
        raise ValueError(f"the probability is free of the law for 1..n0+1 units; got n0 = {inputs} and {units} units")
    if units <= inputs:
        return 2.0 ** -(units + 1)
    return (2.0**inputs + 1) / 4.0 ** (inputs + 1)


def is_unactivated(weight: np.ndarray, bias: np.ndarray, outer: np.ndarray, constant: np.ndarray) -> np.ndarray:
    """Whether z = c + v.relu(W x + b) <= 0 for every x, decided at vertices and rays; for rows in general position.

    Arguments:
        weight: W of shape (nets, n1, n0).
        bias: b of shape (nets, n1).
        outer: v of shape (nets, n1).
        constant: c of shape (nets,).

    Returns:
        Booleans of shape (nets,).

    Raises:
        ValueError: the shapes disagree.
    """
    nets, units, inputs = weight.shape
    if bias.shape != (nets, units) or outer.shape != (nets, units) or constant.shape != (nets,):
        raise ValueError(f"bias {bias.shape}, outer {outer.shape} and constant {constant.shape} belong to W {weight.shape}")
    if units <= inputs:
        return np.all(outer <= 0, axis=1) & (constant <= 0)
    off = np.ones(nets, bool)
    for chosen in combinations(range(units), inputs):
        rows = list(chosen)
        vertex = np.linalg.solve(weight[:, rows], -bias[:, rows, None])
        z = (weight @ vertex)[..., 0] + bias
        # The chosen rows vanish there; rounding must not put them in.
        z[:, rows] = 0
        off &= constant + np.sum(outer * np.maximum(z, 0), axis=1) <= 0
    for chosen in combinations(range(units), inputs - 1):
        rows = list(chosen)
        # The last right singular vector spans what n0 - 1 rows annihilate.
        ray = np.linalg.svd(weight[:, rows])[2][:, -1, :, None] if rows else np.ones((nets, 1, 1))
        z = (weight @ ray)[..., 0]
        z[:, rows] = 0
        for side in (z, -z):
            off &= np.sum(outer * np.maximum(side, 0), axis=1) <= 0
    return off


def with_wrong_exponent(inputs: int, units: int) -> float:
    """A mutant: 2^-n1, blind to the constant."""
    return 2 * unactivated_probability(inputs, units)
