"""Sample sizes of fixed designs with two declared error rates, to which sequential rules are compared.

The DKWM sizes are those of TensorFlow Probability, `min_num_samples_for_dkwm_*` in
tensorflow_probability/python/distributions/internal/statistical_testing.py: either of two bands takes half the distance.
"""

from __future__ import annotations

import math

from scipy.special import bdtr, bdtrc
from scipy.stats import binom


def clopper_pearson(threshold: float, margin: float, error: float) -> int:
    """The smallest n at which one cut c tells P >= threshold from P <= threshold - margin by exact binomial tails.

    P(S <= c) <= error/2 at the threshold, and P(S > c) <= error/2 at threshold - margin.
    """

    def enough(n: int) -> bool:
        cut = int(binom.ppf(error / 2, n, threshold)) - 1
        return cut >= 0 and bdtr(cut, n, threshold) <= error / 2 and bdtrc(cut, n, threshold - margin) <= error / 2

    high = 1
    while not enough(high):
        high *= 2
    low = high // 2
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if enough(middle) else (middle, high)
    return high


def dkwm_cdf(distance: float, fail: float, passed: float) -> int:
    """`min_num_samples_for_dkwm_cdf_test`: max over both rates of log(2/rate)/(2 (distance/2)^2)."""
    return math.ceil(max(math.log(2 / rate) / (2 * (distance / 2) ** 2) for rate in (fail, passed)))


def dkwm_mean(discrepancy: float, low: float, high: float, fail: float, passed: float) -> int:
    """`min_num_samples_for_dkwm_mean_test`: the distance of distribution functions is discrepancy/(high - low)."""
    return dkwm_cdf(discrepancy / (high - low), fail, passed)


def dkwm_two_sample(distance: float, fail: float, passed: float) -> int:
    """`min_num_samples_for_dkwm_cdf_two_sample_test`, pairs: either sample takes half the distance and half the rates."""
    return dkwm_cdf(distance / 2, fail / 2, passed / 2)


