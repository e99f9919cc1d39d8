"""Training: keyed, alone per flow, and refused where it breaks."""

import pytest
import torch

from regimes.flows.protocol import FlowError
from regimes.flows.training import train, two_moons


def test_training_is_the_same_twice_and_helps(make):
    ends = []
    for _ in range(2):
        flow = make(dimension=2, depth=2)
        before, after = train(flow, 30, torch.Generator().manual_seed(4))
        assert (after < before).all()
        ends.append([p.clone() for p in flow.parameters()])
    assert all((a == b).all() for a, b in zip(*ends, strict=True))


def test_no_step_changes_nothing(make):
    flow = make(dimension=1)
    before, after = train(flow, 0, torch.Generator().manual_seed(4))
    assert (before == after).all()


def test_a_gradient_that_is_not_finite_is_refused(make):
    flow = make(dimension=1)
    with pytest.raises(FlowError, match="not finite"):
        train(flow, 3, torch.Generator().manual_seed(4), rate=float("inf"))


def test_moons_lie_in_the_plane():
    points = two_moons(2, 1000, 2, torch.Generator().manual_seed(0), torch.float64)
    assert points.shape == (2, 1000, 2) and points.abs().max() < 4
    with pytest.raises(FlowError, match="dimension 3"):
        two_moons(1, 1, 3, torch.Generator(), torch.float64)
