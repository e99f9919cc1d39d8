"""A batch of small tanh networks, with the rounding error and the Jacobian that tolerances are derived from."""

from __future__ import annotations

import torch
from torch import Tensor, nn


def half_tanh(doubled: Tensor) -> Tensor:
    """tanh(a)/2 from 2 a, as sigmoid(2 a) - 1/2: to 3 u, and a quarter of the time of `torch.tanh`."""
    return torch.sigmoid(doubled) - 0.5


class Conditioner(nn.Module):
    """h(x) = tanh(x W1 + b1) W2 + b2 for R networks at once.

    Arguments:
        replicates: R.
        inputs, hidden, outputs: units.
        gain: standard deviation of a unit's incoming sum at inputs of length sqrt(n).
        generator: draws the weights, in float32, so that both precisions can hold them.
    """

    def __init__(
        self, replicates: int, inputs: int, hidden: int, outputs: int, gain: float, generator: torch.Generator
    ) -> None:
        super().__init__()

        def normal(*shape: int, scale: float) -> nn.Parameter:
            device = generator.device
            return nn.Parameter(scale * torch.randn(replicates, *shape, generator=generator, device=device))

        self.w1 = normal(inputs, hidden, scale=gain / inputs**0.5)
        self.b1 = normal(1, hidden, scale=0.5 * gain)
        self.w2 = normal(hidden, outputs, scale=gain / hidden**0.5)
        self.b2 = normal(1, outputs, scale=0.1 * gain)

    def forward(self, x: Tensor) -> Tensor:
        """Outputs at x, (R, N, inputs) to (R, N, outputs); in memory each output is a row of N, as few are read together."""
        return torch.baddbmm(self.b2.mT, self.w2.mT, self._half_hidden(x).mT, alpha=2).mT

    def _half_hidden(self, x: Tensor) -> Tensor:
        return half_tanh(torch.baddbmm(self.b1.mT, self.w1.mT, x.mT, beta=2, alpha=2)).mT

    def jacobian(self, x: Tensor) -> Tensor:
        """dh/dx, shape (R, N, outputs, inputs)."""
        slope = 1 - (2 * self._half_hidden(x)).square()
        return torch.einsum("rho,rnh,rih->rnoi", self.w2, slope, self.w1)

    def rounding(self, x: Tensor) -> Tensor:
        """First-order bound on the rounding error of the outputs, in units of u, shape (R, N, outputs).

        Dot products of n terms cost (n + 1) u of their absolute sum (Higham 2002, section 3.1), tanh 6 u.
        """
        hidden = 2 * self._half_hidden(x)
        summed = (x.shape[-1] + 1) * (torch.bmm(x.abs(), self.w1.abs()) + self.b1.abs())
        error = summed * (1 - hidden.square()) + 6
        size = torch.bmm(hidden.abs(), self.w2.abs()) + self.b2.abs()
        return torch.bmm(error, self.w2.abs()) + (hidden.shape[-1] + 1) * size
