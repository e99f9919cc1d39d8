"""Cells of an arrangement of hyperplanes: what one layer of n units can cut out of R^d.

T. Zaslavsky, Facing up to arrangements, Mem. AMS 154 (1975). In general position n affine hyperplanes of R^d make
sum_{j<=d} C(n, j) cells. Rows of rank r < d make those of R^r, times a flat R^(d-r); zero biases make every hyperplane
pass through the origin, and then 2 sum_{j<d} C(n-1, j) cones (L. Schlafli, 1852; Cover 1965).
"""

from __future__ import annotations

from math import comb

import numpy as np


def cells(units: int, dimension: int) -> int:
    """sum_{j<=d} C(n, j), the cells of n affine hyperplanes in general position in R^d, exactly.

    Arguments:
        units: hyperplanes n, at least 0.
        dimension: d, at least 0; the rank of the normals where that is smaller.

    Raises:
        ValueError: an argument is negative.
    """
    _check(units, dimension)
    return sum(comb(units, j) for j in range(min(units, dimension) + 1))


def central_cells(units: int, dimension: int) -> int:
    """2 sum_{j<d} C(n-1, j), the cones of n hyperplanes through the origin of R^d in general position: 2^n if n <= d.

    Arguments:
        units: hyperplanes n, at least 0: none leave the space whole.
        dimension: d, at least 0.

    Raises:
        ValueError: an argument is negative, or there are hyperplanes in a point.
    """
    _check(units, dimension)
    if units and not dimension:
        raise ValueError(f"a point has no hyperplanes; got {units} of them in dimension 0")
    return 2 * cells(units - 1, dimension - 1) if units else 1


def parallel_cells(classes: tuple[int, ...], dimension: int) -> int:
    """sum_{j<=d} e_j(m_1, .., m_c), the cells of c classes of m_i parallel hyperplanes with normals in general position.

    Arguments:
        classes: hyperplanes m_i of each class; all 1 is `cells`, and one class of n is n + 1.
        dimension: d, at least 0.

    Raises:
        ValueError: an argument is negative.
    """
    _check(min(classes, default=0), dimension)
    # Two of a class never meet, so that a flat takes at most one of each: elementary symmetric polynomials.
    symmetric = [1] + [0] * dimension
    for size in classes:
        for j in range(dimension, 0, -1):
            symmetric[j] += size * symmetric[j - 1]
    return sum(symmetric)


def log_cells(units: int, dimension: int) -> float:
    """The logarithm of `cells`, for arguments whose count has too many digits to print.

    Arguments:
        units: hyperplanes n, at least 0, below 2^53.
        dimension: d, at least 0.

    Raises:
        ValueError: an argument is negative.
    """
    _check(units, dimension)
    n, d = units, dimension
    if d >= n:
        return n * float(np.log(2))
    if d > n / 2:
        # The terms left out are fewer and smaller than those kept.
        left_out = log_cells(n, n - d - 1) - n * float(np.log(2))
        return n * float(np.log(2)) + float(np.log1p(-np.exp(left_out)))
    i = np.arange(d, dtype=float)
    # Quotients of neighbours lose nothing when n is huge; differences of log-gammas do.
    return float(np.logaddexp.reduce(np.concatenate([[0.0], np.cumsum(np.log((n - i) / (i + 1)))])))


def cells_without_top(units: int, dimension: int) -> int:
    """A mutant: sum_{j<d}, one term short."""
    _check(units, dimension)
    return cells(units, dimension - 1) if dimension else 0


def _check(units: int, dimension: int) -> None:
    if units < 0 or dimension < 0:
        raise ValueError(f"units and dimension are at least 0; got {units} and {dimension}")
