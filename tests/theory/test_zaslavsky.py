from __future__ import annotations

import math
from itertools import product

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from regimes.theory.zaslavsky import cells, cells_without_top, central_cells, log_cells, parallel_cells


@given(st.integers(1, 40), st.integers(1, 12))
def test_a_further_hyperplane_adds_the_cells_it_is_cut_into(n: int, d: int) -> None:
    assert cells(n, d) == cells(n - 1, d) + cells(n - 1, d - 1)
    assert central_cells(n, d) == 2 * cells(n - 1, d - 1)


def sign_patterns(normals: np.ndarray, offsets: np.ndarray) -> int:
    points = np.random.default_rng(0).standard_normal((400_000, normals.shape[1])) * 10
    patterns = (points @ normals.T + offsets > 0) @ (1 << np.arange(len(normals)))
    return len(np.unique(patterns))


def test_against_sign_patterns_of_a_fixed_arrangement() -> None:
    angles = np.pi * (np.arange(4) + 0.5) / 4
    normals = np.column_stack([np.cos(angles), np.sin(angles)])
    assert sign_patterns(normals, np.array([0.3, -1.0, 1.5, 0.9])) == cells(4, 2) == 11
    assert sign_patterns(normals, np.zeros(4)) == central_cells(4, 2) == 8
    assert sign_patterns(normals[[0, 0, 1]], np.array([0.0, 1.0, 0.3])) == parallel_cells((2, 1), 2) == 6


@pytest.mark.parametrize(("n", "d", "count"), [(6, 2, 22), (5, 3, 26), (32, 2, 529), (6, 3, 42), (8, 8, 256), (3, 9, 8)])
def test_the_dossiers_counts(n: int, d: int, count: int) -> None:
    assert cells(n, d) == count


def test_parallel_classes_by_enumeration() -> None:
    classes = (2, 3, 1)
    chosen = [c for c in product(*(range(m + 1) for m in classes)) if sum(x > 0 for x in c) <= 2]
    assert parallel_cells(classes, 2) == len(chosen)
    assert parallel_cells((1,) * 9, 4) == cells(9, 4)
    assert parallel_cells((7,), 3) == 8


@given(st.integers(0, 300), st.integers(0, 320))
def test_the_logarithm(n: int, d: int) -> None:
    assert log_cells(n, d) == pytest.approx(math.log(cells(n, d)), rel=1e-10, abs=1e-10)


def test_the_logarithm_of_a_huge_count() -> None:
    assert log_cells(10**9, 2) == pytest.approx(math.log(cells(10**9, 2)), rel=1e-9)
    assert log_cells(10**6, 10**6 // 2) == pytest.approx(10**6 * math.log(2), rel=1e-5)


def test_degenerate_arguments_and_the_mutant() -> None:
    assert cells(0, 5) == cells(5, 0) == central_cells(0, 3) == 1
    assert cells_without_top(6, 2) == 7
    for call in (lambda: cells(-1, 2), lambda: cells(2, -1), lambda: central_cells(2, 0), lambda: log_cells(-2, 1)):
        with pytest.raises(ValueError):
            call()
