"""ReLU networks with a normalisation between weights and ReLU, torch's own modules as they ship."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from regimes.case import Case
from regimes.randomness import Randomness
from regimes.subjects.architecture import Architecture, architecture
from regimes.subjects.in_law import forward_footprint, forward_work
from regimes.subjects.orthonormal import stream
from regimes.subjects.revealed_layers import LawLayer
from regimes.subjects.subject import InLaw, Subject

Normalise = Callable[[Tensor], Tensor]


@dataclass(frozen=True)
class UnitStatistics:
    """Statistics over the N inputs of every unit's pre-activation before and after the normalisation, (R, L, n) each.

    Attributes:
        mean: mean of the normalised pre-activation.
        variance: its population variance.
        before: population variance v before the normalisation.
        largest: largest |y| before it.
    """

    mean: Tensor
    variance: Tensor
    before: Tensor
    largest: Tensor


class NormalisedNetworks:
    """R networks h^l = relu(normalise(W h^(l-1))) of constant width, W_ij ~ N(0, 2/fan_in), without biases.

    Arguments:
        shape: widths and inputs.
        replicates: R.
        randomness: keyed streams.
        normalise: (R, n, N) pre-activations -> the same shape.
    """

    sampler = "direct"

    def __init__(self, shape: Architecture, replicates: int, randomness: Randomness, normalise: Normalise) -> None:
        self.shape, self.replicates, self.randomness, self.normalise = shape, replicates, randomness, normalise

    def unit_statistics(self) -> UnitStatistics:
        """Statistics of all layers, in float64."""
        h = self.shape.draw_inputs(self.replicates, self.randomness).transpose(1, 2).to(self.randomness.dtype)
        found = []
        for layer, width in enumerate(self.shape.hidden, 1):
            y = self._pre(layer, width, h)
            normalised = self.normalise(y)
            z = normalised.double()
            before = y.double()
            found.append((z.mean(2), z.var(2, correction=0), before.var(2, correction=0), before.abs().amax(2)))
            h = normalised.clamp_min(0)
        return UnitStatistics(*(torch.stack(parts, 1) for parts in zip(*found, strict=True)))

    def _pre(self, layer: int, width: int, h: Tensor) -> Tensor:
        """Pre-activations W h, shape (R, width, N)."""
        generator = self.randomness.generator(f"weights {layer}")
        shape = (self.replicates, width, h.shape[1])
        w = torch.empty(shape, device=h.device, dtype=h.dtype).normal_(generator=generator)
        return torch.bmm(w.mul_(math.sqrt(2 / h.shape[1])), h)

    def shares(self) -> Tensor:
        """v^2/sigma^2 of every layer's normalised pre-activations over the inputs, shape (R, L), in [0, 1]."""
        found = self.unit_statistics()
        variance, mean = found.variance.sum(2), found.mean.square().sum(2)
        return variance / (variance + mean)


class NormalisedInLaw(NormalisedNetworks):
    """The same networks without weights: given h the rows of W h are independent N(0, (2/n) h^T h), in float64."""

    sampler = "gram"

    def _pre(self, layer: int, width: int, h: Tensor) -> Tensor:
        up, down = (stream(self.randomness, f"{way} {layer}") for way in ("up", "down"))
        h = h.double()
        return LawLayer(width, math.sqrt(2 / h.shape[1]), h, h.mT @ h, up, down).pre


def batch_norm(y: Tensor, training: bool = True) -> Tensor:
    """torch.nn.BatchNorm1d with weight 1 and bias 0 over the N inputs of each unit; (R, n, N)."""
    replicates, units, samples = y.shape
    module = nn.BatchNorm1d(replicates * units, device=y.device, dtype=y.dtype).train(training)
    with torch.no_grad():
        found = module(y.reshape(replicates * units, samples).T)
    return found.T.reshape(y.shape)


def batch_norm_in_eval_mode(y: Tensor) -> Tensor:
    """torch.nn.BatchNorm1d in eval mode: its running statistics, mean 0 and variance 1, in place of the batch's."""
    return batch_norm(y, training=False)


def layer_norm(y: Tensor) -> Tensor:
    """torch.nn.LayerNorm over the units of each input; (R, n, N)."""
    module = nn.LayerNorm(y.shape[1], device=y.device, dtype=y.dtype)
    with torch.no_grad():
        return module(y.transpose(1, 2)).transpose(1, 2)


def group_norm(y: Tensor) -> Tensor:
    """torch.nn.GroupNorm with two groups of units, one for odd widths; (R, n, N)."""
    replicates, units, samples = y.shape
    module = nn.GroupNorm(2 if units % 2 == 0 else 1, units, device=y.device, dtype=y.dtype)
    with torch.no_grad():
        found = module(y.transpose(1, 2).reshape(-1, units))
    return found.reshape(replicates, samples, units).transpose(1, 2)


def _subject(name: str, normalise: Normalise, description: str) -> Subject:
    def build(case: Case, replicates: int, randomness: Randomness) -> NormalisedNetworks:
        return NormalisedNetworks(architecture(case), replicates, randomness, normalise)

    def in_law(case: Case, replicates: int, randomness: Randomness) -> NormalisedNetworks:
        return NormalisedInLaw(architecture(case), replicates, randomness, normalise)

    def footprint(case: Case) -> float:
        # Four float64 statistics of every unit, and their copies in one tensor each.
        return forward_footprint(case) + 16.0 * sum(architecture(case).hidden)

    sampler = Subject(f"{name}, inputs in law", in_law, description, footprint, forward_work)
    return Subject(name, build, description, in_law=(InLaw(sampler, lambda case: True),))


batch_normalised = _subject("BatchNorm1d", batch_norm, "torch.nn.BatchNorm1d on the pre-activations, batch statistics")
batch_normalised_eval = _subject("BatchNorm1d in eval mode", batch_norm_in_eval_mode, "running statistics, never updated")
layer_normalised = _subject("LayerNorm", layer_norm, "torch.nn.LayerNorm over the units")
group_normalised = _subject("GroupNorm", group_norm, "torch.nn.GroupNorm, two groups of units")
unnormalised = _subject("no normalisation", lambda y: y, "pre-activations as they are")
EPS = 1e-5
