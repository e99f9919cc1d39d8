"""Batched deep networks with explicit weights: forward norms, backpropagated norms, Euler's invariant, linear regions.

Nothing loops over networks: a layer of all replicates is one tensor (R, n_out, n_in). Activations of positively homogeneous
networks are rescaled by powers of two, which is exact, so that no depth under- or overflows.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from regimes.errors import SubjectError
from regimes.randomness import Randomness
from regimes.subjects.activations import relu, relu_derivative
from regimes.subjects.architecture import Architecture
from regimes.subjects.independent_weights import Draw
from regimes.subjects.output_errors import output_error
from regimes.subjects.region_counts import CountsRegions
from regimes.subjects.sample_moments import SampleMoments, moments
from regimes.subjects.signal_norms import GradientNorms, in_units_of, layer_ratios, log_squares, norm
from regimes.subjects.weight_products import IndependentProducts, WeightProducts, product, weight_products

if TYPE_CHECKING:
    from regimes.regions.network import PiecewiseLinear


@dataclass(frozen=True)
class Up:
    """A layer of a forward pass.

    Attributes:
        hidden: h^l in units of 2^shift, shape (R, n_l, N).
        pre: a^l in units of 2^shift of the layer below; of the inputs, themselves.
        norm: |h^l| in the latter units, float64 of shape (R, N).
        shift: float64 of shape (R,).
    """

    hidden: Tensor
    pre: Tensor
    norm: Tensor
    shift: Tensor


@dataclass(frozen=True)
class Down:
    """A layer of a backward pass: delta^l in units of 2^shift, shape (R, n_l, 1), and |delta^l| in those of the layer above."""

    delta: Tensor
    norm: Tensor
    shift: Tensor


@dataclass(frozen=True)
class Gradients(GradientNorms):
    """Backpropagation of one input through every network of a batch, with Euler's invariant, computed when it is asked for.

    Attributes:
        up: h^0, .., h^L.
        down: delta^1, .., delta^L.
        weights: `layer -> W^l`.
    """

    up: list[Up]
    down: list[Down]
    weights: Callable[[int], Tensor]

    def _to_last(self, layer: int) -> Tensor:
        """The power of two that brings products of delta^l and h^(l-1) to the units of the last layer, shape (R,)."""
        return torch.exp2(self.down[layer - 1].shift + self.up[layer - 1].shift - self.up[-1].shift)

    @cached_property
    def kappa(self) -> Tensor:
        """<a^l, delta^l> in units common to all layers of a network, shape (R, L)."""
        found = []
        for layer, (down, up) in enumerate(zip(self.down, self.up[1:], strict=True), 1):
            found.append((down.delta * up.pre).sum((1, 2)).double() * self._to_last(layer))
        return torch.stack(found, 1)

    @cached_property
    def magnitude(self) -> Tensor:
        """|delta^l|^T |W^l| |h^(l-1)| in the same units, shape (R, L): the scale of rounding in kappa."""
        found = []
        for layer, (down, up) in enumerate(zip(self.down, self.up, strict=False), 1):
            inner = product(self.weights(layer).abs(), up.hidden.abs())
            found.append((down.delta.abs() * inner).sum((1, 2)).double() * self._to_last(layer))
        return torch.stack(found, 1)


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

    def _up(self, products: WeightProducts | IndependentProducts, inputs: Tensor, rescaled: bool) -> Iterator[Up]:
        """Layers 0..L."""
        zero = torch.zeros(self.replicates, dtype=torch.float64, device=inputs.device)
        below = Up(inputs, inputs, norm(inputs), zero)
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

    def _slope(self, layer: Up) -> Tensor:
        """act'(a^l), from a pair in the same units."""
        return self.derivative(layer.pre, self.activation(layer.pre))

    def log_norms(self) -> Tensor:
        """log|h^l(x_i)|^2 for l = 0..L and each input, shape (R, L + 1, N), float64; -inf where h^l = 0."""
        with self._products(kept=False) as products:
            up = [(one.norm, one.shift) for one in self._up(products, self.inputs(), self.homogeneous)]
        return log_squares([length for length, _ in up], [shift for _, shift in up])

    def sample_moments(self) -> SampleMoments:
        """sigma^2, m^2 and v^2 of the next layer's pre-activations over the inputs, given layer l = 0..L."""
        with self._products(kept=False) as products:
            found = [moments(one.hidden) for one in self._up(products, self.inputs(), rescaled=False)]
        return SampleMoments(*(torch.stack(parts, 1) for parts in zip(*found, strict=True)))

    def layer_ratios(self) -> Tensor:
        """r_l = |h^l|^2/|h^(l-1)|^2 of the first input, shape (R, L); 0 where layer l dies, NaN after that."""
        return layer_ratios(self.log_norms())

    def gradients(self, error: float | str) -> Gradients:
        """Backpropagate an output error delta^L, for one input.

        Arguments:
            error: cos^2 of its angle with the last hidden layer, or a loss's name, as of `output_error`.
        """
        with self._products(kept=True) as products:
            up = list(self._up(products, self.inputs()[:, :, :1], self.homogeneous))
            last = up[-1]
            delta = output_error(error, last.hidden, self._slope(last), last.shift, self.randomness)
            down = [Down(delta, norm(delta), torch.zeros_like(last.shift))]
            for layer in range(len(up) - 1, 1, -1):
                delta = self._slope(up[layer - 1]) * products.backward(layer, down[-1].delta)
                length = norm(delta)
                delta, exponent = in_units_of(length, delta)
                down.append(Down(delta, length, down[-1].shift + exponent))
        log_delta = log_squares([one.norm for one in down], [one.shift for one in down]).flip(1)[:, :, 0]
        log_hidden = log_squares([one.norm for one in up], [one.shift for one in up])[:, :, 0]
        down.reverse()
        log_kappa = 2 * (down[-1].delta * last.hidden).double().sum((1, 2)).abs().log() + 2 * math.log(2) * last.shift
        active = torch.stack([(one.hidden > 0).sum((1, 2)) for one in up[1:]], 1).double()
        return Gradients(log_delta, log_hidden, active, log_kappa, up, down, self.weights)

    def _products(self, kept: bool) -> AbstractContextManager[WeightProducts | IndependentProducts]:
        return weight_products(self.draw, self.architecture.widths, self.replicates, self.randomness, kept)
