"""Flows for tests: without a graph, from fixed generators."""

import pytest
import torch

from regimes.flows.build import Recipe, build


@pytest.fixture(autouse=True)
def no_graph():
    with torch.no_grad():
        yield


def make(replicates=3, seed=0, dtype=torch.float64, **recipe):
    return build(Recipe(**recipe), replicates, torch.Generator().manual_seed(seed), dtype).requires_grad_(False)


@pytest.fixture(name="make")
def make_fixture():
    return make
