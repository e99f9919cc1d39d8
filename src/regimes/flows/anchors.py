"""Special flows with known answers, and residuals that single claims of RAD need."""

from __future__ import annotations

import copy
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np
import torch
from torch import Tensor

from regimes.case import Case
from regimes.flows import eprocess, properties, rounding
from regimes.flows.build import build
from regimes.flows.gates import IntervalGate
from regimes.flows.layers import Coupling
from regimes.flows.mutants import EqualGate
from regimes.flows.properties import residuals
from regimes.flows.rad import Rad
from regimes.flows.rounding import exact_copy, unit
from regimes.flows.subjects import BLOCK, Draw, Trained, dtype_of, rad, recipe_of
from regimes.randomness import Randomness
from regimes.subjects.subject import Subject

ALARM = float(np.log(1e12))
GAIN = 29.0  # log2 of u32/u64
WINDOW = 100.0


def tiling(name: str, **parts: Any) -> Subject:
    """Equal pieces, equal gates, and the Beta base that the case's `shape` axis names; p_X is a tiling of p_Z."""

    def draw(case: Case, count: int, randomness: Randomness) -> Draw:
        a, b = (int(number) for number in str(case["shape"]).split(","))
        fixed = {"family": "interval", "spread": 0.0, "shape": (a, b), "gates": {"interval": EqualGate}}
        recipe = replace(recipe_of(case), **{**fixed, **parts})
        flow = build(recipe, count, randomness.generator("parameters"), dtype_of(case, randomness)).requires_grad_(False)
        return Draw(flow, randomness, case)

    return Subject(name, draw, footprint=lambda case: 2.0**22 / BLOCK)


def uniform(name: str, **parts: Any) -> Subject:
    """Pieces of an interval with gates equal to their widths and a uniform base: the uniform density is fixed."""
    fixed = {"family": "interval", "shape": (1, 1), "gates": {"interval": partial(IntervalGate, bend=False)}}
    return rad(name, **{**fixed, **parts})


def modes(draws: Draw, per_cell: int = 16) -> np.ndarray:
    """Local maxima of p on [0, 1], (R,): changes of its increments from up to down on a grid of 16 points a tile.

    Increments below 1e-9 of the largest density count as flat: they are rounding.
    """
    flow: Rad = draws.flow
    tiles = int(np.prod([layer.branches for layer in flow.folds]))
    x = torch.arange(per_cell * tiles + 1, dtype=torch.float64, device=draws.device) / (per_cell * tiles)
    p = flow.log_density(x[None, :, None].expand(flow.replicates, -1, 1)).exp().cpu().numpy()
    steps = np.diff(p, axis=1)
    counts = []
    for row, size in zip(steps, p.max(axis=1), strict=True):
        signs = np.sign(row[np.abs(row) > 1e-9 * size])
        counts.append(((signs[:-1] > 0) & (signs[1:] < 0)).sum())
    return np.array(counts, float)


def density_at_first_folds(draws: Draw) -> np.ndarray:
    """P where the first folded coordinate is each break of the first layer, other coordinates sampled, (R, K - 1)."""
    flow: Rad = draws.flow
    layer = flow.folds[0]
    breaks = layer.family().breaks
    x = draws.sampled(breaks.shape[1])[0].clone()
    x[..., layer.coordinate] = breaks
    return flow.log_density(x).exp().cpu().numpy()


def uniform_residuals(draws: Draw, points: int = 8) -> np.ma.MaskedArray:
    """Log p over its tolerance at points of the cube, then the latent round trip, (R, points (1 + D)).

    Each layer adds log a_k and takes it away again: log_softmax errs by K + 4 roundings in either, and the sum of
    2 L + 2 terms by as many of its absolute sum.
    """
    flow: Rad = draws.flow
    dtype = next(flow.parameters()).dtype
    shape = (flow.replicates, points, flow.dimension)
    x = torch.rand(shape, generator=draws.generator("points"), dtype=dtype, device=draws.device)
    terms = flow.terms(x)
    size = torch.stack(terms.log_dets).abs().sum(0)
    pieces = max(layer.branches for layer in flow.folds)
    count = len(flow.folds)
    bound = (2 * count + 2) * 2 * size.double() + count * (2 * pieces + 12)
    return np.ma.concatenate(
        [residuals(flow.log_density(x), bound, dtype), properties.latent_trip(draws, points)], axis=1
    )  # fmt: skip


def against_realnvp(draws: Draw, points: int = 4) -> np.ma.MaskedArray:
    """Log p less log N(z) + sum log s by NumPy, coupling by coupling, in units of its tolerance, (R, 2 points)."""
    flow: Rad = draws.flow
    x = draws.points(points)
    here, total = x.double().cpu().numpy(), 0.0
    for layer in flow.parts():
        if not isinstance(layer, Coupling):
            continue
        read = {name: getattr(layer.read, name).double().cpu().numpy() for name in ("w1", "b1", "w2", "b2")}
        active = layer.moved.cpu().numpy().astype(bool)
        seen = np.where(active, 0.0, here)
        out = np.tanh(seen @ read["w1"] + read["b1"]) @ read["w2"] + read["b2"]
        half = out.shape[-1] // 2
        log_s = layer.reach * np.tanh(out[..., :half])
        here = np.where(active, here * np.exp(log_s) + out[..., half:], here)
        total = total + log_s[..., active].sum(-1)
    reference = -0.5 * (here**2).sum(-1) - 0.5 * here.shape[-1] * np.log(2 * np.pi) + total
    exact = exact_copy(flow)
    bound = rounding.log_density(exact, x.double())
    return residuals(flow.log_density(x).double() - torch.from_numpy(reference).to(x.device), bound, x.dtype)


def in_both_precisions(draws: Draw, points: int = 64) -> list[tuple[Any, Tensor]]:
    """The same float32 numbers as (flow, points) in float32 and in float64; points from N(0, 1), (R, points, D)."""
    single: Any = draws.flow.float()
    double = copy.deepcopy(single).double()
    x = torch.randn((draws.replicates, points, single.dimension), generator=draws.generator("points"), device=draws.device)
    return [(single, x), (double, x.double())]


def bits_gained(err32: Tensor, err64: Tensor, size: Tensor) -> np.ma.MaskedArray:
    """log2(err32/err64) - 29, (R,); -29 where neither precision gives a number.

    Masked, because they measure nothing: float64 errors below one rounding of `size`, and float32 errors above 1e-2,
    where it has lost every digit, unless float64 errs within a hundredfold of it and so has lost them too.
    """
    single = torch.nan_to_num(err32, nan=torch.inf)
    too_small = err64 <= unit(torch.float64) * size
    lost = (single >= 1e-2) & torch.isfinite(err64) & (100 * err64 < single)
    ratio = (err32.clamp(min=1e-300) / err64.clamp(min=1e-300)).log2() - GAIN
    ratio = torch.nan_to_num(ratio, nan=-GAIN, posinf=1e9, neginf=-1e9)
    return np.ma.masked_array(ratio.cpu().numpy(), mask=(too_small | lost).cpu().numpy())


def exactly_inverse(bits: np.ma.MaskedArray) -> np.ma.MaskedArray:
    """Whether a gain is 29 bits within a factor of `WINDOW`, (R,)."""
    return np.ma.masked_array(np.abs(bits.data) <= np.log2(WINDOW), mask=np.ma.getmaskarray(bits))


def round_trip_bits(draws: Draw) -> np.ma.MaskedArray:
    """Bits that the round trip x -> z -> x gains, (R,), for any flow that is a torch module."""
    errors, sizes = [], []
    for flow, x in in_both_precisions(draws):
        z, branches, _ = flow.forward(x)
        errors.append((flow.inverse(z, branches)[0] - x).double().abs().amax((1, 2)))
        sizes.append(x.double().abs().amax((1, 2)))
    return bits_gained(errors[0], errors[1], sizes[1])


def log_det_bits(draws: Draw) -> np.ma.MaskedArray:
    """Bits that log|det| gains against autograd's Jacobian, (R,), for any flow that is a torch module.

    The determinant of either Jacobian is taken in float64; only the flow itself is run in both precisions. Flows with a
    point whose float64 Jacobian has a condition number above u^{-1/2} are masked: there autograd is no oracle, for half
    of its digits are gone.
    """
    errors, sizes, condition, finite = [], [], torch.empty(0), torch.empty(0)
    for flow, x in in_both_precisions(draws, 32):
        with torch.enable_grad():
            said = flow.forward(x)[2].double()
        jacobian = properties.jacobian(flow, x)[1].double()
        found = torch.linalg.slogdet(jacobian).logabsdet
        values = torch.linalg.svdvals(torch.nan_to_num(jacobian, posinf=0.0, neginf=0.0))
        condition = (values[..., 0] / values[..., -1]).amax(1)
        finite = torch.isfinite(said).all(1)
        errors.append((said - found).detach().abs().amax(1))
        sizes.append(said.detach().abs().amax(1))
    bits = bits_gained(errors[0], errors[1], sizes[1])
    singular = finite & ~(condition < unit(torch.float64) ** -0.5)
    return np.ma.masked_array(bits.data, mask=np.ma.getmaskarray(bits) | singular.cpu().numpy())


def all_properties(draws: Trained) -> np.ma.MaskedArray:
    """Every residual of a trained flow over its tolerance, side by side, (R, many)."""
    fell = torch.where(draws.gain > 0, 0.0, 2.0).double().cpu().numpy()[:, None]
    wealth = np.maximum(eprocess.log_wealth(draws, 256), 0)[:, None] / ALARM
    columns = [
        np.ma.masked_array(fell),
        properties.log_density_by_autograd(draws),
        properties.round_trip(draws),
        2 * properties.branch_flips(draws),
        properties.latent_marginal(draws),
        np.ma.masked_array(wealth),
    ]
    if draws.flow.dimension == 1:
        double = replace(draws, flow=exact_copy(draws.flow))
        columns += [properties.integral(double, levels=8), properties.jumps(double)]
    return np.ma.concatenate(columns, axis=1)

