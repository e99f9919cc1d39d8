"""Base densities p_Z: one independent coordinate per domain, on the line, on [0, inf) or on [0, 1]."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

from regimes.flows.pieces import Domain
from regimes.flows.protocol import FlowError


class Base(nn.Module):
    """N(0, 1) on the line, half-normal on [0, inf), Beta(a, b) with integer a, b on [0, 1].

    Arguments:
        domains: the domain of each coordinate.
        shape: a and b of the Beta; (1, 1) is uniform.

    Raises:
        FlowError: a or b is not a positive integer.
    """

    def __init__(self, domains: tuple[Domain, ...], shape: tuple[int, int] = (2, 2)) -> None:
        super().__init__()
        if min(shape) < 1 or any(int(a) != a for a in shape):
            raise FlowError(f"the base density on [0, 1] is Beta(a, b) with positive integers; got {shape}")
        self.domains, self.shape = domains, shape

    def forward(self, z: Tensor) -> Tensor:
        """Log p_Z(z), (R, N, D) to (R, N); -inf outside the domains."""
        logs = {domain: self._log(z, domain) for domain in set(self.domains)}
        return sum(logs[domain][..., j] for j, domain in enumerate(self.domains))  # type: ignore[return-value]

    def _log(self, z: Tensor, domain: Domain) -> Tensor:
        if domain == "interval":
            a, b = self.shape
            inside = (z >= 0) & (z <= 1)
            constant = math.lgamma(a + b) - math.lgamma(a) - math.lgamma(b)
            safe = torch.where(inside, z, 0.5)
            log = 0 * safe  # a uniform density, too, has a gradient
            # A zero exponent has no term: 0 log 0 would be NaN.
            if a > 1:
                log = log + (a - 1) * safe.log()
            if b > 1:
                log = log + (b - 1) * torch.log1p(-safe)
            return torch.where(inside, log + constant, -torch.inf)
        normal = -0.5 * z.square() - 0.5 * math.log(2 * math.pi)
        return normal if domain == "line" else torch.where(z >= 0, normal + math.log(2), -torch.inf)

    def sample(self, replicates: int, count: int, generator: torch.Generator, dtype: torch.dtype) -> Tensor:
        """(R, count, D) draws; Beta(a, b) is the a-th smallest of a + b - 1 uniforms."""
        columns = []
        for domain in self.domains:
            if domain == "interval":
                a, b = self.shape
                draws = torch.rand(replicates, count, a + b - 1, generator=generator, dtype=dtype, device=generator.device)
                columns.append(draws.sort(dim=-1).values[..., a - 1])
            else:
                draws = torch.randn(replicates, count, generator=generator, dtype=dtype, device=generator.device)
                columns.append(draws.abs() if domain == "half" else draws)
        return torch.stack(columns, dim=-1)

    def ends(self) -> tuple[tuple[float, float], ...]:
        """Per coordinate, an interval that holds all but 1e-32 of the mass."""
        return tuple({"line": (-12.0, 12.0), "half": (0.0, 12.0), "interval": (0.0, 1.0)}[d] for d in self.domains)
