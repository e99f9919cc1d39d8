"""Norms of many random ReLU networks: the batched subject and the exact-in-law sampler against a loop over modules.

`make bench` prints the times and the ratios, the loop timed in the same run.
"""

from __future__ import annotations

import pytest
import torch
from torch import nn

from regimes.case import Case
from regimes.randomness import Randomness
from regimes.subjects.initialisers import he_normal
from regimes.subjects.norm_chain import he_normal_in_law

NETWORKS = 256


def loop(case: Case, networks: int) -> torch.Tensor:
    """What a user would write: one module at a time."""
    found = []
    with torch.no_grad():
        for _ in range(networks):
            x = torch.randn(1, case.width)
            h, norms = x, []
            for _ in range(case.depth):
                layer = nn.Linear(case.width, case.width, bias=False)
                nn.init.kaiming_normal_(layer.weight, mode="fan_out", nonlinearity="relu")
                h = torch.relu(layer(h))
                norms.append((h.square().sum() / x.square().sum()).log())
            found.append(torch.stack(norms))
    return torch.stack(found)


@pytest.mark.parametrize("subject", [he_normal, he_normal_in_law], ids=["batched", "in law"])
@pytest.mark.parametrize(("width", "depth"), [(16, 32), (128, 8)])
def test_norms_of_256_networks(benchmark, against, subject, width: int, depth: int) -> None:
    torch.set_num_threads(1)
    case = Case({"width": width, "depth": depth})
    randomness = Randomness("bench", torch.device("cpu"), torch.float32)
    found = benchmark(lambda: subject(case, NETWORKS, randomness).log_norms())
    assert found.shape == (NETWORKS, depth + 1, 1)
    against("a loop over modules", lambda: loop(case, NETWORKS))
