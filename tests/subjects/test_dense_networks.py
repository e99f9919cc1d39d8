from __future__ import annotations

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from regimes.case import Case
from regimes.randomness import Randomness
from regimes.subjects import initialisers as init
from regimes.subjects.architecture import PROFILES, architecture, hidden_widths
from regimes.subjects.output_errors import output_error
from regimes.subjects.signal_norms import in_units_of, norm

cases = st.builds(
    lambda width, depth, inputs, profile, direction: Case(
        {"width": width, "depth": depth, "inputs": inputs, "profile": profile, "direction": direction}
    ),
    st.integers(2, 9), st.integers(1, 5), st.integers(1, 3), st.sampled_from(PROFILES), st.sampled_from(["dense", "sparse"]),
)  # fmt: skip


def randomness(key: str = "test", dtype: torch.dtype = torch.float64) -> Randomness:
    return Randomness(key, torch.device("cpu"), dtype)


@settings(max_examples=30, deadline=None)
@given(cases, st.sampled_from([init.he_normal, init.with_biases, init.tanh_networks, init.leaky_networks, init.haar]))
def test_norms_agree_with_a_plain_loop_over_networks(case: Case, subject) -> None:
    networks = subject(case, 3, randomness())
    logs = networks.log_norms()
    inputs = networks.inputs()
    for replicate in range(3):
        h = inputs[replicate]
        for layer in range(1, len(networks.architecture.widths)):
            a = networks.weights(layer)[replicate] @ h
            if networks.biases is not None:
                rows, columns = networks.weights(layer).shape[1:]
                a = a + networks.biases(layer, 3, rows, columns, networks.randomness)[replicate][:, None]
            h = networks.activation(a)
            expected = h.square().sum(0).log()
            torch.testing.assert_close(logs[replicate, layer], expected, rtol=1e-9, atol=1e-9)


@settings(max_examples=20, deadline=None)
@given(
    st.integers(3, 8), st.integers(2, 4), st.sampled_from([0.0, 0.3, 1.0]),
    st.sampled_from([init.he_normal, init.leaky_networks, init.tanh_networks]),
)  # fmt: skip
def test_backpropagation_agrees_with_autograd(width: int, depth: int, alignment: float, subject) -> None:
    networks = subject(Case({"width": width, "depth": depth}), 4, randomness())
    found = networks.gradients(alignment)
    x = networks.inputs()
    with torch.enable_grad():
        weights = [networks.weights(layer).clone().requires_grad_() for layer in range(1, depth + 1)]
        h, pre = x, []
        for w in weights:
            a = torch.bmm(w, h)
            pre.append(a)
            h = networks.activation(a)
        last = h.detach()
        slope = networks.derivative(pre[-1].detach(), last)
        delta = output_error(alignment, last, slope, torch.zeros(4), networks.randomness)
        (pre[-1] * delta).sum().backward()
    for layer, w in enumerate(weights):
        # Below one active unit an error across h^L is 0 but for rounding, whose squares are near e^-73.
        expected = w.grad.square().sum((1, 2)).log().clamp_min(-60)
        actual = (found.log_delta[:, layer] + found.log_hidden[:, layer]).nan_to_num(nan=-torch.inf).clamp_min(-60)
        torch.testing.assert_close(actual, expected, rtol=1e-7, atol=1e-7)


def test_cosine_of_the_output_error() -> None:
    networks = init.he_normal(Case({"width": 40, "depth": 2}), 50, randomness())
    found = networks.gradients(0.3)
    square = (found.log_kappa - found.log_hidden[:, -1] - found.log_delta[:, -1]).exp()
    torch.testing.assert_close(square, torch.full_like(square, 0.3), rtol=1e-9, atol=0)


def test_no_depth_under_or_overflows() -> None:
    case = Case({"width": 8, "depth": 600})
    for subject, sign in ((init.linear_weights, -1), (init.gain_2_1, 1)):
        logs = subject(case, 4, randomness(dtype=torch.float32)).log_norms()[:, :, 0]
        alive = logs[:, :200].isfinite().all(1)
        assert not logs.isnan().any()
        if sign < 0:
            assert (logs[alive, 150] < -200).all()


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_units_are_exact_powers_of_two(dtype: torch.dtype) -> None:
    h = (1 + torch.rand(253, 3, 1, generator=torch.Generator().manual_seed(1)).to(dtype)) / 8
    powers = torch.arange(-126 + 4, 126 - 3, dtype=torch.float64)
    moved = torch.ldexp(h[: len(powers)], powers.to(torch.int32)[:, None, None])
    found, exponent = in_units_of(norm(moved), moved)
    assert torch.equal(torch.ldexp(found, exponent.to(torch.int32)[:, None, None]), moved)
    assert float(norm(found).min()) >= 0.5 and float(norm(found).max()) < 1
    dead, exponent = in_units_of(torch.zeros(2, 1, dtype=torch.float64), torch.zeros(2, 3, 1, dtype=dtype))
    assert not dead.any() and not exponent.any()


@pytest.mark.parametrize("subject", [init.he_normal, init.rademacher_he, init.haar], ids=lambda subject: subject.name)
def test_results_do_not_lie_in_memory_that_is_used_again(subject) -> None:
    case = Case({"width": 6, "depth": 4})
    first = subject(case, 8, randomness()).gradients(0.3)
    kept = [part.clone() for part in (first.log_delta, first.log_hidden, first.kappa)]
    subject(case, 8, randomness("other")).gradients(0.3)
    again = subject(case, 8, randomness()).gradients(0.3)
    assert all(torch.equal(*pair) for pair in zip(kept, (first.log_delta, first.log_hidden, first.kappa), strict=True))
    # Drawn anew when it is asked for.
    assert torch.equal(first.magnitude, again.magnitude) and torch.equal(first.log_delta, again.log_delta)
    alive = first.active[:, -1] > 0
    assert (first.kappa.abs() <= first.magnitude * (1 + 1e-12)).all() and (first.magnitude[alive] > 0).all() and alive.any()


def test_streams_do_not_depend_on_what_else_was_drawn() -> None:
    case = Case({"width": 5, "depth": 3})
    networks = init.he_normal(case, 2, randomness())
    first = networks.weights(2)
    networks.log_norms()
    assert torch.equal(first, networks.weights(2))
    assert not torch.equal(first, networks.weights(3))
    assert not torch.equal(first, init.he_normal(case, 2, randomness("other")).weights(2))


@pytest.mark.parametrize(
    ("subject", "variance"),
    [
        (init.he_normal, 2 / 30), (init.he_normal_fan_in, 2 / 20), (init.he_uniform, 2 / 30), (init.rademacher_he, 2 / 30),
        (init.glorot, 2 / 50), (init.narrow_uniform, 2 / 90), (init.linear_weights, 1 / 90), (init.tanh_gain, 25 / 270),
        (init.truncated_unscaled, 2 * 0.7737 / 30), (init.gain_2_1, 2.1 / 30), (init.exponential_he, 2 / 30),
    ],
)  # fmt: skip
def test_variances_of_initialisers(subject, variance: float) -> None:
    networks = subject(Case({"width": 30, "depth": 1, "input_dim": 20}), 400, randomness())
    weights = networks.weights(1)
    assert weights.shape == (400, 30, 20)
    assert weights.mean().item() == pytest.approx(0, abs=5 * math.sqrt(variance / weights.numel()))
    assert weights.var().item() == pytest.approx(variance, rel=0.02)


@given(st.sampled_from(PROFILES), st.integers(1, 50), st.integers(1, 12))
def test_width_is_the_smallest_hidden_width(profile: str, width: int, depth: int) -> None:
    widths = hidden_widths(profile, width, depth)
    assert len(widths) == depth
    assert min(widths) == width


def test_architectures() -> None:
    shape = architecture(Case({"width": 8, "depth": 3, "ratio": 0.25}))
    assert shape.widths == (8, 8, 8, 32)
    assert shape.weights == 64 + 64 + 256
    with pytest.raises(ValueError, match="use one of constant, alternating"):
        hidden_widths("round", 3, 3)


@pytest.mark.parametrize(
    ("subject", "conserved"), [(init.he_normal, True), (init.leaky_networks, True), (init.tanh_networks, False)]
)
def test_eulers_invariant_needs_homogeneity(subject, conserved: bool) -> None:
    found = subject(Case({"width": 20, "depth": 5}), 30, randomness()).gradients(0.5)
    gap = ((found.kappa[:, :1] - found.kappa).abs() / found.magnitude.amax(1, keepdim=True)).amax(1)
    assert ((gap < 1e-14) == conserved).all()
