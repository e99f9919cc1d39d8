"""Sorted points on a line for a batch of networks: homogeneous, carrying values, and merged where rounding ties them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from regimes.regions.network import Activation, Leaky, Maxout


@dataclass
class Points:
    """Sorted points of R networks: rows (R, K, n + 1) of values, the last column 1 at finite points and 0 at infinity."""

    rows: np.ndarray
    place: np.ndarray  # (R, K) position, or -1 and 1 at infinity
    owner: np.ndarray  # (R, K) layer of the breakpoint, -1 for artificial points, -2 for padding
    variance: np.ndarray  # (R, K)
    error: np.ndarray  # (R, K) of the position

    @property
    def finite(self) -> np.ndarray:
        """(R, K), 1 or 0."""
        return self.rows[:, :, -1]


def merge(
    points: Points, rows: np.ndarray, fresh: Points, r: np.ndarray, activation: Activation, ties: np.ndarray, last: bool
) -> Points:
    """Sort the fresh points (all networks in one list, network r) among the old ones, merge ties, and apply the activation.

    Ties are added to `ties`; the rows are left empty if the layer is the last.
    """
    replicates, old = rows.shape[:2]
    added = np.bincount(r, minlength=replicates)
    slot = old + np.arange(len(r)) - np.repeat(np.cumsum(added) - added, added)
    width = old + int(added.max())

    def both(left: np.ndarray, right: np.ndarray, fill: float) -> np.ndarray:
        out = np.full((replicates, width), fill, dtype=left.dtype)
        out[:, :old], out[r, slot] = left, right
        return out

    place, owner = both(points.place, fresh.place, 0), both(points.owner, fresh.owner, -2)
    error, variance = both(points.error, fresh.error, 0), both(points.variance, fresh.variance, 0)
    source = both(np.arange(replicates * old).reshape(replicates, old), replicates * old + np.arange(len(r)), 0)
    finite = both(points.finite, np.ones(len(r)), 0)
    key = np.where(owner == -2, np.nan, np.where(finite == 0, np.copysign(np.inf, place), place))
    order = np.argsort(key, axis=1, kind="stable")
    key, owner, around, finite = (np.take_along_axis(x, order, 1) for x in (key, owner, error, finite))
    with np.errstate(invalid="ignore"):
        tied = (key[:, 1:] - key[:, :-1] <= around[:, 1:] + around[:, :-1]) & (finite[:, 1:] * finite[:, :-1] == 1)
    tied &= (owner[:, 1:] != -2) & (owner[:, :-1] != -2)
    if tied.any():
        ties += tied.sum(1)
        order, owner = _drop_tied(tied, order, owner)
    count = (owner != -2).sum(1)
    keep = int(count.max())
    # Padding repeats the last real point, where no sign changes.
    column = np.minimum(np.arange(keep)[None], count[:, None] - 1)
    order = np.take_along_axis(order, column, 1)
    owner = np.where(np.arange(keep)[None] < count[:, None], owner[:, :keep], -2)
    place, error, variance, source = (np.take_along_axis(x, order, 1) for x in (place, error, variance, source))
    if last:
        return Points(rows[:, :0], place, owner, variance, error)
    isfresh = source >= replicates * old
    out = np.take(rows.reshape(-1, rows.shape[2]), np.where(isfresh, 0, source), axis=0)
    out[isfresh] = fresh.rows[source[isfresh] - replicates * old]
    return Points(_activate(out, activation), place, owner, variance, error)


def _drop_tied(tied: np.ndarray, order: np.ndarray, owner: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Order and owner with the second point of each tied pair moved to the padding; an end of an interval is never dropped."""
    drop = np.pad(tied, ((0, 0), (1, 0)))
    swap = np.zeros_like(drop)
    # An artificial point that comes second stays, and the breakpoint before it goes.
    swap[:, 1:] = drop[:, 1:] & (owner[:, 1:] == -1)
    drop = (drop & ~swap) | np.pad(swap[:, 1:], ((0, 0), (0, 1)))
    owner = np.where(drop, -2, owner)
    again = np.argsort(drop | (owner == -2), axis=1, kind="stable")
    return np.take_along_axis(order, again, 1), np.take_along_axis(owner, again, 1)


def _activate(rows: np.ndarray, activation: Activation) -> np.ndarray:
    """The activation of all columns but the last, in place where shapes allow."""
    if isinstance(activation, Maxout):
        values = rows[:, :, :-1].reshape(*rows.shape[:2], -1, activation.rank).max(3)
        return np.concatenate([values, rows[:, :, -1:]], 2)
    if isinstance(activation, Leaky):
        rows[:, :, :-1] *= np.where(rows[:, :, :-1] > 0, 1.0, float(activation.slope))
        return rows
    return np.maximum(rows, 0, out=rows)
