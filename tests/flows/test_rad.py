"""RAD against autograd, scipy and plain loops; and what it refuses."""

import itertools
import math

import numpy as np
import pytest
import torch
from scipy import integrate

from regimes.flows.base import Base
from regimes.flows.build import FAMILIES, Recipe, build
from regimes.flows.conditioner import Conditioner
from regimes.flows.folds import Abs, Zigzag
from regimes.flows.gates import AbsGate, ZigzagGate
from regimes.flows.layers import Fold
from regimes.flows.leaves import leaves
from regimes.flows.properties import jacobian
from regimes.flows.protocol import Flow, FlowError
from regimes.flows.rad import Rad


@pytest.mark.parametrize("family", [*FAMILIES, "none"])
@pytest.mark.parametrize(("dimension", "depth"), [(2, 1), (3, 4)])
def test_jacobians_and_determinants_agree_with_autograd(make, family, dimension, depth):
    flow = make(family=family, dimension=dimension, depth=depth)
    x = flow.sample(6, torch.Generator().manual_seed(1))
    product = torch.eye(dimension, dtype=x.dtype)
    here = x
    for layer in flow.parts():
        product, here = layer.jacobian(here) @ product, layer(here).z
    z, found = jacobian(flow, x)
    torch.testing.assert_close(product.expand_as(found), found, rtol=1e-10, atol=1e-12)
    torch.testing.assert_close(flow.forward(x)[2], torch.linalg.slogdet(found).logabsdet, rtol=0, atol=1e-11)
    back, log_det = flow.inverse(z, flow.forward(x)[1])
    torch.testing.assert_close(back, x, rtol=0, atol=1e-11)
    torch.testing.assert_close(log_det, -flow.forward(x)[2], rtol=0, atol=1e-11)


@pytest.mark.parametrize("family", FAMILIES)
def test_the_density_integrates_to_one_by_scipy(make, family):
    flow = make(replicates=1, family=family, depth=2)

    def density(x):
        return math.exp(flow.log_density(torch.tensor([[[x]]], dtype=torch.float64)).item())

    low, high = (0, 1) if family == "interval" else (-20, 20)
    total, _ = integrate.quad(density, low, high, limit=200, points=np.linspace(low, high, 31)[1:-1], epsabs=1e-8)
    assert total == pytest.approx(1, abs=1e-6)


@pytest.mark.parametrize("family", FAMILIES)
def test_samples_fill_the_density(make, family):
    """Shares of 20 000 samples in ten bins against the integral of the density, within five standard deviations."""
    flow = make(replicates=1, family=family, depth=2, seed=5)
    x = flow.sample(20_000, torch.Generator().manual_seed(2))[0, :, 0]
    edges = torch.quantile(x, torch.linspace(0, 1, 11, dtype=torch.float64))[1:-1]
    at = torch.cat([torch.linspace(a, b, 4001, dtype=torch.float64) for a, b in itertools.pairwise(edges)])
    p = flow.log_density(at[None, :, None]).exp()[0].reshape(8, 4001)
    mass = torch.trapezoid(p, at.reshape(8, 4001))
    counts = torch.histogram(x, edges).hist / 20_000
    assert ((counts - mass).abs() < 5 * (0.1 * 0.9 / 20_000) ** 0.5).all()


@pytest.mark.parametrize("family", FAMILIES)
def test_leaves_are_all_paths(make, family):
    flow = make(family=family, dimension=2, depth=3)
    z = flow.base.sample(3, 4, torch.Generator().manual_seed(0), torch.float64)
    found = leaves(flow, z)
    every = list(itertools.product(*(range(layer.branches) for layer in flow.folds)))
    listed = [tuple(row) for row in found.branches[0, 0].tolist()]
    assert sorted(listed) == every
    for p, path in enumerate(listed):
        x, _ = flow.inverse(z, torch.tensor(path).expand(3, 4, -1))
        admitted = torch.isfinite(found.log_probability[:, :, p])
        seen = flow.forward(x)
        assert (seen[1] == torch.tensor(path)).all(-1)[admitted].all()
        gates = sum(flow.terms(x).log_gates)
        torch.testing.assert_close(gates[admitted], found.log_probability[:, :, p][admitted], rtol=1e-9, atol=1e-9)
    torch.testing.assert_close(found.log_probability.exp().sum(-1), torch.ones(3, 4, dtype=torch.float64))


def test_too_many_paths_are_refused(make):
    with pytest.raises(FlowError, match="paths are too many"):
        leaves(make(depth=10), torch.zeros(3, 1, 1, dtype=torch.float64))


def test_summing_over_extended_branches_changes_nothing_where_gates_vanish(make):
    """sum_k p(k|f_k(x)) p_Z(f_k(x)) |f_k'| with every f_k extended to the line is RAD's one term: gates are zero elsewhere.

    So the mixture formula is no mutant by itself; it is one as soon as a gate is not zero where its branch does not reach.
    """
    flow = make()
    layer = flow.folds[0]
    pieces = layer.family()
    x = 2 * torch.randn(3, 50, 1, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    total = 0.0
    for k in range(3):
        branch = torch.full((3, 50), k)
        z = pieces.apply(x[..., 0], branch)[..., None]
        total = total + (layer.log_gate(z)[..., k] + flow.base(z) + pieces.log_slopes[:, k : k + 1]).exp()
    torch.testing.assert_close(total, flow.log_density(x).exp())


def test_a_flow_is_alone_what_it_is_in_a_batch():
    batch = build(Recipe(dimension=3, depth=3), 4, torch.Generator().manual_seed(0), torch.float64)
    alone = build(Recipe(dimension=3, depth=3), 4, torch.Generator().manual_seed(0), torch.float64)
    for parameter in alone.parameters():
        parameter.data = parameter.data[2:3]
    alone.replicates = 1
    x = torch.randn(4, 7, 3, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    torch.testing.assert_close(batch.log_density(x)[2:3], alone.log_density(x[2:3]), rtol=1e-13, atol=1e-13)


def test_both_precisions_hold_the_same_numbers(make):
    single, double = make(dtype=torch.float32), make(dtype=torch.float64)
    for one, other in zip(single.parameters(), double.parameters(), strict=True):
        assert (one.double() == other).all()


def test_rad_is_a_flow(make):
    assert isinstance(make(), Flow)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("family", FAMILIES)
def test_outside_its_support_the_log_density_is_minus_infinity(make, family, dtype):
    flow = make(family=family, dimension=2, depth=3, dtype=dtype)
    far = torch.tensor([torch.inf, -torch.inf, torch.finfo(dtype).max, -torch.finfo(dtype).max], dtype=dtype)
    x = far[None, :, None].expand(3, 4, 2)
    assert (flow.log_density(x) == -torch.inf).all()
    if family == "interval":
        assert (flow.log_density(torch.full((3, 1, 2), 1.25, dtype=dtype)) == -torch.inf).all()
        assert (flow.log_density(torch.full((3, 1, 2), -0.25, dtype=dtype)) == -torch.inf).all()


def test_bad_input_is_refused_in_a_sentence(make):
    flow = make(dimension=2)
    with pytest.raises(FlowError, match="holds NaN"):
        flow.log_density(torch.full((3, 1, 2), torch.nan, dtype=torch.float64))
    with pytest.raises(FlowError, match=r"takes \(3, N, 2\)"):
        flow.forward(torch.zeros(3, 5, 3, dtype=torch.float64))
    with pytest.raises(FlowError, match="1 folds at each point"):
        flow.inverse(torch.zeros(3, 5, 2, dtype=torch.float64), torch.zeros(3, 5, 2, dtype=torch.int64))
    with pytest.raises(FlowError, match="at least one point"):
        flow.sample(0, torch.Generator())
    with pytest.raises(FlowError, match="family 'origami' is unknown"):
        make(family="origami")
    with pytest.raises(FlowError, match="at least one dimension"):
        make(depth=0)
    with pytest.raises(FlowError, match="positive integers"):
        Base(("interval",), (0, 1))


def test_parameters_that_are_not_finite_are_refused(make):
    flow = make()
    next(flow.parameters()).data[0] = torch.nan
    with pytest.raises(FlowError, match=r"parameter layers\.0\.family\.first is not finite"):
        flow.validate()
    flow = make()
    flow.folds[0].family.log_gap.data[1] = -1e4
    with pytest.raises(FlowError, match="does not cover its space once"):
        flow.validate()


def test_layers_that_do_not_follow_on_each_other_are_refused():
    seeded = torch.Generator().manual_seed(0)

    def read(outputs):
        return Conditioner(1, 1, 4, outputs, 1.0, seeded)

    onto_half = Fold(0, Abs(1, seeded), AbsGate(0, read(1)))
    of_line = Fold(0, Zigzag(1, seeded), ZigzagGate(0, read(3)))
    with pytest.raises(FlowError, match="folded onto 'half', but what follows takes 'line'"):
        Rad([onto_half, of_line], Base(("line",)), 1)
