"""Piecewise affine maps of a line: the partition, the slopes and the images of K pieces."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor

from regimes.flows.protocol import FlowError

Domain = Literal["line", "half", "interval"]
ENDS: dict[Domain, tuple[float, float]] = {
    "line": (-torch.inf, torch.inf), "half": (0.0, torch.inf), "interval": (0.0, 1.0),
}  # fmt: skip


def _inside(x: Tensor, domain: Domain) -> Tensor:
    """X moved into the domain, with the derivative of x."""
    return x if domain == "line" else x + (x.clamp(*ENDS[domain]) - x).detach()


@dataclass(frozen=True)
class Pieces:
    """f(x) = value_k + slope_k (x - anchor_k) on piece k, for R maps; every field is (R, K) but `breaks`.

    Attributes:
        breaks: (R, K - 1), ascending; piece k is (break_{k-1}, break_k], closed above.
        anchors, values: a point of each piece and its image.
        log_slopes: log|slope|.
        signs: 1 where the piece rises and -1 where it falls.
        low, high: ends of each piece's image.
        folds: (R, V), the images of breaks: where a gate must know that branches end.
        source, target: the domains that f maps from and onto.
    """

    breaks: Tensor
    anchors: Tensor
    values: Tensor
    log_slopes: Tensor
    signs: Tensor
    low: Tensor
    high: Tensor
    folds: Tensor
    source: Domain
    target: Domain

    @property
    def count(self) -> int:
        """K, the number of pieces."""
        return self.anchors.shape[1]

    @property
    def slopes(self) -> Tensor:
        """Signed slopes, shape (R, K)."""
        return self.signs * self.log_slopes.exp()

    def locate(self, x: Tensor) -> Tensor:
        """phi(x): the index of the one piece that holds x, shape (R, N), int64."""
        # Few breaks are compared faster than searched, whose branches a processor cannot foresee.
        return (x[:, None] > self.breaks[:, :, None]).sum(1)

    def at(self, field: Tensor, k: Tensor) -> Tensor:
        """A field of the pieces k, (R, K) and (R, N) to (R, N)."""
        return field.gather(1, k)

    def apply(self, x: Tensor, k: Tensor) -> Tensor:
        """f_k(x), shape (R, N)."""
        y = self.at(self.values, k) + self.at(self.slopes, k) * (x - self.at(self.anchors, k))
        # Rounding at the far end of a piece must not leave the target.
        return _inside(y, self.target)

    def invert(self, z: Tensor, k: Tensor) -> Tensor:
        """(f_k)^{-1}(z), shape (R, N)."""
        x = self.at(self.anchors, k) + (z - self.at(self.values, k)) / self.at(self.slopes, k)
        return _inside(x, self.source)

    def admits(self, z: Tensor) -> Tensor:
        """Whether z is in the closed image of each piece, (R, N) to (R, N, K)."""
        return (z[..., None] >= self.low[:, None]) & (z[..., None] <= self.high[:, None])

    def check(self) -> None:
        """FlowError unless all numbers are finite and the pieces cover the source once and their images the target.

        A partition is covered when its breaks ascend inside the source; images cover the target when every latent has
        a piece that reaches it, else its gate would have nothing to choose from.
        """
        for name in ("breaks", "anchors", "values", "log_slopes"):
            if not bool(torch.isfinite(getattr(self, name)).all()):
                raise FlowError(f"a fold's {name.replace('_', ' ')} are not finite; its parameters must be finite")
        first, last = ENDS[self.source]
        edges = torch.nn.functional.pad(self.breaks, (1, 1))
        edges[:, 0], edges[:, -1] = first, last
        if not bool((edges.diff(dim=1) > 0).all()):
            row = int((~(edges.diff(dim=1) > 0)).any(1).nonzero()[0])
            raise FlowError(
                f"a partition does not cover its space once: breaks {self.breaks[row].tolist()} in [{first:g}, {last:g}]; "
                "they must ascend strictly"
            )
        lowest, highest = ENDS[self.target]
        order = self.low.argsort(dim=1)
        low, reach = self.low.gather(1, order), self.high.gather(1, order).cummax(dim=1).values
        gap = (low[:, 0] > lowest) | (reach[:, -1] < highest) | (low[:, 1:] > reach[:, :-1]).any(1)
        if bool(gap.any()):
            row = int(gap.nonzero()[0])
            raise FlowError(
                f"the images of a fold leave a gap in [{lowest:g}, {highest:g}]: they run from {self.low[row].tolist()} to "
                f"{self.high[row].tolist()}"
            )
