"""Gates: normalised, zero where a branch does not reach, and continuous at folds."""

import math

import pytest
import torch

from regimes.flows.mutants import EqualGate

CASES = [("zigzag", -4, 4), ("abs", 0, 4), ("interval", 0, 1)]


@pytest.mark.parametrize(("family", "low", "high"), CASES)
@pytest.mark.parametrize("dimension", [1, 3])
def test_gates_sum_to_one_and_vanish_where_branches_do_not_reach(make, family, low, high, dimension):
    flow = make(family=family, dimension=dimension)
    layer = flow.folds[0]
    z = low + (high - low) * torch.rand(3, 200, dimension, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    log = layer.log_gate(z)
    torch.testing.assert_close(log.exp().sum(-1), torch.ones(3, 200, dtype=torch.float64), rtol=0, atol=1e-14)
    reached = layer.family().admits(z[..., layer.coordinate])
    assert (torch.isfinite(log) <= reached).all()


def test_latents_outside_the_target_come_from_nowhere(make):
    for family in ("abs", "interval"):
        log = make(family=family).folds[0].log_gate(torch.full((3, 1, 1), -0.5, dtype=torch.float64))
        assert (log == -torch.inf).all()


@pytest.mark.parametrize(("family", "low", "high"), CASES)
def test_the_gate_of_one_branch_is_its_column(make, family, low, high):
    layer = make(family=family, dimension=2).folds[0]
    pieces, generator = layer.family(), torch.Generator().manual_seed(0)
    z = low - 1 + (high - low + 2) * torch.rand(3, 200, 2, dtype=torch.float64, generator=generator)
    k = torch.randint(0, pieces.count, (3, 200), generator=generator)
    assert torch.equal(layer.gate.at(z, pieces, k), layer.log_gate(z).gather(2, k[..., None])[..., 0])


@pytest.mark.parametrize("family", ["abs", "interval"])
def test_gradients_are_finite_outside_the_target(make, family):
    flow = make(family=family).requires_grad_(True)
    with torch.enable_grad():
        log = flow.folds[0].log_gate(torch.tensor([-0.5, 0.5], dtype=torch.float64).expand(3, 2)[..., None])
        log[:, 1].sum().backward()
    assert all(torch.isfinite(p.grad).all() for p in flow.parameters() if p.grad is not None)


def test_the_crease_balances_both_sides(make):
    flow = make(family="abs", dimension=2)
    layer = flow.folds[0]
    z = torch.randn(3, 20, 2, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    z[..., 0] = 0
    pieces = layer.family()
    sides = layer.log_gate(z) + pieces.log_slopes[:, None]
    torch.testing.assert_close(sides[..., 0], sides[..., 1])


def test_an_interval_hands_over_equally_at_both_ends(make):
    flow = make(family="interval", pieces=4)
    layer = flow.folds[0]
    ends = torch.tensor([0.0, 1.0], dtype=torch.float64).expand(3, 2)[..., None]
    sides = layer.log_gate(ends) + layer.family().log_slopes[:, None]
    torch.testing.assert_close(sides, torch.zeros_like(sides), rtol=0, atol=1e-14)


def test_gradients_are_finite_where_weights_vanish(make):
    flow = make(family="zigzag").requires_grad_(True)
    pieces = flow.folds[0].family()
    with torch.enable_grad():
        at = torch.stack((pieces.folds.detach(), pieces.folds.detach() + 5), 1).reshape(3, -1, 1)
        log = flow.folds[0].log_gate(at)
        torch.where(torch.isfinite(log), log, 0.0).sum().backward()
    assert all(torch.isfinite(p.grad).all() for p in flow.parameters() if p.grad is not None)


def test_the_absolute_value_of_survae_costs_log_2(make):
    """Nielsen et al. 2020: for |x| with even gates the log-term is -log 2 per folded dimension."""
    flow = make(family="abs", gates={"abs": EqualGate})
    flow.folds[0].family.logs.zero_()
    x = torch.randn(3, 10, 1, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    terms = flow.terms(x)
    torch.testing.assert_close(terms.log_gates[0] + terms.log_dets[0], torch.full((3, 10), -math.log(2), dtype=torch.float64))
    shifted = x[..., 0] - flow.folds[0].family.crease[:, None]
    torch.testing.assert_close(flow.log_density(x), -0.5 * shifted**2 - 0.5 * math.log(2 * math.pi))
