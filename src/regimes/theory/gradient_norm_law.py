"""The exact law of backpropagated norms in a bias-free ReLU network under He initialisation.

With kappa = <h^L, delta^L> and k_l active units in layer l, conditionally on the forward pass and on delta^L,

    |delta^l|^2 = kappa^2/|h^l|^2 + (2/n_{l+1}) |delta^{l+1}|^2 chi2_{k_l - 1},

because W^{l+1} given the forward pass is a fixed part along h^l plus fresh Gaussians on its complement. With
c2 = cos^2 of the angle between h^L and delta^L, A_l = |delta^l|^2/|delta^L|^2 and R_l = |h^L|^2/|h^l|^2 the first
two moments close over layers. All moments are given that no layer is dead
and that the last has two active units.

Setting: D. Arpit, Y. Bengio (2019), arXiv 1901.03611, whose claim |delta^l| = |delta^L| needs equal widths and c2 << 1/L.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from scipy.special import gammainc

LAST_ACTIVE = 2  # units that the last layer needs for an error at an angle to it


@lru_cache(maxsize=4096)
def moments(widths: tuple[int, ...], alignment: float) -> tuple[float, float]:
    """Mean and variance of A_1 = |delta^1|^2/|delta^L|^2.

    Arguments:
        widths: units n_1, ..., n_L of the hidden layers.
        alignment: c2, the squared cosine between the output error and the last hidden layer, in [0, 1].

    Raises:
        ValueError: alignment outside [0, 1], or a last layer of fewer than two units.
    """
    _check(widths, alignment)
    c2 = alignment
    first = second = 1.0  # E A_l and E A_l^2
    ratio = ratio2 = 1.0  # E R_l and E R_l^2
    cross = 0.0  # E[R_l A_{l+1}]
    for layer in range(len(widths) - 2, -1, -1):
        above = _ratio_moments(widths[layer + 1], LAST_ACTIVE if layer == len(widths) - 2 else 1)
        chi = _chi_moments(widths[layer], widths[layer + 1])
        if layer == len(widths) - 2:
            cross = above[0]
        else:
            # R_l A_{l+1} = r_{l+1} R_{l+1} (c2 R_{l+1} + B_{l+1} A_{l+2}): r and B share the active units of layer l+1.
            both = _ratio_chi_moment(widths[layer + 1], widths[layer + 2])
            cross = c2 * above[0] * ratio2 + both * cross
        ratio, ratio2 = ratio * above[0], ratio2 * above[1]
        first, second = c2 * ratio + chi[0] * first, c2**2 * ratio2 + 2 * c2 * cross * chi[0] + chi[1] * second
    return first, second - first**2


def sample(widths: tuple[int, ...], alignment: float, size: int, generator: np.random.Generator) -> np.ndarray:
    """Draws of log A_l, l = 1, ..., L, from the exact chain, shape (size, L); NaN for networks that `moments` leaves out.

    Forward norms and backward chi-squares share the active units, as in a network.

    Arguments:
        widths: units n_1, ..., n_L of the hidden layers.
        alignment: c2, in [0, 1].
        size: number of networks.
        generator: source of randomness.

    Raises:
        ValueError: as `moments`.
    """
    _check(widths, alignment)
    active = np.stack([generator.binomial(width, 0.5, size) for width in widths], 1)
    left_out = (active < 1).any(1) | (active[:, -1] < LAST_ACTIVE)
    active = np.where(left_out[:, None], LAST_ACTIVE, active)
    log_a = np.zeros((size, len(widths)))
    log_r = np.zeros(size)
    with np.errstate(divide="ignore"):
        for layer in range(len(widths) - 2, -1, -1):
            above = widths[layer + 1]
            log_r += np.log(4 / above * generator.standard_gamma(active[:, layer + 1] / 2))
            fresh = np.log(4 / above * generator.standard_gamma((active[:, layer] - 1) / 2)) + log_a[:, layer + 1]
            log_a[:, layer] = np.logaddexp(np.log(alignment) + log_r, fresh)
    log_a[left_out] = np.nan
    return log_a


def _check(widths: tuple[int, ...], alignment: float) -> None:
    if not 0 <= alignment <= 1:
        raise ValueError(f"a squared cosine lies in [0, 1]; got {alignment!r}")
    if not widths or widths[-1] < LAST_ACTIVE:
        raise ValueError(f"an output error at an angle needs two units in the last hidden layer; got widths {widths!r}")


def _ratio_moments(width: int, least: int) -> tuple[float, float]:
    """E r and E r^2 given that the layer has at least `least` active units."""
    k, square = _active_moments(width, least)
    return 2 * k / width, 4 * (square + 2 * k) / width**2


def _chi_moments(width: int, above: int) -> tuple[float, float]:
    """E B and E B^2 of B = (2/n_{l+1}) chi2_{k_l - 1}."""
    k, square = _active_moments(width)
    return 2 * (k - 1) / above, 4 * (square - 1) / above**2


def _ratio_chi_moment(width: int, above: int) -> float:
    """E[r B] of one layer."""
    k, square = _active_moments(width)
    return 4 * (square - k) / (width * above)


def _active_moments(width: int, least: int = 1) -> tuple[float, float]:
    """E k and E k^2 of k ~ Binomial(width, 1/2) given k >= least, for least of 1 or 2."""
    none = 0.5**width
    one = width * none if least > 1 else 0.0
    kept = 1 - none - one
    return (width / 2 - one) / kept, (width * (width + 1) / 4 - one) / kept


def leading_order(widths: tuple[int, ...], alignment: float) -> float:
    """n_1/n_L + c2 sum_{j<L} n_1/n_j, the mean of A_1 to leading order in 1/n: 1 + (L-1) c2 for equal widths.

    Where the last width alone differs, it is n_1/n_L + (L-1) c2: the signal's part does not see the width of the last layer.
    """
    return widths[0] / widths[-1] + alignment * sum(widths[0] / width for width in widths[:-1])


def chi_square_cdf(x: np.ndarray, degrees: np.ndarray) -> np.ndarray:
    """P(chi2_degrees <= x), elementwise."""
    return gammainc(degrees / 2, x / 2)
