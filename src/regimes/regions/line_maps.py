"""Activation patterns and affine maps of the cells on a line, for a whole batch at once."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from regimes.regions.maps import count_distinct
from regimes.regions.network import Leaky, Maxout, PiecewiseLinear
from regimes.regions.rounding import layer_variance, tolerance


@dataclass(frozen=True)
class LineMaps:
    """Counts (R,) and the maps behind them: `slopes` and `intercepts` (R, cells, m), NaN in the padding."""

    patterns: np.ndarray
    linear_pieces: np.ndarray
    distinct_maps: np.ndarray
    slopes: np.ndarray
    intercepts: np.ndarray


def line_maps(network: PiecewiseLinear, breakpoints: np.ndarray, interval: tuple[float, float] | None) -> LineMaps:
    """Evaluate each cell at an inner point and read patterns, slopes and intercepts.

    Arguments:
        network: R networks of one input.
        breakpoints: (R, K), sorted, padded with NaN.
        interval: the ends of the domain, or None for the whole line.
    """
    inner, valid = _inner_points(breakpoints, interval)
    replicates, cells = inner.shape
    # Three rows a cell: the value at the inner point decides the gates, which the slope and the intercept then follow.
    rows = np.stack([inner, np.ones_like(inner), np.zeros_like(inner)], 1)[..., None]
    finite = np.array([1.0, 0.0, 1.0])
    variance, keys = np.zeros((replicates, 3 * cells)), np.zeros((replicates, cells, 2))
    random = np.random.default_rng(0)
    for layer in network.layers():
        flat = rows.reshape(replicates, 3 * cells, -1)
        norms = np.linalg.norm(flat, axis=2)
        variance = layer_variance(variance, norms, np.repeat(finite, cells)[None], layer)
        values = flat @ layer[:, :, :-1].swapaxes(1, 2)
        values = values.reshape(replicates, 3, cells, -1) + finite[:, None, None] * layer[:, None, None, :, -1]
        rows, state = gate(values, network.activation)
        # Sums of few integers below 2^40 are exact in float64.
        keys += state @ random.integers(1, 1 << 40, (state.shape[-1], 2)).astype(float)
        keys = np.fmod(keys * 3, 2.0**41)
    matrix = network.output_matrix()
    rows = rows @ matrix[:, None].swapaxes(2, 3)
    size = np.linalg.norm(matrix, axis=2).max(1)[:, None, None]
    norms = np.abs(rows).max(3)
    within = tolerance(variance.reshape(replicates, 3, cells)) * size * np.sqrt(matrix.shape[2])
    within = within + tolerance(np.square(2.0**-53 * norms))
    jump = np.abs(np.diff(rows[:, 1], axis=1)).max(2) > within[:, 1, 1:] + within[:, 1, :-1]
    both = np.concatenate([rows[:, 1], rows[:, 2]], 2)
    pad = np.where(valid[..., None], 0.0, np.nan)
    return LineMaps(
        patterns=count_distinct(keys, np.zeros((replicates, cells)), valid),
        linear_pieces=1 + (jump & valid[:, 1:]).sum(1),
        distinct_maps=count_distinct(both, within[:, 1:].max(1), valid),
        slopes=rows[:, 1] + pad,
        intercepts=rows[:, 2] + pad,
    )


def gate(values: np.ndarray, activation: object) -> tuple[np.ndarray, np.ndarray]:
    """Apply to all rows (R, 3, cells, rows) the gates of the first; return (R, 3, cells, n) and the state (R, cells, n)."""
    if isinstance(activation, Maxout):
        units = values.reshape(*values.shape[:3], -1, activation.rank)
        winner = units[:, 0].argmax(3)
        chosen = np.take_along_axis(units, winner[:, None, ..., None].repeat(3, 1), 4)[..., 0]
        return chosen, winner.astype(float)
    on = values[:, 0] > 0
    slope = float(activation.slope) if isinstance(activation, Leaky) else 0.0
    return values * np.where(on, 1.0, slope)[:, None], on.astype(float)


def _inner_points(breakpoints: np.ndarray, interval: tuple[float, float] | None) -> tuple[np.ndarray, np.ndarray]:
    """A point inside each cell, (R, K + 1), and which cells are real."""
    real = ~np.isnan(breakpoints)
    count = real.sum(1)
    if interval is None:
        first = np.where(count > 0, breakpoints[:, 0], 0.0)
        final = np.where(count > 0, np.nanmax(np.where(real, breakpoints, -np.inf), axis=1), 0.0)
        # A ray may be left at any distance; its own scale keeps the values readable.
        low, high = first - 2 * (1 + np.abs(first)), final + 2 * (1 + np.abs(final))
    else:
        low, high = (np.full(len(count), float(end)) for end in interval)
    ends = np.concatenate([low[:, None], np.where(real, breakpoints, high[:, None]), high[:, None]], 1)
    valid = np.arange(ends.shape[1] - 1)[None] <= count[:, None]
    return (ends[:, :-1] + ends[:, 1:]) / 2, valid
