"""Products of batches of matrices of which one side is short, by NumPy where its BLAS is the faster one.

OpenBLAS multiplies matrices of a few rows at twice to four times the speed of torch's batches, on AVX-512 cores. Products of
up to 2^18 multiplications it makes in one thread on any machine, so that they neither wait for others nor depend on them;
longer inner products are sums of such pieces.
"""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

ONE_THREAD = 1 << 18  # multiplications
SHORTEST = 256  # terms of an inner product's piece that pay for its call


def product(a: Tensor, b: Tensor) -> Tensor:
    """A B, shape (R, m, n) from (R, m, k) and (R, k, n)."""
    if not _thin(a, b):
        return a @ b
    found = np.empty((a.shape[0], a.shape[1], b.shape[2]))
    _in_pieces(a.numpy(), b.numpy(), found)
    return torch.from_numpy(found)


def gram_matrix(h: Tensor) -> Tensor:
    """H^T H, shape (R, N, N) from (R, n, N)."""
    if not _thin(h.mT, h):
        return h.mT @ h
    columns = h.numpy()
    rows, half = columns.swapaxes(1, 2), h.shape[2] // 2
    found = np.empty((h.shape[0], h.shape[2], h.shape[2]))
    # Two halves: the product of a matrix with its own transpose would go to another routine, thrice as slow.
    _in_pieces(rows[:, :half], columns, found[:, :half])
    _in_pieces(rows[:, half:], columns, found[:, half:])
    return torch.from_numpy(found)


def _thin(a: Tensor, b: Tensor) -> bool:
    inner = a.shape[2]
    # Outer products of vectors NumPy makes by itself, slowly.
    usable = a.device.type == "cpu" and a.dtype == torch.float64 and inner > 1
    return usable and a.shape[1] * b.shape[2] * min(inner, SHORTEST) <= ONE_THREAD


def _in_pieces(a: np.ndarray, b: np.ndarray, out: np.ndarray) -> None:
    inner, step = a.shape[2], ONE_THREAD // max(a.shape[1] * b.shape[2], 1)
    # Numbers that leave the floating range become infinite in silence, as with torch.
    with np.errstate(over="ignore", invalid="ignore"):
        np.matmul(a[:, :, :step], b[:, :step], out=out)
        for start in range(step, inner, step):
            out += np.matmul(a[:, :, start : start + step], b[:, start : start + step])
