"""Deep networks at N inputs, forward and backward, from their exact law or with weights.

h^l = h^(l-1) + rho act(norm(W^l h^(l-1))) in a residual network, act(norm(W^l h^(l-1))) otherwise; norm is nothing,
BatchNorm over the inputs or LayerNorm over the units. Whatever happens between the matrices acts on explicit
pre-activations (R, n, N), so that the layers of `regimes.subjects.revealed_layers` are all that the law changes.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import torch
from torch import Tensor

from regimes.case import Case
from regimes.errors import SubjectError
from regimes.randomness import Randomness
from regimes.subjects.activations import ACTIVATIONS, relu_derivative
from regimes.subjects.architecture import Architecture, architecture
from regimes.subjects.orthonormal import Generator, stream
from regimes.subjects.output_errors import output_error
from regimes.subjects.revealed_layers import DirectLayer, LawLayer
from regimes.subjects.sample_moments import SampleMoments, moments
from regimes.subjects.signal_norms import layer_ratios, rescale
from regimes.subjects.subject import Subject
from regimes.subjects.thin import gram_matrix

EPS = 1e-5  # torch's default in both normalisations
Streams = tuple[Generator, Generator]
SMALL = 2.0**-256  # squared norms between it and its inverse, and their sums, are far from the ends of float64
NORMALISATIONS = {"none": 0, "batch": 2, "layer": 1}
Layer = Callable[[int, float, Tensor, Tensor, Generator, Generator], LawLayer | DirectLayer]


@dataclass(frozen=True)
class GramGradients:
    """Backpropagation of N inputs through R networks; delta^l is the error at the pre-activations W^l h^(l-1).

    Attributes:
        log_delta: log|delta^l(x_i)|^2, shape (R, L, N), l = 1..L, -inf where the signal has died.
        log_hidden: log|h^l(x_i)|^2, shape (R, L + 1, N), l = 0..L.
        log_batch: log|sum_i delta^l(x_i) h^(l-1)(x_i)^T|^2, of the summed loss's weight gradient, shape (R, L).
        hidden: h^l up to powers of two, l = 1..L, shape (R, n_l, N) each.
    """

    log_delta: Tensor
    log_hidden: Tensor
    log_batch: Tensor
    hidden: list[Tensor]

    @cached_property
    def active(self) -> Tensor:
        """Units with h^l(x_i) > 0, whatever the activation, shape (R, L, N); counted when they are asked for."""
        return torch.stack([relu_derivative(h, h).sum(1) for h in self.hidden], 1)

    @property
    def log_weight_gradients(self) -> Tensor:
        """log|dLoss(x_i)/dW^l|^2 of each input without BatchNorm, shape (R, L, N)."""
        return self.log_delta + self.log_hidden[:, :-1]


class ForwardNetworks:
    """R networks at N inputs, upwards: norms and moments of the hidden layers.

    Arguments:
        shape: widths and inputs.
        replicates: R.
        randomness: keyed streams.
        activation: one of `ACTIVATIONS`.
        normalisation: one of `NORMALISATIONS`.
        residual: rho, 0 for no skip connections; they need equal widths.
        variance: `(rows, columns) -> variance` of a layer's weights.
        layer: how a layer's matrix is known.

    Raises:
        SubjectError: an unknown activation or normalisation, or skip connections between unequal widths.
    """

    def __init__(
        self,
        shape: Architecture,
        replicates: int,
        randomness: Randomness,
        *,
        activation: str = "relu",
        normalisation: str = "none",
        residual: float = 0.0,
        variance: Callable[[int, int], float] = lambda rows, columns: 2 / columns,
        layer: Layer = LawLayer,
    ) -> None:
        if activation not in ACTIVATIONS or normalisation not in NORMALISATIONS:
            known = f"one of {', '.join(ACTIVATIONS)} and one of {', '.join(NORMALISATIONS)}"
            raise SubjectError(f"the activation {activation!r} or normalisation {normalisation!r} is unknown; use {known}")
        if residual and len(set(shape.widths)) > 1:
            raise SubjectError(f"skip connections need equal widths; got {shape.widths}")
        self.architecture, self.replicates, self.randomness, self.residual = shape, replicates, randomness, residual
        self.act, self.derivative, slope = ACTIVATIONS[activation]
        self.dim = NORMALISATIONS[normalisation]
        self.homogeneous = slope is not None and not self.dim
        self.rectified = activation == "relu" and not self.dim
        self.variance, self.layer = variance, layer
        self.sampler = str(getattr(layer, "sampler", "direct"))

    def _up(
        self, index: int, h: Tensor, gram: Tensor, streams: Streams, kept: bool = False
    ) -> tuple[LawLayer | DirectLayer, Tensor, Tensor | None, Tensor, Tensor]:
        """The layer, normalised pre-activations, their scale, activations before the skip, and h^l.

        Unless they are kept for the way down, pre-activations may give their memory to the activations.
        """
        columns, rows = self.architecture.widths[index - 1 : index + 1]
        matrix = self.layer(rows, math.sqrt(self.variance(rows, columns)), h, gram, *streams)
        z, scale = matrix.pre, None
        if self.dim:
            spread, mean = torch.var_mean(z, dim=self.dim, correction=0, keepdim=True)
            scale = torch.rsqrt(spread + EPS)
            z = (z - mean) * scale
        branch = z.clamp_min_(0) if self.rectified and not kept else self.act(z)
        return matrix, z, scale, branch, h + self.residual * branch if self.residual else branch

    def _start(self, angles: bool = False) -> tuple[Tensor, Tensor, Tensor, Streams]:
        """h^0, or its angles, their Gram matrix, the exponents taken out of it, 0, and the streams of the ways up and down."""
        draw = self.architecture.draw_angles if angles else self.architecture.draw_inputs
        h = draw(self.replicates, self.randomness).transpose(1, 2)
        streams = stream(self.randomness, "up"), stream(self.randomness, "down")
        return h, gram_matrix(h), torch.zeros(self.replicates, dtype=torch.float64, device=h.device), streams

    def log_norms(self) -> Tensor:
        """log|h^l(x_i)|^2 for l = 0..L and each input, shape (R, L + 1, N); -inf where h^l = 0."""
        h, gram, shift, streams = self._start()
        grams = [(gram, shift)]
        for index in range(1, len(self.architecture.widths)):
            h = self._up(index, h, gram, streams)[-1]
            h, gram, shift = _in_range(h, shift, self.homogeneous)
            grams.append((gram, shift))
        return _log_squares(*_stacked(grams))

    def layer_ratios(self) -> Tensor:
        """r_l = |h^l|^2/|h^(l-1)|^2 of the first input, shape (R, L); 0 where layer l dies, NaN after that."""
        return layer_ratios(self.log_norms())

    def sample_moments(self) -> SampleMoments:
        """sigma^2, m^2 and v^2 over the inputs given layer l = 0..L."""
        h, gram, _, streams = self._start()
        found = [moments(h)]
        for index in range(1, len(self.architecture.widths)):
            h = self._up(index, h, gram, streams)[-1]
            gram = gram_matrix(h)
            found.append(moments(h))
        return SampleMoments(*(torch.stack(parts, 1) for parts in zip(*found, strict=True)))


class GramNetworks(ForwardNetworks):
    """R networks at N inputs, both ways; arguments as of `ForwardNetworks`."""

    def gradients(self, error: float | str) -> GramGradients:
        """Backpropagate an output error of every input.

        Arguments:
            error: as of `output_error`: at the last activation function's argument, mask included; at h^L in a
                residual network.
        """
        # Without weights or skip connections nothing but its Gram matrix is ever used of h^0.
        h, gram, shift, streams = self._start(angles=self.sampler != "direct" and not self.residual)
        ups, grams, hidden = [], [(gram, shift)], []
        for index in range(1, len(self.architecture.widths)):
            matrix, z, scale, branch, h = self._up(index, h, gram, streams, kept=True)
            ups.append((matrix, z, scale, branch))
            h, gram, shift = _in_range(h, shift, self.homogeneous)
            hidden.append(h)
            grams.append((gram, shift))
        slope = self.derivative(*ups[-1][1::2])
        above = output_error(error, h, torch.ones_like(h) if self.residual else slope, shift, self.randomness)
        delta = self.residual * slope * above if self.residual else above
        back, errors = torch.zeros_like(shift), []
        for index in range(len(ups), 0, -1):
            matrix, z, scale, _ = ups[index - 1]
            if scale is not None:
                along = z * (z * delta).mean(self.dim, keepdim=True)
                delta = scale * (delta - delta.mean(self.dim, keepdim=True) - along)
            before = back
            delta, gram, back = _in_range(delta, back, True)
            if self.residual:
                above = torch.ldexp(above, (before - back)[:, None, None].to(torch.int32))
            errors.append((gram, back))
            if index > 1:
                g = matrix.backward(delta, gram)
                pre, branch = ups[index - 2][1::2]
                if self.residual:
                    above = above + g
                    delta = self.residual * self.derivative(pre, branch) * above
                elif self.rectified:
                    # The product with the slopes, in place and in one pass.
                    delta = torch.ops.aten.threshold_backward.grad_input(g, branch, 0, grad_input=g)
                else:
                    delta = g.mul_(self.derivative(pre, branch))
        (up, shifts), (down, backs) = (_stacked(pairs) for pairs in (grams, errors[::-1]))
        batch = (down * up[:, :-1]).sum((2, 3)).clamp_min(0)
        return GramGradients(
            _log_squares(down, backs), _log_squares(up, shifts),
            batch.log() + 2 * math.log(2) * (backs + shifts[:, :-1]), hidden,
        )  # fmt: skip


def _stacked(pairs: list[tuple[Tensor, Tensor]]) -> tuple[Tensor, Tensor]:
    """Gram matrices (R, layers, N, N) and exponents (R, layers)."""
    grams, exponents = zip(*pairs, strict=True)
    return torch.stack(grams, 1), torch.stack(exponents, 1)


def _log_squares(gram: Tensor, exponent: Tensor) -> Tensor:
    """The logarithms of the diagonals times 4^exponent, shape (..., N)."""
    return gram.diagonal(dim1=-2, dim2=-1).log() + 2 * math.log(2) * exponent[..., None]


def _in_range(h: Tensor, exponent: Tensor, homogeneous: bool) -> tuple[Tensor, Tensor, Tensor]:
    """H, its Gram matrix and the powers of two taken out of it, which changes where a norm leaves SMALL..1/SMALL."""
    gram = gram_matrix(h)
    if homogeneous:
        least, most = map(float, torch.aminmax(gram.diagonal(dim1=1, dim2=2).amax(1)))
        if least < SMALL or most > 1 / SMALL:
            h, taken = rescale(h)
            return h, gram_matrix(h), exponent + taken
    return h, gram, exponent


def gram_networks(name: str, description: str, layer: Layer = LawLayer, **more: Any) -> Subject:
    """A subject of `GramNetworks`; the case's axes `activation`, `normalisation` and `residual` are read where it has them."""

    def options(case: Case) -> dict[str, Any]:
        return {axis: case[axis] for axis in ("activation", "normalisation", "residual") if axis in case} | more

    def build(case: Case, replicates: int, randomness: Randomness) -> GramNetworks:
        return GramNetworks(architecture(case), replicates, randomness, layer=layer, **options(case))

    def footprint(case: Case) -> float:
        shape, chosen = architecture(case), options(case)
        if getattr(layer, "sampler", "direct") == "direct":
            return float(shape.weights)
        # Pre-activations and activations, of two floats a number, wait for the way down; skips and normalisations add to them.
        waiting = 4 + 3 * bool(chosen.get("residual")) + 3 * (chosen.get("normalisation", "none") != "none")
        arrays = waiting * sum(shape.widths) + 14.0 * max(shape.widths)
        return shape.inputs * arrays + 20.0 * shape.inputs**2 * len(shape.widths)

    return Subject(name, build, description, footprint)


law_networks = gram_networks("networks in law", "pre-activations and errors from their exact law, without weights")
direct_networks = gram_networks("networks with weights", "every weight drawn", DirectLayer)
