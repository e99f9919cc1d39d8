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
    points, proper = ends.expand(flow.replicates, 2), torch.ones(flow.replicates, 2, dtype=torch.bool)
    for layer in reversed(flow.parts()):
        if not isinstance(layer, Fold):
            raise FlowError("kinks are known for folds only; a flow on the line has no couplings")
        pieces = layer.family()
        points = torch.cat((points, pieces.folds.clamp(-1e30, 1e30)), dim=1)
        proper = torch.cat((proper, torch.isfinite(pieces.folds)), dim=1)
        reached = pieces.admits(points) & proper[..., None]
        k = torch.arange(pieces.count).expand(*points.shape, -1).reshape(flow.replicates, -1)
        wide = points.repeat_interleave(pieces.count, dim=1)
        points, proper = pieces.invert(wide, k), reached.reshape(flow.replicates, -1)
    lowest = torch.where(proper, points, torch.inf).amin(1, keepdim=True)
    points, order = torch.where(proper, points, lowest).sort(dim=1)
    return points, proper.gather(1, order)


def integrate(flow: Rad, nodes: int = 24, parts: int = 4) -> tuple[Tensor, int]:
    """∫ p(x) dx for each flow, (R,), and the number of nodes: Gauss-Legendre on `parts` parts of every cell between kinks.

    Within a cell the density is analytic, so the rule converges geometrically, until its error is rounding: summing M
    nonnegative terms errs by at most M u of their sum.
    """
    edges = kinks(flow)[0]
    steps = torch.linspace(0, 1, parts + 1, dtype=edges.dtype)[:-1]
    starts = (edges[:, :-1, None] + edges.diff(dim=1)[..., None] * steps).reshape(flow.replicates, -1)
    widths = (edges.diff(dim=1)[..., None] / parts).expand(-1, -1, parts).reshape(flow.replicates, -1)
    at, weights = (torch.tensor(a, dtype=edges.dtype) for a in np.polynomial.legendre.leggauss(nodes))
    x = starts[..., None] + widths[..., None] * (at + 1) / 2
    density = flow.log_density(x.reshape(flow.replicates, -1, 1)).exp().reshape(x.shape)
    return (density * weights * widths[..., None] / 2).sum((1, 2)), x[0].numel()
