"""Rank-revealing orthonormal bases of batches of tall matrices, and the Gaussian noise that goes on them.

Well-conditioned matrices take the Cholesky factor of their Gram matrix, three small products; the others, and those with
zero or collinear columns, take Householder's QR and the singular values of its triangle. No jitter is ever added: a
direction that is not there is a column of zeros.
"""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from regimes.randomness import Randomness

Generator = np.random.Generator | torch.Generator
SAFE_PIVOT = 1e-2  # of a column of unit norm: the Cholesky basis is then orthonormal to 1e4 N u


def stream(randomness: Randomness, name: str) -> Generator:
    """A keyed stream for `standard_normal`: NumPy's on the CPU, where it is twice as fast in float64, torch's elsewhere."""
    return randomness.numpy(name) if randomness.device.type == "cpu" else randomness.generator(name)


def standard_normal(shape: tuple[int, ...], generator: Generator) -> Tensor:
    """Standard normal variables, float64 of that shape."""
    if isinstance(generator, torch.Generator):
        return torch.randn(shape, generator=generator, device=generator.device, dtype=torch.float64)
    return torch.from_numpy(generator.standard_normal(shape))


def orthonormal(h: Tensor, gram: Tensor | None = None) -> tuple[Tensor, Tensor]:
    """Q and T with H = Q T; the columns of Q are orthonormal, or zero beyond the rank of H.

    The numerical rank counts singular values above max(n, N) u of the largest, the columns of H being scaled to unit
    norm first: the backward error of Householder's QR in n rows.

    Arguments:
        h: shape (R, n, N), float64; fastest as the transpose of contiguous rows (R, N, n).
        gram: H^T H, if it is known.

    Returns:
        Q of shape (R, n, k) and T of shape (R, k, N), k = min(n, N).
    """
    if h.shape[2] > h.shape[1]:
        return _by_singular_values(h)
    lower, good = _cholesky(h.mT @ h if gram is None else gram)
    if not good.any():
        return _by_singular_values(h)
    eye = torch.eye(h.shape[2], dtype=h.dtype, device=h.device).expand_as(lower)
    if good.all():
        return (torch.linalg.solve_triangular(lower, eye, upper=False) @ h.mT).mT, lower.mT
    lower = lower.where(good[:, None, None], eye)
    q, t = (torch.linalg.solve_triangular(lower, eye, upper=False) @ h.mT).mT, lower.mT.clone()
    bad = ~good
    q[bad], t[bad] = _by_singular_values(h[bad])
    return q, t


def root(h: Tensor, gram: Tensor | None = None) -> Tensor:
    """T with T^T T = H^T H, shape (R, k, N) from (R, n, N), k = min(n, N); stable for any rank."""
    if h.shape[2] > h.shape[1]:
        return h
    lower, good = _cholesky(h.mT @ h if gram is None else gram)
    t = lower.mT
    if good.all():
        return t
    t = t.clone()
    t[~good] = torch.linalg.qr(h[~good], mode="r")[1]
    return t


def _cholesky(gram: Tensor) -> tuple[Tensor, Tensor]:
    """Lower factors, and where every pivot is safe relative to its column's norm."""
    lower, info = torch.linalg.cholesky_ex(gram)
    pivots, norms = lower.diagonal(dim1=1, dim2=2), gram.diagonal(dim1=1, dim2=2).sqrt()
    return lower, (info == 0) & (pivots > SAFE_PIVOT * norms).all(1)


def _by_singular_values(h: Tensor) -> tuple[Tensor, Tensor]:
    norms = h.norm(dim=1, keepdim=True)
    basis, triangle = torch.linalg.qr(h / norms.where(norms > 0, 1.0))
    u, s, vh = torch.linalg.svd(triangle, full_matrices=False)
    kept = s > max(h.shape[1:]) * torch.finfo(h.dtype).eps * s[:, :1].clamp_min(torch.finfo(h.dtype).tiny)
    return (basis @ u) * kept[:, None, :], (s * kept)[:, :, None] * vh * norms
