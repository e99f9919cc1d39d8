"""Norms of He-initialised ReLU networks drawn from their exact law, without weights.

For one input the squared norm is multiplied by an independent (2/n) chi2_K, K ~ Binomial(n, 1/2), at each layer
(`regimes.theory.he_norm_law`): one binomial and one gamma variable per layer, at any width.
"""

from __future__ import annotations

import numpy as np
import torch

from regimes.case import Case
from regimes.randomness import Randomness
from regimes.subjects.architecture import architecture
from regimes.subjects.subject import Subject
from regimes.theory import he_norm_law


class NormChain:
    """Norms of R networks at one input, exact in law.

    Arguments:
        widths: n_1, ..., n_L.
        replicates: R.
        randomness: keyed streams.
    """

    sampler = "law"

    def __init__(self, widths: tuple[int, ...], replicates: int, randomness: Randomness) -> None:
        self.widths, self.replicates, self.randomness = widths, replicates, randomness

    def log_norms(self) -> torch.Tensor:
        """log|h^l|^2, shape (R, L + 1, 1), -inf after death."""
        generator = self.randomness.numpy("norms")
        steps = [he_norm_law.sample(width, (self.replicates,), generator) for width in self.widths]
        with np.errstate(divide="ignore"):
            logs = np.cumsum(np.log(np.stack([np.ones(self.replicates), *steps], 1)), axis=1)
        return torch.from_numpy(logs)[:, :, None]


def _build(case: Case, replicates: int, randomness: Randomness) -> NormChain:
    shape = architecture(case)
    if shape.inputs != 1:
        raise ValueError(f"the norm chain is exact for one input; the case has {shape.inputs}")
    return NormChain(shape.hidden, replicates, randomness)


he_normal_in_law = Subject(
    "He normal, in law", _build, "norms from their exact law", footprint=lambda case: 64.0 * float(case["depth"])
)
