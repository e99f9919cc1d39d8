"""Independent weights: standard variables of several laws, times a deviation."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from regimes.randomness import Randomness

Standard = Callable[[Tensor, torch.Generator], Tensor]


def normal(out: Tensor, generator: torch.Generator) -> Tensor:
    """Fills `out` with standard normal variables."""
    return out.normal_(generator=generator)


def uniform(out: Tensor, generator: torch.Generator) -> Tensor:
    """Fills `out` with uniform variables on [-1, 1], variance 1/3."""
    return out.uniform_(-1, 1, generator=generator)


def truncated(out: Tensor, generator: torch.Generator) -> Tensor:
    """Fills `out` with standard normal variables cut at [-2, 2], variance 0.774: by inversion of the distribution function."""
    half = 0.5 * math.erf(2 / math.sqrt(2))
    u = torch.empty(out.shape, device=out.device, dtype=torch.float64).uniform_(-half, half, generator=generator)
    return out.copy_(u.mul_(2).erfinv_().mul_(math.sqrt(2)))


def rademacher(out: Tensor, generator: torch.Generator) -> Tensor:
    """Fills `out` with signs."""
    return out.bernoulli_(0.5, generator=generator).mul_(2).sub_(1)


def centred_exponential(out: Tensor, generator: torch.Generator) -> Tensor:
    """Fills `out` with exponential variables minus 1: variance 1, skewed."""
    return out.exponential_(generator=generator).sub_(1)


@dataclass(frozen=True)
class scaled:
    """Independent weights: `standard` variables times deviation(rows, columns); a function with attributes, as `partial` is.

    Attributes:
        standard: `(out, generator) -> out` fills a tensor with independent variables of one law.
        deviation: `(rows, columns) -> factor`.
    """

    standard: Standard
    deviation: Callable[[int, int], float]

    def __call__(self, layer: int, replicates: int, rows: int, columns: int, randomness: Randomness) -> Tensor:
        """W^l, shape (R, rows, columns)."""
        out = torch.empty(replicates, rows, columns, device=randomness.device, dtype=randomness.dtype)
        return self.fill(out, layer, randomness)

    def fill(self, out: Tensor, layer: int, randomness: Randomness) -> Tensor:
        """The same weights in memory of shape (R, rows, columns) that is there."""
        return self.standard(out, randomness.generator(f"weights {layer}")).mul_(self.deviation(*out.shape[1:]))
