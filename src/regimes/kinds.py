"""Kinds: what a claim says of its observable, and so which decision rule judges it."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from regimes.case import Case
from regimes.decide.evidence import Rule

# Names of the kinds that one violation refutes: their margin is a share of violating replicates.
OF_A_SHARE = ("identity", "inequality", "dynamics")
Number = float | Callable[[Case], float]
Cdf = Callable[[np.ndarray], np.ndarray]


def value_at(number: Number, case: Case) -> float:
    """A number of a claim at a case: itself, or the function's value there."""
    return float(number(case)) if callable(number) else float(number)


class Kind(ABC):
    """What a claim says of its observable. Its name is what reports and `-m` selections call it."""

    @property
    def name(self) -> str:
        """The kind's name in lower case."""
        return type(self).__name__.lower()

    @abstractmethod
    def rule(self, case: Case, error: float) -> Rule:
        """A fresh decision rule for one case with an error budget."""


def _one_relation(kind: str, **relations: Any) -> None:
    given = [name for name, value in relations.items() if value is not None]
    if len(given) != 1:
        names = ", ".join(relations)
        raise ValueError(f"{kind} states exactly one of {names}; got {', '.join(given) or 'none'}")


@dataclass(frozen=True, kw_only=True)
class Probability(Kind):
    """P(observable) is at least, at most, or equal to a number; one boolean per replicate.

    Attributes:
        at_least, at_most, equals: exactly one, a number or a function of the case.
        margin: indifference margin in probability.
    """

    margin: Number
    at_least: Number | None = None
    at_most: Number | None = None
    equals: Number | None = None

    def __post_init__(self) -> None:
        _one_relation("Probability", at_least=self.at_least, at_most=self.at_most, equals=self.equals)

    def rule(self, case: Case, error: float) -> Rule:
        """The mixture e-process for a Bernoulli parameter."""
        from regimes.decide import BernoulliAtLeast, BernoulliAtMost, BernoulliEquals

        margin = value_at(self.margin, case)
        if self.at_least is not None:
            return BernoulliAtLeast(threshold=value_at(self.at_least, case), margin=margin, error=error)
        if self.at_most is not None:
            return BernoulliAtMost(threshold=value_at(self.at_most, case), margin=margin, error=error)
        assert self.equals is not None
        return BernoulliEquals(probability=value_at(self.equals, case), margin=margin, error=error)


@dataclass(frozen=True, kw_only=True)
class Expectation(Kind):
    """The mean of the observable is equal to, at least, or at most a number.

    A mean can be judged with a guarantee only if something is known of the tails: state the observable's
    `support`, or an upper bound on its `variance`.

    Attributes:
        equals, at_least, at_most: exactly one, a number or a function of the case.
        margin: indifference margin, in units of the observable.
        support: the interval that contains every observation.
        variance: an upper bound on the observable's variance.
    """

    margin: Number
    equals: Number | None = None
    at_least: Number | None = None
    at_most: Number | None = None
    support: tuple[Number, Number] | None = None
    variance: Number | None = None

    def __post_init__(self) -> None:
        _one_relation("Expectation", equals=self.equals, at_least=self.at_least, at_most=self.at_most)
        _one_relation("Expectation's tails", support=self.support, variance=self.variance)

    def _relation(self) -> tuple[Literal["equals", "at_least", "at_most"], Number]:
        if self.equals is not None:
            return "equals", self.equals
        if self.at_least is not None:
            return "at_least", self.at_least
        assert self.at_most is not None
        return "at_most", self.at_most

    def rule(self, case: Case, error: float) -> Rule:
        """Betting on a bounded mean, or a Catoni-style confidence sequence under a variance bound."""
        from regimes.decide import BoundedMean, HeavyTailedMean

        relation, number = self._relation()
        target, margin = value_at(number, case), value_at(self.margin, case)
        if self.support is not None:
            lower, upper = (value_at(end, case) for end in self.support)
            return BoundedMean(target=target, margin=margin, lower=lower, upper=upper, error=error, relation=relation)
        assert self.variance is not None
        return HeavyTailedMean(
            target=target, margin=margin, variance=value_at(self.variance, case), error=error, relation=relation
        )


@dataclass(frozen=True, kw_only=True)
class Law(Kind):
    """The observable has a given law; i.i.d. observations, one or more per replicate.

    Attributes:
        margin: certified distance sup|F - F_0| at which the claim is said to hold.
        cdf: the law's distribution function at a case. None compares two samples: the observable then
            returns two columns, the subject's draw and the reference's.
        cdf_left: its left limit, for laws with atoms.
    """

    margin: Number
    cdf: Callable[[Case], Cdf] | None = None
    cdf_left: Callable[[Case], Cdf] | None = None

    def rule(self, case: Case, error: float) -> Rule:
        """A DKW-type band with a betting test, for one sample or two."""
        from regimes.decide import LawAgainstCDF, TwoSample

        margin = value_at(self.margin, case)
        if self.cdf is None:
            return TwoSample(margin=margin, error=error)
        left = None if self.cdf_left is None else self.cdf_left(case)
        return LawAgainstCDF(cdf=self.cdf(case), margin=margin, error=error, cdf_left=left)


@dataclass(frozen=True, kw_only=True)
class Identity(Kind):
    """Two sides are equal up to rounding; the observable is their difference in units of `tolerance`.

    Attributes:
        tolerance: the derived bound on the observable's absolute value.
        share: the share of violating replicates that is excluded when the claim is said to hold.
    """

    tolerance: Number = 1.0
    share: float = 0.01

    def rule(self, case: Case, error: float) -> Rule:
        """One residual beyond the tolerance refutes."""
        from regimes.decide import IdentityWithin

        return IdentityWithin(tolerance=value_at(self.tolerance, case), error=error, share=self.share)


@dataclass(frozen=True, kw_only=True)
class Inequality(Kind):
    """Every observation is at most a bound.

    Attributes:
        at_most: the bound.
        slack: derived rounding slack added to the bound.
        share: the share of violating replicates that is excluded when the claim is said to hold.
    """

    at_most: Number
    slack: Number = 0.0
    share: float = 0.01

    def rule(self, case: Case, error: float) -> Rule:
        """One observation above the bound refutes."""
        from regimes.decide import MaximumAgainstBound

        return MaximumAgainstBound(
            bound=value_at(self.at_most, case), error=error, share=self.share, slack=value_at(self.slack, case)
        )


@dataclass(frozen=True, kw_only=True)
class Scaling(Kind):
    """The mean of a positive observable is a power of one axis: mean ~ size^exponent.

    Attributes:
        axis: the axis that is scaled.
        sizes: the sizes, at least five octaves, as a tuple or a function of the case.
        exponent: the claimed exponent.
        margin: half-width of the interval of exponents at which the claim is said to hold.
        variance: upper bound on the observable's variance at a case.
        correction: bound c on the relative correction c/size of the power law at finite size.
    """

    axis: str
    sizes: tuple[int, ...] | Callable[[Case], Sequence[int]]
    exponent: Number
    margin: Number
    variance: Callable[[Case], float]
    correction: float = 0.0

    def cases(self, case: Case) -> tuple[Case, ...]:
        """The case at every size."""
        sizes = self.sizes(case) if callable(self.sizes) else self.sizes
        return tuple(case.replace(**{self.axis: size}) for size in sizes)

    def rule(self, case: Case, error: float) -> Rule:
        """An interval for the slope in log-log coordinates, from one confidence sequence per size."""
        from regimes.decide import PowerLawExponent

        cases = self.cases(case)
        return PowerLawExponent(
            sizes=[float(at[self.axis]) for at in cases],
            exponent=value_at(self.exponent, case),
            margin=value_at(self.margin, case),
            error=error,
            variances=[float(self.variance(at)) for at in cases],
            correction=self.correction,
        )


@dataclass(frozen=True, kw_only=True)
class Dynamics(Kind):
    """Every trajectory stays within a band of the analytic solution; one row of T values per replicate.

    Attributes:
        solution: the solution at the observed times, shape (T,).
        band: derived sup-norm tolerance.
        share: the share of violating replicates that is excluded when the claim is said to hold.
    """

    solution: Callable[[Case], np.ndarray]
    band: Number
    share: float = 0.01

    def rule(self, case: Case, error: float) -> Rule:
        """Sup-norm distance of each trajectory to the solution."""
        from regimes.decide import TrajectorySupNorm

        return TrajectorySupNorm(
            solution=self.solution(case), band=value_at(self.band, case), error=error, share=self.share
        )


@dataclass(frozen=True, kw_only=True)
class Empirical(Kind):
    """An observation reported without a theorem: the median of the observable lies in a reported range.

    Attributes:
        lower, upper: the reported range.
        margin: indifference margin in probability of the two sign tests.
    """

    lower: Number
    upper: Number
    margin: Number = 0.1

    def rule(self, case: Case, error: float) -> Rule:
        """Two sign tests."""
        from regimes.decide import MedianBetween

        return MedianBetween(
            lower=value_at(self.lower, case),
            upper=value_at(self.upper, case),
            error=error,
            margin=value_at(self.margin, case),
        )
