"""Random networks for the tests of the counters, and what they must agree on."""

from __future__ import annotations

import numpy as np
import torch
from hypothesis import strategies as st

from regimes.regions.counts import Counts
from regimes.regions.line import LineRegions
from regimes.regions.network import RELU, Activation, Leaky, Maxout, PiecewiseLinear, rows_per_unit

ACTIVATIONS = (RELU, Leaky(0.25), Leaky(-1.0), Maxout(2), Maxout(3))


def he(
    widths, replicates=1, inputs=1, seed=0, activation: Activation = RELU, bias=1.0, outputs: int | None = 1
) -> PiecewiseLinear:
    """Gaussian weights of variance 2/fan_in and Gaussian biases."""
    generator = torch.Generator().manual_seed(seed)
    rank, fan_in, weights, biases = rows_per_unit(activation), inputs, [], []
    for width in widths:
        shape = (replicates, width * rank)
        weights.append(torch.randn(*shape, fan_in, generator=generator, dtype=torch.double) * (2 / fan_in) ** 0.5)
        biases.append(bias * torch.randn(*shape, generator=generator, dtype=torch.double))
        fan_in = width
    readout = None if outputs is None else torch.randn(replicates, outputs, fan_in, generator=generator, dtype=torch.double)
    return PiecewiseLinear(tuple(weights), tuple(biases), activation, readout)


def four(counts: Counts | LineRegions, index: int = 0) -> tuple[int, int, int, int]:
    """cells, patterns, linear pieces, distinct maps."""
    names = ("cells", "patterns", "linear_pieces", "distinct_maps")
    values = (getattr(counts, name) for name in names)
    return tuple(int(v[index]) if isinstance(v, np.ndarray) else int(v) for v in values)  # type: ignore[return-value]


@st.composite
def integer_layers(draw, inputs: int, deepest: int = 3, widest: int = 4):
    """(weights, biases, activation, readout) with small integers, full of coincidences."""
    activation = draw(st.sampled_from(ACTIVATIONS))
    rank, fan_in, weights, biases = rows_per_unit(activation), inputs, [], []
    entry = st.integers(-3, 3)
    for width in draw(st.lists(st.integers(1, widest), min_size=1, max_size=deepest)):
        row = st.lists(entry, min_size=fan_in, max_size=fan_in)
        weights.append(draw(st.lists(row, min_size=width * rank, max_size=width * rank)))
        biases.append(draw(st.lists(entry, min_size=width * rank, max_size=width * rank)))
        fan_in = width
    readout = draw(st.none() | st.lists(st.lists(entry, min_size=fan_in, max_size=fan_in), min_size=1, max_size=2))
    return weights, biases, activation, readout
