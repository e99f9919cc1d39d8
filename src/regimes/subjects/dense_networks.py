"""Batched deep networks with explicit weights: forward norms, backpropagated norms, Euler's invariant.

Nothing loops over networks: a layer of all replicates is one tensor (R, n_out, n_in). Activations of positively
homogeneous networks are rescaled by powers of two, which is exact, so that no depth under- or overflows.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from regimes.errors import SubjectError
from regimes.randomness import Randomness
from regimes.subjects.activations import relu, relu_derivative
from regimes.subjects.architecture import Architecture
from regimes.subjects.output_errors import output_error
from regimes.subjects.region_counts import CountsRegions
from regimes.subjects.sample_moments import SampleMoments, moments

if TYPE_CHECKING:
    from regimes.regions.network import PiecewiseLinear

Draw = Callable[[int, int, int, int, Randomness], Tensor]


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


@dataclass(frozen=True)
class Gradients(GradientNorms):
    """Backpropagation of one input through every network of a batch, with Euler's invariant.

    Attributes:
        kappa: <a^l, delta^l> in units common to all layers of a network, shape (R, L).
        magnitude: |delta^l|^T |W^l| |h^(l-1)| in the same units, shape (R, L): the scale of rounding in kappa.
    """

    kappa: Tensor
    magnitude: Tensor


class DenseNetworks(CountsRegions):
    """A batch of networks h^l = act(W^l h^(l-1) + b^l) with weights drawn by `draw`.

    Arguments:
        architecture: widths and inputs.
        replicates: number R of networks.
        randomness: keyed streams; layer l has its own.
        draw: `(layer, replicates, rows, columns, randomness) -> weights (R, rows, columns)`.
        activation: entrywise function.
        derivative: its derivative as a function of pre-activation and activation, for backpropagation.
        homogeneous: whether act(c a) = c act(a) for c > 0 and there are no biases.
        biases: `(layer, replicates, rows, columns, randomness) -> biases (R, rows)`, None for none.
        sampler: how the weights are made, for the evidence.
    """

    def __init__(
        self,
        architecture: Architecture,
        replicates: int,
        randomness: Randomness,
        draw: Draw,
        *,
        activation: Callable[[Tensor], Tensor] = relu,
        derivative: Callable[[Tensor, Tensor], Tensor] = relu_derivative,
        homogeneous: bool = True,
        biases: Draw | None = None,
        sampler: str = "direct",
    ) -> None:
        self.architecture, self.replicates, self.randomness = architecture, replicates, randomness
        self.draw, self.activation, self.biases, self.sampler = draw, activation, biases, sampler
        self.derivative, self.homogeneous = derivative, homogeneous and biases is None

    def weights(self, layer: int) -> Tensor:
        """W^l for l = 1..L, shape (R, n_l, n_(l-1))."""
        rows, columns = self.architecture.widths[layer], self.architecture.widths[layer - 1]
        return self.draw(layer, self.replicates, rows, columns, self.randomness)

    def piecewise_linear(self) -> PiecewiseLinear:
        """The networks with all their weights at once; SubjectError for an activation that is not piecewise linear."""
        from regimes.regions.network import Leaky, PiecewiseLinear, Relu

        kinds = {"relu": Relu(), "leaky": Leaky(0.2)}
        kind = kinds.get(getattr(self.activation, "__name__", ""))
        if kind is None:
            raise SubjectError(
                "regions are counted for relu and leaky networks; "
                f"got the activation {getattr(self.activation, '__name__', self.activation)!r}"
            )
        widths, weights, biases = self.architecture.widths, [], []
        for layer in range(1, len(widths)):
            weights.append(self.weights(layer))
            rows, columns = widths[layer], widths[layer - 1]
            zero = torch.zeros(self.replicates, rows, dtype=torch.float64)
            biases.append(zero if self.biases is None else self.biases(layer, self.replicates, rows, columns, self.randomness))
        return PiecewiseLinear(tuple(weights), tuple(biases), kind)

    def inputs(self) -> Tensor:
        """Inputs of unit norm, shape (R, n_0, N), in the networks' dtype."""
        drawn = self.architecture.draw_inputs(self.replicates, self.randomness)
        return drawn.transpose(1, 2).to(self.randomness.dtype)

    def _layer(self, layer: int, weights: Tensor, hidden: Tensor) -> Tensor:
        """Pre-activations a^l, shape (R, n_l, N)."""
        a = torch.bmm(weights, hidden)
        if self.biases is not None:
            rows, columns = weights.shape[1:]
            a = a + self.biases(layer, self.replicates, rows, columns, self.randomness)[:, :, None]
        return a

    def log_norms(self) -> Tensor:
        """log|h^l(x_i)|^2 for l = 0..L and each input, shape (R, L + 1, N), float64; -inf where h^l = 0."""
        h = self.inputs()
        norms = [log_square_norm(h)]
        shift = torch.zeros(self.replicates, dtype=torch.float64, device=h.device)
        for layer in range(1, len(self.architecture.widths)):
            h = self.activation(self._layer(layer, self.weights(layer), h))
            if self.homogeneous:
                h, exponent = rescale(h)
                shift = shift + exponent
            norms.append(log_square_norm(h) + 2 * math.log(2) * shift[:, None])
        return torch.stack(norms, dim=1)

    def sample_moments(self) -> SampleMoments:
        """sigma^2, m^2 and v^2 of the next layer's pre-activations over the inputs, given layer l = 0..L."""
        h, found = self.inputs(), []
        found.append(moments(h))
        for layer in range(1, len(self.architecture.widths)):
            h = self.activation(self._layer(layer, self.weights(layer), h))
            found.append(moments(h))
        return SampleMoments(*(torch.stack(parts, 1) for parts in zip(*found, strict=True)))

    def layer_ratios(self) -> Tensor:
        """r_l = |h^l|^2/|h^(l-1)|^2 of the first input, shape (R, L); 0 where layer l dies, NaN after that."""
        return layer_ratios(self.log_norms())

    def gradients(self, error: float | str) -> Gradients:
        """Backpropagate an output error delta^L, for one input.

        Arguments:
            error: cos^2 of its angle with the last hidden layer, or a loss's name, as of `output_error`.
        """
        widths = self.architecture.widths
        depth = len(widths) - 1
        hidden = [self.inputs()[:, :, :1]]
        log_hidden, weights, slopes, active, pre, shifts = [log_square_norm(hidden[0])[:, 0]], [], [], [], [], []
        shift = torch.zeros(self.replicates, dtype=torch.float64, device=hidden[0].device)
        for layer in range(1, depth + 1):
            weights.append(self.weights(layer))
            a = self._layer(layer, weights[-1], hidden[-1])
            h = self.activation(a)
            slopes.append(self.derivative(a, h))
            active.append((h > 0).sum((1, 2)).double())
            if self.homogeneous:
                h, exponent = rescale(h)
                a = torch.ldexp(a, -exponent[:, None, None].to(torch.int32))
                shift = shift + exponent
            pre.append(a)
            hidden.append(h)
            shifts.append(shift)
            log_hidden.append(log_square_norm(h)[:, 0] + 2 * math.log(2) * shift)
        delta = output_error(error, hidden[-1], slopes[-1], shift, self.randomness)
        log_kappa = 2 * (delta * hidden[-1]).double().sum((1, 2)).abs().log() + 2 * math.log(2) * shift
        back = torch.zeros_like(shift)
        log_delta, kappa, magnitude = [], [], []
        for layer in range(depth, 0, -1):
            log_delta.append(log_square_norm(delta)[:, 0] + 2 * math.log(2) * back)
            # Powers of two bring every layer's kappa to the scale of the last one.
            to_last = torch.exp2(back + shifts[layer - 1] - shifts[-1])
            kappa.append((delta * pre[layer - 1]).sum((1, 2)).double() * to_last)
            before = shifts[layer - 2] if layer > 1 else torch.zeros_like(shift)
            size = torch.bmm(delta.abs().transpose(1, 2), torch.bmm(weights[layer - 1].abs(), hidden[layer - 1].abs()))
            magnitude.append(size[:, 0, 0].double() * torch.exp2(back + before - shifts[-1]))
            if layer > 1:
                delta = slopes[layer - 2] * torch.bmm(weights[layer - 1].transpose(1, 2), delta)
                delta, exponent = rescale(delta)
                back = back + exponent
        return Gradients(
            log_delta=torch.stack(log_delta[::-1], 1),
            log_hidden=torch.stack(log_hidden, 1),
            active=torch.stack(active, 1),
            log_kappa=log_kappa,
            kappa=torch.stack(kappa[::-1], 1),
            magnitude=torch.stack(magnitude[::-1], 1),
        )


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
    return torch.ldexp(h, -exponent[:, None, None]), exponent.double()
