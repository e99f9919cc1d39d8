"""Sorted points on a line for a batch of networks: homogeneous, with pre-activations, and merged where rounding ties them."""

from __future__ import annotations

from dataclasses import dataclass, fields

import numpy as np
import torch

from regimes.regions.network import Activation, Leaky, Maxout


@dataclass
class Crossings:
    """Points where units of one layer vanish, those of all networks in one list: one z_left + two z_right of neighbours."""

    network: np.ndarray
    left: np.ndarray  # the left neighbour, counted over the points of all networks
    unit: np.ndarray
    one: np.ndarray
    two: np.ndarray
    place: np.ndarray
    owner: np.ndarray
    variance: np.ndarray
    error: np.ndarray

    def select(self, kept: np.ndarray) -> Crossings:
        """Those at these indices, or that a mask keeps."""
        return Crossings(*(getattr(self, field.name)[kept] for field in fields(self)))


@dataclass
class Points:
    """Sorted points of R networks, and where their pre-activations come from."""

    finite: np.ndarray  # (R, K), 1 at finite points and 0 at infinity
    place: np.ndarray  # (R, K) position, or -1 and 1 at infinity
    owner: np.ndarray  # (R, K) layer of the breakpoint, -1 for artificial points, -2 for padding
    variance: np.ndarray  # (R, K)
    error: np.ndarray  # (R, K) of the position
    table: np.ndarray  # (R J, n + 1) pre-activations of the J points that a layer found, `finite` in the last column
    left: np.ndarray  # (R, K) rows of the table
    at: np.ndarray  # the points, counted over all networks, that are crossings between row `left` and the next
    crossings: Crossings  # of those points, in their order

    def rows(self, networks: slice, maxout: bool) -> np.ndarray:
        """Pre-activations (B, K, n + 1) of some networks."""
        left = self.left[networks]
        first, last = np.searchsorted(self.at, (networks.start * left.shape[1], networks.stop * left.shape[1]))
        at, here = self.at[first:last] - networks.start * left.shape[1], slice(first, last)
        out = self.table.take(left.ravel(), 0)
        new, other = out.take(at, 0), self.table.take(left.take(at) + 1, 0)
        for values, factor in ((new, self.crossings.one), (other, self.crossings.two)):
            torch.from_numpy(values).mul_(torch.from_numpy(factor[here, None]))  # half of NumPy's time
        new += other
        new[:, -1] = 1.0
        if not maxout:
            new[np.arange(len(at)), self.crossings.unit[here]] = 0.0
        out[at] = new
        return out.reshape(*left.shape, -1)


def merge(points: Points, table: np.ndarray, fresh: Crossings, ties: np.ndarray) -> Points:
    """Sort the fresh points among the old ones, whose pre-activations are the table (R, K, n + 1), and merge ties.

    Ties are added to `ties`.
    """
    replicates, old = points.place.shape
    r, each = fresh.network, np.arange(len(fresh.network))
    added = np.bincount(r, minlength=replicates)
    slot = old + each - np.repeat(np.cumsum(added) - added, added)
    width = old + int(added.max())
    network = np.arange(replicates)[:, None]

    key, source = np.full((replicates, width), np.nan), np.zeros((replicates, width), int)
    far = np.where(points.finite == 0, np.copysign(np.inf, points.place), points.place)
    key[:, :old], key[r, slot] = np.where(points.owner == -2, np.nan, far), fresh.place
    source[:, :old], source[r, slot] = np.arange(replicates * old).reshape(replicates, old), replicates * old + each
    order = np.argsort(key, axis=1, kind="stable") + width * network
    key, source = key.take(order), source.take(order)
    count = (points.owner != -2).sum(1) + added

    around = np.concatenate([points.error.ravel(), fresh.error]).take(source)
    with np.errstate(invalid="ignore"):
        gap = key[:, 1:] - key[:, :-1]  # infinite at the ends of a line, and NaN in the padding
        tied = (gap <= around[:, 1:] + around[:, :-1]) & (gap < np.inf)
    if tied.any():
        ties += tied.sum(1)
        owner = np.concatenate([points.owner.ravel(), fresh.owner]).take(source)
        source, count = _drop_tied(tied, source, np.where(np.arange(width) < count[:, None], owner, -2))
    # Padding repeats the last real point, where no sign changes.
    real = np.arange(int(count.max())) < count[:, None]
    source = np.where(real, source[:, : real.shape[1]], source[network, count[:, None] - 1])
    place, owner, variance, error = (
        np.concatenate([getattr(points, name).ravel(), getattr(fresh, name)]).take(source)
        for name in ("place", "owner", "variance", "error")
    )
    finite, left = (
        np.concatenate([x.ravel(), y]).take(source)
        for x, y in ((points.finite, np.ones(len(r))), (np.arange(replicates * old), fresh.left))
    )
    at = np.flatnonzero(source >= replicates * old)
    crossings = fresh.select(source.take(at) - replicates * old)
    owner = np.where(real, owner, -2)
    return Points(finite, place, owner, variance, error, table.reshape(-1, table.shape[2]), left, at, crossings)


def _drop_tied(tied: np.ndarray, source: np.ndarray, owner: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The sources with the second point of each tied pair moved to the padding, and the number of those before it.

    An end of an interval is never dropped.
    """
    drop = np.pad(tied, ((0, 0), (1, 0)))
    swap = np.zeros_like(drop)
    # An artificial point that comes second stays, and the breakpoint before it goes.
    swap[:, 1:] = drop[:, 1:] & (owner[:, 1:] == -1)
    drop = (drop & ~swap) | np.pad(swap[:, 1:], ((0, 0), (0, 1))) | (owner == -2)
    again = np.argsort(drop, axis=1, kind="stable")
    return np.take_along_axis(source, again, 1), (~drop).sum(1)


def activate(rows: np.ndarray, activation: Activation) -> np.ndarray:
    """The activation of all columns (R, K, n + 1) but the last, in place where shapes allow."""
    if isinstance(activation, Maxout):
        values = rows[:, :, :-1].reshape(*rows.shape[:2], -1, activation.rank).max(3)
        return np.concatenate([values, rows[:, :, -1:]], 2)
    if isinstance(activation, Leaky):
        rows[:, :, :-1] *= np.where(rows[:, :, :-1] > 0, 1.0, float(activation.slope))
        return rows
    return torch.from_numpy(rows).relu_().numpy()  # a quarter of the time of np.maximum
