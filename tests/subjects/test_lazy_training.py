from __future__ import annotations

import numpy as np
import pytest
import torch

from regimes.case import Case
from regimes.decide import TwoSample
from regimes.errors import SubjectError
from regimes.randomness import Randomness
from regimes.subjects.lazy_gaussian import DenseGaussian
from regimes.subjects.lazy_training import Training, dense_training, lazy_training
from regimes.subjects.orthonormal import standard_normal, stream

CASE = Case({"width": 5, "depth": 3, "inputs": 3, "input_dim": 2, "steps": 3, "rate": 0.1})


def random(key: str) -> Randomness:
    return Randomness(key, torch.device("cpu"), torch.float64)


@pytest.mark.parametrize("activation", ["relu", "tanh"])
def test_losses_have_the_law_of_training_with_weights(activation: str) -> None:
    case = CASE.replace(activation=activation)
    found = [subject(case, 12_000, random(subject.name)).losses().log().nan_to_num(700.0) for subject in (lazy_training, dense_training)]
    for step in range(4):
        rule = TwoSample(0.1, 1e-6)
        rule.fold_pair(found[0][:, step].numpy(), found[1][:, step].numpy())
        assert rule.verdict == "holds", rule.evidence().reason


@pytest.mark.parametrize("activation", ["relu", "tanh"])
def test_dense_training_is_gradient_descent_by_autograd(activation: str) -> None:
    trained = dense_training(CASE.replace(activation=activation), 1, random("grad"))
    assert isinstance(trained, Training) and trained.matrix is DenseGaussian
    x, n, c = trained.shape.draw_inputs(1, random("grad"))[0], 5, {"relu": 2, "tanh": 1}[activation]
    act, y = getattr(torch, activation), torch.tensor([1.0, -1.0, 1.0], dtype=torch.float64)
    u = standard_normal((1, 2, n), stream(random("grad"), "first"))[0].requires_grad_()
    v = standard_normal((1, 1, n), stream(random("grad"), "last"))[0, 0].requires_grad_()
    ws = [standard_normal((1, n, n), stream(random("grad"), f"matrix {i}"))[0].requires_grad_() for i in range(2)]
    losses = []
    with torch.enable_grad():
        for _ in range(4):
            h = act(c**0.5 * x @ u)
            for w in ws:
                h = act((c / n) ** 0.5 * h @ w.T)
            loss = 0.5 * (h @ v / n**0.5 - y).square().sum()
            losses.append(loss.item())
            parameters = [u, v, *ws]
            with torch.no_grad():
                for p, g in zip(parameters, torch.autograd.grad(loss, parameters), strict=True):
                    p -= 0.1 * g
    np.testing.assert_allclose(trained.losses()[0], losses, rtol=1e-10)


def test_wide_networks_train_and_replay() -> None:
    case = Case({"width": 5_000, "depth": 3, "inputs": 3, "input_dim": 4, "steps": 8, "rate": 0.1})
    losses = lazy_training(case, 1, random("wide")).losses()
    assert (losses.diff() < 0).all() and losses[0, -1] < 0.2 * losses[0, 0]
    torch.testing.assert_close(lazy_training(case, 1, random("wide")).losses(), losses, rtol=0, atol=0)


def test_what_cannot_be_trained_is_refused() -> None:
    with pytest.raises(SubjectError, match="two or more hidden layers of one width"):
        lazy_training(CASE.replace(depth=1), 1, random("no"))
    with pytest.raises(SubjectError, match="activations relu, tanh; got 'linear'"):
        lazy_training(CASE.replace(activation="linear"), 1, random("no"))
