"""What claims measure on flows: residuals in units of their derived tolerances, so that 1 is the most that is allowed.

Each returns a masked array (R, k): one row per flow, points too ill-conditioned to test masked, hence counted.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch import Tensor

from regimes.flows import quadrature, rounding
from regimes.flows.layers import Fold
from regimes.flows.leaves import leaves
from regimes.flows.rad import Rad, Terms, in_rows
from regimes.flows.rounding import ORDER, TESTABLE, exact_copy, unit
from regimes.flows.subjects import Draw


def jacobian(flow: Any, x: Tensor) -> tuple[Tensor, Tensor]:
    """f(x) and Df(x) by reverse-mode autograd, (R, N, D) to (R, N, D) and (R, N, D, D); points are independent."""
    with torch.enable_grad():
        x = x.detach().clone().requires_grad_()
        z = flow.forward(x)[0]
        rows = [torch.autograd.grad(z[..., i].sum(), x, retain_graph=True)[0] for i in range(x.shape[-1])]
    return z.detach(), torch.stack(rows, dim=2)


def residuals(difference: Tensor, bound: Tensor, dtype: torch.dtype, keep: Tensor | None = None) -> np.ma.MaskedArray:
    """|difference| over `ORDER` u bound, flattened to (R, k); 0 where both are 0, masked where the bound is too large."""
    allowed = ORDER * unit(dtype) * bound
    testable = allowed < TESTABLE
    if keep is not None:
        testable = testable & (keep if keep.ndim == testable.ndim else keep[..., None])
    size = difference.double().abs()
    ratio = torch.where(size == 0, 0.0, size / allowed)
    # An infinite difference of a testable point is a finding; NaN must not pass for one that was discarded.
    ratio = torch.nan_to_num(ratio, nan=1e300, posinf=1e300)
    flat = ratio.reshape(len(ratio), -1)
    return np.ma.masked_array(flat.cpu().numpy(), mask=~testable.reshape(len(ratio), -1).cpu().numpy())


def same_branches(flow: Rad, exact: Rad, x: Tensor) -> Tensor:
    """Whether the flow and its float64 copy see a point on the same path, so that the copy's bound is about that path."""
    found = flow.forward(x)[1]
    return (found == exact.forward(x.double())[1]).all(-1)


def log_density_by_autograd(draws: Draw, points: int = 4) -> np.ma.MaskedArray:
    """Log p(x) less log p_Z(F(x)) + sum log p_l(k_l|z_l) + log|det J_F(x)|, J_F by autograd of the whole stack."""
    flow: Rad = draws.flow
    # In memory as the flow keeps them: another order of additions would move a latent, and a gate near a fold far more.
    x = in_rows(draws.points(points))
    z, rows = jacobian(flow, x)
    terms: Terms = flow.terms(x)
    gates, seen = torch.zeros_like(z[..., 0]), 0
    for layer, image in zip(flow.parts(), terms.images[1:], strict=True):
        if isinstance(layer, Fold):
            chosen = terms.branches[..., seen, None]
            gates, seen = gates + layer.log_gate(image).gather(2, chosen)[..., 0], seen + 1
    determinant = torch.linalg.slogdet(rows.double()).logabsdet
    oracle = (flow.base(z) + gates).double() + determinant
    exact = exact_copy(flow)
    bound = rounding.determinant(exact, x.double())
    return residuals(flow.log_density(x).double() - oracle, bound, x.dtype, same_branches(flow, exact, x))


def round_trip(draws: Draw, points: int = 4) -> np.ma.MaskedArray:
    """X -> (z, k) -> x, per point and coordinate."""
    flow: Rad = draws.flow
    x = draws.points(points)
    z, branches, _ = flow.forward(x)
    back, _ = flow.inverse(z, branches)
    exact = exact_copy(flow)
    return residuals(back - x, rounding.round_trip(exact, x.double()), x.dtype, same_branches(flow, exact, x))


def latent_trip(draws: Draw, points: int = 8) -> np.ma.MaskedArray:
    """(z, k) -> x -> z, per point and coordinate, away from boundaries."""
    flow: Rad = draws.flow
    x, z, branches = draws.sampled(points)
    found, seen, _ = flow.forward(x)
    exact = exact_copy(flow)
    keep = (seen == branches).all(-1) & (exact.forward(x.double())[1] == branches).all(-1)
    return residuals(found - z, rounding.latent_trip(exact, x.double()), x.dtype, keep)


def branch_flips(draws: Draw, points: int = 8) -> np.ma.MaskedArray:
    """Whether (z, k) -> x -> k' differs from k beyond rounding's reach of a boundary, and phi at boundaries themselves.

    The first columns are sampled points, masked within reach of a boundary; the rest place x on every break of every
    fold, which random points never meet: piece k is closed above, so phi(b_k) = k, and k + 1 one float above.
    """
    flow: Rad = draws.flow
    x, _, branches = draws.sampled(points)
    flips = (flow.forward(x)[1] != branches).any(-1)
    exact = exact_copy(flow)
    clear = rounding.boundary_distance(exact, x.double()) > ORDER * unit(x.dtype)
    columns, masks = [flips.double()], [~clear]
    for layer in flow.folds:
        pieces = layer.family()
        above = torch.nextafter(pieces.breaks, torch.full_like(pieces.breaks, torch.inf))
        order = torch.arange(pieces.count - 1, device=x.device)
        wrong = (layer.locate(pieces, pieces.breaks) != order) | (layer.locate(pieces, above) != order + 1)
        columns.append(wrong.double())
        masks.append(torch.zeros_like(wrong))
    return np.ma.masked_array(torch.cat(columns, 1).cpu().numpy(), mask=torch.cat(masks, 1).cpu().numpy())


def latent_marginal(draws: Draw, points: int = 2) -> np.ma.MaskedArray:
    """sum_paths p(path|z) - 1, and sum_paths p_X(x_path) |det dx_path/dz| / p_Z(z) - 1, over all paths, per latent.

    A path that its gate excludes is left out before its density is asked. Tolerances: K + 8 roundings and |log p| for
    every gate of a path weighted by its probability, plus one per leaf; for the second, twice (the inverse's log|det|
    errs like the forward one) the bound on log p_X at a point that the inverse returned, weighted alike. Latents with a
    leaf of more than negligible probability within rounding's reach of a boundary are discarded.
    """
    flow: Rad = draws.flow
    z = flow.base.sample(flow.replicates, points, draws.generator("latents"), next(flow.parameters()).dtype)
    found = leaves(flow, z)
    replicates, _, paths, folds = found.branches.shape
    wide = z.repeat_interleave(paths, dim=1)
    x, log_det = flow.inverse(wide, found.branches.reshape(replicates, -1, folds))
    admitted = torch.isfinite(found.log_probability)
    log = torch.where(admitted, found.log_probability, 0.0).double()
    probability = torch.where(admitted, log.exp(), 0.0)
    u = unit(z.dtype)
    gates = folds * (max(layer.branches for layer in flow.folds) + 8 - log)
    first = residuals(probability.sum(-1) - 1, (probability * gates).sum(-1) + paths, z.dtype)

    joint = (flow.log_density(x) + log_det).reshape(log.shape).double() - flow.base(z).double()[..., None]
    weight = torch.where(admitted, joint.exp(), 0.0)
    exact = exact_copy(flow)
    bound = 2 * rounding.log_density(exact, x.double(), returned=True).reshape(log.shape)
    # The weights that errors act on are the true ones, which the path probabilities are.
    second = torch.where(admitted, probability * torch.nan_to_num(bound), 0.0).sum(-1) + paths
    clear = rounding.boundary_distance(exact, x.double()).reshape(log.shape) > ORDER * u
    clear = (clear | (probability < u**2)).all(-1)
    return np.ma.concatenate([first, residuals(weight.sum(-1) - 1, second, z.dtype, clear)], axis=1)


def integral(draws: Draw, levels: int = 2) -> np.ma.MaskedArray:
    """∫ p - 1 over M u plus what refinement changed, (R, 1), for the M nodes of a quadrature; flows on the line.

    Convergence is geometric, so that the finer rule (twice the levels, half as many nodes again) errs by less than its
    difference from the coarser one.
    """
    flow: Rad = draws.flow
    coarse, _ = quadrature.integrate(flow, 16, levels)
    fine, count = quadrature.integrate(flow, 24, 2 * levels)
    allowed = count * unit(fine.dtype) + (fine - coarse).abs()
    return np.ma.masked_array(((fine - 1) / allowed).cpu().numpy())[:, None]


def jumps(draws: Draw, step: float = 2.0**-17) -> np.ma.MaskedArray:
    """One-sided limits of p from both sides of every kink, their difference over its tolerance, per flow.

    A limit is extrapolated linearly from b + h and b + 2 h; it errs by h² |p''|, which the second difference over
    b + h, b + 2 h, b + 3 h estimates, and by rounding. Twice that is allowed. Kinks closer than 8 h to another one,
    to the ends of the base density's mass, or of no path are masked.
    """
    flow: Rad = draws.flow
    at, proper = quadrature.kinks(flow)
    apart = (at[:, :, None] - at[:, None]).abs()
    # A break is the preimage of one fold value under two branches, and appears once for each.
    same = apart <= 2.0**-40 * (1 + at.abs()[:, None])
    lonely = (same | (apart > 8 * step)).all(2) & ~same[:, :, 0] & ~same[:, :, -1]
    offsets = torch.tensor([-3, -2, -1, 1, 2, 3], dtype=at.dtype, device=at.device) * step
    x = (at[..., None] + offsets).reshape(flow.replicates, -1, 1)
    p = flow.log_density(x).exp()
    rounded = (p * rounding.log_density(flow, x)).reshape(*at.shape, 6) * unit(at.dtype)
    p = p.reshape(*at.shape, 6)
    left, right = 2 * p[..., 2] - p[..., 1], 2 * p[..., 3] - p[..., 4]
    curved = (p[..., 2] - 2 * p[..., 1] + p[..., 0]).abs() + (p[..., 3] - 2 * p[..., 4] + p[..., 5]).abs()
    allowed = ORDER * (curved + 8 * rounded.amax(-1) + unit(at.dtype))
    return np.ma.masked_array(((right - left).abs() / allowed).cpu().numpy(), mask=~(proper & lonely).cpu().numpy())
