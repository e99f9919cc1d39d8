"""Learning curves of linear denoising autoencoders, by modes and by matrices, against simulated gradient descent.

Both are timed behind the check that the matrices' curves are the modes', made in the same run.
"""

from __future__ import annotations

import pytest
import torch

from regimes.case import Case
from regimes.randomness import Randomness
from regimes.subjects.dae_modes import Modes
from regimes.subjects.linear_dae import MatrixDAE, aligned

SIZE, PROBLEMS, POINTS = 32, 32, 16
CASE = Case({"spectrum": "linear", "input_dim": SIZE, "width": SIZE, "initial": 0.01, "noise": 0.25, "rate": 0.02, "training": 20.0})


def matrices(problems: int) -> MatrixDAE:
    return aligned(CASE, problems, Randomness("bench", torch.device("cpu"), torch.float64))


def modes(dae: MatrixDAE, problems: int) -> Modes:
    one = torch.ones(SIZE * problems, dtype=torch.float64)
    values, start = dae.spectrum.repeat(problems), dae.start.repeat(problems).sqrt()
    return Modes.posed((values, dae.noise * one, 0 * one), (start, start), dae.rate * one, dae.steps, dae.randomness)


@pytest.fixture(scope="module")
def lawful() -> None:
    dae = matrices(2)
    curves = torch.diagonal(dae.products(POINTS), dim1=-2, dim2=-1)
    expected = modes(dae, 1).products(POINTS).T
    torch.testing.assert_close(curves[1], expected, rtol=1e-9, atol=1e-12)


def simulated(dae: MatrixDAE, steps: int, samples: int = 512):
    """Stochastic gradient descent by autograd on data of the same second moment, with fresh noise at every step."""
    generator = torch.Generator().manual_seed(0)
    x = torch.randn(samples, SIZE, generator=generator, dtype=torch.float64) @ torch.linalg.cholesky(dae.moment[0]).mT

    def run() -> None:
        one, two = dae.encoder[0].clone().requires_grad_(), dae.decoder[0].clone().requires_grad_()
        for _ in range(steps):
            noisy = x + dae.noise**0.5 * torch.randn(x.shape, generator=generator, dtype=torch.float64)
            loss = (x - noisy @ one.mT @ two.mT).square().sum() / (2 * samples)
            loss.backward()
            with torch.no_grad():
                for weight in (one, two):
                    weight -= dae.rate * weight.grad
                    weight.grad = None

    return run


def test_curves_of_modes(race, lawful) -> None:
    dae = matrices(1)
    path, problems = modes(dae, 4 * PROBLEMS), 4 * PROBLEMS
    race("G12", f"curves of {problems} x {SIZE} modes, {dae.steps} steps, against simulated SGD", lambda: path.products(POINTS),
         simulated(dae, dae.steps // 4), wanted=1_000, work=4 * problems, dtypes="float64 / float64")  # fmt: skip


def test_curves_of_matrices(race, lawful) -> None:
    dae = matrices(PROBLEMS)
    what = f"curves of {PROBLEMS} problems of {SIZE} x {SIZE} matrices"
    race("G12", f"{what} against simulated SGD", lambda: dae.products(POINTS),
         simulated(dae, dae.steps // 4), wanted=50, work=4 * PROBLEMS, dtypes="float64 / float64")  # fmt: skip


def test_matrices_against_their_products(race, lawful) -> None:
    dae = matrices(PROBLEMS)
    buffer = torch.empty_like(dae.encoder)

    def products() -> None:
        for _ in range(4 * dae.steps):
            torch.bmm(dae.decoder, dae.encoder, out=buffer)

    race("G12", "curves of matrices as above, against the four products of each step alone: a floor", lambda: dae.products(POINTS), products,
         inverse=True, dtypes="float64 / float64")  # fmt: skip
