import math

import numpy as np
import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from regimes.regions.exact import ExactNetwork, exact_line
from regimes.regions.line import _signs, line_regions
from regimes.regions.network import Leaky, Maxout, PiecewiseLinear, Relu

from ._nets import ACTIVATIONS, four, he, integer_layers

FIGURE_2 = [[[1], [-1]], [[4, 2]]], [[0, 1], [-3]]


def test_the_example_of_serra():
    # cells 5, patterns 5, linear pieces 4, distinct maps 4
    regions = line_regions(PiecewiseLinear.from_layers(*FIGURE_2))
    assert four(regions) == (5, 5, 4, 4)
    assert regions.breakpoints[0].tolist() == [-0.5, 0.0, 0.5, 1.0]
    assert regions.per_layer.tolist() == [[2, 2]] and regions.ties.tolist() == [0]
    assert four(exact_line(ExactNetwork.from_layers(*FIGURE_2)).counts) == (5, 5, 4, 4)


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(integer_layers(inputs=1), st.sampled_from([None, (-1, 2), (0, 1)]))
def test_line_agrees_with_rationals_on_integers(layers, interval):
    floats = line_regions(PiecewiseLinear.from_layers(*layers), interval)
    exact = exact_line(ExactNetwork.from_layers(*layers), interval)
    assert four(floats) == four(exact.counts)
    found = floats.breakpoints[0][~np.isnan(floats.breakpoints[0])]
    assert np.allclose(found, [float(t) for t in exact.breakpoints], rtol=1e-12, atol=1e-12)
    if not floats.ties[0]:
        assert tuple(floats.per_layer[0]) == exact.per_layer


@pytest.mark.parametrize("activation", ACTIVATIONS)
@pytest.mark.parametrize("interval", [None, (-0.5, 2.0)])
def test_a_batch_agrees_with_rationals_network_by_network(activation, interval):
    network = he([4, 3, 4], replicates=25, seed=5, activation=activation, outputs=2)
    floats = line_regions(network, interval)
    assert not floats.ties.any()
    for index in range(25):
        exact = exact_line(ExactNetwork.of(network, index), interval)
        assert four(floats, index) == four(exact.counts)
        assert tuple(floats.per_layer[index]) == exact.per_layer
        count = len(exact.breakpoints)
        assert np.allclose(floats.breakpoints[index, :count], [float(t) for t in exact.breakpoints], rtol=1e-9)


@given(st.lists(st.integers(1, 9), min_size=1, max_size=4), st.integers(0, 10**6))
@settings(max_examples=60, deadline=None)
def test_the_counts_are_ordered(widths, seed):
    regions = line_regions(he(widths, replicates=8, seed=seed))
    assert (regions.distinct_maps <= regions.linear_pieces).all()
    assert (regions.linear_pieces <= regions.patterns).all()
    assert (regions.patterns == regions.cells).all()
    assert (regions.cells <= math.prod(n + 1 for n in widths)).all()


def test_breakpoints_are_where_a_unit_changes_sign():
    # Bisection on the real network between midpoints of neighbouring cells.
    network = he([6, 5, 4], seed=3)

    def signs(t):
        h, out = torch.tensor([[t]], dtype=torch.double), []
        for w, b in zip(network.weights, network.biases, strict=True):
            z = h @ w[0].T + b[0]
            out.append(z[0] > 0)
            h = z.relu()
        return torch.cat(out)

    found = line_regions(network).breakpoints[0]
    middles = np.concatenate([[found[0] - 1], (found[1:] + found[:-1]) / 2, [found[-1] + 1]])
    for left, right, t in zip(middles, middles[1:], found, strict=False):
        low, high = left, right
        assert (signs(low) != signs(high)).sum() == 1
        for _ in range(80):
            middle = (low + high) / 2
            low, high = (middle, high) if torch.equal(signs(middle), signs(left)) else (low, middle)
        assert t == pytest.approx(low, rel=1e-11, abs=1e-12)


@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_maps_are_those_of_the_network(activation):
    network = he([5, 4], replicates=6, seed=8, activation=activation, outputs=2)
    regions = line_regions(network, (-2.0, 2.0))
    maps = regions.maps()
    inner = regions._inner()
    rank = activation.rank if isinstance(activation, Maxout) else 1
    h = torch.tensor(inner)[..., None]
    for w, b in zip(network.weights, network.biases, strict=True):
        z = torch.einsum("rkn,rmn->rkm", h, w) + b[:, None]
        if rank > 1:
            h = z.reshape(*z.shape[:2], -1, rank).amax(3)
        else:
            h = torch.where(z > 0, z, (activation.slope if isinstance(activation, Leaky) else 0.0) * z)
    assert network.readout is not None
    output = torch.einsum("rkn,rmn->rkm", h, network.readout).numpy()
    assert np.allclose(maps.maps[..., 0] * inner[..., None] + maps.maps[..., 1], output, rtol=1e-11, atol=1e-11)


def test_zero_biases_leave_two_cells():
    network = he([8, 8, 8], replicates=50, bias=0.0)
    regions = line_regions(network)
    assert (regions.cells == 2).all() and (regions.patterns == 2).all()
    assert (regions.ties > 0).all()


def test_equal_rows_cut_once_and_are_ties():
    regions = line_regions(PiecewiseLinear.from_layers([[[3], [3], [1]]], [[1, 1, 2]]))
    assert regions.cells.tolist() == [3] and regions.ties.tolist() == [1]


def test_dead_units_do_not_cut():
    layers = [[[0], [1]], [[1, 0], [0, 0]]], [[-1, -1], [-1, 2]]
    assert line_regions(PiecewiseLinear.from_layers(*layers)).cells.tolist() == [2]
    assert four(exact_line(ExactNetwork.from_layers(*layers)).counts)[0] == 2


def test_each_point_has_its_own_tolerance():
    rng = np.random.default_rng(0)
    switches = rng.standard_normal((3, 5, 7)) * 10.0 ** rng.integers(-8, 1, (3, 5, 7))
    switches[1, 2, 3], switches[..., -1] = np.nan, 0.0
    within = 10.0 ** rng.integers(-7, -1, (3, 5))
    above, below, zeros = _signs(switches, within, units=6)
    assert np.array_equal(above, switches > within[..., None])
    assert np.array_equal(below, switches < -within[..., None])
    assert np.array_equal(zeros, np.nonzero(~(np.abs(switches) > within[..., None])[..., :-1]))


def test_near_coincidence_is_reported_and_a_clear_gap_is_not():
    def two(gap):
        return line_regions(PiecewiseLinear.from_layers([[[1.0], [1.0]]], [[-1.0, -1.0 - gap]]))

    assert two(1e-16).ties.tolist() == [1]
    assert two(1e-10).ties.tolist() == [0] and two(1e-10).cells.tolist() == [3]


def test_a_cut_at_an_end_of_the_interval_is_a_tie():
    network = PiecewiseLinear.from_layers([[[1], [2]]], [[0, -1]])
    assert line_regions(network, (0.0, 1.0)).cells.tolist() == [2]
    assert line_regions(network, (0.0, 1.0)).ties.tolist() == [1]
    assert line_regions(network, (-0.5, 1.0)).cells.tolist() == [3]


@pytest.mark.parametrize("scale", [1e-200, 1e-30, 1e30, 1e150])
def test_the_scale_of_a_layer_does_not_matter(scale):
    network = he([5, 5], replicates=20, seed=14)
    scaled = PiecewiseLinear(
        (network.weights[0] * scale, network.weights[1] / scale),
        (network.biases[0] * scale, network.biases[1]),
        readout=network.readout,
    )
    one, two = line_regions(network), line_regions(scaled)
    assert np.array_equal(one.cells, two.cells) and np.array_equal(one.linear_pieces, two.linear_pieces)
    assert not two.ties.any()


def test_a_unit_zero_on_a_piece_is_a_tie():
    # relu(relu(x)) twice: the second unit vanishes on x < 0.
    regions = line_regions(PiecewiseLinear.from_layers([[[1]], [[1]]], [[0], [0]]))
    assert regions.cells.tolist() == [2] and regions.ties[0] > 0


def test_far_breakpoints_are_found_on_the_whole_line():
    regions = line_regions(PiecewiseLinear.from_layers([[[1], [1]], [[1, -1]]], [[0, -1], [-1 - 1e-9]]))
    assert regions.cells.tolist() == [3]
    slope = 2.0**-40
    regions = line_regions(PiecewiseLinear.from_layers([[[1], [1]], [[1 + slope, -1]]], [[0, -1], [-2]]))
    assert regions.breakpoints[0, -1] == pytest.approx(2.0**40)


def test_the_tent_map_folds_exactly():
    # x -> 2x, 2 - 2x on [0, 1], n times: 2^n pieces inside (0, 1)
    weights, biases = [[[2], [4]]] + [[[2, -2], [4, -4]]] * 6, [[0, -2]] * 7
    regions = line_regions(PiecewiseLinear.from_layers(weights, biases, readout=[[1, -1]]), (0.0, 1.0))
    assert regions.linear_pieces.tolist() == [2**7]
    assert four(exact_line(ExactNetwork.from_layers(weights, biases, readout=[[1, -1]]), (0, 1)).counts) == four(regions)


@pytest.mark.parametrize("widths", [[2] * 4, [4, 2, 6], [1, 1, 1]])
def test_mean_cells_of_symmetric_networks(widths):
    # E[cells] = 1 + sum_l n_l prod_{i<l} (1 - 2^-n_i); 6.46875 for [2]x4. Six standard errors.
    expected = 1 + sum(n * math.prod(1 - 2.0**-m for m in widths[:layer]) for layer, n in enumerate(widths))
    cells = line_regions(he(widths, replicates=8000, seed=11)).cells
    assert abs(cells.mean() - expected) < 6 * cells.std() / math.sqrt(8000)


def test_leaky_networks_have_one_breakpoint_per_unit_on_average():
    cells = line_regions(he([2] * 4, replicates=8000, seed=12, activation=Leaky(0.3))).cells
    assert abs(cells.mean() - 9) < 6 * cells.std() / math.sqrt(8000)


def test_breakpoints_per_layer():
    per_layer = line_regions(he([2] * 4, replicates=8000, seed=13)).per_layer / 2
    error = per_layer.std(0) / math.sqrt(8000)
    assert (np.abs(per_layer.mean(0) - [1, 0.75, 0.5625, 0.421875]) <= 6 * error + 1e-12).all()


@pytest.mark.parametrize("activation", ACTIVATIONS)
@pytest.mark.parametrize("size", ["CHUNK", "BLOCK"])
def test_a_batch_is_the_same_as_its_networks_alone(monkeypatch, activation, size):
    network = he([7, 6], replicates=9, seed=4, activation=activation)
    together = line_regions(network)
    monkeypatch.setattr(f"regimes.regions.line.{size}", 1)
    alone = line_regions(network)
    assert np.allclose(together.breakpoints, alone.breakpoints, equal_nan=True, rtol=1e-12)
    assert np.array_equal(together.linear_pieces, alone.linear_pieces)


def test_any_line_in_any_dimension():
    network = he([4, 4, 4], replicates=300, inputs=5, seed=6)
    line = network.restricted_to_line(torch.randn(5, dtype=torch.double), torch.randn(300, 5, dtype=torch.double))
    cells = line_regions(line).cells
    assert abs(cells.mean() - 12.266) < 6 * cells.std() / math.sqrt(300)
    assert isinstance(line.activation, Relu)
