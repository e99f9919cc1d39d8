"""Piecewise linear networks given by explicit weights, in batches, and their restrictions to lines and planes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
from torch import Tensor

from regimes.errors import RegimesError


class RegionsError(RegimesError, ValueError):
    """A network, a domain or a size that the counters refuse."""


@dataclass(frozen=True)
class Relu:
    """x -> max(x, 0)."""


@dataclass(frozen=True)
class Leaky:
    """x -> max(x, 0) + slope * min(x, 0); slope -1 is the absolute value."""

    slope: float


@dataclass(frozen=True)
class Maxout:
    """The maximum of `rank` affine functions; unit i owns the rows i*rank .. i*rank + rank - 1 of its layer."""

    rank: int


Activation = Relu | Leaky | Maxout
RELU = Relu()


def rows_per_unit(activation: Activation) -> int:
    """Affine functions that one unit owns: the rank of maxout, else 1."""
    return activation.rank if isinstance(activation, Maxout) else 1


@dataclass(frozen=True)
class PiecewiseLinear:
    """R networks x -> readout . h_L with h_l = activation(W_l h_{l-1} + b_l), in float64.

    Arguments:
        weights: tensors (R, n_l, n_{l-1}); for maxout of rank k, (R, n_l k, n_{l-1}).
        biases: tensors (R, n_l); for maxout (R, n_l k).
        activation: of all hidden layers.
        readout: (R, m, n_L), or None to take the last hidden layer as the output.

    Raises:
        RegionsError: shapes that do not fit, a layer of width zero, an entry that is not finite, no hidden layer.
    """

    weights: tuple[Tensor, ...]
    biases: tuple[Tensor, ...]
    activation: Activation = RELU
    readout: Tensor | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "weights", tuple(w.detach().double().cpu() for w in self.weights))
        object.__setattr__(self, "biases", tuple(b.detach().double().cpu() for b in self.biases))
        if self.readout is not None:
            object.__setattr__(self, "readout", self.readout.detach().double().cpu())
        _check_activation(self.activation)
        _check_shapes(self)
        _check_finite(self)

    @classmethod
    def from_layers(
        cls, weights: Sequence[Any], biases: Sequence[Any], activation: Activation = RELU, readout: Any = None
    ) -> PiecewiseLinear:
        """One network (R = 1) from nested sequences of int, Fraction or float: W_l is n_l x n_{l-1}, b_l has n_l entries."""
        return cls(
            tuple(_tensor(w, 2, "weights") for w in weights),
            tuple(_tensor(b, 1, "biases") for b in biases),
            activation,
            None if readout is None else _tensor(readout, 2, "readout"),
        )

    @property
    def replicates(self) -> int:
        """R, the number of networks."""
        return self.weights[0].shape[0]

    @property
    def inputs(self) -> int:
        """n0, the dimension of the input."""
        return self.weights[0].shape[2]

    @property
    def widths(self) -> tuple[int, ...]:
        """Units of the hidden layers, n_1 .. n_L."""
        return tuple(w.shape[1] // rows_per_unit(self.activation) for w in self.weights)

    def select(self, networks: slice) -> PiecewiseLinear:
        """Some networks of the batch."""
        readout = None if self.readout is None else self.readout[networks]
        weights, biases = (tuple(x[networks] for x in part) for part in (self.weights, self.biases))
        return replace(self, weights=weights, biases=biases, readout=readout)

    def restricted_to_line(self, origin: Tensor, direction: Tensor) -> PiecewiseLinear:
        """The networks t -> f(origin + t direction) of one input; both arguments are (n0,) or (R, n0).

        The composed first layer is rounded to float64 once, and those rounded networks are what is counted.
        """
        return self._restricted(origin, direction[..., None], "direction")

    def restricted_to_plane(self, origin: Tensor, basis: Tensor) -> PiecewiseLinear:
        """The networks (s, t) -> f(origin + basis (s, t)) of two inputs; origin (n0,) or (R, n0), basis (..., n0, 2)."""
        if basis.shape[-1] != 2:
            raise RegionsError(f"a plane has two basis vectors as columns (n0, 2); got a basis of shape {tuple(basis.shape)}")
        return self._restricted(origin, basis, "basis")

    def _restricted(self, origin: Tensor, columns: Tensor, name: str) -> PiecewiseLinear:
        origin, columns = origin.detach().double().cpu(), columns.detach().double().cpu()
        if origin.shape[-1] != self.inputs or columns.shape[-2] != self.inputs:
            raise RegionsError(
                f"origin and {name} must have the {self.inputs} coordinates of the input; "
                f"got {origin.shape[-1]} and {columns.shape[-2]}"
            )
        origin = origin.expand(self.replicates, -1)
        columns = columns.expand(self.replicates, -1, -1)
        if bool((torch.linalg.matrix_rank(columns) < columns.shape[2]).any()):
            raise RegionsError(f"{name} is degenerate (zero or dependent columns); give independent non-zero vectors")
        first = self.weights[0]
        bias = self.biases[0] + torch.bmm(first, origin[:, :, None])[:, :, 0]
        return replace(self, weights=(torch.bmm(first, columns), *self.weights[1:]), biases=(bias, *self.biases[1:]))

    def layers(self) -> list[np.ndarray]:
        """[W_l, b_l] of each layer as arrays (R, rows, n_{l-1} + 1), the bias in the last column, rescaled unit by unit.

        Every unit is multiplied by a power of two that brings its largest entry between 1/2 and 1, and the column that reads it
        is divided by the same: no rounding, the same zero sets, and one tolerance fits all units of a layer.
        """
        return [layer[:, :-1] for layer in self.homogeneous_layers()]

    def homogeneous_layers(self, networks: slice = slice(None)) -> list[np.ndarray]:
        """The `layers()` of some networks with a last row (0 .. 0 1), to act on points (h, 1) and directions (h, 0)."""
        return self._balanced(networks)[0]

    def output_matrix(self) -> np.ndarray:
        """The read-out (R, m, n_L) that goes with `layers()`; the inverse rescaling if there is no read-out."""
        last, widths = self._balanced()[1], self.widths
        if self.readout is None:
            return last[:, None, :] * np.eye(widths[-1])
        return self.readout.numpy() * last[:, None, :]

    def _balanced(self, networks: slice = slice(None)) -> tuple[list[np.ndarray], np.ndarray]:
        rank, result = rows_per_unit(self.activation), []
        undo = np.ones((1, self.inputs))
        for w, b in zip((w[networks] for w in self.weights), (b[networks] for b in self.biases), strict=True):
            # torch along short rows: a fifth of NumPy's time.
            weights = w * torch.from_numpy(undo)[:, None]
            size = torch.maximum(torch.maximum(weights.amax(2), -weights.amin(2)), b.abs())
            size = size.reshape(w.shape[0], -1, rank).amax(2).numpy()
            exponent = np.where(size > 0, np.frexp(size)[1], 0)
            scale = torch.from_numpy(np.ldexp(1.0, np.repeat(-exponent, rank, axis=1)))
            weights *= scale[:, :, None]
            # Transposed in memory, as a product with rows of points is a quarter faster then.
            matrix = np.empty((w.shape[0], w.shape[2] + 1, w.shape[1] + 1)).swapaxes(1, 2)
            matrix[:, :-1, :-1], matrix[:, :-1, -1] = weights.numpy(), (b * scale).numpy()
            matrix[:, -1] = np.eye(1, matrix.shape[2], matrix.shape[2] - 1)
            result.append(matrix)
            undo = np.ldexp(1.0, exponent)
        return result, undo


def require_inputs(network: PiecewiseLinear, least: int, most: int, counter: str, mend: str) -> None:
    """Refuse a network whose input dimension a counter cannot take.

    Raises:
        RegionsError: names the dimension, the limit and the mend.
    """
    if not least <= network.inputs <= most:
        limit = f"{most}" if least == most else f"{least} to {most}"
        raise RegionsError(f"{counter} counts networks of {limit} inputs and this one has {network.inputs}; {mend}")


def require_memory(bytes_needed: float, limit: float, what: str) -> None:
    """Refuse a step whose arrays would exceed the limit in bytes.

    Raises:
        RegionsError: names the estimate, the limit and the mend.
    """
    if bytes_needed > limit:
        raise RegionsError(
            f"{what} needs about {bytes_needed / 1e9:.2g} GB and the limit is {limit / 1e9:.2g} GB; "
            "raise memory_limit, take fewer or narrower networks, or a smaller domain"
        )


def _tensor(values: Any, dimensions: int, name: str) -> Tensor:
    try:
        array = np.asarray(values, dtype=object).astype(np.float64)
    except (TypeError, ValueError) as error:
        raise RegionsError(f"{name} must be a rectangular nest of numbers; got {values!r:.80}") from error
    if array.ndim != dimensions:
        raise RegionsError(f"{name} of one network have {dimensions} dimensions per layer; got {array.ndim}")
    return torch.from_numpy(array)[None]


def _check_activation(activation: Activation) -> None:
    if isinstance(activation, Maxout) and activation.rank < 2:
        raise RegionsError(f"maxout of rank {activation.rank} has no kinks; give a rank of at least 2")
    if isinstance(activation, Leaky) and not np.isfinite(float(activation.slope)):
        raise RegionsError(f"the slope of a leaky ReLU must be finite; got {activation.slope}")


def _check_shapes(network: PiecewiseLinear) -> None:
    weights, biases, rank = network.weights, network.biases, rows_per_unit(network.activation)
    if not weights or len(weights) != len(biases):
        raise RegionsError(
            f"one bias per hidden layer and at least one layer; got {len(weights)} weights, {len(biases)} biases"
        )
    if any(w.ndim != 3 for w in weights):
        raise RegionsError(f"weights are (R, rows, columns); got shapes {[tuple(w.shape) for w in weights]}")
    replicates, columns = weights[0].shape[0], weights[0].shape[2]
    for layer, (w, b) in enumerate(zip(weights, biases, strict=True), 1):
        if 0 in w.shape:
            raise RegionsError(f"layer {layer} has weights of shape {tuple(w.shape)}; every width must be at least 1")
        if w.shape[1] % rank:
            raise RegionsError(f"layer {layer} has {w.shape[1]} rows, not a multiple of the maxout rank {rank}")
        if w.shape[0] != replicates or w.shape[2] != columns or b.shape != w.shape[:2]:
            raise RegionsError(
                f"layer {layer} must have weights ({replicates}, rows, {columns}) and biases ({replicates}, rows); "
                f"got {tuple(w.shape)} and {tuple(b.shape)}"
            )
        columns = w.shape[1] // rank
    readout = network.readout
    if readout is not None and (readout.ndim != 3 or (readout.shape[0], readout.shape[2]) != (replicates, columns)):
        raise RegionsError(f"the read-out must be ({replicates}, m, {columns}); got {tuple(readout.shape)}")


def _check_finite(network: PiecewiseLinear) -> None:
    named = [(f"weights of layer {i}", w) for i, w in enumerate(network.weights, 1)]
    named += [(f"biases of layer {i}", b) for i, b in enumerate(network.biases, 1)]
    named += [] if network.readout is None else [("the read-out", network.readout)]
    for name, tensor in named:
        if not bool(torch.isfinite(tensor).all()):
            raise RegionsError(f"{name} contain NaN or infinity; counts need finite numbers")
