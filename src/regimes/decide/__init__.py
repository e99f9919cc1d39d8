"""Decision rules: observations in replicate order in, evidence and a verdict out. NumPy and SciPy only.

Every rule is anytime-valid: the probability that it ever gives a wrong verdict is at most its error budget,
however often it is looked at. `regimes calibrate` measures that.
"""

from regimes.decide.bernoulli import BernoulliAtLeast, BernoulliAtMost, BernoulliEquals
from regimes.decide.bounded_mean import BoundedMean
from regimes.decide.budget import Budget
from regimes.decide.evidence import Evidence, Rule, Verdict
from regimes.decide.heavy_mean import HeavyTailedMean
from regimes.decide.identity import IdentityWithin, gamma, random_gamma, rounding_unit
from regimes.decide.law import LawAgainstCDF
from regimes.decide.maximum import MaximumAgainstBound
from regimes.decide.median import MedianBetween
from regimes.decide.power_law import PowerLawExponent
from regimes.decide.trajectory import TrajectorySupNorm
from regimes.decide.two_sample import TwoSample

__all__ = [
    "BernoulliAtLeast", "BernoulliAtMost", "BernoulliEquals", "BoundedMean", "Budget", "Evidence", "HeavyTailedMean",
    "IdentityWithin", "LawAgainstCDF", "MaximumAgainstBound", "MedianBetween", "PowerLawExponent", "Rule",
    "TrajectorySupNorm", "TwoSample", "Verdict", "gamma", "random_gamma", "rounding_unit",
]  # fmt: skip
