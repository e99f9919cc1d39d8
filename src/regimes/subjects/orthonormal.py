"""Rank-revealing orthonormal bases of batches of tall matrices, and the Gaussian noise that goes on them.

Well-conditioned matrices take the Cholesky factor of their Gram matrix, three small products; the others, and those with
zero or collinear columns, take Householder's QR and the singular values of its triangle. No jitter is ever added: a
direction that is not there is a column of zeros.
"""

from __future__ import annotations

import math

import numpy as np
import torch
from torch import Tensor

from regimes.randomness import Randomness
from regimes.subjects.box_muller import box_muller
from regimes.subjects.thin import gram_matrix

Generator = np.random.Generator | torch.Generator
BOX_MULLER = 1 << 13  # variables from which on vectors are faster than one by one
SAFE_PIVOT = 1e-2  # of a column of unit norm: the Cholesky basis is then orthonormal to 1e4 N u


def stream(randomness: Randomness, name: str) -> Generator:
    """A keyed stream for `standard_normal`: NumPy's on the CPU, where it is thrice as fast in float64, torch's elsewhere."""
    return randomness.numpy(name) if randomness.device.type == "cpu" else randomness.generator(name)


def standard_normal(shape: tuple[int, ...], generator: Generator) -> Tensor:
    """Standard normal variables, float64 of that shape."""
    if isinstance(generator, torch.Generator):
        return torch.randn(shape, generator=generator, device=generator.device, dtype=torch.float64)
    size = math.prod(shape)
    if size < BOX_MULLER:
        return torch.from_numpy(generator.standard_normal(shape))
    return torch.from_numpy(box_muller(np.empty(size), generator).reshape(shape))


def factors(h: Tensor, gram: Tensor | None = None) -> tuple[Tensor, Tensor, Tensor]:
    """B, S and T with H = Q T and Q = B S^-T; the columns of Q are orthonormal, or zero beyond the rank of H.

    Where H is well conditioned B is H itself, so that nothing as long as its columns is computed; else B is Q and S is I.
    The numerical rank counts singular values above max(n, N) u of the largest, the columns of H being scaled to unit
    norm first: the backward error of Householder's QR in n rows.

    Arguments:
        h: shape (R, n, N), float64; fastest as the transpose of contiguous rows (R, N, n).
        gram: H^T H, if it is known.

    Returns:
        B of shape (R, n, k), the very tensor `h` if all R are well conditioned; lower triangular S of shape (R, k, k);
        T of shape (R, k, N), k = min(n, N).
    """
    if h.shape[2] <= h.shape[1]:
        lower, good = _cholesky(gram_matrix(h) if gram is None else gram)
        if good.all():
            return h, lower, lower.mT
        if good.any():
            bad = ~good
            basis, triangle = h.clone(), lower.mT.clone()
            basis[bad], triangle[bad] = _by_singular_values(h[bad])
            return basis, lower.where(good[:, None, None], _eye_like(lower)), triangle
    q, t = _by_singular_values(h)
    return q, _eye_like(q), t


def orthonormal(h: Tensor, gram: Tensor | None = None) -> tuple[Tensor, Tensor]:
    """Q and T with H = Q T, of shapes (R, n, k) and (R, k, N); arguments and rank as of `factors`."""
    basis, lower, triangle = factors(h, gram)
    return (torch.linalg.solve_triangular(lower, _eye_like(lower), upper=False) @ basis.mT).mT, triangle


def root(h: Tensor, gram: Tensor | None = None) -> Tensor:
    """T with T^T T = H^T H, shape (R, k, N) from (R, n, N), k = min(n, N); stable for any rank."""
    if h.shape[2] > h.shape[1]:
        return h
    lower, good = _cholesky(gram_matrix(h) if gram is None else gram)
    t = lower.mT
    if good.all():
        return t
    t = t.clone()
    t[~good] = torch.linalg.qr(h[~good], mode="r")[1]
    return t


def _cholesky(gram: Tensor) -> tuple[Tensor, Tensor]:
    """Lower factors, and where every pivot is safe relative to its column's norm."""
    lower, info = torch.linalg.cholesky_ex(gram)
    pivots, squares = lower.diagonal(dim1=1, dim2=2), gram.diagonal(dim1=1, dim2=2)
    return lower, (info == 0) & (pivots.square() > SAFE_PIVOT**2 * squares).all(1)


def _eye_like(square: Tensor) -> Tensor:
    return torch.eye(square.shape[2], dtype=square.dtype, device=square.device).expand(square.shape[0], -1, -1)


def _by_singular_values(h: Tensor) -> tuple[Tensor, Tensor]:
    norms = h.norm(dim=1, keepdim=True)
    basis, triangle = torch.linalg.qr(h / norms.where(norms > 0, 1.0))
    u, s, vh = torch.linalg.svd(triangle, full_matrices=False)
    kept = s > max(h.shape[1:]) * torch.finfo(h.dtype).eps * s[:, :1].clamp_min(torch.finfo(h.dtype).tiny)
    return (basis @ u) * kept[:, None, :], (s * kept)[:, :, None] * vh * norms
