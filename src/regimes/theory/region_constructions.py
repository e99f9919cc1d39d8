"""Explicit rational weights that reach the lower bounds on the number of linear regions.

A network is a list of hidden layers (W, b), arrays of Fractions; its output is the vector of the last layer. All
constructions act on the unit cube: the read-out u' of one layer, folded into the weights of the next, maps [0, 1]^n0
onto itself many times over, so that whatever the last layer does in the cube happens in every sheet.

Folding by p units on a coordinate u: h_1 = relu(p u), h_m = relu(2p u - 2(m-1)), u' = h_1 - h_2 + h_3 - .. has
slopes +p, -p, .. between the multiples of 1/p. Units left over are dead (w = 0, b = -1). The last layer has its n
hyperplanes at sum_j y_j t_k^j = eps t_k^n0, y = u - 1/2, t_k = k/(n+1): a point y of them is a polynomial of degree n0
with leading coefficient eps and roots t_k. It has n0 roots at most, so that the arrangement is simple, and by Vieta
|y_j| <= eps C(n0, j) < 1/2: all crossings are inside the cube.

With all last units facing one way, as printed, the cell where none is active is flat and merges with its mirror images
across folds: the linear regions fall short of the bound (11 < 12 for 3, 3). A polynomial changes sign n0 times at
most, so that units facing alternate ways leave no such cell when n > n0.

G. Montufar, R. Pascanu, K. Cho, Y. Bengio (NeurIPS 2014, 1402.1869), theorems 4 and 8; T. Serra, C. Tjandraatmadja,
S. Ramalingam (ICML 2018, 1711.02114), theorems 5 and 6.
"""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction

import numpy as np

Layers = list[tuple[np.ndarray, np.ndarray]]


def montufar(inputs: int, widths: Sequence[int], one_sided: bool = False) -> Layers:
    """Folds and a last layer in general position: prod_{l<L} floor(n_l/n0)^n0 Zas(n_L, n0) cells inside (0, 1)^n0.

    Arguments:
        inputs: n0.
        widths: n_1, .., n_L.
        one_sided: all units of the last layer face one way, as printed, which loses linear regions.

    Returns:
        W_l of shape (n_l, n_(l-1)) and b_l of shape (n_l,), arrays of Fractions.

    Raises:
        ValueError: there is no input or layer, or a layer before the last is narrower than n0.
    """
    return _folding(inputs, widths, one_sided=one_sided)


def montufar_with_factor_p(inputs: int, widths: Sequence[int]) -> Layers:
    """A mutant: slopes p in place of 2p, so that u' is flat on every second piece."""
    return _folding(inputs, widths, factor=1)


def montufar_with_equal_signs(inputs: int, widths: Sequence[int]) -> Layers:
    """A mutant: u' = h_1 + h_2 + .., which grows and does not fold."""
    return _folding(inputs, widths, sign=1)


def montufar_with_breaks_outside(inputs: int, widths: Sequence[int]) -> Layers:
    """A mutant: breakpoints at the integers in place of the multiples of 1/p."""
    return _folding(inputs, widths, spread=True)


def montufar_with_parallel_last(inputs: int, widths: Sequence[int]) -> Layers:
    """A mutant for n0 >= 2: the last layer's hyperplanes are parallel, n_L + 1 cells in every sheet."""
    return _folding(inputs, widths, parallel=True)


def serra(inputs: int, widths: Sequence[int]) -> Layers:
    """Zigzags and the same last layer: prod_{l<L} (floor(n_l/n0) + 1)^n0 Zas(n_L, n0) cells inside (0, 1)^n0.

    With p units on a coordinate, in x = (p+1)u, breakpoints are 1, .., p and slopes -2, +1, -1, +1, ..: all p + 1 pieces
    cover (0, 1). The third unit alone faces left and makes the first slope. On a line this is the maximum of all nets.

    Arguments:
        inputs: n0.
        widths: hidden widths, each at least 3 n0 but for the last.

    Returns:
        W_l of shape (n_l, n_(l-1)) and b_l of shape (n_l,), arrays of Fractions.

    Raises:
        ValueError: there is no input or layer, or a layer before the last is narrower than 3 n0.
    """
    if min(widths[:-1], default=3 * inputs) < 3 * inputs:
        raise ValueError(f"a zigzag needs 3 units for each of {inputs} coordinates; got {min(widths[:-1])} in a layer")
    return _folding(inputs, widths, zigzag=True)


def maxout_folding(inputs: int, depth: int, rank: int) -> Layers:
    """2^(n0(L-1)) k^n0 cells inside (0, 1)^n0 of L layers of n0 maxout units: at least k^(L-1) k^n0 if k <= 2^n0.

    Units before the last layer are max(2u - 1, 1 - 2u), those of the last tangents of a parabola with breaks at j/k.

    Arguments:
        inputs: n0, the width of all layers.
        depth: L.
        rank: k, at least 2; pieces left over are negative constants, below the others everywhere.

    Returns:
        W_l of shape (n0, k, n0) and b_l of shape (n0, k), arrays of Fractions.

    Raises:
        ValueError: there is no input or layer, or the rank is below 2.
    """
    if min(inputs, depth) < 1 or rank < 2:
        raise ValueError(f"a maxout network has inputs, layers and a rank of at least 2; got {inputs}, {depth} and {rank}")
    j = np.arange(rank)
    fold = (np.where(j < 2, 2 - 4 * j, 0), np.where(j < 2, 2 * j - 1, 1 - j))
    parabola = (j, _fractions(-j * (j + 1)) / (2 * rank))
    eye = np.eye(inputs, dtype=int)[:, None, :]
    return [
        (_fractions(eye * slopes[:, None]), _fractions(np.tile(offsets, (inputs, 1))))
        for slopes, offsets in [fold] * (depth - 1) + [parabola]
    ]


def _folding(
    inputs: int,
    widths: Sequence[int],
    factor: int = 2,
    sign: int = -1,
    spread: bool = False,
    parallel: bool = False,
    one_sided: bool = False,
    zigzag: bool = False,
) -> Layers:
    if inputs < 1 or len(widths) == 0 or min(widths) < 1:
        raise ValueError(f"a network has inputs and hidden layers of at least one unit; got {inputs} and {list(widths)}")
    if min(widths[:-1], default=inputs) < inputs:
        raise ValueError(f"folding {inputs} coordinates needs that many units in a layer; got {min(widths[:-1])}")
    layers: Layers = []
    read, constant = _fractions(np.eye(inputs, dtype=int)), _fractions([0] * inputs)
    for n in widths[:-1]:
        p = n // inputs
        m = np.arange(p)
        if zigzag:
            slopes, breaks = (p + 1) * np.where(m == 2, -1, 1), np.where(m == 2, -1, 1) * (m + 1)
            signs, shift = np.where(m == 0, 3, 2 * (-1) ** m), -4
        else:
            slopes, breaks = np.where(m == 0, p, factor * p), factor * m * (p if spread else 1)
            signs, shift = sign**m, 0
        weight, bias = np.zeros((n, inputs), int), np.full(n, -1)
        next_read = np.zeros((inputs, n), int)
        for j in range(inputs):
            mine = slice(j * p, (j + 1) * p)
            weight[mine, j], bias[mine], next_read[j, mine] = slopes, -breaks, signs
        layers.append(_after(weight, bias, read, constant))
        read, constant = _fractions(next_read), _fractions([shift] * inputs)
    normals, offsets = _last_layer(inputs, widths[-1], parallel)
    if not one_sided:
        facing = np.array([(-1) ** (widths[-1] - k) for k in range(widths[-1])])
        normals, offsets = normals * facing[:, None], offsets * facing
    return [*layers, _after(normals, offsets, read, constant)]


def _last_layer(inputs: int, units: int, parallel: bool) -> tuple[np.ndarray, np.ndarray]:
    """Units sum_j t^j (u_j - 1/2) - eps t^n0, eps = 2^-(n0+2); in the mutant all have the first one's normal."""
    t = [Fraction(k, units + 1) for k in range(1, units + 1)]
    normals = _fractions([[(t[0] if parallel else x) ** j for j in range(inputs)] for x in t])
    return normals, -normals.sum(axis=1) / 2 - _fractions([x**inputs / 2 ** (inputs + 2) for x in t])


def _after(weight: np.ndarray, bias: np.ndarray, read: np.ndarray, constant: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The layer on u = read h + constant, written on h."""
    weight, bias = _fractions(weight), _fractions(bias)
    return weight @ read, weight @ constant + bias


def _fractions(values: object) -> np.ndarray:
    array = np.asarray(values, dtype=object)
    return np.array([Fraction(x) for x in array.ravel()], dtype=object).reshape(array.shape)
