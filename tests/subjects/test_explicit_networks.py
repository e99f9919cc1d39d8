from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from regimes.case import Case
from regimes.randomness import Randomness
from regimes.subjects.explicit_networks import constructed, disguised
from regimes.theory import region_constructions as constructions
from regimes.theory.region_bounds import montufar_2014

RANDOM = Randomness("explicit", torch.device("cpu"), torch.float32)


def value(layers, x) -> np.ndarray:
    h = np.array([x], dtype=object)
    for weight, bias in layers:
        h = np.array([max(a, 0) for a in weight @ h + bias], dtype=object)
    return h


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 1000), st.fractions(-2, 2, max_denominator=50))
def test_a_disguise_permutes_and_rescales_the_outputs_and_nothing_else(seed: int, x) -> None:
    layers = constructions.montufar(1, [3, 4, 3])
    found = value(disguised(layers, np.random.default_rng(seed)), x)
    expected = value(layers, x)
    assert sorted(found > 0) == sorted(expected > 0)
    ratios = sorted(a / b for a, b in zip(sorted(found), sorted(expected), strict=True) if b)
    assert len(ratios) == sum(expected > 0)


@pytest.mark.parametrize(("inputs", "width", "depth"), [(1, 3, 2), (1, 4, 3), (2, 4, 2)])
def test_all_disguises_have_the_regions_of_the_construction(inputs: int, width: int, depth: int) -> None:
    subject = constructed("folding", constructions.montufar)
    networks = subject(Case({"input_dim": inputs, "width": width, "depth": depth}), 5, RANDOM)
    cells = [found.cells for found in networks.counts(inside=True)]
    assert cells == [montufar_2014(inputs, [width] * depth)] * 5
    first, second = (network.layers for network in networks.networks[:2])
    assert first != second


def test_maxout_constructions() -> None:
    subject = constructed("maxout", lambda inputs, given: constructions.maxout_folding(inputs, *given), rank=lambda case: case.rank)
    networks = subject(Case({"input_dim": 1, "depth": 3, "rank": 2}), 2, RANDOM)
    assert [found.cells for found in networks.counts()] == [8, 8]
