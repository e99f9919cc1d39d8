from __future__ import annotations

import itertools

import numpy as np
import pytest
import torch
from scipy.stats import ks_2samp

from peak_memory import peak_memory
from regimes.case import Case
from regimes.decide import LawAgainstCDF, TwoSample
from regimes.errors import SubjectError
from regimes.randomness import Randomness
from regimes.subjects.architecture import architecture
from regimes.subjects.gram_networks import ACTIVATIONS, GramNetworks, direct_networks, law_networks
from regimes.subjects.initialisers import he_normal_fan_in
from regimes.subjects.orthonormal import standard_normal, stream
from regimes.subjects.revealed_layers import DirectLayer, LawLayer
from regimes.theory import he_norm_law


def random(key: str) -> Randomness:
    return Randomness(key, torch.device("cpu"), torch.float64)


def same_law(one: torch.Tensor, other: torch.Tensor) -> None:
    rule = TwoSample(0.1, 1e-6)
    rule.fold_pair(*(np.nan_to_num(part.numpy(), neginf=-60.0).clip(-60).round(9) for part in (one, other)))
    assert rule.verdict == "holds", rule.evidence().reason


CASES = {
    "relu": {"width": 4, "depth": 3, "inputs": 2},
    "leaky": {"width": 5, "depth": 3, "inputs": 3, "activation": "leaky"},
    "tanh, BatchNorm": {"width": 4, "depth": 2, "inputs": 3, "activation": "tanh", "normalisation": "batch"},
    "tanh, LayerNorm": {"width": 4, "depth": 2, "inputs": 2, "activation": "tanh", "normalisation": "layer"},
    "residual": {"width": 4, "depth": 3, "inputs": 2, "residual": 0.5},
    "residual BatchNorm": {"width": 4, "depth": 3, "inputs": 3, "residual": 1.0, "normalisation": "batch"},
    "more inputs than units": {"width": 3, "depth": 3, "inputs": 5, "input_dim": 2, "activation": "linear"},
    "equal inputs": {"width": 3, "depth": 3, "inputs": 3, "input_dim": 3, "cosine": 1.0},
    "unequal widths": {"width": 3, "depth": 3, "inputs": 2, "profile": "alternating", "activation": "tanh"},
}


@pytest.mark.parametrize("name", CASES)
def test_all_norms_have_the_law_of_networks_with_weights(name: str) -> None:
    one, other = (subject(Case(CASES[name]), 12_000, random(subject.name)).gradients("independent") for subject in (law_networks, direct_networks))
    for layer in range(CASES[name]["depth"]):
        same_law(one.log_weight_gradients[:, layer, 0], other.log_weight_gradients[:, layer, 0])
        same_law(one.log_batch[:, layer], other.log_batch[:, layer])
        same_law(one.log_delta[:, layer, -1] + one.log_hidden[:, -1, 0], other.log_delta[:, layer, -1] + other.log_hidden[:, -1, 0])


def test_small_departures_deep_down_would_be_seen() -> None:
    # The claim's margin of 0.1 would hide them: with Z clamped at 0 the laws of first gradients are 0.023 apart.
    case = Case({"width": 16, "depth": 8, "inputs": 2, "cosine": 0.5})
    one, other = (
        torch.cat([subject(case, 4000, random(f"{subject.name} {k}")).gradients(0.3).log_batch[:, 0] for k in range(15)])
        for subject in (law_networks, direct_networks)
    )
    assert float(ks_2samp(one.numpy(), other.numpy()).pvalue) > 1e-6


@pytest.mark.parametrize("inputs", [1, 2, 5])
@pytest.mark.parametrize(("activation", "normalisation"), list(itertools.product(ACTIVATIONS, ("none", "batch", "layer"))))
def test_what_a_layer_has_revealed_stays_as_it_is(activation: str, normalisation: str, inputs: int) -> None:
    class Watched(LawLayer):
        def __init__(self, *arguments) -> None:
            super().__init__(*arguments)
            self.revealed = self.known.clone()

        def backward(self, delta: torch.Tensor, gram: torch.Tensor) -> torch.Tensor:
            assert torch.equal(self.known, self.revealed)
            return super().backward(delta, gram)

    shape = architecture(Case({"width": 4, "depth": 3, "inputs": inputs}))
    networks = GramNetworks(shape, 8, random("watched"), activation=activation, normalisation=normalisation, layer=Watched)
    assert len(networks.gradients("independent").log_delta) == 8


@pytest.mark.parametrize(
    ("activation", "normalisation", "residual"), list(itertools.product(ACTIVATIONS, ("none", "batch", "layer"), (0.0, 0.7)))
)
def test_weight_gradients_are_autograds(activation: str, normalisation: str, residual: float) -> None:
    shape, kept = architecture(Case({"width": 6, "depth": 3, "inputs": 3})), []

    class Kept(DirectLayer):
        def __init__(self, *arguments) -> None:
            super().__init__(*arguments)
            kept.append(self.weights)

    networks = GramNetworks(shape, 2, random("grad"), activation=activation, normalisation=normalisation, residual=residual, layer=Kept)
    found = networks.gradients("independent")
    readout = standard_normal((2, 6, 1), stream(random("grad"), "error"))
    h, act = shape.draw_inputs(2, random("grad")).mT, ACTIVATIONS[activation][0]
    with torch.enable_grad():
        weights = [w.detach().clone().requires_grad_() for w in kept[:3]]
        for index, w in enumerate(weights):
            z = w @ h
            if normalisation == "batch":
                z = torch.nn.functional.batch_norm(z.reshape(12, 3).T, None, None, training=True).T.reshape(2, 6, 3)
            if normalisation == "layer":
                z = torch.nn.functional.layer_norm(z.mT, (6,)).mT
            branch = act(z)
            h = h + residual * branch if residual else branch
            torch.testing.assert_close(found.log_hidden[:, index + 1], h.square().sum(1).log().detach(), rtol=1e-9, atol=1e-9)
        gradients = torch.autograd.grad((readout * h).sum(), weights)
    expected = torch.stack([g.square().sum((1, 2)) for g in gradients], 1)
    # A linear network with BatchNorm has the same sum of outputs at any weights: its gradient is a rounding error.
    torch.testing.assert_close(found.log_batch.exp(), expected, rtol=1e-8, atol=1e-20)


def test_forward_norms_are_those_of_dense_networks_and_of_the_exact_law() -> None:
    case = Case({"width": 5, "depth": 3, "inputs": 2, "input_dim": 4})
    one, other = law_networks(case, 12_000, random("a")).log_norms(), he_normal_fan_in(case, 12_000, random("b")).log_norms()
    same_law(one[:, -1, 1], other[:, -1, 1])
    square = law_networks(Case({"width": 7, "depth": 3, "inputs": 3}), 20_000, random("c")).layer_ratios()[:, 0].numpy()
    rule = LawAgainstCDF(cdf=lambda r: he_norm_law.cdf(r, 7), cdf_left=lambda r: he_norm_law.cdf_left(r, 7), margin=0.1, error=1e-6)
    rule.fold(square)
    assert rule.verdict == "holds"


def test_deep_networks_neither_over_nor_underflow() -> None:
    networks = GramNetworks(
        architecture(Case({"width": 8, "depth": 400, "inputs": 2})), 2, random("deep"), activation="leaky", variance=lambda r, c: 2e-8 / c
    )
    found = networks.gradients(0.3)
    assert found.log_delta.isfinite().all() and found.log_batch.isfinite().all() and float(found.log_hidden.min()) < -3000


def test_equal_seeds_replay_and_unknown_parts_are_refused() -> None:
    one, other = (law_networks(Case(CASES["relu"]), 8, random("same")).gradients(0.3).log_delta for _ in range(2))
    torch.testing.assert_close(one, other, rtol=0, atol=0)
    with pytest.raises(SubjectError, match="'gelu' or normalisation 'none' is unknown"):
        law_networks(Case({"width": 4, "depth": 1, "activation": "gelu"}), 1, random("no"))
    with pytest.raises(SubjectError, match="skip connections need equal widths"):
        law_networks(Case({"width": 4, "depth": 2, "profile": "alternating", "residual": 1.0}), 1, random("no"))


@pytest.mark.parametrize("depth", [3, 24])
@pytest.mark.parametrize("more", [{}, {"activation": "tanh"}, {"residual": 0.5}, {"normalisation": "batch"}, {"normalisation": "layer", "residual": 0.5}], ids=str)
def test_a_pass_both_ways_stays_within_its_footprint(more: dict, depth: int) -> None:
    case = Case({"width": 1 << 12, "depth": depth, "inputs": 4, **more})
    peak_memory(lambda: law_networks(case, 1, random("tables")).gradients("independent"))
    peak = peak_memory(lambda: law_networks(case, 2, random("peak")).gradients("independent"))
    planned = 4 * 2 * law_networks.footprint(case)
    assert planned / 2 < peak < 1.1 * planned
