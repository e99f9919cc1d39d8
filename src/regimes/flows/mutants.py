"""RAD flows that are wrong on purpose, each in one place: density, partition, inverse, gate or sampler."""

from __future__ import annotations

import torch
from torch import Tensor

from regimes.flows.gates import AbsGate, Gate, IntervalGate
from regimes.flows.layers import Coupling, Fold, Step
from regimes.flows.pieces import Pieces
from regimes.flows.rad import Rad, Terms, add

# --- the density ---------------------------------------------------------------------------------------------------


class WithoutLogDet(Rad):
    """log|det| dropped."""

    def assemble(self, base: Tensor, terms: Terms) -> Tensor:
        """The base density and the gates."""
        return base + add(terms.log_gates, base)


class NegativeLogDet(Rad):
    """The sign of log|det| wrong: the density of the other direction."""

    def assemble(self, base: Tensor, terms: Terms) -> Tensor:
        """The base density less log|det|, and the gates."""
        return base - add(terms.log_dets, base) + add(terms.log_gates, base)


class NegativeInverseLogDet(Rad):
    """The inverse reports log|det| of the forward direction."""

    def inverse(self, z: Tensor, branches: Tensor) -> tuple[Tensor, Tensor]:
        """The right point, the wrong sign."""
        x, log_det = super().inverse(z, branches)
        return x, -log_det


class WithoutGate(Rad):
    """Gates dropped: every branch counted in full. For two equal slopes it is SurVAE's absolute value without -log 2."""

    def assemble(self, base: Tensor, terms: Terms) -> Tensor:
        """The base density and log|det|."""
        return base + add(terms.log_dets, base)


class PathReversed(Rad):
    """The inverse takes the indices from the wrong end."""

    def inverse(self, z: Tensor, branches: Tensor) -> tuple[Tensor, Tensor]:
        """The point of the reversed path."""
        return super().inverse(z, branches.flip(-1))


class Summed(Fold):
    """The density summed over branches, p_Z(z) sum_k p(k|z) |f_k'|: the formula of mixtures of bijections, at one z."""

    def log_terms(self, x: Tensor, z: Tensor, pieces: Pieces, k: Tensor) -> tuple[Tensor, Tensor]:
        """log|f'| and what makes the sum of it."""
        log_slope = pieces.at(pieces.log_slopes, k)
        return log_slope, (self.gate(z, pieces) + pieces.log_slopes[:, None]).logsumexp(-1) - log_slope


class NextSlope(Fold):
    """log|f'| of branch k + 1."""

    def log_terms(self, x: Tensor, z: Tensor, pieces: Pieces, k: Tensor) -> tuple[Tensor, Tensor]:
        """The neighbour's slope, the right gate."""
        return pieces.at(pieces.log_slopes, (k + 1) % pieces.count), super().log_terms(x, z, pieces, k)[1]


class GateAtInput(Fold):
    """The gate reads the layer's input instead of its output."""

    def log_terms(self, x: Tensor, z: Tensor, pieces: Pieces, k: Tensor) -> tuple[Tensor, Tensor]:
        """The right slope, p(k|x)."""
        return super().log_terms(x, x, pieces, k)


# --- the partition -------------------------------------------------------------------------------------------------


class Shifted(Fold):
    """The first boundary moved by `shift`: what lies between is read by the wrong branch."""

    shift = 0.0

    def locate(self, pieces: Pieces, x: Tensor) -> Tensor:
        """Phi with its first break moved."""
        moved = torch.zeros_like(pieces.breaks)
        moved[:, 0] = self.shift
        return torch.searchsorted((pieces.breaks + moved).detach().contiguous(), x.detach().contiguous())


class Gap(Shifted):
    """A sliver after the first boundary goes to the branch before it, which does not reach there: density 0 on it."""

    shift = 0.05


class Overlap(Shifted):
    """A sliver before the first boundary goes to the branch after it."""

    shift = -0.1


class OffByOne(Fold):
    """The last branch but one is never used."""

    def locate(self, pieces: Pieces, x: Tensor) -> Tensor:
        """phi, with K - 2 read as K - 1."""
        k = pieces.locate(x)
        return torch.where(k == pieces.count - 2, pieces.count - 1, k)


class ClosedBelow(Fold):
    """>= for > at every boundary: phi differs at the boundary alone, a set of measure zero."""

    def locate(self, pieces: Pieces, x: Tensor) -> Tensor:
        """Phi whose pieces are closed below."""
        return torch.searchsorted(pieces.breaks.detach().contiguous(), x.detach().contiguous(), right=True)


# --- the inverse ---------------------------------------------------------------------------------------------------


class NextBranch(Fold):
    """Inverted by branch k + 1."""

    def inverse(self, z: Tensor, branch: Tensor | None) -> tuple[Tensor, Tensor]:
        """The neighbour's point."""
        assert branch is not None
        return super().inverse(z, (branch + 1) % self.branches)


class SwappedBranches(Fold):
    """Branches counted from the other end in the inverse."""

    def inverse(self, z: Tensor, branch: Tensor | None) -> tuple[Tensor, Tensor]:
        """The point of branch K - 1 - k."""
        assert branch is not None
        return super().inverse(z, self.branches - 1 - branch)


class WithoutExp(Coupling):
    """The inverse divides by 1 + log s instead of s, an error of the second order."""

    def inverse(self, z: Tensor, branch: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """(y - t)/(1 + log s)."""
        log_s, t = self.scale_and_shift(z)
        return (z - t) / (1 + log_s), -log_s.sum(-1)


class ShiftLeft(Coupling):
    """The inverse forgets the last tenth of the shift."""

    def inverse(self, z: Tensor, branch: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """(y - 0.9 t)/s."""
        log_s, t = self.scale_and_shift(z)
        return (z - 0.9 * t) / log_s.exp(), -log_s.sum(-1)


class LooseInverse(Coupling):
    """An inverse right to 1e-5 only, as by an iteration that stops there."""

    def inverse(self, z: Tensor, branch: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """(y - t)/s, off by 1e-5."""
        x, log_det = super().inverse(z)
        return x + 1e-5 * self.moved * torch.sin(97 * z), log_det


class Forgotten(Coupling):
    """log|det| forgets one active coordinate."""

    def forward(self, x: Tensor) -> Step:
        """The right image, its log|det| less one coordinate's."""
        step = super().forward(x)
        log_s, _ = self.scale_and_shift(x)
        first = int(self.moved.argmax())
        return step._replace(log_det=step.log_det - log_s[..., first])


# --- the gate ------------------------------------------------------------------------------------------------------


class Unnormalised(Fold):
    """K sigmoids instead of a softmax, in density and sampler alike."""

    def log_gate(self, z: Tensor) -> Tensor:
        """Log sigmoid of every log-weight."""
        pieces = self.family()
        return torch.nn.functional.logsigmoid(self.gate.log_weights(z, pieces))

    def log_terms(self, x: Tensor, z: Tensor, pieces: Pieces, k: Tensor) -> tuple[Tensor, Tensor]:
        """The right slope, the sigmoid of branch k."""
        return super().log_terms(x, z, pieces, k)[0], self.log_gate(z).gather(2, k[..., None])[..., 0]


class UnconditionedGate(Gate):
    """A softmax over the branches that reach z, without the condition at fold values: normalised, and it jumps."""

    def log_weights(self, z: Tensor, pieces: Pieces) -> Tensor:
        """h(z) where branches reach."""
        logits = self.read(z)
        if logits.shape[-1] == 1:
            logits = torch.cat((logits, -logits), dim=-1)
        return torch.where(pieces.admits(z[..., self.coordinate]), logits, -torch.inf)


class EqualGate(Gate):
    """The same probability for every branch that reaches z."""

    def log_weights(self, z: Tensor, pieces: Pieces) -> Tensor:
        """0 where branches reach."""
        reached = pieces.admits(z[..., self.coordinate])
        return torch.where(reached, torch.zeros((), dtype=z.dtype, device=z.device), -torch.inf)


class EvenCrease(AbsGate):
    """p(1|0) = 1/2 at the crease, whatever the slopes."""

    def balance(self, pieces: Pieces) -> Tensor:
        """The logit 0."""
        return torch.zeros_like(pieces.log_slopes[:, :1])


class FirstBranchOnly(IntervalGate):
    """All latents come from the first piece."""

    def log_weights(self, z: Tensor, pieces: Pieces) -> Tensor:
        """0 for the first branch, -inf for the others."""
        return super().log_weights(z, pieces).index_fill(2, torch.arange(1, pieces.count, device=z.device), -torch.inf)


# --- the sampler ---------------------------------------------------------------------------------------------------


class ArgmaxSampler(Rad):
    """The most probable branch instead of a random one."""

    def choose(self, layer: Fold, z: Tensor, uniform: Tensor) -> Tensor:
        """argmax_k p(k|z)."""
        return layer.log_gate(z).argmax(-1)


class GateIgnored(Rad):
    """Branches that reach z are equally likely."""

    def choose(self, layer: Fold, z: Tensor, uniform: Tensor) -> Tensor:
        """A uniform branch among those of positive probability."""
        reached = torch.isfinite(layer.log_gate(z)).to(z.dtype)
        share = reached / reached.sum(-1, keepdim=True)
        return (uniform[..., None] >= share.cumsum(-1)).sum(-1).clamp(max=layer.branches - 1)


class OtherLayersGate(Rad):
    """The gate of a layer draws with the network of the layer before it."""

    def choose(self, layer: Fold, z: Tensor, uniform: Tensor) -> Tensor:
        """K from the wrong network's gate."""
        position = [id(fold) for fold in self.folds].index(id(layer))
        own, layer.gate.read = layer.gate.read, self.folds[position - 1].gate.read
        try:
            return super().choose(layer, z, uniform)
        finally:
            layer.gate.read = own


class NarrowBase(Rad):
    """Latents drawn a tenth too near to the origin."""

    def sample_paths(self, count: int, generator: torch.Generator) -> tuple[Tensor, Tensor, Tensor]:
        """Points of shrunken latents, on the right branches' preimages."""
        _, z, branches = super().sample_paths(count, generator)
        return self.inverse(0.9 * z, branches)[0], 0.9 * z, branches
