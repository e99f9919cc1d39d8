"""Identities up to rounding, and the constants from which their tolerances are derived.

References: N. J. Higham, Accuracy and Stability of Numerical Algorithms (2002), chapter 3; N. J. Higham, T. Mary,
A new approach to probabilistic rounding error analysis, SIAM J. Sci. Comput. (2019).
"""

from __future__ import annotations

import math

import numpy as np

from regimes.decide.maximum import MaximumAgainstBound

UNITS = {"float16": 2.0**-11, "bfloat16": 2.0**-8, "float32": 2.0**-24, "float64": 2.0**-53}


def rounding_unit(dtype: str) -> float:
    """The unit roundoff u of a dtype: float32 2^-24, float64 2^-53, float16 2^-11, bfloat16 2^-8."""
    if dtype not in UNITS:
        raise ValueError(f"the unit roundoff is known for {', '.join(UNITS)}; got {dtype!r}")
    return UNITS[dtype]


def gamma(operations: int, unit: float) -> float:
    """gamma_k = k u/(1 - k u): the error bound of a chain of k roundings; ValueError if k u >= 1."""
    if operations * unit >= 1:
        raise ValueError(f"{operations} roundings of unit {unit:g} leave no correct digit")
    return operations * unit / (1 - operations * unit)


def random_gamma(operations: int, unit: float, error: float) -> float:
    """sqrt(2 k log(2/error)) u (1 + u)^k: the same for roundings that are random and centred, with probability 1 - error."""
    return math.sqrt(2 * operations * math.log(2 / error)) * unit * (1 + unit) ** operations


class IdentityWithin(MaximumAgainstBound):
    """The claim that two sides agree: |residual| <= tolerance, with a tolerance derived from an error model.

    One residual beyond the tolerance refutes; the claim holds when a share of such replicates is excluded.

    Arguments:
        tolerance: the derived bound, 1 if residuals arrive in units of it.
        error: error budget of the verdict.
        share: share of violating replicates that is excluded.
    """

    what = "residual"

    def __init__(self, tolerance: float, error: float, share: float = 0.01) -> None:
        if not tolerance > 0:
            raise ValueError(f"a tolerance is positive; got {tolerance!r}")
        super().__init__(bound=tolerance, error=error, share=share)

    def sizes(self, values: np.ma.MaskedArray) -> np.ma.MaskedArray:
        """|residual|, the largest of each replicate."""
        return super().sizes(np.ma.abs(values))
