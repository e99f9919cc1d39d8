"""Activation pattern and affine map of each cell, from one point inside it, for a whole batch at once."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from regimes.regions.network import Activation, Leaky, Maxout, PiecewiseLinear
from regimes.regions.rounding import UNIT, layer_variance, tolerance


@dataclass(frozen=True)
class CellMaps:
    """For R networks and C cells: pattern hashes (R, C, 2), maps (R, C, m, n0 + 1) and their tolerance (R, C).

    A map is the gradient of each output and, last, its value at the origin, hence f(x) = maps[..., :-1] x + maps[..., -1].
    """

    keys: np.ndarray
    maps: np.ndarray
    within: np.ndarray

    @property
    def flat(self) -> np.ndarray:
        """The maps as vectors (R, C, m (n0 + 1))."""
        return self.maps.reshape(*self.maps.shape[:2], -1)

    def differ(self, one: np.ndarray, two: np.ndarray) -> np.ndarray:
        """Whether the gradients of neighbouring cells `one` and `two` differ, (R, len(one)); continuity does the rest."""
        jump = np.abs(self.maps[:, one, :, :-1] - self.maps[:, two, :, :-1]).max((2, 3))
        return jump > self.within[:, one] + self.within[:, two]


def cell_maps(network: PiecewiseLinear, inner: np.ndarray) -> CellMaps:
    """Evaluate each cell at an inner point, whose gates the gradient and the constant then follow.

    Arguments:
        network: R networks of n0 inputs.
        inner: (R, C, n0), a point in the interior of each cell.
    """
    replicates, cells, inputs = inner.shape
    kinds = inputs + 2  # the inner point, the n0 directions (without bias), the origin
    finite = np.ones(kinds)
    finite[1:-1] = 0
    rows = np.zeros((replicates, kinds, cells, inputs))
    rows[:, 0] = inner
    rows[:, 1:-1] = np.eye(inputs)[None, :, None]
    variance, keys = np.zeros((replicates, kinds * cells)), np.zeros((replicates, cells, 2))
    random = np.random.default_rng(0)
    for layer in network.layers():
        norms = np.linalg.norm(rows, axis=3).reshape(replicates, -1)
        variance = layer_variance(variance, norms, np.repeat(finite, cells)[None], layer)
        values = rows.reshape(replicates, kinds * cells, -1) @ layer[:, :, :-1].swapaxes(1, 2)
        values = values.reshape(replicates, kinds, cells, -1) + finite[:, None, None] * layer[:, None, None, :, -1]
        rows, state = _gate(values, tolerance(variance[:, :cells]), network.activation)
        # Integers: sums of up to 2^15 of them, reduced below 2^50, are exact in float64.
        keys = np.fmod(keys + state @ random.integers(1, 1 << 36, (state.shape[2], 2)).astype(float), 2.0**50)
    matrix = network.output_matrix()
    rows = rows @ matrix[:, None].swapaxes(2, 3)
    size = np.linalg.norm(matrix, axis=2).max(1)[:, None, None]
    error = variance.reshape(replicates, kinds, cells) * size**2 * matrix.shape[2]
    error = error + matrix.shape[2] * (UNIT * np.abs(rows).max(3)) ** 2
    maps = np.moveaxis(rows[:, 1:], 1, 3)
    return CellMaps(keys, maps, tolerance(error[:, 1:].max(1)))


def _gate(values: np.ndarray, within: np.ndarray, activation: Activation) -> tuple[np.ndarray, np.ndarray]:
    """Apply the gates of the first of the rows (R, kinds, C, rows) to all; return them and the state (R, C, n).

    A unit zero within rounding (R, C) is off, and of arguments equal within rounding the first wins: inside a cell that is
    the case of a unit that vanishes on the whole cell.
    """
    if isinstance(activation, Maxout):
        units = values.reshape(*values.shape[:3], -1, activation.rank)
        top = units[:, 0] >= units[:, 0].max(3, keepdims=True) - 2 * within[..., None, None]
        winner = top.argmax(3)
        chosen = np.take_along_axis(units, np.broadcast_to(winner[:, None, ..., None], (*units.shape[:4], 1)), 4)[..., 0]
        return chosen, winner.astype(float)
    on = values[:, 0] > within[..., None]
    slope = float(activation.slope) if isinstance(activation, Leaky) else 0.0
    return values * np.where(on, 1.0, slope)[:, None], on.astype(float)
