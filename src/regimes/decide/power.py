"""Power: replicates that refute an effect of given size with probability at least 1 - beta, and the converse.

Every number is a guarantee, not an approximation: exact binomial tails for Bernoulli claims, Markov's inequality
for the inverse wealth of a bet, the DKW inequality for laws.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
from scipy.special import bdtr

from regimes.decide.bernoulli import Boundary
from regimes.decide.bounded_mean import BETS
from regimes.decide.heavy_mean import SCALES, catoni_reach
from regimes.decide.law import dkw_half_width
from regimes.decide.looks import geometric_looks, look_budget
from regimes.decide.power_law import FIRST, GROWTH, PowerLawExponent

LARGEST = 10**9


def bernoulli_replicates(threshold: float, truth: float, error: float, beta: float) -> int:
    """Replicates after which P >= threshold is refuted with probability >= 1 - beta when P = truth < threshold."""
    if not 0 <= truth < threshold <= 1:
        raise ValueError(f"the truth lies below the threshold; got {truth!r} and {threshold!r}")
    boundary = Boundary(threshold, error / 2)

    def enough(count: int) -> bool:
        allowed = int(boundary.at(np.array([count]))[0])
        return allowed >= 0 and float(bdtr(allowed, count, truth)) >= 1 - beta

    return _smallest(enough)


def bernoulli_detectable(boundary: Boundary, count: int) -> float | None:
    """Smallest departure below the threshold that `count` replicates refute with probability >= 0.95."""
    allowed = int(boundary.at(np.array([count]))[0])
    if allowed < 0 or float(bdtr(allowed, count, 0.0)) < 0.95:
        return None
    low, high = 0.0, boundary.q
    for _ in range(50):
        middle = (low + high) / 2
        low, high = (middle, high) if bdtr(allowed, count, middle) >= 0.95 else (low, middle)
    return boundary.q - low


def bounded_mean_replicates(target: float, truth: float, lower: float, upper: float, error: float, beta: float) -> int:
    """Observations after which mean = target is refuted with probability >= 1 - beta when the mean is truth."""
    rate = _bounded_rate(target, truth - target, lower, upper)
    if rate <= 0:
        raise ValueError(f"no bet grows at the truth {truth!r} against {target!r}")
    return math.ceil((math.log(len(BETS) * 4 / error) + math.log(1 / beta)) / rate)


def _bounded_rate(target: float, departure: float, lower: float, upper: float) -> float:
    """The best guaranteed growth r of a bet: E[1/(1 + b y)] <= 1 - b d + b^2 (v + d^2)/(1 - share) = exp(-r).

    y = x - target has mean d and variance v <= (upper - truth)(truth - lower); b = share/room.
    """
    truth, size = target + departure, abs(departure)
    room = target - lower if departure > 0 else upper - target
    variance = max((upper - truth) * (truth - lower), 0.0)
    if room <= 0:
        return math.inf
    bets = BETS / room
    inverse = 1 - bets * size + bets**2 * (variance + size**2) / (1 - BETS)
    return float(max(-np.log(inverse[inverse > 0]).min(), 0.0)) if (inverse > 0).any() else 0.0


def bounded_mean_detectable(target: float, lower: float, upper: float, count: int, error: float) -> float | None:
    """Smallest departure that `count` observations refute with probability >= 0.95, in the worse direction."""
    reach = min(target - lower, upper - target)
    need = (math.log(len(BETS) * 4 / error) + math.log(20)) / count
    return _departure(lambda d: min(_bounded_rate(target, s * d, lower, upper) for s in (1, -1)) >= need, reach)


def heavy_mean_replicates(departure: float, margin: float, variance: float, error: float, beta: float) -> int:
    """Observations after which a mean that is off by `departure` is refuted with probability >= 1 - beta."""
    rate = _heavy_rate(abs(departure), margin, variance)
    if rate <= 0:
        raise ValueError(f"no bet grows at a departure of {departure!r}")
    return math.ceil((math.log((len(SCALES) + 1) * 4 / error) + math.log(1 / beta)) / rate)


def _heavy_rate(departure: float, margin: float, variance: float) -> float:
    """The best guaranteed growth l d - l^2 (v + d^2)/2 - l^2 v/2, from E exp(-phi(l y)) <= 1 - l d + l^2 (v + d^2)/2."""
    scale = math.sqrt(variance)
    bets = np.append(SCALES / scale, min(margin / variance, 1 / scale))
    return float((bets * departure - bets**2 * (variance + departure**2 / 2)).max())


def heavy_mean_detectable(margin: float, variance: float, count: int, error: float) -> float | None:
    """Smallest departure that `count` observations refute with probability >= 0.95."""
    need = (math.log((len(SCALES) + 1) * 4 / error) + math.log(20)) / count
    return _departure(lambda d: _heavy_rate(d, margin, variance) >= need, math.sqrt(variance))


def law_replicates(distance: float, error: float, beta: float) -> int:
    """Observations after which a law at sup distance `distance` is refuted with probability >= 1 - beta."""
    return _first_look(lambda k, n: distance > dkw_half_width(n, look_budget(error / 4, k)) + dkw_half_width(n, beta))


def law_detectable(count: int, error: float) -> float | None:
    """Smallest sup distance that the band refutes by `count` observations with probability >= 0.95."""
    looks = geometric_looks(0, count)
    if not looks:
        return None
    k, n = looks[-1]
    found = dkw_half_width(n, look_budget(error / 4, k)) + dkw_half_width(n, 0.05)
    return found if found < 1 else None


def two_sample_replicates(distance: float, error: float, beta: float) -> int:
    """Pairs after which two laws at sup distance `distance` are refuted with probability >= 1 - beta."""

    def enough(k: int, n: int) -> bool:
        return distance > 2 * dkw_half_width(n, look_budget(error / 8, k)) + 2 * dkw_half_width(n, beta / 2)

    return _first_look(enough)


def two_sample_detectable(count: int, error: float) -> float | None:
    """Smallest sup distance that the bands refute by `count` pairs with probability >= 0.95."""
    looks = geometric_looks(0, count)
    if not looks:
        return None
    k, n = looks[-1]
    found = 2 * dkw_half_width(n, look_budget(error / 8, k)) + 2 * dkw_half_width(n, 0.025)
    return found if found < 1 else None


def median_replicates(below: float, error: float, beta: float) -> int:
    """Replicates after which a range is refuted with probability >= 1 - beta if P(X <= upper), or P(X >= lower), is `below`."""
    return bernoulli_replicates(0.5, below, error / 2, beta)


def power_law_reach(
    weights: np.ndarray, means: np.ndarray, variances: np.ndarray, count: int, error: float, beta: float
) -> float:
    """Distance from the true slope that an end of its interval exceeds with probability at most beta at `count`."""
    sizes = len(weights)
    relative = catoni_reach(count, np.asarray(variances), error / 2 / sizes, beta / 2 / sizes) / np.asarray(means)
    if not (relative < 1).all():
        return math.inf
    # A mean misjudged by the factor 1 -+ relative moves the slope by at most this, log(1 - r) being the farther one.
    return float(np.abs(weights) @ -np.log1p(-relative))


def power_law_replicates(rule: PowerLawExponent, means: np.ndarray, beta: float) -> int:
    """Replicates after which an exponent is refuted with probability >= 1 - beta, the true means at its sizes being `means`."""
    departure = abs(float(rule.weights @ np.log(means)) - rule.exponent) - rule.bias
    for _, count in geometric_looks(0, LARGEST, first=FIRST, growth=GROWTH):
        if power_law_reach(rule.weights, means, rule.variances, count, rule.error, beta) < departure:
            return count
        if count > 10**7:
            break
    raise ValueError(f"a departure of {departure:.3g} beyond the allowed bias needs more than 10000000 replicates")


def maximum_replicates(share: float, beta: float) -> int:
    """Replicates after which a bound that a share of them violates is refuted with probability >= 1 - beta."""
    if not 0 < share <= 1:
        raise ValueError(f"a share lies in (0, 1]; got {share!r}")
    return 1 if share == 1 else math.ceil(math.log(beta) / math.log1p(-share))


def _smallest(enough: Callable[[int], bool]) -> int:
    """The first count of a doubling sequence that is enough, then halved down."""
    high = 1
    while not enough(high):
        high *= 2
        if high > LARGEST:
            raise ValueError(f"more than {LARGEST} replicates would be needed")
    low = high // 2
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if enough(middle) else (middle, high)
    return high


def _first_look(enough: Callable[[int, int], bool]) -> int:
    for k, count in geometric_looks(0, LARGEST):
        if enough(k, count):
            return count
    raise ValueError(f"more than {LARGEST} observations would be needed")


def _departure(enough: Callable[[float], bool], reach: float) -> float | None:
    """The smallest departure in (0, reach] that is enough, None if even `reach` is not."""
    if reach <= 0 or not enough(reach):
        return None
    low, high = 0.0, reach
    for _ in range(40):
        middle = (low + high) / 2
        low, high = (low, middle) if enough(middle) else (middle, high)
    return high
