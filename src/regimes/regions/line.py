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
from regimes.regions.points import Points, merge
from regimes.regions.rounding import UNIT, interpolated_variance, layer_variance, tolerance

ANCHOR = 0.7390851332151607  # the artificial finite point of a whole line; no unit of a generic or rational net vanishes there
CHUNK = 1 << 19  # pre-activations of one layer handled together, so that they stay in the cache


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
    replicates = layers[0].shape[0]
    if interval is None:
        start = np.array([[-1.0, 0.0], [ANCHOR, 1.0], [1.0, 0.0]])
    else:
        start = np.array([[interval[0], 1.0], [interval[1], 1.0]])
    rows = np.broadcast_to(start, (replicates, *start.shape)).copy()
    blank = np.zeros(rows.shape[:2])
    points = Points(rows, rows[:, :, 0].copy(), np.full(blank.shape, -1), blank, blank.copy())
    ties = np.zeros(replicates, int)
    for index, layer in enumerate(layers):
        values = layer.shape[1] * points.rows.shape[1]
        require_memory(32.0 * replicates * values, memory_limit, f"layer {index + 1} on {points.rows.shape[1]} points")
        points = _cut(points, layer, activation, index, ties, index == len(layers) - 1)
    real = points.owner >= 0
    # Stable sort of the flags brings the breakpoints to the front in their order.
    order = np.argsort(~real, axis=1, kind="stable")[:, : max(1, int(real.sum(1).max()))]
    found = np.take_along_axis(np.where(real, points.place, np.nan), order, 1)
    per_layer = np.stack([(points.owner == index).sum(1) for index in range(len(layers))], 1)
    return found, per_layer, ties


def _cut(points: Points, layer: np.ndarray, activation: Activation, index: int, ties: np.ndarray, last: bool) -> Points:
    """Insert the breakpoints of one layer and apply it; the rows of the last layer are not needed and left empty."""
    finite, rank = points.finite, rows_per_unit(activation)
    norms = np.sqrt(np.einsum("rkn,rkn->rk", points.rows[:, :, :-1], points.rows[:, :, :-1]))
    variance = layer_variance(points.variance, norms, finite, layer[:, :-1])
    within = tolerance(variance)
    rows = points.rows @ layer.swapaxes(1, 2)
    switches = rows[:, :, :-1] if rank == 1 else _differences(rows, rank)
    positive, negative = switches > within[:, :, None], switches < -within[:, :, None]
    decided = np.count_nonzero(positive) + np.count_nonzero(negative)
    if decided < positive.size:
        _note_zeros(rows, switches, positive | negative, points, rank, within, ties)
    cross = (positive[:, :-1] & negative[:, 1:]) | (negative[:, :-1] & positive[:, 1:])
    r, k, unit = np.unravel_index(np.flatnonzero(cross), cross.shape)
    fresh, r = _crossings(points, rows, switches, variance, (r, k, unit), rank, index, ties, last)
    points.variance = variance
    return merge(points, rows, fresh, r, activation, ties, last)


def _crossings(
    points: Points,
    rows: np.ndarray,
    switches: np.ndarray,
    variance: np.ndarray,
    where: tuple[np.ndarray, np.ndarray, np.ndarray],
    rank: int,
    index: int,
    ties: np.ndarray,
    last: bool,
) -> tuple[Points, np.ndarray]:
    """The points, in one list, where the switch `unit` of network r vanishes after point k, and their networks."""
    r, k, unit = where
    flat = r * rows.shape[1] + k
    one, two = np.abs(switches[r, k + 1, unit]), np.abs(switches[r, k, unit])
    (f, g), (s, t), (v, w) = ((x.ravel()[flat], x.ravel()[flat + 1]) for x in (points.finite, points.place, variance))
    scale = one * f + two * g
    one, two = one / scale, two / scale
    place, added = one * s + two * t, interpolated_variance(one, v, two, w)
    error = np.abs(s * g - t * f) * (two * tolerance(w) + one * tolerance(v)) / scale + 4 * UNIT * np.abs(place)
    if last and rank == 1:
        new = np.empty((len(r), 0))
    else:
        table = rows.reshape(-1, rows.shape[2])
        new, other = table.take(flat, 0), table.take(flat + 1, 0)
        new *= one[:, None]
        other *= two[:, None]
        new += other
        new[:, -1] = 1.0
    if rank > 1:
        top, close = _on_top(new, unit, rank, tolerance(added))
        np.add.at(ties, r[top & close], 1)
        r, new, place, error, added = r[top], new[top], place[top], error[top], added[top]
    elif not last:
        new[np.arange(len(r)), unit] = 0.0
    return Points(new, place, np.full(len(r), index), added, error), r


def _differences(rows: np.ndarray, rank: int) -> np.ndarray:
    """Differences of all pairs of arguments of each maxout unit, (R, K, n * pairs)."""
    values = rows[:, :, :-1].reshape(*rows.shape[:2], -1, rank)
    i, j = np.triu_indices(rank, 1)
    return (values[..., i] - values[..., j]).reshape(*rows.shape[:2], -1)


def _on_top(rows: np.ndarray, switch: np.ndarray, rank: int, within: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Whether the pair that crosses in each row (C, n rank + 1) is the maximum of its unit, and whether a third is close."""
    i, j = np.triu_indices(rank, 1)
    unit, pair = switch // len(i), switch % len(i)
    each = np.arange(len(rows))
    values = rows[each[:, None], rank * unit[:, None] + np.arange(rank)]
    ours = (values[each, i[pair]] + values[each, j[pair]]) / 2
    values[each, i[pair]] = values[each, j[pair]] = -np.inf
    others = values.max(1, initial=-np.inf)
    return others <= ours + 2 * within, np.abs(others - ours) <= 2 * within


def _note_zeros(
    rows: np.ndarray,
    switches: np.ndarray,
    decided: np.ndarray,
    points: Points,
    rank: int,
    within: np.ndarray,
    ties: np.ndarray,
) -> None:
    """Count the switches that vanish within rounding at a point, and set them to exactly zero."""
    r, k, unit = np.nonzero(~decided)
    # A slope of exactly zero at infinity is a constant unit, not a coincidence.
    count = (points.owner[r, k] != -2) & ((points.finite[r, k] == 1) | (switches[r, k, unit] != 0))
    if rank == 1:
        switches[r, k, unit] = 0.0
    else:
        count &= _on_top(rows[r, k], unit, rank, within[r, k])[0]
    np.add.at(ties, r[count], 1)
