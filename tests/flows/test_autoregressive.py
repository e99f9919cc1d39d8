"""Masked autoregressive layers: the sweep against D passes, the Jacobian against autograd, and masks that are wrong."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from regimes.case import Case
from regimes.flows import anchors, rounding
from regimes.flows.autoregressive import Autoregressive, flows
from regimes.flows.conditioner import Conditioner
from regimes.flows.properties import jacobian
from regimes.flows.subjects import rad
from regimes.flows.training import train
from regimes.randomness import Randomness


class OutputsReadThemselves(Autoregressive):
    """degree < rank + 1 for degree <= rank of the outputs, one too far: (s, t) of a coordinate reads that coordinate."""

    @staticmethod
    def masks(rank, degrees):
        return rank[:, None] < degrees, degrees[:, None] <= rank + 1


class UnitsReadOneMore(Autoregressive):
    """<= for < between ranks and degrees."""

    @staticmethod
    def masks(rank, degrees):
        return rank[:, None] <= degrees, degrees[:, None] <= rank


def make_layer(passive, hidden, seed=0, kind=Autoregressive, gain=1.0):
    generator = torch.Generator().manual_seed(seed)
    read = Conditioner(2, len(passive), hidden, 2 * len(passive), gain, generator)
    return kind(torch.tensor(passive), torch.ones(len(passive), dtype=torch.bool), read).double().requires_grad_(False)


def points(count, dimension, seed=1):
    return torch.randn(2, count, dimension, dtype=torch.float64, generator=torch.Generator().manual_seed(seed))


def by_passes(layer, z):
    """The inverse by D passes over the whole network, each of which gets one more coordinate right."""
    x = z
    for _ in range(z.shape[-1]):
        log_s, t = layer.scale_and_shift(x)
        x = (z - t) / log_s.exp()
    return x, -layer.scale_and_shift(x)[0].sum(-1)


def in_order(layer, x):
    """The layer's Jacobian by autograd, rows and columns in the order of the layer; (R, N, D, D)."""

    class Alone:
        forward = staticmethod(lambda at: (layer(at).z,))

    rows = jacobian(Alone, x)[1]
    return rows[..., layer.order, :][..., layer.order]


def is_autoregressive(layer, x):
    rows = in_order(layer, x)
    reported = layer(x).log_det
    return bool((rows.triu(1) == 0).all()) and torch.allclose(reported, torch.linalg.slogdet(rows).logabsdet, rtol=0, atol=1e-10)


def returns(layer, x):
    back, log_det = layer.inverse(layer(x).z)
    return torch.allclose(back, x, rtol=0, atol=1e-9) and torch.allclose(log_det, -layer(x).log_det, rtol=0, atol=1e-9)


@settings(deadline=None, max_examples=50)
@given(st.lists(st.booleans(), min_size=1, max_size=20), st.integers(1, 40), st.integers(0, 2**20))
def test_the_sweep_is_the_inverse_for_any_order(passive, hidden, seed):
    layer = make_layer(passive, hidden, seed)
    x = points(5, len(passive), seed)
    z = layer(x).z
    assert is_autoregressive(layer, x) and returns(layer, x)
    for found, expected in zip(layer.inverse(z), by_passes(layer, z), strict=True):
        torch.testing.assert_close(found, expected, rtol=1e-9, atol=1e-9)
    torch.testing.assert_close(layer.jacobian(x)[..., layer.order, :][..., layer.order], in_order(layer, x), rtol=1e-9, atol=1e-11)


def test_every_coordinate_reads_all_those_before_it():
    layer = make_layer([False, True, True, False, True], 8)
    assert layer.order.tolist() == [1, 2, 4, 0, 3]
    assert (in_order(layer, points(3, 5)).tril() != 0).sum((-2, -1)).eq(15).all()


@pytest.mark.parametrize("kind", [OutputsReadThemselves, UnitsReadOneMore])
def test_masks_one_too_far_are_seen(kind):
    layer = make_layer([True, False, True, False], 12, kind=kind)
    x = points(5, 4)
    assert not is_autoregressive(layer, x)
    assert not returns(layer, x)


@pytest.mark.parametrize("family", ["none", "zigzag", "abs"])
@pytest.mark.parametrize(("dimension", "depth"), [(2, 1), (4, 6)])
def test_single_precision_errs_within_its_bounds(make, family, dimension, depth):
    flow = make(replicates=32, family=family, dimension=dimension, depth=depth, coupling=Autoregressive, dtype=torch.float32)
    exact = rounding.exact_copy(flow)
    x = flow.sample(16, torch.Generator().manual_seed(0))
    z, branches, _ = flow.forward(x)
    same = (exact.forward(x.double())[1] == branches).all(-1)
    back = (flow.inverse(z, branches)[0] - x).abs()
    assert (back <= 2 * 2.0**-24 * rounding.round_trip(exact, x.double()))[same].all()
    off = (flow.log_density(x) - exact.log_density(x.double())).abs()
    assert (off <= 2 * 2.0**-24 * rounding.log_density(exact, x.double()))[same].all()


def test_training_leaves_masked_weights_at_zero(make):
    flow = make(replicates=2, family="none", dimension=2, depth=2, coupling=Autoregressive)
    before, after = train(flow, 20, torch.Generator().manual_seed(0))
    assert (after < before).all()
    for layer in flow.parts():
        assert is_autoregressive(layer, points(4, 2)) and returns(layer, points(4, 2))


@pytest.mark.parametrize("kind", [Autoregressive, OutputsReadThemselves])
def test_a_claim_tells_right_masks_from_wrong_ones(kind):
    subject = flows if kind is Autoregressive else rad("wrong masks", family="none", coupling=kind)
    draws = subject(Case({"depth": 4, "input_dim": 3, "gain": 1.0}), 8, Randomness("test", torch.device("cpu"), torch.float32))
    gained = anchors.exactly_inverse(anchors.log_det_bits(draws))
    assert gained.all() if kind is Autoregressive else not gained.any()
