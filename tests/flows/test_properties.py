"""What claims measure on flows, where an oracle and the flow could differ for a reason of their own."""

import pytest
import torch

from regimes.case import Case
from regimes.flows import properties
from regimes.flows.build import FAMILIES
from regimes.flows.rad import in_rows
from regimes.flows.subjects import flows
from regimes.randomness import Randomness


def draw(family: str, count: int):
    case = Case({"depth": 8, "input_dim": 8, "family": family, "dtype": "float64", "gain": 0.5})
    return flows(case, count, Randomness("near folds 0", torch.device("cpu"), torch.float32))


@pytest.mark.parametrize("family", FAMILIES)
def test_the_jacobian_is_that_of_the_very_latents_of_the_density(family: str) -> None:
    draws = draw(family, 16)
    x = in_rows(draws.points(8))
    z, jacobian = properties.jacobian(draws.flow, x)
    terms = draws.flow.terms(x)
    torch.testing.assert_close(z, terms.images[-1], rtol=0, atol=0)
    torch.testing.assert_close(torch.linalg.slogdet(jacobian).logabsdet, torch.stack(terms.log_dets).sum(0))


def test_latents_near_folds_agree_with_autograd_too() -> None:
    # A gate near its zero magnifies a rounding of the latent a thousandfold: one of these flows has such a point.
    residuals = properties.log_density_by_autograd(draw("zigzag", 512))
    assert residuals.mask.mean() < 0.1
    assert residuals.max() < 0.1
