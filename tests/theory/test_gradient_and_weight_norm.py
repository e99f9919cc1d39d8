from __future__ import annotations

import numpy as np
import pytest
import torch

from regimes.case import Case
from regimes.decide import HeavyTailedMean, TwoSample
from regimes.randomness import Randomness
from regimes.subjects.initialisers import haar, he_normal, weight_normalised
from regimes.theory import gradient_norm_law, weight_norm_law

RANDOM = Randomness("test", torch.device("cpu"), torch.float64)


@pytest.mark.parametrize(
    ("case", "alignment"),
    [
        ({"width": 32, "depth": 6}, 1.0),
        ({"width": 16, "depth": 4, "profile": "alternating"}, 0.3),
        ({"width": 24, "depth": 3, "ratio": 4.0}, 0.1),
        ({"width": 5, "depth": 3}, 0.5),
    ],
)
def test_moments_against_networks(case: dict, alignment: float) -> None:
    networks = he_normal(Case(case), 6000, RANDOM)
    found = networks.gradients(alignment)
    alive = ((found.active > 0).all(1) & (found.active[:, -1] > 1)).numpy()
    ratio = (found.log_delta[:, 0] - found.log_delta[:, -1]).exp().numpy()[alive]
    mean, variance = gradient_norm_law.moments(networks.architecture.hidden, alignment)
    assert abs(ratio.mean() - mean) < 5 * np.sqrt(variance / len(ratio))
    rule = HeavyTailedMean(mean, 0.3 * mean, variance, 1e-6)
    rule.fold(ratio)
    assert rule.verdict != "refuted"
    fourth = ((ratio - mean) ** 4).mean()
    assert abs(ratio.var() - variance) < 6 * np.sqrt(fourth / len(ratio))


def test_moments_against_the_dossier_and_leading_order() -> None:
    assert gradient_norm_law.moments((200,) * 10, 1.0)[0] == pytest.approx(9.36, abs=0.35)
    assert gradient_norm_law.moments((10_000,) * 5, 0.2)[0] == pytest.approx(
        gradient_norm_law.leading_order((10_000,) * 5, 0.2), rel=2e-3
    )
    with pytest.raises(ValueError, match="squared cosine"):
        gradient_norm_law.moments((4, 4), 1.5)


@pytest.mark.parametrize(
    "widths", [(10_000,) * 5 + (2_500,), (10_000,) * 5 + (40_000,), (4_000, 16_000, 8_000, 16_000), (64_000, 16_000, 8_000)]
)
def test_the_leading_order_of_unequal_widths(widths: tuple[int, ...]) -> None:
    for alignment in (0.0, 0.3, 1.0):
        mean, _ = gradient_norm_law.moments(widths, alignment)
        assert gradient_norm_law.leading_order(widths, alignment) == pytest.approx(mean, rel=3e-3)


def test_weight_normalised_ratios() -> None:
    generator = np.random.default_rng(0)
    for inputs, units in ((2, 5), (7, 3), (30, 10)):
        draws = weight_norm_law.sample(inputs, units, 50_000, generator)
        assert draws.mean() == pytest.approx(1, abs=0.03)
        assert draws.var() == pytest.approx(weight_norm_law.variance(inputs, units), rel=0.05)
    case = Case({"width": 3, "depth": 1, "input_dim": 2})
    ratios = weight_normalised(case, 20_000, RANDOM).layer_ratios()[:, 0].numpy()
    rule = TwoSample(0.08, 1e-6)
    rule.fold(np.stack([ratios, weight_norm_law.sample(2, 3, 20_000, generator)], 1))
    assert rule.verdict == "holds"


def test_orthogonal_ratios() -> None:
    n = 8
    ratios = haar(Case({"width": n, "depth": 1}), 40_000, RANDOM).layer_ratios()[:, 0].numpy()
    assert ratios.mean() == pytest.approx(1, abs=0.01)
    assert ratios.var() == pytest.approx(weight_norm_law.orthogonal_variance(n), rel=0.03)
    inner = np.sort(ratios[(ratios > 1e-9) & (ratios < 2 - 1e-9)])
    gap = np.abs(weight_norm_law.orthogonal_cdf(inner, n) - (np.arange(inner.size) + 0.5) / inner.size).max()
    assert gap < 0.01
