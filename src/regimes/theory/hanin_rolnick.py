"""The bound of Hanin and Rolnick on the expected number of activation regions in a cube, and when it says anything.

B. Hanin, D. Rolnick, Deep ReLU networks have surprisingly few activation patterns (NeurIPS 2019, 1906.00904), theorem 5:
if the biases have a conditional density with sup rho(b_1..b_k) <= C_bias^k, and sup_x E|grad z(x)|^k <= C_grad^k for
all units, then E[#regions meeting K] <= (T N)^n0/n0! vol(K) for large cubes K, with N units and T = 2^5 C_grad C_bias.
The codimension-k boundary has E[vol_(n0-k)] <= C(N, k)(2 C_grad C_bias)^k vol(K) (ICML 2019, 1901.09021).

For He weights N(0, 2/fan-in), biases that are symmetric, and any x: flipping the sign of a row makes the mask uniform
and independent, and a Gaussian row with a random sign forgets its mask, so that in law

    |grad z_l(x)|^2 = (2/n0) chi2_(n0) prod_{i<l} r_i,    r_i = (2/n_i) chi2_(Bin(n_i, 1/2)), independent.

The mean is 2 in every layer. Moments of order k < 2 fall with depth and those of order k > 2 grow; the supremum over
x is that of any x, and k <= n0 is all that the theorem uses.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from math import comb

import numpy as np
from scipy.special import gammaln

from regimes.theory.he_norm_law import active_units
from regimes.theory.region_bounds import serra_2018
from regimes.theory.zaslavsky import cells


def gradient_moment(inputs: int, widths: Sequence[int], layer: int, order: float) -> float:
    """E|grad z(x)|^k of a unit of one layer of a He net, the same at every x.

    Arguments:
        inputs: n0.
        widths: hidden widths.
        layer: l in 1..L.
        order: k, above 0.

    Raises:
        ValueError: the order is not positive, the layer is outside 1..L, or a width or n0 is not positive.
    """
    _check(inputs, widths)
    if not order > 0 or not 1 <= layer <= len(widths):
        raise ValueError(f"moments are of order above 0 in layers 1..{len(widths)}; got order {order!r}, layer {layer}")
    moment = (2 / inputs) ** (order / 2) * float(_chi_square_moment(np.array([inputs]), order / 2)[0])
    for n in widths[: layer - 1]:
        k, p = active_units(n)
        k, p = k[k > 0], p[k > 0]
        moment *= (2 / n) ** (order / 2) * float(p @ _chi_square_moment(k, order / 2))
    return moment


def gradient_constant(inputs: int, widths: Sequence[int]) -> float:
    """C_grad = max over layers and k <= n0 of (E|grad z|^k)^(1/k) for a He net: 2/sqrt(pi) for n0 = 1, sqrt(2) for 2."""
    # The roots of moments grow with k, so that the largest k decides.
    layers = range(1, len(widths) + 1)
    return max(gradient_moment(inputs, widths, l, inputs) ** (1 / inputs) for l in layers)


def bias_constant(bias_std: float) -> float:
    """C_bias = 1/(sqrt(2 pi) s), the largest density of independent biases N(0, s^2)."""
    if not bias_std > 0:
        raise ValueError(f"the biases need a density, hence a standard deviation above 0; got {bias_std!r}")
    return 1 / (math.sqrt(2 * math.pi) * bias_std)


def region_bound(inputs: int, widths: Sequence[int], bias_std: float, volume: float, scale: float = 32.0) -> float:
    """(T N)^n0/n0! vol(K) for N >= n0, else 2^N, with T = 32 C_grad C_bias, for a He net with biases N(0, s^2).

    Arguments:
        inputs: n0.
        widths: hidden widths.
        bias_std: s, above 0.
        volume: volume of the cube K, in units of the input to the n0; above 0.
        scale: T/(C_grad C_bias), 2^5 as published.

    Raises:
        ValueError: a size or scale is not positive.
    """
    _check(inputs, widths)
    if not volume > 0 or not scale > 0:
        raise ValueError(f"volume and scale are above 0; got {volume!r} and {scale!r}")
    if sum(widths) < inputs:
        return 2.0 ** sum(widths)
    constant = scale * gradient_constant(inputs, widths) * bias_constant(bias_std)
    return math.exp(inputs * math.log(constant * sum(widths)) - float(gammaln(inputs + 1))) * volume


def boundary_bound(inputs: int, widths: Sequence[int], bias_std: float, codimension: int, volume: float) -> float:
    """C(N, k)(2 C_grad C_bias)^k vol(K), on the (n0-k)-dimensional volume in K of what k units' boundaries share.

    Arguments:
        inputs: n0.
        widths: hidden widths.
        bias_std: s, above 0.
        codimension: k in 1..n0.
        volume: volume of K.

    Raises:
        ValueError: k is outside 1..n0, or a size or scale is not positive.
    """
    _check(inputs, widths)
    if not 1 <= codimension <= inputs or not volume > 0:
        raise ValueError(f"codimension is in 1..{inputs} and volume above 0; got {codimension} and {volume!r}")
    constant = 2 * gradient_constant(inputs, widths) * bias_constant(bias_std)
    return comb(sum(widths), codimension) * constant**codimension * volume


def vacuous(inputs: int, widths: Sequence[int], bias_std: float, volume: float) -> bool:
    """Whether the bound on the mean exceeds what every single network obeys, Serra's worst case."""
    return region_bound(inputs, widths, bias_std, volume) >= serra_2018(inputs, widths)


def beaten_by_ceiling(inputs: int, widths: Sequence[int], bias_std: float, volume: float) -> bool:
    """Whether the bound exceeds Zas(N, n0), the ceiling of the mean over all of R^n0 (see `region_expectation`)."""
    return region_bound(inputs, widths, bias_std, volume) >= cells(sum(widths), inputs)


def _chi_square_moment(degrees: np.ndarray, power: float) -> np.ndarray:
    """E[X^q] for chi-square X: 2^q Gamma(k/2 + q)/Gamma(k/2)."""
    return 2.0**power * np.exp(gammaln(degrees / 2 + power) - gammaln(degrees / 2))


def _check(inputs: int, widths: Sequence[int]) -> None:
    if inputs < 1 or len(widths) == 0 or min(widths) < 1:
        raise ValueError(f"a network has inputs and hidden layers of at least one unit; got {inputs} and {list(widths)}")
