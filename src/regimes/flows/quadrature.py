"""Integrals of one-dimensional flow densities, cut at every point where the density is not analytic."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from regimes.flows.layers import Fold
from regimes.flows.protocol import FlowError
from regimes.flows.rad import Rad


def kinks(flow: Rad) -> tuple[Tensor, Tensor]:
    """All points of the line where the density may break, ascending (R, M), and which of them are proper (R, M).

    They are the preimages, under every path of branches, of every layer's fold values and of the ends of the base
    density's mass; breaks are among them, as preimages of the fold values that they map to. Points that a path does not
    reach are put at the smallest point and marked improper.
    """
    if flow.dimension != 1:
        raise FlowError(f"kinks are points of a line; this flow has dimension {flow.dimension}")
    parameter = next(flow.parameters())
    ends = torch.tensor(flow.base.ends()[0], dtype=parameter.dtype, device=parameter.device)
    points, proper = ends.expand(flow.replicates, 2), torch.ones(flow.replicates, 2, dtype=torch.bool, device=ends.device)
    for layer in reversed(flow.parts()):
        if not isinstance(layer, Fold):
            raise FlowError("kinks are known for folds only; a flow on the line has no couplings")
        pieces = layer.family()
        points = torch.cat((points, pieces.folds.clamp(-1e30, 1e30)), dim=1)
        proper = torch.cat((proper, torch.isfinite(pieces.folds)), dim=1)
        reached = pieces.admits(points) & proper[..., None]
        k = torch.arange(pieces.count, device=points.device).expand(*points.shape, -1).reshape(flow.replicates, -1)
        wide = points.repeat_interleave(pieces.count, dim=1)
        points, proper = pieces.invert(wide, k), reached.reshape(flow.replicates, -1)
    lowest = torch.where(proper, points, torch.inf).amin(1, keepdim=True)
    points, order = torch.where(proper, points, lowest).sort(dim=1)
    return points, proper.gather(1, order)


def integrate(flow: Rad, nodes: int = 24, levels: int = 3) -> tuple[Tensor, int]:
    """∫ p(x) dx for each flow, (R,), and the number M of nodes: Gauss-Legendre on parts of every cell between kinks.

    A cell is halved `levels` times towards each of its ends, where a learned gate may switch at a distance far below the
    cell's width. On each part the density is analytic, so the rule converges geometrically in nodes and levels, until its
    error is rounding: summing M nonnegative terms errs by at most M u of their sum.
    """
    edges = kinks(flow)[0]
    order = edges.diff(dim=1).argsort(dim=1, descending=True)
    starts, widths = edges[:, :-1].gather(1, order), edges.diff(dim=1).gather(1, order)
    # Most cells are empty: paths that do not reach a kink, and breaks that two branches reach.
    kept = int((widths > 2.0**-45).sum(1).max())
    halvings = torch.cat((torch.zeros(1), 2.0 ** torch.arange(-levels, 0)))
    cuts = torch.cat((halvings, 1 - halvings.flip(0)[1:])).to(edges)
    at, weights = (torch.tensor(a, dtype=edges.dtype, device=edges.device) for a in np.polynomial.legendre.leggauss(nodes))
    inner = (cuts[:-1, None] + cuts.diff()[:, None] * (at + 1) / 2).reshape(-1)
    measure = (cuts.diff()[:, None] * weights / 2).reshape(-1)
    x = starts[:, :kept, None] + widths[:, :kept, None] * inner
    density = flow.log_density(x.reshape(flow.replicates, -1, 1)).exp().reshape(x.shape)
    return (density * measure * widths[:, :kept, None]).sum((1, 2)), x[0].numel()
