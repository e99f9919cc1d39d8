"""How far rounding moves a flow's numbers: first-order bounds in units of u, computed in float64 from the layers' own.

With J_l = D(f_l o ... o f_1)(x), rho_l the rounding of layer l's image and sigma_l that of its inverse,
|x^ - x| <= u sum_l (|J_l^{-1}| rho_l + |J_{l-1}^{-1}| sigma_l), and a log-density moves by at most
u (sum_l |g_l| (|Df_l^{-1}| rho_l + sigma_l) + the rounding of its terms and of their sum), g_l its gradient at layer l's
input. What first order leaves out is smaller than the bound itself wherever the bound is small, so that twice the bound
is allowed and draws whose bound exceeds `TESTABLE` are discarded and counted: they are too ill-conditioned to test.
"""

from __future__ import annotations

import copy

import torch
from torch import Tensor

from regimes.flows.layers import Fold
from regimes.flows.rad import Rad

ORDER = 2.0  # the first-order bound and as much again for what it leaves out
TESTABLE = 2.0**-7


def unit(dtype: torch.dtype) -> float:
    """The unit roundoff u of a dtype: 2^-24 for float32, 2^-53 for float64."""
    return torch.finfo(dtype).eps / 2


def exact_copy(flow: Rad) -> Rad:
    """The same flow in float64, in which bounds are computed."""
    return copy.deepcopy(flow).double()


def round_trip(flow: Rad, x: Tensor) -> Tensor:
    """Bound on |f^{-1}(f(x)) - x| in units of u, (R, N, D) to (R, N, D), both float64."""
    total = torch.zeros_like(x)
    back = torch.eye(x.shape[-1], dtype=x.dtype, device=x.device).expand(*x.shape, x.shape[-1])
    for layer in flow.parts():
        z = layer(x).z
        local = layer.rounding(x, z)
        total = total + _apply(back.abs(), local.preimage)
        back = back @ torch.linalg.inv(layer.jacobian(x))
        total = total + _apply(back.abs(), local.image)
        x = z
    return total


def latent_trip(flow: Rad, x: Tensor) -> Tensor:
    """Bound on |f(f_k^{-1}(z)) - z| at z = f(x) in units of u: e_l = |Df_l| (e_{l-1} + sigma_l) + rho_l, (R, N, D)."""
    error = torch.zeros_like(x)
    for layer in flow.parts():
        z = layer(x).z
        local = layer.rounding(x, z)
        error = _apply(layer.jacobian(x).abs(), error + local.preimage) + local.image
        x = z
    return error


def boundary_distance(flow: Rad, x: Tensor) -> Tensor:
    """Smallest distance of a fold's input from its breaks over e_{l-1} + sigma_l, (R, N), for x that the inverse returned.

    Where it is at most `ORDER` u, rounding may put the recovered point on the other side; e is that of `latent_trip`.
    """
    error, nearest = torch.zeros_like(x), torch.full_like(x[..., 0], torch.inf)
    for layer in flow.parts():
        z = layer(x).z
        local = layer.rounding(x, z)
        if isinstance(layer, Fold):
            j = layer.coordinate
            distance = (x[..., j, None] - layer.family().breaks[:, None]).abs().amin(-1)
            nearest = torch.minimum(nearest, distance / (error + local.preimage)[..., j])
        error = _apply(layer.jacobian(x).abs(), error + local.preimage) + local.image
        x = z
    return nearest


def log_density(flow: Rad, x: Tensor, returned: bool = False) -> Tensor:
    """Bound on the rounding of log p(x) in units of u, (R, N, D) to (R, N), both float64.

    Arguments:
        flow: in float64.
        x: the points.
        returned: whether x itself came out of the flow's inverse, whose rounding then counts as well.
    """
    with torch.enable_grad():
        inputs, locals_, terms, here = [], [], [], x
        total = torch.zeros_like(x[..., 0])
        for layer in flow.parts():
            nudge = torch.zeros_like(here, requires_grad=True)
            entered = here + nudge
            step = layer(entered)
            inputs.append(nudge)
            with torch.no_grad():
                local = layer.rounding(entered, step.z)
                pulled = _apply(torch.linalg.inv(layer.jacobian(entered)).abs(), local.image)
                locals_.append(pulled + local.preimage if returned else pulled)
                terms.append((local.logs, step.log_det.abs() + step.log_gate.abs()))
            total = total + step.log_det + step.log_gate
            here = step.z
        base = flow.base(here)
        gradients = torch.autograd.grad((total + base).sum(), inputs)
    moved = sum((g.abs() * local).sum(-1) for g, local in zip(gradients, locals_, strict=True))
    rounded = sum(logs for logs, _ in terms)
    size = base.detach().abs() + sum(size for _, size in terms) + 3.0 * x.shape[-1]
    bound = moved + rounded + (2 * len(inputs) + x.shape[-1] + 2) * size
    # Where the density is 0 there is no logarithm to bound; callers discard what is near a boundary.
    return torch.where(torch.isfinite(total + base), bound, 0.0).detach()


def determinant(flow: Rad, x: Tensor) -> Tensor:
    """Bound on the rounding of log|det| of a Jacobian by reverse-mode autograd, in units of u, (R, N).

    Each vector-Jacobian product adds n roundings of its absolute value |g| |Df_l|, n = H + 2 D + 12: the computed
    Jacobian is off by at most sum_l n A, A = prod |Df_l|, and log|det| by tr(|J^{-1}| |dJ|). Gaussian elimination with
    pivoting adds D² 2^{D-1} ||J|| ||J^{-1}|| (Wilkinson's growth). The identity needs only the determinant's own
    factors to agree, which are the s_k on the diagonals: 3 u each and their sum.
    """
    size = x.shape[-1]
    jacobian = torch.eye(size, dtype=x.dtype, device=x.device).expand(*x.shape, size)
    absolute, roundings, factors, logs = jacobian, 0.0, 0.0, torch.zeros_like(x[..., 0])
    for layer in flow.parts():
        step, here = layer(x), layer.jacobian(x)
        jacobian, absolute = here @ jacobian, here.abs() @ absolute
        hidden = getattr(getattr(layer, "read", None), "b1", torch.empty(0)).shape[-1]
        roundings += hidden + 2 * size + 12
        factors += 3 * size
        logs = logs + step.log_det.abs() + step.log_gate.abs()
        x = step.z
    inverse = torch.linalg.inv(jacobian)
    product = roundings * torch.einsum("rnij,rnji->rn", inverse.abs(), absolute)
    elimination = size**2 * 2.0 ** (size - 1) * jacobian.abs().sum(-1).amax(-1) * inverse.abs().sum(-1).amax(-1)
    added = 2 * (2 * len(flow.parts()) + size + 2) * (logs + flow.base(x).abs() + size)
    return product + elimination + factors + added


def _apply(matrix: Tensor, vector: Tensor) -> Tensor:
    return torch.einsum("rnij,rnj->rni", matrix, vector)
