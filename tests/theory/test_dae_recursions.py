from __future__ import annotations

from fractions import Fraction

import numpy as np
import torch

from regimes.theory import dae_recursions


def test_scalar_recursions_in_rational_arithmetic() -> None:
    generator = np.random.default_rng(0)
    for _ in range(50):
        w1, w2, value, noise, decay, rate = (Fraction(int(k), 16) for k in generator.integers(-32, 33, 6))
        u, total, gap, residual = w1 * w2, w1**2 + w2**2, w2**2 - w1**2, value - (value + noise) * w1 * w2
        v1 = w1 + rate * (residual * w2 - decay * w1)
        v2 = w2 + rate * (residual * w1 - decay * w2)
        assert dae_recursions.product_step(u, total, residual, rate, decay) == v1 * v2  # type: ignore[arg-type]
        assert dae_recursions.imbalance_step(gap, residual, rate, decay) == v2**2 - v1**2  # type: ignore[arg-type]


def test_matrix_recursion_in_integers() -> None:
    generator = torch.Generator().manual_seed(0)
    encoder, decoder = (torch.randint(-3, 4, shape, generator=generator).double() for shape in ((5, 3), (3, 5)))
    force = torch.randint(-3, 4, (3, 3), generator=generator).double()
    rate, decay = torch.tensor(0.5).double(), torch.tensor(0.25).double()
    keep = 1 - rate * decay
    after = keep * encoder + rate * decoder.mT @ force, keep * decoder + rate * force @ encoder.mT
    # Small dyadic numbers: every operation is exact.
    assert torch.equal(dae_recursions.balance_step(encoder, decoder, force, rate, decay), dae_recursions.balance(*after))
