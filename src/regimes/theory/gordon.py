"""One ReLU layer on all inputs at once: Chevet's and Gordon's inequalities with the positive orthant.

For W m x d with N(0, 2/m) entries, E sup_x |relu(W x)|/|x| <= sqrt(2/m)(mu_plus + mu_d) and
E inf_x >= sqrt(2/m)(mu_plus - mu_d), mu_d = E|N(0, I_d)|, mu_plus = E|g_+| for g ~ N(0, I_m). Both are
sqrt(2/m)-Lipschitz in the Gaussian, so their variance is at most 2/m.

S. Chevet (1978); Y. Gordon, Some inequalities for Gaussian processes and applications (1985).
"""

from __future__ import annotations

import math

import numpy as np
from scipy.special import gammaln

from regimes.theory.he_norm_law import active_units


def mean_norm(dimension: int) -> float:
    """mu_d = E|N(0, I_d)| = sqrt(2) Gamma((d+1)/2)/Gamma(d/2)."""
    return math.sqrt(2) * math.exp(float(gammaln((dimension + 1) / 2) - gammaln(dimension / 2)))


def mean_positive_norm(units: int) -> float:
    """mu_plus = E|g_+|: the mean of a chi variable with Binomial(m, 1/2) degrees of freedom."""
    k, p = active_units(units)
    k, p = k[k > 0], p[k > 0]
    return float(p @ (math.sqrt(2) * np.exp(gammaln((k + 1) / 2) - gammaln(k / 2))))


def supremum_bound(inputs: int, units: int) -> float:
    """sqrt(2/m)(mu_plus + mu_d), the bound on E sup |relu(W x)|/|x|."""
    return math.sqrt(2 / units) * (mean_positive_norm(units) + mean_norm(inputs))


def infimum_bound(inputs: int, units: int) -> float:
    """sqrt(2/m)(mu_plus - mu_d), the bound on E inf |relu(W x)|/|x|."""
    return math.sqrt(2 / units) * (mean_positive_norm(units) - mean_norm(inputs))


def deviation_variance(units: int) -> float:
    """2/m: the Gaussian Poincare bound on the variance of supremum and infimum."""
    return 2 / units


def deviation_probability(t: float) -> float:
    """exp(-t^2/2), the bound on P(supremum > its bound + t sqrt(2/m)), and on the infimum's, t >= 0."""
    if t < 0:
        raise ValueError(f"a deviation is at least 0; got t = {t!r}")
    return math.exp(-(t**2) / 2)
