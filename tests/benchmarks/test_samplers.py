"""Samplers that draw no weights against loops that do: one input, several inputs, and training.

Every timing stands behind the law check of its sampler, made in the same run at small widths, where a wrong law shows:
a sampler that fails it is not timed. `make bench` prints the ratios.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
import torch
from torch import nn

from regimes.case import Case
from regimes.decide import TwoSample
from regimes.randomness import Randomness
from regimes.subjects.architecture import architecture
from regimes.subjects.gradient_chain import he_fan_in_gradients_in_law
from regimes.subjects.gram_networks import direct_networks, law_networks
from regimes.subjects.initialisers import he_normal_fan_in
from regimes.subjects.lazy_training import dense_training, lazy_training
from regimes.subjects.module_networks import ModuleNetworks


def random(key: str) -> Randomness:
    return Randomness(key, torch.device("cpu"), torch.float64)


def assert_same_law(one: torch.Tensor, other: torch.Tensor) -> None:
    rule = TwoSample(0.1, 1e-6)
    rule.fold_pair(*(np.nan_to_num(part.numpy(), neginf=-60.0).clip(-60, 700).round(9) for part in (one, other)))
    assert rule.verdict == "holds", rule.evidence().reason


@pytest.fixture(scope="module")
def lawful_chain() -> None:
    torch.set_num_threads(1)
    for width in (3, 8):
        case, found = Case({"width": width, "depth": 5}), []
        for subject in (he_fan_in_gradients_in_law, he_normal_fan_in):
            g = subject(case, 30_000, random(subject.name)).gradients(0.1)
            kept = g.active[:, -1] != 1
            found.append((g.log_delta[:, :5] + g.log_hidden[:, :5])[kept][:20_000])
        for layer in range(5):
            assert_same_law(found[0][:, layer], found[1][:, layer])


@pytest.fixture(scope="module")
def lawful_networks() -> None:
    torch.set_num_threads(1)
    case = Case({"width": 6, "depth": 3, "inputs": 3})
    one, other = (subject(case, 20_000, random(subject.name)).gradients("independent") for subject in (law_networks, direct_networks))
    for layer in range(3):
        assert_same_law(one.log_weight_gradients[:, layer, 0], other.log_weight_gradients[:, layer, 0])
        assert_same_law(one.log_batch[:, layer], other.log_batch[:, layer])


@pytest.fixture(scope="module")
def lawful_training() -> None:
    torch.set_num_threads(1)
    case = Case({"width": 6, "depth": 2, "inputs": 2, "input_dim": 3, "steps": 3, "rate": 0.1})
    assert_same_law(*(subject(case, 20_000, random(subject.name)).losses()[:, -1].log() for subject in (lazy_training, dense_training)))


def loop(width: int, depth: int, inputs: int, networks: int) -> Callable[[], object]:
    """What a user would write: one module at a time, norms of all activations and weight gradients by autograd."""

    def run() -> list[torch.Tensor]:
        found = []
        for _ in range(networks):
            layers = [nn.Linear(width, width, bias=False) for _ in range(depth)]
            for layer in layers:
                nn.init.kaiming_normal_(layer.weight, nonlinearity="relu")
            h, norms = torch.randn(inputs, width), []
            for layer in layers:
                h = torch.relu(layer(h))
                norms.append(h.detach().square().sum(1).log())
            (h * torch.randn(width)).sum().backward()
            norms += [layer.weight.grad.square().sum().log().expand(inputs) for layer in layers]
            found.append(torch.stack(norms))
        return found

    return run


@pytest.mark.parametrize(
    ("width", "depth", "networks", "loops", "goal"),
    [(64, 32, 4096, 16, 1_000), (256, 32, 4096, 4, 5_000), (1024, 16, 4096, 1, 100_000)],
)
def test_one_input_forward_and_backward(benchmark, against, lawful_chain, width: int, depth: int, networks: int, loops: int, goal: int) -> None:
    chain = he_fan_in_gradients_in_law(Case({"width": width, "depth": depth}), networks, random("bench"))
    found = benchmark.pedantic(lambda: chain.gradients(0.1), rounds=15, warmup_rounds=2)
    assert found.log_delta.shape == (networks, depth)
    against("a loop over modules with autograd", loop(width, depth, 1, loops), rounds=5, work=networks / loops)
    benchmark.extra_info["goal"] = goal


def test_a_million_wide_and_ten_thousand_deep(benchmark, lawful_chain) -> None:
    chain = he_fan_in_gradients_in_law(Case({"width": 10**6, "depth": 10**4}), 128, random("bench"))
    benchmark.pedantic(lambda: chain.gradients(0.1), rounds=3, warmup_rounds=1)
    if benchmark.stats is not None:
        benchmark.extra_info["networks a second"] = round(128 / benchmark.stats.stats.min)
        benchmark.extra_info["goal"] = 1_000


@pytest.mark.parametrize(("width", "depth", "networks", "loops", "goal"), [(256, 32, 64, 4, 10), (1024, 32, 16, 1, 50), (4096, 8, 4, 1, 400)])
def test_eight_inputs_forward_and_backward(benchmark, against, lawful_networks, width: int, depth: int, networks: int, loops: int, goal: int) -> None:
    chain = law_networks(Case({"width": width, "depth": depth, "inputs": 8}), networks, random("bench"))
    found = benchmark.pedantic(lambda: chain.gradients("independent"), rounds=7, warmup_rounds=1)
    assert found.log_delta.shape == (networks, depth, 8)
    against("a loop over modules with autograd", loop(width, depth, 8, loops), rounds=3, work=networks / loops)
    benchmark.extra_info["goal"] = goal


@pytest.mark.parametrize(("steps", "goal"), [(3, 100), (10, 100)])
def test_training_at_width_4096(benchmark, against, lawful_training, steps: int, goal: int) -> None:
    case = Case({"width": 4096, "depth": 2, "inputs": 3, "input_dim": 4, "steps": steps, "rate": 0.1})
    found = benchmark.pedantic(lambda: lazy_training(case, 1, random("bench")).losses(), rounds=10, warmup_rounds=2)
    assert found[0, -1] < found[0, 0]
    against("the same steps with all weights, float64", lambda: dense_training(case, 1, random("bench")).losses(), rounds=2)
    benchmark.extra_info["goal"] = goal


def perceptron(case: Case) -> nn.Module:
    sizes = [nn.Sequential(nn.Linear(case["width"], case["width"]), nn.ReLU()) for _ in range(case["depth"])]
    return nn.Sequential(*sizes)


@pytest.mark.parametrize(("width", "depth", "networks"), [(16, 16, 64), (32, 8, 64), (64, 8, 64)])
def test_foreign_modules_as_one_batch(benchmark, against, width: int, depth: int, networks: int) -> None:
    case = Case({"width": width, "depth": depth, "inputs": 8})
    torch.set_num_threads(1)
    with torch.no_grad():
        batch, loop = (ModuleNetworks("perceptron", perceptron, case, architecture(case), networks, random("bench"), one) for one in (True, False))
        found = benchmark.pedantic(batch.log_norms, rounds=10, warmup_rounds=2)
        assert batch.sampler == "modules, vmap"
        torch.testing.assert_close(found, loop.log_norms(), rtol=0, atol=1e-12)
        against("the same modules one by one", loop.log_norms, rounds=5)
