"""Whether samples have the claimed density: a betting process against fixed alternatives.

If x_1, x_2, .. are independent with density p, then e_n = mean_m prod_{i <= n} q_m(x_i)/p(x_i) is a nonnegative martingale
of mean 1 for any fixed densities q_m, so P(sup_n e_n >= 1/a) <= a (Ville). The alternatives are the flow's own density with
another base scale or other gates, which are exact densities too because only what gates and base say is changed.
"""

from __future__ import annotations

import math

import numpy as np
import torch
from torch import Tensor

from regimes.flows.layers import Fold
from regimes.flows.rad import Rad
from regimes.flows.subjects import Draw


def log_ratios(flow: Rad, x: Tensor) -> Tensor:
    """Log q_m(x)/p(x) for every alternative m, (R, N, D) to (R, N, M).

    Alternatives: gates to the power 2 and to the power 1/2 (normalised), equal chances of all branches that reach z, half
    that and half p's own, each for all layers at once; and a base density of scale 5/4 and 4/5.
    """
    terms = flow.terms(x)
    sharp, flat, even, mixed = (torch.zeros_like(x[..., 0]) for _ in range(4))
    seen = 0
    for layer, z in zip(flow.parts(), terms.images[1:], strict=True):
        if not isinstance(layer, Fold):
            continue
        log, k = layer.log_gate(z), terms.branches[..., seen, None]
        own = log.gather(2, k)[..., 0]
        share = -torch.isfinite(log).sum(-1).clamp(min=1).log().to(x.dtype)
        sharp = sharp + (2 * log).log_softmax(-1).gather(2, k)[..., 0] - own
        flat = flat + (log / 2).log_softmax(-1).gather(2, k)[..., 0] - own
        even = even + share - own
        mixed = mixed + torch.logaddexp(share, own) - math.log(2) - own
        seen += 1
    ratios = [sharp, flat, even, mixed]
    if "interval" not in flow.base.domains:
        z = terms.images[-1]
        for scale in (1.25, 0.8):
            ratios.append(flow.base(z / scale) - z.shape[-1] * math.log(scale) - flow.base(z))
    return torch.stack(ratios, dim=-1)


def log_wealth(draws: Draw, count: int) -> np.ndarray:
    """sup_n log e_n over `count` samples of each flow, shape (R,)."""
    flow: Rad = draws.flow
    x = flow.sample(count, draws.generator("samples"))
    paths = log_ratios(flow, x).double().cumsum(1)
    wealth = paths.logsumexp(-1) - math.log(paths.shape[-1])
    # A sample where the claimed density is 0 refutes it at once.
    wealth = torch.where(torch.isfinite(flow.log_density(x)), torch.nan_to_num(wealth, nan=1e9, posinf=1e9), 1e9)
    return wealth.amax(1).cpu().numpy()
