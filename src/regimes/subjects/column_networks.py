"""ReLU networks with independent weights that are drawn only where they are seen: in columns whose input unit is active.

A weight times 0 is 0, on the way up and, as the slope of a unit is 0 wherever the unit is, on the way down. What is left out
is independent of what is drawn, so norms and gradients have their exact law, whatever that of a weight is.

There is a loop over networks, whose active columns differ. At the widths where columns pay a layer of one network is worth
thousands of calls; a tile of its weights is multiplied before it leaves the cache, and its vectors are NumPy's, whose calls
cost a third of torch's.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np
import torch
from torch import Tensor

from regimes.case import Case
from regimes.errors import SubjectError
from regimes.randomness import Randomness, Stream
from regimes.subjects.architecture import Architecture, architecture
from regimes.subjects.independent_weights import TILE, VECTOR, Draw, scaled, slices
from regimes.subjects.output_errors import output_error
from regimes.subjects.scratch import scratch
from regimes.subjects.signal_norms import GradientNorms, layer_ratios
from regimes.subjects.subject import PRODUCT_WORK, InLaw, Subject

LAYER_WORK = 8000.0  # a layer of one network: its calls, in units of one weight drawn


@dataclass
class Up:
    """One network's forward pass.

    Attributes:
        active: units of h^l that are not 0 at one input at least, l = 0..L.
        weights: W^l for l = 2..L without its deviation, shape (n_l, active columns), if the pass goes down again.
        last: h^L in units of 2^(the last shift), shape (n_L,) or (n_L, N).
        squares: |h^l|^2 in units of 2^(2 shift), shape (L + 1,) or (L + 1, N).
        shifts: their exponents, shape (L + 1,).
    """

    active: list[np.ndarray]
    weights: dict[int, Tensor]
    last: np.ndarray
    squares: np.ndarray
    shifts: np.ndarray


class ColumnNetworks:
    """R networks h^l = relu(W^l h^(l-1) + b^l), equal in law to `DenseNetworks` in norms and gradients.

    Arguments:
        shape: widths and inputs.
        replicates: number R of networks.
        randomness: keyed streams, on a CPU; every network has its own.
        weights: the weights' law.
        biases: `(layer, replicates, rows, columns, randomness) -> biases (R, rows)`, None for none.
    """

    sampler = "columns"

    def __init__(
        self, shape: Architecture, replicates: int, randomness: Randomness, weights: scaled, biases: Draw | None = None
    ) -> None:
        self.architecture, self.replicates, self.randomness = shape, replicates, randomness
        self.law, self.biases = weights, biases

    def log_norms(self) -> Tensor:
        """log|h^l(x_i)|^2 for l = 0..L and each input, shape (R, L + 1, N), float64; -inf where h^l = 0."""
        with self._networks(kept=False) as networks:
            logs = np.stack([_logs(up.squares, up.shifts) for up, _ in networks])
        return torch.from_numpy(logs.reshape(*logs.shape[:2], -1))

    def layer_ratios(self) -> Tensor:
        """r_l = |h^l|^2/|h^(l-1)|^2 of the first input, shape (R, L); 0 where layer l dies, NaN after that."""
        return layer_ratios(self.log_norms())

    def gradients(self, error: float | str) -> GradientNorms:
        """Backpropagate an output error delta^L, for one input.

        Arguments:
            error: cos^2 of its angle with the last hidden layer, or a loss's name, as of `output_error`.

        Raises:
            SubjectError: several inputs, whose forward passes see other columns than the first one's.
        """
        if self.architecture.inputs != 1:
            raise SubjectError(f"columns are drawn for gradients of one input; the case has {self.architecture.inputs}")
        found = []
        with self._networks(kept=True) as networks:
            for up, own in networks:
                last, shift = torch.from_numpy(up.last)[None, :, None], torch.tensor(up.shifts[-1:])
                delta = output_error(error, last, (last > 0).to(last.dtype), shift, own)[0, :, 0].numpy()
                kappa = 2 * (np.log(abs((delta * up.last).sum(dtype=np.float64))) + math.log(2) * up.shifts[-1])
                active = np.array([len(units) for units in up.active[1:]], dtype=np.float64)
                found.append((self._down(up, delta), _logs(up.squares, up.shifts), active, kappa))
        return GradientNorms(*(torch.from_numpy(np.array(part)) for part in zip(*found, strict=True)))

    @contextmanager
    def _networks(self, kept: bool) -> Iterator[Iterator[tuple[Up, Randomness]]]:
        """Every network's forward pass with its streams; the next one takes its place in memory.

        Arguments:
            kept: whether the passes go down again.
        """
        widths, shared = self.architecture.widths, self.randomness
        inputs = self.architecture.draw_inputs(self.replicates, shared).transpose(1, 2).to(shared.dtype).numpy()
        if inputs.shape[2] == 1:
            # Vectors: torch multiplies by a matrix of one column several times slower.
            inputs = inputs[:, :, 0]
        biases = [
            None if self.biases is None else self.biases(layer, self.replicates, rows, columns, shared).numpy()
            for layer, (columns, rows) in enumerate(pairwise(widths), 1)
        ]
        # Pages of columns that are not drawn are never touched.
        floats = max(sum(rows * columns for columns, rows in pairwise(widths[1:])) if kept else 0, TILE, VECTOR * max(widths))

        def networks(memory: Tensor) -> Iterator[tuple[Up, Randomness]]:
            for one, x in enumerate(inputs):
                own = replace(shared, key=f"{shared.key}|{one}")
                shifts = [None if of_layer is None else of_layer[one] for of_layer in biases]
                yield self._up(x, shifts, memory, own.stream("columns"), kept), own

        with scratch(floats, shared.device, shared.dtype) as memory, np.errstate(divide="ignore"):
            yield networks(memory)

    def _up(
        self, h: np.ndarray, biases: list[np.ndarray | None], memory: Tensor, stream: Stream, kept: bool
    ) -> Up:
        widths, shift = self.architecture.widths, 0
        active, weights, squares, shifts = [], {}, [_square(h)], [0.0]
        for layer, (columns, rows) in enumerate(pairwise(widths), 1):
            where = _active(h)
            active.append(where)
            vectors, count, keep = h[where], len(where), kept and layer > 1
            h = np.empty((rows, *h.shape[1:]), h.dtype)
            for units in slices(rows, count):
                first = units.start * count if keep else 0
                entries = (units.stop - units.start) * count
                tile = memory[first : first + entries].view(units.stop - units.start, count)
                _multiply(self.law.standard(tile, stream), vectors, h[units])
            if keep:
                weights[layer], memory = memory[: rows * count].view(rows, count), memory[rows * count :]
            h *= self.law.deviation(rows, columns)
            bias = biases[layer - 1]
            if bias is not None:
                h += bias if h.ndim == 1 else bias[:, None]
            np.maximum(h, 0, out=h)
            square = _square(h)
            squares.append(square)
            shifts.append(float(shift))
            if bias is None:
                shift += _to_unit(h, float(square if h.ndim == 1 else square.max()))
        active.append(_active(h))
        # The last layer's square is in the units of its last vector, as the squares before it are in theirs.
        squares[-1], shifts[-1] = _square(h), float(shift)
        return Up(active, weights, h, np.array(squares), np.array(shifts))

    def _down(self, up: Up, delta: np.ndarray) -> np.ndarray:
        """log|delta^l|^2, shape (L,)."""
        widths, shift = self.architecture.widths, 0
        squares, shifts = [_square(delta)], [0.0]
        for layer in range(len(widths) - 1, 1, -1):
            # Units that are not active send nothing down, and their columns have not been drawn.
            weights = up.weights[layer].numpy()
            active = np.zeros(weights.shape[1], weights.dtype)
            for units in slices(*weights.shape):
                active += np.matmul(delta[units], weights[units])
            active *= self.law.deviation(widths[layer], widths[layer - 1])
            squares.append(_square(active))
            shifts.append(float(shift))
            shift += _to_unit(active, float(squares[-1]))
            delta = np.zeros(widths[layer - 1], active.dtype)
            delta[up.active[layer - 1]] = active
        return _logs(np.array(squares), np.array(shifts))[::-1]


def _multiply(matrix: Tensor, vectors: np.ndarray, out: np.ndarray) -> None:
    """A tile of weights times a vector, or times the columns of a matrix."""
    if vectors.ndim == 1:
        np.matmul(matrix.numpy(), vectors, out=out)
    else:
        # NumPy's library shares this among threads, and then the last bits depend on their number.
        torch.matmul(matrix, torch.from_numpy(vectors), out=torch.from_numpy(out))


def _active(h: np.ndarray) -> np.ndarray:
    """Units that are not 0 at one input at least."""
    return np.flatnonzero(h if h.ndim == 1 else h.any(1))


def _square(h: np.ndarray) -> np.ndarray:
    """|h|^2 over units in float64."""
    wide = h.astype(np.float64)
    return (wide * wide).sum(0)


def _to_unit(h: np.ndarray, square: float) -> int:
    """Divides a vector by the power of two near its norm, in place, and returns the exponent; 126 at most, as float32 has."""
    exponent = max(-126, min(126, math.frexp(square)[1] // 2))
    h *= 2.0**-exponent
    return exponent


def _logs(squares: np.ndarray, shifts: np.ndarray) -> np.ndarray:
    """Logarithms of squares in units of 2^(2 shift)."""
    return np.log(squares) + 2 * math.log(2) * (shifts if squares.ndim == 1 else shifts[:, None])


def by_columns(name: str, weights: scaled, biases: Draw | None = None) -> InLaw:
    """The sampler for ReLU networks with such weights.

    Arguments:
        name: the networks' name.
        weights: the weights' law.
        biases: as of `ColumnNetworks`.
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
