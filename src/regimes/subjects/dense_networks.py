"""Batched deep networks with explicit weights: forward norms, backpropagated norms, Euler's invariant, linear regions.

Nothing loops over networks: a layer of all replicates is one tensor (R, n_out, n_in).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from regimes.errors import SubjectError
from regimes.randomness import Randomness
from regimes.subjects.architecture import Architecture
from regimes.subjects.feed_forward import (
    Down,
    Draw,
    FeedForward,
    GradientNorms,
    Up,
    layer_ratios,
    log_square_norm,
    rescale,
)
from regimes.subjects.independent_weights import scaled
from regimes.subjects.region_counts import CountsRegions
from regimes.subjects.scratch import scratch

if TYPE_CHECKING:
    from regimes.regions.network import PiecewiseLinear

__all__ = ["DenseNetworks", "Draw", "GradientNorms", "Gradients", "layer_ratios", "log_square_norm", "rescale"]

SMALL = 32  # columns up to which a sum of products beats a matrix product with one row


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
        layers = enumerate(zip(self.down, self.up[1:], strict=True), 1)
        return torch.stack([(down.delta * up.pre).sum((1, 2)).double() * self._to_last(layer) for layer, (down, up) in layers], 1)

    @cached_property
    def magnitude(self) -> Tensor:
        """|delta^l|^T |W^l| |h^(l-1)| in the same units, shape (R, L): the scale of rounding in kappa."""
        found = []
        for layer, (down, up) in enumerate(zip(self.down, self.up, strict=False), 1):
            inner = forward_product(self.weights(layer).abs(), up.hidden.abs())
            found.append((down.delta.abs() * inner).sum((1, 2)).double() * self._to_last(layer))
        return torch.stack(found, 1)


class DenseNetworks(FeedForward, CountsRegions):
    """A batch of networks h^l = act(W^l h^(l-1) + b^l) with weights drawn by `draw`.

    Arguments:
        architecture: widths and inputs.
        replicates: number R of networks.
        randomness: keyed streams; layer l has its own.
        draw: `(layer, replicates, rows, columns, randomness) -> weights (R, rows, columns)`.
        sampler: how the weights are made, for the evidence.
        more: as of `FeedForward`.
    """

    def __init__(
        self, architecture: Architecture, replicates: int, randomness: Randomness, draw: Draw, *, sampler: str = "direct", **more: Any
    ) -> None:
        super().__init__(architecture, replicates, randomness, **more)
        self.draw, self.sampler = draw, sampler

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

    def gradients(self, error: float | str) -> Gradients:
        """Backpropagate an output error delta^L, for one input.

        Arguments:
            error: cos^2 of its angle with the last hidden layer, or a loss's name, as of `output_error`.
        """
        norms, up, down = self.backpropagate(error)
        return Gradients(**vars(norms), up=up, down=down, weights=self.weights)

    @contextmanager
    def products(self, kept: bool) -> Iterator[WholeLayers]:
        """Products with whole layers of weights; what `scaled` draws lies in memory used again."""
        widths = self.architecture.widths
        sizes = [self.replicates * rows * columns for columns, rows in pairwise(widths)]
        if not isinstance(self.draw, scaled):
            yield WholeLayers(self, None, kept)
            return
        with scratch(max(sizes[0], sum(sizes[1:])) if kept else max(sizes), self.randomness.device, self.randomness.dtype) as memory:
            yield WholeLayers(self, memory, kept)


class WholeLayers:
    """Products with the weights of all networks in one tensor a layer.

    Arguments:
        networks: the networks.
        memory: where `scaled` weights are drawn, None for other weights.
        kept: whether the pass goes down again.
    """

    def __init__(self, networks: DenseNetworks, memory: Tensor | None, kept: bool) -> None:
        self.networks, self.memory, self.kept = networks, memory, kept
        self.weights: dict[int, Tensor] = {}

    def forward(self, layer: int, hidden: Tensor) -> Tensor:
        """W^l h^(l-1), shape (R, n_l, N)."""
        weights = self._drawn(layer, self.kept and layer > 1)
        return forward_product(weights, hidden)

    def backward(self, layer: int, delta: Tensor) -> Tensor:
        """W^l^T delta^l for l = 2..L, shape (R, n_(l-1), 1)."""
        weights = self.weights[layer]
        if weights.shape[2] <= SMALL:
            return (weights * delta).sum(1)[:, :, None]
        return torch.bmm(delta.transpose(1, 2), weights).transpose(1, 2)

    def _drawn(self, layer: int, kept: bool) -> Tensor:
        draw, networks = self.networks.draw, self.networks
        if self.memory is None or not isinstance(draw, scaled):
            weights = networks.weights(layer)
        else:
            shape = (networks.replicates, networks.architecture.widths[layer], networks.architecture.widths[layer - 1])
            out = self.memory[: shape[0] * shape[1] * shape[2]]
            weights = draw.fill(out.view(shape), layer, networks.randomness)
            if kept:
                self.memory = self.memory[out.numel() :]
        if kept:
            self.weights[layer] = weights
        return weights


def forward_product(weights: Tensor, hidden: Tensor) -> Tensor:
    """W h, shape (R, n_l, N); as h^T W^T, because torch is several times slower with one column than with one row."""
    return torch.bmm(hidden.transpose(1, 2), weights.transpose(1, 2)).transpose(1, 2)
