"""A normalising flow: affine couplings after Dinh et al. (2017), RealNVP."""

import math

import torch
from torch import Tensor, nn


class Coupling(nn.Module):
    """Half of the coordinates times exp(s) plus t, with s and t functions of the other half."""

    def __init__(self, dimension: int, odd: bool) -> None:
        super().__init__()
        self.register_buffer("kept", (torch.arange(dimension) + odd) % 2 == 0)
        self.net = nn.Sequential(nn.Linear(dimension, 16), nn.Tanh(), nn.Linear(16, 2 * dimension))

    def scale_and_shift(self, kept: Tensor) -> tuple[Tensor, Tensor]:
        """s and t of the coordinates that change, 0 for those that are kept."""
        s, t = self.net(kept).chunk(2, -1)
        return torch.where(self.kept, 0, s.tanh()), torch.where(self.kept, 0, t)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """z and log|det dz/dx|."""
        s, t = self.scale_and_shift(torch.where(self.kept, x, 0))
        return x * s.exp() + t, s.sum(-1)

    def inverse(self, z: Tensor) -> tuple[Tensor, Tensor]:
        """x and log|det dx/dz|."""
        s, t = self.scale_and_shift(torch.where(self.kept, z, 0))
        return (z - t) * (-s).exp(), -s.sum(-1)


class CouplingFlow(nn.Module):
    """Couplings one after another, of alternating halves; the latent is standard normal."""

    def __init__(self, dimension: int, layers: int) -> None:
        super().__init__()
        self.dimension = dimension
        self.layers = nn.ModuleList(Coupling(dimension, bool(l % 2)) for l in range(layers))

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """z and log|det dz/dx| of points (N, D)."""
        log_det = x.new_zeros(len(x))
        for layer in self.layers:
            x, more = layer(x)
            log_det = log_det + more
        return x, log_det

    def inverse(self, z: Tensor) -> tuple[Tensor, Tensor]:
        """x and log|det dx/dz| of latents (N, D)."""
        log_det = z.new_zeros(len(z))
        for layer in reversed(self.layers):
            z, more = layer.inverse(z)
            log_det = log_det + more
        return z, log_det

    def log_density(self, x: Tensor) -> Tensor:
        """log p(x) of points (N, D)."""
        z, log_det = self(x)
        return -0.5 * z.square().sum(-1) - 0.5 * self.dimension * math.log(2 * math.pi) + log_det
