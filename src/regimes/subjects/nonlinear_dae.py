"""Denoising autoencoders with a nonlinear hidden layer, R networks trained at once on Gaussian data."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch

from regimes.case import Case
from regimes.randomness import Randomness
from regimes.subjects.dae_spectra import spectrum
from regimes.subjects.linear_dae import rotations
from regimes.subjects.subject import Subject

__all__ = ["ACTIVATIONS", "NonlinearDAE", "nonlinear"]

ACTIVATIONS: dict[str, Callable[[torch.Tensor], torch.Tensor]] = {
    "tanh": torch.tanh, "ReLU": torch.relu, "linear": lambda hidden: hidden,
}  # fmt: skip


@dataclass(frozen=True)
class NonlinearDAE:
    """R autoencoders W₂ φ(W₁ x), trained by gradient descent on N inputs with fresh Gaussian noise at every step.

    Attributes:
        encoder, decoder: W₁ and W₂ at the start, shapes (R, H, D) and (R, D, H).
        inputs: x, shape (R, N, D), of second moment Σ with top eigenvalue 1.
        activation: φ.
        noise: ε of the noisy training.
        decay: γ of the training with weight decay.
        rate: α of both.
        steps: iterations of both.
        randomness: keyed streams.
    """

    encoder: torch.Tensor
    decoder: torch.Tensor
    inputs: torch.Tensor
    activation: Callable[[torch.Tensor], torch.Tensor]
    noise: float
    decay: float
    rate: float
    steps: int
    randomness: Randomness

    def curve(self, noise: float, decay: float) -> torch.Tensor:
        """Slope of v·W₂φ(W₁x) against v·x, v the top eigenvector, at every step, shape (R, n + 1): the top mode's u."""
        encoder, decoder, inputs = self.encoder, self.decoder, self.inputs
        generator = self.randomness.generator("noise")
        top = torch.linalg.eigh(inputs.mT @ inputs).eigenvectors[..., -1:]
        wanted = inputs @ top
        seen = []
        for _ in range(self.steps + 1):
            clean = self.activation(inputs @ encoder.mT) @ (decoder.mT @ top)
            seen.append((clean * wanted).sum((1, 2)) / wanted.square().sum((1, 2)))
            fresh = torch.randn(inputs.shape, generator=generator, dtype=inputs.dtype, device=inputs.device)
            encoder, decoder = self._step(encoder, decoder, inputs + noise**0.5 * fresh, decay)
        return torch.stack(seen, 1)

    def _step(
        self, encoder: torch.Tensor, decoder: torch.Tensor, noisy: torch.Tensor, decay: float
    ) -> tuple[torch.Tensor, torch.Tensor]:
        with torch.enable_grad():
            one, two = encoder.detach().requires_grad_(), decoder.detach().requires_grad_()
            errors = self.inputs - self.activation(noisy @ one.mT) @ two.mT
            loss = errors.square().sum(-1).mean(-1).sum() / 2
            first, second = torch.autograd.grad(loss, (one, two))
        keep = 1 - self.rate * decay
        return keep * encoder - self.rate * first, keep * decoder - self.rate * second

    def times(self, noise: float, decay: float, share: float = 0.5) -> torch.Tensor:
        """Steps until the curve first reaches `share` of its mean over the last tenth of training, shape (R,)."""
        curve = self.curve(noise, decay)
        end = curve[:, -max(1, self.steps // 10) :].mean(1, keepdim=True)
        return (curve >= share * end).int().argmax(1).double()


def _build(case: Case, replicates: int, randomness: Randomness) -> NonlinearDAE:
    size, width, count = int(case.input_dim), int(case.width), 8 * int(case.input_dim)
    generator = randomness.generator("inputs")

    def gaussian(*shape: int) -> torch.Tensor:
        return torch.randn((replicates, *shape), generator=generator, dtype=torch.float64, device=randomness.device)

    values = spectrum("power law", size, randomness.device)
    basis = rotations(replicates, size, randomness, "eigenvectors")
    inputs = (gaussian(count, size) * values.sqrt()) @ basis.mT
    scale, noise = float(case.scale), float(case.noise)
    weights = scale * gaussian(width, size) / width**0.5, scale * gaussian(size, width) / width**0.5
    return NonlinearDAE(
        *weights, inputs, ACTIVATIONS[str(case.activation)], noise, noise / (1 + noise), 0.1, 600, randomness
    )  # fmt: skip


def _floats(case: Case) -> float:
    return 2.0**16


nonlinear = Subject("nonlinear DAE", _build, "W₂ φ(W₁x), Gaussian inputs with λᵢ = 1/i", footprint=_floats)
