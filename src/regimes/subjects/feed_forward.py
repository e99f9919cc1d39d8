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

    def forward(self, layer: int, hidden: Tensor, pre: Tensor | None) -> Tensor:
        """W^l h^(l-1), shape (R, n_l, N), from h^(l-1) and the pre-activations that it comes from, None for the inputs."""
        ...

    def backward(self, layer: int, delta: Tensor) -> Tensor:
        """W^l^T delta^l, shape (R, n_(l-1), 1); right where the slope of layer l - 1 is not 0."""
        ...


@dataclass(frozen=True)
class Up:
    """A layer of a forward pass: h^l 2^-shift and a^l 2^-(shift below), which it comes from."""

    hidden: Tensor
    pre: Tensor | None
    shift: Tensor


@dataclass(frozen=True)
class Down:
    """A layer of a backward pass: delta^l 2^-shift."""

    delta: Tensor
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
        below = Up(inputs, None, torch.zeros(self.replicates, dtype=torch.float64, device=inputs.device))
        yield below
        widths = self.architecture.widths
        for layer in range(1, len(widths)):
            a = products.forward(layer, below.hidden, below.pre)
            if self.biases is not None:
                a = a + self.biases(layer, self.replicates, widths[layer], widths[layer - 1], self.randomness)[:, :, None]
            h, shift = self.activation(a), below.shift
            if rescaled:
                h, exponent = rescale(h)
                shift = shift + exponent
            below = Up(h, a, shift)
            yield below

    def log_norms(self) -> Tensor:
        """log|h^l(x_i)|^2 for l = 0..L and each input, shape (R, L + 1, N), float64; -inf where h^l = 0."""
        with self.products(kept=False) as products:
            up = ((log_square_norm(one.hidden), one.shift) for one in self._up(products, self.inputs(), self.homogeneous))
            norms, shifts = (torch.stack(parts, 1) for parts in zip(*up, strict=True))
        return norms + 2 * math.log(2) * shifts[:, :, None]

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
            down = [Down(delta, torch.zeros_like(last.shift))]
            for layer in range(len(slopes), 1, -1):
                delta, exponent = rescale(slopes[layer - 2] * products.backward(layer, delta))
                down.append(Down(delta, down[-1].shift + exponent))
        down.reverse()
        log_hidden, log_delta = (
            torch.cat([log_square_norm(vector) for vector in vectors], 1)
            + 2 * math.log(2) * torch.stack([one.shift for one in passed], 1)
            for vectors, passed in (([one.hidden for one in up], up), ([one.delta for one in down], down))
        )
        log_kappa = 2 * (down[-1].delta * last.hidden).double().sum((1, 2)).abs().log() + 2 * math.log(2) * last.shift
        active = torch.stack([(one.hidden > 0).sum((1, 2)) for one in up[1:]], 1).double()
        return GradientNorms(log_delta, log_hidden, active, log_kappa), up, down


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
