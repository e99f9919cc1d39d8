"""Gradient descent of linear denoising autoencoders as matrices, R networks at once."""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import product

import torch

from regimes.case import Case
from regimes.errors import SubjectError
from regimes.randomness import Randomness
from regimes.subjects.dae_spectra import digits_second_moment, spectrum
from regimes.subjects.subject import Subject

__all__ = [
    "MASKING", "NOISE_LAWS", "MatrixDAE",
    "aligned", "digits", "noise_corners", "random_point", "random_start", "skewed_noise",
]  # fmt: skip


NOISE_LAWS: tuple[str, ...] = ("signs", "Gaussian", "rare")
MASKING = "masking"


@dataclass(frozen=True)
class MatrixDAE:
    """R two-layer linear networks W₂W₁ on inputs of second moment Σ, in double precision.

    Attributes:
        encoder: W₁, shape (R, H, D).
        decoder: W₂, shape (R, D, H).
        moment: Σ, shape (R, D, D).
        noise: ε.
        decay: γ.
        rate: α.
        steps: n, iterations of a whole training.
        basis: V, eigenvectors of Σ as columns, shape (R, D, D).
        spectrum: λ, shape (R, D) or (D,).
        randomness: keyed streams.
        inputs: x, shape (R, N, D), where the problem was posed by data.
        start: u₀ of every mode, shape (D,), where the weights are aligned.
    """

    encoder: torch.Tensor
    decoder: torch.Tensor
    moment: torch.Tensor
    noise: float
    decay: float
    rate: float
    steps: int
    basis: torch.Tensor
    spectrum: torch.Tensor
    randomness: Randomness
    inputs: torch.Tensor | None = None
    start: torch.Tensor | None = None

    def loss(self, encoder: torch.Tensor, decoder: torch.Tensor) -> torch.Tensor:
        """L = ½ tr[(I - W)Σ(I - W)ᵀ] + (ε/2)|W|² + (γ/2)(|W₁|² + |W₂|²), shape (R,): the noise averaged out exactly."""
        product_ = decoder @ encoder
        rest = torch.eye(product_.shape[-1], dtype=product_.dtype, device=product_.device) - product_
        fit = ((rest @ self.moment) * rest).sum((-2, -1))
        size = encoder.square().sum((-2, -1)) + decoder.square().sum((-2, -1))
        return fit / 2 + self.noise / 2 * product_.square().sum((-2, -1)) + self.decay / 2 * size

    def force(self, encoder: torch.Tensor, decoder: torch.Tensor) -> torch.Tensor:
        """G = (I - W)Σ - εW, minus the loss's gradient in W, shape (R, D, D)."""
        product_ = decoder @ encoder
        return torch.baddbmm(torch.sub(self.moment, product_, alpha=self.noise), product_, self.moment, alpha=-1)

    def step(self, encoder: torch.Tensor, decoder: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """One step of gradient descent on the loss."""
        force, keep = self.force(encoder, decoder), 1 - self.rate * self.decay
        return (
            torch.baddbmm(encoder, decoder.mT, force, beta=keep, alpha=self.rate),
            torch.baddbmm(decoder, force, encoder.mT, beta=keep, alpha=self.rate),
        )

    def flow(self, encoder: torch.Tensor, decoder: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """(Ẇ₁, Ẇ₂) of gradient flow, by automatic differentiation of the loss."""
        with torch.enable_grad():
            one, two = encoder.detach().requires_grad_(), decoder.detach().requires_grad_()
            gradients = torch.autograd.grad(self.loss(one, two).sum(), (one, two))
        return -gradients[0], -gradients[1]

    def sampled_loss(self, noise: torch.Tensor, probabilities: torch.Tensor) -> torch.Tensor:
        """Mean of ½|x - W(x + n)|² over inputs x and noise vectors n, shape (R,); `loss` without its decay.

        Arguments:
            noise: n, shape (K, D), or (R, N, K, D) where noise depends on the input.
            probabilities: of the noise vectors, shape (K,).
        """
        assert self.inputs is not None
        clean = self.inputs[:, :, None, :]
        errors = clean - (clean + noise) @ (self.decoder @ self.encoder).mT[:, None]
        return (errors.square().sum(-1) * probabilities).sum(-1).mean(-1) / 2

    def products(self, points: int) -> torch.Tensor:
        """VᵀWV at `points` equally spaced iterations and at the start, shape (R, points + 1, D, D).

        Raises:
            SubjectError: a learning rate past the stability edge 1/max λ.
        """
        top = float(self.spectrum.max())
        if self.rate * top >= 1:
            raise SubjectError(
                f"the learning rate {self.rate:.4g} is past the stability edge {1 / top:.4g} = 1/λ of the largest mode: "
                "descent does not converge there; use a smaller rate"
            )
        encoder, decoder = self.encoder, self.decoder
        seen = [decoder @ encoder]
        for _ in range(points):
            for _ in range(self.steps // points):
                encoder, decoder = self.step(encoder, decoder)
            seen.append(decoder @ encoder)
        return self.basis.mT[:, None] @ torch.stack(seen, 1) @ self.basis[:, None]


def noise_corners(dimension: int, law: str, device: torch.device | str = "cpu") -> tuple[torch.Tensor, torch.Tensor]:
    """Unit-variance noise vectors and their probabilities, shapes (K, D) and (K,), exact for means of quadratics.

    Arguments:
        dimension: D.
        law: `signs` (±1), `Gaussian` (its three Gauss-Hermite nodes 0, ±√3, exact to degree 5), `rare` (0 and ±3 with
            probability 1/18 each), or `MASKING` (-1 with probability 1/4, else 0: times the input, it wipes entries).
        device: where the tensors lie.
    """
    nodes = {
        "signs": ((-1.0, 1.0), (0.5, 0.5)),
        "Gaussian": ((-(3.0**0.5), 0.0, 3.0**0.5), (1 / 6, 2 / 3, 1 / 6)),
        "rare": ((-3.0, 0.0, 3.0), (1 / 18, 8 / 9, 1 / 18)),
        MASKING: ((-1.0, 0.0), (0.25, 0.75)),
    }[law]
    points = torch.tensor(list(product(nodes[0], repeat=dimension)), dtype=torch.float64, device=device)
    weights = torch.tensor(list(product(nodes[1], repeat=dimension)), dtype=torch.float64, device=device).prod(-1)
    return points, weights


def rotations(replicates: int, size: int, randomness: Randomness, stream: str) -> torch.Tensor:
    """Haar-distributed orthogonal matrices, shape (R, size, size)."""
    gaussian = torch.randn(
        (replicates, size, size), generator=randomness.generator(stream), dtype=torch.float64, device=randomness.device
    )
    q, r = torch.linalg.qr(gaussian)
    return q * torch.diagonal(r, dim1=-2, dim2=-1).sign()[:, None, :]


def _gaussian(shape: tuple[int, ...], randomness: Randomness, stream: str) -> torch.Tensor:
    return torch.randn(shape, generator=randomness.generator(stream), dtype=torch.float64, device=randomness.device)


def _rounds(training: float, rate: float) -> int:
    return 16 * max(1, round(training / (2 * rate) / 16))


def _of_case(case: Case, randomness: Randomness, values: torch.Tensor, basis: torch.Tensor,
             weights: tuple[torch.Tensor, torch.Tensor]) -> MatrixDAE:  # fmt: skip
    top = float(values.max())
    moment = basis @ torch.diag_embed(values) @ basis.mT
    return MatrixDAE(
        weights[0], weights[1], (moment + moment.mT) / 2, float(case.get("noise", 0.0)) * top,
        float(case.get("decay", 0.0)) * top, float(case.get("rate", 0.1)) / top,
        _rounds(float(case.get("training", 1.0)), float(case.get("rate", 0.1))), basis, values, randomness,
    )  # fmt: skip


def _build_aligned(case: Case, randomness: Randomness, values: torch.Tensor, basis: torch.Tensor) -> MatrixDAE:
    # W₁ = R√u₀ V_kᵀ and W₂ = V_k √u₀ Rᵀ: R has k = min(H, D) orthonormal columns, V_k are the largest (or smallest) modes.
    size = values.shape[-1]
    width = int(case.get("width", size))
    # `values` fall in the synthetic spectra and rise in the digits', where H = D.
    count = min(width, size)
    chosen = slice(0, count) if case.get("modes", "largest") == "largest" else slice(size - count, size)
    turn = rotations(basis.shape[0], width, randomness, "hidden basis")[..., :count]
    level = float(case.initial) / (1 + float(case.get("noise", 0.0)))
    start = torch.zeros_like(values)
    start[chosen] = level
    vectors = basis[..., chosen]
    weights = level**0.5 * turn @ vectors.mT, level**0.5 * vectors @ turn.mT
    return replace(_of_case(case, randomness, values, basis, weights), start=start)


def _aligned(case: Case, replicates: int, randomness: Randomness) -> MatrixDAE:
    values = spectrum(str(case.spectrum), int(case.input_dim), randomness.device)
    return _build_aligned(case, randomness, values, rotations(replicates, len(values), randomness, "eigenvectors"))


def _random_start(case: Case, replicates: int, randomness: Randomness) -> MatrixDAE:
    size, width = int(case.input_dim), int(case.width)
    values = spectrum(str(case.get("spectrum", "linear")), size, randomness.device)
    scale = float(case.scale) / width**0.5
    weights = (
        scale * _gaussian((replicates, width, size), randomness, "encoder"),
        scale * _gaussian((replicates, size, width), randomness, "decoder"),
    )
    return _of_case(case, randomness, values, rotations(replicates, size, randomness, "eigenvectors"), weights)


def _random_point(case: Case, replicates: int, randomness: Randomness) -> MatrixDAE:
    # Inputs of any law: Σ is that of N = D + 1 Gaussian vectors, and W₁ and W₂ are anywhere.
    size, width = int(case.input_dim), int(case.width)
    inputs = _gaussian((replicates, size + 1, size), randomness, "inputs")
    moment = inputs.mT @ inputs / (size + 1)
    values, basis = torch.linalg.eigh(moment)
    weights = (
        _gaussian((replicates, width, size), randomness, "encoder") / width**0.5,
        _gaussian((replicates, size, width), randomness, "decoder") / size**0.5,
    )
    found = _of_case(case, randomness, values, basis, weights)
    return replace(found, moment=moment, inputs=inputs)


def _digits(case: Case, replicates: int, randomness: Randomness) -> MatrixDAE:
    moment = digits_second_moment(randomness.device)
    values, basis = torch.linalg.eigh(moment)
    return _build_aligned(case, randomness, values, basis.expand(replicates, -1, -1))


def _floats(case: Case) -> float:
    return 2048.0 * float(case.get("input_dim", 8))


class SkewedNoise(MatrixDAE):
    """Noise of the same trace, ε diag(2, 4, .., 2D)/(D + 1) in the coordinates of x: it does not commute with Σ."""

    def force(self, encoder: torch.Tensor, decoder: torch.Tensor) -> torch.Tensor:
        """(I - W)Σ - WΓ for the noise's covariance Γ."""
        product_ = decoder @ encoder
        size = product_.shape[-1]
        levels = 2 * torch.arange(1, size + 1, dtype=product_.dtype, device=product_.device) / (size + 1)
        return self.moment - product_ @ self.moment - self.noise * product_ * levels


def _skewed(case: Case, replicates: int, randomness: Randomness) -> SkewedNoise:
    return SkewedNoise(**_aligned(case, replicates, randomness).__dict__)


aligned = Subject("linear DAE, aligned start", _aligned, "W₁ = R√u₀Vᵀ, W₂ = V√u₀Rᵀ", footprint=_floats)
skewed_noise = Subject("linear DAE, skewed noise", _skewed, "noise that does not commute with Σ", footprint=_floats)
random_start = Subject("linear DAE, random start", _random_start, "N(0, s²/H) weights", footprint=lambda case: 65536.0)
random_point = Subject("linear DAE, any weights", _random_point, "Gaussian inputs and weights", footprint=_floats)
digits = Subject("linear DAE on digits", _digits, "scikit-learn's 1,797 digits of 64 pixels", footprint=lambda case: 2.0**19)
