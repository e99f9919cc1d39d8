"""Other people's flows behind the protocol; skipped where their library is absent."""

import importlib

import pytest
import torch

from regimes.case import Case
from regimes.flows import adapters, anchors
from regimes.flows.properties import jacobian
from regimes.flows.protocol import Flow, FlowError
from regimes.randomness import Randomness

CASE = Case({"depth": 4, "input_dim": 2, "gain": 0.5})
ANALYTIC = ["zuko_maf", "zuko_nice", "zuko_nsf", "nflows_affine", "nflows_spline", "normflows_realnvp", "normflows_spline"]
BISECTING = ["zuko_gf", "zuko_sospf", "zuko_naf"]


def draw(name, count=4):
    package = name.split("_")[0]
    pytest.importorskip(package, reason=f"{package} is not installed: pip install 'regimes[subjects]'")
    return getattr(adapters, name)(CASE, count, Randomness("test", torch.device("cpu"), torch.float64))


@pytest.mark.parametrize("name", ANALYTIC)
def test_adapters_keep_the_protocol(name):
    flow = draw(name).flow
    assert isinstance(flow, Flow)
    x = torch.randn(4, 6, 2, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    z, branches, log_det = flow.forward(x)
    assert branches.shape == (4, 6, 0)
    _, rows = jacobian(flow, x)
    torch.testing.assert_close(log_det, torch.linalg.slogdet(rows).logabsdet, rtol=1e-6, atol=1e-6)
    back, inverse = flow.inverse(z, branches)
    torch.testing.assert_close(back, x, rtol=1e-6, atol=1e-6)
    torch.testing.assert_close(inverse, -log_det, rtol=1e-6, atol=1e-6)
    assert flow.sample(3, torch.Generator().manual_seed(0)).shape == (4, 3, 2)
    assert (flow.log_density(x * torch.inf) == -torch.inf).all()


@pytest.mark.parametrize("name", ANALYTIC)
def test_analytic_inverses_gain_29_bits(name):
    bits = anchors.round_trip_bits(draw(name))
    assert abs(bits).max() < 6.7


@pytest.mark.parametrize("name", BISECTING)
def test_bisection_gains_none(name):
    assert anchors.round_trip_bits(draw(name)).min() < -20


def test_a_flow_is_drawn_from_its_key_alone():
    first, second = draw("zuko_nsf").flow, draw("zuko_nsf").flow
    torch.manual_seed(1)
    assert all((a == b).all() for a, b in zip(first.parameters(), second.parameters(), strict=True))


def test_a_missing_library_is_one_sentence(monkeypatch):
    def absent(name, package=None):
        raise ImportError(name)

    monkeypatch.setattr(importlib, "import_module", absent)
    with pytest.raises(FlowError, match=r"zuko is not installed; install the extra .*regimes\[subjects\]"):
        adapters.library("zuko")


def test_a_claim_on_folds_does_not_apply_to_a_flow_without_them():
    from regimes.catalogue import load_claims
    from regimes.engine import NotOffered, Settings, decide

    flow = adapters.foreign("plain", lambda dimension, depth: torch.nn.Identity(), lambda f, x: (x, x[:, 0]), lambda f, z: (z, z[:, 0]))
    (claim,) = [c for c in load_claims() if c.id == "dinh2019rad/rad-branch-recovery"]
    case = claim.case({"depth": 1, "input_dim": 2, "family": "zigzag", "dtype": "float64"})
    with pytest.raises(NotOffered, match="it observes 'sample_paths', which its networks do not offer"):
        decide(claim, case, error=1e-6, settings=Settings(device="cpu"), subject=flow)
