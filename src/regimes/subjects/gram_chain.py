"""He-initialised ReLU networks at several inputs, drawn from their exact law without weights.

Given a layer's vectors h (n x N), the pre-activations of the next layer's units are i.i.d. rows N(0, (2/n) h^T h): with
h = Q R they are rows of sqrt(2/n) Z R, Z Gaussian. N numbers a unit take the place of n weights a unit.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor

from regimes.case import Case
from regimes.randomness import Randomness
from regimes.subjects.architecture import Architecture, architecture
from regimes.subjects.sample_moments import SampleMoments, moments
from regimes.subjects.signal_norms import log_square_norm
from regimes.subjects.subject import Subject


class GramChain:
    """R networks with weights N(0, 2/fan_in), ReLU and no biases at N inputs, exact in law.

    Arguments:
        shape: widths and inputs.
        replicates: R.
        randomness: keyed streams.
    """

    sampler = "gram"

    def __init__(self, shape: Architecture, replicates: int, randomness: Randomness) -> None:
        self.shape, self.replicates, self.randomness = shape, replicates, randomness

    def layers(self) -> list[Tensor]:
        """h^0, .., h^L, the inputs first: shapes (R, n_l, N), float64."""
        x = self.shape.draw_inputs(self.replicates, self.randomness).transpose(1, 2)
        found, size = [x], x.shape[1]
        for layer, width in enumerate(self.shape.hidden, 1):
            root = torch.linalg.qr(found[-1], mode="r")[1]
            generator = self.randomness.generator(f"units {layer}")
            z = torch.randn(
                (self.replicates, width, root.shape[1]), generator=generator, device=root.device, dtype=torch.float64
            )
            found.append(torch.bmm(z, root).mul_(math.sqrt(2 / size)).clamp_min_(0))
            size = width
        return found

    def sample_moments(self) -> SampleMoments:
        """sigma^2, m^2 and v^2 of the next pre-activations over the inputs, given layer l = 0..L."""
        return SampleMoments(*(torch.stack(parts, 1) for parts in zip(*map(moments, self.layers()), strict=True)))

    def log_norms(self) -> Tensor:
        """log|h^l(x_i)|^2 for l = 0..L and each input, shape (R, L + 1, N)."""
        return torch.stack([log_square_norm(h) for h in self.layers()], 1)


def _build(case: Case, replicates: int, randomness: Randomness) -> GramChain:
    return GramChain(architecture(case), replicates, randomness)


def _footprint(case: Case) -> float:
    shape = architecture(case)
    return 3.0 * shape.inputs * (sum(shape.hidden) + shape.widths[0])


he_in_law = Subject(
    "He normal, fan-in, in law", _build, "pre-activations from their exact law given the layer below", _footprint
)
