from __future__ import annotations

import numpy as np
import pytest
import torch

from regimes.case import Case
from regimes.decide import TwoSample
from regimes.errors import SubjectError
from regimes.randomness import Randomness
from regimes.subjects.gradient_chain import (
    GradientChain,
    he_fan_in_gradients_in_law,
    he_gradients_in_law,
    leaky_gradients_in_law,
)
from regimes.subjects.initialisers import dense, he_normal, he_normal_fan_in, leaky_networks, normal, scaled
from regimes.theory import gradient_norm_law, he_norm_law


def random(key: str) -> Randomness:
    return Randomness(key, torch.device("cpu"), torch.float64)


def same_law(one: torch.Tensor, other: torch.Tensor) -> None:
    rule = TwoSample(0.1, 1e-6)
    rule.fold_pair(*(np.nan_to_num(part.numpy(), neginf=-60.0).clip(-60).round(9) for part in (one, other)))
    assert rule.verdict == "holds", rule.evidence().reason


PAIRS = [(he_gradients_in_law, he_normal), (he_fan_in_gradients_in_law, he_normal_fan_in), (leaky_gradients_in_law, leaky_networks)]


@pytest.mark.parametrize("pair", PAIRS, ids=lambda pair: pair[0].name)
@pytest.mark.parametrize(
    ("width", "depth", "profile", "alignment"),
    [(3, 4, "constant", 0.3), (4, 3, "narrowing", 0.0), (3, 3, "alternating", 1.0), (2, 1, "constant", 0.5)],
)
def test_every_gradient_has_the_law_of_networks_with_weights(pair, width: int, depth: int, profile: str, alignment: float) -> None:
    case = Case({"width": width, "depth": depth, "profile": profile})
    found = []
    for subject in pair:
        g = subject(case, 40_000, random(subject.name)).gradients(alignment)
        # One active unit in the last layer leaves no error at an angle.
        kept = (g.active[:, -1] != 1) | (pair[0] is leaky_gradients_in_law)
        columns = [*(g.log_delta + g.log_hidden[:, :-1]).T, g.log_delta[:, 0] - g.log_hidden[:, -1], g.log_hidden[:, -1], g.log_kappa, g.active[:, 0]]
        found.append(torch.stack(columns, 1)[kept][:15_000])
    for one, other in zip(found[0].T, found[1].T, strict=True):
        same_law(one, other)


@pytest.mark.parametrize(("slope", "activation"), [(1.0, lambda a: a), (-1.0, torch.abs)])
def test_linear_networks_and_absolute_values(slope: float, activation) -> None:
    derivative = (lambda a, h: torch.ones_like(a)) if slope == 1 else (lambda a, h: a.sign())
    weights = dense("w", scaled(normal, lambda rows, columns: rows**-0.5), activation=activation, derivative=derivative)
    case = Case({"width": 3, "depth": 4})
    one = GradientChain((3, 3, 3, 3, 3), 15_000, random("chain"), slope=slope, variance=lambda rows, columns: 1 / rows).gradients(0.3)
    other = weights(case, 15_000, random("dense")).gradients(0.3)
    for layer in range(4):
        same_law(one.log_weight_gradients[:, layer], other.log_delta[:, layer] + other.log_hidden[:, layer])


def test_moments_are_the_theorys() -> None:
    widths = (12, 20, 9)
    g = GradientChain((5, *widths), 400_000, random("moments")).gradients(0.2)
    kept = (g.log_delta[:, 0] > -torch.inf) & (g.active[:, -1] >= 2)
    ratio = (g.log_delta[:, 0] - g.log_delta[:, -1])[kept].exp()
    mean, variance = gradient_norm_law.moments(widths, 0.2)
    assert float(ratio.mean()) == pytest.approx(mean, abs=5 * (variance / len(ratio)) ** 0.5)
    assert float(ratio.var()) == pytest.approx(variance, rel=0.05)
    logs = g.log_hidden[:, 1][g.log_hidden[:, 1] > -torch.inf]
    mean, variance = he_norm_law.log_moments(12)
    assert float(logs.mean()) == pytest.approx(mean, abs=5 * (variance / len(logs)) ** 0.5)


def test_networks_of_ten_thousand_layers_and_a_million_units_stay_finite() -> None:
    g = he_gradients_in_law(Case({"width": 10**6, "depth": 10**4}), 4, random("deep")).gradients(0.0)
    assert g.log_delta.isfinite().all() and g.log_hidden.isfinite().all()
    narrow = GradientChain((2,) * 20_001, 8, random("narrow"), slope=0.2).gradients(0.0)
    assert narrow.log_hidden[:, -1].max() < -700, "the norms themselves would underflow"
    assert narrow.log_delta.isfinite().all()


def test_the_aligned_part_survives_a_product_that_underflows() -> None:
    # With cos^2 = 1 and |x| at width 1 every product |delta^l|^2 |h^l|^2 is that of the last layer, exactly.
    g = GradientChain((1,) * 3001, 16, random("thread"), slope=-1.0, variance=lambda rows, columns: 1.0).gradients(1.0)
    product = g.log_delta + g.log_hidden[:, 1:]
    torch.testing.assert_close(product, product[:, -1:].expand_as(product), rtol=1e-12, atol=1e-8)


def test_a_dead_layer_ends_everything_after_it() -> None:
    g = he_gradients_in_law(Case({"width": 2, "depth": 6}), 2_000, random("dead")).gradients(0.3)
    dead = g.log_hidden[:, -1].isneginf()
    assert 0.7 < float(dead.double().mean()) < 0.9
    assert g.log_delta[dead].isneginf().all() and g.log_delta[~dead].isfinite().all()
    assert (g.active[:, 1:] * g.log_hidden[:, 1:-1].isneginf()).sum() == 0
    assert g.log_kappa[dead].isneginf().all()
    assert not g.log_delta.isnan().any() and not g.log_hidden.isnan().any()


def test_norms_and_gradients_are_of_the_same_networks_and_replay() -> None:
    case = Case({"width": 5, "depth": 7})
    chain = he_gradients_in_law(case, 300, random("replay"))
    torch.testing.assert_close(chain.log_norms()[:, :, 0], chain.gradients(0.1).log_hidden, rtol=0, atol=0)
    again = he_gradients_in_law(case, 300, random("replay")).gradients(0.1)
    torch.testing.assert_close(again.log_delta, chain.gradients(0.1).log_delta, rtol=0, atol=0)


def test_what_the_scalars_do_not_determine_is_refused() -> None:
    chain = he_gradients_in_law(Case({"width": 4, "depth": 2}), 2, random("no"))
    for error in ("softmax", 1.5):
        with pytest.raises(SubjectError, match=r"squared cosine in \[0, 1\]; got"):
            chain.gradients(error)
    with pytest.raises(SubjectError, match="one input; the case has 3"):
        he_gradients_in_law(Case({"width": 4, "depth": 2, "inputs": 3}), 2, random("no"))
