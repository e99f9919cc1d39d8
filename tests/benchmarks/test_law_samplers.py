"""Samplers that draw no weights against loops that do: one input, several inputs, and training.

Every timing stands behind the law check of its sampler, made in the same run at small widths, where a wrong law shows:
a sampler that fails it is not timed. `make bench` prints the ratios.
"""

from __future__ import annotations

import statistics
import time

import numpy as np
import pytest
import torch
from peers import loop
from race import Row
from scipy.stats import ks_2samp
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

MIXED = "float64 / float32"


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
    # The margin above has hidden a wrong way down: a deeper network, without a margin.
    deep = Case({"width": 16, "depth": 8, "inputs": 2, "cosine": 0.5})
    first = [
        torch.cat([subject(deep, 4000, random(f"{subject.name} {k}")).gradients(0.3).log_batch[:, 0] for k in range(15)])
        for subject in (law_networks, direct_networks)
    ]
    assert ks_2samp(*(one.numpy() for one in first)).pvalue > 1e-6


@pytest.fixture(scope="module")
def lawful_training() -> None:
    torch.set_num_threads(1)
    case = Case({"width": 6, "depth": 2, "inputs": 2, "input_dim": 3, "steps": 3, "rate": 0.1})
    assert_same_law(*(subject(case, 20_000, random(subject.name)).losses()[:, -1].log() for subject in (lazy_training, dense_training)))


@pytest.mark.parametrize(
    ("goal", "width", "depth", "networks", "loops", "wanted"),
    [("G1", 64, 32, 4096, 16, 1_000), ("G2", 256, 32, 4096, 4, 5_000), ("G2", 1024, 16, 4096, 1, 100_000)],
)
def test_one_input_forward_and_backward(race, lawful_chain, goal: str, width: int, depth: int, networks: int, loops: int, wanted: int) -> None:
    chain = he_fan_in_gradients_in_law(Case({"width": width, "depth": depth}), networks, random("bench"))
    what = f"law of one input against a loop, {width}x{depth}"
    found = race(goal, what, lambda: chain.gradients(0.1), loop(width, depth, 1, loops), wanted=wanted, work=networks / loops, dtypes=MIXED, rounds=7)
    assert found.log_delta.shape == (networks, depth)


def test_a_million_wide_and_ten_thousand_deep(race, benchmark, lawful_chain) -> None:
    chain = he_fan_in_gradients_in_law(Case({"width": 10**6, "depth": 10**4}), 128, random("bench"))
    seconds = []

    def run() -> None:
        started = time.process_time()
        chain.gradients(0.1)
        seconds.append(time.process_time() - started)

    benchmark.pedantic(run, rounds=5, warmup_rounds=1)
    each = statistics.median(seconds[1:]) / 128
    race.row(Row("G3", "networks of 10^6 x 10^4 a second (ours: seconds each)", 1 / each, 1_000, ours=each, dtypes="float64"))


@pytest.mark.parametrize(("width", "depth", "networks", "loops", "wanted"), [(256, 32, 64, 4, 10), (1024, 32, 16, 1, 50), (4096, 8, 8, 1, 400)])
def test_eight_inputs_forward_and_backward(race, lawful_networks, width: int, depth: int, networks: int, loops: int, wanted: int) -> None:
    chain = law_networks(Case({"width": width, "depth": depth, "inputs": 8}), networks, random("bench"))
    what = f"law of 8 inputs against a loop, {width}x{depth}"
    found = race("G4", what, lambda: chain.gradients("independent"), loop(width, depth, 8, loops), wanted=wanted, work=networks / loops, dtypes=MIXED)
    assert found.log_delta.shape == (networks, depth, 8)


@pytest.mark.parametrize("steps", [3, 10])
def test_training_at_width_4096(race, lawful_training, steps: int) -> None:
    case = Case({"width": 4096, "depth": 2, "inputs": 3, "input_dim": 4, "steps": steps, "rate": 0.1})
    found = race(
        "G5", f"lazy training against all weights, width 4096, {steps} steps",
        lambda: lazy_training(case, 1, random("bench")).losses(), lambda: dense_training(case, 1, random("bench")).losses(),
        wanted=100, dtypes="float64 / float64", rounds=5,
    )  # fmt: skip
    assert found[0, -1] < found[0, 0]


def perceptron(case: Case) -> nn.Module:
    sizes = [nn.Sequential(nn.Linear(case["width"], case["width"]), nn.ReLU()) for _ in range(case["depth"])]
    return nn.Sequential(*sizes)


@pytest.mark.parametrize(("width", "depth", "networks"), [(16, 16, 64), (32, 8, 64), (64, 8, 64)])
def test_foreign_modules_as_one_batch(race, width: int, depth: int, networks: int) -> None:
    case = Case({"width": width, "depth": depth, "inputs": 8})
    torch.set_num_threads(1)
    with torch.no_grad():
        batch, loop = (ModuleNetworks("perceptron", perceptron, case, architecture(case), networks, random("bench"), one) for one in (True, False))
        what = f"{networks} foreign modules as one batch, {width}x{depth}"
        found = race("-", what, batch.log_norms, loop.log_norms, dtypes="float64 / float64", rounds=7)
        assert batch.sampler == "modules, vmap"
        torch.testing.assert_close(found, loop.log_norms(), rtol=0, atol=1e-12)


def test_training_at_width_a_million(race, benchmark, lawful_training) -> None:
    case = Case({"width": 10**6, "depth": 3, "inputs": 3, "input_dim": 4, "steps": 10, "rate": 0.1})
    seconds = []

    def run() -> None:
        started = time.process_time()
        lazy_training(case, 1, random("bench")).losses()
        seconds.append(time.process_time() - started)

    benchmark.pedantic(run, rounds=1)
    race.row(Row("G5", "seconds of 10 steps with two hidden matrices of 10^6 x 10^6", seconds[0], 10, True, seconds[0], dtypes="float64"))
