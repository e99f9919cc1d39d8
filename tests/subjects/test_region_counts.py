from __future__ import annotations

import numpy as np
import pytest
import torch
from scipy.special import ndtr

from regimes.case import Case
from regimes.errors import SubjectError
from regimes.randomness import Randomness
from regimes.subjects import region_networks as nets
from regimes.theory import kac_rice
from regimes.theory.region_expectation import expected_regions

RANDOM = Randomness("counts", torch.device("cpu"), torch.float64)


def mass(spread: float):
    return lambda start, end, length: np.abs(ndtr(end / spread) - ndtr(start / spread))


@pytest.mark.parametrize("spread", [0.3, 1.0, 3.0])
def test_expected_breakpoints_of_the_first_layer_have_the_closed_form(spread: float) -> None:
    networks = nets.he_with_biases(Case({"width": 50, "depth": 1, "bias_std": spread}), 2000, RANDOM)
    expected, below = networks.mean_breakpoints((-1.0, 1.0), mass(spread))
    assert (below == 1).all()
    # He weights of one input are N(0, 2).
    exact = kac_rice.first_layer(50, 1.0, np.sqrt(2), spread)
    assert expected[:, 0].mean() == pytest.approx(exact, rel=0.01)
    assert networks.line((-1.0, 1.0)).per_layer[:, 0].mean() == pytest.approx(exact, rel=0.03)


@pytest.mark.parametrize("inputs", [1, 3])
def test_expected_breakpoints_are_the_integral_of_the_formula(inputs: int) -> None:
    case = Case({"width": 6, "depth": 3, "input_dim": inputs, "bias_std": 0.5})
    networks = nets.he_with_biases(case, 4, RANDOM)
    expected, _ = networks.mean_breakpoints((-2.0, 2.0), mass(0.5))
    line, own = networks.on_a_line, networks.piecewise_linear().biases
    t = np.linspace(-2, 2, 40_001)
    middle = (t[1:] + t[:-1]) / 2
    for r in range(4):
        hidden = t[None, :]
        for layer, (w, b, alone) in enumerate(zip(line.weights, line.biases, own, strict=True)):
            a = w[r].numpy() @ hidden + b[r].numpy()[:, None]
            z = a - alone[r].numpy()[:, None]
            slope = np.diff(z, axis=1) / np.diff(t)
            density = kac_rice.gaussian_integrand((z[:, 1:] + z[:, :-1]) / 2, slope, 0.5)
            assert expected[r, layer] == pytest.approx((density.sum(0) * np.diff(t)).sum(), rel=2e-4)
            hidden = np.maximum(a, 0)
    assert middle.size == 40_000


def test_more_inputs_are_cut_along_a_random_line_or_plane() -> None:
    networks = nets.symmetric(Case({"width": 3, "depth": 2, "input_dim": 5, "law": "nn.Linear default"}), 3000, RANDOM)
    assert networks.on_a_line.inputs == 1
    assert networks.line().cells.mean() == pytest.approx(expected_regions(1, (3, 3)), abs=0.15)
    few = nets.symmetric(Case({"width": 3, "depth": 1, "input_dim": 4, "law": "nn.Linear default"}), 20, RANDOM)
    assert (few.plane_cells() == 7).all()
    assert (few.plane_cells(1e-9) <= 7).all()


def test_one_input_has_no_plane() -> None:
    networks = nets.symmetric(Case({"width": 3, "depth": 1, "law": "nn.Linear default"}), 2, RANDOM)
    with pytest.raises(SubjectError, match="two inputs; give --case input_dim=2"):
        networks.plane_cells()
