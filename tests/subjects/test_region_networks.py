from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import nn

from regimes.case import Case
from regimes.errors import SubjectError
from regimes.randomness import Randomness
from regimes.subjects import initialisers
from regimes.subjects import region_networks as nets
from regimes.subjects.foreign import linear_layer
from regimes.theory.region_bounds import layerwise
from regimes.theory.region_expectation import expected_regions

RANDOM = Randomness("regions", torch.device("cpu"), torch.float32)


@pytest.mark.parametrize("law", nets.LAWS)
def test_the_mean_number_of_regions_does_not_depend_on_the_law(law: str) -> None:
    case = Case({"width": 3, "depth": 3, "law": law})
    cells = nets.symmetric(case, 20_000, RANDOM).line().cells
    # The standard error is near 0.02.
    assert cells.mean() == pytest.approx(expected_regions(1, (3, 3, 3)), abs=0.1)


@pytest.mark.parametrize(
    ("subject", "widths"),
    [(nets.one_sided_biases, (8, 8, 8)), (nets.only_positive_weights, (4, 4, 4)), (nets.naive_orthogonal, (1, 1, 1, 1))],
)
def test_laws_without_the_symmetry_have_another_mean(subject, widths: tuple[int, ...]) -> None:
    cells = subject(Case({"width": widths[0], "depth": len(widths)}), 10_000, RANDOM).line().cells
    assert abs(cells.mean() - expected_regions(1, widths)) > 5 * cells.std() / 100


def test_without_biases_all_breakpoints_are_at_the_origin() -> None:
    assert set(nets.without_biases(Case({"width": 6, "depth": 3}), 200, RANDOM).line().cells) <= {1, 2}


def test_torchs_linear_layer_counts_as_it_ships() -> None:
    subject = linear_layer("nn.Linear", nn.Linear)
    cells = subject(Case({"width": 4, "depth": 2, "input_dim": 1}), 4000, RANDOM).line().cells
    assert cells.mean() == pytest.approx(expected_regions(1, (4, 4)), abs=0.25)


@pytest.mark.parametrize(("width", "depth"), [(3, 3), (5, 2), (8, 3)])
def test_the_zigzag_without_noise_is_the_maximum(width: int, depth: int) -> None:
    case = Case({"width": width, "depth": depth, "noise": 0.0})
    found = nets.near_zigzag(case, 2, RANDOM).line((0.0, 1.0))
    assert (found.cells == layerwise(1, (width,) * depth)).all()
    noisy = nets.near_zigzag(case.replace(noise=0.3), 50, RANDOM).line()
    assert (noisy.cells <= layerwise(1, (width,) * depth)).all()
    assert len(np.unique(noisy.cells)) > 1


def test_networks_that_are_not_piecewise_linear_have_no_regions() -> None:
    with pytest.raises(SubjectError, match="counted for relu and leaky networks; got the activation 'tanh'"):
        initialisers.tanh_networks(Case({"width": 3, "depth": 2}), 2, RANDOM).line()
