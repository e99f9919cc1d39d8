"""Every claim and every control on a second device that is not there: what forgets `device=` fails here, without a GPU."""

from __future__ import annotations

import contextlib
from dataclasses import is_dataclass, replace

import hypothesis
import pytest
import torch

from pretend_device import ELSEWHERE, Elsewhere, MixedDevices, pretended
from regimes import engine
from regimes.catalogue import load_claims
from regimes.claim import Claim
from regimes.errors import SubjectError
from regimes.flows import adapters, autoregressive
from regimes.flows.subjects import trained
from regimes.kinds import Scaling
from regimes.randomness import Randomness
from regimes.subjects import foreign

CLAIMS = load_claims()
PAPERS = sorted({claim.paper.key for claim in CLAIMS})
REPLICATES = 4
STEPS = 40  # of a training
TRAINED = {"dinh2019rad/rad-trained": trained("RAD trained for a step", steps=1)}


def smallest_case(claim: Claim):
    """The case that Hypothesis shrinks to, or the control's pinned one."""
    settings = hypothesis.settings(
        derandomize=True, database=None, max_examples=50, deadline=None, suppress_health_check=list(hypothesis.HealthCheck)
    )
    case = hypothesis.find(claim.cases("quick"), lambda _: True, settings=settings)
    return claim.kind.cases(case)[0] if isinstance(claim.kind, Scaling) else case


def observe(claim: Claim, case, subject=None) -> None:
    randomness = Randomness("pretended", ELSEWHERE, torch.float32)
    for sampler in getattr(subject or claim.subject, "in_law", ()):
        if sampler.exact(case):
            with contextlib.suppress(AttributeError, SubjectError):  # what it does not offer, the engine draws directly
                claim.observable(sampler.subject(case, REPLICATES, randomness), case)
    with torch.no_grad():
        networks = (subject or TRAINED.get(claim.id) or claim.subject)(case, REPLICATES, randomness)
        if is_dataclass(networks) and getattr(networks, "steps", 0) > STEPS:
            networks = replace(networks, steps=STEPS)  # type: ignore[type-var]
        found = claim.observable(networks, case)
    for part in found if isinstance(found, tuple) else (found,):
        assert len(engine._array(part)) == REPLICATES


@pytest.mark.parametrize("paper", PAPERS)
def test_claims_and_controls_run_on_another_device(paper: str, monkeypatch: pytest.MonkeyPatch) -> None:
    with pretended(monkeypatch):
        for claim in (claim for claim in CLAIMS if claim.paper.key == paper):
            case = smallest_case(claim)
            observe(claim, case)
            if claim.id in TRAINED:
                continue  # its controls are those of the claims before it
            seen = {id(claim.subject)}
            for name, control in claim.controls.items():
                if control.subject is not None and id(control.subject) not in seen:
                    seen.add(id(control.subject))
                    try:
                        observe(claim.under(name), claim.case({**case, **control.at}) if not isinstance(claim.kind, Scaling) else case)
                    except Exception as raised:
                        raise AssertionError(f"control {name!r} of {claim.id}: {raised}") from raised


@pytest.mark.parametrize("subject", [foreign.kaiming_fan_in, foreign.torch_linear], ids=lambda subject: subject.name)
def test_foreign_initialisers_run_on_another_device(subject, monkeypatch: pytest.MonkeyPatch) -> None:
    (claim,) = (claim for claim in CLAIMS if claim.id == "arpit2019benefits/he-norm-exact-law")
    with pretended(monkeypatch):
        observe(claim, smallest_case(claim), subject)


@pytest.mark.parametrize("name", ["zuko_nsf", "nflows_affine", "nflows_spline", "normflows_realnvp"])
def test_foreign_flows_run_on_another_device(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip(name.split("_")[0], reason="the extra regimes[subjects] is not installed")
    (claim,) = (claim for claim in CLAIMS if claim.id == "dinh2019rad/rad-precision-scaling")
    with pretended(monkeypatch):
        observe(claim, smallest_case(claim), getattr(adapters, name))


def test_autoregressive_flows_run_on_another_device(monkeypatch: pytest.MonkeyPatch) -> None:
    (claim,) = (claim for claim in CLAIMS if claim.id == "dinh2019rad/rad-precision-scaling")
    with pretended(monkeypatch):
        observe(claim, smallest_case(claim), autoregressive.flows)


class TestThePretendedDevice:
    """It computes what the CPU computes, and refuses what a GPU refuses."""

    def test_it_computes_the_same(self, monkeypatch: pytest.MonkeyPatch) -> None:
        here, generator = torch.arange(6.0).reshape(2, 3), Randomness("key", torch.device("cpu"), torch.float32).generator("x")
        drawn = torch.randn(3, generator=generator)
        with pretended(monkeypatch) as device:
            there = here.to(device)
            noise = torch.randn(3, generator=Randomness("key", device, torch.float32).generator("x"), device=device)
            there[0] += 1
            found = (there @ there.mT + noise.sum()).cpu()
        assert type(found) is torch.Tensor
        assert isinstance(there, Elsewhere)
        here[0] += 1
        torch.testing.assert_close(found, here @ here.mT + drawn.sum())

    @pytest.mark.parametrize(
        "mistake",
        [
            lambda there: there + torch.ones(3),
            lambda there: torch.cat((there, torch.ones(1))),
            lambda there: torch.rand(3, generator=Randomness("key", ELSEWHERE, torch.float32).generator("x")),
            lambda there: torch.rand(3, generator=torch.Generator(), device=ELSEWHERE),
            lambda there: torch.ones(3)[there > 0],
        ],
    )
    def test_it_refuses_to_mix(self, mistake, monkeypatch: pytest.MonkeyPatch) -> None:
        with pretended(monkeypatch) as device:
            there = torch.ones(3, device=device)
            with pytest.raises(MixedDevices):
                mistake(there)
            with pytest.raises((RuntimeError, TypeError)):
                there.numpy()
            assert float((there + 1).sum()) == 6.0  # and numbers are numbers
