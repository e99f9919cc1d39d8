"""Trajectories against an analytic solution, in sup norm."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from regimes.decide.evidence import Evidence
from regimes.decide.maximum import MaximumAgainstBound


class TrajectorySupNorm(MaximumAgainstBound):
    """The claim that every trajectory y stays near the solution: sup_t |y(t) - y*(t)| <= band.

    One trajectory outside the band refutes; the claim holds when a share of such replicates is excluded.

    Arguments:
        solution: y*, shape (T,).
        band: the derived tolerance, one number or one per time, shape (T,); distances are then in units of it.
        error: error budget of the verdict.
        share: share of violating replicates that is excluded.
    """

    what = "sup-norm distance"

    def __init__(self, solution: np.ndarray, band: ArrayLike, error: float, share: float = 0.01) -> None:
        self.solution = np.asarray(solution, float)
        if self.solution.ndim != 1 or not np.isfinite(self.solution).all():
            raise ValueError(f"a solution is a finite array of shape (T,); got shape {self.solution.shape}")
        width = np.asarray(band, float)
        if width.shape not in ((), self.solution.shape) or not (width > 0).all():
            raise ValueError(f"a band is one positive number, or one per time; got {width.tolist()!r}")
        super().__init__(bound=1.0 if width.ndim else float(width), error=error, share=share)
        self.units = width if width.ndim else np.ones(1)
        self.farthest = -1

    def sizes(self, values: np.ma.MaskedArray) -> np.ma.MaskedArray:
        """sup_t |y(t) - y*(t)|; ValueError if the trajectories have another number of times."""
        if values.ndim != 2 or values.shape[1] != self.solution.size:
            raise ValueError(f"trajectories have {self.solution.size} times; got shape {values.shape}")
        distances = np.ma.abs(values - self.solution) / self.units
        worst = distances.max(axis=1)
        if worst.count() and (self.largest is None or float(worst.max()) > self.largest):
            self.farthest = int(np.ma.argmax(distances[int(np.ma.argmax(worst))]))
        return worst

    def evidence(self) -> Evidence:
        """The largest sup-norm distance, and the time index at which it occurs."""
        evidence = super().evidence()
        evidence.details["time_index"] = self.farthest
        return evidence
