from __future__ import annotations

import numpy as np
import pytest
import torch

from regimes import axes
from regimes.case import Case
from regimes.claim import Claim, Paper, always, claim
from regimes.decide import TwoSample
from regimes.engine import Settings, decide
from regimes.errors import SubjectError
from regimes.kinds import Inequality
from regimes.randomness import Randomness
from regimes.samplers import choose
from regimes.subjects import column_networks
from regimes.subjects import initialisers as init
from regimes.subjects.architecture import architecture
from regimes.subjects.column_networks import ColumnNetworks, columns_work
from regimes.subjects.independent_weights import scaled
from regimes.subjects.subject import Subject

SUBJECTS = [init.he_normal, init.he_uniform, init.rademacher_he, init.exponential_he, init.truncated_unscaled, init.with_biases]
CASES = {
    "square": Case({"width": 3, "depth": 4}),
    "rectangular": Case({"width": 4, "depth": 3, "profile": "alternating", "input_dim": 5}),
    "basis vector": Case({"width": 6, "depth": 2, "direction": "sparse"}),
}
paper = Paper(key="doe2020norms", title="Norms", authors=("J. Doe",), year=2020, arxiv="2001.00001")


def random(key: str, dtype: torch.dtype = torch.float64) -> Randomness:
    return Randomness(key, torch.device("cpu"), dtype)


def columns(subject: Subject) -> Subject:
    """The sampler of active columns among a subject's samplers."""
    return subject.in_law[-1].subject


def compared(one: torch.Tensor, other: torch.Tensor) -> str:
    rule = TwoSample(0.1, 1e-6)
    rule.fold_pair(*(np.nan_to_num(part.numpy(), neginf=-60.0).clip(-60, 60).round(7) for part in (one, other)))
    return rule.verdict


def statistics(networks, error: float | str = 0.3) -> list[torch.Tensor]:
    """Norms and gradients of every layer, and what joins layers and passes, one column each; dead networks stay."""
    g = networks.gradients(error)
    gradients, hidden = (part.clamp_min(-60) for part in (g.log_weight_gradients, g.log_hidden))
    # The norm below with the gradient above: fresh weights in the backward pass change how the two go together.
    joined = [gradients[:, 0] - hidden[:, -1], gradients[:, 0] - gradients[:, -1], (g.log_delta + g.log_hidden[:, 1:]).clamp_min(-60)[:, 0]]
    return [*gradients.T, *hidden[:, 1:].T, *joined, g.log_kappa, g.active[:, 0] + 0.1 * g.active[:, -1]]


@pytest.mark.parametrize("name", CASES)
@pytest.mark.parametrize("subject", SUBJECTS, ids=lambda subject: subject.name)
def test_norms_and_gradients_have_the_law_of_networks_with_all_weights(subject: Subject, name: str) -> None:
    found = [statistics(one(CASES[name], 12_000, random(one.name))) for one in (subject, columns(subject))]
    for one, other in zip(*found, strict=True):
        assert compared(one, other) == "holds"


@pytest.mark.parametrize("subject", [init.he_uniform, init.with_biases], ids=lambda subject: subject.name)
def test_losses_and_several_inputs_too(subject: Subject) -> None:
    for error in ("softmax", "independent"):
        found = [statistics(one(CASES["square"], 12_000, random(one.name)), error) for one in (subject, columns(subject))]
        for one, other in zip(*found, strict=True):
            assert compared(one, other) == "holds"
    case = Case({"width": 4, "depth": 3, "inputs": 3, "cosine": 0.2, "spread": 0.3})
    one, other = (one(case, 12_000, random(one.name)).log_norms().clamp_min(-60) for one in (subject, columns(subject)))
    for statistic in (lambda n: n[:, 1, 0], lambda n: n[:, -1, 2], lambda n: n[:, -1, 0] - n[:, -1, 1], lambda n: n[:, -1].amax(1)):
        assert compared(statistic(one), statistic(other)) == "holds"


@pytest.mark.parametrize(
    ("wrong", "refuted"), [("fresh entries on the way down", True), ("columns of the wrong units", True), ("none", False)]
)
def test_wrong_columns_are_refuted(wrong: str, refuted: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    pass


@pytest.mark.parametrize("tile", [1, 7, 1 << 16])
def test_tiles_of_any_size_make_the_same_networks_up_and_down(tile: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(column_networks, "TILE", tile)
    networks = columns(init.with_biases)(Case({"width": 9, "depth": 4}), 50, random("tiles"))
    assert compared(networks.log_norms()[:, -1, 0], networks.gradients(0.3).log_hidden[:, -1]) != "refuted"
    torch.testing.assert_close(networks.log_norms()[:, :, 0], networks.gradients(0.3).log_hidden, rtol=0, atol=1e-12)
    assert torch.equal(networks.log_norms(), networks.log_norms())
    assert not torch.equal(networks.log_norms(), columns(init.with_biases)(Case({"width": 9, "depth": 4}), 50, random("other")).log_norms())
