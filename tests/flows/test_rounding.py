"""Bounds on rounding against errors that are measured, and quadrature against its own refinement."""

import numpy as np
import pytest
import torch

from regimes.flows import quadrature, rounding
from regimes.flows.build import FAMILIES
from regimes.flows.protocol import FlowError


@pytest.mark.parametrize("family", [*FAMILIES, "none"])
@pytest.mark.parametrize(("dimension", "depth"), [(2, 1), (2, 4), (4, 12)])
def test_single_precision_errs_within_its_bounds(make, family, dimension, depth):
    flow = make(replicates=32, family=family, dimension=dimension, depth=depth, dtype=torch.float32)
    exact = rounding.exact_copy(flow)
    x = flow.sample(16, torch.Generator().manual_seed(0))
    z, branches, _ = flow.forward(x)
    same = (exact.forward(x.double())[1] == branches).all(-1)
    u = 2.0**-24
    back = (flow.inverse(z, branches)[0] - x).abs()
    assert (back <= 2 * u * rounding.round_trip(exact, x.double()))[same].all()
    off = (flow.log_density(x) - exact.log_density(x.double())).abs()
    assert (off <= 2 * u * rounding.log_density(exact, x.double()))[same].all()


def test_copied_coordinates_cost_nothing(make):
    flow = make(family="none", dimension=2, depth=1)
    x = torch.randn(3, 5, 2, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    bound = rounding.round_trip(flow, x)
    assert (bound[..., 0] == 0).all() and (bound[..., 1] > 0).all()


def test_the_distance_from_a_boundary_is_zero_on_it(make):
    flow = make()
    x = flow.folds[0].family().breaks[..., None]
    assert (rounding.boundary_distance(flow, x) == 0).all()
    assert (rounding.boundary_distance(flow, x + 0.1) > 1e3 * 2.0**-53).all()


def test_a_density_of_zero_has_no_bound_on_its_logarithm(make):
    flow = make()
    x = flow.folds[0].family().breaks[..., None]
    assert (rounding.log_density(flow, x) == 0).all()


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("depth", [1, 2, 3])
def test_quadrature_is_exact_to_rounding(make, family, depth):
    flow = make(family=family, depth=depth)
    total, nodes = quadrature.integrate(flow)
    assert ((total - 1).abs() < 1e-14).all()
    # A node's own rounding, weighted by the mass there, is below the one rounding per node that the claim allows.
    x = flow.sample(400, torch.Generator().manual_seed(0))
    assert (rounding.log_density(flow, x).mean(1) < nodes).all()


def test_kinks_are_where_branches_change(make):
    flow = make(depth=2)
    at, proper = quadrature.kinks(flow)
    line = torch.linspace(-6, 6, 20001, dtype=torch.float64)[None, :, None].expand(3, -1, 1)
    branches = flow.forward(line)[1]
    for r in range(3):
        changed = (branches[r, 1:] != branches[r, :-1]).any(-1).nonzero()[:, 0]
        places = line[r, changed, 0]
        distance = (places[:, None] - at[r][proper[r]]).abs().amin(1)
        assert len(places) > 2 and np.all(distance.numpy() < 6e-4)


def test_kinks_are_points_of_a_line(make):
    with pytest.raises(FlowError, match="dimension 2"):
        quadrature.kinks(make(dimension=2))
    with pytest.raises(FlowError, match="a flow on the line has no couplings"):
        quadrature.kinks(_line_with_coupling(make))


def _line_with_coupling(make):
    flow = make(dimension=2, family="none")
    flow.dimension = 1
    return flow
