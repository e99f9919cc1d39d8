"""Networks with every weight drawn: one batch against a loop over modules, vmap, JAX, and the generator's floor.

The batch is timed behind a check of its norms' exact law, made in the same run.
"""

from __future__ import annotations

import time
from collections.abc import Callable

import numpy as np
import pytest
import torch
from peers import generator_floor, jitted, loop, vmapped

from regimes.case import Case
from regimes.decide import LawAgainstCDF
from regimes.randomness import Randomness
from regimes.subjects.independent_weights import TILE, normal
from regimes.subjects.initialisers import he_normal_fan_in
from regimes.theory import he_norm_law

SHAPES = [(16, 16, 2048, 16), (64, 32, 64, 8), (256, 32, 4, 4), (1024, 16, 1, 1)]


def batch(width: int, depth: int, networks: int):
    return he_normal_fan_in(Case({"width": width, "depth": depth}), networks, Randomness("bench", torch.device("cpu"), torch.float32))


def noise(width: int, depth: int, networks: int) -> Callable[[], None]:
    """The batch's weights drawn and thrown away."""
    tile, stream = torch.empty(TILE), Randomness("bench", torch.device("cpu"), torch.float32).stream("noise")

    def run() -> None:
        for _ in range(width * width * depth * networks // TILE):
            normal(tile, stream)

    return run


@pytest.fixture(scope="module")
def lawful() -> None:
    rule = LawAgainstCDF(cdf=lambda r: he_norm_law.cdf(r, 16), cdf_left=lambda r: he_norm_law.cdf_left(r, 16), margin=0.05, error=1e-6)
    ratios = batch(16, 2, 20_000).layer_ratios()[:, 1].double().numpy()
    rule.fold(ratios[~np.isnan(ratios)])  # without the networks that died a layer earlier
    assert rule.verdict == "holds", rule.evidence().reason
    found = batch(16, 3, 20_000).gradients(0.1)
    # |dLoss/dW^L| is |delta^L| = 1 times |h^(L-1)| where an error at an angle exists, and <a^l, delta^l> is one number.
    kept = found.active[:, -1] > 1
    np.testing.assert_allclose(found.log_weight_gradients[kept, -1], found.log_hidden[kept, -2], atol=1e-4)
    np.testing.assert_allclose(found.kappa[kept, 0], found.kappa[kept, -1], atol=1e-3)


@pytest.mark.parametrize(("width", "depth", "networks", "loops"), SHAPES)
def test_against_a_loop_over_modules(race, lawful, width: int, depth: int, networks: int, loops: int) -> None:
    wanted = {16: 50, 64: 6}.get(width, 4)
    networks_in_a_batch = batch(width, depth, networks)
    what = f"batch with weights against a loop, {width}x{depth}"
    race("G7", what, lambda: networks_in_a_batch.gradients(0.1), loop(width, depth, 1, loops), wanted=wanted, work=networks / loops)


@pytest.mark.parametrize(("width", "depth", "networks", "loops"), SHAPES[2:])
def test_noise_alone_against_a_loop(race, width: int, depth: int, networks: int, loops: int) -> None:
    """What a batch that draws every weight cannot pass, where the goal is beyond it."""
    what = f"batch with weights against a loop, {width}x{depth}: its noise alone"
    race("G7", what, noise(width, depth, networks), loop(width, depth, 1, loops), work=networks / loops)


@pytest.mark.parametrize(("width", "depth", "networks", "loops"), SHAPES)
def test_against_vmap(race, lawful, width: int, depth: int, networks: int, loops: int) -> None:
    networks_in_a_batch = batch(width, depth, networks)
    race("-", f"batch with weights against torch.func.vmap, {width}x{depth}", lambda: networks_in_a_batch.gradients(0.1), vmapped(width, depth, networks))


@pytest.mark.parametrize(("width", "depth", "networks"), [(16, 16, 2048), (64, 32, 64), (256, 32, 4)])
def test_against_jax(race, lawful, width: int, depth: int, networks: int) -> None:
    what = f"batch with weights against JAX vmap + jit, {width}x{depth}"
    try:
        other = jitted(width, depth, networks)
    except ImportError:
        race.skip("G8", what, "JAX is not installed; pip install jax")
    started = time.process_time()
    other()
    compiling = time.process_time() - started
    networks_in_a_batch = batch(width, depth, networks)
    race("G8", what + ", compiled", lambda: networks_in_a_batch.gradients(0.1), other, wanted=2)
    row, hundred = race.rows[-1], 100 / networks
    first, ours = compiling + max(hundred - 1, 0) * row.other, hundred * row.ours
    race.row(type(row)("G8", what + ", first 100 of a shape", first / ours, 50, False, ours, first, row.dtypes))


def test_against_neural_tangents(race) -> None:
    what = "monte_carlo_kernel_fn of neural-tangents"
    try:
        import neural_tangents  # noqa: F401
    except Exception as raised:
        race.skip("-", what, f"it does not import ({type(raised).__name__}: {raised}); JAX vmap + jit above stands for it")
    race.skip("-", what, "it computes kernels, not norms; JAX vmap + jit above stands for it")


@pytest.mark.parametrize(("width", "depth", "networks"), [(256, 32, 4), (1024, 16, 1)])
def test_against_the_generators_floor(race, lawful, width: int, depth: int, networks: int) -> None:
    networks_in_a_batch, floor = batch(width, depth, networks), generator_floor(width, depth, networks)
    race("G6", f"all weights drawn, forward, over the generator's floor, {width}x{depth}", networks_in_a_batch.log_norms, floor, wanted=1.15, inverse=True)


@pytest.mark.parametrize(("width", "depth", "networks"), [(256, 32, 4), (1024, 16, 1)])
def test_backward_against_the_generators_floor(race, lawful, width: int, depth: int, networks: int) -> None:
    networks_in_a_batch, floor = batch(width, depth, networks), generator_floor(width, depth, networks)
    what = f"all weights drawn, forward and backward, over the generator's floor, {width}x{depth}"
    race("-", what, lambda: networks_in_a_batch.gradients(0.1), floor, inverse=True)
