"""Full-batch gradient descent of wide networks whose hidden matrices are never drawn: exact in law at any width.

f(x) = v h^L / sqrt(n), h^l = act(sqrt(c/n) W^l h^(l-1)), h^1 = act(sqrt(c) U x) with standard normal parameters, c = 2 for
ReLU and 1 for tanh, in the parametrisation of A. Jacot et al., Neural Tangent Kernel (2018), arXiv 1806.07572. Each step of
the loss (1/2) sum_i (f(x_i) - y_i)^2 asks every hidden matrix N times from either side and updates it by rank N.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import torch
from torch import Tensor

from regimes.case import Case
from regimes.errors import SubjectError
from regimes.randomness import Randomness
from regimes.subjects.activations import ACTIVATIONS
from regimes.subjects.architecture import Architecture, architecture
from regimes.subjects.lazy_gaussian import DenseGaussian, LazyGaussian
from regimes.subjects.orthonormal import Generator, standard_normal, stream
from regimes.subjects.subject import Subject

GAINS = {"relu": 2.0, "tanh": 1.0}
Matrix = Callable[[int, int, float, Generator, int, int], LazyGaussian | DenseGaussian]


class Training:
    """R networks with L >= 2 hidden layers of one width, trained for T steps.

    Arguments:
        shape: widths and inputs; x_i are of unit norm, y_i = 1, -1, 1, ...
        replicates: R.
        randomness: keyed streams.
        steps: T.
        rate: learning rate, in the parametrisation above.
        activation: `relu` or `tanh`.
        matrix: `LazyGaussian` or `DenseGaussian`.

    Raises:
        SubjectError: fewer than two hidden layers, unequal widths, or another activation.
    """

    def __init__(
        self, shape: Architecture, replicates: int, randomness: Randomness, *,
        steps: int, rate: float, activation: str = "relu", matrix: Matrix = LazyGaussian,
    ) -> None:  # fmt: skip
        if len(shape.hidden) < 2 or len(set(shape.hidden)) > 1:
            raise SubjectError(f"training takes two or more hidden layers of one width; got widths {shape.hidden}")
        if activation not in GAINS:
            raise SubjectError(f"training takes the activations {', '.join(GAINS)}; got {activation!r}")
        self.shape, self.replicates, self.randomness = shape, replicates, randomness
        self.steps, self.rate, self.matrix, self.gain = steps, rate, matrix, GAINS[activation]
        self.act, self.derivative, _ = ACTIVATIONS[activation]
        self.sampler = "direct" if matrix is DenseGaussian else "lazy"

    def _normal(self, name: str, rows: int) -> Tensor:
        return standard_normal((self.replicates, rows, self.shape.hidden[0]), stream(self.randomness, name))

    def losses(self) -> Tensor:
        """(1/2) sum_i (f(x_i) - y_i)^2 after 0, ..., T steps, shape (R, T + 1)."""
        width, deviation = self.shape.hidden[0], math.sqrt(self.gain / self.shape.hidden[0])
        # Rows are inputs or directions throughout, so that long vectors are contiguous.
        x = self.shape.draw_inputs(self.replicates, self.randomness)
        targets = 1 - 2 * (torch.arange(x.shape[1], device=x.device) % 2).double()
        first = math.sqrt(self.gain) * self._normal("first", x.shape[2])
        last = self._normal("last", 1) / math.sqrt(width)
        room = x.shape[1] * (self.steps + 1)
        hidden = [
            self.matrix(width, width, deviation, stream(self.randomness, f"matrix {layer}"), self.replicates, room)
            for layer in range(len(self.shape.hidden) - 1)
        ]
        losses = []
        for step in range(self.steps + 1):
            z = x @ first
            h = [self.act(z)]
            slopes = [self.derivative(z, h[0])]
            asked = []
            for w in hidden:
                asked.append(h[-1].mT)
                z = w.matvec(asked[-1]).mT
                h.append(self.act(z))
                slopes.append(self.derivative(z, h[-1]))
            residual = h[-1] @ last.mT - targets[:, None]
            losses.append(0.5 * residual.square().sum((1, 2)))
            if step == self.steps:
                break
            delta = (residual @ last).mul_(slopes[-1])
            last = last - self.rate / width * (residual.mT @ h[-1])
            for index in range(len(hidden) - 1, -1, -1):
                sent = delta.mT
                back = hidden[index].rmatvec(sent).mT
                hidden[index].add(sent, asked[index], -self.rate * self.gain / width)
                delta = back * slopes[index]
            first = torch.baddbmm(first, x.mT, delta, alpha=-self.rate * self.gain)
        return torch.stack(losses, 1)


def training(name: str, description: str, matrix: Matrix) -> Subject:
    """A subject of `Training`; the case's axes are width, depth >= 2, inputs, input_dim, steps, rate and activation."""

    def build(case: Case, replicates: int, randomness: Randomness) -> Training:
        return Training(
            architecture(case), replicates, randomness,
            steps=int(case["steps"]), rate=float(case["rate"]), activation=str(case.get("activation", "relu")), matrix=matrix,
        )  # fmt: skip

    def footprint(case: Case) -> float:
        width, matrices = float(case["width"]), float(case["depth"]) - 1
        if matrix is DenseGaussian:
            return matrices * width**2
        return matrices * 4 * width * float(case["inputs"]) * (float(case["steps"]) + 1)

    return Subject(name, build, description, footprint)


lazy_training = training("training, lazy", "gradient descent with hidden matrices revealed as they are asked", LazyGaussian)
dense_training = training("training, dense", "gradient descent with every weight drawn", DenseGaussian)
