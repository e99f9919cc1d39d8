"""The run's false-alarm budget, spent over claims, examples, controls and cells."""

from __future__ import annotations

import math


class Budget:
    """Shares of `alpha` that add up to at most `alpha`, whatever is selected or stopped early.

    A run has `claims` places, each worth alpha/claims; a place does not depend on which claims are selected, so
    that `-k` never changes a verdict. Half of a place goes to the property, half to the controls in equal parts,
    and inside each, example i = 1, 2, ... gets the share 6/(pi^2 i^2), which sum to 1. A map splits a place over
    its cells in equal parts.

    Arguments:
        alpha: probability of any wrong verdict in the run.
        claims: number of places.
    """

    def __init__(self, alpha: float, claims: int = 512) -> None:
        if not 0 < alpha < 1:
            raise ValueError(f"alpha lies in (0, 1); got {alpha!r}")
        if claims < 1:
            raise ValueError(f"a run has at least one place for a claim; got {claims!r}")
        self.alpha, self.claims = float(alpha), int(claims)

    def admit(self, count: int) -> None:
        """Refuse more claims than there are places: ValueError."""
        if count > self.claims:
            raise ValueError(f"a run has places for {self.claims} claims; {count} were collected: run them in parts")

    @staticmethod
    def series(index: int) -> float:
        """The share 6/(pi^2 i^2) of example i = 1, 2, ..."""
        if index < 1:
            raise ValueError(f"examples are counted from 1; got {index!r}")
        return 6 / (math.pi * index) ** 2

    def example(self, index: int) -> float:
        """Budget of a claim's example i = 1, 2, ..."""
        return self.alpha / self.claims / 2 * self.series(index)

    def control(self, index: int, controls: int) -> float:
        """Budget of control `index` = 1, ..., `controls` of a claim, over all of its examples."""
        if not 1 <= index <= controls:
            raise ValueError(f"controls are counted from 1 to {controls}; got {index!r}")
        return self.alpha / self.claims / 2 / controls

    def cell(self, cells: int) -> float:
        """Budget of one of the cells of a claim's map."""
        if cells < 1:
            raise ValueError(f"a map has at least one cell; got {cells!r}")
        return self.alpha / self.claims / cells
