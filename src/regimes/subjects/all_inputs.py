"""One ReLU layer seen by all inputs at once: supremum and infimum over the circle, and annihilated inputs."""

from __future__ import annotations

import itertools

import torch
from torch import Tensor

from regimes.case import Case
from regimes.randomness import Randomness
from regimes.subjects.independent_weights import Draw
from regimes.subjects.initialisers import _gain
from regimes.subjects.subject import Subject


class OneLayer:
    """R layers x -> relu(W x) with W of shape (R, m, d)."""

    sampler = "direct"

    def __init__(self, weights: Tensor, randomness: Randomness | None = None) -> None:
        self.weights, self.randomness = weights, randomness
        self.replicates = weights.shape[0]

    def extremes(self) -> tuple[Tensor, Tensor]:
        """Inf and sup over x != 0 of |relu(W x)|/|x|, exact, for d = 2; shape (R,) each.

        Between two neighbouring zeros of the rows the active set is fixed and |relu(W x)|^2 on the unit circle is
        mean + rho cos(2 t - phase): its extremes are at the ends of the sector, or inside it where the phase says.
        """
        w = self.weights.double()
        if w.shape[2] != 2:
            raise ValueError(f"extremes are exact for inputs of dimension 2; got {w.shape[2]}")
        zeros = torch.atan2(w[:, :, 0], -w[:, :, 1])
        ends = torch.cat([zeros, torch.where(zeros > 0, zeros - torch.pi, zeros + torch.pi)], 1).sort(1).values
        start, stop = ends, torch.cat([ends[:, 1:], ends[:, :1] + 2 * torch.pi], 1)
        middle = (start + stop) / 2
        active = (w[:, None, :, 0] * middle.cos()[..., None] + w[:, None, :, 1] * middle.sin()[..., None] > 0).double()
        squares = torch.stack([w[:, :, 0] ** 2, w[:, :, 1] ** 2, w[:, :, 0] * w[:, :, 1]], 2)
        xx, yy, xy = torch.bmm(active, squares).unbind(2)
        mean, rho, phase = (xx + yy) / 2, torch.hypot((xx - yy) / 2, xy), torch.atan2(xy, (xx - yy) / 2)

        def at(angle: Tensor) -> Tensor:
            return mean + rho * torch.cos(2 * angle - phase)

        def inside(angle: Tensor) -> Tensor:
            # Is angle, modulo pi, in the sector?
            return torch.remainder(angle - start, torch.pi) <= stop - start

        at_ends = torch.stack([at(start), at(stop)])
        largest = torch.where(inside(phase / 2), mean + rho, at_ends.amax(0)).amax(1)
        smallest = torch.where(inside(phase / 2 + torch.pi / 2), mean - rho, at_ends.amin(0)).amin(1)
        return smallest.clamp_min(0).sqrt(), largest.clamp_min(0).sqrt()

    def search(self, starts: int, steps: int, generator: torch.Generator) -> tuple[Tensor, Tensor]:
        """The smallest and the largest |relu(W x)|/|x| that a local search finds, any d, shape (R,) each.

        An upper bound on the infimum and a lower bound on the supremum: it can refute a bound, never confirm one.
        Ascent is power iteration x <- J^T relu(W x), monotone because |relu(W x)|^2 is convex and homogeneous; descent
        is x <- 0.6 |W|^2 x - J^T relu(W x). Both are normalised.

        Arguments:
            starts: random starts of each network.
            steps: iterations of each start.
            generator: source of the starts, on the weights' device.
        """
        w = self.weights.double()
        replicates, _, dimension = w.shape
        shape = (replicates, starts, dimension)
        start = torch.randn(shape, generator=generator, device=w.device, dtype=torch.float64)
        up = down = start / start.norm(dim=2, keepdim=True)
        pull = 0.6 * torch.linalg.matrix_norm(w, ord=2)[:, None, None] ** 2
        for _ in range(steps):
            ahead = self._pulled_back(w, up)
            # An annihilated start has nowhere to climb.
            up = torch.where(ahead.norm(dim=2, keepdim=True) > 0, ahead, up)
            up = up / up.norm(dim=2, keepdim=True)
            down = pull * down - self._pulled_back(w, down)
            down = down / down.norm(dim=2, keepdim=True)
        return self._gains(w, down).amin(1), self._gains(w, up).amax(1)

    @staticmethod
    def _gains(w: Tensor, x: Tensor) -> Tensor:
        """|relu(W x)| of x, shape (R, starts) from (R, starts, d)."""
        return torch.bmm(x, w.transpose(1, 2)).clamp_min(0).norm(dim=2)

    @staticmethod
    def _pulled_back(w: Tensor, x: Tensor) -> Tensor:
        """W^T relu(W x), shape (R, starts, d)."""
        return torch.bmm(torch.bmm(x, w.transpose(1, 2)).clamp_min(0), w)

    def annihilates(self) -> Tensor:
        """Whether some x != 0 has relu(W x) = 0, exact for rows in general position; shape (R,) booleans.

        If W x <= 0 has a solution, it has one on an extreme ray: orthogonal to d - 1 rows. All of them are tried.
        """
        w = self.weights.double()
        replicates, rows, dimension = w.shape
        if rows < dimension:
            return torch.ones(replicates, dtype=torch.bool, device=w.device)
        found = torch.zeros(replicates, dtype=torch.bool, device=w.device)
        for chosen in itertools.combinations(range(rows), dimension - 1):
            ray = null_vector(w[:, list(chosen)])
            others = [row for row in range(rows) if row not in chosen]
            values = torch.einsum("rmd,rd->rm", w[:, others], ray)
            found |= (values <= 0).all(1) | (values >= 0).all(1)
        return found


def null_vector(rows: Tensor) -> Tensor:
    """The vector orthogonal to d - 1 rows, shape (R, d) from (R, d-1, d), by cofactors."""
    dimension = rows.shape[2]
    columns = list(range(dimension))
    minors = [torch.linalg.det(rows[:, :, columns[:j] + columns[j + 1 :]]) * (-1) ** j for j in columns]
    return torch.stack(minors, 1)


def one_layer(name: str, draw: Draw, description: str, rows: float = 1.0) -> Subject:
    """A subject of single layers with `width` rows (times `rows`) and inputs of dimension `input_dim`."""

    def build(case: Case, replicates: int, randomness: Randomness) -> OneLayer:
        units = max(1, round(rows * int(case["width"])))
        return OneLayer(draw(1, replicates, units, int(case["input_dim"]), randomness), randomness)

    def footprint(case: Case) -> float:
        return max(6.0 * float(case["width"]) ** 2, 64.0 * (float(case["width"]) + float(case["input_dim"])))

    return Subject(name, build, description, footprint)


he_layer = one_layer("He layer", _gain(2), "one layer, N(0, 2/m)")
glorot_layer = one_layer("layer of variance 1/m", _gain(1), "half of He's variance")
wide_layer = one_layer("layer of variance 25/9m", _gain(25 / 9), "the gain recommended for tanh")
thin_layer = one_layer("three quarters of the rows", _gain(2), "m = 1.5 d rows where 2 d were claimed", rows=0.75)
