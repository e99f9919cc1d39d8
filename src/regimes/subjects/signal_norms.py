"""Norms of the signals that go up and down a batch of networks, and the powers of two that keep them in range."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor


@dataclass(frozen=True)
class GradientNorms:
    """Norms of one input's forward and backward pass through R networks.

    Attributes:
        log_delta: log|delta^l|^2, shape (R, L), l = 1..L, -inf where the signal has died.
        log_hidden: log|h^l|^2, shape (R, L + 1), l = 0..L.
        active: active units k_l of each layer, shape (R, L).
        log_kappa: log <h^L, delta^L>^2, shape (R,).
    """

    log_delta: Tensor
    log_hidden: Tensor
    active: Tensor
    log_kappa: Tensor

    @property
    def log_weight_gradients(self) -> Tensor:
        """log|dLoss/dW^l|^2 = log|delta^l|^2 + log|h^(l-1)|^2 in the Frobenius norm, shape (R, L)."""
        return self.log_delta + self.log_hidden[:, :-1]


def norm(h: Tensor) -> Tensor:
    """|h| over units, shape (R, N) from (R, n, N), in float64."""
    return torch.linalg.vector_norm(h, dim=1, dtype=torch.float64)


def in_units_of(length: Tensor, h: Tensor) -> tuple[Tensor, Tensor]:
    """H over the power of two below its largest norm, per replicate, and the exponent (int32); a dead replicate stays 0."""
    # 126: powers of two that float32 has without loss.
    exponent = torch.frexp(length.amax(1)).exponent.clamp_(-126, 126)
    return h * torch.exp2(-exponent)[:, None, None], exponent


def log_squares(norms: list[Tensor], shifts: list[Tensor]) -> Tensor:
    """log|h^l|^2 of every layer, shape (R, layers, N), from norms in units of 2^shift of the layer before."""
    before = torch.stack([torch.zeros_like(shifts[0]), *shifts[:-1]], 1)
    return 2 * (torch.stack(norms, 1).log() + math.log(2) * before[:, :, None])


def log_square_norm(h: Tensor) -> Tensor:
    """log|h|^2 over units, shape (R, N) from (R, n, N), in float64; -inf for h = 0."""
    return h.double().square().sum(1).log()


def layer_ratios(log_norms: Tensor) -> Tensor:
    """r_l = |h^l|^2/|h^(l-1)|^2 of the first input from log norms (R, L + 1, N); 0 where layer l dies, NaN after that."""
    first = log_norms[:, :, 0]
    return torch.where(first[:, :-1].isneginf(), torch.nan, (first[:, 1:] - first[:, :-1]).exp())


def rescale(h: Tensor) -> tuple[Tensor, Tensor]:
    """H times a power of two per replicate, with the exponent taken out (float64); a dead replicate stays 0."""
    largest = h.abs().amax((1, 2)).clamp_min(torch.finfo(h.dtype).tiny)
    exponent = torch.frexp(largest).exponent
    # torch.ldexp of all of h would take a power per entry.
    return h * torch.ldexp(torch.ones_like(largest), -exponent)[:, None, None], exponent.double()
