"""Gates p(k|z): learned, normalised, zero where branch k does not reach z, and such that the density has no jump.

At a fold value every pair of branches that ends there must hand over the same p(k|z) |f'|. The logarithms of vanishing
weights are -inf by `where`, never by log(0), so that gradients stay finite.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from regimes.flows.conditioner import Conditioner
from regimes.flows.pieces import ENDS, Pieces


def safe_log(t: Tensor) -> Tensor:
    """Log t, -inf and without a gradient at t <= 0."""
    positive = t > 0
    return torch.where(positive, torch.where(positive, t, 1.0).log(), -torch.inf)


class Gate(nn.Module):
    """A gate that reads the whole latent z through a small network h.

    Arguments:
        coordinate: the folded coordinate j.
        read: h, from (R, N, D) to (R, N, K), or to (R, N, 1) for two branches.
    """

    def __init__(self, coordinate: int, read: Conditioner) -> None:
        super().__init__()
        self.coordinate, self.read = coordinate, read

    def forward(self, z: Tensor, pieces: Pieces) -> Tensor:
        """Log p(k|z), shape (R, N, K); -inf for every k at latents outside the target."""
        return torch.where(self._reached(z, pieces)[..., None], self._normalised(z, pieces).mT, -torch.inf)

    def at(self, z: Tensor, pieces: Pieces, k: Tensor) -> Tensor:
        """Log p(k|z) of one branch for each latent, (R, N, D) and (R, N) to (R, N)."""
        return torch.where(self._reached(z, pieces), self._normalised(z, pieces).gather(1, k[:, None])[:, 0], -torch.inf)

    def _reached(self, z: Tensor, pieces: Pieces) -> Tensor:
        low, high = ENDS[pieces.target]
        here = z[..., self.coordinate]
        return (here >= low) & (here <= high)

    def _normalised(self, z: Tensor, pieces: Pieces) -> Tensor:
        # Over rows of latents, branch by branch: over the K numbers of one latent softmax is 20 times slower.
        return self.log_weights(z, pieces).mT.log_softmax(1)

    def log_weights(self, z: Tensor, pieces: Pieces) -> Tensor:
        """Unnormalised log p(k|z), shape (R, N, K), finite for some k wherever a latent is in the target."""
        raise NotImplementedError

    def rounding(self, z: Tensor, pieces: Pieces) -> Tensor:
        """First-order bound on the rounding error of log p(k|z), in units of u, shape (R, N).

        The network's error E enters each logit once and their normalisation once. t and 1 - t are products of differences
        of stored numbers, hence relatively exact to 3 u, in two logarithms; log_softmax over K terms adds (K + 4) u of one
        and of its largest logit. What |log t| itself adds is in the sum over terms of the caller.
        """
        error = 2 * self.read.rounding(z).amax(-1)
        size = self.read(z).abs().amax(-1)
        return 2 * error + 4 * size + pieces.count + 10


class ZigzagGate(Gate):
    """w = (1 - t, t (1 - t), t) exp(h(z)), t = (z_j - c_0)/(c_1 - c_0) clamped to [0, 1].

    A zig-zag's inner folds are ends of two branches inside the image of the third, so by continuity both vanish there
    (see `claims/dinh2019rad.py`): the density is 0 at b_1 and b_2.
    """

    def _t(self, z: Tensor, pieces: Pieces) -> tuple[Tensor, Tensor]:
        c0, c1 = pieces.folds[:, :1], pieces.folds[:, 1:]
        span = c1 - c0
        # 1 - t from its own difference, which is exact near c_1 where 1 - t itself would lose its digits.
        return ((z[..., self.coordinate] - c0) / span).clamp(0, 1), ((c1 - z[..., self.coordinate]) / span).clamp(0, 1)

    def log_weights(self, z: Tensor, pieces: Pieces) -> Tensor:
        """Unnormalised log p(k|z), shape (R, N, 3)."""
        t, rest = self._t(z, pieces)
        first, last = safe_log(rest), safe_log(t)
        return torch.stack((first, first + last, last), dim=-1) + self.read(z)


class AbsGate(Gate):
    """p(1|z) = t sigmoid(h(z) - h(z with z_j = 0) + log(a_2/a_1)), t = 1, or 1 - z_j/(a_1 c) where the first branch ends.

    At the crease p(1|0) = a_2/(a_1 + a_2), which makes both sides a_1 a_2/(a_1 + a_2).
    """

    def log_weights(self, z: Tensor, pieces: Pieces) -> Tensor:
        """Log p(k|z), shape (R, N, 2), normalised already."""
        here = z[..., self.coordinate]
        keep = torch.ones(z.shape[-1], dtype=z.dtype, device=z.device)
        keep[self.coordinate] = 0
        q = (self.read(z) - self.read(z * keep))[..., 0] + self.balance(pieces)
        if pieces.source == "half":
            far = pieces.high[:, :1]
            stay, gone = ((far - here) / far).clamp(0, 1), (here / far).clamp(0, 1)
        else:
            stay, gone = torch.ones_like(here), torch.zeros_like(here)
        first = safe_log(stay)
        log = torch.nn.functional.logsigmoid
        return torch.stack((first + log(q), torch.logaddexp(safe_log(gone), first + log(-q))), dim=-1)

    def balance(self, pieces: Pieces) -> Tensor:
        """The logit at the crease, log(a_2/a_1), shape (R, 1)."""
        return (pieces.log_slopes[:, 1] - pieces.log_slopes[:, 0])[:, None]


class IntervalGate(Gate):
    """p(k|z) ∝ a_k exp(z_j (1 - z_j) h_k(z)), a_k at both ends of the interval, whichever way the pieces run.

    Then p(k|z) |f'| is 1 at every break. With `bend=False`, p(k|z) = a_k everywhere: the uniform density is mapped to
    itself.
    """

    def __init__(self, coordinate: int, read: Conditioner, bend: bool = True) -> None:
        super().__init__(coordinate, read)
        self.bend = bend

    def log_weights(self, z: Tensor, pieces: Pieces) -> Tensor:
        """Unnormalised log p(k|z), shape (R, N, K)."""
        here = z[..., self.coordinate, None]
        logs = -pieces.log_slopes[:, None]
        return torch.addcmul(logs, here * (1 - here), self.read(z)) if self.bend else logs.expand(-1, z.shape[1], -1)
