"""Products of the weights of a batch of networks with vectors; independent weights are multiplied while in the cache."""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import pairwise

import numpy as np
import torch
from torch import Tensor

from regimes.randomness import Randomness
from regimes.subjects.independent_weights import Draw, scaled, slices, tiles
from regimes.subjects.scratch import scratch

Shape = tuple[int, int, int]
# Entries of a matrix up to which NumPy multiplies it by a vector, 2 to 10 times as fast as torch. NumPy's library shares larger
# products among threads, and then their last bits depend on the number of threads.
LARGEST = 1 << 17


class WeightProducts:
    """W^l h and W^l^T delta for R networks, whose weights come a layer at a time.

    Arguments:
        draw: the weights.
        shapes: (R, n_l, n_(l-1)) for l = 1..L.
        randomness: keyed streams.
        kept: whether the pass goes down again.
    """

    def __init__(self, draw: Draw, shapes: list[Shape], randomness: Randomness, kept: bool) -> None:
        self.draw, self.shapes, self.randomness, self.kept = draw, shapes, randomness, kept
        self.weights: dict[int, Tensor] = {}

    def forward(self, layer: int, hidden: Tensor) -> Tensor:
        """W^l h^(l-1), shape (R, n_l, N)."""
        weights = self.draw(layer, *self.shapes[layer - 1], self.randomness)
        if self.kept and layer > 1:
            self.weights[layer] = weights
        return product(weights, hidden)

    def backward(self, layer: int, delta: Tensor) -> Tensor:
        """W^l^T delta^l for l = 2..L, shape (R, n_(l-1), 1)."""
        return product(self.weights[layer].mT, delta)


class IndependentProducts:
    """The same of independent weights on a CPU, drawn in tiles without their deviation, by which the products are multiplied.

    Arguments:
        law: the weights.
        shapes, randomness, kept: as of `WeightProducts`.
        memory: as many numbers as `room` says.
    """

    def __init__(self, law: scaled, shapes: list[Shape], randomness: Randomness, kept: bool, memory: np.ndarray) -> None:
        self.law, self.shapes, self.randomness, self.kept, self.memory = law, shapes, randomness, kept, memory
        self.weights: dict[int, np.ndarray] = {}

    @staticmethod
    def room(shapes: list[Shape], kept: bool) -> int:
        """Numbers in a tile of any layer, or in all layers above the first if they are kept."""
        tile = max(_entries(shape, *next(tiles(*shape))) for shape in shapes)
        return max(tile, sum(math.prod(shape) for shape in shapes[1:])) if kept else tile

    def forward(self, layer: int, hidden: Tensor) -> Tensor:
        """W^l h^(l-1), shape (R, n_l, N)."""
        shape = replicates, rows, columns = self.shapes[layer - 1]
        stream, room, keep = self.law.stream(layer, self.randomness), self.memory, self.kept and layer > 1
        vectors, out = hidden.numpy(), np.empty((replicates, rows, hidden.shape[2]), self.memory.dtype)
        for networks, units in tiles(*shape):
            tile = room[: _entries(shape, networks, units)].reshape(-1, units.stop - units.start, columns)
            self.law.standard(torch.from_numpy(tile), stream)
            out[networks, units] = _product(tile, vectors[networks])
            if keep:
                room = room[tile.size :]
        if keep:
            self.weights[layer], self.memory = self.memory[: math.prod(shape)].reshape(shape), room
        out *= self.law.deviation(rows, columns)
        return torch.from_numpy(out)

    def backward(self, layer: int, delta: Tensor) -> Tensor:
        """W^l^T delta^l for l = 2..L, shape (R, n_(l-1), 1)."""
        replicates, rows, columns = self.shapes[layer - 1]
        transposed, vectors = self.weights[layer].transpose(0, 2, 1), delta.numpy()
        out = np.zeros((replicates, columns, 1), self.memory.dtype)
        for units in slices(rows, columns):
            out += _product(transposed[:, :, units], vectors[:, units])
        out *= self.law.deviation(rows, columns)
        return torch.from_numpy(out)


def _entries(shape: Shape, networks: slice, units: slice) -> int:
    return (networks.stop - networks.start) * (units.stop - units.start) * shape[2]


@contextmanager
def weight_products(
    draw: Draw, widths: tuple[int, ...], replicates: int, randomness: Randomness, kept: bool
) -> Iterator[WeightProducts | IndependentProducts]:
    """The faster products for a draw and a device, inside.

    Arguments:
        draw: the weights.
        widths: n_0, .., n_L.
        replicates: number R of networks.
        randomness: keyed streams.
        kept: whether the pass goes down again.
    """
    shapes = [(replicates, rows, columns) for columns, rows in pairwise(widths)]
    if isinstance(draw, scaled) and randomness.device.type == "cpu":
        with scratch(IndependentProducts.room(shapes, kept), randomness.device, randomness.dtype) as memory:
            yield IndependentProducts(draw, shapes, randomness, kept, memory.numpy())
    else:
        yield WeightProducts(draw, shapes, randomness, kept)


def product(matrices: Tensor, vectors: Tensor) -> Tensor:
    """Products of a batch, (R, rows, N) from (R, rows, columns) and (R, columns, N)."""
    if vectors.device.type == "cpu":
        return torch.from_numpy(_product(matrices.numpy(), vectors.numpy()))
    return _by_rows(matrices, vectors)


def _product(matrices: np.ndarray, vectors: np.ndarray) -> np.ndarray:
    if vectors.shape[2] == 1 and matrices[0].size <= LARGEST:
        return np.matmul(matrices, vectors)
    return _by_rows(torch.from_numpy(matrices), torch.from_numpy(vectors)).numpy()


def _by_rows(matrices: Tensor, vectors: Tensor) -> Tensor:
    # Torch is several times slower with one column than with one row.
    return torch.bmm(vectors.mT, matrices.mT).mT
