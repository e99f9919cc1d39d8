from __future__ import annotations

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from regimes.subjects.orthonormal import factors, orthonormal, root


def gaussian(*shape: int, seed: int = 0) -> torch.Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


@settings(max_examples=60, deadline=None)
@given(st.integers(1, 12), st.integers(1, 5), st.integers(0, 5), st.integers(0, 10**6), st.sampled_from([1e-150, 1.0, 1e100]))
def test_any_rank_is_revealed(rows: int, columns: int, rank: int, seed: int, size: float) -> None:
    rank = min(rank, rows, columns)
    h = torch.cat([gaussian(1, rows, rank, seed=seed) @ gaussian(1, rank, columns, seed=seed + 1), gaussian(1, rows, columns, seed=seed + 2)]) * size
    q, t = orthonormal(h)
    torch.testing.assert_close(q @ t, h, rtol=0, atol=1e-12 * size * 10)
    gram = q.mT @ q
    for one, expected in zip(gram, (rank, min(rows, columns)), strict=True):
        assert float(one.trace()) == pytest.approx(expected, abs=1e-9)
        torch.testing.assert_close(one @ one, one, rtol=0, atol=1e-9)
    if size < 1e10:
        s = root(h)
        torch.testing.assert_close(s.mT @ s, h.mT @ h, rtol=0, atol=1e-12 * size**2 * 100)


def test_dead_and_collinear_columns_beside_well_conditioned_ones() -> None:
    h = gaussian(3, 20, 4)
    h[0, :, 2] = 0
    h[1, :, 3] = -2 * h[1, :, 0]
    q, t = orthonormal(h)
    assert [round(float(one.square().sum())) for one in q] == [3, 3, 4]
    torch.testing.assert_close(q @ t, h, rtol=0, atol=1e-13)
    assert (q[0].isfinite()).all() and t[0, :, 2].abs().max() == 0


def test_a_well_conditioned_matrix_is_its_own_basis() -> None:
    h = gaussian(3, 20, 4)
    basis, lower, triangle = factors(h)
    assert basis is h
    h[1, :, 3] = h[1, :, 0]
    mixed, lower, triangle = factors(h)
    assert torch.equal(mixed[::2], h[::2]) and not torch.equal(mixed[1], h[1])
    q = torch.linalg.solve_triangular(lower.mT, mixed, upper=True, left=False)
    torch.testing.assert_close(q @ triangle, h, rtol=0, atol=1e-13)
    torch.testing.assert_close(mixed[1].mT @ mixed[1], torch.diag(torch.tensor([1.0, 1, 1, 0])).double(), rtol=0, atol=1e-13)


def test_nearly_collinear_columns_keep_their_small_angle() -> None:
    h = gaussian(1, 50, 2)
    h[:, :, 1] = h[:, :, 0] + 1e-9 * gaussian(1, 50, seed=7)
    q, t = orthonormal(h)
    torch.testing.assert_close(q.mT @ q, torch.eye(2, dtype=torch.float64)[None], rtol=0, atol=1e-12)
    torch.testing.assert_close(q @ t, h, rtol=0, atol=1e-14)
