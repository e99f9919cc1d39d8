"""Three families of folds: two half-lines laid over one, a zig-zag of the line, and pieces of an interval."""

from __future__ import annotations

from typing import Protocol

import torch
from torch import Tensor, nn

from regimes.flows.pieces import Domain, Pieces

SPREAD = 0.3


class Family(Protocol):
    """Learned parameters of R folds."""

    source: Domain
    target: Domain
    count: int

    def __call__(self) -> Pieces:
        """The pieces at the present parameters."""
        ...


def normal(replicates: int, *shape: int, generator: torch.Generator, mean: float = 0.0, scale: float = SPREAD) -> nn.Parameter:
    """A parameter (R, ...) drawn from N(mean, scale²)."""
    return nn.Parameter(mean + scale * torch.randn(replicates, *shape, generator=generator, device=generator.device))


def _ends(like: Tensor, *columns: float | Tensor) -> Tensor:
    """Columns side by side, (R, len(columns))."""
    return torch.stack([c if isinstance(c, Tensor) else torch.full_like(like, c) for c in columns], dim=1)


class Abs(nn.Module):
    """F-fold, K = 2: a_1 (c - x) for x <= c and a_2 (x - c) beyond, onto [0, inf), from the line or from [0, inf).

    From [0, inf) the crease c is positive and the first branch reaches a_1 c only. a_1 = a_2 is the absolute value of
    SurVAE flows (Nielsen et al. 2020).
    """

    target: Domain = "half"
    count = 2

    def __init__(self, replicates: int, generator: torch.Generator, source: Domain = "line", spread: float = SPREAD) -> None:
        super().__init__()
        self.source: Domain = source
        self.crease = normal(replicates, generator=generator)
        self.logs = normal(replicates, 2, generator=generator, scale=spread)

    def __call__(self) -> Pieces:
        """The two pieces."""
        crease = self.crease.exp() if self.source == "half" else self.crease
        far = self.logs[:, 0].exp() * crease if self.source == "half" else torch.inf
        zero = torch.zeros_like(crease)
        return Pieces(
            breaks=crease[:, None], anchors=_ends(crease, crease, crease), values=_ends(crease, 0.0, 0.0),
            log_slopes=self.logs, signs=_ends(crease, -1.0, 1.0), low=_ends(crease, 0.0, 0.0),
            high=_ends(crease, far, torch.inf),
            folds=_ends(crease, zero, far) if self.source == "half" else zero[:, None],
            source=self.source, target=self.target,
        )  # fmt: skip


class Zigzag(nn.Module):
    """F-zigzag, K = 3: slopes s_1, -s_2, s_3 with folds b_1 < b_2, from the line onto the line.

    f(b_1) = c_1 and f(b_2) = c_0 = c_1 - s_2 (b_2 - b_1); the images are (-inf, c_1], [c_0, c_1) and (c_0, inf).
    """

    source: Domain = "line"
    target: Domain = "line"
    count = 3

    def __init__(self, replicates: int, generator: torch.Generator, spread: float = SPREAD) -> None:
        super().__init__()
        self.first = normal(replicates, generator=generator, mean=-0.5)
        self.log_gap = normal(replicates, generator=generator)
        self.logs = normal(replicates, 3, generator=generator, scale=spread)
        self.top = normal(replicates, generator=generator, mean=0.5)

    def __call__(self) -> Pieces:
        """The three pieces."""
        b1, c1 = self.first, self.top
        b2 = b1 + self.log_gap.exp()
        # The same operations as in Pieces.apply, so that f(b2) is c0 to the last bit.
        c0 = c1 + -self.logs[:, 1].exp() * (b2 - b1)
        return Pieces(
            breaks=_ends(b1, b1, b2), anchors=_ends(b1, b1, b1, b2), values=_ends(b1, c1, c1, c0),
            log_slopes=self.logs, signs=_ends(b1, 1.0, -1.0, 1.0),
            low=_ends(b1, -torch.inf, c0, c0), high=_ends(b1, c1, c1, torch.inf), folds=_ends(b1, c0, c1),
            source="line", target="line",
        )  # fmt: skip


class Interval(nn.Module):
    """F-interval: K pieces of widths a_k, each mapped onto [0, 1], rising or falling.

    Arguments:
        replicates: R.
        count: K.
        generator: draws widths and directions.
        spread: standard deviation of the logits of the widths; 0 for equal pieces.
    """

    source: Domain = "interval"
    target: Domain = "interval"
    signs: Tensor

    def __init__(self, replicates: int, count: int, generator: torch.Generator, spread: float = 0.5) -> None:
        super().__init__()
        self.count = count
        self.logits = normal(replicates, count, generator=generator, scale=spread)
        coins = torch.rand(replicates, count, generator=generator, device=generator.device)
        self.register_buffer("signs", torch.where(coins < 0.5, -1.0, 1.0))

    def __call__(self) -> Pieces:
        """The K pieces."""
        logs = self.logits.log_softmax(dim=1)
        breaks = logs.exp().cumsum(dim=1)[:, :-1]
        left = torch.nn.functional.pad(breaks, (1, 0))
        zero, one = torch.zeros_like(logs), torch.ones_like(logs)
        return Pieces(
            breaks=breaks, anchors=left, values=torch.where(self.signs > 0, zero, one), log_slopes=-logs,
            signs=self.signs, low=zero, high=one, folds=_ends(left[:, 0], 0.0, 1.0), source="interval", target="interval",
        )  # fmt: skip
