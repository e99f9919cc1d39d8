"""Gradient descent of linear denoising autoencoders, R modes at once as tensors of shape (R,)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import torch

from regimes.case import Case
from regimes.errors import SubjectError
from regimes.randomness import Randomness
from regimes.subjects.subject import Subject
from regimes.theory import dae_stability

__all__ = ["Modes", "TwoModes", "anywhere", "at_the_edge", "copies", "many_steps", "pairs", "scattered", "wrong"]

HUGE = 1e6


@dataclass(frozen=True)
class Modes:
    """R problems of one mode each, in double precision.

    A step is w₁' = (1 - αγ₁)w₁ + α(pull - slope w₁w₂)w₂, and w₂' with the indices exchanged; the denoising autoencoder
    has pull = λ, slope = λ + ε and γ₁ = γ₂ = γ.

    Attributes:
        eigenvalue, noise, decay: λ, ε and γ of the problem posed, shape (R,).
        encoder, decoder: w₁ and w₂ at the start, shape (R,).
        rate: α, shape (R,).
        steps: n, iterations of a whole training.
        pull, slope, decays: what the descent in fact uses, shape (R,) each; `decays` is (γ₁, γ₂).
        randomness: keyed streams.
    """

    eigenvalue: torch.Tensor
    noise: torch.Tensor
    decay: torch.Tensor
    encoder: torch.Tensor
    decoder: torch.Tensor
    rate: torch.Tensor
    steps: int
    pull: torch.Tensor
    slope: torch.Tensor
    decays: tuple[torch.Tensor, torch.Tensor]
    randomness: Randomness

    @classmethod
    def posed(
        cls,
        problem: tuple[torch.Tensor, torch.Tensor, torch.Tensor],
        weights: tuple[torch.Tensor, torch.Tensor],
        rate: torch.Tensor,
        steps: int,
        randomness: Randomness,
    ) -> Modes:
        """The denoising autoencoder's own descent on the problem (λ, ε, γ) from the weights (w₁, w₂)."""
        eigenvalue, noise, decay = problem
        return cls(
            eigenvalue, noise, decay, *weights, rate, steps, eigenvalue, eigenvalue + noise, (decay, decay), randomness
        )

    def edge(self) -> torch.Tensor:
        """The stability edge of the problem posed, shape (R,): 1/max(λ - γ, γ), or 2/(λ + γ) for γ >= λ."""
        found = dae_stability.edge(*(x.cpu().numpy() for x in (self.eigenvalue, self.noise, self.decay)))
        return torch.from_numpy(found).to(self.eigenvalue)

    def check_rate(self) -> None:
        """Raise SubjectError for a learning rate at or past the stability edge 1/max(λ - γ, γ)."""
        edge = self.edge()
        beyond = self.rate >= edge
        if bool(beyond.any()):
            first = int(beyond.nonzero()[0, 0])
            raise SubjectError(
                f"the learning rate {float(self.rate[first]):.4g} is past the stability edge {float(edge[first]):.4g} "
                "= 1/max(λ - γ, γ): descent does not settle there; use a smaller rate"
            )

    def path(self, points: int | None = None, *, guarded: bool = True) -> torch.Tensor:
        """(w₁, w₂) at `points` equally spaced iterations and at the start, shape (R, points + 1, 2).

        Arguments:
            points: how many; they divide `steps`. None for every iteration.
            guarded: refuse rates past the stability edge; without it weights stop at ±10⁶, so that nothing overflows.

        Raises:
            SubjectError: a guarded rate past the edge.
        """
        if guarded:
            self.check_rate()
        count = points or self.steps
        stride = self.steps // count
        pull, slope = self.rate * self.pull, self.rate * self.slope
        keep = 1 - self.rate * torch.stack(self.decays)
        weights = torch.stack([self.encoder, self.decoder])
        seen = [weights]
        for _ in range(count):
            for _ in range(stride):
                weights = keep * weights + (pull - slope * weights[0] * weights[1]) * weights.flip(0)
                if not guarded:
                    weights = weights.clamp(-HUGE, HUGE)
            seen.append(weights)
        return torch.stack(seen, 1).permute(2, 1, 0)

    def products(self, points: int | None = None, *, guarded: bool = True) -> torch.Tensor:
        """Products u = w₁w₂ at the points of `path`, shape (R, points + 1)."""
        return self.path(points, guarded=guarded).prod(-1)

    def training_of(self, steps: int, share: float | None = None) -> Modes:
        """The same problems trained for `steps` iterations at the learning rate share/λ, or at their own."""
        return replace(self, steps=steps, rate=self.rate if share is None else share / self.eigenvalue)

    def at_rate(self, rate: torch.Tensor) -> Modes:
        """The same problems at another learning rate."""
        return replace(self, rate=rate)

    def with_problem(self, noise: torch.Tensor, decay: torch.Tensor) -> Modes:
        """The same start and learning rate with other noise and decay."""
        problem = (self.eigenvalue, noise, decay)
        return Modes.posed(problem, (self.encoder, self.decoder), self.rate, self.steps, self.randomness)

    def sampled_forces(self, u: torch.Tensor) -> torch.Tensor:
        """One stochastic force x̂ŷ - uŷ², ŷ = x̂ + n, for each u of shape (R,); its mean is λ - ξu.

        x̂ ~ N(0, λ) and n ~ N(0, ε) are one fresh sample of the mode and its noise.
        """
        generator = self.randomness.generator("sample")
        clean, noise = torch.randn((2, *u.shape), generator=generator, dtype=u.dtype, device=u.device)
        clean = clean * self.pull.sqrt()
        noisy = clean + noise * (self.slope - self.pull).clamp(min=0).sqrt()
        return clean * noisy - u * noisy**2


def _training(case: Case) -> int:
    """Iterations n = training/(2αa), a multiple of 32: `training` counts 2|λ - γ|t."""
    rounds = float(case.get("training", 1.0)) / (2 * float(case.get("rate", 0.1)) * abs(1 - float(case.get("decay", 0.0))))
    return 32 * max(1, round(rounds / 32))


def _build(case: Case, replicates: int, randomness: Randomness, scatter: float) -> Modes:
    generator = randomness.generator("problems")

    def draw(value: float) -> torch.Tensor:
        uniform = torch.rand(replicates, generator=generator, dtype=torch.float64, device=randomness.device)
        return value * (1 - scatter * uniform)

    eigenvalue = draw(float(case.get("eigenvalue", 1.0)))
    noise = draw(float(case.get("noise", 0.0)))
    # The decay is a share of λ, the start a share of u*, the rate a share of 1/λ.
    decay = float(case.get("decay", 0.0)) * eigenvalue
    # Where the decay removes the mode, the start is a share of what the noise alone would leave.
    reach = torch.where(decay < eigenvalue, eigenvalue - decay, eigenvalue)
    start = draw(float(case.initial)) * reach / (eigenvalue + noise)
    ratio = torch.full_like(start, float(case.get("imbalance", 1.0))).sqrt()
    weights = (start.sqrt() / ratio, start.sqrt() * ratio)
    rate = float(case.get("rate", 0.1)) / eigenvalue
    return Modes.posed((eigenvalue, noise, decay), weights, rate, _training(case), randomness)


def _subject(name: str, scatter: float, change: Callable[[Modes], dict[str, Any]] | None = None, what: str = "") -> Subject:
    def build(case: Case, replicates: int, randomness: Randomness) -> Modes:
        modes = _build(case, replicates, randomness, scatter)
        return replace(modes, **change(modes)) if change else modes

    return Subject(name, build, what or name, footprint=lambda case: 4096.0 if scatter else 65536.0)


scattered = _subject("linear DAE", 0.5, what="each replicate another problem, its λ, ε and u₀ in [1/2, 1] of the case's")
copies = _subject("linear DAE, one problem", 0.0, what="every replicate the case's own problem")


def _masked(modes: Modes) -> dict[str, Any]:
    # Masking with keep probability p: E x̂ŷ = pλ and E ŷ² = pλ, at the p that would shrink as ε does.
    kept = modes.eigenvalue * modes.eigenvalue / (modes.eigenvalue + modes.noise)
    return {"pull": kept, "slope": kept}


WRONG: dict[str, tuple[Callable[[Modes], dict[str, Any]], str]] = {
    "twice the noise": (lambda m: {"slope": m.eigenvalue + 2 * m.noise}, "noise of variance 2ε"),
    "noise on the target": (
        lambda m: {"pull": m.slope, "slope": m.slope}, "reconstructs the noisy input, which W = I does perfectly"),
    "masking noise": (_masked, "mean not zero: it does not shrink a mode"),
    "decay on one layer": (lambda m: {"decays": (m.decay, torch.zeros_like(m.decay))}, "γ on the encoder only"),
    "no decay": (lambda m: {"decays": (torch.zeros_like(m.decay),) * 2}, "γ forgotten"),
    "half the gradient": (lambda m: {"pull": m.pull / 2, "slope": m.slope / 2}, "a loss with 1/4 for 1/2"),
}  # fmt: skip


def wrong(name: str, scatter: float = 0.5) -> Subject:
    """A descent that is wrong on purpose: one of the names in `WRONG`, on problems scattered around the case's or not."""
    change, what = WRONG[name]
    return _subject(name, scatter, change, what)


def _anywhere(case: Case, replicates: int, randomness: Randomness) -> Modes:
    # w₁ and w₂ uniform in a square: any imbalance and any sign, the saddle's basin included.
    modes = _build(case, replicates, randomness, 0.5)
    generator = randomness.generator("weights")
    square = torch.rand((2, replicates), generator=generator, dtype=torch.float64, device=randomness.device)
    weights = float(case.initial) * (2 * square - 1)
    return replace(modes, encoder=weights[0], decoder=weights[1])


anywhere = Subject("linear DAE, any weights", _anywhere, "w₁ and w₂ uniform in a square", footprint=lambda case: 8192.0)


def _many_steps(case: Case, replicates: int, randomness: Randomness) -> Modes:
    return _anywhere(case, replicates, randomness).training_of(32)


many_steps = Subject("linear DAE, 32 steps", _many_steps, "from any weights at any rate", footprint=lambda case: 8192.0)


def _at_the_edge(balanced: bool) -> Callable[[Case, int, Randomness], Modes]:
    def build(case: Case, replicates: int, randomness: Randomness) -> Modes:
        modes = _build(case.replace(training=1.0), replicates, randomness, 0.5)
        ratio = 1.0 if balanced else 1.1
        weights = {"encoder": modes.encoder / ratio**0.5, "decoder": modes.decoder * ratio**0.5}
        return replace(modes, rate=float(case.rate) * modes.edge(), steps=4096, **weights)

    return build


at_the_edge = Subject(
    "linear DAE, rate in units of its edge", _at_the_edge(False), "w₂ = 1.1 w₁", footprint=lambda case: 8192.0
)
exactly_balanced = Subject(
    "linear DAE, exactly balanced", _at_the_edge(True), "w₁ = w₂ in every bit, for ever", footprint=lambda case: 8192.0
)


@dataclass(frozen=True)
class TwoModes:
    """Two modes trained to convergence under noise and, separately, under one weight decay.

    Attributes:
        first, second: λ₁ < λ₂, shape (R,).
        noise: ε, shape (R,).
        decay: γ of either mode, shape (R, 2).
        randomness: keyed streams.
    """

    first: torch.Tensor
    second: torch.Tensor
    noise: torch.Tensor
    decay: torch.Tensor
    randomness: Randomness

    def trained(self, noisy: bool) -> torch.Tensor:
        """The trained u of either mode, under the noise or else under the decay, shape (R, 2)."""
        value = torch.stack([self.first, self.second], 1).flatten()
        blank = torch.zeros_like(value)
        noise = self.noise.repeat_interleave(2) if noisy else blank
        decay = blank if noisy else self.decay.flatten()
        # At α = 1/(2|λ - γ|) the mode's multiplier at u* is 0: convergence is quadratic, or by 1/4 a step towards 0.
        rate = 0.5 / (value - decay).abs().clamp(min=1e-9 * value)
        start = (1e-3 * (value - decay).abs() / (value + noise)).sqrt()
        modes = Modes.posed((value, noise, decay), (start, start), rate, 64, self.randomness)
        return modes.products(1, guarded=False)[:, -1].reshape(-1, 2)


def _pairs(per_mode: bool) -> Callable[[Case, int, Randomness], TwoModes]:
    def build(case: Case, replicates: int, randomness: Randomness) -> TwoModes:
        uniform = torch.rand(replicates, generator=randomness.generator("decay"), dtype=torch.float64, device=randomness.device)
        second = torch.full_like(uniform, float(case.eigenvalue))
        first, noise = second * float(case.ratio), second * float(case.noise)
        both = torch.stack([first, second], 1)
        equivalent = both * noise[:, None] / (both + noise[:, None])
        # γ between the two decays that suit one mode each, and a quarter beyond either.
        low, high = 0.75 * equivalent[:, :1], 1.25 * equivalent[:, 1:]
        decay = equivalent if per_mode else (low + (high - low) * uniform[:, None]).expand(-1, 2)
        return TwoModes(first, second, noise, decay, randomness)

    return build


pairs = Subject("two modes, one decay", _pairs(False), "one γ near the two equivalent decays", footprint=lambda case: 8192.0)
a_decay_for_each = Subject(
    "two modes, a decay for each", _pairs(True), "γᵢ = λᵢε/(λᵢ + ε)", footprint=lambda case: 8192.0
)
