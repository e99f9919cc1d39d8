"""The exponent of a power law, with an interval that is valid at any time."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import ArrayLike

from regimes.decide.evidence import Evidence, Rule
from regimes.decide.heavy_mean import catoni_intervals
from regimes.decide.looks import geometric_looks
from regimes.decide.sample import Sample

FIRST, GROWTH = 64, 1.5


def combine(weights: np.ndarray, ends: np.ndarray) -> tuple[float, float]:
    """The interval of weights @ x when x_j lies in [ends[j, 0], ends[j, 1]]."""
    low, high = ends.T
    rising = weights > 0
    return (
        float((weights * np.where(rising, low, high)).sum()),
        float((weights * np.where(rising, high, low)).sum()),
    )


class PowerLawExponent(Rule):
    """The claim mean(size) = A size^exponent (1 + r(size)) with |r(size)| <= correction/size.

    The exponent is the least-squares slope of log mean against log size. Each size has a Catoni-style confidence
    sequence for its mean; together they give an interval for the slope that is valid at any time. The declared
    correction may bend the law at small sizes: the slope may differ from the exponent by the bias it allows.

    P(ever refuted) <= error/2 if the claim is true; P(ever holds) <= error/2 if the slope differs from the exponent
    by the margin or more. Both rest on one event of probability 1 - error/2, that every size's mean is in its confidence
    sequence at all times; so the quadratic coefficient of the log-log plot has an interval at no further cost.

    Arguments:
        sizes: the sizes, at least five octaves.
        exponent: the claimed exponent.
        margin: half-width around the exponent inside which the slope must be certified.
        error: error budget of the verdict.
        variances: upper bound on the variance of the observable at each size.
        correction: bound c on the relative correction c/size.
        curvature: withhold `holds` while the interval of the quadratic coefficient excludes what the correction allows.
    """

    def __init__(
        self,
        sizes: ArrayLike,
        exponent: float,
        margin: float,
        error: float,
        variances: ArrayLike,
        correction: float = 0.0,
        curvature: bool = True,
    ) -> None:
        super().__init__(error)
        self.sizes, self.variances = np.asarray(sizes, float), np.asarray(variances, float)
        if self.sizes.size < 3 or self.sizes.min() <= 0 or self.sizes.max() < 32 * self.sizes.min():
            raise ValueError(f"an exponent needs at least three positive sizes over five octaves; got {self.sizes.tolist()}")
        if self.variances.shape != self.sizes.shape or not (self.variances > 0).all():
            raise ValueError("every size needs a positive bound on the observable's variance")
        if not margin > 0 or correction < 0 or correction >= self.sizes.min():
            raise ValueError(
                f"the margin is positive and the correction below the smallest size; got {margin!r} and {correction!r}"
            )
        self.exponent, self.margin = float(exponent), float(margin)
        logs = np.log(self.sizes)
        self.weights = (logs - logs.mean()) / ((logs - logs.mean()) ** 2).sum()
        bends = np.maximum(np.log1p(correction / self.sizes), -np.log1p(-correction / self.sizes))
        self.bias = float(np.abs(self.weights) @ bends)
        # The quadratic coefficient: least squares on what the line leaves of the squares.
        squares = (logs - logs.mean()) ** 2
        rest = squares - squares.mean() - (logs - logs.mean()) * (self.weights @ squares)
        self.bend_weights, self.curvature = rest / (rest @ rest), curvature
        self.bend_bias = float(np.abs(self.bend_weights) @ bends)
        self.bend: tuple[float, float] | None = None
        if self.bias >= margin:
            raise ValueError(
                f"the declared correction may bend the slope by {self.bias:.3g}, which the margin {margin:.3g} "
                "does not cover; use larger sizes or a wider margin"
            )
        self.rows = Sample(self.sizes.shape)
        self.looked: tuple[int, np.ndarray] | None = None
        self.slope: float | None = None
        self.bounds: tuple[float, float] | None = None

    def _fold(self, values: np.ma.MaskedArray) -> None:
        if values.ndim != 2 or values.shape[1] != self.sizes.size:
            raise ValueError(f"observations have one column per size ({self.sizes.size}); got shape {values.shape}")
        if self.verdict != "undecided":
            return
        before = self.rows.size
        # A row with one masked entry goes as a whole, so that all sizes have the same count.
        self.rows.append(values.data[~np.ma.getmaskarray(values).any(axis=1)])
        for _, count in geometric_looks(before, self.rows.size, first=FIRST, growth=GROWTH):
            self._look(count)
            if self.verdict != "undecided":
                return

    def _look(self, count: int) -> None:
        level = self.error / 2 / self.sizes.size
        seen = self.rows.values[:count]
        ends = catoni_intervals(np.ascontiguousarray(seen.T), self.variances, level)
        means = seen.mean(axis=0)
        self.looked = (count, means)
        self.slope = float(self.weights @ np.log(means)) if (means > 0).all() else None
        if (ends[:, 1] <= 0).any():
            size = float(self.sizes[np.argmax(ends[:, 1] <= 0)])
            raise ValueError(f"a power law needs an observable of positive mean; at size {size:g} the mean is not positive")
        if (ends[:, 0] <= 0).any():
            return
        logs = np.log(ends)
        low, high = self.bounds = combine(self.weights, logs)
        self.bend = combine(self.bend_weights, logs)
        bent = self.curvature and (self.bend[0] > self.bend_bias or self.bend[1] < -self.bend_bias)
        if low > self.exponent + self.bias or high < self.exponent - self.bias:
            self.settle("refuted", count)
        elif low > self.exponent - self.margin and high < self.exponent + self.margin and not bent:
            self.settle("holds", count)

    def evidence(self) -> Evidence:
        """The slope with its interval."""
        said = {"holds": "certified", "refuted": "refuted", "undecided": "neither certified nor refuted"}[self.verdict]
        shown = "no look yet" if self.slope is None else f"slope {self.slope:.4g}"
        bent = self.bend is not None and (self.bend[0] > self.bend_bias or self.bend[1] < -self.bend_bias)
        return Evidence(
            verdict=self.verdict,
            replicates=self.replicates,
            discarded=self.discarded,
            estimate=self.slope,
            interval=self.bounds,
            target=self.exponent,
            error=self.error,
            margin=self.margin,
            detectable=self._detectable(),
            reason=f"exponent {self.exponent:.6g} (margin {self.margin:.3g}) {said}: {shown} over {self.sizes.size} sizes"
            + (", and the log-log plot bends: use larger sizes or declare the correction" if bent else ""),
            details={
                "rule": "PowerLawExponent",
                "decided_at": self.decided_at,
                "bias": self.bias,
                "curvature": None if self.bend is None else list(self.bend),
            },
        )

    def _detectable(self) -> float | None:
        from regimes.decide.power import power_law_reach

        if self.bounds is None or self.looked is None:
            return None
        # The true means are unknown; the plan is made for the observed ones.
        count, means = self.looked
        reach = power_law_reach(self.weights, means, self.variances, count, self.error, 0.05)
        return self.bias + reach if math.isfinite(reach) else None
