import itertools
import math

import numpy as np
import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from regimes.regions.exact import ExactNetwork
from regimes.regions.exact_plane import exact_plane
from regimes.regions.line import line_regions
from regimes.regions.network import Leaky, Maxout, PiecewiseLinear, Relu
from regimes.regions.plane import plane_cells, plane_regions

from ._nets import ACTIVATIONS, four, he, integer_layers

BOX = (-1.0, 2.0, -1.5, 1.0)


@pytest.mark.parametrize("activation", ACTIVATIONS)
@pytest.mark.parametrize("box", [None, BOX])
@pytest.mark.parametrize("widths", [[3, 3], [4], [2, 2, 2]])
def test_plane_agrees_with_rationals(activation, box, widths):
    widths = [2, 2] if isinstance(activation, Maxout) else widths
    for seed in range(4):
        network = he(widths, inputs=2, seed=seed, activation=activation, outputs=seed % 3 or None)
        floats = plane_regions(network, box).counts
        assert floats.ties == 0
        assert four(floats) == four(exact_plane(ExactNetwork.of(network), box))
        assert plane_cells(network, box) == (floats.cells, 0)


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(integer_layers(inputs=2, widest=3), st.sampled_from([None, (-1, 2, -1, 2)]))
def test_plane_agrees_with_rationals_on_integers(layers, box):
    network = PiecewiseLinear.from_layers(*layers)
    floats, exact = plane_regions(network, box).counts, exact_plane(ExactNetwork.from_layers(*layers), box)
    assert four(floats) == four(exact)
    assert plane_cells(network, box)[0] == exact.cells
    assert exact.distinct_maps <= exact.linear_pieces <= exact.patterns == exact.cells


@pytest.mark.parametrize("units", [1, 2, 3, 6, 20])
def test_shallow_networks_reach_zaslavsky(units):
    network = he([units], inputs=2, seed=units)
    expected = sum(math.comb(units, j) for j in range(3))
    assert plane_regions(network).counts.cells == plane_cells(network)[0] == expected


def test_zero_biases_give_a_fan():
    network = he([6, 5], inputs=2, bias=0.0, seed=1)
    counts = plane_regions(network).counts
    assert counts.ties > 0 and counts.cells == exact_plane(ExactNetwork.of(network)).cells
    assert plane_cells(network) == (counts.cells, counts.ties)
    assert plane_regions(he([5], inputs=2, bias=0.0)).counts.cells == 10


def test_equal_and_parallel_rows():
    layers = [[[1, 0], [1, 0], [2, 0], [0, 1]]], [[0, 0, -2, 1]]
    counts = plane_regions(PiecewiseLinear.from_layers(*layers)).counts
    assert counts.cells == 6 and counts.ties > 0
    assert four(counts) == four(exact_plane(ExactNetwork.from_layers(*layers)))
    parallel = [[[1, 2], [1, 2], [1, 2]]], [[0, 1, 5]]
    assert plane_regions(PiecewiseLinear.from_layers(*parallel)).counts.cells == 4
    assert plane_cells(PiecewiseLinear.from_layers(*parallel))[0] == 4


def test_three_concurrent_lines_of_the_last_layer_are_a_tie():
    # They meet where no earlier vertex is: 6 cells, where general position has 7.
    network = PiecewiseLinear.from_layers([[[2, 2], [0, 2], [2, 0]]], [[1, 1, 0]])
    cells, ties = plane_cells(network)
    assert cells == 6 and ties > 0


def test_a_hidden_kink_of_maxout_is_no_wall():
    # Found by Hypothesis: the zero set of a later argument runs along the kink that another argument hides.
    layers = [[[0, 0], [0, 1], [0, 0], [0, 0], [0, 0], [0, 1]], [[-2, 0], [0, 1], [0, 0], [-1, 0], [-3, 1], [0, 0]]]
    biases = [[0, -1, 0, 0, 0, 0], [1, -3, 0, 0, 0, 0]]
    counts = plane_regions(PiecewiseLinear.from_layers(layers, biases, Maxout(3))).counts
    assert four(counts) == four(exact_plane(ExactNetwork.from_layers(layers, biases, Maxout(3)))) == (5, 5, 5, 5)


def test_a_unit_that_vanishes_on_a_cell_is_off():
    layers = [[[1, 1], [1, 0], [-1, 0]], [[0, 1, -1], [0, -1, 1]]], [[1, 0, -1], [1, -1]], Leaky(-1)
    counts = plane_regions(PiecewiseLinear.from_layers(*layers)).counts
    assert four(counts) == four(exact_plane(ExactNetwork.from_layers(*layers)))


def test_a_strip_is_one_cell():
    # One line, then a second layer that is zero beyond it: no bounded vertex at all.
    layers = [[[1, 1]], [[1]]], [[0], [-1]]
    counts = plane_regions(PiecewiseLinear.from_layers(*layers)).counts
    assert four(counts) == four(exact_plane(ExactNetwork.from_layers(*layers))) == (3, 3, 2, 2)


def test_dead_network():
    network = PiecewiseLinear.from_layers([[[0, 0]]], [[-1]])
    assert four(plane_regions(network).counts) == (1, 1, 1, 1)
    assert plane_cells(network) == (1, 0)


def test_a_large_enough_box_is_the_plane():
    network = he([4, 4, 4], inputs=2, seed=2)
    whole = plane_regions(network).counts.cells
    cells = [plane_regions(network, (-s, s, -s, s)).counts.cells for s in (10.0, 1e3, 1e9)]
    assert cells == sorted(cells) and cells[-1] == whole


@pytest.mark.parametrize("activation", [Relu(), Leaky(0.1), Maxout(3)])
def test_polygons_tile_the_box_and_carry_the_map(activation):
    network = he([5, 4], inputs=2, seed=7, activation=activation, outputs=1)
    regions = plane_regions(network, BOX)
    polygons = regions.polygons()
    area = 0.0
    for corners, piece in polygons:
        x, y = corners.T
        area += (x * np.roll(y, -1) - y * np.roll(x, -1)).sum() / 2
        assert 0 <= piece < regions.counts.linear_pieces
    assert area == pytest.approx((BOX[1] - BOX[0]) * (BOX[3] - BOX[2]))
    assert len({piece for _, piece in polygons}) == regions.counts.linear_pieces


def test_edges_of_a_picture_are_breakpoints_of_a_line():
    network = he([6, 6], inputs=2, seed=9)
    origin, direction = torch.tensor([0.1, -0.2], dtype=torch.double), torch.tensor([1.0, 0.37], dtype=torch.double)
    on_line = line_regions(network.restricted_to_line(origin, direction), (-1.0, 1.5))
    regions = plane_regions(network, (-2.0, 2.0, -2.0, 2.0))
    crossed = 0
    for corners, _ in regions.polygons():
        height = (corners - origin.numpy()) @ np.array([-0.37, 1.0])
        along = (corners - origin.numpy()) @ direction.numpy() / float(direction @ direction)
        if height.min() < 0 < height.max():
            ends = []
            for (h, t), (g, s) in itertools.pairwise([*zip(height, along, strict=True), (height[0], along[0])]):
                if h * g < 0:
                    ends.append(t + (s - t) * h / (h - g))
            crossed += max(min(ends), -1.0) < min(max(ends), 1.5)
    assert crossed == on_line.cells[0]


def test_a_plane_in_five_dimensions():
    network = he([5, 5], inputs=5, seed=3)
    plane = network.restricted_to_plane(torch.zeros(5), torch.randn(5, 2, dtype=torch.double))
    assert plane_regions(plane).counts.cells == exact_plane(ExactNetwork.of(plane)).cells


def test_mean_cells_of_two_layers():
    # 1 + n1 + n2 (1-2^-n1) + C(n1,2) + n1 n2 (1-2^(1-n1)) + C(n2,2) (1-(1+n1) 2^-n1) at [4, 4]: 32.875
    network = he([4, 4], replicates=400, inputs=2, seed=21)
    cells = np.array([plane_cells(network, index=k)[0] for k in range(400)])
    assert abs(cells.mean() - 32.875) < 6 * cells.std() / 20
