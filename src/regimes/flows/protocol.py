"""The protocol that claims about flows ask for, and the error that flows raise.

Every tensor has a leading dimension R of independent flows: points are (R, N, D), log-densities (R, N), and discrete
indices (R, N, F), one for each of the F folds (F = 0 for a bijection).
"""

from __future__ import annotations

from typing import Any, Protocol, runtime_checkable

import torch
from torch import Tensor

from regimes.errors import SubjectError

__all__ = ["Flow", "FlowError", "check_points"]


class FlowError(SubjectError):
    """A flow that cannot be built or asked; the message is one sentence with the value at fault and the mend."""


@runtime_checkable
class Flow(Protocol):
    """R independent flows in D dimensions."""

    dimension: int

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Inference: z = f(x) of shape (R, N, D), indices (R, N, F), and log|det Df(x)| of shape (R, N)."""
        ...

    def inverse(self, z: Tensor, branches: Tensor) -> tuple[Tensor, Tensor]:
        """The point x of a latent and its indices, shape (R, N, D), and log|det dx/dz| of shape (R, N)."""
        ...

    def log_density(self, x: Tensor) -> Tensor:
        """Log p(x), shape (R, N); -inf outside the support."""
        ...

    def sample(self, count: int, generator: torch.Generator) -> Tensor:
        """`count` points of each flow, shape (R, count, D)."""
        ...


def check_points(x: Any, replicates: int, dimension: int, name: str = "x") -> None:
    """FlowError unless x is a tensor (R, N, D) without NaN; infinities are points outside every support."""
    if not isinstance(x, Tensor) or x.ndim != 3 or x.shape[0] != replicates or x.shape[2] != dimension:
        found = tuple(x.shape) if isinstance(x, Tensor) else type(x).__name__
        raise FlowError(f"{name} has shape {found}; this batch of flows takes ({replicates}, N, {dimension})")
    if bool(x.isnan().any()):
        raise FlowError(f"{name} holds NaN, which is no point; give finite numbers, or infinity for a point out of reach")
