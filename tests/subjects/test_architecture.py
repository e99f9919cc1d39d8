from __future__ import annotations

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from scipy.special import betainc

from regimes.case import Case
from regimes.decide import LawAgainstCDF, TwoSample
from regimes.randomness import Randomness
from regimes.subjects.architecture import Architecture, architecture, equal_cosines


def random(key: str) -> Randomness:
    return Randomness(key, torch.device("cpu"), torch.float64)


@pytest.mark.parametrize("dimension", [3, 4, 9])
def test_angles_have_the_law_of_independent_directions(dimension: int) -> None:
    x = Architecture((dimension, 5), inputs=3).draw_angles(20_000, random("angles"))
    torch.testing.assert_close(x.norm(dim=2), torch.ones(20_000, 3, dtype=torch.float64))
    # (1 + cos)/2 of two directions in n dimensions is Beta((n - 1)/2, (n - 1)/2).
    for one, other in ((0, 1), (1, 2)):
        half = (dimension - 1) / 2
        rule = LawAgainstCDF(cdf=lambda u, half=half: betainc(half, half, u.clip(0, 1)), margin=0.1, error=1e-6)
        rule.fold(((1 + (x[:, one] * x[:, other]).sum(1)) / 2).numpy())
        assert rule.verdict == "holds", rule.evidence().reason


@pytest.mark.parametrize("dimension", [3, 7])
def test_angles_are_jointly_those_of_the_inputs(dimension: int) -> None:
    shape, volumes = Architecture((dimension, 5), inputs=3), []
    for x in (shape.draw_angles(20_000, random("one")), shape.draw_inputs(20_000, random("other"))):
        volumes.append((x @ x.mT).det().numpy())
    rule = TwoSample(0.1, 1e-6)
    rule.fold_pair(*volumes)
    assert rule.verdict == "holds", rule.evidence().reason


@pytest.mark.parametrize("shape", [Architecture((4, 5), 2, "sparse"), Architecture((4, 5), 2, cosine=0.5), Architecture((2, 5), 3)])
def test_fixed_inputs_and_more_inputs_than_dimensions_are_drawn_themselves(shape: Architecture) -> None:
    torch.testing.assert_close(shape.draw_angles(3, random("x")), shape.draw_inputs(3, random("x")), rtol=0, atol=0)


@given(st.integers(1, 6), st.floats(0, 1), st.floats(0, 1))
def test_fixed_inputs_have_the_cosine_and_norms_asked_for(inputs: int, cosine: float, spread: float) -> None:
    case = Case({"width": 3, "depth": 1, "inputs": inputs, "input_dim": 7, "cosine": cosine, "spread": spread})
    x = architecture(case).draw_inputs(2, random("inputs"))
    assert x.shape == (2, inputs, 7)
    torch.testing.assert_close(x[0] @ x[0].T, equal_cosines(inputs, cosine, spread), rtol=1e-9, atol=1e-9)


def test_inputs_that_cannot_be_are_refused() -> None:
    with pytest.raises(ValueError, match=r"3 inputs have a common cosine in \[-0.5, 1\]; got -0.9"):
        equal_cosines(3, -0.9)
    case = Case({"width": 3, "depth": 1, "inputs": 4, "input_dim": 2, "cosine": 0.0})
    with pytest.raises(ValueError, match="need as many dimensions; got 2"):
        architecture(case).draw_inputs(1, random("inputs"))
