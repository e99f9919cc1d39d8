"""The expected number of activation regions of a random ReLU network, exactly, for any widths and inputs.

Premise: the weights and biases have densities, and their joint law stays the same when a row (W_l[i], b_l[i]) or a column
W_(l+1)[:, i] changes sign: independent symmetric entries of any scale, Haar orthogonal weights with symmetric biases.

Derivation. Flip the rows of layer 1 by independent signs. The cells of layer 1 stay, the active set S_1 of a cell becomes
a uniform subset, and the columns of W_2 absorb the signs. In the mean the deeper layers may thus use in every cell
the same function W_2 D_(S_1)(W_1 x + b_1) + b_2. Layer by layer, E[R] is the mean number of cells of N affine
hyperplanes of R^n0 with generic offsets, whose normals are the rows of W_l D_(S_(l-1)) W_(l-1) .. D_(S_1) W_1 under
independent uniform masks: a sum over the sets T of at most n0 units with independent normals (Zaslavsky).

Weights are generic, so that by Lindstrom, Gessel and Viennot the normals of T are independent iff vertex-disjoint
paths through active units lead from the inputs to T. Consecutive layers are completely joined: with t_l units of T in
layer l, the r_l = t_(l+1) + .. + t_L paths that go on need as many active units of layer l outside T. Hence

    E[R] = sum over t with |t| <= n0 of prod_l C(n_l, t_l) P(Bin(n_l - t_l, 1/2) >= r_l).

On a line this is 1 + sum_l n_l prod_{i<l}(1 - 2^-n_i). Without the probabilities it is Zas(N, n0), Vandermonde's sum:
the mean is at most what a shallow network of N units attains, with equality for L = 1 only. Gates of a leaky ReLU
are never 0, and Bin becomes n_l - t_l.

B. Hanin, D. Rolnick, Complexity of linear regions in deep networks (ICML 2019, 1901.09021) bound this mean up to
constants; J. Kogan et al. (2025, 2512.08091) have its limit of wide networks on a line.
"""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from functools import lru_cache
from math import comb, prod

import numpy as np


def expected_regions(inputs: int, widths: Sequence[int], leaky: bool = False) -> float:
    """E[R] of the network (n0; n_1, .., n_L) on the whole of R^n0, to the last digit; on any flat, n0 is its dimension.

    Arguments:
        inputs: n0.
        widths: hidden units n_1, .., n_L.
        leaky: whether gates are never 0, as in a leaky ReLU of slope neither 0 nor 1.

    Raises:
        ValueError: there is no input, no layer, or a width is not positive.
    """
    return float(expected_regions_exactly(inputs, widths, leaky))


def expected_regions_exactly(inputs: int, widths: Sequence[int], leaky: bool = False) -> Fraction:
    """`expected_regions` as a fraction; its denominator divides 2^N."""
    _check(inputs, widths)
    # paths[r]: the sum over the layers above, for r paths that go on to them.
    paths = [Fraction(1)] + [Fraction(0)] * inputs
    for n in reversed(widths):
        below = [Fraction(0)] * (inputs + 1)
        for r, total in enumerate(paths):
            for t in range(min(n, inputs - r) + 1):
                if total:
                    below[r + t] += comb(n, t) * _enough_active(n - t, r, leaky) * total
        paths = below
    return sum(paths, Fraction(0))


def expected_zeros(widths: Sequence[int], leaky: bool = False) -> np.ndarray:
    """n_l prod_{i<l}(1 - 2^-n_i), the expected breakpoints of every layer l on a line: shape (L,); n_l if leaky."""
    _check(1, widths)
    alive = np.cumprod([1.0] + [1.0 if leaky else 1 - 0.5**n for n in widths[:-1]])
    return np.array(widths) * alive


def plane_two_layers(first: int, second: int) -> float:
    """1 + n1 + n2(1 - 2^-n1) + C(n1,2) + n1 n2(1 - 2^(1-n1)) + C(n2,2)(1 - (1+n1)2^-n1): E[R] of (2; n1, n2)."""
    _check(2, [first, second])
    dead, singly = 0.5**first, first * 0.5**first
    lines = first + second * (1 - dead)
    crossings = comb(first, 2) + first * second * (1 - 2 * dead) + comb(second, 2) * (1 - dead - singly)
    return 1 + lines + crossings


def expected_central_regions(inputs: int, widths: Sequence[int]) -> float:
    """E[R] with zero biases and n0 <= 2: 2 sum_l n_l prod_{i<l} P(Bin(n_i, 1/2) >= 2) in the plane, 2 on a line.

    All boundaries pass through the origin; a layer with fewer than two active units adds no new line.

    Arguments:
        inputs: n0, 1 or 2.
        widths: hidden units.

    Raises:
        ValueError: the inputs are neither 1 nor 2, or a width is not positive.
    """
    _check(inputs, widths)
    if inputs > 2:
        raise ValueError(f"without biases the mean is known for 1 and 2 inputs; got {inputs}")
    if inputs == 1:
        return 2.0
    active = [float(_enough_active(n, 2, False)) for n in widths]
    return 2 * sum(n * prod(active[:l]) for l, n in enumerate(widths))


def sampled_regions(inputs: int, widths: Sequence[int], samples: int, generator: np.random.Generator) -> tuple[float, float]:
    """Mean and standard error of the cells over random masks, numeric ranks of Gaussian weights: a check on E[R].

    Arguments:
        inputs: n0.
        widths: hidden units; every subset of at most n0 of them is looked at.
        samples: masks, at least 2.
        generator: source of weights and masks.

    Raises:
        ValueError: there are fewer than two samples, no input, no layer, or a width is not positive.
    """
    _check(inputs, widths)
    if samples < 2:
        raise ValueError(f"a standard error needs at least 2 samples; got {samples}")
    counts = np.array([_masked_cells(inputs, widths, generator) for _ in range(samples)], float)
    return float(counts.mean()), float(counts.std(ddof=1) / np.sqrt(samples))


def _masked_cells(inputs: int, widths: Sequence[int], generator: np.random.Generator) -> int:
    gradient, rows = np.eye(inputs), []
    for n in widths:
        gradient = generator.standard_normal((n, len(gradient))) @ gradient
        rows.append(gradient)
        gradient = gradient * generator.integers(0, 2, (n, 1))
    # Independent sets grow one row at a time, each kept with an orthonormal basis of its span.
    normals = [row / norm for row in np.concatenate(rows) if (norm := np.linalg.norm(row)) > 0]

    def extend(start: int, basis: np.ndarray) -> int:
        if len(basis) == inputs:
            return 1
        total = 1
        for i in range(start, len(normals)):
            rest = normals[i] - basis.T @ (basis @ normals[i])
            if (norm := np.linalg.norm(rest)) > 1e-9:
                total += extend(i + 1, np.vstack([basis, rest / norm]))
        return total

    return extend(0, np.zeros((0, inputs)))


def one_plus_units(widths: Sequence[int]) -> float:
    """A mutant on a line: 1 + N, blind to dead layers."""
    return 1.0 + sum(widths)


def one_plus_alive_through(widths: Sequence[int]) -> float:
    """A mutant on a line: prod over i <= l in place of i < l."""
    _check(1, widths)
    return 1.0 + sum(n * prod(1 - 0.5**m for m in widths[: l + 1]) for l, n in enumerate(widths))


@lru_cache(maxsize=4096)
def _enough_active(units: int, needed: int, leaky: bool) -> Fraction:
    """P(Bin(units, 1/2) >= needed), or whether units >= needed."""
    if leaky:
        return Fraction(units >= needed)
    return Fraction(sum(comb(units, k) for k in range(needed, units + 1)), 2**units)


def _check(inputs: int, widths: Sequence[int]) -> None:
    if inputs < 1:
        raise ValueError(f"a network has at least one input; got {inputs}")
    if len(widths) == 0 or min(widths) < 1:
        raise ValueError(f"a network has hidden layers of at least one unit; got widths {list(widths)}")
