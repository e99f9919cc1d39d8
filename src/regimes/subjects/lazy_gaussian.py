"""Gaussian matrices revealed lazily: any adaptive sequence of products W x and W^T y, exact in law, without W.

What has been asked is kept as orthonormal bases Q of the right queries and P of the left ones with their answers
A = W Q and B = W^T P. A new direction u of the right has W u = P B^T u + (I - P P^T) sigma xi, xi standard normal: the
part that the left answers have fixed and a fresh part, the conditioning lemma of M. Bayati, A. Montanari (2011),
arXiv 1001.3448. The left is the mirror image. Low-rank updates W + P M Q^T are kept as the small matrix M, so that a
gradient step costs nothing but its two products.
"""

from __future__ import annotations

import torch
from torch import Tensor

from regimes.subjects.orthonormal import Generator, orthonormal, standard_normal
from regimes.subjects.thin import gram_matrix, product


class _Side:
    """Basis vectors and their answers as rows, in buffers that double: shapes (R, count, n) and (R, count, m)."""

    def __init__(self, replicates: int, size: int, answer_size: int, room: int, device: torch.device) -> None:
        self.count = 0
        self._basis = torch.empty(replicates, room, size, dtype=torch.float64, device=device)
        self._answers = torch.empty(replicates, room, answer_size, dtype=torch.float64, device=device)

    @property
    def basis(self) -> Tensor:
        return self._basis[:, : self.count]

    @property
    def answers(self) -> Tensor:
        return self._answers[:, : self.count]

    def append(self, vectors: Tensor, answers: Tensor) -> None:
        total = self.count + vectors.shape[1]
        if total > self._basis.shape[1]:
            room = max(total, min(2 * self._basis.shape[1], self.count + 64))
            self._basis, self._answers = _longer(self._basis, self.count, room), _longer(self._answers, self.count, room)
        self._basis[:, self.count : total] = vectors
        self._answers[:, self.count : total] = answers
        self.count = total


def _longer(rows: Tensor, count: int, room: int) -> Tensor:
    longer = rows.new_empty(rows.shape[0], room, rows.shape[2])
    longer[:, :count] = rows[:, :count]
    return longer


class LazyGaussian:
    """R matrices W of shape (rows, columns) with independent N(0, std^2) entries, revealed as they are asked.

    A product with k new directions costs O((rows + columns) K) time, K being the number of directions asked so far.

    Arguments:
        rows, columns: shape of W.
        std: deviation of the entries.
        generator: source of the fresh parts, NumPy's or torch's; its device is the matrices'.
        replicates: R.
        room: directions of either side that there is memory for at first; more are made room for as they come.

    Attributes:
        passes, fixed, projected: 2, True, True; wrong samplers, used as controls, change them.
    """

    passes = 2
    fixed = True
    projected = True

    def __init__(
        self, rows: int, columns: int, std: float, generator: Generator, replicates: int = 1, room: int = 4
    ) -> None:
        if rows < 1 or columns < 1 or std < 0:
            raise ValueError(f"a Gaussian matrix has rows, columns >= 1 and std >= 0; got {rows}, {columns}, {std}")
        self.rows, self.columns, self.std, self.generator, self.replicates = rows, columns, std, generator, replicates
        device = generator.device if isinstance(generator, torch.Generator) else torch.device("cpu")
        self._right = _Side(replicates, columns, rows, min(room, columns), device)
        self._left = _Side(replicates, rows, columns, min(room, rows), device)
        self._updates = torch.zeros(replicates, 0, 0, dtype=torch.float64, device=device)
        self._last: dict[str, tuple[Tensor, Tensor]] = {}

    def matvec(self, x: Tensor) -> Tensor:
        """W X, shape (R, rows, k) from (R, columns, k)."""
        return self._ask("right", x)

    def rmatvec(self, y: Tensor) -> Tensor:
        """W^T Y, shape (R, columns, k) from (R, rows, k)."""
        return self._ask("left", y)

    def add(self, y: Tensor, x: Tensor, scale: float = 1.0) -> None:
        """W <- W + scale Y X^T; free if X and Y are the tensors that were asked last.

        Arguments:
            y: shape (R, rows, k).
            x: shape (R, columns, k).
            scale: factor.
        """
        left, right = self._coordinates("left", y), self._coordinates("right", x)
        self._grow()
        self._updates[:, : left.shape[2], : right.shape[2]] += scale * (left.mT @ right)

    def materialise(self) -> Tensor:
        """A dense W that agrees with every answer given and has the right law given them, shape (R, rows, columns)."""
        q, a, p, b = self._right.basis, self._right.answers, self._left.basis, self._left.answers
        fresh = self.std * standard_normal((self.replicates, self.rows, self.columns), self.generator)
        fresh = fresh - p.mT @ (p @ fresh) + p.mT @ b
        self._grow()
        return a.mT @ q + fresh - (fresh @ q.mT) @ q + p.mT @ self._updates @ q

    def _sides(self, side: str) -> tuple[_Side, _Side]:
        return (self._right, self._left) if side == "right" else (self._left, self._right)

    def _ask(self, side: str, x: Tensor) -> Tensor:
        here, there = self._sides(side)
        coordinates = self._coordinates(side, x)
        answer = product(coordinates, here.answers)
        if self._updates.shape[1]:
            m = self._updates if side == "left" else self._updates.mT
            found = min(m.shape[1], coordinates.shape[2])
            answer.baddbmm_(coordinates[:, :, :found] @ m[:, :found], there.basis[:, : m.shape[2]])
        return answer.mT

    def _coordinates(self, side: str, x: Tensor) -> Tensor:
        """Coordinates of X's columns in the basis, which is extended where X leaves it: shape (R, k, count)."""
        here, _ = self._sides(side)
        seen, found = self._last.get(side, (None, None))
        if seen is x and found is not None:
            return found
        rows, q = x.mT.contiguous(), here.basis
        old = product(rows, q.mT)
        rest = torch.baddbmm(rows, old, q, alpha=-1) if here.count else rows
        # A rest below the rounding of the n-term inner products that made it is no direction of its own.
        rest, u = _directions(rest, rows.shape[2] * torch.finfo(rows.dtype).eps * rows.norm(dim=2))
        for _ in range(self.passes - 1):
            # The first pass leaves a part along Q where the rest is small beside X: the second takes it away.
            again = torch.baddbmm(u, product(u, q.mT), q, alpha=-1)
            # A unit vector that loses half of itself now was rounding (Kahan's criterion).
            _, u = _directions(again, torch.full_like(again[:, :, 0], 0.5))
        alive = u.norm(dim=2) > 0.5
        kept = alive.any(0)
        if not kept.any():
            coordinates = old
        else:
            if not kept.all():
                u, alive = u[:, kept], alive[:, kept]
            coordinates = torch.cat([old, product(rest, u.mT)], 2)
            here.append(u, self._reveal(side, u, alive))
        self._last[side] = (x, coordinates)
        return coordinates

    def _reveal(self, side: str, u: Tensor, alive: Tensor) -> Tensor:
        """W_0 u for new unit vectors u, as rows; zero for zero rows, which are not alive."""
        _, there = self._sides(side)
        size = self.rows if side == "right" else self.columns
        fresh = standard_normal((self.replicates, u.shape[1], size), self.generator).mul_(self.std)
        if not alive.all():
            fresh *= alive[:, :, None]
        if not there.count:
            return fresh
        along = torch.zeros(self.replicates, u.shape[1], there.count, dtype=u.dtype, device=u.device)
        if self.fixed:
            along = product(u, there.answers.mT)
        if self.projected:
            along = along - product(fresh, there.basis.mT)
        return fresh.baddbmm_(along, there.basis)

    def _grow(self) -> None:
        shape = (self.replicates, self._left.count, self._right.count)
        if self._updates.shape != shape:
            grown = self._updates.new_zeros(shape)
            grown[:, : self._updates.shape[1], : self._updates.shape[2]] = self._updates
            self._updates = grown


def _directions(rows: Tensor, least: Tensor) -> tuple[Tensor, Tensor]:
    """Rows (R, k, n), 0 where no longer than `least` (R, k), and orthonormal ones spanning them, 0 beyond their rank."""
    gram = gram_matrix(rows.mT)
    long = gram.diagonal(dim1=1, dim2=2).sqrt() > least
    if not long.all():
        rows = rows * long[:, :, None]
        gram = gram_matrix(rows.mT)
    return rows, orthonormal(rows.mT, gram)[0].mT.contiguous()


class DenseGaussian:
    """The same matrices drawn entry by entry, with the same methods; arguments as of `LazyGaussian`."""

    def __init__(
        self, rows: int, columns: int, std: float, generator: Generator, replicates: int = 1, room: int = 0
    ) -> None:
        self.weights = standard_normal((replicates, rows, columns), generator).mul_(std)

    def matvec(self, x: Tensor) -> Tensor:
        """W X."""
        return self.weights @ x

    def rmatvec(self, y: Tensor) -> Tensor:
        """W^T Y."""
        return self.weights.mT @ y

    def add(self, y: Tensor, x: Tensor, scale: float = 1.0) -> None:
        """W <- W + scale Y X^T."""
        self.weights.baddbmm_(y, x.mT, alpha=scale)
