"""Samplers that are wrong on purpose: conditioning terms dropped, projections forgotten, degrees of freedom miscounted."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from torch import Tensor

from regimes.case import Case
from regimes.randomness import Randomness
from regimes.subjects.gradient_chain import GradientChain
from regimes.subjects.lazy_gaussian import LazyGaussian


class FreshLazy(LazyGaussian):
    """New directions are answered afresh: what the other side's answers have fixed is left out."""

    fixed = False


class UnprojectedLazy(LazyGaussian):
    """The fresh part is not projected off the other side's directions."""

    projected = False


class OnePassLazy(LazyGaussian):
    """Directions are orthogonalised once: nearly collinear queries leave the basis."""

    passes = 1


class StillLazy(LazyGaussian):
    """Updates are not made."""

    def add(self, y: Tensor, x: Tensor, scale: float = 1.0) -> None:
        """Nothing."""


class FullDegreesChain(GradientChain):
    """Degrees of freedom k and n - k in place of k - 1 and n - k - 1: the direction along h^l is counted twice."""

    def _rest(self, units: np.ndarray, hidden: np.ndarray, generator: np.random.Generator) -> np.ndarray:
        rest = generator.standard_gamma(units / 2)
        if self.slope:
            rest += self.slope**2 * generator.standard_gamma((hidden[:, None] - units) / 2)
        return rest


class UnalignedChain(GradientChain):
    """The fixed part is left out: s = 0, the assumption of gradient independence."""

    def _error(
        self, units: np.ndarray, share: np.ndarray | None, error: float, generator: np.random.Generator
    ) -> tuple[np.ndarray, np.ndarray]:
        length, s = super()._error(units, share, error, generator)
        return length, np.zeros_like(s)


class MeanDegreesChain(GradientChain):
    """The backward pass has n/2 active units in place of the forward pass's number."""

    def _rest(self, units: np.ndarray, hidden: np.ndarray, generator: np.random.Generator) -> np.ndarray:
        half = np.broadcast_to(hidden[:, None] / 2, units.shape)
        return super()._rest(half, hidden, generator)


Chains = Callable[[Case, int, Randomness], GradientChain]


def chain(
    kind: Callable[..., GradientChain], slope: Callable[[Case], float], widths: Callable[[Case], tuple[int, ...]]
) -> Chains:
    """`(case, replicates, randomness) -> kind` with the slope and widths of the case, for claims."""

    def build(case: Case, replicates: int, randomness: Randomness) -> GradientChain:
        return kind(widths(case), replicates, randomness, slope=slope(case))

    return build
