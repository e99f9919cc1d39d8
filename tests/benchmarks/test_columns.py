"""Networks of which only the active columns are drawn, one input: against the generator's floor for all weights, and a loop."""

from __future__ import annotations

import pytest
import torch
from peers import generator_floor, loop

from regimes.case import Case
from regimes.decide import TwoSample
from regimes.engine import block_size
from regimes.randomness import Randomness
from regimes.subjects.initialisers import he_uniform

COLUMNS = he_uniform.in_law[-1].subject
SHAPES = [(256, 32), (1024, 16)]


def random(dtype: torch.dtype = torch.float32) -> Randomness:
    return Randomness("bench", torch.device("cpu"), dtype)


@pytest.fixture(scope="module")
def lawful() -> None:
    torch.set_num_threads(1)
    case = Case({"width": 3, "depth": 3})
    found = [one(case, 12_000, random(torch.float64)).gradients(0.3) for one in (he_uniform, COLUMNS)]
    for layer in range(3):
        rule = TwoSample(0.1, 1e-6)
        rule.fold_pair(*(g.log_weight_gradients[:, layer].clamp_min(-60).numpy().round(7) for g in found))
        assert rule.verdict == "holds", rule.evidence().reason


@pytest.mark.parametrize(("passes", "wanted"), [("forward", 0.6), ("forward and backward", 0.7)])
@pytest.mark.parametrize(("width", "depth"), SHAPES)
def test_against_the_generators_floor(race, lawful, width: int, depth: int, passes: str, wanted: float) -> None:
    case = Case({"width": width, "depth": depth})
    networks = block_size(COLUMNS, case, "cpu")
    batch = COLUMNS(case, networks, random())
    run = batch.log_norms if passes == "forward" else lambda: batch.gradients(0.3)
    what = f"active columns, {passes}, over the generator's floor for all weights, {width}x{depth}"
    race("G6", what, run, generator_floor(width, depth, networks, "uniform_"), wanted=wanted, inverse=True)


@pytest.mark.parametrize(("width", "depth"), SHAPES)
def test_against_a_loop_over_modules(race, lawful, width: int, depth: int) -> None:
    case = Case({"width": width, "depth": depth})
    networks = block_size(COLUMNS, case, "cpu")
    batch = COLUMNS(case, networks, random())
    what = f"active columns against a loop, {width}x{depth}"
    race("G7", what, lambda: batch.gradients(0.3), loop(width, depth, 1, 1, "uniform"), wanted=4, work=networks)
