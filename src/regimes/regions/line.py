"""Breakpoints of piecewise linear networks on a line, for a whole batch at once.

Each network is a sorted row of points, the two ends of the line among them as points at infinity: a point is homogeneous
(position, finite), with finite = 0 at infinity, and its row of pre-activations there is a slope. All layers then act on all
points alike, every sign change between neighbours is a new point, and the outer rays are exact. Cost per layer: one matrix
product over the points found so far, and a sort.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import torch

from regimes.regions.cell_maps import CellMaps, cell_maps
from regimes.regions.maps import count_distinct
from regimes.regions.network import (
    Activation,
    PiecewiseLinear,
    RegionsError,
    require_inputs,
    require_memory,
    rows_per_unit,
)
from regimes.regions.points import Crossings, Points, activate, merge
from regimes.regions.rounding import UNIT, interpolated_variance, layer_variance, tolerance

ANCHOR = 0.7390851332151607  # the artificial finite point of a whole line; no unit of a generic or rational net vanishes there
CHUNK = 1 << 20  # pre-activations of one layer in one batch, over which the steps per point have little overhead
BLOCK = 1 << 17  # pre-activations that go through a layer together, so that they stay in the cache


@dataclass(frozen=True)
class LineRegions:
    """The pieces of R networks on a line or on an interval.

    `breakpoints` is (R, K), sorted, padded with NaN; `per_layer` is (R, L), the breakpoints that each layer adds; `ties` is
    (R,), the coincidences within rounding (two cuts, a cut at an end of the interval, a unit zero on a piece).
    """

    network: PiecewiseLinear
    interval: tuple[float, float] | None
    breakpoints: np.ndarray
    per_layer: np.ndarray
    ties: np.ndarray

    @property
    def cells(self) -> np.ndarray:
        """(R,), one more than the breakpoints."""
        return 1 + self.per_layer.sum(1)

    @property
    def patterns(self) -> np.ndarray:
        """(R,), distinct activation patterns, by hash (a collision has probability below 2^-40)."""
        return self._map_counts[0]

    @property
    def linear_pieces(self) -> np.ndarray:
        """(R,), one more than the breakpoints where the slope of the output changes."""
        return self._map_counts[1]

    @property
    def distinct_maps(self) -> np.ndarray:
        """(R,), different pairs (slope, intercept) of the output."""
        return self._map_counts[2]

    def maps(self, networks: slice = slice(None)) -> CellMaps:
        """Patterns and affine maps of the cells of some networks, from left to right; the padding repeats the last."""
        return cell_maps(self.network.select(networks), self._inner()[networks, :, None])

    @cached_property
    def _map_counts(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        cells = self.breakpoints.shape[1] + 1
        size = max(1, CHUNK // (max(self.network.widths) * 3 * cells))
        valid = np.arange(cells)[None] < self.cells[:, None]
        counts = []
        for k in range(0, len(valid), size):
            part, real = self.maps(slice(k, k + size)), valid[k : k + size]
            changes = part.differ(np.arange(cells - 1), np.arange(1, cells)) & real[:, 1:]
            patterns = count_distinct(part.keys, np.zeros(real.shape), real)
            counts.append((patterns, 1 + changes.sum(1), count_distinct(part.flat, part.within, real)))
        patterns, pieces, maps = (np.concatenate(x) for x in zip(*counts, strict=True))
        return patterns, pieces, maps

    def _inner(self) -> np.ndarray:
        """A point inside each cell, (R, K + 1); the padding repeats the last."""
        real, count = ~np.isnan(self.breakpoints), self.cells - 1
        if self.interval is None:
            last = np.take_along_axis(self.breakpoints, np.maximum(count - 1, 0)[:, None], 1)[:, 0]
            first, last = (np.where(count > 0, end, 0.0) for end in (self.breakpoints[:, 0], last))
            # A ray may be left at any distance; one of its own scale keeps the values readable.
            low, high = first - 2 * (1 + np.abs(first)), last + 2 * (1 + np.abs(last))
        else:
            low, high = (np.full(len(count), float(end)) for end in self.interval)
        ends = np.concatenate([low[:, None], np.where(real, self.breakpoints, high[:, None]), high[:, None]], 1)
        column = np.minimum(np.arange(ends.shape[1] - 1)[None], count[:, None])
        return np.take_along_axis((ends[:, :-1] + ends[:, 1:]) / 2, column, 1)


def line_regions(
    network: PiecewiseLinear, interval: tuple[float, float] | None = None, memory_limit: float = 2e9
) -> LineRegions:
    """Find all breakpoints of R networks of one input on R, or on the open interval (a, b).

    Arguments:
        network: of one input; `restricted_to_line` makes one from any other.
        interval: (a, b) with a < b in units of the input, or None for the whole line.
        memory_limit: bytes that the arrays of one network may take (default 2 GB), estimated before each layer.

    Raises:
        RegionsError: more than one input, an empty or infinite interval, or too much memory.
    """
    require_inputs(network, 1, 1, "line_regions", "restrict it with restricted_to_line")
    if interval is not None and not (np.isfinite(interval).all() and interval[0] < interval[1]):
        raise RegionsError(f"an interval is (a, b) with finite a < b; got {interval}; None is the whole line")
    widest = max(weights.shape[1] for weights in network.weights)
    size = max(1, CHUNK // (widest * (1 + sum(network.widths[:-1]))))
    found = [
        _sweep(network.homogeneous_layers(slice(k, k + size)), network.activation, interval, memory_limit)
        for k in range(0, network.replicates, size)
    ]
    longest = max(points.shape[1] for points, _, _ in found)
    padded = [np.pad(p, ((0, 0), (0, longest - p.shape[1])), constant_values=np.nan) for p, _, _ in found]
    per_layer, ties = np.concatenate([x[1] for x in found]), np.concatenate([x[2] for x in found])
    return LineRegions(network, interval, np.concatenate(padded), per_layer, ties)


def _sweep(
    layers: list[np.ndarray], activation: Activation, interval: tuple[float, float] | None, memory_limit: float
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Breakpoints (R, K), breakpoints per layer (R, L) and ties (R,)."""
    points, ties = _ends(layers[0].shape[0], interval), np.zeros(layers[0].shape[0], int)
    for index, layer in enumerate(layers):
        replicates, count = points.place.shape
        require_memory(32.0 * replicates * layer.shape[1] * count, memory_limit, f"layer {index + 1} on {count} points")
        points = _cut(points, layer, activation, index, ties, index == len(layers) - 1)
    real = points.owner >= 0
    # Stable sort of the flags brings the breakpoints to the front in their order.
    order = np.argsort(~real, axis=1, kind="stable")[:, : max(1, int(real.sum(1).max()))]
    found = np.take_along_axis(np.where(real, points.place, np.nan), order, 1)
    per_layer = np.stack([(points.owner == index).sum(1) for index in range(len(layers))], 1)
    return found, per_layer, ties


def _ends(replicates: int, interval: tuple[float, float] | None) -> Points:
    """The artificial points before the first layer, whose pre-activations are the inputs."""
    if interval is None:
        start = np.array([[-1.0, 0.0], [ANCHOR, 1.0], [1.0, 0.0]])
    else:
        start = np.array([[interval[0], 1.0], [interval[1], 1.0]])
    rows = np.broadcast_to(start, (replicates, *start.shape)).copy()
    blank, left = np.zeros(rows.shape[:2]), np.arange(replicates * len(start)).reshape(replicates, -1)
    none, place, finite = np.empty(0, int), rows[:, :, 0].copy(), rows[:, :, 1].copy()
    nowhere = Crossings(none, none, none, none, none, none, none, none, none)
    return Points(finite, place, np.full(left.shape, -1), blank, blank, rows.reshape(-1, 2), left, none, nowhere)


def _cut(points: Points, layer: np.ndarray, activation: Activation, index: int, ties: np.ndarray, last: bool) -> Points:
    """Insert the breakpoints of one layer; pre-activations that no later step reads are not kept."""
    rank, (replicates, count) = rows_per_unit(activation), points.place.shape
    kept = not last or rank > 1
    table, variance = np.empty((replicates, count if kept else 0, layer.shape[1])), np.empty((replicates, count))
    found = []
    size = max(1, BLOCK // (count * layer.shape[1]))
    for start in range(0, replicates, size):
        some = slice(start, min(start + size, replicates))
        rows = points.rows(some, rank > 1)
        if index:
            rows = activate(rows, activation)
        norms = torch.linalg.vector_norm(torch.from_numpy(rows)[:, :, :-1], dim=2).numpy()
        variance[some] = layer_variance(points.variance[some], norms, points.finite[some], layer[some, :-1])
        rows = np.matmul(rows, layer[some].swapaxes(1, 2), out=table[some] if kept else None)
        # The last column is 0 or 1, so that it never changes sign, and whole rows are compared faster than their parts.
        switches = rows if rank == 1 else _differences(rows, rank)
        within = tolerance(variance[some])
        above, below, zeros = _signs(switches, within, layer.shape[1] - 1)
        if len(zeros[0]):
            _note_zeros(rows, switches, zeros, points.owner[some], points.finite[some], rank, within, ties[some])
        cross = (above[:, :-1] & below[:, 1:]) | (below[:, :-1] & above[:, 1:])
        r, k, unit = np.unravel_index(np.flatnonzero(cross), cross.shape)
        found.append((r + start, k, unit, np.abs(switches[r, k + 1, unit]), np.abs(switches[r, k, unit])))
    r, k, unit, one, two = (np.concatenate(x) for x in zip(*found, strict=True))
    points.variance = variance
    fresh = _crossings(points, r, r * count + k, unit, one, two, index)
    if rank > 1:
        fresh = _of_maxima(fresh, table, rank, ties)
    return merge(points, table, fresh, ties)


def _signs(
    switches: np.ndarray, within: np.ndarray, units: int
) -> tuple[np.ndarray, np.ndarray, tuple[np.ndarray, np.ndarray, np.ndarray]]:
    """Where switches are above and below rounding, and the (r, k, unit) of those among the first `units` that are neither."""
    # One bound for all points leaves few undecided, and comparing with it takes a fifth of the time.
    bound = within.max()
    above, below = switches > bound, switches < -bound
    if np.count_nonzero(above) + np.count_nonzero(below) == switches.size:
        none = np.empty(0, int)
        return above, below, (none, none, none)
    where = np.unravel_index(np.flatnonzero(above == below), switches.shape)
    close, limit = switches[where], within[where[:2]]
    above[where], below[where] = close > limit, close < -limit
    zero = (above[where] == below[where]) & (where[2] < units)
    r, k, unit = (axis[zero] for axis in where)
    return above, below, (r, k, unit)


def _crossings(
    points: Points, r: np.ndarray, left: np.ndarray, unit: np.ndarray, one: np.ndarray, two: np.ndarray, index: int
) -> Crossings:
    """The points between `left` and the next, where a switch vanishes that is `two` and `one` in absolute value there."""
    (f, g), (s, t), (v, w) = ((x.take(left), x.take(left + 1)) for x in (points.finite, points.place, points.variance))
    scale = one * f + two * g
    one, two = one / scale, two / scale
    place = one * s + two * t
    error = np.abs(s * g - t * f) * (two * tolerance(w) + one * tolerance(v)) / scale + 4 * UNIT * np.abs(place)
    owner, variance = np.full(len(r), index), interpolated_variance(one, v, two, w)
    return Crossings(r, left, unit, one, two, place, owner, variance, error)


def _of_maxima(fresh: Crossings, rows: np.ndarray, rank: int, ties: np.ndarray) -> Crossings:
    """The crossings of pairs that are the maxima of their maxout units there; a close third argument is a tie."""
    left, right = (_arguments(rows, fresh.left + side, fresh.unit, rank) for side in (0, 1))
    values = left * fresh.one[:, None] + right * fresh.two[:, None]
    top, close = _on_top(values, fresh.unit, rank, tolerance(fresh.variance))
    np.add.at(ties, fresh.network[top & close], 1)
    return fresh.select(top)


def _differences(rows: np.ndarray, rank: int) -> np.ndarray:
    """Differences of all pairs of arguments of each maxout unit, (R, K, n * pairs)."""
    values = rows[:, :, :-1].reshape(*rows.shape[:2], -1, rank)
    i, j = np.triu_indices(rank, 1)
    return (values[..., i] - values[..., j]).reshape(*rows.shape[:2], -1)


def _arguments(rows: np.ndarray, point: np.ndarray, switch: np.ndarray, rank: int) -> np.ndarray:
    """The arguments (C, rank) of the maxout unit of each switch, at points counted over all networks."""
    unit = switch // (rank * (rank - 1) // 2)
    return rows.reshape(-1, rows.shape[2])[point[:, None], rank * unit[:, None] + np.arange(rank)]


def _on_top(values: np.ndarray, switch: np.ndarray, rank: int, within: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Whether the pair of each switch is the maximum of the arguments (C, rank) of its unit, and whether a third is close."""
    i, j = np.triu_indices(rank, 1)
    pair, each = switch % len(i), np.arange(len(values))
    ours = (values[each, i[pair]] + values[each, j[pair]]) / 2
    values[each, i[pair]] = values[each, j[pair]] = -np.inf
    others = values.max(1, initial=-np.inf)
    return others <= ours + 2 * within, np.abs(others - ours) <= 2 * within


def _note_zeros(
    rows: np.ndarray,
    switches: np.ndarray,
    zeros: tuple[np.ndarray, np.ndarray, np.ndarray],
    owner: np.ndarray,
    finite: np.ndarray,
    rank: int,
    within: np.ndarray,
    ties: np.ndarray,
) -> None:
    """Count the switches that vanish within rounding at a point, and set them to exactly zero."""
    r, k, unit = zeros
    # A slope of exactly zero at infinity is a constant unit, not a coincidence.
    count = (owner[r, k] != -2) & ((finite[r, k] == 1) | (switches[r, k, unit] != 0))
    if rank == 1:
        switches[r, k, unit] = 0.0
    else:
        values = _arguments(rows, r * rows.shape[1] + k, unit, rank)
        count &= _on_top(values, unit, rank, within[r, k])[0]
    np.add.at(ties, r[count], 1)
