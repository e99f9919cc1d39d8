"""One Gaussian layer asked twice, for W H on the way up and W^T Delta on the way down: exact in law, or with all weights.

Given W H = Z, with H = Q T and A = W Q, W^T Delta is Q A^T Delta + sigma (I - Q Q^T) Xi S, Xi standard normal and
S^T S = Delta^T Delta, if Delta depends on W through Z alone. N numbers a unit each way take the place of n weights a unit.
"""

from __future__ import annotations

import torch
from torch import Tensor

from regimes.subjects.orthonormal import Generator, orthonormal, root, standard_normal


class LawLayer:
    """R weight matrices known only through what is asked of them, exact in law.

    Arguments:
        rows: units n_l.
        deviation: of the weights.
        hidden: H of shape (R, n_(l-1), N), float64.
        gram: H^T H, shape (R, N, N).
        up: source of what the way up reveals.
        down: source of what the way down reveals.

    Attributes:
        pre: Z = W H, shape (R, n_l, N).
    """

    sampler = "gram"

    def __init__(self, rows: int, deviation: float, hidden: Tensor, gram: Tensor, up: Generator, down: Generator) -> None:
        self.deviation, self.hidden, self.down = deviation, hidden, down
        self.basis, triangle = self.factor(hidden, gram)
        # Rows are inputs or directions, here and below: long vectors are then contiguous.
        shape = (hidden.shape[0], self.basis.shape[2], rows)
        self.answers = standard_normal(shape, up).mul_(deviation)
        self.pre = (triangle.mT @ self.answers).mT

    def factor(self, hidden: Tensor, gram: Tensor) -> tuple[Tensor, Tensor]:
        """Q and T."""
        return orthonormal(hidden, gram)

    def backward(self, delta: Tensor, gram: Tensor) -> Tensor:
        """W^T Delta, shape (R, n_(l-1), N) from (R, n_l, N) and Delta^T Delta."""
        s = root(delta, gram).mT * self.deviation
        fresh = s @ standard_normal((delta.shape[0], s.shape[2], self.hidden.shape[1]), self.down)
        return fresh.baddbmm_(self.along(delta, fresh), self.basis.mT).mT

    def along(self, delta: Tensor, fresh: Tensor) -> Tensor:
        """What is added along Q: the fixed part, less the fresh part's share; shape (R, N, k)."""
        return torch.baddbmm(delta.mT @ self.answers.mT, fresh, self.basis, alpha=-1)


class DirectLayer:
    """The same layer with every weight drawn; arguments as of `LawLayer`."""

    sampler = "direct"

    def __init__(self, rows: int, deviation: float, hidden: Tensor, gram: Tensor, up: Generator, down: Generator) -> None:
        shape = (hidden.shape[0], rows, hidden.shape[1])
        self.weights = standard_normal(shape, up).mul_(deviation)
        self.pre = self.weights @ hidden

    def backward(self, delta: Tensor, gram: Tensor) -> Tensor:
        """W^T Delta."""
        return self.weights.mT @ delta


class IndependentLayer(LawLayer):
    """Wrong: the backward pass meets fresh weights, the assumption of gradient independence."""

    def along(self, delta: Tensor, fresh: Tensor) -> Tensor:
        """Nothing."""
        return torch.zeros_like(fresh @ self.basis)


class UnfixedLayer(LawLayer):
    """Wrong: the part of W that the forward pass has fixed is left out."""

    def along(self, delta: Tensor, fresh: Tensor) -> Tensor:
        """The fresh part's share alone."""
        return -(fresh @ self.basis)


class UnprojectedLayer(LawLayer):
    """Wrong: the fresh part is not projected off the forward pass."""

    def along(self, delta: Tensor, fresh: Tensor) -> Tensor:
        """The fixed part alone."""
        return delta.mT @ self.answers.mT


class JitteredLayer(LawLayer):
    """Wrong: the Gram matrix is made regular by 1e-3 of its mean diagonal, and 1e-6 besides."""

    def factor(self, hidden: Tensor, gram: Tensor) -> tuple[Tensor, Tensor]:
        """Q and T of the jittered Gram matrix."""
        jitter = 1e-6 + 1e-3 * gram.diagonal(dim1=1, dim2=2).mean(1)
        eye = torch.eye(gram.shape[1], dtype=gram.dtype, device=gram.device)
        triangle = torch.linalg.cholesky(gram + jitter[:, None, None] * eye).mT
        return torch.linalg.solve_triangular(triangle, hidden, upper=True, left=False), triangle
