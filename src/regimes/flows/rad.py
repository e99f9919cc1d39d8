"""RAD: real and discrete flows, whose layers fold space and remember on which branch a point was.

L. Dinh, J. Sohl-Dickstein, R. Pascanu, H. Larochelle, A RAD approach to deep mixture models, arXiv 1903.07714.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor, nn

from regimes.flows.base import Base
from regimes.flows.layers import Coupling, Fold, Step
from regimes.flows.pieces import ENDS, Domain
from regimes.flows.protocol import FlowError, check_points


class Terms(NamedTuple):
    """The terms of log p(x): images after every layer, and per layer (R, N) log|det| and log p(k|z), and indices."""

    images: list[Tensor]
    log_dets: list[Tensor]
    log_gates: list[Tensor]
    branches: Tensor


class Rad(nn.Module):
    """log p(x) = log p_Z(z_L) + sum_l [log|det Df_l(z_{l-1})| + log p_l(k_l|z_l)], z_l = f_l(z_{l-1}), z_0 = x.

    R independent flows, every parameter with a leading dimension R.

    Arguments:
        layers: folds and couplings, from data to latent.
        base: p_Z on the domains that the layers end in.
        replicates: R.

    Raises:
        FlowError: a parameter is not finite, a partition does not cover its space, or a layer does not take the domain
            that the layer before it leaves.
    """

    def __init__(self, layers: Sequence[Fold | Coupling], base: Base, replicates: int) -> None:
        super().__init__()
        self.layers, self.base = nn.ModuleList(layers), base
        self.replicates, self.dimension = replicates, len(base.domains)
        self.validate()

    def parts(self) -> list[Fold | Coupling]:
        """The layers, from data to latent."""
        return list(self.layers)  # type: ignore[arg-type]

    @property
    def folds(self) -> list[Fold]:
        """The layers that have branches."""
        return [layer for layer in self.parts() if isinstance(layer, Fold)]

    @property
    def source(self) -> tuple[Domain, ...]:
        """The domain of each coordinate of x."""
        domains = list(self.base.domains)
        for layer in reversed(self.folds):
            if domains[layer.coordinate] != layer.family.target:
                raise FlowError(
                    f"coordinate {layer.coordinate} is folded onto {layer.family.target!r}, but what follows takes "
                    f"{domains[layer.coordinate]!r}"
                )
            domains[layer.coordinate] = layer.family.source
        return tuple(domains)

    def validate(self) -> None:
        """FlowError unless parameters are finite, partitions cover, and domains follow on each other."""
        for name, parameter in self.named_parameters():
            if not bool(torch.isfinite(parameter).all()):
                raise FlowError(f"the flow's parameter {name} is not finite; every parameter must be")
        with torch.no_grad():
            for layer in self.folds:
                layer.family().check()
        _ = self.source

    def supports(self, x: Tensor) -> Tensor:
        """Whether x is a finite point of the domain, (R, N, D) to (R, N)."""
        largest = torch.finfo(x.dtype).max
        ends = torch.tensor([ENDS[domain] for domain in self.source], dtype=x.dtype, device=x.device).clamp(-largest, largest)
        return (x.clamp(ends[:, 0], ends[:, 1]) == x).all(-1)

    def terms(self, x: Tensor) -> Terms:
        """Every term of log p(x) but the base density's."""
        images, log_dets, log_gates, branches = [x], [], [], []
        for layer in self.parts():
            step: Step = layer(images[-1])
            images.append(step.z)
            log_dets.append(step.log_det)
            log_gates.append(step.log_gate)
            if step.branch is not None:
                branches.append(step.branch)
        indices = torch.stack(branches, -1) if branches else torch.empty(*x.shape[:2], 0, dtype=torch.int64, device=x.device)
        return Terms(images, log_dets, log_gates, indices)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Z (R, N, D), indices (R, N, F) and log|det Df(x)| (R, N): exact inference, without a search or a sum."""
        check_points(x, self.replicates, self.dimension)
        terms = self.terms(in_rows(x))
        return terms.images[-1], terms.branches, add(terms.log_dets, x)

    def inverse(self, z: Tensor, branches: Tensor) -> tuple[Tensor, Tensor]:
        """The point with latent z and these indices, and log|det dx/dz|."""
        check_points(z, self.replicates, self.dimension, "z")
        if branches.shape != (*z.shape[:2], len(self.folds)):
            raise FlowError(f"branches have shape {tuple(branches.shape)}; this flow has {len(self.folds)} folds at each point")
        left, log_det, x = len(self.folds), [], in_rows(z)
        for layer in reversed(self.parts()):
            branch = None
            if isinstance(layer, Fold):
                left -= 1
                branch = branches[..., left].contiguous()
            x, det = layer.inverse(x, branch)
            log_det.append(det)
        return x, add(log_det, z)

    def log_density(self, x: Tensor) -> Tensor:
        """Log p(x), shape (R, N); -inf outside the support and where numbers leave the floating range."""
        check_points(x, self.replicates, self.dimension)
        x = in_rows(x)
        inside = self.supports(x)
        centre = torch.tensor([0.5 if d == "interval" else 1.0 for d in self.source], dtype=x.dtype, device=x.device)
        terms = self.terms(torch.where(inside[..., None], x, centre))
        # What has left the floating range never returns to it: no layer maps infinity or NaN to a number, and the base's
        # density of them is 0 or NaN.
        base = self.base(terms.images[-1])
        return torch.where(inside & (base > -torch.inf), self.assemble(base, terms), -torch.inf)

    def assemble(self, base: Tensor, terms: Terms) -> Tensor:
        """The sum of the terms, shape (R, N)."""
        return base + add(terms.log_dets, base) + add(terms.log_gates, base)

    def sample(self, count: int, generator: torch.Generator) -> Tensor:
        """Points (R, count, D)."""
        return self.sample_paths(count, generator)[0]

    def sample_paths(self, count: int, generator: torch.Generator) -> tuple[Tensor, Tensor, Tensor]:
        """Points, their latents and their indices: z ~ p_Z, then layer by layer k ~ p(.|z) and x = f_k^{-1}(z)."""
        if count < 1:
            raise FlowError(f"a sample holds at least one point; got count {count}")
        dtype = next(self.parameters()).dtype
        z = self.base.sample(self.replicates, count, generator, dtype)
        x, indices = z, []
        for layer in reversed(self.parts()):
            branch = None
            if isinstance(layer, Fold):
                uniform = torch.rand(*x.shape[:2], generator=generator, dtype=dtype, device=x.device)
                branch = self.choose(layer, x, uniform)
                indices.append(branch)
            x, _ = layer.inverse(x, branch)
        none = torch.empty(*x.shape[:2], 0, dtype=torch.int64, device=x.device)
        return x, z, torch.stack(indices[::-1], -1) if indices else none

    def choose(self, layer: Fold, z: Tensor, uniform: Tensor) -> Tensor:
        """K ~ p(.|z) by inversion; a branch of probability 0 is never chosen, whatever the rounding of the sum."""
        probability = layer.log_gate(z).exp()
        index = (uniform[..., None] >= probability.cumsum(-1)).sum(-1)
        return torch.where(index < layer.branches, index, probability.argmax(-1))


def in_rows(points: Tensor) -> Tensor:
    """The same points (R, N, D), each coordinate a row of N in memory: layers read and write one coordinate at a time."""
    return points.mT.contiguous().mT


def add(terms: Sequence[Tensor], like: Tensor) -> Tensor:
    """The sum of terms (R, N), in order; zeros for none."""
    total = torch.zeros(like.shape[:2], dtype=like.dtype, device=like.device)
    for term in terms:
        total = total + term
    return total
