"""What the sample variance of ReLU networks does at finite width: it freezes, while angles collapse.

Two inputs of equal norm at the angle theta keep, at width n, a ratio of norms whose logarithm moves at each layer by a
variable of variance V(theta)/n,

    V(theta) = 8 (3/2 - J2(theta)/(2 pi)),    J2 = 3 sin theta cos theta + (pi - theta)(1 + 2 cos^2 theta),

V(pi/2) = 10, and V(theta) ~ 8 theta^2 at small angles. As the angles go to 0 the ratio stays, so that the mean of
2 v^2/sigma^2 over the two inputs has the floor (1/8n) sum_l V(theta_l) + O(1/n^2): the decay 9 pi^2/(2 l^2) of infinite width
ends at l of the order of sqrt(n).

At small angles one layer multiplies sin^2 by chi2_(k-1)/chi2_k, with k ~ Bin(n, 1/2) active units and independent
variables: the part of the second input across the first, and the first. The mean of its logarithm is -rho(n),
rho(n) = E[psi(k/2) - psi((k-1)/2)] = 2/n + O(1/n^2).

Derived here from the Gaussian law of a layer's rows; for deep narrow networks see C. Jakub, M. Nica, Depth degeneracy in
neural networks: vanishing angles in fully connected ReLU networks on initialization (2023, arXiv 2302.09712).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import betainc, digamma, polygamma

from regimes.theory.cosine_map import gaps
from regimes.theory.he_norm_law import active_units


def log_ratio_variance(theta: ArrayLike) -> np.ndarray:
    """V(theta), n times the variance of a layer's move of log(q_a/q_b), q = |h|^2, as n grows; angles in radians."""
    theta = np.asarray(theta, float)
    sine, cosine = np.sin(theta), np.cos(theta)
    second = 3 * sine * cosine + (np.pi - theta) * (1 + 2 * cosine**2)
    return 8 * (1.5 - second / (2 * np.pi))


def floor_constant(start: float, layers: int = 20_000) -> float:
    """(1/8) sum_l V(theta_l) over all layers, n times the floor of the mean 2 v^2/sigma^2 of two inputs.

    Arguments:
        start: 1 - c of the inputs.
        layers: terms that are summed; the rest, V(theta_l) ~ 8 theta_l^2 of the order 1/l^2, is added as an integral.
    """
    angles = _angles(start, layers)
    terms = log_ratio_variance(angles)
    # The order of the terms, nearly 1/l^2, is read off the last one and the one at half as many layers.
    order = np.log(terms[-1] / terms[layers // 2]) / np.log(0.5)
    tail = terms[-1] * layers / max(order - 1, 1e-3)
    return float((terms.sum() + tail) / 8)


def departure(start: float, layers: int, width: float) -> float:
    """(1/8n) sum_{k<l} V(theta_k): by how much the mean 2 v^2/sigma^2 exceeds the infinite-width law after l layers.

    Arguments:
        start: 1 - c of the inputs.
        layers: l.
        width: n.
    """
    return float(log_ratio_variance(_angles(start, max(layers, 1))[:layers]).sum() / (8 * width))


def fourth_moment_bound(width: int) -> float:
    """16 E(log q - E log q)^4 >= E log^4(q_a/q_b), q = chi2_K of K ~ Bin(n, 1/2) given K >= 1, by Minkowski's inequality.

    Whatever the angle of the two inputs; the central moments of log chi2_k are polygammas at k/2.
    """
    k, p = active_units(width, 1)
    second, third = polygamma(1, k / 2), polygamma(2, k / 2)
    fourth = polygamma(3, k / 2) + 3 * second**2
    off = digamma(k / 2) - p @ digamma(k / 2)
    return float(16 * p @ (fourth + 4 * third * off + 6 * second * off**2 + off**4))


def _angles(start: float, layers: int) -> np.ndarray:
    """theta_0, .., theta_(L-1) at infinite width."""
    return 2 * np.arcsin(np.sqrt(gaps(start, layers - 1) / 2))


def small_angle_cdf(ratio: np.ndarray, width: int) -> np.ndarray:
    """P(sin^2 theta'/sin^2 theta <= x) as theta -> 0: a mixture of chi2_(k-1)/chi2_k over k ~ Bin(n, 1/2) given k >= 2.

    Arguments:
        ratio: x >= 0, any shape.
        width: n, at least 2.

    Raises:
        ValueError: fewer than two units, where there is no angle.
    """
    if width < 2:
        raise ValueError(f"an angle after a layer needs two units; got width {width}")
    k, p = active_units(width, 2)
    x = np.asarray(ratio, float)
    share = x / (1 + x)
    # chi2_(k-1)/chi2_k <= x iff the Beta((k-1)/2, k/2) share is at most x/(1+x).
    return np.einsum("...k,k->...", betainc((k - 1) / 2, k / 2, share[..., None]), p)


def mean_log_shrinkage(width: int) -> float:
    """rho(n) = E[psi(k/2) - psi((k-1)/2)]: minus the mean of log(sin^2 theta'/sin^2 theta) at small angles.

    Raises:
        ValueError: fewer than two units.
    """
    if width < 2:
        raise ValueError(f"an angle after a layer needs two units; got width {width}")
    k, p = active_units(width, 2)
    return float(p @ (digamma(k / 2) - digamma((k - 1) / 2)))
