"""One Gaussian layer asked twice, for W H on the way up and W^T Delta on the way down: exact in law, or with all weights.

With H = Q T and A = W Q given, W^T Delta is Q A^T Delta + (I - Q Q^T) F, F = sigma Xi C with standard normal Xi and
C^T C = Delta^T Delta, if Delta depends on W through W H alone. N numbers a unit each way take the place of n weights a
unit. Q itself is not needed: for any B = Q S^T this is F + B (S S^T)^-1 ((W B)^T Delta - B^T F), and H serves as B.
"""

from __future__ import annotations

import torch
from torch import Tensor

from regimes.subjects.orthonormal import Generator, factors, root, standard_normal
from regimes.subjects.thin import product


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
        pre: W H, shape (R, n_l, N).
        span: B, shape (R, n_(l-1), k), k = min(n_(l-1), N).
        lower: S, shape (R, k, k).
        known: W B, shape (R, n_l, k).
    """

    sampler = "gram"

    def __init__(self, rows: int, deviation: float, hidden: Tensor, gram: Tensor, up: Generator, down: Generator) -> None:
        self.deviation, self.down = deviation, down
        self.span, self.lower, triangle = self.factor(hidden, gram)
        # Rows are inputs or directions, here and below: long vectors are then contiguous.
        shape = (hidden.shape[0], triangle.shape[1], rows)
        answers = standard_normal(shape, up)
        self.pre = product(deviation * triangle.mT, answers).mT
        self.known = self.pre if self.span is hidden else product(deviation * self.lower, answers).mT

    def factor(self, hidden: Tensor, gram: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """B, S and T."""
        return factors(hidden, gram)

    def backward(self, delta: Tensor, gram: Tensor) -> Tensor:
        """W^T Delta, shape (R, n_(l-1), N) from (R, n_l, N) and Delta^T Delta."""
        s = root(delta, gram).mT * self.deviation
        fresh = product(s, standard_normal((delta.shape[0], s.shape[2], self.span.shape[1]), self.down))
        along = torch.cholesky_solve(self.along(delta, fresh), self.lower)
        return fresh.baddbmm_(along.mT, self.span.mT).mT

    def along(self, delta: Tensor, fresh: Tensor) -> Tensor:
        """B^T of what is added along B: the fixed part, less the fresh part's share; shape (R, k, N)."""
        return product(self.known.mT, delta) - product(self.span.mT, fresh.mT)


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
        return torch.zeros_like(self.span.mT @ fresh.mT)


class RectifiedLayer(LawLayer):
    """Wrong: positive parts stand for pre-activations, as if the error of an input met that input alone."""

    def __init__(self, rows: int, deviation: float, hidden: Tensor, gram: Tensor, up: Generator, down: Generator) -> None:
        super().__init__(rows, deviation, hidden, gram, up, down)
        if self.known is self.pre:
            self.known = self.pre.clamp_min(0)


class UnfixedLayer(LawLayer):
    """Wrong: the part of W that the forward pass has fixed is left out."""

    def along(self, delta: Tensor, fresh: Tensor) -> Tensor:
        """The fresh part's share alone."""
        return -(self.span.mT @ fresh.mT)


class UnprojectedLayer(LawLayer):
    """Wrong: the fresh part is not projected off the forward pass."""

    def along(self, delta: Tensor, fresh: Tensor) -> Tensor:
        """The fixed part alone."""
        return self.known.mT @ delta


class JitteredLayer(LawLayer):
    """Wrong: the Gram matrix is made regular by 1e-3 of its mean diagonal, and 1e-6 besides."""

    def factor(self, hidden: Tensor, gram: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """H, and S and T of the jittered Gram matrix."""
        jitter = 1e-6 + 1e-3 * gram.diagonal(dim1=1, dim2=2).mean(1)
        eye = torch.eye(gram.shape[1], dtype=gram.dtype, device=gram.device)
        lower = torch.linalg.cholesky(gram + jitter[:, None, None] * eye)
        return hidden, lower, lower.mT
