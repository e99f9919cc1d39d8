"""Passes up and down a batch of networks whose layers are known by their products with vectors.

Activations of positively homogeneous networks are rescaled by powers of two, which is exact, so that no depth under- or
overflows.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Protocol

import torch
from torch import Tensor

from regimes.randomness import Randomness
from regimes.subjects.activations import relu, relu_derivative
from regimes.subjects.architecture import Architecture
from regimes.subjects.output_errors import output_error
from regimes.subjects.sample_moments import SampleMoments, moments

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


class Products(Protocol):
    """The products of one pass, layer by layer upwards and then downwards."""

    def forward(self, layer: int, hidden: Tensor) -> Tensor:
        """W^l h^(l-1), shape (R, n_l, N)."""
        ...

    def backward(self, layer: int, delta: Tensor) -> Tensor:
        """W^l^T delta^l for l = 2..L, shape (R, n_(l-1), 1); right where the slope of layer l - 1 is not 0."""
        ...


@dataclass(frozen=True)
class Up:
    """A layer of a forward pass.

    Attributes:
        hidden: h^l in units of 2^shift, shape (R, n_l, N).
        pre: a^l in units of 2^shift of the layer below, None for the inputs.
        norm: |h^l| in the latter units, float64 of shape (R, N).
        shift: float64 of shape (R,).
    """

    hidden: Tensor
    pre: Tensor | None
    norm: Tensor
    shift: Tensor


@dataclass(frozen=True)
class Down:
    """A layer of a backward pass: delta^l in units of 2^shift, shape (R, n_l, 1), and |delta^l| in those of the layer above."""

    delta: Tensor
    norm: Tensor
    shift: Tensor


class FeedForward(ABC):
    """R networks h^l = act(W^l h^(l-1) + b^l).

    Arguments:
        architecture: widths and inputs.
        replicates: number R of networks.
        randomness: keyed streams; layer l has its own.
        activation: entrywise function.
        derivative: its derivative as a function of pre-activation and activation, for backpropagation.
        homogeneous: whether act(c a) = c act(a) for c > 0 and there are no biases.
        biases: `(layer, replicates, rows, columns, randomness) -> biases (R, rows)`, None for none.
    """

    def __init__(
        self,
        architecture: Architecture,
        replicates: int,
        randomness: Randomness,
        *,
        activation: Callable[[Tensor], Tensor] = relu,
        derivative: Callable[[Tensor, Tensor], Tensor] = relu_derivative,
        homogeneous: bool = True,
        biases: Draw | None = None,
    ) -> None:
        self.architecture, self.replicates, self.randomness = architecture, replicates, randomness
        self.activation, self.derivative, self.biases = activation, derivative, biases
        self.homogeneous = homogeneous and biases is None

    @abstractmethod
    def products(self, kept: bool) -> AbstractContextManager[Products]:
        """The products of one pass.

        Arguments:
            kept: whether the pass goes down again.
        """

    def inputs(self) -> Tensor:
        """Inputs of unit norm, shape (R, n_0, N), in the networks' dtype."""
        drawn = self.architecture.draw_inputs(self.replicates, self.randomness)
        return drawn.transpose(1, 2).to(self.randomness.dtype)

    def _up(self, products: Products, inputs: Tensor, rescaled: bool) -> Iterator[Up]:
        """Layers 0..L."""
        zero = torch.zeros(self.replicates, dtype=torch.float64, device=inputs.device)
        below = Up(inputs, None, norm(inputs), zero)
        yield below
        widths = self.architecture.widths
        for layer in range(1, len(widths)):
            a = products.forward(layer, below.hidden)
            if self.biases is not None:
                a = a + self.biases(layer, self.replicates, widths[layer], widths[layer - 1], self.randomness)[:, :, None]
            h, shift = self.activation(a), below.shift
            length = norm(h)
            if rescaled:
                h, exponent = in_units_of(length, h)
                shift = shift + exponent
            below = Up(h, a, length, shift)
            yield below

    def log_norms(self) -> Tensor:
        """log|h^l(x_i)|^2 for l = 0..L and each input, shape (R, L + 1, N), float64; -inf where h^l = 0."""
        with self.products(kept=False) as products:
            up = [(one.norm, one.shift) for one in self._up(products, self.inputs(), self.homogeneous)]
        return log_squares([length for length, _ in up], [shift for _, shift in up])

    def sample_moments(self) -> SampleMoments:
        """sigma^2, m^2 and v^2 of the next layer's pre-activations over the inputs, given layer l = 0..L."""
        with self.products(kept=False) as products:
            found = [moments(one.hidden) for one in self._up(products, self.inputs(), rescaled=False)]
        return SampleMoments(*(torch.stack(parts, 1) for parts in zip(*found, strict=True)))

    def layer_ratios(self) -> Tensor:
        """r_l = |h^l|^2/|h^(l-1)|^2 of the first input, shape (R, L); 0 where layer l dies, NaN after that."""
        return layer_ratios(self.log_norms())

    def backpropagate(self, error: float | str) -> tuple[GradientNorms, list[Up], list[Down]]:
        """The norms of `gradients`, with the forward pass h^0, .., h^L and the backward pass delta^1, .., delta^L."""
        with self.products(kept=True) as products:
            up = list(self._up(products, self.inputs()[:, :, :1], self.homogeneous))
            slopes = [self.derivative(one.pre, one.hidden) for one in up[1:] if one.pre is not None]
            last = up[-1]
            delta = output_error(error, last.hidden, slopes[-1], last.shift, self.randomness)
            down = [Down(delta, norm(delta), torch.zeros_like(last.shift))]
            for layer in range(len(slopes), 1, -1):
                delta = slopes[layer - 2] * products.backward(layer, down[-1].delta)
                length = norm(delta)
                delta, exponent = in_units_of(length, delta)
                down.append(Down(delta, length, down[-1].shift + exponent))
        log_delta = log_squares([one.norm for one in down], [one.shift for one in down]).flip(1)[:, :, 0]
        log_hidden = log_squares([one.norm for one in up], [one.shift for one in up])[:, :, 0]
        down.reverse()
        log_kappa = 2 * (down[-1].delta * last.hidden).double().sum((1, 2)).abs().log() + 2 * math.log(2) * last.shift
        active = torch.stack([(one.hidden > 0).sum((1, 2)) for one in up[1:]], 1).double()
        return GradientNorms(log_delta, log_hidden, active, log_kappa), up, down


def norm(h: Tensor) -> Tensor:
    """|h| over units, shape (R, N) from (R, n, N), in float64."""
    return torch.linalg.vector_norm(h, dim=1, dtype=torch.float64)


def in_units_of(length: Tensor, h: Tensor) -> tuple[Tensor, Tensor]:
    """H over the power of two below its largest norm, per replicate, and the exponent (float64); a dead replicate stays 0."""
    # 126: powers of two that float32 has without loss.
    exponent = torch.frexp(length.amax(1)).exponent.clamp_(-126, 126)
    return h * torch.exp2(-exponent.to(h.dtype))[:, None, None], exponent.double()


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
