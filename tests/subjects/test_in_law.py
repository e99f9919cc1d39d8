from __future__ import annotations

import numpy as np
import pytest
import torch

from peak_memory import peak_memory
from regimes.case import Case
from regimes.decide import TwoSample
from regimes.randomness import Randomness
from regimes.subjects import initialisers as init
from regimes.subjects import normalised_networks
from regimes.subjects.architecture import equal_cosines
from regimes.subjects.in_law import inputs_in_law
from regimes.subjects.subject import Subject
from regimes.theory import cosine_map

WIDTHS = {"width": 3, "profile": "alternating"}
CASES = {
    "one input": Case({**WIDTHS, "depth": 4}),
    "square": Case({"width": 5, "depth": 3}),
    "basis vector": Case({"width": 4, "depth": 3, "input_dim": 3, "direction": "sparse"}),
    "two inputs": Case({**WIDTHS, "depth": 3, "inputs": 2}),
    "a cosine and norms": Case({"width": 6, "depth": 2, "inputs": 3, "input_dim": 3, "cosine": 0.5, "spread": 0.3}),
}
SUBJECTS = [init.he_normal, init.he_normal_fan_in, init.glorot, init.leaky_networks, init.tanh_networks]


def random(key: str) -> Randomness:
    return Randomness(key, torch.device("cpu"), torch.float64)


def compared(one: torch.Tensor, other: torch.Tensor) -> str:
    rule = TwoSample(0.1, 1e-6)
    rule.fold_pair(*(np.nan_to_num(part.numpy(), neginf=-60.0).clip(-60, 60).round(9) for part in (one, other)))
    return rule.verdict


@pytest.mark.parametrize("name", CASES)
@pytest.mark.parametrize("subject", SUBJECTS, ids=lambda subject: subject.name)
def test_samplers_have_the_law_of_their_subject(subject: Subject, name: str) -> None:
    case, tried = CASES[name], 0
    weights = subject(case, 12_000, random("weights")).log_norms()
    for one in subject.in_law:
        if not one.exact(case):
            continue
        drawn = one.subject(case, 12_000, random("law")).log_norms()
        assert drawn.shape == weights.shape
        for statistic in (lambda n: n[:, 1, 0], lambda n: n[:, -1, -1], lambda n: n[:, -1].amax(1) - n[:, 1].amin(1)):
            assert compared(statistic(drawn), statistic(weights)) == "holds"
        tried += 1
    assert tried >= 1


@pytest.mark.parametrize("subject", SUBJECTS[:4], ids=lambda subject: subject.name)
def test_gradients_of_one_input_have_the_law_of_their_subject(subject: Subject) -> None:
    found = []
    for one in (subject, subject.in_law[0].subject):
        g = one(CASES["one input"], 20_000, random(one.name)).gradients(0.3)
        # One active unit in the last layer leaves no error at an angle.
        found.append(torch.stack([*g.log_weight_gradients.T, g.log_kappa, g.active[:, 0] + g.log_hidden[:, -1].exp()], 1)[g.active[:, -1] > 1][:10_000])
    for one, other in zip(found[0].T, found[1].T, strict=True):
        assert compared(one, other) == "holds"


@pytest.mark.parametrize("statistic", ["total", "mean", "variance", "share", "shrinkage"])
def test_moments_of_several_inputs_have_the_law_of_their_subject(statistic: str) -> None:
    case, found = CASES["a cosine and norms"], []
    for subject in (init.he_normal, init.he_normal.in_law[1].subject):
        found.append(torch.log(getattr(subject(case, 12_000, random(subject.name)).sample_moments(), statistic)).nan_to_num(-60.0))
    for layer in range(1, case["depth"] + 1):
        assert compared(found[0][:, layer], found[1][:, layer]) == "holds"


def test_wide_networks_follow_the_infinite_width_law() -> None:
    case = Case({"width": 20_000, "depth": 6, "inputs": 3, "input_dim": 3, "cosine": 0.2, "spread": 0.5})
    found = inputs_in_law("He normal", lambda rows, columns: 2 / columns)(case, 4, random("wide")).sample_moments()
    gram = equal_cosines(3, 0.2, 0.5).numpy() * 2 / 3
    for layer in range(7):
        total, mean, variance = cosine_map.shares(cosine_map.iterate(gram, layer))
        np.testing.assert_allclose(found.total[:, layer], total, rtol=0.1)
        np.testing.assert_allclose(found.mean[:, layer], mean, rtol=0.1)
        np.testing.assert_allclose(found.variance[:, layer], variance, rtol=0.1)


@pytest.mark.parametrize("normalised", [normalised_networks.layer_normalised, normalised_networks.batch_normalised], ids=lambda one: one.name)
def test_normalised_networks_have_the_law_of_their_subject(normalised: Subject) -> None:
    case = Case({"width": 5, "depth": 3, "inputs": 3, "cosine": 0.2, "spread": 0.3})
    one, other = (subject(case, 12_000, random(subject.name)).shares() for subject in (normalised, normalised.in_law[0].subject))
    for layer in (0, -1):
        assert compared(one[:, layer], other[:, layer]) == "holds"


@pytest.mark.parametrize("number", [0, 1])
def test_another_subjects_sampler_is_refuted(number: int) -> None:
    case = CASES["one input"].replace(width=6)
    weights = init.he_normal(case, 20_000, random("weights")).log_norms()
    wrong = init.glorot.in_law[number].subject(case, 20_000, random("law")).log_norms()
    assert compared(weights[:, -1, 0], wrong[:, -1, 0]) == "refuted"


def test_what_a_sampler_does_not_know_is_not_there() -> None:
    chain, forward = (one.subject(CASES["square"], 2, random("few")) for one in init.he_normal.in_law[:2])
    for networks in (chain, forward):
        assert networks.architecture.hidden == (5, 5, 5)
        for absent in ("weights", "inputs", "piecewise_linear"):
            assert not hasattr(networks, absent)
    # Gradients of several inputs have other shapes than those of networks with weights.
    assert not hasattr(forward, "gradients")


@pytest.mark.parametrize("depth", [64, 2048])
@pytest.mark.parametrize("subject", [init.he_normal, init.leaky_networks], ids=lambda subject: subject.name)
def test_a_chains_block_stays_within_its_footprint(subject: Subject, depth: int) -> None:
    chain, case = subject.in_law[0].subject, Case({"width": 4096, "depth": depth})
    replicates = min(512, int((1 << 22) / chain.footprint(case)))
    peak_memory(lambda: chain(case, 2, random("tables")).gradients(0.1))
    peak = peak_memory(lambda: chain(case, replicates, random("peak")).gradients(0.1))
    planned = 4 * replicates * chain.footprint(case)
    assert planned / 4 < peak < 1.1 * planned


@pytest.mark.parametrize("observed", ["log_norms", "sample_moments"])
def test_a_forward_pass_of_several_inputs_stays_within_its_footprint(observed: str) -> None:
    forward, case = init.he_normal.in_law[1].subject, Case({"width": 1 << 16, "depth": 3, "inputs": 8})
    peak_memory(lambda: getattr(forward(Case({"width": 8, "depth": 3, "inputs": 8}), 1, random("tables")), observed)())
    peak = peak_memory(lambda: getattr(forward(case, 1, random("peak")), observed)())
    planned = 4 * forward.footprint(case)
    # Norms of ReLU networks keep one array less than other observables and activations.
    assert planned / 4 < peak < 1.1 * planned
