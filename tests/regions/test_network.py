from fractions import Fraction

import numpy as np
import pytest
import torch

from regimes.errors import RegimesError
from regimes.regions.cells import space_regions
from regimes.regions.exact import ExactNetwork, exact_line
from regimes.regions.exact_plane import exact_plane
from regimes.regions.line import line_regions
from regimes.regions.network import Leaky, Maxout, PiecewiseLinear, RegionsError
from regimes.regions.plane import plane_cells, plane_regions

from ._nets import he

ONE = [[[1.0]]], [[0.0]]
TWO = [[[1.0, 0.0]]], [[0.0]]


def test_entries_may_be_rational():
    network = PiecewiseLinear.from_layers([[[Fraction(1, 4)]], [[2]]], [[0.5], [Fraction(-1, 2)]])
    assert network.weights[0].dtype == torch.float64
    assert (network.replicates, network.inputs, network.widths) == (1, 1, (1, 1))


def test_restrictions_are_the_network_on_the_line():
    network = he([5, 4], replicates=3, inputs=6, seed=1)
    origin, direction = torch.randn(6, dtype=torch.double), torch.randn(6, dtype=torch.double)
    line = network.restricted_to_line(origin, direction)
    plane = network.restricted_to_plane(origin, torch.stack([direction, torch.ones(6, dtype=torch.double)], 1))
    for t in (-1.5, 0.0, 2.0):
        x = network.weights[0] @ (origin + t * direction) + network.biases[0]
        assert torch.allclose(x, line.weights[0][:, :, 0] * t + line.biases[0])
        assert torch.allclose(x, plane.weights[0][:, :, 0] * t + plane.biases[0])


def test_rescaling_by_powers_of_two_changes_no_count():
    network = he([6, 6], replicates=4, seed=2)
    scale = torch.tensor([2.0**-40, 2.0**30, 1.0, 2.0**-3, 2.0**20, 2.0], dtype=torch.double)
    first, second = network.weights
    scaled = PiecewiseLinear(
        (first * scale[:, None], second / scale), (network.biases[0] * scale, network.biases[1]), readout=network.readout
    )
    a, b = line_regions(network), line_regions(scaled)
    assert np.array_equal(a.breakpoints, b.breakpoints, equal_nan=True)
    assert np.array_equal(a.linear_pieces, b.linear_pieces) and not b.ties.any()


@pytest.mark.parametrize(
    ("make", "sentence"),
    [
        (lambda: PiecewiseLinear.from_layers([[[float("nan")]]], [[0]]), "weights of layer 1 contain NaN or infinity"),
        (lambda: PiecewiseLinear.from_layers([[[1]]], [[float("inf")]]), "biases of layer 1 contain NaN or infinity"),
        (lambda: PiecewiseLinear.from_layers(*ONE, readout=[[float("nan")]]), "the read-out contain"),
        (lambda: PiecewiseLinear.from_layers([], []), "at least one layer"),
        (lambda: PiecewiseLinear((torch.zeros(1, 0, 2),), (torch.zeros(1, 0),)), "every width must be at least 1"),
        (lambda: PiecewiseLinear((torch.zeros(2, 2),), (torch.zeros(2),)), "weights are (R, rows, columns)"),
        (lambda: PiecewiseLinear.from_layers([[[1]], [[1, 2]]], [[0], [0]]), "layer 2 must have weights (1, rows, 1)"),
        (lambda: PiecewiseLinear.from_layers([[[1]]], [[0, 1]]), "biases (1, rows)"),
        (lambda: PiecewiseLinear.from_layers([[[1], [2, 3]]], [[0, 1]]), "rectangular"),
        (lambda: PiecewiseLinear.from_layers(*ONE, readout=[[1, 2]]), "the read-out must be (1, m, 1)"),
        (lambda: PiecewiseLinear.from_layers(*ONE, Maxout(2)), "not a multiple of the maxout rank 2"),
        (lambda: PiecewiseLinear.from_layers(*ONE, Maxout(1)), "rank of at least 2"),
        (lambda: PiecewiseLinear.from_layers(*ONE, Leaky(float("nan"))), "slope of a leaky ReLU must be finite"),
        (lambda: line_regions(PiecewiseLinear.from_layers(*TWO)), "restricted_to_line"),
        (lambda: plane_regions(PiecewiseLinear.from_layers(*ONE)), "restricted_to_plane"),
        (lambda: plane_cells(PiecewiseLinear.from_layers(*TWO), index=1), "index counts from 0"),
        (lambda: plane_regions(PiecewiseLinear.from_layers(*TWO), (0, 0, 0, 1)), "low < high"),
        (lambda: plane_regions(PiecewiseLinear.from_layers(*TWO)).polygons(), "give a box"),
        (lambda: line_regions(PiecewiseLinear.from_layers(*ONE), (1.0, 1.0)), "finite a < b"),
        (lambda: line_regions(PiecewiseLinear.from_layers(*ONE), (0.0, float("inf"))), "None is the whole line"),
        (lambda: space_regions(he([2], inputs=6)), "1 to 5 inputs and this one has 6"),
        (lambda: space_regions(he([2], inputs=3), ([0, 0, 0], [1, 0, 1])), "low < high in every coordinate"),
        (lambda: exact_line(ExactNetwork.from_layers(*TWO)), "restrict it to a line"),
        (lambda: exact_line(ExactNetwork.from_layers(*ONE), (2, 1)), "a < b"),
        (lambda: exact_plane(ExactNetwork.from_layers(*ONE)), "restrict it to a plane"),
        (lambda: exact_plane(ExactNetwork.from_layers(*TWO), (0, 1, 1, 0)), "low < high"),
        (lambda: he([2], inputs=3).restricted_to_line(torch.zeros(3), torch.zeros(3)), "degenerate"),
        (lambda: he([2], inputs=3).restricted_to_line(torch.zeros(2), torch.ones(2)), "3 coordinates"),
        (lambda: he([2], inputs=3).restricted_to_plane(torch.zeros(3), torch.ones(3, 1)), "two basis vectors"),
    ],
)
def test_bad_inputs_get_a_sentence(make, sentence):
    with pytest.raises(RegionsError) as caught:
        make()
    assert sentence in str(caught.value)
    assert isinstance(caught.value, RegimesError) and "\n" not in str(caught.value)


def test_too_large_counts_are_refused_with_the_estimate():
    with pytest.raises(RegionsError, match=r"needs about .* GB and the limit is 0\.0001 GB; raise memory_limit"):
        line_regions(he([64, 64, 64]), memory_limit=1e5)
    with pytest.raises(RegionsError, match="raise memory_limit"):
        plane_regions(he([32, 32], inputs=2), memory_limit=1e5)
    with pytest.raises(RegionsError, match="raise memory_limit"):
        plane_cells(he([32, 32], inputs=2), memory_limit=1e5)
    with pytest.raises(RegionsError, match="at least 11 cells and the limit is 10"):
        space_regions(he([6], inputs=2), most_cells=10)
    with pytest.raises(RegionsError, match="the limit is 3; raise most_cells"):
        exact_line(ExactNetwork.of(he([6])), most_cells=3)
