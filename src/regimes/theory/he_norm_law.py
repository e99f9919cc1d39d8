"""The exact law of the layer ratio of a ReLU network under He initialisation.

For h^l = relu(W^l h^{l-1}), W^l_ij ~ N(0, 2/n_l) independent, no bias, one fixed input: the ratios
r_l = |h^l|^2/|h^{l-1}|^2 are independent with r_l ~ (2/n_l) chi2_K, K ~ Binomial(n_l, 1/2), chi2_0 = 0.
Given h^{l-1} the pre-activations are i.i.d. N(0, 2 |h^{l-1}|^2/n_l), and signs are independent of squares.

Setting: D. Arpit, Y. Bengio, The Benefits of Over-parameterization at Initialization in Deep ReLU Networks (2019),
arXiv 1901.03611.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np
from scipy.special import digamma, gammainc, gammaln, polygamma, xlogy

if TYPE_CHECKING:
    from scipy.interpolate import CubicHermiteSpline

DIRECT = 64


@lru_cache(maxsize=512)
def active_units(width: int, least: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Numbers k >= least of active units and their Binomial(width, 1/2) probabilities given that, up to a mass of 1e-17.

    From width 1024 on only every s-th k is kept, s = floor(sqrt(width)/16), with s times its weight: sums of
    functions that are smooth on the scale sqrt(width)/2 are then right to exp(-2 pi^2 8^2), by Poisson summation.
    """
    if width < 1:
        raise ValueError(f"a layer has at least one unit; got width {width!r}")
    reach = 4.5 * np.sqrt(width) + 8
    stride = max(1, int(np.sqrt(width) / 16))
    k = np.arange(max(0, int(width / 2 - reach)), min(width, int(width / 2 + reach) + 1) + 1, stride)
    log_p = gammaln(width + 1) - gammaln(k + 1) - gammaln(width - k + 1) - width * np.log(2)
    p = np.exp(log_p)
    kept = k >= least
    return k[kept], p[kept] / p[kept].sum()


def cdf(x: np.ndarray, width: int) -> np.ndarray:
    """P(r <= x) = sum_k Bin(k) P(chi2_k <= width x/2).

    Arguments:
        x: values, any shape.
        width: units of the layer.
    """
    x = np.maximum(np.asarray(x, float), 0.0)
    if width <= DIRECT:
        return _cdf_sum(x, width)
    spline, low, high = _spline(width)
    inner = spline(np.clip(x, low, high))
    return np.where(x <= low, _cdf_sum(np.minimum(x, low), width) if (x <= low).any() else 0.0, inner)


def cdf_left(x: np.ndarray, width: int) -> np.ndarray:
    """P(r < x): the cdf without the atom 2^-width at 0."""
    x = np.asarray(x, float)
    return np.where(x <= 0, 0.0, cdf(x, width))


def pdf(x: np.ndarray, width: int) -> np.ndarray:
    """Density of r on x > 0: sum_{k >= 1} Bin(k) (width/2) chi2_k density at width x/2."""
    k, p = active_units(width)
    k, p = k[k > 0], p[k > 0]
    y = width * np.asarray(x, float)[..., None] / 2
    with np.errstate(divide="ignore"):
        log_density = xlogy(k / 2 - 1, y) - y / 2 - k / 2 * np.log(2) - gammaln(k / 2)
    return (np.exp(log_density) * p).sum(-1) * width / 2


def _cdf_sum(x: np.ndarray, width: int) -> np.ndarray:
    k, p = active_units(width)
    half = np.asarray(x, float)[..., None] * width / 4
    chi = np.where(k > 0, gammainc(np.maximum(k, 1) / 2, half), 1.0)
    return np.minimum((chi * p).sum(-1), 1.0)


@lru_cache(maxsize=256)
def _spline(width: int) -> tuple[CubicHermiteSpline, float, float]:
    """Cubic Hermite interpolant of the cdf with the exact density as slope: error h^4/384 max|F''''|, below 1e-9."""
    from scipy.interpolate import CubicHermiteSpline  # 0.2 s, which narrow layers and other claims need not wait for

    deviation = np.sqrt(5 / width)
    low, high = max(1 - 12 * deviation, 1e-3), 1 + 16 * deviation
    grid = np.linspace(low, high, 1025)
    return CubicHermiteSpline(grid, _cdf_sum(grid, width), pdf(grid, width)), low, high


def variance(width: int) -> float:
    """Var r = 5/width; the mean is 1."""
    return 5 / width


def leaky_variance(width: int, slope: float) -> float:
    """Var r = (6 (1+a^4)/(1+a^2)^2 - 1)/width for slope a below 0 and Var W = 2/((1+a^2) width); the mean is 1."""
    return (6 * (1 + slope**4) / (1 + slope**2) ** 2 - 1) / width


def death_probability(widths: tuple[int, ...]) -> float:
    """P(h^L = 0) = 1 - prod_l (1 - 2^-n_l)."""
    return float(-np.expm1(np.log1p(-(0.5 ** np.asarray(widths, float))).sum()))


@lru_cache(maxsize=512)
def log_moments(width: int) -> tuple[float, float]:
    """Mean and variance of log r given r > 0.

    mean = E[psi(K/2)] + log(4/width), variance = E[psi'(K/2)] + Var psi(K/2), K ~ Binomial(width, 1/2) given K >= 1.
    Asymptotically -(5/2)/width and 5/width.
    """
    k, p = active_units(width, 1)
    means = digamma(k / 2) + np.log(4 / width)
    mean = float(p @ means)
    return mean, float(p @ polygamma(1, k / 2) + p @ (means - mean) ** 2)


def sample(width: int, size: tuple[int, ...], generator: np.random.Generator) -> np.ndarray:
    """Draws of r: one binomial and one gamma variable each, whatever the width."""
    k = generator.binomial(width, 0.5, size)
    return 4 / width * generator.standard_gamma(k / 2)


def probability_transform(ratios: np.ndarray, width: int, uniform: np.ndarray) -> np.ndarray:
    """U(0, 1) transform of layer ratios: F(r), and uniform on the jump [0, 2^-width] where the layer is dead.

    Arguments:
        ratios: layer ratios of one layer.
        width: its units.
        uniform: independent U(0, 1) variables of the same shape, used at the atom.
    """
    return np.where(ratios > 0, cdf(ratios, width), uniform * 0.5**width)
