from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import nn

from regimes.case import Case
from regimes.randomness import Randomness
from regimes.subjects import normalised_networks as subject

RANDOM = Randomness("normalised", torch.device("cpu"), torch.float64)
Y = torch.randn(3, 5, 7, generator=torch.Generator().manual_seed(0), dtype=torch.float64) * 2 + 1


@pytest.mark.parametrize(
    ("batched", "module"),
    [
        (subject.batch_norm, lambda: nn.BatchNorm1d(5)),
        (subject.batch_norm_in_eval_mode, lambda: nn.BatchNorm1d(5).eval()),
        (subject.layer_norm, lambda: nn.LayerNorm(5)),
        (subject.group_norm, lambda: nn.GroupNorm(1, 5)),
    ],
)
def test_a_batch_of_networks_is_normalised_as_each_by_itself(batched, module) -> None:
    found = batched(Y)
    for y, z in zip(Y, found, strict=True):
        torch.testing.assert_close(module().double()(y.T).T.detach(), z, rtol=1e-12, atol=1e-12)


def test_statistics_and_shares() -> None:
    case = Case({"width": 12, "depth": 4, "inputs": 6, "input_dim": 9})
    networks = subject.batch_normalised(case, 5, RANDOM)
    found = networks.unit_statistics()
    assert found.mean.shape == (5, 4, 12)
    assert found.mean.abs().max() < 1e-13
    torch.testing.assert_close(found.variance, found.before / (found.before + subject.EPS), rtol=1e-12, atol=1e-14)
    np.testing.assert_allclose(networks.shares(), 1)
    plain = subject.unnormalised(case, 5, RANDOM)
    assert (plain.shares() < 1).all()
    torch.testing.assert_close(plain.unit_statistics().variance, plain.unit_statistics().before)
