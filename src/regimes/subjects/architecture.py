"""The architecture of a case: layer widths and inputs of a deep network, read off its axes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from regimes.case import Case
from regimes.randomness import Randomness

PROFILES = ("constant", "alternating", "widening", "narrowing")


@dataclass(frozen=True)
class Architecture:
    """Layer widths and inputs.

    Attributes:
        widths: n_0, n_1, ..., n_L; n_0 is the input's dimension.
        inputs: number N of input vectors.
        direction: `dense` for Gaussian inputs of unit norm, `sparse` for basis vectors.
        cosine: cosine of every two inputs, which are then fixed; None for random inputs.
        spread: norms of fixed inputs run from exp(-spread) to exp(spread), evenly in the logarithm.
    """

    widths: tuple[int, ...]
    inputs: int = 1
    direction: str = "dense"
    cosine: float | None = None
    spread: float = 0.0

    @property
    def hidden(self) -> tuple[int, ...]:
        """n_1, ..., n_L."""
        return self.widths[1:]

    @property
    def weights(self) -> int:
        """Weights of one network."""
        return sum(a * b for a, b in zip(self.widths[:-1], self.widths[1:], strict=True))

    def fixed_inputs(self) -> torch.Tensor:
        """Inputs with the cosine and norms asked for, shape (N, n_0), float64.

        Raises:
            ValueError: fewer input dimensions than inputs.
        """
        if self.widths[0] < self.inputs:
            raise ValueError(f"{self.inputs} inputs of one cosine need as many dimensions; got {self.widths[0]}")
        gram = equal_cosines(self.inputs, float(self.cosine or 0.0), self.spread)
        values, vectors = torch.linalg.eigh(gram)
        root = vectors * values.clamp_min(0).sqrt()
        return torch.nn.functional.pad(root, (0, self.widths[0] - self.inputs))

    def draw_inputs(self, replicates: int, randomness: Randomness) -> torch.Tensor:
        """Inputs of unit norm, or with the cosine and norms asked for, shape (replicates, N, n_0), float64."""
        shape = (replicates, self.inputs, self.widths[0])
        if self.cosine is not None:
            return self.fixed_inputs().to(randomness.device).expand(shape)
        if self.direction == "sparse":
            positions = torch.arange(self.inputs) % self.widths[0]
            return torch.eye(self.widths[0], dtype=torch.float64, device=randomness.device)[positions].expand(shape)
        x = torch.randn(
            shape, generator=randomness.generator("inputs"), device=randomness.device, dtype=torch.float64
        )
        return x / x.norm(dim=2, keepdim=True)

    def draw_angles(self, replicates: int, randomness: Randomness) -> torch.Tensor:
        """Vectors with norms and angles in the law of `draw_inputs`, in their own span where that spares draws.

        N Gaussian vectors have in the basis of their orthogonalisation the coordinates of Bartlett's triangle: chi
        variables of n_0, n_0 - 1, ... degrees of freedom on its diagonal and normal ones below.

        Returns:
            float64 of shape (replicates, N, N), or (replicates, N, n_0).
        """
        if self.cosine is not None or self.direction == "sparse" or self.widths[0] < self.inputs:
            return self.draw_inputs(replicates, randomness)
        generator = randomness.numpy("angles")
        triangle = np.tril(generator.standard_normal((replicates, self.inputs, self.inputs)), -1)
        degrees = self.widths[0] - np.arange(self.inputs)
        diagonal = np.arange(self.inputs)
        triangle[:, diagonal, diagonal] = np.sqrt(generator.chisquare(degrees, (replicates, self.inputs)))
        triangle /= np.linalg.norm(triangle, axis=2, keepdims=True)
        return torch.from_numpy(triangle).to(randomness.device)


def equal_cosines(inputs: int, cosine: float, spread: float = 0.0) -> torch.Tensor:
    """The Gram matrix of N inputs with one cosine between any two, norms from exp(-spread) to exp(spread): shape (N, N).

    Raises:
        ValueError: a cosine outside [-1/(N-1), 1], which N vectors cannot have.
    """
    if not -1 / max(inputs - 1, 1) <= cosine <= 1:
        raise ValueError(f"{inputs} inputs have a common cosine in [{-1 / max(inputs - 1, 1):g}, 1]; got {cosine}")
    norms = torch.exp(spread * torch.linspace(-1, 1, inputs, dtype=torch.float64)) if inputs > 1 else torch.ones(1).double()
    gram = torch.full((inputs, inputs), float(cosine), dtype=torch.float64).fill_diagonal_(1.0)
    return gram * norms[:, None] * norms[None, :]


def architecture(case: Case) -> Architecture:
    """The architecture that a case describes.

    Axes read: `width`, the smallest hidden width; `depth`, the number of hidden layers; `input_dim` (default: width);
    `inputs` (default 1); `direction`, or `cosine` and `spread` (default 0) for fixed inputs;
    `profile`: `constant`, `alternating` (width, 2 width, width, ...), `widening`
    (doubling twice over the depth), `narrowing` (its reverse); `ratio`, n_1/n_L, which changes the last layer alone.
    """
    width, depth = int(case["width"]), int(case["depth"])
    hidden = hidden_widths(str(case.get("profile", "constant")), width, depth)
    if "ratio" in case:
        hidden = (*hidden[:-1], max(1, round(width / float(case["ratio"]))))
    first: Any = case.get("input_dim", hidden[0])
    cosine = case.get("cosine")
    return Architecture(
        (int(first), *hidden),
        int(case.get("inputs", 1)),
        str(case.get("direction", "dense")),
        None if cosine is None else float(cosine),
        float(case.get("spread", 0.0)),
    )


def hidden_widths(profile: str, width: int, depth: int) -> tuple[int, ...]:
    """n_1, ..., n_L of a profile whose smallest width is `width`; ValueError for an unknown profile."""
    if profile == "constant":
        return (width,) * depth
    if profile == "alternating":
        return tuple(width if layer % 2 == 0 else 2 * width for layer in range(depth))
    if profile in ("widening", "narrowing"):
        grown = tuple(round(width * 4 ** (layer / max(1, depth - 1))) for layer in range(depth))
        return grown if profile == "widening" else grown[::-1]
    raise ValueError(f"the profile {profile!r} is unknown; use one of {', '.join(PROFILES)}")
