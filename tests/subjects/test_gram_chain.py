from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from regimes.case import Case
from regimes.decide import TwoSample
from regimes.randomness import Randomness
from regimes.subjects.architecture import architecture, equal_cosines
from regimes.subjects.gram_chain import he_in_law
from regimes.subjects.initialisers import he_normal_fan_in
from regimes.subjects.sample_moments import moments
from regimes.theory import cosine_map

CASE = Case({"width": 6, "depth": 3, "inputs": 3, "input_dim": 8, "cosine": 0.2, "spread": 0.5})


def random(key: str) -> Randomness:
    return Randomness(key, torch.device("cpu"), torch.float64)


@pytest.mark.parametrize("layer", [1, 2, 3])
@pytest.mark.parametrize("which", ["share", "shrinkage", "total"])
def test_the_chain_has_the_law_of_networks_with_weights(layer: int, which: str) -> None:
    samples = []
    for subject in (he_in_law, he_normal_fan_in):
        values = getattr(subject(CASE, 20_000, random(f"{subject.name}")).sample_moments(), which)[:, layer]
        samples.append(torch.log(values.clamp_min(1e-300)).nan_to_num(-700.0).numpy())
    rule = TwoSample(0.1, 1e-6)
    rule.fold_pair(*samples)
    assert rule.verdict == "holds"


def test_a_wide_chain_follows_the_infinite_width_law() -> None:
    case = Case({"width": 20_000, "depth": 6, "inputs": 3, "input_dim": 3, "cosine": 0.2, "spread": 0.5})
    found = he_in_law(case, 4, random("wide")).sample_moments()
    gram = equal_cosines(3, 0.2, 0.5).numpy() * 2 / 3
    for layer in range(7):
        total, mean, variance = cosine_map.shares(cosine_map.iterate(gram, layer))
        np.testing.assert_allclose(found.total[:, layer], total, rtol=0.1)
        np.testing.assert_allclose(found.mean[:, layer], mean, rtol=0.1)
        np.testing.assert_allclose(found.variance[:, layer], variance, rtol=0.1)


@given(st.integers(1, 6), st.floats(0, 1), st.floats(0, 1))
def test_fixed_inputs_have_the_cosine_and_norms_asked_for(inputs: int, cosine: float, spread: float) -> None:
    case = Case({"width": 3, "depth": 1, "inputs": inputs, "input_dim": 7, "cosine": cosine, "spread": spread})
    x = architecture(case).draw_inputs(2, random("inputs"))
    assert x.shape == (2, inputs, 7)
    torch.testing.assert_close(x[0] @ x[0].T, equal_cosines(inputs, cosine, spread), rtol=1e-9, atol=1e-9)


def test_inputs_that_cannot_be_are_refused() -> None:
    with pytest.raises(ValueError, match=r"3 inputs have a common cosine in \[-0.5, 1\]; got -0.9"):
        equal_cosines(3, -0.9)
    case = Case({"width": 3, "depth": 1, "inputs": 4, "input_dim": 2, "cosine": 0.0})
    with pytest.raises(ValueError, match="need as many dimensions; got 2"):
        architecture(case).draw_inputs(1, random("inputs"))


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 10**6), st.floats(1e-9, 1.5))
def test_moments_split_and_small_angles_keep_their_digits(seed: int, theta: float) -> None:
    generator = torch.Generator().manual_seed(seed)
    basis = torch.linalg.qr(torch.randn(5, 2, generator=generator, dtype=torch.float64))[0]
    h = torch.stack([2 * basis[:, 0], 3 * (np.cos(theta) * basis[:, 0] + np.sin(theta) * basis[:, 1])], 1)[None]
    total, mean, variance, sine = moments(h)
    torch.testing.assert_close(total, mean + variance, rtol=1e-12, atol=0)
    assert sine.item() == pytest.approx(np.sin(theta) ** 2, rel=1e-6, abs=1e-30)
    assert moments(h[:, :, :1])[3].isnan().all()
