from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace

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
from regimes.randomness import Randomness, Stream
from regimes.samplers import choose
from regimes.subjects import column_networks, independent_weights
from regimes.subjects import initialisers as init
from regimes.subjects.architecture import Architecture, architecture
from regimes.subjects.column_networks import ColumnNetworks, columns_work
from regimes.subjects.independent_weights import scaled
from regimes.subjects.subject import Subject

SUBJECTS = [init.he_uniform, init.rademacher_he, init.exponential_he, init.truncated_unscaled, init.with_biases]
CASES = {
    "square": Case({"width": 3, "depth": 3}),
    "rectangular": Case({"width": 4, "depth": 3, "profile": "alternating", "input_dim": 5}),
    "basis vector": Case({"width": 6, "depth": 2, "direction": "sparse"}),
}
MANY = 12_000
paper = Paper(key="doe2020norms", title="Norms", authors=("J. Doe",), year=2020, arxiv="2001.00001")

DOWN = ColumnNetworks._down


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


PAIRS = [(one, "square") for one in SUBJECTS] + [(init.he_uniform, "rectangular"), (init.with_biases, "rectangular"), (init.rademacher_he, "basis vector")]


@pytest.mark.parametrize(("subject", "name"), PAIRS, ids=lambda one: getattr(one, "name", one))
def test_norms_and_gradients_have_the_law_of_networks_with_all_weights(subject: Subject, name: str) -> None:
    for one, other in zip(*(statistics(one(CASES[name], MANY, random(one.name))) for one in (subject, columns(subject))), strict=True):
        assert compared(one, other) == "holds"


@pytest.mark.parametrize("subject", [init.he_uniform, init.with_biases], ids=lambda subject: subject.name)
def test_losses_and_several_inputs_too(subject: Subject) -> None:
    for error in ("softmax", "independent"):
        found = [statistics(one(CASES["square"], MANY, random(one.name)), error) for one in (subject, columns(subject))]
        for one, other in zip(*found, strict=True):
            assert compared(one, other) == "holds"
    case = Case({"width": 4, "depth": 3, "inputs": 3, "cosine": 0.2, "spread": 0.3})
    one, other = (one(case, MANY, random(one.name)).log_norms().clamp_min(-60) for one in (subject, columns(subject)))
    for statistic in (lambda n: n[:, 1, 0], lambda n: n[:, -1, 2], lambda n: n[:, -1, 0] - n[:, -1, 1], lambda n: n[:, -1].amax(1)):
        assert compared(statistic(one), statistic(other)) == "holds"


def fresh(networks: ColumnNetworks, up: column_networks.Up, delta: np.ndarray) -> np.ndarray:
    """A backward pass with weights of its own."""
    stream = networks.randomness.stream(str(up.squares))
    for layer, weights in up.weights.items():
        up.weights[layer] = networks.law.standard(torch.empty_like(weights), stream)
    return DOWN(networks, up, delta)


def below() -> Callable[[np.ndarray], np.ndarray]:
    """The active units of the layer before."""
    calls: list[np.ndarray] = []

    def active(h: np.ndarray) -> np.ndarray:
        calls.append(np.flatnonzero(h))
        return calls[-2] if len(calls) > 1 else calls[-1]

    return active


def refuted_by(case: Case, error: float = 1.0) -> int:
    subject = init.he_uniform
    pairs = zip(*(statistics(one(case, MANY, random(one.name)), error) for one in (subject, columns(subject))), strict=True)
    return sum(compared(one, other) == "refuted" for one, other in pairs)


def test_fresh_entries_in_the_backward_pass_are_refuted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ColumnNetworks, "_down", fresh)
    assert refuted_by(CASES["square"].replace(depth=2)) >= 1


def test_columns_of_another_layers_units_are_refuted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(column_networks, "_active", below())
    assert refuted_by(CASES["square"]) >= 1


@pytest.mark.parametrize("tile", [1, 7, 1 << 16])
@pytest.mark.parametrize("subject", [init.he_uniform, init.with_biases], ids=lambda subject: subject.name)
def test_tiles_of_any_size_make_the_same_networks_up_and_down(subject: Subject, tile: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(independent_weights, "TILE", tile)
    networks, others = (columns(subject)(Case({"width": 9, "depth": 4}), 50, random(key)) for key in ("tiles", "others"))
    torch.testing.assert_close(networks.log_norms()[:, :, 0], networks.gradients(0.3).log_hidden, rtol=0, atol=1e-12)
    assert torch.equal(networks.log_norms(), networks.log_norms())
    assert not torch.equal(networks.log_norms(), others.log_norms())


class Listed:
    """A law of weights that keeps what it has drawn."""

    def __init__(self) -> None:
        self.tiles: list[torch.Tensor] = []

    def __call__(self, out: torch.Tensor, stream: Stream) -> torch.Tensor:
        self.tiles.append(init.normal(out, stream).clone())
        return out


def test_the_weights_drawn_are_those_of_active_columns_and_give_autograds_gradients() -> None:
    widths, standard = (7, 6, 9, 5), Listed()
    law = scaled(standard, lambda rows, columns: math.sqrt(2 / rows))
    networks = ColumnNetworks(Architecture(widths), 1, random("autograd"), law)
    found, h = networks.gradients(1.0), networks.architecture.draw_inputs(1, networks.randomness)[0, 0]
    weights = []
    with torch.enable_grad():
        for tile, columns_, rows in zip(standard.tiles, widths, widths[1:], strict=False):
            w = torch.zeros(rows, columns_, dtype=torch.float64)
            w[:, h.detach() != 0] = tile * law.deviation(rows, columns_)
            assert tile.shape == (rows, int((h != 0).sum()))
            weights.append(w.requires_grad_())
            h = torch.relu(w @ h)
        (h.square().sum().sqrt()).backward()  # its gradient is the unit vector along h^L
    for layer, w in enumerate(weights):
        assert float(found.log_weight_gradients[0, layer]) == pytest.approx(float(w.grad.square().sum().log()), abs=1e-9)
    assert sum(tile.numel() for tile in standard.tiles) < networks.architecture.weights


def test_dead_networks_stay_dead() -> None:
    for subject in (init.he_normal, init.he_uniform):
        networks = columns(subject)(Case({"width": 2, "depth": 8}), 400, random("dead"))
        g, ratios = networks.gradients(0.3), networks.layer_ratios()
        dead = g.log_hidden[:, -1].isneginf()
        assert 0.5 < float(dead.double().mean()) < 0.99
        assert g.log_delta[dead].isneginf().all() and g.log_kappa[dead].isneginf().all() and (g.active[dead, -1] == 0).all()
        assert g.log_delta[~dead].isfinite().all() and (g.active[~dead] > 0).all()
        assert (ratios[dead].isnan().any(1) | (ratios[dead, -1] == 0)).all()


def test_no_depth_under_or_overflows() -> None:
    for gain in (1e-3, 1e3):
        subject = init.dense("gain", scaled(init.uniform, lambda rows, columns, gain=gain: gain / math.sqrt(rows)))
        g = columns(subject)(Case({"width": 24, "depth": 90}), 4, random("deep", torch.float32)).gradients(0.3)
        assert g.log_hidden.isfinite().all() and g.log_delta.isfinite().all()
        assert (g.log_hidden[:, -1] * math.log(gain) > 1000).all()


def gradient(networks, case):
    """The first layer's gradient, clipped."""
    return networks.gradients(0.3).log_delta[:, 0].clamp(-50, 50)


def invariant(networks, case):
    """Euler's invariant of the first layer, which columns do not have."""
    return networks.gradients(0.3).kappa[:, 0].clamp(-1, 1)


def several(networks, case):
    """Norms of every input, clipped."""
    return networks.log_norms()[:, -1].amax(1).clamp(-50, 50)


def declare(observable, subject: Subject) -> Claim:
    return claim(
        paper, "Theorem 1", id="norms", kind=Inequality(at_most=100.0, share=1e-2), statement="p", axes=(axes.width(1, 4096), axes.depth(1, 9)),
        premise=always("all"), subject=subject, controls={"one": init.glorot, "two": init.haar},
    )(observable)  # fmt: skip


WIDE = Case({"width": 200, "depth": 3})


@pytest.mark.parametrize(
    ("subject", "case", "observable", "expected"),
    [
        (init.he_uniform, WIDE, gradient, "columns"),
        (init.with_biases, WIDE, gradient, "columns"),
        (init.he_uniform, WIDE.replace(width=400, inputs=2), several, "columns"),
        (init.he_normal, WIDE, gradient, "law"),
        (init.he_normal, WIDE.replace(inputs=2), several, "gram"),
        (init.he_uniform, WIDE.replace(width=64), gradient, "direct"),
        (init.he_uniform, WIDE.replace(inputs=9), several, "direct"),
        (init.he_uniform, WIDE.replace(inputs=2), gradient, "direct"),
        (init.he_uniform, WIDE, invariant, "direct"),
        (init.tanh_networks, WIDE, gradient, "direct"),
        (init.haar, WIDE, gradient, "direct"),
    ],
)  # fmt: skip
def test_the_engine_draws_columns_where_they_are_cheaper_and_enough(subject: Subject, case: Case, observable, expected: str) -> None:
    one = declare(observable, subject)
    assert decide(one, case, error=1e-3, settings=Settings(replicates=4)).details["sampler"] == expected


@pytest.mark.parametrize(("workers", "batch"), [(1, None), (2, None), (3, 1), (2, 5)])
def test_batch_size_and_workers_change_no_result(workers: int, batch: int | None) -> None:
    one, settings = declare(gradient, init.he_uniform), Settings(replicates=600)
    reference = decide(one, WIDE, error=1e-3, settings=settings)
    assert reference.details["sampler"] == "columns" and reference.replicates > reference.details["block"]
    assert decide(one, WIDE, error=1e-3, settings=replace(settings, workers=workers, batch=batch)) == reference


def test_another_device_draws_directly() -> None:
    elsewhere = Randomness("meta", torch.device("meta"), torch.float32)
    with pytest.raises(SubjectError, match="which pays on a CPU; the device is meta"):
        columns(init.he_uniform)(WIDE, 2, elsewhere)
    assert choose(declare(gradient, init.he_uniform), WIDE, init.he_uniform, elsewhere, "auto") is init.he_uniform


def test_a_sparse_input_sees_one_column_of_the_first_layer() -> None:
    assert columns_work(WIDE) - columns_work(WIDE.replace(direction="sparse")) == pytest.approx(199 * 200 * 1.01)
    assert columns_work(WIDE.replace(direction="sparse", cosine=0.0)) == columns_work(WIDE)
    assert architecture(WIDE).weights == 3 * 200**2
