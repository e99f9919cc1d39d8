import itertools
import math

import numpy as np
import pytest

from regimes.regions.cells import deepest, space_regions
from regimes.regions.exact import ExactNetwork, exact_line
from regimes.regions.exact_plane import exact_plane
from regimes.regions.line import line_regions
from regimes.regions.network import Maxout, PiecewiseLinear
from regimes.regions.plane import plane_regions

from ._nets import ACTIVATIONS, four, he


@pytest.mark.parametrize(("units", "inputs", "expected"), [(6, 2, 22), (5, 3, 26), (6, 4, 57), (4, 5, 16)])
def test_shallow_networks_reach_zaslavsky(units, inputs, expected):
    assert expected == sum(math.comb(units, j) for j in range(inputs + 1))
    counts = space_regions(he([units], inputs=inputs, seed=1)).counts
    assert (counts.cells, counts.patterns, counts.ties) == (expected, expected, 0)


@pytest.mark.parametrize("activation", ACTIVATIONS)
@pytest.mark.parametrize("box", [None, (-1.0, 1.5)])
def test_space_agrees_with_plane_and_line(activation, box):
    widths = [2, 2] if isinstance(activation, Maxout) else [3, 3]
    plane, line = (he(widths, inputs=n, seed=4, activation=activation, outputs=n) for n in (2, 1))
    ends = None if box is None else (box[0], box[1], box[0], box[1])
    low_high = None if box is None else (np.array(box[0]), np.array(box[1]))
    assert four(space_regions(plane, low_high).counts) == four(plane_regions(plane, ends).counts)
    assert four(space_regions(line, low_high).counts) == four(line_regions(line, box))


@pytest.mark.parametrize("widths", [[4], [2, 3], [3, 2], [2, 2, 2]])
@pytest.mark.parametrize("inputs", [1, 2, 3])
def test_every_pattern_tried_by_brute_force(widths, inputs):
    # All 2^N sign vectors, each by one program over its own affine functions.
    network = he(widths, inputs=inputs, seed=sum(widths) + inputs)
    layers = [layer[0] for layer in network.layers()]
    found = set()
    for pattern in itertools.product((0, 1), repeat=sum(widths)):
        maps, walls, start = np.eye(inputs, inputs + 1), [], 0
        possible = True
        for layer in layers:
            rows = layer[:, :-1] @ maps
            rows[:, -1] += layer[:, -1]
            states = np.array(pattern[start : start + len(rows)])
            start += len(rows)
            signed = rows * np.where(states == 1, 1, -1)[:, None]
            norms = np.linalg.norm(signed[:, :-1], axis=1)
            possible &= bool((signed[norms == 0, -1] > 0).all())
            walls.append(signed[norms > 0] / norms[norms > 0, None])
            maps = rows * states[:, None]
        if possible and deepest(np.concatenate(walls))[1] > 1e-7:
            found.add(pattern)
    regions = space_regions(network)
    assert found == set(map(tuple, regions.patterns.tolist()))
    if inputs == 2:
        assert exact_plane(ExactNetwork.of(network)).cells == len(found)
    if inputs == 1:
        assert exact_line(ExactNetwork.of(network)).counts.cells == len(found)


def test_inner_points_have_their_pattern():
    network = he([4, 3], inputs=3, seed=2)
    regions = space_regions(network)
    h, signs = regions.inner, []
    for w, b in zip(network.weights, network.biases, strict=True):
        z = h @ w[0].numpy().T + b[0].numpy()
        signs.append(z > 0)
        h = np.maximum(z, 0)
    assert np.array_equal(np.concatenate(signs, 1), regions.patterns == 1)
    assert network.readout is not None
    maps = regions.maps.maps[0]
    values = np.einsum("cmn,cn->cm", maps[..., :-1], regions.inner) + maps[..., -1]
    assert np.allclose(values, h @ network.readout[0].numpy().T)


def test_zero_biases_touch_at_the_origin():
    regions = space_regions(he([4], inputs=2, bias=0.0))
    assert regions.counts.cells == 8 and regions.ties > 0


def test_equal_rows_are_ties():
    network = PiecewiseLinear.from_layers([[[1, 0, 0], [1, 0, 0], [0, 1, 1]]], [[1, 1, 0]])
    regions = space_regions(network)
    assert regions.counts.cells == 4 and regions.ties > 0


def test_cells_of_equal_map_merge_only_across_a_common_facet():
    # A tent with dead flats on both sides: the flats share the map 0 and do not touch.
    layers = [[[1, 0], [1, 0], [1, 0]], [[1, -2, 1]]], [[0, -1, -2], [-0.25]]
    counts = space_regions(PiecewiseLinear.from_layers(*layers)).counts
    assert four(counts) == four(exact_plane(ExactNetwork.from_layers(*layers)))
    assert counts.distinct_maps < counts.linear_pieces < counts.cells
