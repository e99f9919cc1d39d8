from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from regimes.decide import TwoSample
from regimes.subjects.lazy_gaussian import DenseGaussian, LazyGaussian
from regimes.subjects.wrong_samplers import OnePassLazy


def gaussian(*shape: int, seed: int = 0) -> torch.Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def program(w: LazyGaussian | DenseGaussian, x: torch.Tensor) -> torch.Tensor:
    """Adaptive products and updates."""
    y = w.matvec(x)
    z = w.rmatvec(torch.tanh(y))
    w.add(y, z, -0.1)
    a = w.matvec(torch.relu(z))
    w.add(torch.tanh(y), x, 0.3)
    return w.matvec(w.rmatvec(a))


@settings(max_examples=40, deadline=None)
@given(st.integers(1, 12), st.integers(1, 12), st.integers(1, 3), st.integers(1, 3), st.integers(0, 10**6))
def test_there_is_one_matrix_behind_all_answers(rows: int, columns: int, k: int, replicates: int, seed: int) -> None:
    w, x = LazyGaussian(rows, columns, 0.5, np.random.default_rng(seed), replicates), gaussian(replicates, columns, k, seed=seed)
    program(w, x)
    dense = w.materialise()
    ask, answer = gaussian(replicates, columns, 2, seed=seed + 1), gaussian(replicates, rows, 2, seed=seed + 2)
    scale = 1e-11 * float(1 + dense.norm())
    known = x[:, :, :1]
    torch.testing.assert_close(w.matvec(known), dense @ known, rtol=0, atol=scale * float(1 + known.norm()))
    # The adjoint of new directions, revealed one after the other.
    torch.testing.assert_close(answer.mT @ w.matvec(ask), w.rmatvec(answer).mT @ ask, rtol=0, atol=1e-11 * float(1 + dense.norm()) * 100)


@pytest.mark.parametrize(("rows", "columns"), [(4, 5), (3, 2), (9, 3)])
def test_adaptive_programs_have_the_law_of_a_drawn_matrix(rows: int, columns: int) -> None:
    x, found = gaussian(1, columns, 2).expand(12_000, -1, -1), []
    for seed, kind in enumerate((LazyGaussian, DenseGaussian)):
        found.append(program(kind(rows, columns, columns**-0.5, np.random.default_rng(seed), 12_000), x))
    for statistic in (lambda y: y[:, 0, 0], lambda y: y.square().sum((1, 2)).log()):
        rule = TwoSample(0.1, 1e-6)
        rule.fold_pair(*(statistic(one).numpy() for one in found))
        assert rule.verdict == "holds", rule.evidence().reason


def test_the_materialised_matrix_has_the_law_of_a_drawn_one() -> None:
    w = LazyGaussian(3, 4, 1.0, np.random.default_rng(0), 12_000)
    w.rmatvec(torch.tanh(w.matvec(gaussian(1, 4, 1).expand(12_000, -1, -1))))
    drawn = torch.from_numpy(np.random.default_rng(1).standard_normal((12_000, 3, 4)))
    for statistic in (lambda a: torch.linalg.matrix_norm(a, 2), lambda a: a[:, 0, 0], lambda a: a[:, 0, 0] * a[:, 1, 2]):
        rule = TwoSample(0.1, 1e-6)
        rule.fold_pair(statistic(w.materialise()).numpy(), statistic(drawn).numpy())
        assert rule.verdict == "holds", rule.evidence().reason


def test_a_repeated_question_draws_nothing_new() -> None:
    w, x = LazyGaussian(50, 40, 1.0, np.random.default_rng(0)), gaussian(1, 40, 3)
    first = w.matvec(x)
    state = w.generator.bit_generator.state
    torch.testing.assert_close(w.matvec(2 * x.flip(2)), 2 * first.flip(2), rtol=1e-12, atol=1e-12)
    assert w.matvec(torch.zeros_like(x)).abs().max() == 0
    assert w.generator.bit_generator.state == state


def test_nearly_repeated_questions_stay_orthogonal_only_with_a_second_pass() -> None:
    off = {}
    for kind in (LazyGaussian, OnePassLazy):
        w, x, other = kind(60, 60, 1.0, np.random.default_rng(0)), gaussian(1, 60, 1), gaussian(1, 60, 1, seed=1)
        near = w.matvec(x), w.matvec(x + 1e-9 * other)
        off[kind] = float((w.materialise() @ (x + 1e-9 * other) - near[1]).norm()), float((w._right.basis @ w._right.basis.mT - torch.eye(2)).norm())
    assert off[LazyGaussian][1] < 1e-13 < off[OnePassLazy][1]


def test_a_million_rows() -> None:
    w = LazyGaussian(10**6, 10**6, 1e-3, np.random.default_rng(0))
    y = w.matvec(torch.full((1, 10**6, 1), 1e-3, dtype=torch.float64))
    assert float(y.square().sum()) == pytest.approx(1.0, rel=0.01)
    assert float((w.rmatvec(y) * 1e-3).sum()) == pytest.approx(float(y.square().sum()), rel=1e-10)


def test_bad_shapes_are_refused_and_draws_replay() -> None:
    with pytest.raises(ValueError, match="rows, columns >= 1 and std >= 0; got 0, 3, 1"):
        LazyGaussian(0, 3, 1, np.random.default_rng(0))
    one, other = (program(LazyGaussian(5, 6, 1.0, np.random.default_rng(4), 2), gaussian(2, 6, 2)) for _ in range(2))
    torch.testing.assert_close(one, other, rtol=0, atol=0)
    torch_made = program(LazyGaussian(5, 6, 1.0, torch.Generator().manual_seed(1), 2), gaussian(2, 6, 2))
    assert torch_made.shape == (2, 5, 2)
