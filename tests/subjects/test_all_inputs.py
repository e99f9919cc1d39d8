from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import linprog

from regimes.subjects.all_inputs import OneLayer, null_vector


@settings(max_examples=30, deadline=None)
@given(st.integers(1, 12), st.integers(0, 2**31))
def test_extremes_over_the_circle_against_a_fine_grid(rows: int, seed: int) -> None:
    weights = torch.randn(4, rows, 2, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)
    low, high = OneLayer(weights).extremes()
    angles = torch.linspace(0, 2 * torch.pi, 4001, dtype=torch.float64)
    norms = torch.relu(weights @ torch.stack([angles.cos(), angles.sin()])).norm(dim=1)
    assert (high >= norms.amax(1) - 1e-9).all()
    assert (low <= norms.amin(1) + 1e-9).all()
    torch.testing.assert_close(high, norms.amax(1), atol=1e-4, rtol=1e-4)
    torch.testing.assert_close(low, norms.amin(1), atol=2e-2, rtol=1e-2)


@settings(max_examples=25, deadline=None)
@given(st.integers(2, 4), st.integers(1, 9), st.integers(0, 2**31))
def test_annihilated_inputs_against_linear_programming(dimension: int, rows: int, seed: int) -> None:
    weights = np.random.default_rng(seed).standard_normal((3, rows, dimension))
    found = OneLayer(torch.from_numpy(weights)).annihilates().numpy()
    for matrix, answer in zip(weights, found, strict=True):
        # max t subject to W x <= -t, |x|_inf <= 1: positive exactly if a strict solution exists.
        solved = linprog(
            np.append(np.zeros(dimension), -1), A_ub=np.hstack([matrix, np.ones((rows, 1))]), b_ub=np.zeros(rows),
            bounds=[(-1, 1)] * dimension + [(None, 1)],
        )  # fmt: skip
        assert answer == (-solved.fun > 1e-9)


@given(st.integers(2, 5), st.integers(0, 2**31))
def test_null_vectors_are_orthogonal(dimension: int, seed: int) -> None:
    rows = torch.randn(3, dimension - 1, dimension, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)
    vector = null_vector(rows)
    assert (torch.einsum("rkd,rd->rk", rows, vector).abs() <= 1e-9 * (1 + vector.norm(dim=1, keepdim=True) * 10)).all()
    assert (vector.norm(dim=1) > 0).all()


def test_extremes_need_the_plane() -> None:
    with pytest.raises(ValueError, match="dimension 2; got 3"):
        OneLayer(torch.randn(2, 4, 3)).extremes()


@settings(max_examples=20, deadline=None)
@given(st.integers(1, 10), st.integers(0, 2**31))
def test_the_search_stays_inside_the_exact_extremes(rows: int, seed: int) -> None:
    generator = torch.Generator().manual_seed(seed)
    layers = OneLayer(torch.randn(4, rows, 2, generator=generator, dtype=torch.float64))
    exact_low, exact_high = layers.extremes()
    low, high = layers.search(8, 100, generator)
    assert (low >= exact_low - 1e-12).all()
    assert (high <= exact_high + 1e-12).all()


def test_the_search_nearly_meets_the_exact_extremes_and_the_spectral_norm() -> None:
    generator = torch.Generator().manual_seed(0)
    layers = OneLayer(torch.randn(60, 12, 2, generator=generator, dtype=torch.float64))
    exact_low, exact_high = layers.extremes()
    low, high = layers.search(16, 200, generator)
    assert ((exact_high - high) < 1e-6).double().mean() > 0.95
    assert ((low - exact_low) < 0.05 * exact_high).double().mean() > 0.9
    # Rows in pairs w, -w: |relu(W x)| is |V x| for V one of each pair.
    v = torch.randn(5, 7, 4, generator=generator, dtype=torch.float64)
    _, highest = OneLayer(torch.cat([v, -v], 1)).search(6, 300, generator)
    torch.testing.assert_close(highest, torch.linalg.matrix_norm(v, ord=2), rtol=1e-6, atol=0)
