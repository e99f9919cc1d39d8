"""Denoising autoencoders with a nonlinear hidden layer, R networks trained at once on Gaussian data."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import torch

from regimes.case import Case
from regimes.randomness import Randomness
from regimes.subjects.dae_spectra import spectrum
from regimes.subjects.linear_dae import rotations
from regimes.subjects.subject import Subject

__all__ = ["ACTIVATIONS", "NonlinearDAE", "nonlinear"]

Function = Callable[[torch.Tensor], torch.Tensor]
# φ, and φ' as a function of φ.
ACTIVATIONS: dict[str, tuple[Function, Function]] = {
    "tanh": (torch.tanh, lambda hidden: 1 - hidden**2),
    "ReLU": (torch.relu, lambda hidden: (hidden > 0).to(hidden.dtype)),
    "linear": (lambda hidden: hidden, torch.ones_like),
}


@dataclass(frozen=True)
class NonlinearDAE:
    """R autoencoders W₂ φ(W₁ x), trained by gradient descent on N inputs with fresh Gaussian noise at every step.

    Attributes:
        encoder, decoder: W₁ and W₂ at the start, shapes (R, H, D) and (R, D, H).
        inputs: x, shape (R, N, D), of second moment Σ with top eigenvalue 1.
        activation: φ, and φ' as a function of φ.
        noise: ε of the noisy training.
        decay: γ of the training with weight decay.
        rate: α of both.
        steps: iterations of both.
        randomness: keyed streams.
    """

    encoder: torch.Tensor
    decoder: torch.Tensor
    inputs: torch.Tensor
    activation: tuple[Function, Function]
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
            clean = self.activation[0](inputs @ encoder.mT) @ (decoder.mT @ top)
            seen.append((clean * wanted).sum((1, 2)) / wanted.square().sum((1, 2)))
            fresh = torch.randn(inputs.shape, generator=generator, dtype=inputs.dtype, device=inputs.device)
            encoder, decoder = self._step(encoder, decoder, inputs + noise**0.5 * fresh, decay)
        return torch.stack(seen, 1)

    def _step(
        self, encoder: torch.Tensor, decoder: torch.Tensor, noisy: torch.Tensor, decay: float
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """A step on the mean of ½|x - W₂φ(W₁(x + n))|² and the decay."""
        function, slope = self.activation
        units = function(noisy @ encoder.mT)
        errors = (units @ decoder.mT - self.inputs) / noisy.shape[1]
        first = ((errors @ decoder) * slope(units)).mT @ noisy
        second = errors.mT @ units
        keep = 1 - self.rate * decay
        return keep * encoder - self.rate * first, keep * decoder - self.rate * second

    def times(self, noise: float, decay: float, own_rate: bool = False) -> torch.Tensor:
        """Steps until the curve first reaches half of its mean over the last tenth of training, shape (R,).

        Arguments:
            noise: ε of this training.
            decay: γ of this training.
            own_rate: at 1 + ε/λ₁ times the learning rate, the networks' ε.
        """
        chosen = replace(self, rate=self.rate * (1 + self.noise)) if own_rate else self
        curve = chosen.curve(noise, decay)
        end = curve[:, -(self.steps // 10) :].mean(1, keepdim=True)
        return (curve >= end / 2).int().argmax(1).double()


def _build(case: Case, replicates: int, randomness: Randomness) -> NonlinearDAE:
    size, width, count = int(case.input_dim), int(case.width), 4 * int(case.input_dim)
    generator = randomness.generator("inputs")

    def gaussian(*shape: int) -> torch.Tensor:
        return torch.randn((replicates, *shape), generator=generator, dtype=torch.float64, device=randomness.device)

    values = spectrum("power law", size, randomness.device)
    basis = rotations(replicates, size, randomness, "eigenvectors")
    inputs = (gaussian(count, size) * values.sqrt()) @ basis.mT
    scale, noise = float(case.scale), float(case.noise)
    weights = scale * gaussian(width, size) / width**0.5, scale * gaussian(size, width) / width**0.5
    return NonlinearDAE(
        *weights, inputs, ACTIVATIONS[str(case.activation)], noise, noise / (1 + noise), 0.1, 400, randomness
    )  # fmt: skip


def _floats(case: Case) -> float:
    return 2.0**16


nonlinear = Subject("nonlinear DAE", _build, "W₂ φ(W₁x), Gaussian inputs with λᵢ = 1/i", footprint=_floats)
