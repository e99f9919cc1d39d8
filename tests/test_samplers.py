from __future__ import annotations

from pathlib import Path

import pytest
import torch
from torch import nn

from regimes import axes
from regimes.case import Case
from regimes.catalogue import load_claims
from regimes.claim import Claim, Paper, always, claim
from regimes.engine import Settings, decide
from regimes.kinds import Identity, Inequality, Kind, Scaling
from regimes.randomness import Randomness
from regimes.samplers import choose, resolve_sampler
from regimes.subjects import foreign
from regimes.subjects import initialisers as init
from regimes.sweep.grid import cells

paper = Paper(key="doe2020norms", title="Norms", authors=("J. Doe",), year=2020, arxiv="2001.00001")
RANDOM = Randomness("choice", torch.device("cpu"), torch.float32)
ONE = Case({"width": 16, "depth": 3})
SEVERAL = Case({"width": 64, "depth": 3, "inputs": 2})
CLAIMS = {one.id: one for one in load_claims(Path(__file__).parents[1] / "claims")}


def norms(networks, case):
    """The largest norm's logarithm is below 100."""
    return networks.log_norms()[:, -1].amax(1).clamp_min(-50)


def positive(networks, case):
    """The largest norm, near 1."""
    return networks.log_norms()[:, -1].amax(1).exp().clamp(0.5, 2)


def gradient(networks, case):
    """The first layer's gradient."""
    return networks.gradients(0.3).log_delta[:, 0].clamp_min(-50)


def moments(networks, case):
    """The last mean."""
    return networks.sample_moments().mean[:, -1]


def perceptron(case):
    """A module as somebody else writes it."""
    layers = [nn.Sequential(nn.Linear(case.width, case.width), nn.ReLU()) for _ in range(case.depth)]
    return nn.Sequential(*layers)


def declare(observable=norms, kind: Kind | None = None, subject=init.he_normal, **more) -> Claim:
    return claim(
        paper, "Theorem 1", id="norms", kind=kind or Inequality(at_most=100.0), statement="p", axes=(axes.width(1, 4096), axes.depth(1, 9)),
        premise=always("all"), subject=subject, controls={"one": init.glorot, "two": init.haar}, **more,
    )(observable)  # fmt: skip


def sampler(case: Case, subject=init.he_normal, observable=norms, **more) -> str:
    one = declare(observable, subject=subject, **more)
    return decide(one, case, error=1e-3, settings=Settings(replicates=8)).details["sampler"]


@pytest.mark.parametrize(
    ("subject", "case", "observable", "expected"),
    [
        (init.he_normal, ONE, norms, "law"),
        (init.he_normal, ONE, gradient, "law"),
        (init.he_normal, ONE.replace(width=3, profile="widening", input_dim=7, direction="sparse"), norms, "law"),
        (init.glorot, ONE, gradient, "law"),
        (init.gain_2_02, ONE, norms, "law"),
        (init.tanh_gain, ONE, norms, "law"),
        (init.leaky_networks, ONE, gradient, "law"),
        (init.he_normal_fan_in, SEVERAL, norms, "gram"),
        (init.he_normal, SEVERAL, moments, "gram"),
        (init.he_normal, ONE.replace(width=64), moments, "gram"),
        (init.tanh_networks, ONE.replace(width=64), norms, "gram"),
        # Weights are cheaper, or asked for, or feel a rotation of their input.
        (init.he_normal, SEVERAL.replace(width=4, inputs=9), norms, "direct"),
        (init.tanh_networks, ONE.replace(width=64), gradient, "direct"),
        (init.he_normal, SEVERAL, gradient, "direct"),
        (init.he_normal, ONE, lambda networks, case: networks.weights(1)[:, 0, 0], "direct"),
        (init.he_normal, ONE, lambda networks, case: networks.gradients(0.3).kappa[:, 0], "direct"),
        (init.he_normal, ONE, lambda networks, case: networks.gradients("softmax").log_delta[:, 0].clamp_min(-50), "direct"),
        (init.he_uniform, ONE, norms, "direct"),
        (init.rademacher_he, ONE, norms, "direct"),
        (init.truncated_unscaled, ONE, norms, "direct"),
        (init.exponential_he, ONE, norms, "direct"),
        (init.with_biases, ONE, norms, "direct"),
        (init.weight_normalised, ONE, norms, "direct"),
        (init.haar, ONE, norms, "direct"),
        (init.dense("|x|", init.scaled(init.normal, lambda rows, columns: 1.0), activation=torch.abs), ONE, norms, "direct"),
        (foreign.kaiming_fan_out, ONE, norms, "modules, batched"),
        (foreign.subject_from(perceptron, "perceptron"), ONE, norms, "modules, vmap"),
    ],
)  # fmt: skip
def test_the_cheapest_exact_sampler_that_offers_what_is_observed_is_chosen(subject, case: Case, observable, expected: str) -> None:
    documented = observable if observable.__doc__ else lambda networks, case: observable(networks, case)
    documented.__doc__ = documented.__doc__ or "What was seen."
    assert sampler(case, subject, documented) == expected


def test_direct_is_forced_by_the_run_the_claim_and_the_kind() -> None:
    assert decide(declare(), ONE, error=1e-3, settings=Settings(replicates=8, sampler="direct")).details["sampler"] == "direct"
    assert sampler(ONE, sampler="direct") == "direct"
    assert sampler(ONE, kind=Identity(tolerance=1e9)) == "direct"
    with pytest.raises(ValueError, match="sampler 'fast' is unknown; use auto or direct"):
        resolve_sampler("fast")


def test_a_scaled_claim_chooses_at_every_size() -> None:
    kind = Scaling(axis="inputs", sizes=(1, 2, 4, 8, 16, 32), exponent=0, margin=0.5, variance=lambda case: 1.0)
    assert sampler(ONE.replace(width=24), observable=positive, kind=kind) == "direct+gram+law"


def broken(networks, case):
    """Raises on what the samplers draw."""
    raise ZeroDivisionError("nothing to divide by")


def test_an_observable_that_raises_is_named_and_not_hidden_by_the_choice() -> None:
    with pytest.raises(RuntimeError, match=r"raised ZeroDivisionError \(nothing to divide by\) .* with seed 0"):
        sampler(ONE, observable=broken)


@pytest.mark.parametrize("workers", [1, 2, 3])
@pytest.mark.parametrize("batch", [None, 1, 5])
def test_batch_size_and_workers_change_no_result_of_a_chosen_sampler(workers: int, batch: int | None) -> None:
    for case in (ONE, SEVERAL):
        one = declare(kind=Inequality(at_most=100.0, share=1e-3))
        reference = decide(one, case, error=1e-6, settings=Settings())
        assert reference.details["sampler"] in ("law", "gram")
        assert reference.replicates > reference.details["block"]
        assert decide(one, case, error=1e-6, settings=Settings(workers=workers, batch=batch)) == reference


def plain(one: Claim) -> bool:
    """Whether a shipped claim is about arithmetic, or about a sampler."""
    about_samplers = one.paper.key == "bayati2011conditioning" or one.slug in ("he-norm-exact-law", "grad-norm-exact-law")
    return isinstance(one.kind, Identity) or about_samplers


@pytest.mark.parametrize("name", [name for name, one in CLAIMS.items() if plain(one)])
def test_claims_on_arithmetic_and_on_samplers_are_never_substituted(name: str) -> None:
    one = CLAIMS[name]
    cases = cells(one)
    for case in {cases[0], cases[-1], cases[len(cases) // 2]}:
        assert choose(one, case, one.subject, RANDOM, "auto") is one.subject
        for wrong in one.controls:
            under = one.under(wrong)
            assert choose(under, case, under.subject, RANDOM, "auto") is under.subject
