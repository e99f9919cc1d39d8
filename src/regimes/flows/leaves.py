"""All points that a latent can come from: the tree of branches, enumerated."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor

from regimes.flows.layers import Fold
from regimes.flows.protocol import FlowError
from regimes.flows.rad import Rad

MOST = 4096


class Leaves(NamedTuple):
    """P = prod K_l paths: indices (R, N, P, F) and log prod_l p(k_l|z_l), shape (R, N, P), -inf where a branch ends short."""

    branches: Tensor
    log_probability: Tensor


def leaves(flow: Rad, z: Tensor) -> Leaves:
    """Every path from latents z (R, N, D), with its probability.

    Raises:
        FlowError: there are more than 4096 paths.
    """
    paths = 1
    for layer in flow.folds:
        paths *= layer.branches
    if paths > MOST:
        raise FlowError(f"{paths} paths are too many to enumerate; use at most {MOST}, that is, fewer layers or branches")
    replicates, points, dimension = z.shape
    here = z[:, :, None]
    log = torch.zeros(replicates, points, 1, dtype=z.dtype, device=z.device)
    taken: list[Tensor] = []
    for layer in reversed(flow.parts()):
        flat = here.reshape(replicates, -1, dimension)
        if not isinstance(layer, Fold):
            here = layer.inverse(flat, None)[0].reshape(here.shape)
            continue
        k = torch.arange(layer.branches, device=z.device)
        gate = layer.log_gate(flat).reshape(*log.shape, layer.branches)
        width = log.shape[2]
        branch = k.expand(replicates, points * width, layer.branches).reshape(replicates, -1).contiguous()
        wide = flat.repeat_interleave(layer.branches, dim=1)
        here = layer.inverse(wide, branch)[0].reshape(replicates, points, -1, dimension)
        log = (log[..., None] + gate).reshape(replicates, points, -1)
        taken = [old.repeat_interleave(layer.branches, dim=2) for old in taken]
        taken.append(branch.reshape(replicates, points, -1))
    branches = torch.stack(taken[::-1], -1) if taken else torch.empty(*log.shape, 0, dtype=torch.int64, device=z.device)
    return Leaves(branches, log)
