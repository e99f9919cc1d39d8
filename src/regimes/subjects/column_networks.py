"""Networks with independent weights that are drawn only where they are seen: in columns whose input unit is not 0.

A weight times 0 is 0: in the forward pass, and in the backward pass too where a unit is ReLU, whose slope is 0 wherever it
is 0 itself. What is left out is independent of what is drawn, so norms and gradients have their exact law, whatever that of
a weight is.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import pairwise

import torch
from torch import Tensor

from regimes.case import Case
from regimes.errors import SubjectError
from regimes.randomness import Randomness
from regimes.subjects.architecture import Architecture, architecture
from regimes.subjects.feed_forward import Draw, FeedForward, GradientNorms
from regimes.subjects.independent_weights import scaled
from regimes.subjects.scratch import scratch
from regimes.subjects.subject import PRODUCT_WORK, InLaw, Subject

TILE = 1 << 16  # weights drawn and used at once: 256 KiB in float32, a quarter of a core's cache
LAYER_WORK = 8000.0  # a layer of one network: indices, generator and calls


class ColumnNetworks(FeedForward):
    """R networks h^l = relu(W^l h^(l-1) + b^l) equal in law to `DenseNetworks`, for norms and gradients.

    Arguments:
        shape: widths and inputs.
        replicates: number R of networks.
        randomness: keyed streams; layer l has its own.
        weights: the weights' law.
        biases: as of `FeedForward`.
    """

    sampler = "columns"

    def __init__(
        self, shape: Architecture, replicates: int, randomness: Randomness, weights: scaled, biases: Draw | None = None
    ) -> None:
        super().__init__(shape, replicates, randomness, biases=biases)
        self.law = weights

    def gradients(self, error: float | str) -> GradientNorms:
        """Backpropagate an output error delta^L, for one input.

        Arguments:
            error: cos^2 of its angle with the last hidden layer, or a loss's name, as of `output_error`.

        Raises:
            SubjectError: several inputs, whose forward passes see other columns than the first one's.
        """
        if self.architecture.inputs != 1:
            raise SubjectError(f"columns are drawn for gradients of one input; the case has {self.architecture.inputs}")
        return self.backpropagate(error)[0]

    @contextmanager
    def products(self, kept: bool) -> Iterator[Columns]:
        """Products with the columns that are seen, drawn a tile at a time."""
        widths, randomness = self.architecture.widths, self.randomness
        largest = sum(rows * columns for columns, rows in pairwise(self.architecture.hidden)) if kept else 0
        # Pages of columns that are not drawn are never touched.
        floats = max(self.replicates * largest, TILE, *widths)
        with scratch(floats, randomness.device, randomness.dtype) as memory:
            yield Columns(self, memory, kept)


class Columns:
    """Products with the active columns of each network's weights.

    Networks have different active columns, so there is a loop over them. At the widths where columns pay a layer of one
    network is worth thousands of calls, and its tile is multiplied before it leaves the cache.

    Arguments:
        networks: the networks.
        memory: where weights are drawn.
        kept: whether the pass goes down again.
    """

    def __init__(self, networks: ColumnNetworks, memory: Tensor, kept: bool) -> None:
        self.networks, self.memory, self.kept = networks, memory, kept
        self.drawn: defaultdict[int, list[tuple[Tensor, Tensor]]] = defaultdict(list)

    def forward(self, layer: int, hidden: Tensor) -> Tensor:
        """W^l h^(l-1), shape (R, n_l, N)."""
        networks, kept = self.networks, self.kept and layer > 1
        rows, columns = networks.architecture.widths[layer], networks.architecture.widths[layer - 1]
        seen = (hidden != 0).any(2)
        generator = networks.randomness.generator(f"columns {layer}")
        found = hidden.new_empty(networks.replicates, rows, hidden.shape[2])
        if hidden.shape[2] == 1:
            # As vectors: torch multiplies by a matrix of one column several times slower.
            hidden, products = hidden[:, :, 0], found[:, :, 0]
        else:
            products = found
        for vectors, active, out in zip(hidden, seen, products, strict=True):
            where = active.nonzero()[:, 0]
            vectors, count = vectors[where], len(where)
            step = max(1, TILE // max(1, count))
            for start in range(0, rows, step):
                stop = min(start + step, rows)
                first = start * count if kept else 0
                tile = self.memory[first : first + (stop - start) * count].view(stop - start, count)
                torch.matmul(networks.law.standard(tile, generator), vectors, out=out[start:stop])
            if kept:
                self.drawn[layer].append((where, self.memory[: rows * count].view(rows, count)))
                self.memory = self.memory[rows * count :]
        return found.mul_(networks.law.deviation(rows, columns))

    def backward(self, layer: int, delta: Tensor) -> Tensor:
        """W^l^T delta^l for l = 2..L, shape (R, n_(l-1), 1), 0 where a unit is not active."""
        rows, columns = self.networks.architecture.widths[layer], self.networks.architecture.widths[layer - 1]
        found = delta.new_zeros(len(delta), columns, 1)
        for one, (where, weights) in enumerate(self.drawn[layer]):
            found[one, :, 0].index_copy_(0, where, torch.mv(weights.T, delta[one, :, 0]))
        return found.mul_(self.networks.law.deviation(rows, columns))


def by_columns(name: str, weights: scaled, biases: Draw | None = None) -> InLaw:
    """The sampler for ReLU networks with such weights.

    Arguments:
        name: the networks' name.
        weights: the weights' law.
        biases: as of `FeedForward`.
    """

    def build(case: Case, replicates: int, randomness: Randomness) -> ColumnNetworks:
        if randomness.device.type != "cpu":
            raise SubjectError(f"columns are chosen network by network, which pays on a CPU; the device is {randomness.device}")
        return ColumnNetworks(architecture(case), replicates, randomness, weights, biases)

    subject = Subject(f"{name}, active columns", build, "weights of active units only", columns_kept, columns_work)
    return InLaw(subject, lambda case: True)


def columns_kept(case: Case) -> float:
    """Floats of a pass that goes down again: half the weights above the first layer, or the union of several inputs' halves."""
    shape = architecture(case)
    return (1 - 0.5**shape.inputs) * sum(rows * columns for columns, rows in pairwise(shape.hidden)) + 4.0 * sum(shape.widths)


def columns_work(case: Case) -> float:
    """Time in units of one weight drawn: those of seen columns, times the inputs, and every layer's calls."""
    shape = architecture(case)
    sparse = shape.direction == "sparse" and shape.cosine is None
    first = shape.widths[1] * (min(shape.inputs, shape.widths[0]) if sparse else shape.widths[0])
    return (columns_kept(case) + first) * (1 + PRODUCT_WORK * shape.inputs) + LAYER_WORK * len(shape.hidden)
