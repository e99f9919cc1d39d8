"""The flat band: the exact probability that |h^l|^2/|x|^2 stays within 1 +- eps at every layer.

The logarithm of the norm ratio is a random walk with independent steps of the law in `he_norm_law`. Its
density inside the band [log(1-eps), log(1+eps)] is propagated layer by layer, and what leaves the band is lost. The
density of a step is analytic, so that Gauss-Legendre nodes on the band converge geometrically: the number of nodes
grows until the probability moves by less than `TOLERANCE`.

A band with eps >= 1 has no lower edge: it keeps everything small, dead networks too. What falls below a floor then
counts as staying. The norm is a martingale of mean 1, so that from a floor at -b it returns with probability at most
exp(-b); the floor is at -21, or nine standard deviations below the drift of the walk, whichever is nearer.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from scipy.sparse import csr_array
from scipy.special import gammaln, ndtri, roots_legendre

from regimes.theory.he_norm_law import active_units, cdf

TOLERANCE = 1e-9
ROUNDING = 1e-11  # of one layer's density, from logarithms of Gamma functions near 1e7
LARGEST_GRID = 6000


@lru_cache(maxsize=4096)
def stay_probability(eps: float, widths: tuple[int, ...]) -> float:
    """P(|prod_{i <= l} r_i - 1| <= eps for every layer l), within 1e-8 or, beyond a thousand layers, 1e-11 a layer.

    Arguments:
        eps: half-width of the band, above 0.
        widths: units of each hidden layer.

    Raises:
        ValueError: eps is not positive, or there is no layer.
    """
    if not eps > 0:
        raise ValueError(f"the flat band has eps > 0; got {eps!r}")
    if not widths:
        raise ValueError("the flat band is over at least one hidden layer; got no widths")
    if len(widths) == 1:
        below = float(cdf(np.array(1 - eps), widths[0])) if eps < 1 else 0.0
        return float(cdf(np.array(1 + eps), widths[0])) - below
    low, high = (float(np.log1p(-eps)) if eps < 1 else _floor(widths)), float(np.log1p(eps))
    nodes = int(1.6 * (high - low) / np.sqrt(5 / max(widths))) + 16
    before = _propagate(low, high, widths, nodes, eps >= 1)
    while True:
        nodes = int(1.3 * nodes)
        after = _propagate(low, high, widths, nodes, eps >= 1)
        if abs(after - before) < max(TOLERANCE, ROUNDING * len(widths)) or nodes > LARGEST_GRID:
            return float(np.clip(after, 0, 1))
        before = after


def _floor(widths: tuple[int, ...]) -> float:
    """Where a band without lower edge is cut; narrow layers have long lower tails, and the walk's bound alone holds."""
    if min(widths) < 64:
        return -21.0
    spread = sum(5 / width for width in widths)
    return max(-21.0, -0.65 * spread - 9 * float(np.sqrt(spread)))


def _propagate(low: float, high: float, widths: tuple[int, ...], nodes: int, keep_small: bool) -> float:
    """The probability of staying on `nodes` Gauss-Legendre nodes; what falls below `low` stays if `keep_small`."""
    points, weights = _nodes(nodes)
    x = low + (high - low) * (points + 1) / 2
    weights = weights * (high - low) / 2
    matrices: dict[int, np.ndarray | csr_array] = {}
    density = step_density(x, widths[0])
    below = float(cdf(np.exp(low), widths[0])) if keep_small else 0.0
    for width in widths[1:]:
        mass = weights * density
        if keep_small:
            below += float(mass @ cdf(np.exp(low - x), width))
        if width not in matrices:
            matrices[width] = _thin(step_density(x[:, None] - x, width))
        density = matrices[width] @ mass
    return float(weights @ density) + below


def _thin(matrix: np.ndarray) -> np.ndarray | csr_array:
    """The matrix without its zeros where most of it is zero: steps of wide layers are short against the band."""
    return csr_array(matrix) if np.count_nonzero(matrix) < 0.2 * matrix.size else matrix


@lru_cache(maxsize=32)
def _nodes(count: int) -> tuple[np.ndarray, np.ndarray]:
    points, weights = roots_legendre(count)
    return points, weights


def step_density(u: np.ndarray, width: int) -> np.ndarray:
    """Density of u = log r on the real line: sum_{k >= 1} Bin(k) y^(k/2) exp(-y)/Gamma(k/2), y = width exp(u)/4.

    Arguments:
        u: values, any shape.
        width: units of the layer.
    """
    k, p = active_units(width)
    k, p = k[k > 0], p[k > 0]
    # Fourteen deviations out the density of a wide layer is below 1e-25.
    near = np.abs(u) < (14 * np.sqrt(5 / width) if width >= 1024 else np.inf)
    log_y = u[near] + np.log(width / 4)
    y = np.exp(log_y)
    total = np.zeros_like(y)
    for half, constant in zip(k / 2, np.log(p) - gammaln(k / 2), strict=True):
        total += np.exp(half * log_y - y + constant)
    density = np.zeros(np.shape(u))
    density[near] = total
    return density


@lru_cache(maxsize=4096)
def exact_width(eps: float, depth: int, delta: float) -> int:
    """The smallest equal width at which the band is left at some layer with probability at most delta.

    Near the answer the probability is that of a normal variable beyond eps sqrt(n/(5 depth)), so that secants of its
    quantile against sqrt(n) meet the answer in a few steps.

    Arguments:
        eps: half-width of the band, above 0.
        depth: number of hidden layers, at least 1.
        delta: probability of leaving, in (0, 1).

    Raises:
        ValueError: an argument is outside its range.
    """
    if depth < 1:
        raise ValueError(f"the flat band is over at least one hidden layer; got depth {depth!r}")
    if not 0 < delta < 1:
        raise ValueError(f"the probability of leaving the band lies in (0, 1); got delta {delta!r}")
    target = float(-ndtri(delta / 2))
    fails, keeps = 0, 0  # widths known to leave too often, and seldom enough (0: none yet)
    width = max(1, round(5 * depth * target**2 / eps**2))
    while not (keeps and keeps - fails <= 1):
        left = 1 - stay_probability(eps, (width,) * depth)
        if left <= delta:
            keeps = width
        else:
            fails = width
        quantile = float(-ndtri(np.clip(left, 1e-15, 1 - 1e-15) / 2))
        guess = round(width * min((target / quantile) ** 2, 4.0))
        # A step past the answer on its other side closes the bracket as soon as the guess is right.
        width = guess if guess != width else width - 1 if left <= delta else width + 1
        width = max(width, fails + 1) if not keeps else min(max(width, fails + 1), keeps - 1)
    return keeps
