"""Moments of pre-activations over a set of inputs, given the layer below them."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor


@dataclass(frozen=True)
class SampleMoments:
    """What a layer's hidden vectors h_a, a = 1..N, say of the next pre-activations y = W h, W_ij ~ N(0, 2/n).

    Means over inputs and over W given h, float64 of shape (R, L + 1), layer 0 being the inputs.

    Attributes:
        total: sigma^2 = (2/n) mean_a |h_a|^2.
        mean: m^2 = (2/n) |mean_a h_a|^2.
        variance: v^2 = (2/n) mean_a |h_a - mean h|^2, by centred sums.
        shrinkage: |g|^2 sin^2 of the angle between the first two inputs' vectors h, g over |g|^2, NaN for one input.
    """

    total: Tensor
    mean: Tensor
    variance: Tensor
    shrinkage: Tensor

    @property
    def share(self) -> Tensor:
        """v^2/sigma^2, NaN once a network is dead."""
        return self.variance / self.total


def moments(h: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """total, mean, variance and sin^2 of the first two, shape (R,) each, from h of shape (R, n, N)."""
    h = h.double()
    scale, centre = 2 / h.shape[1], h.mean(2)
    total = scale * h.square().mean(2).sum(1)
    variance = scale * (h - centre[:, :, None]).square().mean(2).sum(1)
    return total, scale * centre.square().sum(1), variance, _sine_square(h)


def _sine_square(h: Tensor) -> Tensor:
    if h.shape[2] < 2:
        return torch.full((h.shape[0],), torch.nan, dtype=torch.float64, device=h.device)
    one, two = h[:, :, 0], h[:, :, 1]
    # The difference first: angles far below the square root of the unit roundoff keep their digits.
    apart = two - one
    across = apart - one * ((apart * one).sum(1) / one.square().sum(1))[:, None]
    return across.square().sum(1) / two.square().sum(1)
