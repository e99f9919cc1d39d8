"""Networks with weights, one input: against the generator's floor, the naive loop, and each layer in memory of its own.

The floor is the time in which torch draws as many float32 numbers of the law in a buffer of 64 KiB. It bounds whatever draws
every weight; columns of dead units need not be drawn. Ratios to the floor are times over it: the smaller the better.
"""

from __future__ import annotations

import timeit
from collections.abc import Callable

import pytest
import torch
from torch import nn

from regimes.case import Case
from regimes.decide import TwoSample
from regimes.engine import block_size
from regimes.randomness import Randomness
from regimes.subjects.independent_weights import Standard, normal, uniform
from regimes.subjects.initialisers import he_normal, he_uniform

SIZES = [(16, 16), (64, 32), (256, 32), (1024, 16)]
LAWS = {"normal": (he_normal, normal), "uniform": (he_uniform, uniform)}
ROUNDS = {16: 15, 64: 9, 256: 7, 1024: 3}


def random(dtype: torch.dtype = torch.float32) -> Randomness:
    return Randomness("bench", torch.device("cpu"), dtype)


@pytest.fixture(scope="module", autouse=True)
def lawful() -> None:
    """No time is taken of a sampler whose law has not passed."""
    torch.set_num_threads(1)
    case = Case({"width": 3, "depth": 3})
    found = [one(case, 12_000, random(torch.float64)).gradients(0.3) for one in (he_uniform, he_uniform.in_law[-1].subject)]
    for layer in range(3):
        rule = TwoSample(0.1, 1e-6)
        rule.fold_pair(*(g.log_weight_gradients[:, layer].clamp_min(-60).numpy().round(7) for g in found))
        assert rule.verdict == "holds", rule.evidence().reason


def floor(weights: int, standard: Standard) -> Callable[[], None]:
    """Draws as many numbers where they stay in the cache."""
    buffer, generator = torch.empty(1 << 14), torch.Generator().manual_seed(1)

    def run() -> None:
        for _ in range(weights // buffer.numel()):
            standard(buffer, generator)

    return run


def loop(case: Case, law: str, networks: int = 1) -> Callable[[], None]:
    """What a user would write: norms of activations and, by autograd, of weight gradients, one module at a time."""

    def run() -> None:
        for _ in range(networks):
            layers = [nn.Linear(case.width, case.width, bias=False) for _ in range(case.depth)]
            for layer in layers:
                (nn.init.kaiming_normal_ if law == "normal" else nn.init.kaiming_uniform_)(layer.weight, nonlinearity="relu")
            h = torch.randn(1, case.width)
            for layer in layers:
                h = torch.relu(layer(h))
                h.detach().square().sum().log()
            (h * torch.randn(case.width)).sum().backward()
            for layer in layers:
                layer.weight.grad.square().sum().log()

    return run


def plain(case: Case, networks: int, standard: Standard) -> Callable[[], None]:
    """Batched, but every layer in memory of its own and one column at a time: what `DenseNetworks` did at first."""

    def run() -> None:
        generator, width = torch.Generator().manual_seed(1), case.width
        h, kept = torch.randn(networks, width, 1), []
        for _ in range(case.depth):
            kept.append((standard(torch.empty(networks, width, width), generator).mul_(width**-0.5), h))
            h = torch.bmm(kept[-1][0], h).clamp_min(0)
            h.double().square().sum(1).log()
        delta = h
        for weights, below in reversed(kept):
            delta.double().square().sum(1).log()
            torch.bmm(delta.abs().transpose(1, 2), torch.bmm(weights.abs(), below.abs()))
            delta = (below > 0) * torch.bmm(weights.transpose(1, 2), delta)

    return run


@pytest.mark.parametrize("law", LAWS)
@pytest.mark.parametrize(("width", "depth"), SIZES)
@pytest.mark.parametrize("passes", ["forward", "forward and backward"])
@pytest.mark.parametrize("sampler", ["direct", "columns"])
def test_one_input(benchmark, against, sampler: str, passes: str, width: int, depth: int, law: str) -> None:
    if sampler == "columns" and width < 128:
        pytest.skip("columns are for wide networks; the engine draws narrow ones directly")
    direct, standard = LAWS[law]
    subject = direct if sampler == "direct" else direct.in_law[-1].subject
    case = Case({"width": width, "depth": depth})
    networks = block_size(subject, case, "cpu")
    batch = subject(case, networks, random())
    run = batch.log_norms if passes == "forward" else lambda: batch.gradients(0.3)
    rounds, weights = ROUNDS[width], width * width * depth
    benchmark.pedantic(run, rounds=rounds, warmup_rounds=1)
    over_floor(benchmark, floor(networks * weights, standard), rounds)
    if passes == "forward and backward":
        against("a loop over modules with autograd", loop(case, law), rounds=min(rounds, 5), work=networks)
        if sampler == "direct":
            against("layers in memory of their own", plain(case, networks, standard), rounds=rounds)


def over_floor(benchmark, run: Callable[[], None], rounds: int) -> None:
    """Keeps the benchmark's time over the floor's, taken in the same run."""
    if benchmark.stats is not None:
        fastest = min(timeit.repeat(run, number=1, repeat=rounds))
        benchmark.extra_info["over the floor"] = round(benchmark.stats.stats.min / fastest, 2)
