"""The bettor: alternatives are densities, so that its wealth has mean 1 under the claim."""

import pytest
import torch

from regimes.case import Case
from regimes.flows import eprocess
from regimes.flows.build import FAMILIES
from regimes.flows.mutants import ArgmaxSampler
from regimes.flows.subjects import flows, rad
from regimes.randomness import Randomness

KEY = Randomness("test", torch.device("cpu"), torch.float64)


@pytest.mark.parametrize("family", FAMILIES)
def test_alternatives_integrate_to_one(make, family):
    """Their densities are summed on a fine grid of the line, by the midpoint rule."""
    flow = make(replicates=2, family=family, depth=2)
    low, high = (0.0, 1.0) if family == "interval" else (-20.0, 20.0)
    x = low + (high - low) * (torch.arange(100_000, dtype=torch.float64) + 0.5) / 100_000
    x = x[None, :, None].expand(2, -1, 1)
    q = (eprocess.log_ratios(flow, x) + flow.log_density(x)[..., None]).exp()
    mass = torch.nan_to_num(q).mean(1) * (high - low)
    torch.testing.assert_close(mass, torch.ones_like(mass), rtol=0, atol=2e-4)


def test_a_right_sampler_earns_nothing_and_a_wrong_one_a_fortune():
    case = Case({"depth": 2, "input_dim": 1, "family": "zigzag", "dtype": "float64"})
    assert eprocess.log_wealth(flows(case, 32, KEY), 512).max() < 27
    wrong = rad("argmax", stack=ArgmaxSampler)
    assert eprocess.log_wealth(wrong(case, 32, KEY), 512).max() > 100
