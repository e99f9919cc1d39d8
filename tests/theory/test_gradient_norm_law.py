from __future__ import annotations

import math
from fractions import Fraction

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from regimes.case import Case
from regimes.decide import TwoSample
from regimes.randomness import Randomness
from regimes.subjects.initialisers import he_normal
from regimes.theory import gradient_norm_law


@pytest.mark.parametrize(
    ("widths", "alignment"),
    [((16, 4), 1.0), ((16, 4), 0.3), ((8, 8, 8), 0.0), ((32,) * 6, 1.0), ((64, 16, 64, 16), 1.0), ((6, 9, 5), 0.5)],
)
def test_moments_against_the_chain(widths: tuple[int, ...], alignment: float) -> None:
    logs = gradient_norm_law.sample(widths, alignment, 200_000, np.random.default_rng(3))[:, 0]
    ratios = np.exp(logs[~np.isnan(logs)])
    mean, variance = gradient_norm_law.moments(widths, alignment)
    assert abs(ratios.mean() - mean) < 5 * np.sqrt(variance / ratios.size)
    fourth = ((ratios - mean) ** 4).mean()
    assert abs(ratios.var() - variance) < 6 * np.sqrt(fourth / ratios.size)


@pytest.mark.parametrize("alignment", [0.0, 0.4, 1.0])
@pytest.mark.parametrize("profile", ["constant", "alternating"])
def test_the_chain_has_the_law_of_networks(profile: str, alignment: float) -> None:
    networks = he_normal(
        Case({"width": 4, "depth": 4, "profile": profile}), 40_000, Randomness("chain", torch.device("cpu"), torch.float64)
    )
    found = networks.gradients(alignment)
    kept = ((found.active > 0).all(1) & (found.active[:, -1] > 1)).numpy()
    chain = gradient_norm_law.sample(networks.architecture.hidden, alignment, 40_000, np.random.default_rng(5))
    left_out = np.isnan(chain[:, 0])
    assert left_out.mean() == pytest.approx(1 - kept.mean(), abs=0.02)
    for layer in (0, 2):
        ours = chain[~left_out, layer]
        theirs = (found.log_delta[:, layer] - found.log_delta[:, -1]).numpy()[kept]
        both = min(ours.size, theirs.size)
        # A fresh part of no degrees is exactly 0 in the chain and a rounding error in a network.
        pairs = np.maximum(np.stack([ours[:both], theirs[:both]], 1), -30.0)
        rule = TwoSample(0.08, 1e-6)
        rule.fold(pairs)
        assert rule.verdict == "holds"


@settings(max_examples=40)
@given(st.lists(st.integers(2, 80), min_size=1, max_size=6), st.floats(0, 1))
def test_moments_are_those_of_a_positive_variable(widths: list[int], alignment: float) -> None:
    mean, variance = gradient_norm_law.moments(tuple(widths), alignment)
    assert mean >= 0
    assert variance >= -1e-9 * mean**2


def test_chains_of_one_layer_and_refused_arguments() -> None:
    assert gradient_norm_law.moments((5,), 0.5) == (1.0, 0.0)
    with pytest.raises(ValueError, match="two units in the last hidden layer"):
        gradient_norm_law.moments((5, 1), 0.5)
    with pytest.raises(ValueError, match="squared cosine"):
        gradient_norm_law.sample((5, 4), -0.1, 3, np.random.default_rng(0))


@pytest.mark.parametrize("least", [1, 2])
@pytest.mark.parametrize("width", [2, 3, 7, 40, 1200])
def test_moments_of_active_units_against_their_sum(width: int, least: int) -> None:
    weights = {k: Fraction(math.comb(width, k), 2**width) for k in range(least, width + 1)}
    exact = [float(sum(k**power * p for k, p in weights.items()) / sum(weights.values())) for power in (1, 2)]
    np.testing.assert_allclose(gradient_norm_law._active_moments(width, least), exact, rtol=1e-13)


def test_deep_networks_of_a_million_units_follow_the_leading_order() -> None:
    widths = (1 << 20,) * 1024
    for alignment in (0.0, 0.01, 1.0):
        mean, variance = gradient_norm_law.moments(widths, alignment)
        assert mean == pytest.approx(gradient_norm_law.leading_order(widths, alignment), rel=2e-3)
        assert 0 < variance < 0.02 * mean**2
