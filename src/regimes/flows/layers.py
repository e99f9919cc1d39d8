"""Layers of a flow: a fold of one coordinate with its gate, and an affine coupling.

Each layer maps (R, N, D) to (R, N, D), inverts given its branch, and bounds its own rounding to first order, in units of
the unit roundoff u, from which every tolerance of `rounding.py` is made.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor, nn

from regimes.flows.conditioner import Conditioner, half_tanh
from regimes.flows.folds import Family
from regimes.flows.gates import Gate
from regimes.flows.pieces import Pieces


class Step(NamedTuple):
    """What a layer does to points: images (R, N, D), log|det| (R, N), log p(k|z) (R, N), and k (R, N) or None."""

    z: Tensor
    log_det: Tensor
    log_gate: Tensor
    branch: Tensor | None


class Rounding(NamedTuple):
    """Bounds on the rounding of one layer: of its image, of the point that its inverse returns, of its log terms."""

    image: Tensor
    preimage: Tensor
    logs: Tensor


class Fold(nn.Module):
    """One coordinate folded, the others untouched.

    Arguments:
        coordinate: the folded coordinate j.
        family: the pieces.
        gate: p(k|z), which reads this layer's output.
    """

    def __init__(self, coordinate: int, family: Family, gate: Gate) -> None:
        super().__init__()
        self.coordinate, self.family, self.gate = coordinate, family, gate

    @property
    def branches(self) -> int:
        """K."""
        return self.family.count

    def _put(self, x: Tensor, column: Tensor) -> Tensor:
        found = x.clone()
        found[..., self.coordinate] = column
        return found

    def forward(self, x: Tensor) -> Step:
        """Inference: the piece that holds x, its image, and the log terms of the density."""
        pieces = self.family()
        here = x[..., self.coordinate]
        k = self.locate(pieces, here)
        z = self._put(x, pieces.apply(here, k))
        return Step(z, *self.log_terms(x, z, pieces, k), k)

    def locate(self, pieces: Pieces, x: Tensor) -> Tensor:
        """phi(x), the piece that holds x, (R, N) to (R, N)."""
        return pieces.locate(x)

    def log_terms(self, x: Tensor, z: Tensor, pieces: Pieces, k: Tensor) -> tuple[Tensor, Tensor]:
        """log|f'(x)| and log p(k|z), each (R, N)."""
        return pieces.at(pieces.log_slopes, k), self.gate.at(z, pieces, k)

    def log_gate(self, z: Tensor) -> Tensor:
        """Log p(k|z) for every k, shape (R, N, K)."""
        return self.gate(z, self.family())

    def inverse(self, z: Tensor, branch: Tensor | None) -> tuple[Tensor, Tensor]:
        """The point of branch k that maps to z, and log|det dx/dz|."""
        assert branch is not None
        pieces = self.family()
        x = self._put(z, pieces.invert(z[..., self.coordinate], branch))
        return x, -pieces.at(pieces.log_slopes, branch)

    def jacobian(self, x: Tensor) -> Tensor:
        """Df(x), shape (R, N, D, D)."""
        pieces = self.family()
        k = pieces.locate(x[..., self.coordinate])
        diagonal = self._put(torch.ones_like(x), pieces.at(pieces.slopes, k))
        return torch.diag_embed(diagonal)

    def rounding(self, x: Tensor, z: Tensor) -> Rounding:
        """Y = c + s (x - b) costs 3 s d + 2|c| + |y| + s|b| (d = |x - b|), its inverse 4|y - c|/s + 2|c|/s + |x| + |b|."""
        pieces, j = self.family(), self.coordinate
        k = pieces.locate(x[..., j])
        b, c = pieces.at(pieces.anchors, k), pieces.at(pieces.values, k)
        logs = pieces.at(pieces.log_slopes, k)
        s = logs.exp()
        image = 3 * s * (x[..., j] - b).abs() + 2 * c.abs() + z[..., j].abs() + s * b.abs()
        back = (4 * (z[..., j] - c).abs() + 2 * c.abs()) / s + x[..., j].abs() + b.abs()
        zero = torch.zeros_like(x)
        return Rounding(self._put(zero, image), self._put(zero, back), self.gate.rounding(z, pieces) + 2 + logs.abs())


class Coupling(nn.Module):
    """Affine coupling: y = s(x_A) x + t(x_A) on the active coordinates, the passive ones A copied bit by bit.

    log s is `reach` tanh of the network's output, so that one layer stretches by at most exp(reach).

    Arguments:
        passive: (D,) booleans, which coordinates are copied and read.
        shifted: (D,) booleans, which coordinates may be shifted; those on [0, inf) may only be scaled.
        read: the network, from (R, N, D) with active coordinates set to 0, to (R, N, 2 D).
        reach: bound on |log s|.
    """

    branches = 1
    passive: Tensor
    moved: Tensor
    shifted: Tensor

    def __init__(self, passive: Tensor, shifted: Tensor, read: Conditioner, reach: float = 1.0) -> None:
        super().__init__()
        self.read, self.reach = read, reach
        self.register_buffer("passive", passive.float())
        self.register_buffer("moved", (~passive).float())
        self.register_buffer("shifted", (~passive & shifted).float())

    def scale_and_shift(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Log s and t at x, each (R, N, D); both 0 on passive coordinates."""
        raw, shift = self.read(x * self.passive).chunk(2, dim=-1)
        return self.log_scale(raw) * self.moved, shift * self.shifted

    def log_scale(self, raw: Tensor) -> Tensor:
        """Log s = reach tanh(raw)."""
        return 2 * self.reach * half_tanh(2 * raw)

    def forward(self, x: Tensor) -> Step:
        """The image and sum of log s; a coupling has one branch and no gate."""
        log_s, t = self.scale_and_shift(x)
        det = log_s.sum(-1)
        return Step(x * log_s.exp() + t, det, torch.zeros_like(det), None)

    def inverse(self, z: Tensor, branch: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """(y - t)/s and -sum log s."""
        log_s, t = self.scale_and_shift(z)
        return (z - t) / log_s.exp(), -log_s.sum(-1)

    def jacobian(self, x: Tensor) -> Tensor:
        """Df(x), shape (R, N, D, D)."""
        log_s, _ = self.scale_and_shift(x)
        inner = x * self.passive
        slope_s, slope_t = (self.read.jacobian(inner) * self.passive).chunk(2, dim=2)
        raw = self.read(inner).chunk(2, dim=-1)[0]
        bend = self.reach * (1 - raw.tanh().square()) * self.moved * x * log_s.exp()
        return torch.diag_embed(log_s.exp()) + bend[..., None] * slope_s + self.shifted[:, None] * slope_t

    def rounding(self, x: Tensor, z: Tensor) -> Rounding:
        """s|x| (2 + E_s) + |t| + E_t + |y|, and (that + |y| + 2|t|)/s + |x| back; 0 where coordinates are copied.

        E_t is the network's error, E_s = reach (E + 6) + 3 |log s| + 2 that of s.
        """
        log_s, t = self.scale_and_shift(x)
        error_s, error_t = self.read.rounding(x * self.passive).chunk(2, dim=-1)
        log_error = (self.reach * (error_s + 6) + 3 * log_s.abs()) * self.moved
        s = log_s.exp()
        image = (s * x.abs() * (4 + log_error) + t.abs() + error_t * self.shifted + z.abs()) * self.moved
        back = ((image + z.abs() + 2 * t.abs()) / s + x.abs()) * self.moved
        return Rounding(image, back, (log_error + log_s.abs() * x.shape[-1]).sum(-1))
