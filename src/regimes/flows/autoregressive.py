"""Masked affine autoregressive layers, R at once, whose inverse costs one pass over the network.

M. Germain, K. Gregor, I. Murray, H. Larochelle, MADE: Masked Autoencoder for Distribution Estimation, arXiv 1502.03509;
G. Papamakarios, T. Pavlakou, I. Murray, Masked Autoregressive Flow for Density Estimation, arXiv 1705.07057.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn.utils import parametrize

from regimes.flows.conditioner import Conditioner, half_tanh
from regimes.flows.layers import Coupling, Rounding
from regimes.flows.subjects import rad

BLOCK = 8  # ranks


class Masked(nn.Module):
    """A weight with entries that stay 0, in training too."""

    mask: Tensor

    def __init__(self, mask: Tensor) -> None:
        super().__init__()
        self.register_buffer("mask", mask.float())

    def forward(self, weight: Tensor) -> Tensor:
        """The weight where the mask is 1."""
        return weight * self.mask


class Autoregressive(Coupling):
    """y_i = s_i x_i + t_i, where (s_i, t_i) reads the coordinates before i: those of smaller rank, passive ones first.

    Hidden unit h of H has degree m = 1 + floor(h (D - 1) / H): it reads the m coordinates of lowest rank, and (s, t) of
    the coordinate of rank r = 0, ..., D - 1 reads the units of degree at most r. A coupling is the case in which no
    passive coordinate moves.

    Arguments:
        passive: (D,) booleans, which coordinates come first in the order.
        shifted: (D,) booleans, which coordinates may be shifted; those on [0, inf) may only be scaled.
        read: the network, from (R, N, D) to (R, N, 2 D); it is masked here.
        reach: bound on |log s|.
    """

    order: Tensor
    degrees: Tensor

    def __init__(self, passive: Tensor, shifted: Tensor, read: Conditioner, reach: float = 1.0) -> None:
        super().__init__(torch.zeros_like(passive), shifted, read, reach)
        self.passive.fill_(1.0)  # what each output reads is the network's own business
        dimension, hidden = read.w1.shape[1:]
        units = torch.arange(hidden, device=passive.device)
        self.register_buffer("order", (~passive).byte().argsort(stable=True))
        self.register_buffer("degrees", 1 + units * (dimension - 1) // hidden)
        inward, outward = self.masks(self.order.argsort(), self.degrees)
        parametrize.register_parametrization(read, "w1", Masked(inward))
        parametrize.register_parametrization(read, "w2", Masked(outward.repeat(1, 2)))

    @staticmethod
    def masks(rank: Tensor, degrees: Tensor) -> tuple[Tensor, Tensor]:
        """Which coordinates a unit reads, (D, H), and which units an output reads, (H, D)."""
        return rank[:, None] < degrees, degrees[:, None] <= rank

    @torch.no_grad()
    def inverse(self, z: Tensor, branch: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """The x that maps to z and -sum log s, without a graph.

        One sweep: with the coordinates of rank up to r known, so are the units of degree r + 1, and each is computed once.
        What a block of ranks reads from before it is one product, so that all known units are read once a block, not a rank.
        """
        replicates, points, dimension = z.shape
        # Units and coordinates are rows, in the order in which they become known; (log s, t) of a rank are two rows.
        w1, b1 = self.read.w1[:, self.order].mT.contiguous(), self.read.b1.mT
        pairs = torch.cat((self.read.w2, self.read.b2), 1).unflatten(2, (2, dimension))
        pairs[:, :, 1] *= self.shifted
        pairs = pairs[..., self.order].permute(0, 3, 2, 1).flatten(1, 2)
        w2, b2 = pairs[..., :-1], pairs[..., -1:]
        y = z.mT[:, self.order]
        x, log_s, hidden = torch.empty_like(y), torch.empty_like(y), y.new_empty(replicates, w1.shape[1], points)
        units = torch.bincount(self.degrees, minlength=dimension + 1).cumsum(0).tolist()
        for start in range(0, dimension, BLOCK):
            stop = min(start + BLOCK, dimension)
            old, new, rows = units[start], slice(units[start], units[stop]), slice(2 * start, 2 * stop)
            hidden[:, new] = torch.baddbmm(b1[:, new], w1[:, new, :start], x[:, :start], beta=2, alpha=2)
            outputs = torch.baddbmm(b2[:, rows], w2[:, rows, :old], hidden[:, :old], alpha=2)
            for r, output in enumerate(outputs.split(2, dim=1), start):
                known, next_ = slice(old, units[r]), slice(units[r], units[r + 1])
                read = w2[:, 2 * r : 2 * r + 2, known]
                raw, shift = torch.baddbmm(output, read, hidden[:, known], alpha=2).unbind(1)
                log_s[:, r] = self.log_scale(raw)
                torch.div(y[:, r] - shift, log_s[:, r].exp(), out=x[:, r])
                read, here = w1[:, next_, start : r + 1], x[:, start : r + 1]
                hidden[:, next_] = half_tanh(torch.baddbmm(hidden[:, next_], read, here, alpha=2))
        return x[:, self.order.argsort()].mT, -log_s.sum(1)

    def rounding(self, x: Tensor, z: Tensor) -> Rounding:
        """The coupling's, but a recovered coordinate reads recovered ones: |Df^{-1}| e back, for residuals e of the inverse."""
        local = super().rounding(x, z)
        residual = local.preimage * self.scale_and_shift(x)[0].exp()
        back = torch.linalg.inv(self.jacobian(x)).abs() @ residual[..., None]
        return local._replace(preimage=back[..., 0])


flows = rad(
    "masked autoregressive", "random affine autoregressive layers, orders alternating", family="none", coupling=Autoregressive
)
