from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from regimes.subjects.sample_moments import moments


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 10**6), st.floats(1e-9, 1.5))
def test_moments_split_and_small_angles_keep_their_digits(seed: int, theta: float) -> None:
    generator = torch.Generator().manual_seed(seed)
    basis = torch.linalg.qr(torch.randn(5, 2, generator=generator, dtype=torch.float64))[0]
    h = torch.stack([2 * basis[:, 0], 3 * (np.cos(theta) * basis[:, 0] + np.sin(theta) * basis[:, 1])], 1)[None]
    total, mean, variance, sine = moments(h)
    torch.testing.assert_close(total, mean + variance, rtol=1e-12, atol=0)
    assert sine.item() == pytest.approx(np.sin(theta) ** 2, rel=1e-6, abs=1e-30)
    assert moments(h[:, :, :1])[3].isnan().all()
