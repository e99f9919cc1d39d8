"""The exponent of a power law, with an interval that is valid at any time."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import ArrayLike

from regimes.decide.evidence import Evidence, Rule
from regimes.decide.heavy_mean import catoni_interval
from regimes.decide.looks import geometric_looks


class PowerLawExponent(Rule):
    """The claim mean(size) = A size^exponent (1 + r(size)) with |r(size)| <= correction/size.

    The exponent is the least-squares slope of log mean against log size. Each size has a Catoni-style confidence
    sequence for its mean; together they give an interval for the slope that is valid at any time. The declared
    correction may bend the law at small sizes: the slope may differ from the exponent by the bias it allows.

    P(ever refuted) <= error/2 if the claim is true; P(ever holds) <= error/2 if the slope differs from the exponent
    by the margin or more.

    Arguments:
        sizes: the sizes, at least five octaves.
        exponent: the claimed exponent.
        margin: half-width around the exponent inside which the slope must be certified.
        error: error budget of the verdict.
        variances: upper bound on the variance of the observable at each size.
        correction: bound c on the relative correction c/size.
    """

    def __init__(
        self,
        sizes: ArrayLike,
        exponent: float,
        margin: float,
        error: float,
        variances: ArrayLike,
        correction: float = 0.0,
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
        if self.bias >= margin:
            raise ValueError(
                f"the declared correction may bend the slope by {self.bias:.3g}, which the margin {margin:.3g} "
                "does not cover; use larger sizes or a wider margin"
            )
        self.rows = np.empty((0, self.sizes.size))
        self.slope: float | None = None
        self.bounds: tuple[float, float] | None = None

    def _fold(self, values: np.ma.MaskedArray) -> None:
        if values.ndim != 2 or values.shape[1] != self.sizes.size:
            raise ValueError(f"observations have one column per size ({self.sizes.size}); got shape {values.shape}")
        if self.verdict != "undecided":
            return
        before = self.rows.shape[0]
        kept = values.data[~np.ma.getmaskarray(values).any(axis=1)]
        self.rows = np.concatenate([self.rows, kept])
        for _, count in geometric_looks(before, self.rows.shape[0], first=64, growth=1.5):
            self._look(count)
            if self.verdict != "undecided":
                return

    def _look(self, count: int) -> None:
        level = self.error / 2 / self.sizes.size
        ends = np.array([catoni_interval(self.rows[:count, j], self.variances[j], level) for j in range(self.sizes.size)])
        means = self.rows[:count].mean(axis=0)
        self.slope = float(self.weights @ np.log(means)) if (means > 0).all() else None
        if (ends[:, 1] <= 0).any():
            raise ValueError("a power law needs observations of positive mean; the mean at one size is not positive")
        if (ends[:, 0] <= 0).any():
            return
        low, high = np.log(ends[:, 0]), np.log(ends[:, 1])
        rising = self.weights > 0
        self.bounds = (
            float(np.where(rising, self.weights * low, self.weights * high).sum()),
            float(np.where(rising, self.weights * high, self.weights * low).sum()),
        )
        if self.bounds[0] > self.exponent + self.bias or self.bounds[1] < self.exponent - self.bias:
            self.settle("refuted", count)
        elif self.bounds[0] > self.exponent - self.margin and self.bounds[1] < self.exponent + self.margin:
            self.settle("holds", count)

    def evidence(self) -> Evidence:
        """The slope with its interval."""
        said = {"holds": "certified", "refuted": "refuted", "undecided": "neither certified nor refuted"}[self.verdict]
        shown = "no look yet" if self.slope is None else f"slope {self.slope:.4g}"
        width = None if self.bounds is None else self.bounds[1] - self.bounds[0] + self.bias
        return Evidence(
            verdict=self.verdict,
            replicates=self.replicates,
            discarded=self.discarded,
            estimate=self.slope,
            interval=self.bounds,
            target=self.exponent,
            error=self.error,
            margin=self.margin,
            detectable=width if width is None or math.isfinite(width) else None,
            reason=f"exponent {self.exponent:.6g} (margin {self.margin:.3g}) {said}: {shown} over {self.sizes.size} sizes",
            details={"rule": "PowerLawExponent", "decided_at": self.decided_at, "bias": self.bias},
        )
